"""Free motion capture in, poses of the source rig out: global bone rotations, away from the T-pose."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from train.body import tpose
from train.body.source import Rig

# The capture rests in a T-pose with each leg, foot included, turned out 20 degrees; the template's legs hang straight.
LEG_SPREAD_RAD = np.deg2rad(20.0)
# Share of the raising of the arm that the clavicle follows; the capture itself hardly moves it.
GIRDLE_SHARE = 0.25
# Source bone <- capture joint(s); two joints and a number: interpolated between them.
AXIAL = {
    "root": ("root", "root", 0.0),
    # The capture bends the trunk at three points, the lowest level with the hips; a spine bends all along.
    "spine05": ("root", "thorax", 0.1),
    "spine04": ("root", "thorax", 0.35),
    "spine03": ("root", "thorax", 0.6),
    "spine02": ("root", "thorax", 0.8),
    "spine01": ("root", "thorax", 1.0),
    "neck01": ("thorax", "lowerneck", 0.5),
    "neck02": ("thorax", "lowerneck", 1.0),
    "neck03": ("lowerneck", "upperneck", 1.0),
    "head": ("upperneck", "head", 1.0),
}
# The capture's feet and hands flip now and then: what they turn against shank and forearm (rotation vector, degrees,
# template axes) is kept within what joints can do. Feet do not yaw against the shank.
FOOT_LIMIT_DEG, TOE_LIMIT_DEG, HAND_LIMIT_DEG = (40.0, 0.0, 20.0), (30.0, 0.0, 0.0), (0.0, 25.0, 60.0)
TWIST_LIMIT_DEG = 75.0
# Below this bend the elbow's axis cannot be seen from the directions of its two bones.
STRAIGHT_ELBOW_SINE = 0.2


def load_rotations(
    files: list[Path], *, held_out: bool, count: int, seed: int
) -> tuple[tuple[str, ...], Float[ndarray, "f j 3 3"]]:
    """Pick `count` frames, as different from each other as can be, from the clips named `*_test` or from the others."""
    rng, pool, names = np.random.default_rng(seed), [], ()
    for path in sorted(files):
        with np.load(path, allow_pickle=False) as archive:
            clips = sorted(k for k in archive.files if k.endswith("__quat_xyzw") and ("_test__" in k) == held_out)
            names = tuple(map(str, archive["names"]))
            for clip in clips:
                quaternions = archive[clip]
                pool.append(quaternions[rng.integers(len(quaternions), size=min(40, len(quaternions)))])
    frames = np.concatenate(pool).astype(float)
    matrices = Rotation.from_quat(frames.reshape(-1, 4)).as_matrix().reshape(*frames.shape[:2], 3, 3)
    return names, matrices[_spread(matrices, count)]


def _spread(matrices: Float[ndarray, "f j 3 3"], count: int) -> Int[ndarray, "c"]:
    """Farthest-point sampling of poses relative to the root, so heading and place do not count."""
    pose = (matrices[:, :1].transpose(0, 1, 3, 2) @ matrices).reshape(len(matrices), -1)
    chosen = [0]
    distance = np.full(len(pose), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(pose - pose[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)


def retarget(rig: Rig, names: tuple[str, ...], capture: Float[ndarray, "f j 3 3"]) -> Float[ndarray, "f b 3 3"]:
    """Turn global capture rotations into global rotations of all source bones relative to the T-pose."""
    at = {name: capture[:, i] for i, name in enumerate(names)}
    out = np.tile(np.eye(3), (len(capture), len(rig.bone_names), 1, 1))
    for bone, (low, high, share) in AXIAL.items():
        out[:, tpose.descendants(rig, bone)] = _between(at[low], at[high], share)[:, None]
    for side, sign in (("L", 1.0), ("R", -1.0)):
        out[:, rig.bone(f"pelvis.{side}")] = at["root"]
        _set_leg(rig, out, at, side, sign)
        _set_arm(rig, out, at, side, sign)
    return out


def _between(a: Float[ndarray, "f 3 3"], b: Float[ndarray, "f 3 3"], share: float) -> Float[ndarray, "f 3 3"]:
    turn = Rotation.from_matrix(np.swapaxes(a, 1, 2) @ b).as_rotvec() * share
    return a @ Rotation.from_rotvec(turn).as_matrix()


def _limited(
    base: Float[ndarray, "f 3 3"], value: Float[ndarray, "f 3 3"], limit_deg: tuple[float, float, float]
) -> Float[ndarray, "f 3 3"]:
    """Clip what `value` turns against `base`, axis by axis of its rotation vector."""
    limit = np.deg2rad(limit_deg)
    turn = np.clip(Rotation.from_matrix(np.swapaxes(base, 1, 2) @ value).as_rotvec(), -limit, limit)
    return base @ Rotation.from_rotvec(turn).as_matrix()


def _set_leg(rig: Rig, out: ndarray, at: dict[str, ndarray], side: str, sign: float) -> None:
    spread = tpose.rotation_about(np.array([0.0, 0, 1]), np.array([sign * LEG_SPREAD_RAD]))[0]
    thigh, shank, foot, toes = (at[f"{side.lower()}_{n}"] @ spread for n in ("hip", "knee", "ankle", "toe_base"))
    foot = _limited(shank, foot, FOOT_LIMIT_DEG)
    toes = _limited(foot, toes, TOE_LIMIT_DEG)
    for bone, value in (("upperleg01", thigh), ("lowerleg01", shank), ("foot", foot)):
        out[:, tpose.descendants(rig, f"{bone}.{side}")] = value[:, None]
    for name in rig.bone_names:
        if name.startswith("toe") and name.endswith(side):
            out[:, rig.bone(name)] = toes


def _set_arm(rig: Rig, out: ndarray, at: dict[str, ndarray], side: str, sign: float) -> None:
    chest, upper, fore, hand = (
        at[n] for n in ("thorax", *(f"{side.lower()}_{n}" for n in ("shoulder", "elbow", "hand")))
    )
    along = np.array([sign, 0.0, 0.0])
    # Where the arm points, seen from the chest: the girdle follows a share of its turn away from the T-pose.
    points = np.einsum("fji,fj->fi", chest, upper @ along)
    points = np.where(points[:, :1] * sign > -0.9, points, along)
    turn = tpose.shortest(np.tile(along, (len(points), 1)), points)
    girdle = chest @ _between(np.tile(np.eye(3), (len(points), 1, 1)), turn, GIRDLE_SHARE)
    upper, fore = _hinged(upper, fore, along)
    relative = np.swapaxes(fore, 1, 2) @ hand
    twist = np.arctan2(relative[:, 2, 1] - relative[:, 1, 2], relative[:, 1, 1] + relative[:, 2, 2])
    twist = np.clip(twist, -np.deg2rad(TWIST_LIMIT_DEG), np.deg2rad(TWIST_LIMIT_DEG))
    axis = np.array([1.0, 0, 0])
    hand = _limited(fore @ tpose.rotation_about(axis, twist), hand, HAND_LIMIT_DEG)
    parts = {"clavicle": girdle, "upperarm01": upper}
    parts |= {name: fore @ tpose.rotation_about(axis, share * twist) for name, share in tpose.FOREARM_TWIST.items()}
    for name, value in (parts | {"wrist": hand}).items():
        out[:, tpose.descendants(rig, f"{name}.{side}")] = value[:, None]


def _hinged(
    upper: Float[ndarray, "f 3 3"], fore: Float[ndarray, "f 3 3"], along: Float[ndarray, "3"]
) -> tuple[ndarray, ndarray]:
    """Turn upper arm and forearm about their own lengths until the elbow is a hinge; their directions stay."""
    a, b = upper @ along, fore @ along
    hinge = np.cross(a, b)
    # In the T-pose forearms bend to the front, about the axis along x front.
    rest = np.cross(along, [0.0, 0.0, 1.0])
    bent = np.linalg.norm(hinge, axis=1, keepdims=True) > STRAIGHT_ELBOW_SINE
    hinge = np.where(bent, hinge, upper @ rest)
    goal = tpose.frame(along, rest).T
    return tpose.frame(a, hinge) @ goal, tpose.frame(b, hinge) @ goal


def pose_body(
    rig: Rig,
    points: Float[ndarray, "v 3"],
    heads: Float[ndarray, "b 3"],
    rotations: Float[ndarray, "f b 3 3"],
) -> Float[ndarray, "f v 3"]:
    """Pose one T-posed body with the source's own skinning; heads are the pivots."""
    count = len(rotations)
    pose = tpose.forward(rig, rotations, np.tile(heads, (count, 1, 1)))
    return pose.apply(rig, np.tile(points, (count, 1, 1)))
