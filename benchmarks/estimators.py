"""Ways to get joint angles from a clip, by name: to judge another, add a function to the table.

An estimator takes a clip and what MediaPipe sees in it, and returns the angles of `skelvid.angles` that it knows, with
`pelvis_tilt` and `pelvis_list` against gravity (see `real_clips.pelvis_angles`).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from benchmarks.real_clips import RealClip, Seen, joint_angles_of, pelvis_angles
from skelvid.angles.compute import CAMERA_GROUND, compute_angles
from skelvid.config import RunConfig, load_config
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.motion.lift import Lifter
from skelvid.motion.refine import refine
from skelvid.pipeline.interpret import interpret

Estimator = Callable[[RealClip, Seen], JointAngles]


def mediapipe_world(_: RealClip, seen: Seen) -> JointAngles:
    """Read angles off MediaPipe's own 3D points.

    The pelvis looks along y from the middle of the hips to that of the shoulders and along z to the right hip; thighs,
    shanks and feet (heel to toe) are single lines, so that hips have no rotation and knees only bend.
    """
    names, points = seen.track.keypoints.names, seen.world_m
    at = {name: points[:, names.index(name)] for name in names}
    right = at["right_hip"] - at["left_hip"]
    trunk = (at["right_shoulder"] + at["left_shoulder"] - at["right_hip"] - at["left_hip"]) / 2
    y = _unit(trunk - _along(trunk, _unit(right)))
    pelvis = np.stack([np.cross(y, _unit(right)), y, _unit(right)], axis=1)
    angles: dict[str, Float[np.ndarray, "t"]] = {}
    for side, word, sign in (("r", "right", 1.0), ("l", "left", -1.0)):
        hip, knee, ankle, heel, toe = (at[f"{word}_{n}"] for n in ("hip", "knee", "ankle", "heel", "foot_index"))
        thigh, shank, foot = _unit(knee - hip), _unit(ankle - knee), _unit(toe - heel)
        x, y, z = np.einsum("tij,tj->it", pelvis, thigh)
        angles[f"hip_flexion_{side}"] = np.arctan2(x, -y)
        angles[f"hip_adduction_{side}"] = -sign * np.arcsin(z)
        angles[f"knee_angle_{side}"] = np.arccos(np.clip((thigh * shank).sum(1), -1.0, 1.0))
        angles[f"ankle_angle_{side}"] = np.arcsin(np.clip(-(shank * foot).sum(1), -1.0, 1.0))
    return joint_angles_of(seen.track.time_s, angles)


def _unit(v: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def _along(v: Float[np.ndarray, "t 3"], direction: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    return (v * direction).sum(1, keepdims=True) * direction


def angles_of_motion(motion: Motion) -> JointAngles:
    """Return the angles of a motion in its camera's frame, the pelvis against its own gravity."""
    up = None if motion.up is None else motion.up @ CAMERA_GROUND
    return level(compute_angles(motion), up)


def level(angles: JointAngles, up: Float[np.ndarray, "t 3"] | None) -> JointAngles:
    """Return angles with the pelvis against gravity; `up` in the ground in which they were read, None = its y."""
    euler = np.column_stack([angles[f"pelvis_{name}"] for name in ("tilt", "list", "rotation")])
    seen = np.isfinite(euler).all(1)
    turned = np.full((len(euler), 3), np.nan)
    turned[seen] = Rotation.from_euler("ZXY", euler[seen]).inv().apply([0.0, 1.0, 0.0] if up is None else up[seen])
    values = {name: angles[name] for name in angles.names if name != "pelvis_rotation"}
    return joint_angles_of(angles.time_s, values | pelvis_angles(turned))


def lifted(lifter: Lifter, _: RealClip, seen: Seen) -> JointAngles:
    """Lift the keypoints."""
    return angles_of_motion(lifter(seen.track, seen.camera))


def refined(lifter: Lifter, _: RealClip, seen: Seen) -> JointAngles:
    """Lift the keypoints and fit the body to them."""
    return angles_of_motion(refine(lifter.body, lifter(seen.track, seen.camera), seen.track))


def run(lifter: Lifter, config: RunConfig, _: RealClip, seen: Seen) -> JointAngles:
    """Do what `skelvid run` does once it has its keypoints: lift, fit if so set, smooth."""
    return level(interpret(seen.track, seen.camera, lifter, config, static_camera=True).angles, None)


def estimators(weights: Path | None) -> dict[str, Estimator]:
    """Return the table; without weights, those that ship."""
    lifter = Lifter.load(weights)
    return {
        "MediaPipe's own 3D": mediapipe_world,
        "lifter": partial(lifted, lifter),
        "lifter + fit": partial(refined, lifter),
        "skelvid run, default": partial(run, lifter, RunConfig()),
        "skelvid run, accurate": partial(run, lifter, load_config("accurate")),
    }
