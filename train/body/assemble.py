"""Shape space, joints, weights and landmarks in, `SkelAssets` (schema skelvid-body/1) out."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.assets import SkelAssets
from skelvid.body.dofs import DOFS, JOINT_NAMES, JOINT_PARENTS
from train.body import regroup
from train.body.shape_space import ShapeSpace
from train.body.source import Rig

# OpenSim body axes (x front, y proximal, z to the right) as columns in template axes (x left, y up, z front).
UPRIGHT = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
ARM_R = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
ARM_L = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
ARM_BONES = ("humerus", "ulna", "radius", "hand")


def bone_frames() -> Float[ndarray, "24 3 3"]:
    """Orientation C of every bone in the T-pose: OpenSim body axes as columns, in template axes."""
    frames = np.tile(UPRIGHT, (len(JOINT_NAMES), 1, 1))
    for i, name in enumerate(JOINT_NAMES):
        if name.startswith(ARM_BONES):
            frames[i] = ARM_R if name.endswith("_r") else ARM_L
    return frames


def left_ankle_repair() -> Float[ndarray, "3 3"]:
    """Rotation from the mirrored right ankle axis to the one SKEL hard-codes for the left, 23.5 degrees away.

    Set as the A-pose rotation of talus_l it cancels the slip, so both ankles move as mirror images.
    """
    axis = {dof.joint: np.array(dof.axis) for dof in DOFS if dof.joint.startswith("talus")}
    wanted, given = axis["talus_r"] * [-1, -1, 1], axis["talus_l"]
    v, c = np.cross(wanted, given), float(wanted @ given)
    k = np.cross(np.eye(3), v)
    return np.eye(3) + k + k @ k / (1 + c)


def rest_transforms(joints: Float[ndarray, "24 3"], frames: Float[ndarray, "24 3 3"]) -> Float[ndarray, "24 4 4"]:
    """Place each joint in its parent's bone frame; rotations are identity but for the left ankle repair."""
    parents, out = np.array(JOINT_PARENTS), np.tile(np.eye(4), (len(JOINT_NAMES), 1, 1))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            out[joint, :3, 3] = frames[parent].T @ (joints[joint] - joints[parent])
    lumbar, thorax, head = (JOINT_NAMES.index(n) for n in ("lumbar_body", "thorax", "head"))
    # SKEL compares this vector with lumbar -> thorax, so it must point that way or the thorax frame tilts at rest.
    spine = joints[thorax] - joints[lumbar]
    length = np.linalg.norm(joints[head] - joints[thorax])
    out[head, :3, 3] = frames[thorax].T @ spine * (length / np.linalg.norm(spine))
    out[JOINT_NAMES.index("talus_l"), :3, :3] = left_ankle_repair()
    return out


def pack_regressor(regressor: Float[ndarray, "24 v"]) -> tuple[Int[ndarray, "24 m"], Float[ndarray, "24 m"]]:
    """Pack dense regressor rows into vertex ids and float32 weights, padded with weight 0."""
    count = int((regressor > 0).sum(axis=1).max())
    vertex = np.argsort(-regressor, axis=1, kind="stable")[:, :count]
    weight = np.take_along_axis(regressor, vertex, axis=1)
    vertex = np.where(weight > 0, vertex, vertex[:, :1])
    return vertex.astype(np.int32), weight.astype(np.float32)


def assemble(
    sex: str,
    rig: Rig,
    shapes: ShapeSpace,
    regressor: Float[ndarray, "24 v"],
    weights: Float[ndarray, "v 24"],
    landmarks: dict[str, tuple[ndarray, ndarray]],
) -> SkelAssets:
    """Build the asset without bones; landmarks: name -> (3 vertex ids, 3 weights)."""
    frames = bone_frames()
    joint_vertex, joint_weight = pack_regressor(regressor)
    template = shapes.mean.astype(np.float32)
    joints = np.einsum("jm,jmc->jc", joint_weight.astype(float), template[joint_vertex].astype(float))
    skin_joint, skin_weight = regroup.pack(weights)
    return SkelAssets(
        sex=sex,
        skin_template_m=template,
        skin_faces=rig.faces.astype(np.int32),
        shapedirs_m=shapes.directions.astype(np.float32),
        posedirs_m=None,
        skin_weight_joint=skin_joint,
        skin_weight=skin_weight,
        joint_weight_vertex=joint_vertex,
        joint_weight=joint_weight,
        per_joint_rot=frames.astype(np.float32),
        apose_rel_transfo=rest_transforms(joints, frames).astype(np.float32),
        landmark_names=tuple(landmarks),
        landmark_vertex=np.array([v for v, _ in landmarks.values()], np.int32),
        landmark_weight=np.array([w for _, w in landmarks.values()], np.float32),
        base_vertex=rig.base_vertex.astype(np.int32),
    )
