"""Keypoints of a clip and a body go in, the cost of showing them there comes out.

Errors of keypoints are slow: a source means a slightly other point of the body than we do, and strays from it for
half a second at a time. So each keypoint has an unknown constant offset in its bone, and frames closer together than
the errors last do not count in full.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from skelvid.body.keypoints import keypoint_points
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.people import Keypoints2D
from skelvid.datatypes.skel import N_BETAS, SkelParams

# How far a keypoint strays from its mean place on the body, slowly, m. Parts that are not here are not used: hands and
# faces say little of the parts that are fitted.
SIGMA_M = {
    "nose": 0.020, "ear": 0.020, "neck": 0.015, "shoulder": 0.014, "elbow": 0.018, "wrist": 0.020, "hip": 0.012,
    "knee": 0.012, "ankle": 0.010, "heel": 0.012, "foot_index": 0.014, "big_toe": 0.014, "small_toe": 0.014,
}  # fmt: skip
# Points nearer to the camera than this are drawn as if they were there.
NEAREST_M = 0.2


def used_keypoints(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keypoints that `SIGMA_M` knows."""
    return tuple(name for name in names if _part(name) in SIGMA_M)


def _part(name: str) -> str:
    return name.removeprefix("left_").removeprefix("right_")


@dataclass(frozen=True)
class KeypointOffsets:
    """Where a source means its keypoints to be, relative to `skelvid.body.keypoints.keypoint_points`.

    Attributes:
        names: k keypoints; others have no known offset.
        joint: `k` bones in whose OpenSim axes (x front, y proximal, z right) the offsets are constant.
        mean_m: `k 3`.
    """

    names: tuple[str, ...]
    joint: Int[ndarray, "k"]
    mean_m: Float[ndarray, "k 3"]


@dataclass(frozen=True)
class OffsetPoints:
    """Keypoints on the body, each with a constant vector added in the axes of one bone.

    Attributes:
        points: The points as the body means them.
        joint: `k` bone of each offset.
        mean_m: `k 3` expected offsets, in the bone's OpenSim axes.
        template_rot: `k 3 3` template axes from those of the bone.
    """

    points: SkinnedPoints
    joint: Int[Tensor, "k"]
    mean_m: Float[Tensor, "k 3"]
    template_rot: Float[Tensor, "k 3 3"] = field(repr=False)

    def moved(self, offset_m: Float[Tensor, "k 3"]) -> SkinnedPoints:
        """Return the points with offsets (all of it, mean included): pairs that turn with the bone only."""
        own, k = self.points, self.points.count
        turned = (self.template_rot @ offset_m[..., None])[..., 0]
        none = own.dirs.new_zeros
        posedirs = None if own.posedirs is None else torch.cat([own.posedirs, none((k, 3, own.posedirs.shape[-1]))])
        return SkinnedPoints(
            count=k,
            joint=torch.cat([own.joint, self.joint]),
            point=torch.cat([own.point, torch.arange(k, device=own.point.device)]),
            share=torch.cat([own.share, none(k)]),
            rest=torch.cat([own.rest, turned]),
            dirs=torch.cat([own.dirs, none((k, 3, N_BETAS))]),
            posedirs=posedirs,
        )


def offset_points(body: SkelBody, names: tuple[str, ...], offsets: KeypointOffsets | None) -> OffsetPoints:
    """Compile keypoints; the offset of a point that `offsets` does not know turns with the bone that moves it most."""
    points = keypoint_points(body, names)
    share = torch.zeros((points.count, len(body.joints.joint)), dtype=body.dtype, device=body.device)
    share.index_put_((points.point, points.joint), points.share, accumulate=True)
    joint, mean = share.argmax(1), torch.zeros((points.count, 3), dtype=body.dtype, device=body.device)
    for i, name in enumerate(names):
        if offsets is not None and name in offsets.names:
            row = offsets.names.index(name)
            joint[i], mean[i] = int(offsets.joint[row]), torch.as_tensor(offsets.mean_m[row]).to(mean)
    rot = body.bone_orientation(torch.zeros((1, N_BETAS)))[0]
    return OffsetPoints(points, joint, mean, rot[joint])


@dataclass(frozen=True)
class Seen:
    """Image points and their weight.

    Attributes:
        xy_px: `t k 2`, 0 where missing.
        sigma_px: `t k` standard deviation of the slow error.
        weight: `t k` how many independent observations the point of this frame counts for; 0 = missing.
    """

    xy_px: Float[Tensor, "t k 2"]
    sigma_px: Float[Tensor, "t k"]
    weight: Float[Tensor, "t k"]

    def __getitem__(self, rows: slice | ndarray) -> "Seen":
        """Return some of the frames."""
        return Seen(self.xy_px[rows], self.sigma_px[rows], self.weight[rows])

    def to(self, device: torch.device | str) -> "Seen":
        """Return the same on a device."""
        return Seen(self.xy_px.to(device), self.sigma_px.to(device), self.weight.to(device))


