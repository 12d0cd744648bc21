"""A motion as plain columns on which linear operations over time make sense, and back.

Hinges, spine, shoulder blades and the translation are columns as they are; pelvis, hips and shoulders are rotations,
whose three angles each break somewhere, so they are quaternions with signs that go on from row to row. What is linear
in the columns and then scaled to unit quaternions does not depend on the frame that the rotations are told in.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import joint_dofs
from skelvid.body.joint_rotation import BALL_JOINTS, joint_q_near, joint_rotation
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import N_DOFS, SkelParams
from skelvid.series import continuous_signs

BALL_DOFS = tuple(dof for joint in BALL_JOINTS for dof in joint_dofs(joint))
PLAIN_DOFS = tuple(dof for dof in range(N_DOFS) if dof not in BALL_DOFS)
N_PLAIN = len(PLAIN_DOFS) + 3


def seen_rows(motion: Motion) -> Bool[np.ndarray, "t"]:
    """Return where the person was visible and every parameter is a number."""
    return motion.visible & np.isfinite(motion.params.q).all(1) & np.isfinite(motion.params.trans_m).all(1)


def to_columns(motion: Motion) -> Float[np.ndarray, "t 54"]:
    """Return 31 plain angles (rad), translation (m), and 5 quaternions (x, y, z, w); NaN where nobody was seen."""
    seen = seen_rows(motion)
    q = np.asarray(motion.params.q[seen], np.float64)
    columns = np.full((len(seen), N_PLAIN + 4 * len(BALL_JOINTS)), np.nan)
    turns = np.stack([joint_rotation(q, joint).as_quat() for joint in BALL_JOINTS], axis=1)
    flat = continuous_signs(turns).reshape(len(q), 4 * len(BALL_JOINTS))
    columns[seen] = np.concatenate([q[:, PLAIN_DOFS], motion.params.trans_m[seen], flat], axis=1)
    return columns


def with_columns(motion: Motion, columns: Float[np.ndarray, "t 54"]) -> Motion:
    """Return the motion with these columns, visible where they are numbers; angles stay near what they were."""
    seen, now = seen_rows(motion), np.isfinite(columns).all(1)
    q, trans_m = np.array(motion.params.q, np.float64), np.array(motion.params.trans_m, np.float64)
    near = q[now]
    if (now & ~seen).any():
        near = np.stack([np.interp(motion.time_s[now], motion.time_s[seen], column[seen]) for column in q.T], axis=1)
    q[now] = q_of_columns(columns[now], near)
    trans_m[now] = columns[now, len(PLAIN_DOFS) : N_PLAIN]
    return replace(motion, params=SkelParams(q, motion.params.betas, trans_m), visible=now)


def q_of_columns(columns: Float[np.ndarray, "t 54"], near: Float[np.ndarray, "t 46"]) -> Float[np.ndarray, "t 46"]:
    """Return the q of columns; of the triples that are the same rotation those nearest to `near`."""
    q = near.copy()
    q[:, PLAIN_DOFS] = columns[:, : len(PLAIN_DOFS)]
    for joint, turn in zip(BALL_JOINTS, np.split(columns[:, N_PLAIN:], len(BALL_JOINTS), axis=1), strict=True):
        dofs = joint_dofs(joint)
        q[:, dofs] = joint_q_near(Rotation.from_quat(turn), joint, near[:, dofs])
    return q
