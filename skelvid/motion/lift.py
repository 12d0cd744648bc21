"""2D keypoints over time go in, a SKEL motion comes out: the lifter.

A film is thinned to about 30 frames/s in as many interleaved passes as it takes to lift every frame, cut into windows
that overlap by half, lifted also in the mirror, and put together again. Live, or when `causal`, each frame is lifted as
the last one of a window of its past.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation
from torch import Tensor

from skelvid.body.ball_rotation import rotation_from_six
from skelvid.body.dofs import joint_dofs, mirror_index_and_sign
from skelvid.body.joint_rotation import joint_q
from skelvid.body.keypoints import keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.body.start import continuous, joint_angles
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import CONTACT_POINTS, Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.errors import VideoError, WeightsError
from skelvid.motion.lift_input import MIRROR_SLOT, SAME_PLACE, SLOTS, make_input
from skelvid.motion.lift_network import BALLS, PLAIN_DOFS, Lifted, LiftNetwork
from skelvid.motion.swaps import set_sides_right
from skelvid.network_file import read_network
from skelvid.series import short_gaps
from skelvid.weights import network_path

FORMAT = "skelvid-lifter/1"
WINDOW = 48
RATE_HZ = 30.0
BATCH = 16
MIN_POINTS = 6
BRIDGED_S = 0.5
FLICKER_S = 0.1

_MIRROR_INDEX, _MIRROR_SIGN = mirror_index_and_sign()
_MIRROR_PLAIN = [PLAIN_DOFS.index(int(_MIRROR_INDEX[d])) for d in PLAIN_DOFS]
_MIRROR_CONTACT = [2, 3, 0, 1]


@dataclass(frozen=True)
class _Sums:
    """Weighted sums over the windows that a frame is in."""

    weight: Float[Tensor, "t"]
    ball_rot: Float[Tensor, "t 3 3 3"]
    angles: Float[Tensor, "t n"]
    log_sigma: Float[Tensor, "t 46"]
    contact: Float[Tensor, "t 4"]
    up: Float[Tensor, "t 3"]
    betas: Float[Tensor, "10"]

    @classmethod
    def none(cls, frames: int) -> "_Sums":
        """Return sums of nothing."""
        return cls(
            weight=torch.zeros(frames),
            ball_rot=torch.zeros(frames, len(BALLS), 3, 3),
            angles=torch.zeros(frames, len(PLAIN_DOFS)),
            log_sigma=torch.zeros(frames, N_DOFS),
            contact=torch.zeros(frames, len(CONTACT_POINTS)),
            up=torch.zeros(frames, 3),
            betas=torch.zeros(N_BETAS),
        )

    def rows(self, index: slice) -> "_Sums":
        """Return the sums of some frames; the shape is everyone's."""
        return replace(self, **{f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "betas"})


