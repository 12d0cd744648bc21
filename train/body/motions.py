"""Free motion capture in, poses of the source rig out: global bone rotations, away from the T-pose."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from train.body import tpose
from train.body.source import Rig

# The capture's rest pose is a T-pose with the legs 20 degrees apart; the template's legs hang straight.
LEG_SPREAD_RAD = np.deg2rad(20.0)
# Share of the raising of the arm that the clavicle follows; the capture itself hardly moves it.
GIRDLE_SHARE = 0.25
# Source bone <- capture joint(s); two joints and a number: interpolated between them.
AXIAL = {
    "root": ("root", "root", 0.0),
    "spine05": ("root", "lowerback", 0.5),
    "spine04": ("root", "lowerback", 1.0),
    "spine03": ("lowerback", "upperback", 0.5),
    "spine02": ("lowerback", "upperback", 1.0),
    "spine01": ("upperback", "thorax", 1.0),
    "neck01": ("thorax", "lowerneck", 0.5),
    "neck02": ("thorax", "lowerneck", 1.0),
    "neck03": ("lowerneck", "upperneck", 1.0),
    "head": ("upperneck", "head", 1.0),
}
LEG = {"upperleg01": "hip", "lowerleg01": "knee", "foot": "ankle", "toe": "toe_base"}


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
        s = side.lower()
        spread = tpose.rotation_about(np.array([0.0, 0, 1]), np.array([sign * LEG_SPREAD_RAD]))[0]
        out[:, rig.bone(f"pelvis.{side}")] = at["root"]
        for bone, joint in LEG.items():
            value = at[f"{s}_{joint}"] @ (spread if bone.endswith("leg01") else np.eye(3))
            starts = [n for n in rig.bone_names if n.startswith(bone) and n.endswith(side)]
            for name in starts:
                out[:, tpose.descendants(rig, name)] = value[:, None]
        _set_arm(rig, out, at, side, sign)
    return out


def _between(a: Float[ndarray, "f 3 3"], b: Float[ndarray, "f 3 3"], share: float) -> Float[ndarray, "f 3 3"]:
    turn = Rotation.from_matrix(np.swapaxes(a, 1, 2) @ b).as_rotvec() * share
    return a @ Rotation.from_rotvec(turn).as_matrix()


def _set_arm(rig: Rig, out: ndarray, at: dict[str, ndarray], side: str, sign: float) -> None:
    s = side.lower()
    chest, upper, fore, hand = (at[n] for n in ("thorax", f"{s}_shoulder", f"{s}_elbow", f"{s}_hand"))
    # Where the arm points, seen from the chest, against the T-pose: the girdle follows a share of that turn.
    points = np.einsum("fji,fj->fi", chest, upper[:, :, 0] * sign)
    turn = tpose.shortest(np.tile([sign, 0.0, 0.0], (len(points), 1)), np.where(points[:, :1] * sign > -0.9, points, [[sign, 0, 0]]))
    girdle = chest @ _between(np.tile(np.eye(3), (len(points), 1, 1)), turn, GIRDLE_SHARE)
    out[:, tpose.descendants(rig, f"clavicle.{side}")] = girdle[:, None]
    out[:, tpose.descendants(rig, f"upperarm01.{side}")] = upper[:, None]
    relative = np.swapaxes(fore, 1, 2) @ hand
    twist = np.arctan2(relative[:, 2, 1] - relative[:, 1, 2], relative[:, 1, 1] + relative[:, 2, 2])
    for name, share in tpose.FOREARM_TWIST.items():
        part = fore @ tpose.rotation_about(np.array([1.0, 0, 0]), share * twist)
        out[:, tpose.descendants(rig, f"{name}.{side}")] = part[:, None]
    out[:, tpose.descendants(rig, f"wrist.{side}")] = hand[:, None]


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