def weigh_keypoints(
    keypoints: Keypoints2D,
    expected_px: Float[ndarray, "t k 2"],
    px_per_m: Float[ndarray, "t"],
    *,
    time_s: Float[ndarray, "t"],
    error_time_s: float,
    speed_sigma_s: float,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> Seen:
    """Say how far to trust each keypoint.

    Args:
        keypoints: `t k` as seen.
        expected_px: Where they should be about; how fast they move is taken from here, free of noise and gaps.
        px_per_m: Apparent size of the body.
        time_s: When.
        error_time_s: How long an error lasts.
        speed_sigma_s: Error per speed: how late or early a moving point is.
        scale: Factor on all errors.
        dtype: Of the result.
    """
    sigma_m = np.array([SIGMA_M[_part(name)] for name in keypoints.names])
    speed = np.linalg.norm(np.gradient(expected_px, time_s, axis=0), axis=-1)
    sigma = scale * np.hypot(sigma_m * px_per_m[:, None], speed_sigma_s * speed) / np.clip(keypoints.score, 0.2, 1.0)
    weight = (keypoints.score > 0) * np.minimum(frame_time_s(time_s) / error_time_s, 1.0)[:, None]
    return Seen(*(torch.as_tensor(v, dtype=dtype) for v in (np.nan_to_num(keypoints.xy), sigma, weight)))


def frame_time_s(time_s: Float[ndarray, "t"]) -> Float[ndarray, "t"]:
    """Return how much time each frame stands for.

    >>> frame_time_s(np.array([0.0, 1.0, 3.0]))
    array([0.5, 1.5, 1. ])
    """
    half = np.diff(time_s) / 2
    return np.concatenate([half, [0.0]]) + np.concatenate([[0.0], half])


@dataclass(frozen=True)
class Rows:
    """Linearised residuals of t frames, whitened: cost = |residual|^2 / 2.

    Attributes:
        cost: Their robust cost.
        residual: `t m`.
        jacobian: `t c m`, for some c parameters.
    """

    cost: float
    residual: Float[Tensor, "t m"]
    jacobian: Float[Tensor, "t c m"]


def reproject(
    body: SkelBody,
    params: SkelParams,
    points: OffsetPoints,
    offset_m: Float[Tensor, "k 3"],
    *,
    camera: Camera,
    seen: Seen,
    robust: float,
) -> Rows:
    """Linearise the robust reprojection error by q, betas, trans (59), offsets (3 k), and log focal length (1).

    `robust` is the scale of the Geman-McClure loss in standard deviations.
    """
    with torch.no_grad():
        at = body.linearise(params, points.moved(offset_m))
        rot = body.skeleton(params).joint_rot[:, points.joint]
        t, k = at.points_m.shape[:2]
        depth = at.points_m[..., 2].clamp_min(NEAREST_M)
        slope = at.points_m[..., :2] / depth[..., None]
        image = slope * camera.focal_px + torch.tensor(camera.center_px, dtype=slope.dtype, device=slope.device)
        residual = (image - seen.xy_px) / seen.sigma_px[..., None]
        square = (residual * residual).sum(-1)
        trust = robust**2 / (robust**2 + square)
        cost = 0.5 * float((seen.weight * square * trust).sum(dtype=torch.float64))
        root = seen.weight.sqrt() * trust
        scale = (root * camera.focal_px / depth / seen.sigma_px)[:, None]
        by_body = (at.jacobian[:, :, :2] - slope.mT[:, None] * at.jacobian[:, :, 2:]) * scale[:, :, None]
        by_point = (rot[..., :2, :] - slope[..., None] * rot[..., 2:, :]) * scale[:, 0, :, None, None]
        jacobian = residual.new_zeros((t, 59 + 3 * k + 1, 2, k))
        jacobian[:, :59] = by_body
        own = torch.arange(k)
        jacobian[:, 59:-1].unflatten(1, (k, 3))[:, own, :, :, own] = by_point.permute(1, 0, 3, 2)
        jacobian[:, -1] = (slope * depth[..., None]).mT * scale
        return Rows(cost, (residual * root[..., None]).mT.flatten(1), jacobian.flatten(2))


def with_focal(camera: Camera, log_change: float) -> Camera:
    """Return the camera with another focal length."""
    return replace(camera, focal_px=camera.focal_px * float(np.exp(log_change)))
