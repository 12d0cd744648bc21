"""A pelvis and a foot go in, the seven angles of the leg between them come out, in closed form but for one short loop.

Turns G are those of `body.skeleton`: away from the template, in which feet are flat and point along +z.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOFS, JOINT_INDEX, joint_dofs
from skelvid.body.model import SkelBody
from skelvid.body.skeleton import make_shape

LOOPS = 4  # the subtalar's turn moves the talus by a tenth of its angle in cm: each loop leaves a tenth


@dataclass(frozen=True)
class Leg:
    """One leg of one body in template axes, m.

    Attributes:
        side: "r" or "l".
        pelvis_frame, hip_frame: K of pelvis and femur.
        hip_m: pelvis joint to hip; thigh_m, shank_m, hindfoot_m, forefoot_m: each joint to the next, down to the toes.
        knee_axis, ankle_axis, subtalar_axis: unit axes of positive turns.
        sole_m: the sole's height below the calcaneus joint, and how far the toes reach in front of theirs.
    """

    side: str
    pelvis_frame: Float[ndarray, "3 3"]
    hip_frame: Float[ndarray, "3 3"]
    hip_m: Float[ndarray, "3"]
    thigh_m: Float[ndarray, "3"]
    shank_m: Float[ndarray, "3"]
    hindfoot_m: Float[ndarray, "3"]
    forefoot_m: Float[ndarray, "3"]
    knee_axis: Float[ndarray, "3"]
    ankle_axis: Float[ndarray, "3"]
    subtalar_axis: Float[ndarray, "3"]
    sole_m: float
    toes_m: float

    @cached_property
    def ankle_height_m(self) -> float:
        """Return the height of the talus over the floor of a flat foot."""
        return self.sole_m - self.hindfoot_m[1]

    @property
    def flex_sign(self) -> Float[ndarray, "3"]:
        """Return the signs of hip flexion, adduction and rotation about the bone's z, x and y."""
        return np.array([1.0, 1.0, 1.0]) if self.side == "r" else np.array([1.0, -1.0, -1.0])

    def length_m(self, knee_rad: Float[ndarray, "t"]) -> Float[ndarray, "t"]:
        """Return the distance from hip to ankle."""
        base, wave, shift = self._reach
        return np.sqrt(base + wave * np.cos(knee_rad - shift))

    def knee_rad(self, length_m: Float[ndarray, "t"]) -> Float[ndarray, "t"]:
        """Return the flexion that brings the ankle so far from the hip; beyond its reach the leg is straight."""
        base, wave, shift = self._reach
        return shift + np.arccos(np.clip((length_m**2 - base) / wave, -1.0, 1.0))

    @cached_property
    def _reach(self) -> tuple[float, float, float]:
        """Return (a, b, c) of length^2 = a + b cos(knee - c)."""
        thigh, shank, axis = self.thigh_m, self.shank_m, self.knee_axis
        along = 2 * (axis @ thigh) * (axis @ shank)
        cosine, sine = 2 * thigh @ shank - along, 2 * thigh @ np.cross(axis, shank)
        return (
            float(thigh @ thigh + shank @ shank + along),
            float(np.hypot(cosine, sine)),
            float(np.arctan2(sine, cosine)),
        )


def make_legs(body: SkelBody, betas: Float[ndarray, "10"]) -> dict[str, Leg]:
    """Measure both legs of a shape; keys "r" and "l"."""
    shape = make_shape(body.skeleton_constants, torch.as_tensor(betas, dtype=body.dtype)[None])
    frames, joints = shape.bone_rot[..., 0].double().numpy(), shape.joints_m[..., 0].double().numpy()
    with torch.no_grad():
        vertices = body.assets.skin_template_m + body.assets.shapedirs_m @ np.asarray(betas)
    lowest = float(vertices[:, 1].min())
    front = float(vertices[vertices[:, 1] < joints[JOINT_INDEX["talus_r"], 1], 2].max())
    legs = {}
    for side in "rl":
        index = [JOINT_INDEX[f"{name}_{side}"] for name in ("femur", "tibia", "talus", "calcn", "toes")]
        steps = [joints[b] - joints[a] for a, b in zip([0, *index], index, strict=False)]
        axes = [_axis(body, frames, joint) for joint in ("tibia", "talus", "calcn") for joint in [f"{joint}_{side}"]]
        legs[side] = Leg(
            side, frames[0], frames[index[0]], *steps, *axes,
            sole_m=float(joints[index[3], 1]) - lowest, toes_m=front - float(joints[index[4], 2]),
        )  # fmt: skip
    return legs


def _axis(body: SkelBody, frames: Float[ndarray, "24 3 3"], joint: str) -> Float[ndarray, "3"]:
    index = JOINT_INDEX[joint]
    align = body.assets.apose_rel_transfo[index, :3, :3].astype(float)
    axis = frames[index] @ align.T @ np.array(DOFS[joint_dofs(joint)[0]].axis)
    return axis / np.linalg.norm(axis)


def turns(axis: Float[ndarray, "3"], angle_rad: Float[ndarray, "t"]) -> Float[ndarray, "t 3 3"]:
    """Return turns about one axis."""
    return Rotation.from_rotvec(angle_rad[:, None] * axis).as_matrix()


