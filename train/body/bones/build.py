"""Build the skeleton of one body: joints, skin and landmarks enter, a light set of closed bone meshes leaves.

The left half is made and mirrored, so left and right match exactly. The kneecap rides half on the thigh, half on the shin;
collar bones pass from the chest to the shoulder blade along their length; the column and the ribs bend with height.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from train.body.bones import arm, foot, hand, leg, pelvis, ribs, skull, spine
from train.body.bones.mesh import Mesh, join
from train.body.bones.place import MM, limb_frame, stretch, twist, warp
from train.body.bones.skin import Skin, settle
from train.body.bones.torso import Torso, measure_torso
from train.body.bones.weights import rigid_joint, soft_weights

FRONT = np.array([0, 0, 1.0])
STATURE_M = 1.75  # of the man the bones are drawn for
# bone girth against that man's, beyond what stature explains
GIRTH = {"female": 0.95, "neutral": 0.975, "male": 1.0}
BUDGET = {"skull": 2500, "jaw": 700, "teeth_upper": 330, "teeth_lower": 300, "hip": 850, "sacrum": 480, "scapula": 480,
          "humerus": 400, "ulna": 260, "radius": 230, "carpus": 240, "femur": 480, "tibia": 380, "fibula": 160, "patella": 90,
          "sternum": 260}
VERTEBRAE = {"lumbar": 200, "thoracic": 175, "cervical": 175, "axis": 180, "atlas": 150}
TARSALS = {"talus": 150, "calcaneus": 190, "small": 50}


@dataclass(frozen=True)
class Bones:
    """The skeleton at the template pose: vertices in template axes (metres), rigid joints, soft weights, part names."""

    vertices_m: Float[ndarray, "v 3"]
    faces: Int[ndarray, "f 3"]
    joint: UInt8[ndarray, " v"]
    weight_joint: UInt8[ndarray, "v 4"]
    weight: Float[ndarray, "v 4"]
    part: UInt8[ndarray, " v"]
    part_names: tuple[str, ...]
    local_m: Float[ndarray, "v 3"]


@dataclass(frozen=True)
class Subject:
    """What the bones are fitted to; `size` scales drawn bones (1 = a man of 1.75 m), joints are of the T-pose."""

    joints: Float[ndarray, "24 3"]
    skin: Skin
    landmarks: dict[str, ndarray]
    size: float
    torso: Torso


def build_bones(
    joints_m: Float[ndarray, "24 3"],
    skin_template_m: Float[ndarray, "v 3"],
    skin_faces: Int[ndarray, "f 3"],
    landmarks_m: dict[str, ndarray],
    frames: Float[ndarray, "24 3 3"],
    sex: str = "neutral",
) -> Bones:
    """Build all bones of a body in its template pose.

    `landmarks_m` may hold `asis_l` and `psis_l` (skin points); what is missing is measured on the skin. `frames` are the
    joints' bone frames C_i, used for `local_m` = C_i^T (x - J_i).
    """
    subject = _subject(joints_m, skin_template_m, skin_faces, landmarks_m, sex)
    parts = _mirror(_head(subject) | _trunk(subject) | _arm(subject) | _leg(subject))
    return _assemble(parts, np.asarray(joints_m, float), np.asarray(frames, float))


def _subject(joints_m: ndarray, skin_m: ndarray, faces: ndarray, landmarks: dict[str, ndarray], sex: str) -> Subject:
    if sex not in GIRTH:
        raise ValueError(f"sex must be one of {sorted(GIRTH)}, got {sex!r}")
    joints, skin = np.asarray(joints_m, float), Skin(skin_m, faces)
    size = np.ptp(skin.vertices[:, 1]) / STATURE_M * GIRTH[sex]
    shoulder = joints[20]
    torso = measure_torso(skin, joints[6, 1] - 0.05, joints[13, 1] + 0.02, shoulder[0], shoulder[1] - 0.09 * size)
    return Subject(joints, skin, {k: np.asarray(v, float) for k, v in landmarks.items()}, float(size), torso)
