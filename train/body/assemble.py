"""Shape space, joints, weights and landmarks in, `SkelAssets` (schema skelvid-body/1) out."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.assets import SkelAssets
from skelvid.body.dofs import DOFS, JOINT_NAMES, JOINT_PARENTS
from train.body import regroup
from train.body.shape_space import ShapeSpace
from train.body.source import Rig
from train.body.tpose import shortest

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


# SKEL's pronation axis leans to the lateral side as it goes down: held at the radial head it passes the wrist at 45 mm,
# outside the skin, and its left one is no mirror of its right one. This one runs from radial head to ulnar head.
PRONATION_AXIS_R = (0.05, 0.9963, 0.07)


def axis_repairs() -> dict[str, Float[ndarray, "3 3"]]:
    """Rotations to set as A-pose rotation of joints whose hard-coded axis must be turned, by joint name.

    talus_l: its axis is the unmirrored right one, 23.5 degrees off the mirror. radius: see PRONATION_AXIS_R.
    """
    given = {dof.joint: np.array(dof.axis) for dof in DOFS if dof.joint.startswith(("talus", "radius"))}
    mirrored = np.array([-1.0, -1.0, 1.0])
    pronation = np.array(PRONATION_AXIS_R) / np.linalg.norm(PRONATION_AXIS_R)
    wanted = {"talus_l": given["talus_r"] * mirrored, "radius_r": pronation, "radius_l": pronation * mirrored}
    return {joint: shortest(axis[None], given[joint][None])[0] for joint, axis in wanted.items()}


def rest_transforms(joints: Float[ndarray, "24 3"], frames: Float[ndarray, "24 3 3"]) -> Float[ndarray, "24 4 4"]:
    """Place each joint in its parent's bone frame; rotations are identity but for `axis_repairs`."""
    parents, out = np.array(JOINT_PARENTS), np.tile(np.eye(4), (len(JOINT_NAMES), 1, 1))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            out[joint, :3, 3] = frames[parent].T @ (joints[joint] - joints[parent])
    lumbar, thorax, head = (JOINT_NAMES.index(n) for n in ("lumbar_body", "thorax", "head"))
    # SKEL compares this vector with lumbar -> thorax, so it must point that way or the thorax frame tilts at rest.
    spine = joints[thorax] - joints[lumbar]
    length = np.linalg.norm(joints[head] - joints[thorax])
    out[head, :3, 3] = frames[thorax].T @ spine * (length / np.linalg.norm(spine))
    for name, turn in axis_repairs().items():
        out[JOINT_NAMES.index(name), :3, :3] = turn
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