class Lifter:
    """Lifts one person's keypoints to a motion of the SKEL body.

    Args:
        network: Trained weights.
        body: The body whose shape and joints the network tells.
        sigma_scale: `46`, what the network's standard deviations are multiplied by, from held-out people.
        mirror: Lift everything in the mirror too and take the mean: a little better, at twice the cost.
    """

    def __init__(
        self, network: LiftNetwork, body: SkelBody, *, sigma_scale: Float[Tensor, "46"], mirror: bool = True
    ) -> None:
        self.network, self.body, self.mirror = network.eval(), body, mirror
        self._log_scale = sigma_scale.log()
        self._points = keypoint_points(body, SLOTS)

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        body: str = "neutral",
        mirror: bool = True,
        device: torch.device | str = "cpu",
    ) -> "Lifter":
        """Load weights: those that ship, or a file; network and body live on the device, all else on the CPU.

        Raises:
            WeightsError: The file is no lifter, or is damaged.
        """
        path = network_path(path or "lifter")
        about, state = read_network(path, kind="lifter", form=FORMAT)
        try:
            network, scale = LiftNetwork(**json.loads(about["settings"])), state.pop("sigma_scale")
            network.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{path} does not fit the lifter's network: {error}") from error
        return cls(network.to(device), load_body(body, device=device), sigma_scale=scale, mirror=mirror)

    def __call__(self, track: KeypointTrack, camera: Camera, *, causal: bool = False) -> Motion:
        """Lift a track.

        Frames without points in gaps of up to half a second are told by their neighbours; longer gaps stay gaps.

        Args:
            track: Keypoints of any source.
            camera: Who took the pictures.
            causal: Use only the past of each frame.

        Raises:
            VideoError: The person is seen in no frame.
        """
        rays, score = to_slots(track.keypoints, camera)
        if not causal:
            rays, score = set_sides_right(rays, score, track.time_s)
            rays, score = _flickers_filled(rays, score, track.time_s)
        windows = list(_windows(track.time_s, causal=causal))
        sums = self._lift(rays, score, torch.as_tensor(track.time_s), windows)
        return self._motion(track, camera, rays=rays, score=score, sums=sums)

    def last(self, track: KeypointTrack, camera: Camera) -> Motion:
        """Lift the last frame of a track by its past, for live use; the motion has one row.

        Raises:
            VideoError: The person is seen in no frame of the last window.
        """
        rays, score = to_slots(track.keypoints, camera)
        window = _past(len(track), _stride(track.time_s))
        sums = self._lift(rays, score, torch.as_tensor(track.time_s), [window])
        end = slice(len(track) - 1, None)
        here = KeypointTrack(track.person_id, track.time_s[end], track.keypoints[end])
        return self._motion(here, camera, rays=rays[end], score=score[end], sums=sums.rows(end))

    @torch.inference_mode()
    def _lift(self, rays: Tensor, score: Tensor, time_s: Tensor, windows: list["_Window"]) -> _Sums:
        """Lift windows in batches of one length and sum what they say of each frame."""
        showing = [w for w in windows if bool((score[w.frames] > 0).any())]
        if not showing:
            raise VideoError("no frame shows enough of the person to lift")
        sums = _Sums.none(len(rays))
        for batch in _batches(showing):
            frames = torch.stack([w.frames for w in batch])
            tell = torch.stack([w.weight for w in batch])
            relative_s = (time_s[frames] - time_s[frames[:, :1]]).float()
            seen = [(rays[frames], score[frames])]
            if self.mirror:
                mirrored = rays[frames][:, :, list(MIRROR_SLOT)] * rays.new_tensor([-1.0, 1.0])
                seen.append((mirrored, score[frames][:, :, list(MIRROR_SLOT)]))
            # Both at once: live, asking the network takes longer than what it then has to do.
            all_rays, all_score = (torch.cat(values) for values in zip(*seen, strict=True))
            told, camera_rot = self._tell(all_rays, all_score, relative_s.repeat(len(seen), 1))
            here, there = slice(len(batch)), slice(len(batch), None)
            _add(sums, _rows(told, here), camera_rot[here], frames=frames, weight=tell)
            if self.mirror:
                _add(sums, *_unmirrored(_rows(told, there), camera_rot[there]), frames=frames, weight=tell)
        return sums

    def _tell(self, rays: Tensor, score: Tensor, time_s: Tensor) -> tuple[Lifted, Tensor]:
        """Return what the network says, and the rotations from its virtual cameras to the real one."""
        given = make_input(*(value.to(self.body.device) for value in (rays, score, time_s)))
        return _each(self.network(given), lambda value: value.cpu()), given.view_rot.mT.cpu()

    def _motion(self, track: KeypointTrack, camera: Camera, *, rays: Tensor, score: Tensor, sums: _Sums) -> Motion:
        told = sums.weight > 0
        weight = sums.weight.clamp_min(1e-9)
        ball_rot = sums.ball_rot.clone()
        ball_rot[~told] = torch.eye(3)
        ball_rot = rotation_from_six(ball_rot[..., :2].mT.flatten(-2))
        q = torch.zeros((len(weight), N_DOFS))
        q[:, PLAIN_DOFS] = sums.angles / weight[:, None]
        q[:, joint_dofs("pelvis")] = joint_angles(self.body, 0, ball_rot[:, 0].to(self.body.device)).cpu()
        for i, ball in enumerate(BALLS[1:], start=1):
            turned = Rotation.from_matrix(ball_rot[:, i].double().numpy())
            q[:, joint_dofs(ball)] = torch.as_tensor(joint_q(turned, ball)).float()
        q = continuous(q)
        betas = (sums.betas / weight[told].sum())[None]
        trans = place(self.body, self._points, SkelParams(q, betas, torch.zeros(1, 3)), rays=rays, score=score)
        seen = (score > 0).any(1).numpy()
        visible = seen.copy()
        for gap in short_gaps(track.time_s, seen, max_gap_s=BRIDGED_S):
            visible[gap] = told.numpy()[gap]
        for axis in range(3):
            trans[~seen, axis] = (
                np.interp(track.time_s[~seen], track.time_s[seen], trans[seen, axis]) if seen.any() else 0
            )
        up = torch.nn.functional.normalize(sums.up, dim=-1)
        return Motion(
            track.person_id,
            track.time_s,
            SkelParams(q.double().numpy(), betas.double().numpy(), trans),
            visible,
            camera=camera,
            q_sigma_rad=(sums.log_sigma / weight[:, None] + self._log_scale).exp().double().numpy(),
            contact=torch.sigmoid(sums.contact / weight[:, None]).double().numpy(),
            up=up.double().numpy(),
        )


