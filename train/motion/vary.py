"""Motions in, others of the same kind out: mirrored, at another pace, from another person, with another's upper body.

All functions are pure. World frame: x left of a person at q = 0, y up, z front; the floor is level and stays the floor.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, limits_rad, mirror_index_and_sign
from skelvid.datatypes.motion import CONTACT_POINTS

PACE_KNOT_S = 1.5  # how far apart the pace is drawn anew
NOISE_KNOT_S = 1.0
# Spread of a person's constant habits and of what comes and goes, degrees, by the start of the name; the first that
# fits counts. Legs and pelvis have little of the first and none of the second: it would make planted feet slide.
HABITS: tuple[tuple[str, float, float], ...] = (
    ("pelvis_tilt", 1.5, 0.0), ("pelvis", 0.0, 0.0),
    ("hip_flexion", 1.5, 0.0), ("hip", 2.0, 0.0), ("knee", 1.5, 0.0), ("ankle", 2.0, 0.0), ("subtalar", 3.0, 0.0),
    ("mtp", 3.0, 0.0),
    ("lumbar_extension", 4.0, 2.0), ("lumbar", 2.0, 2.0), ("thorax_extension", 5.0, 2.0), ("thorax", 2.5, 2.0),
    ("head_extension", 7.0, 5.0), ("head_twist", 5.0, 8.0), ("head", 4.0, 3.0),
    ("scapula_abduction", 5.0, 2.5), ("scapula", 3.5, 2.0),
    ("shoulder", 7.0, 5.0), ("elbow", 8.0, 6.0), ("pro_sup", 20.0, 12.0),
    ("wrist_flexion", 12.0, 8.0), ("wrist_deviation", 7.0, 5.0),
)  # fmt: skip
UPPER = np.array([name.startswith(("lumbar", "thorax", "head", "scapula", "shoulder", "elbow", "pro_sup", "wrist"))
                  for name in DOF_NAMES])  # fmt: skip
OTHER_FOOT = [CONTACT_POINTS.index(name) for name in ("heel_l", "toes_l", "heel_r", "toes_r")]


class Moves(NamedTuple):
    """Attributes: q `t 46`, rad; trans_m `t 3`; contact `t 4` in the order CONTACT_POINTS, or None if not known."""

    q: Float[ndarray, "t 46"]
    trans_m: Float[ndarray, "t 3"]
    contact: Float[ndarray, "t 4"] | None = None


def mirror(moves: Moves) -> Moves:
    """Return the motion seen in a mirror, the plane x = 0."""
    index, sign = mirror_index_and_sign()
    contact = None if moves.contact is None else moves.contact[:, OTHER_FOOT]
    q = (moves.q[:, index] * sign).astype(moves.q.dtype)
    return Moves(q, moves.trans_m * np.array([-1, 1, 1], moves.trans_m.dtype), contact)


def warp_time(
    moves: Moves, rng: np.random.Generator, *, fps: float, slowest: float = 0.6, fastest: float = 1.6
) -> Moves:
    """Play a motion at a pace that changes smoothly between `slowest` and `fastest`; the ends stay, the length changes.

    Returns the motion at the same rate. Of little use where a body flies: its fall would be too fast or too slow.
    """
    count = len(moves.q)
    if count < 2:
        return moves
    pace = np.exp(_wander(rng, (count, 1), max(PACE_KNOT_S * fps, 2.0), np.log(slowest), np.log(fastest)))[:, 0]
    when = np.concatenate([[0.0], np.cumsum(2.0 / (pace[1:] + pace[:-1]))])
    wanted = np.linspace(0.0, when[-1], max(2, round(when[-1]) + 1))
    return resample(moves, np.interp(wanted, when, np.arange(count)))


def resample(moves: Moves, frames: Float[ndarray, "n"]) -> Moves:
    """Return the motion at frames between frames (0 is the first), linearly between neighbours."""
    q = moves.q.copy()
    q[:, :3] = np.unwrap(q[:, :3], axis=0)
    before = np.clip(frames.astype(int), 0, max(len(q) - 2, 0))
    after = np.minimum(before + 1, len(q) - 1)
    share = (frames - before)[:, None]

    def between(values: ndarray) -> ndarray:
        return (values[before] * (1 - share) + values[after] * share).astype(values.dtype)

    contact = None if moves.contact is None else between(moves.contact)
    return Moves(between(q), between(moves.trans_m), contact)


def perturb(moves: Moves, rng: np.random.Generator, *, fps: float, scale: float = 1.0) -> Moves:
    """Give a motion other habits: constant offsets, and slow noise above the pelvis, each up to `scale` x `HABITS`.

    Nothing leaves its limits that was within; what was outside goes no further out. Feet may rise or sink by a few
    centimetres and keep their contact.
    """
    constant, slow = scale * np.radians(_habits())
    change = rng.normal(0.0, 1.0, len(DOF_NAMES)) * constant
    wanted = moves.q + change + _wander(rng, moves.q.shape, NOISE_KNOT_S * fps, -1.7, 1.7) * slow
    lower, upper = limits_rad()
    q = np.clip(wanted, np.minimum(lower, moves.q), np.maximum(upper, moves.q))
    return moves._replace(q=q.astype(moves.q.dtype))


def tilt_pelvis(moves: Moves, angle_rad: float) -> Moves:
    """Tilt the pelvis (+ backward) under a body that stays as it is: hips and lower spine take it back.

    Legs and thorax keep their directions within 1.5 degrees (of a tilt by 10), feet their places within 1.5 cm: the
    pelvis turns about its joint, not about the hips.
    """
    q = moves.q.astype(float)
    q[:, DOF_INDEX["pelvis_tilt"]] += angle_rad
    back = Rotation.from_euler("z", -angle_rad)
    for side, sign in (("r", 1.0), ("l", -1.0)):
        # The hip's three turns as SKEL takes them; on the left the last two turn about negated axes.
        columns, signs = _columns(f"hip_flexion_{side}", 3), np.array([1.0, sign, sign])
        hip = back * Rotation.from_euler("zxy", q[:, columns] * signs)
        q[:, columns] = hip.as_euler("zxy") * signs
    for name in ("lumbar_extension", "thorax_extension"):
        q[:, DOF_INDEX[name]] -= angle_rad / 2
    return moves._replace(q=q.astype(moves.q.dtype))


def blend(lower: Moves, upper: Moves) -> Moves:
    """Put the trunk, head and arms of one motion on the pelvis and legs of another, as long as the shorter lasts."""
    count = min(len(lower.q), len(upper.q))
    q = np.where(UPPER, upper.q[:count], lower.q[:count])
    contact = None if lower.contact is None else lower.contact[:count]
    return Moves(q, lower.trans_m[:count], contact)


def _columns(first: str, count: int) -> list[int]:
    return [DOF_INDEX[first] + i for i in range(count)]


def _habits() -> Float[ndarray, "2 46"]:
    return np.array([next(row[1:] for row in HABITS if name.startswith(row[0])) for name in DOF_NAMES]).T


def _wander(
    rng: np.random.Generator, shape: tuple[int, ...], knot_frames: float, low: float, high: float
) -> Float[ndarray, "t c"]:
    """Return smooth random curves within bounds, from knots some frames apart."""
    count, curves = shape
    knots = max(4, int(np.ceil(count / knot_frames)) + 1)
    spline = CubicSpline(np.linspace(0, max(count - 1, 1), knots), rng.uniform(low, high, (knots, curves)))
    return np.clip(spline(np.arange(count)), low, high)
