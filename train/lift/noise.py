"""What keypoint networks do wrong: true points in a camera's frame in, points and scores as a source gives them out.

Measured on real video, `train/lift/offsets.py` and its script: the largest error is where a source means its points to
be, constant in the body's segments and different between people; next are slow errors of 1 to 2 cm, larger for arms and
for feet in swing; jitter from frame to frame is small. Gross errors (points that wander, swapped sides, hidden limbs,
limbs out of the picture) are rarer than they are here: the lifter must survive them. Scores tell part of the truth.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from skelvid.body.keypoints import COCO_17, HALPE_26
from skelvid.motion.lift_input import MIRROR_SLOT, SAME_PLACE, SLOTS

SOURCES = {"mediapipe": 0.7, "coco": 0.15, "halpe": 0.15}  # and how often each is played
# Sources that follow people from frame to frame smooth, and so come late.
MOST_LATE_S = 0.02


@dataclass(frozen=True)
class _Kind:
    """Noise of a kind of point, mm: slow error, what it grows by per m/s of the point, jitter."""

    slow_mm: float
    slow_per_speed_mm: float
    jitter_mm: float


_FACE, _TRUNK, _ARM, _HAND = _Kind(10, 2, 2), _Kind(11, 2, 2), _Kind(16, 4, 3), _Kind(22, 5, 4)
_KNEE, _FOOT = _Kind(12, 4, 2.5), _Kind(9, 7, 3)
_KINDS = {
    "shoulder": _TRUNK, "hip": _TRUNK, "neck": _TRUNK, "elbow": _ARM, "wrist": _HAND, "pinky": _HAND, "index": _HAND,
    "thumb": _HAND, "knee": _KNEE, "ankle": _FOOT, "heel": _FOOT, "toe": _FOOT,
}  # fmt: skip


def _kind(name: str) -> _Kind:
    if "foot" in name:
        return _FOOT
    return next((kind for part, kind in _KINDS.items() if part in name), _FACE)


_TABLE = torch.tensor([[k.slow_mm, k.slow_per_speed_mm, k.jitter_mm] for k in map(_kind, SLOTS)]) / 1000
_MIRROR = torch.tensor(MIRROR_SLOT)
_LIMBS = [
    [i for i, name in enumerate(SLOTS) if side in name and any(part in name for part in parts)]
    for side in ("left", "right")
    for parts in (("elbow", "wrist", "pinky", "index", "thumb"), ("knee", "ankle", "heel", "foot_index", "small_toe"),
                  ("ankle", "heel", "foot_index", "small_toe"), ("heel", "foot_index", "small_toe"))
]  # fmt: skip
_FEET = sorted({i for limb in _LIMBS[3::4] + _LIMBS[2::4] for i in limb})
_LEGS = torch.tensor([any(p in name for p in ("hip", "knee", "ankle", "heel", "foot", "toe")) for name in SLOTS])


def source_slots(source: str) -> Bool[Tensor, "k"]:
    """Return which slots a source fills."""
    names = {"mediapipe": SLOTS[:33], "coco": COCO_17, "halpe": HALPE_26}[source]
    names = {SAME_PLACE.get(name, name) for name in names}
    return torch.tensor([name in names for name in SLOTS])


def observe(
    points_m: Float[Tensor, "b t k 3"],
    time_s: Float[Tensor, "b t"],
    known: Bool[Tensor, "b k"],
    g: torch.Generator,
) -> tuple[Float[Tensor, "b t k 2"], Float[Tensor, "b t k"]]:
    """Return viewing rays and scores of noisy points.

    Args:
        points_m: Points in the camera's frame, definition offsets already in.
        time_s: When.
        known: Which points the source of each window knows.
        g: Source of chance.
    """
    b, t, k, _ = points_m.shape
    strength = torch.exp(0.35 * torch.randn((b, 1, 1), generator=g))
    kind = _TABLE * strength
    step_s = torch.diff(time_s, dim=1, prepend=2 * time_s[:, :1] - time_s[:, 1:2])
    speed = torch.diff(points_m, dim=1, prepend=points_m[:, :1]).norm(dim=-1) / step_s[..., None]
    speed = torch.nn.functional.avg_pool1d(speed.transpose(1, 2), 5, 1, 2).transpose(1, 2).clamp_max(6.0)
    far = _far_side(points_m)
    slow = (kind[..., 0][:, None] + kind[..., 1][:, None] * speed) * (1 + 0.5 * far)
    correlation_s = 0.15 + 0.7 * torch.rand((b, 1, k), generator=g)
    velocity = torch.diff(points_m[..., :2], dim=1, prepend=points_m[:, :1, :, :2]) / step_s[..., None, None]
    late_s = MOST_LATE_S * torch.rand((b, 1, 1, 1), generator=g)
    error = slow[..., None] * _drift(step_s, correlation_s, g) - late_s * velocity.clamp(-6.0, 6.0)
    error += (kind[..., 2][:, None] * (1 + 0.7 * speed))[..., None] * torch.randn((b, t, k, 2), generator=g)
    error += 0.008 * torch.randn((b, 1, k, 2), generator=g)  # seen from here, of this person, all the time
    wander = (torch.rand((b, 1, k), generator=g) < 0.03) * 0.07
    error += wander[..., None] * _drift(step_s, correlation_s, g)
    lost, hidden = _hide(b, t, k, step_s, g)
    error += (hidden * 0.05)[..., None] * _drift(step_s, correlation_s, g)
    depth = points_m[..., 2:].clamp_min(0.3)
    rays = (points_m[..., :2] + error) / depth
    rays, outside = _crop(rays, depth, step_s, g)
    score = _score(error.norm(dim=-1), far, hidden | outside, g)
    swap = _bursts((b, t), 0.05, 12, g)
    swapped = (swap[..., None] & _LEGS)[..., None]
    rays = torch.where(swapped, rays[:, :, _MIRROR], rays)
    there = known[:, None] & ~lost
    return torch.where(there[..., None], rays, 0.0), torch.where(there, score, 0.0)


def _drift(step_s: Tensor, correlation_s: Tensor, g: torch.Generator) -> Float[Tensor, "b t k 2"]:
    """Return unit noise that forgets itself over `correlation_s` (Ornstein and Uhlenbeck)."""
    b, t = step_s.shape
    k = correlation_s.shape[-1]
    keep = torch.exp(-step_s[:, :, None] / correlation_s)
    fresh = torch.randn((t, b, k, 2), generator=g) * (1 - keep**2).sqrt().movedim(1, 0)[..., None]
    state = torch.randn((b, k, 2), generator=g)
    out = []
    for i in range(t):
        state = keep[:, i, :, None] * state + fresh[i]
        out.append(state)
    return torch.stack(out, dim=1)


def _far_side(points_m: Tensor) -> Float[Tensor, "b t k"]:
    """Say how far a point's side is turned away, 0 to 1: how much deeper it lies than its mirror point."""
    deeper = points_m[..., 2] - points_m[:, :, _MIRROR, 2]
    return (deeper / 0.3).clamp(0, 1)


