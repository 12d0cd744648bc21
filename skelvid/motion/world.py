"""A motion in a camera's frame in; which way is up, where the floor is and how long a metre is out.

Gravity is put together from everything that hints at it, each with its doubt, as one Gaussian estimate: the per-frame
estimates of the network, the soles at rest on a level floor, people who stand upright, cameras that are held level.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.motion import CONTACT_POINTS, Motion
from skelvid.datatypes.skel import N_DOFS, SkelParams
from skelvid.geometry.ground import CAMERA_GROUND, ground_axes
from skelvid.motion.assemble import one_shape
from skelvid.motion.chart import seen_rows
from skelvid.series import pieces, unit

Forward = Literal["camera", "person"]

# How far each hint may be off, one standard deviation: assumptions, wide enough that the better hint wins.
_SIGMA_RAD = {"level camera": np.radians(15.0), "upright trunk": np.radians(20.0), "network": np.radians(3.0)}
# Height of a resting sole above a level floor, m: one view tells depth to some 5 %, and with it how high feet are. With
# 3 cm, soles that hardly moved overruled the network on real squats: pelvis tilt was off by 14 degrees instead of 9.
_SOLE_M = 0.10
# A sole rests from this probability on.
_RESTS = 0.5
# A facing is told from a body that keeps it: the mean of its unit vectors must be longer than this.
_KEEPS_FACING = 0.5


@dataclass(frozen=True)
class Ground:
    """Gravity and floor in the frame of a motion.

    Attributes:
        up: `3` unit vector against gravity.
        axes: `3 3` forward, up and right as columns, as `compute_angles` takes them.
        forward: What the first axis points to: towards the camera, or where the person faces on average.
        floor_offset_m: The floor is where `up @ point` is this; None = not found.
        up_sigma_rad: Standard deviation of `up` in its least sure direction; 0 where it was given.
        found_by: The hints that were used.
    """

    up: Float[np.ndarray, "3"]
    axes: Float[np.ndarray, "3 3"]
    forward: Forward
    floor_offset_m: float | None
    up_sigma_rad: float
    found_by: tuple[str, ...]


def camera_up(pitch_deg: float, roll_deg: float = 0.0) -> Float[np.ndarray, "3"]:
    """Return up in the frame of a camera that looks `pitch_deg` downwards and is turned clockwise by `roll_deg`.

    >>> camera_up(90.0).round(6) + 0.0
    array([ 0.,  0., -1.])
    """
    pitch, roll = np.radians([pitch_deg, roll_deg])
    return np.array([-np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), -np.sin(pitch)])


def find_ground(
    motion: Motion,
    body: SkelBody,
    *,
    up: Float[np.ndarray, "3"] | None = None,
    forward: Forward = "camera",
    static_camera: bool = True,
) -> Ground:
    """Find gravity and the floor for a whole clip.

    Args:
        motion: In a camera's frame; `contact` and `up` are used where they are known.
        body: The body of the motion.
        up: Known, as from `camera_up`: then only the floor is looked for.
        forward: Where the first axis of the ground points: "camera", as `CAMERA_GROUND` does, or "person", the mean
            facing, with which tilt and list of the pelvis are those of the person, seen from any side. A person who
            turns around has no mean facing: then it is the camera.
        static_camera: Otherwise there is no one floor, and up is only a mean over the clip.
    """
    seen = seen_rows(motion)
    posed = _posed(motion, body)
    soles = _resting_soles(motion, _sole_positions(motion, body)) if static_camera else np.zeros((0, 3))
    hints = dict(_hints(motion, posed))
    if up is None:
        up, sigma_rad, offset_m = _estimate_up(hints, soles)
        found_by = (*hints, *(["resting soles"] if len(soles) else []))
    else:
        up, sigma_rad, found_by = unit(np.asarray(up, np.float64)), 0.0, ("given",)
        offset_m = float(np.median(soles @ up)) if len(soles) else None
    if offset_m is None and static_camera and seen.any():
        # Somebody who neither runs nor jumps always has a sole on the floor.
        offset_m = float(np.median((_sole_positions(motion, body)[seen] @ up).min(1)))
    facing = _facing(posed, up) if forward == "person" else None
    toward = np.array([0.0, 0.0, -1.0]) if abs(up[2]) < 0.9 else np.array([0.0, -1.0, 0.0])
    axes = ground_axes(up, toward if facing is None else facing)
    return Ground(up, axes, "camera" if facing is None else "person", offset_m, sigma_rad, found_by)


def stature_m(body: SkelBody, betas: Float[np.ndarray, "10"]) -> float:
    """Return the height of the body in upright stance, from the lowest to the highest point of its skin, m."""
    shape = torch.as_tensor(betas, dtype=body.dtype, device=body.device)
    skin = body(SkelParams(shape.new_zeros(N_DOFS), shape, shape.new_zeros(3))).skin_m
    assert skin is not None
    return float(skin[:, 1].max() - skin[:, 1].min())


def scale_to_height(motion: Motion, body: SkelBody, height_m: float | None) -> tuple[Motion, float]:
    """Return the motion of a person of this height, and the height that was believed before, m.

    The person moves to the distance at which the picture stays the same, and grows in proportion as well as body
    shapes can (within 3 mm for 10 %); the stature is exact. Without a height the motion keeps its scale: a guess, and
    lengths in it are to be called unscaled.
    """
    motion = one_shape(motion)
    betas = np.asarray(motion.params.betas[0], np.float64)
    believed_m = stature_m(body, betas)
    if height_m is None:
        return motion, believed_m
    if height_m <= 0.0:
        raise ValueError(f"height_m must be positive, got {height_m}")
    ratio = step = height_m / believed_m
    grown, to_double = betas, _doubling(body)
    for _ in range(4):  # stature is almost linear in the shape: the second round is exact to a tenth of a millimetre
        grown = step * betas + (step - 1.0) * to_double
        step *= height_m / stature_m(body, grown)
    root, grown_root = (body.assets.joints_m[0] + body.assets.joint_dirs_m[0] @ b for b in (betas, grown))
    trans_m = ratio * (motion.params.trans_m + root) - grown_root
    return replace(motion, params=SkelParams(motion.params.q, grown[None], trans_m)), believed_m


def _doubling(body: SkelBody) -> Float[np.ndarray, "10"]:
    """Return the betas that come closest to adding the template to itself."""
    directions = body.assets.shapedirs_m.reshape(-1, 10).astype(np.float64)
    return np.linalg.lstsq(directions, body.assets.skin_template_m.ravel().astype(np.float64))[0]


@dataclass(frozen=True)
class _Posed:
    """Unit vectors per visible frame: `front` the pelvis's front, `trunk` upward, between pelvis's and thorax's."""

    front: Float[np.ndarray, "s 3"]
    trunk: Float[np.ndarray, "s 3"]


