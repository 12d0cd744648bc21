"""What the bones are fitted to: joints, skin, landmarks and the overall size of one body."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from train.body.bones.skin import Skin
from train.body.bones.torso import Torso, measure_torso

STATURE_M = 1.75  # of the man whose bones are drawn
# bone girth against that man's, beyond what stature explains
GIRTH = {"female": 0.95, "neutral": 0.975, "male": 1.0}


@dataclass(frozen=True)
class Subject:
    """One body in its T-pose, metres; `size` scales drawn bones (1 = a man of 1.75 m)."""

    joints: Float[ndarray, "24 3"]
    skin: Skin
    landmarks: dict[str, ndarray]
    size: float
    torso: Torso
    sex: str


def measure_subject(
    joints_m: Float[ndarray, "24 3"],
    skin_m: Float[ndarray, "v 3"],
    faces: Int[ndarray, "f 3"],
    landmarks_m: dict[str, ndarray],
    sex: str,
) -> Subject:
    """Measure a body once for all its bones."""
    if sex not in GIRTH:
        raise ValueError(f"sex must be one of {sorted(GIRTH)}, got {sex!r}")
    joints, skin = np.asarray(joints_m, float), Skin(skin_m, faces)
    size = float(np.ptp(skin.vertices[:, 1]) / STATURE_M * GIRTH[sex])
    shoulder = joints[20]
    torso = measure_torso(skin, joints[6, 1] - 0.05, joints[13, 1] + 0.03, shoulder[0], shoulder[1] - 0.09 * size)
    return Subject(joints, skin, {k: np.asarray(v, float) for k, v in landmarks_m.items()}, size, torso, sex)