def _hide(b: int, t: int, k: int, step_s: Tensor, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return which points are missing, and which are only guessed by the source."""
    lost = torch.rand((b, t, k), generator=g) < 0.02 * torch.rand((b, 1, 1), generator=g)
    lost |= _bursts((b, t), 0.08, 20, g)[..., None]  # nobody found at all
    lost |= torch.rand((b, 1, k), generator=g) < 0.02  # a point that never comes
    hidden = torch.zeros((b, t, k), dtype=torch.bool)
    for limb in _LIMBS:
        away = _bursts((b, t), 0.05, 48, g)
        gone = (torch.rand((b, 1), generator=g) < 0.5) & away
        lost[:, :, limb] |= gone[..., None]
        hidden[:, :, limb] |= away[..., None]
    return lost, hidden


def _bursts(shape: tuple[int, int], probability: float, longest: int, g: torch.Generator) -> Bool[Tensor, "b t"]:
    """Return, in a share of the rows, one run of frames."""
    b, t = shape
    start = torch.rand((b, 1), generator=g) * t
    length = 1 + torch.rand((b, 1), generator=g) * longest
    at = torch.arange(t)
    on = torch.rand((b, 1), generator=g) < probability
    return on & (at >= start.floor()) & (at < start + length)


def _crop(rays: Tensor, depth: Tensor, step_s: Tensor, g: torch.Generator) -> tuple[Tensor, Bool[Tensor, "b t k"]]:
    """End some pictures at the shins or higher: what lies below is guessed, near the edge."""
    b = len(rays)
    on = torch.rand((b, 1, 1), generator=g) < 0.06
    low, high = rays[..., 1].amin((1, 2)), rays[..., 1].amax((1, 2))
    edge = (low + (high - low) * (0.55 + 0.4 * torch.rand(b, generator=g)))[:, None, None]
    outside = on & (rays[..., 1] > edge)
    guess = 0.08 / depth[..., 0] * torch.randn(outside.shape, generator=g)
    y = torch.where(outside, edge + (rays[..., 1] - edge) * 0.6 + guess, rays[..., 1])
    return torch.stack([rays[..., 0] + outside * guess, y], dim=-1), outside


def _score(error_m: Tensor, far: Tensor, hidden: Tensor, g: torch.Generator) -> Float[Tensor, "b t k"]:
    """Return scores that fall with the error, on the far side and for hidden points, by a different rule per window."""
    b, _, k = error_m.shape

    def rule(scale: float) -> Tensor:
        return scale * torch.rand((b, 1, 1), generator=g)

    level = 0.98 - rule(0.15) - rule(4.0) * error_m.clamp_max(0.1) - rule(0.3) * far - hidden * (0.2 + rule(0.6))
    score = level - 0.05 * torch.rand((b, 1, k), generator=g)
    blunt = torch.rand((b, 1, 1), generator=g) < 0.1
    return torch.where(blunt, 1.0, score).clamp(0.02, 1.0)
