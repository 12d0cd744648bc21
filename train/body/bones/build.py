"""Build the skeleton of one body: joints, skin and landmarks enter, a light set of closed bone meshes leaves.

The left half is made and mirrored, so left and right match exactly. The kneecap rides half on the thigh, half on the
shin; collar bones pass from the chest to the shoulder blade along their length; column and ribs bend with height.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from train.body.bones.axial import fit_column, fit_head, fit_pelvis, fit_trunk
from train.body.bones.limbs import acromion, fit_arm, fit_leg
from train.body.bones.mesh import Mesh, join
from train.body.bones.subject import measure_subject
from train.body.bones.weights import pack, rigid_joint, soft_weights, trunk_skin

VERTICES = {
    "skull": 2500,
    "jaw": 700,
    "teeth_upper": 330,
    "teeth_lower": 300,
    "hip": 850,
    "sacrum": 480,
    "scapula": 480,
    "humerus": 400,
    "ulna": 260,
    "radius": 230,
    "carpus": 240,
    "femur": 480,
    "tibia": 380,
    "fibula": 160,
    "patella": 90,
    "sternum": 260,
}
VERTEBRA_VERTICES = {"lumbar": 215, "thoracic": 175, "cervical": 170, "axis": 180, "atlas": 150}
TARSAL_VERTICES = {"talus": 150, "calcaneus": 190, "small": 50}


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


def build_bones(
    joints_m: Float[ndarray, "24 3"],
    skin_template_m: Float[ndarray, "v 3"],
    skin_faces: Int[ndarray, "f 3"],
    landmarks_m: dict[str, ndarray],
    frames: Float[ndarray, "24 3 3"],
    sex: str = "neutral",
    *,
    skin_weights: Float[ndarray, "v 24"] | None = None,
) -> Bones:
    """Build all bones of a body in its template pose.

    `landmarks_m` may hold `asis_l` and `psis_l` (skin points); what is missing is measured on the skin. `frames`
    are the joints' bone frames C_i, used for `local_m` = C_i^T (x - J_i). With `skin_weights` spine and ribs bend as
    the skin over them does, without them by height alone.
    """
    subject = measure_subject(joints_m, skin_template_m, skin_faces, landmarks_m, sex)
    head = fit_head(subject, VERTICES)
    hips, plate = fit_pelvis(subject, VERTICES)
    column = fit_column(subject, plate, head["skull"])
    parts = head | hips | fit_trunk(subject, column, acromion(subject), VERTICES, VERTEBRA_VERTICES)
    parts |= fit_arm(subject, VERTICES) | fit_leg(subject, VERTICES, TARSAL_VERTICES)
    trunk = None if skin_weights is None else trunk_skin(subject.skin.vertices, skin_weights, subject.joints)
    parts = _with_mirror(parts)
    soft = {name: soft_weights(name, mesh.vertices, subject.joints, trunk) for name, mesh in parts.items()}
    return _assemble(parts, soft, subject.joints, np.asarray(frames, float))


def _with_mirror(parts: dict[str, Mesh]) -> dict[str, Mesh]:
    """Add the right twin of every left part."""
    twins = {f"{name[:-2]}_r": mesh.mirrored() for name, mesh in parts.items() if name.endswith("_l")}
    return parts | twins


def _assemble(parts: dict[str, Mesh], soft: dict[str, ndarray], joints: ndarray, frames: ndarray) -> Bones:
    names = tuple(sorted(parts))
    whole = join([parts[name] for name in names])
    counts = [len(parts[name].vertices) for name in names]
    joint = np.repeat([rigid_joint(name) for name in names], counts).astype(np.uint8)
    weight_joint, weight = pack(np.concatenate([soft[name] for name in names]))
    local = np.einsum("vji,vj->vi", frames[joint], whole.vertices - joints[joint])
    return Bones(
        vertices_m=whole.vertices.astype(np.float32),
        faces=whole.faces.astype(np.int32),
        joint=joint,
        weight_joint=weight_joint,
        weight=weight,
        part=np.repeat(np.arange(len(names)), counts).astype(np.uint8),
        part_names=names,
        local_m=local.astype(np.float32),
    )