def pelvis_turn(leg: Leg, q: Float[ndarray, "t 3"]) -> Float[ndarray, "t 3 3"]:
    """Return G of the pelvis from tilt, list and rotation."""
    return leg.pelvis_frame @ Rotation.from_euler("zxy", q).as_matrix() @ leg.pelvis_frame.T


def solve_leg(
    leg: Leg,
    pelvis: Float[ndarray, "t 3 3"],
    hip_m: Float[ndarray, "t 3"],
    foot: Float[ndarray, "t 3 3"],
    foot_m: Float[ndarray, "t 3"],
) -> tuple[Float[ndarray, "t 6"], Float[ndarray, "t"]]:
    """Return hip flexion, adduction and rotation, knee, ankle and subtalar angle, and by how much the leg is too short.

    Args:
        leg: The leg.
        pelvis: G of the pelvis.
        hip_m: Where the hip is.
        foot: G of the calcaneus.
        foot_m: Where the calcaneus joint is.
    """
    femur, angles, short = _solve_once(leg, hip_m, foot, foot_m, np.zeros(len(hip_m)))
    for _ in range(LOOPS - 1):
        femur, angles, short = _solve_once(leg, hip_m, foot, foot_m, angles[:, 2])
    hip = leg.hip_frame.T @ pelvis.swapaxes(1, 2) @ femur @ leg.hip_frame
    return np.column_stack([Rotation.from_matrix(hip).as_euler("zxy") * leg.flex_sign, angles]), short


def _solve_once(
    leg: Leg, hip_m: ndarray, foot: ndarray, foot_m: ndarray, subtalar_rad: Float[ndarray, "t"]
) -> tuple[Float[ndarray, "t 3 3"], Float[ndarray, "t 3"], Float[ndarray, "t"]]:
    """Return G of the femur, the three angles below it, and what is lacking, from a guess of the last angle."""
    talus = foot @ turns(leg.subtalar_axis, -subtalar_rad)
    leg_m = foot_m - talus @ leg.hindfoot_m - hip_m
    length = np.linalg.norm(leg_m, axis=1)
    knee = leg.knee_rad(length)
    femur, bend = _femur(leg, leg_m, knee, foot @ leg.knee_axis), turns(leg.knee_axis, knee)
    femur = _swivel(leg, leg_m / length[:, None], femur @ bend, foot) @ femur
    ankle, inner = _two_turns(leg.ankle_axis, leg.subtalar_axis, (femur @ bend).swapaxes(1, 2) @ foot)
    return femur, np.column_stack([knee, ankle, inner]), np.maximum(length - leg.length_m(knee), 0.0)


def _femur(leg: Leg, leg_m: ndarray, knee_rad: ndarray, lateral: ndarray) -> Float[ndarray, "t 3 3"]:
    """Turn the thigh so that the ankle is where it should be and the knee's axis as near `lateral` as can be."""
    own = leg.thigh_m + turns(leg.knee_axis, knee_rad) @ leg.shank_m
    return _frame(leg_m, lateral) @ _frame(own, np.broadcast_to(leg.knee_axis, own.shape)).swapaxes(1, 2)


def _frame(along: ndarray, aside: ndarray) -> Float[ndarray, "t 3 3"]:
    first = along / np.linalg.norm(along, axis=1, keepdims=True)
    second = aside - first * (first * aside).sum(1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=2)


def _swivel(leg: Leg, along: ndarray, shank: ndarray, foot: ndarray) -> Float[ndarray, "t 3 3"]:
    """Return the least turn of the leg about its own line after which two turns, ankle and subtalar, reach the foot.

    Two turns about a and b reach R if a . R b = a . b.
    """
    a, b = shank @ leg.ankle_axis, foot @ leg.subtalar_axis
    steady = (a * along).sum(1) * (b * along).sum(1)
    cosine, sine = (a * b).sum(1) - steady, (np.cross(along, a) * b).sum(1)
    wanted = leg.ankle_axis @ leg.subtalar_axis - steady
    off, size = np.arctan2(sine, cosine), np.hypot(cosine, sine)
    half = np.arccos(np.clip(wanted / np.maximum(size, 1e-9), -1.0, 1.0))
    both = (np.stack([off + half, off - half]) + np.pi) % (2 * np.pi) - np.pi
    angle = np.where(np.abs(both[0]) < np.abs(both[1]), both[0], both[1])
    return Rotation.from_rotvec(angle[:, None] * along).as_matrix()


def _two_turns(a: ndarray, b: ndarray, rest: Float[ndarray, "t 3 3"]) -> tuple[ndarray, ndarray]:
    """Split R into a turn about a after one about b: R b shows the first, R^T a the second."""
    first = _angle_about(a, np.broadcast_to(b, (len(rest), 3)), rest @ b)
    second = -_angle_about(b, np.broadcast_to(a, (len(rest), 3)), rest.swapaxes(1, 2) @ a)
    return first, second


def _angle_about(axis: ndarray, start: ndarray, end: ndarray) -> Float[ndarray, "t"]:
    start, end = (v - np.outer(v @ axis, axis) for v in (start, end))
    return np.arctan2((np.cross(start, end) * axis).sum(1), (start * end).sum(1))