def _seen_params(motion: Motion, body: SkelBody) -> SkelParams:
    seen = seen_rows(motion)
    params = motion.params
    betas = params.betas if len(params.betas) == 1 else params.betas[seen]
    return SkelParams(params.q[seen], betas, params.trans_m[seen]).to_torch(body.device, body.dtype)


def _posed(motion: Motion, body: SkelBody) -> _Posed:
    if not seen_rows(motion).any():
        return _Posed(np.zeros((0, 3)), np.zeros((0, 3)))
    points = body.skeleton(_seen_params(motion, body)).to_numpy()
    pelvis, thorax = (points.joint_rot[:, JOINT_INDEX[name]].astype(np.float64) for name in ("pelvis", "thorax"))
    # Not from joint to joint: that line leans backward in upright stance.
    return _Posed(pelvis[:, :, 0], unit(pelvis[:, :, 1] + thorax[:, :, 1]))


def _hints(motion: Motion, posed: _Posed) -> Iterator[tuple[str, tuple[Float[np.ndarray, "3"], float]]]:
    """Tell where up may be, and how sure that is."""
    yield "level camera", (CAMERA_GROUND[:, 1], _SIGMA_RAD["level camera"])
    if len(posed.trunk):
        yield "upright trunk", (_middle_direction(posed.trunk)[0], _SIGMA_RAD["upright trunk"])
    known = seen_rows(motion) if motion.up is None else seen_rows(motion) & np.isfinite(motion.up).all(1)
    if motion.up is not None and known.any():
        # Frames of one clip err together, so that their number does not make the mean surer than one of them.
        direction, spread = _middle_direction(motion.up[known])
        yield "network", (direction, max(spread, _SIGMA_RAD["network"]))