def to_slots(keypoints: Keypoints2D, camera: Camera) -> tuple[Float[Tensor, "t k 2"], Float[Tensor, "t k"]]:
    """Return viewing rays (x / z, y / z) and scores of the lifter's points.

    The score is 0 where a point is missing, and everywhere in frames with fewer than `MIN_POINTS`.
    """
    names = tuple(SAME_PLACE.get(name, name) for name in keypoints.names)
    known = [i for i, name in enumerate(names) if name in SLOTS and name not in names[:i]]
    renamed = Keypoints2D(keypoints.xy[..., known, :], keypoints.score[..., known], tuple(names[i] for i in known))
    picked = renamed.pick(SLOTS)
    rays = (picked.xy - np.asarray(camera.center_px)) / camera.focal_px
    there = picked.score > 0.0
    score = np.where(there & (there.sum(-1, keepdims=True) >= MIN_POINTS), picked.score, 0.0)
    return torch.as_tensor(np.nan_to_num(rays)).float(), torch.as_tensor(score).float()


def _flickers_filled(
    rays: Float[Tensor, "t k 2"], score: Float[Tensor, "t k"], time_s: Float[np.ndarray, "t"]
) -> tuple[Float[Tensor, "t k 2"], Float[Tensor, "t k"]]:
    """Fill points that are missing for a moment in a straight line, with the scores around them.

    Frames next to each other are lifted in different passes: what one of them misses, alone, makes the motion shake.
    """
    rays, score = rays.clone(), score.clone()
    for k in np.flatnonzero((score == 0).any(0).numpy() & (score > 0).any(0).numpy()):
        there = (score[:, k] > 0).numpy()
        for gap in short_gaps(time_s, there, max_gap_s=FLICKER_S):
            for values in (rays[:, k, 0], rays[:, k, 1], score[:, k]):
                filled = np.interp(time_s[gap], time_s[there], values[there].numpy())
                values[gap] = torch.as_tensor(filled).to(values)
    return rays, score


@dataclass(frozen=True)
class _Window:
    """Frames to lift together, and how much what is told of each counts."""

    frames: Int[Tensor, "w"]
    weight: Float[Tensor, "w"]


def _stride(time_s: Float[np.ndarray, "t"]) -> int:
    step_s = np.median(np.diff(time_s)) if len(time_s) > 1 else 1 / RATE_HZ
    return max(1, round(1 / (RATE_HZ * step_s)))


