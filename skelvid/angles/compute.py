"""SKEL parameters in, clinical joint angles out.

The three numbers that SKEL keeps for a ball joint turn about fixed axes; OpenSim and ISB read the same
rotation about moving axes. So each rotation is rebuilt and taken apart again. The way back, angles to q, is
exact.
"""

from functools import partial
from math import pi

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from skelvid.angles.euler import compose, decompose
from skelvid.angles.spread import angle_sigma
from skelvid.angles.table import ANGLE_NAMES, ANGLE_TABLE, Decomposed, Single
from skelvid.body.dofs import DOF_INDEX, DOFS, joint_dofs
from skelvid.body.joint_rotation import joint_q, joint_rotation
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.geometry.ground import CAMERA_GROUND, TEMPLATE_GROUND, ground_axes

__all__ = ["CAMERA_GROUND", "TEMPLATE_GROUND", "angles_from_q", "compute_angles", "ground_axes", "q_from_angles"]


# The right arm from hanging to the T-pose, in the axes of the shoulder blade.
_T_POSE_ARM = Rotation.from_rotvec([-pi / 2, 0.0, 0.0])


def compute_angles(motion: Motion, *, ground: Float[np.ndarray, "3 3"] = CAMERA_GROUND) -> JointAngles:
    """Return every angle of the table over time; rows in which the person was not visible are NaN.

    `pelvis_*` are read relative to `ground` (see `ground_axes`), by default the upright camera, and
    `pelvis_rotation` runs on past half a turn instead of jumping. Sigmas follow from the motion's (see `spread`).
    """
    values = np.full((len(motion.time_s), len(ANGLE_NAMES)), np.nan)
    seen = motion.visible & np.isfinite(motion.params.q).all(1)
    q = np.asarray(motion.params.q[seen], np.float64)
    values[seen] = angles_from_q(q, ground=ground)
    heading = ANGLE_NAMES.index("pelvis_rotation")
    values[seen, heading] = np.unwrap(values[seen, heading])
    sigma = None
    if motion.q_sigma_rad is not None:
        sigma = np.full_like(values, np.nan)
        sigma[seen] = angle_sigma(partial(angles_from_q, ground=ground), q, motion.q_sigma_rad[seen])
    return JointAngles(motion.time_s, ANGLE_NAMES, values, sigma)


def angles_from_q(
    q: Float[np.ndarray, "t 46"], *, ground: Float[np.ndarray, "3 3"] = CAMERA_GROUND
) -> Float[np.ndarray, "t d"]:
    """Return the angles of the table, rad, one column per name of `ANGLE_NAMES`."""
    columns = []
    for entry in ANGLE_TABLE:
        if isinstance(entry, Single):
            columns.append(entry.sign * q[:, [DOF_INDEX[entry.dof]]] + entry.offset_rad)
        else:
            joint = entry.joints[-1]
            rotation = _up_to(entry, q, ground) * joint_rotation(q, joint)
            columns.append(decompose(_mirrored_if_left(rotation, joint), entry.order))
    return np.concatenate(columns, axis=1)


def q_from_angles(
    angles: JointAngles, *, ground: Float[np.ndarray, "3 3"] = CAMERA_GROUND
) -> Float[np.ndarray, "t 46"]:
    """Return the SKEL pose with these angles: the inverse of `compute_angles`, NaN in rows that hold a NaN.

    Angles that only repeat others (`trunk_*`, `shoulder_*`) are not read.
    """
    q = np.full((len(angles.time_s), len(DOFS)), np.nan)
    for entry in ANGLE_TABLE:
        if isinstance(entry, Single):
            q[:, DOF_INDEX[entry.dof]] = entry.sign * (angles[entry.angle.name] - entry.offset_rad)
    seen = np.flatnonzero(np.isfinite(angles.values_rad).all(1))
    for entry in ANGLE_TABLE:
        if isinstance(entry, Decomposed) and not entry.repeats:
            joint = entry.joints[-1]
            values = np.column_stack([angles[angle.name][seen] for angle in entry.angles])
            rotation = _mirrored_if_left(compose(values, entry.order), joint)
            local = _up_to(entry, q[seen], ground).inv() * rotation
            q[seen[:, None], joint_dofs(joint)] = joint_q(local, joint)
    return np.where(np.isnan(q).any(1, keepdims=True), np.nan, q)


def _up_to(entry: Decomposed, q: Float[np.ndarray, "t 46"], ground: Float[np.ndarray, "3 3"]) -> Rotation:
    """Return the part of an entry's rotation that comes before its last joint turns."""
    *before, last = entry.joints
    rotation = Rotation.from_matrix(ground.T @ TEMPLATE_GROUND) if last == "pelvis" else Rotation.identity()
    for joint in before:
        rotation = rotation * joint_rotation(q, joint)
    if last.startswith("humerus"):
        rotation = rotation * _mirrored_if_left(_T_POSE_ARM, last)
    return rotation


def _mirrored_if_left(rotation: Rotation, joint: str) -> Rotation:
    """See a rotation of the left side as the right side would do it: mirrored left to right (z)."""
    if not joint.endswith("_l"):
        return rotation
    return Rotation.from_quat(rotation.as_quat() * [-1.0, -1.0, 1.0, 1.0])
