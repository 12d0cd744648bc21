"""Keypoints on their way into the lifter: viewing rays of named points in, features of a window of frames out.

Where a person stands in the picture, how far away, and through which lens is taken out as far as geometry allows: each
frame is seen by a virtual camera that looks straight at the middle of the trunk, level with the real one, and is scaled
by the person's size in the window. What was taken out is told beside it, since it bears on perspective and on gravity.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from skelvid.body.keypoints import BLAZEPOSE_33

# The lifter's own list of points; sources that know fewer leave the others missing.
SLOTS: tuple[str, ...] = (*BLAZEPOSE_33, "head", "neck", "hip", "left_small_toe", "right_small_toe")
# Names of other sets that mean the same place on the body.
SAME_PLACE = {"left_big_toe": "left_foot_index", "right_big_toe": "right_foot_index"}
_TRUNK = [SLOTS.index(f"{side}_{part}") for part in ("shoulder", "hip") for side in ("left", "right")]
_SIZE = _TRUNK + [SLOTS.index(f"{side}_{part}") for part in ("knee", "ankle") for side in ("left", "right")]
_SWAPPED = str.maketrans({"<": "right", ">": "left"})
MIRROR_SLOT: tuple[int, ...] = tuple(
    SLOTS.index(name.replace("left", "<").replace("right", ">").translate(_SWAPPED)) for name in SLOTS
)
N_FEATURES = 4 * len(SLOTS) + 6


@dataclass(frozen=True)
class LiftInput:
    """Windows of frames as the network sees them.

    Attributes:
        features: `b t f`.
        time_s: `b t`.
        seen: `b t` whether any point of the frame is there.
        view_rot: `b t 3 3` turns directions of the real camera into the virtual camera of the frame.
    """

    features: Float[Tensor, "b t f"]
    time_s: Float[Tensor, "b t"]
    seen: Bool[Tensor, "b t"]
    view_rot: Float[Tensor, "b t 3 3"]


def make_input(
    rays: Float[Tensor, "b t k 2"], score: Float[Tensor, "b t k"], time_s: Float[Tensor, "b t"]
) -> LiftInput:
    """Turn viewing rays into features.

    Args:
        rays: x / z and y / z of the points of `SLOTS` (x right, y down, z forward); anything where score is 0.
        score: In [0, 1], how far the source trusts a point; 0 = missing.
        time_s: When the frames were taken.
    """
    there = score > 0
    rays = torch.where(there[..., None], rays, 0.0)
    center, seen = _center(rays, there)
    view_rot = _look_at(center)
    x, y, z = torch.einsum(
        "btij,btkj->ibtk", view_rot, torch.cat([rays, torch.ones_like(rays[..., :1])], dim=-1)
    ).unbind(0)
    local = torch.stack([x, y], dim=-1) / z.clamp_min(0.05)[..., None]
    local = torch.where(there[..., None], local, 0.0)
    size = _size(local, there, seen)[:, None]
    middle = (center * seen[..., None]).sum(1, keepdim=True) / seen.sum(1)[:, None, None].clamp_min(1)
    # The first step is taken to be as long as the second; a single frame to be one of 30 in a second.
    step_s = torch.diff(time_s, dim=1) if time_s.shape[1] > 1 else torch.full_like(time_s, 1 / 30)
    step_s = torch.cat([step_s[:, :1], step_s], dim=1)[:, : time_s.shape[1]]
    beside = torch.cat(
        [
            (center - middle) / size[..., None],
            torch.atan(center),
            size[..., None].log().expand(*seen.shape, 1) + 1.5,  # about zero at 3.5 m
            step_s[..., None].clamp_min(1e-3).log() + 3.4,  # about zero at 30 Hz
        ],
        dim=-1,
    )
    points = (local / size[..., None, None]).clamp(-4.0, 4.0).flatten(2)
    return LiftInput(torch.cat([points, score, there.to(score), beside], dim=-1), time_s, seen, view_rot)


def _center(rays: Tensor, there: Tensor) -> tuple[Float[Tensor, "b t 2"], Bool[Tensor, "b t"]]:
    """Return the middle of the trunk, or of all points where too little of it is there, or of the window."""
    trunk = torch.zeros_like(there)
    trunk[..., _TRUNK] = there[..., _TRUNK]
    use = torch.where(trunk.sum(-1, keepdim=True) >= 2, trunk, there)
    count = use.sum(-1, keepdim=True)
    center = (rays * use[..., None]).sum(2) / count.clamp_min(1)
    seen = count[..., 0] > 0
    window = (center * seen[..., None]).sum(1, keepdim=True) / seen.sum(1)[:, None, None].clamp_min(1)
    return torch.where(seen[..., None], center, window), seen


def _look_at(center: Float[Tensor, "b t 2"]) -> Float[Tensor, "b t 3 3"]:
    """Return the rotations that bring a ray to the optical axis without rolling the horizon."""
    forward = torch.nn.functional.normalize(torch.cat([center, torch.ones_like(center[..., :1])], dim=-1), dim=-1)
    right = torch.stack([forward[..., 2], torch.zeros_like(forward[..., 0]), -forward[..., 0]], dim=-1)
    right = torch.nn.functional.normalize(right, dim=-1)
    return torch.stack([right, torch.linalg.cross(forward, right), forward], dim=-2)


def _size(local: Tensor, there: Tensor, seen: Tensor) -> Float[Tensor, "b"]:
    """Return the person's apparent size, rad: spread of trunk and legs about the centre, mean over the window."""
    use = there[..., _SIZE]
    spread = (local[..., _SIZE, :].square().sum(-1) * use).sum((1, 2)) / use.sum((1, 2)).clamp_min(1)
    everything = (local.square().sum(-1) * there).sum((1, 2)) / there.sum((1, 2)).clamp_min(1)
    return torch.where(use.any(2).any(1), spread, everything).sqrt().clamp_min(1e-3)