def _windows(time_s: Float[np.ndarray, "t"], *, causal: bool) -> Iterator[_Window]:
    """Cut a film into windows of about 30 frames/s."""
    stride = _stride(time_s)
    if causal:
        yield from (_past(end, stride) for end in range(1, len(time_s) + 1))
        return
    for phase in range(min(stride, len(time_s))):
        frames = torch.arange(phase, len(time_s), stride)
        size = min(WINDOW, len(frames))
        starts = sorted({*range(0, len(frames) - size, WINDOW // 2), len(frames) - size})
        weight = torch.hann_window(size + 2, periodic=False)[1:-1] + 0.01
        yield from (_Window(frames[start : start + size], weight) for start in starts)


def _past(end: int, stride: int) -> _Window:
    """Return the window that ends before a frame, of which only the last frame counts."""
    frames = torch.arange(max((end - 1) % stride, end - 1 - (WINDOW - 1) * stride), end, stride)
    return _Window(frames, torch.nn.functional.one_hot(torch.tensor(len(frames) - 1), len(frames)).float())


def _batches(windows: list[_Window]) -> Iterator[list[_Window]]:
    batch: list[_Window] = []
    for window in windows:
        if batch and (len(batch) == BATCH or len(batch[0].frames) != len(window.frames)):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _add(sums: _Sums, lifted: Lifted, camera_rot: Tensor, *, frames: Tensor, weight: Tensor) -> None:
    """Add what windows say, seen from the real camera."""
    at, w = frames.flatten(), weight.flatten()
    balls = lifted.ball_rot.clone()
    balls[:, :, 0] = camera_rot @ balls[:, :, 0]
    up = (camera_rot @ lifted.up[..., None])[..., 0]
    sums.weight.index_add_(0, at, w)
    for name, value in (("ball_rot", balls), ("angles", lifted.angles), ("log_sigma", lifted.log_sigma),
                        ("contact", lifted.contact), ("up", up)):  # fmt: skip
        value = value.flatten(0, 1)
        getattr(sums, name).index_add_(0, at, value * w.reshape(-1, *[1] * (value.ndim - 1)))
    sums.betas.add_((lifted.betas * weight.sum(1, keepdim=True)).sum(0))


def _each(lifted: Lifted, change: Callable[[Tensor], Tensor]) -> Lifted:
    return Lifted(**{field.name: change(getattr(lifted, field.name)) for field in fields(lifted)})


def _rows(lifted: Lifted, rows: slice) -> Lifted:
    return _each(lifted, lambda value: value[rows])


def _unmirrored(lifted: Lifted, camera_rot: Tensor) -> tuple[Lifted, Tensor]:
    """Return what was said of the person in the mirror as it is of the person."""
    flip, across = torch.tensor([-1.0, 1.0, 1.0]), torch.tensor([1.0, 1.0, -1.0])
    pelvis, right, left = lifted.ball_rot.unbind(2)
    # Template and camera have left and right along x, the frames in which arms turn along z.
    balls = torch.stack(
        [
            flip[:, None] * pelvis * flip,
            across[:, None] * left * across,
            across[:, None] * right * across,
        ],
        dim=2,
    )
    sign = torch.as_tensor(_MIRROR_SIGN[list(PLAIN_DOFS)]).float()
    return Lifted(
        balls,
        lifted.angles[..., _MIRROR_PLAIN] * sign,
        lifted.log_sigma[..., torch.as_tensor(_MIRROR_INDEX)],
        lifted.contact[..., _MIRROR_CONTACT],
        lifted.up * flip,
        lifted.betas,
    ), flip[:, None] * camera_rot * flip


def place(
    body: SkelBody,
    points: SkinnedPoints,
    params: SkelParams,
    *,
    rays: Float[Tensor, "t k 2"],
    score: Float[Tensor, "t k"],
) -> Float[np.ndarray, "t 3"]:
    """Return the translations with which posed bodies lie best on their viewing rays, m.

    Linear least squares on x - z * ray, twice reweighted so that a wild point does not pull (Geman-McClure, 5 cm).
    Frames without points get zero.
    """
    with torch.inference_mode():
        at = body.skin_points(params, points).cpu().double()
    u, weight = rays.double(), score.double()
    trust = torch.ones_like(weight)
    rows = torch.cat([torch.eye(2).double().expand(*u.shape[:2], 2, 2), -u[..., None]], dim=-1)
    right = u * at[..., 2:] - at[..., :2]
    trans = torch.zeros((len(u), 3), dtype=torch.float64)
    for _ in range(3):
        w = (weight * trust)[..., None, None]
        normal = (rows.mT @ (w * rows)).sum(1) + 1e-9 * torch.eye(3).double()
        trans = torch.linalg.solve(normal, (rows.mT @ (w * right[..., None])).sum(1))[..., 0]
        left = ((rows @ trans[:, None, :, None])[..., 0] - right).square().sum(-1)
        trust = (0.05**2 / (0.05**2 + left)).square()
    return trans.numpy()