def _middle_direction(directions: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, "3"], float]:
    """Return the direction with the least sum of distances to all (Weiszfeld's steps), and the median angle to it."""
    middle = unit(np.median(directions, axis=0))
    for _ in range(20):
        distance = np.linalg.norm(directions - middle, axis=1)
        middle = unit((directions / np.maximum(distance, 1e-6)[:, None]).sum(0))
    return middle, float(np.median(np.arccos(np.clip(directions @ middle, -1.0, 1.0))))


def _estimate_up(
    hints: dict[str, tuple[Float[np.ndarray, "3"], float]], soles: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "3"], float, float | None]:
    """Return up, its doubt and the height of the floor: the most likely ones given hints and soles on one level."""
    up = unit(np.sum([direction / sigma**2 for direction, sigma in hints.values()], axis=0))
    offset_m = float(np.median(soles @ up)) if len(soles) else 0.0
    normal = np.eye(3)
    for _ in range(30):
        across = np.linalg.svd(up[None])[2][1:].T  # two directions square to up: the small turns to solve for
        normal, right = np.diag([0.0, 0.0, 1e-12]), np.zeros(3)
        for direction, sigma in hints.values():
            normal[:2, :2] += np.eye(2) / sigma**2
            right[:2] += across.T @ direction / sigma**2
        design = np.concatenate([soles @ across, -np.ones((len(soles), 1))], axis=1)
        off = soles @ up - offset_m
        # Stairs, boxes and wrong contacts are no floor: errors beyond one sigma count linearly (Huber).
        weight = 1.0 / np.maximum(np.abs(off) / _SOLE_M, 1.0) / _SOLE_M**2
        normal += design.T * weight @ design
        right -= design.T * weight @ off
        step = np.linalg.solve(normal, right)
        up, offset_m = unit(up + across @ step[:2]), offset_m + step[2]
        if np.abs(step).max() < 1e-9:
            break
    covariance = np.linalg.inv(normal)[:2, :2]
    return up, float(np.linalg.eigvalsh(covariance)[-1] ** 0.5), float(offset_m) if len(soles) else None


def _resting_soles(motion: Motion, soles_m: Float[np.ndarray, "t 4 3"]) -> Float[np.ndarray, "n 3"]:
    """Return one mean position for each time that a sole came to rest: frames of one rest err together."""
    if motion.contact is None:
        return np.zeros((0, 3))
    rests = (motion.contact > _RESTS) & seen_rows(motion)[:, None]
    return np.array(
        [
            np.average(soles_m[run, point], axis=0, weights=motion.contact[run, point])
            for point in range(len(CONTACT_POINTS))
            for run in pieces(rests[:, point])
        ]
    ).reshape(-1, 3)


def _sole_positions(motion: Motion, body: SkelBody) -> Float[np.ndarray, "t 4 3"]:
    """Return where the soles under `CONTACT_POINTS` are, m; NaN where nobody was seen."""
    seen = seen_rows(motion)
    out = np.full((len(seen), len(CONTACT_POINTS), 3), np.nan)
    if seen.any():
        out[seen] = body.skin_points(_seen_params(motion, body), _sole_points(body)).cpu().numpy()
    return out


def _sole_points(body: SkelBody) -> SkinnedPoints:
    """Compile the lowest skin vertex of each heel, behind the subtalar joint, and of each row of toes."""
    assets = body.assets
    owner = np.take_along_axis(assets.skin_weight_joint, assets.skin_weight.argmax(1)[:, None], 1)[:, 0]
    lowest: list[int] = []
    for name in CONTACT_POINTS:
        part, side = name.split("_")
        joint = JOINT_INDEX[f"{'calcn' if part == 'heel' else 'toes'}_{side}"]
        height = np.where(owner == joint, assets.skin_template_m[:, 1], np.inf)
        if part == "heel":
            height[assets.skin_template_m[:, 2] > assets.joints_m[joint, 2]] = np.inf
        lowest.append(int(height.argmin()))
    return body.points(np.array(lowest)[:, None], np.ones((len(lowest), 1)))


def _facing(posed: _Posed, up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"] | None:
    """Return the mean level direction of the pelvis's front, or None where there is none to speak of."""
    level = posed.front - (posed.front @ up)[:, None] * up
    length = np.linalg.norm(level, axis=1)
    level = level[length > 0.3] / length[length > 0.3, None]  # lying on back or belly: the front points up or down
    mean = level.mean(0) if len(level) else np.zeros(3)
    return mean if np.linalg.norm(mean) > _KEEPS_FACING else None
