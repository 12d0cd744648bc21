"""Doubt about q in, doubt about joint angles out; and which angles are too doubtful to be called seen."""

from collections.abc import Callable
from math import pi

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOFS, joint_dofs
from skelvid.body.joint_rotation import SIGMA_ABOUT_OWN_AXES, joint_q_near, joint_rotation
from skelvid.datatypes.motion import JointAngles

# An angle of which nothing is known is anywhere on the circle: the standard deviation of that, rad.
UNKNOWN_RAD = pi / 3**0.5
# Derivatives are differences over this many sigmas.
_STEP = 1e-3
# Joints read together by one angle (spine: lumbar and thorax; arm: blade and humerus) take steps of their own.
_SECOND_IN_CHAIN = ("thorax", "humerus_r", "humerus_l")

Read = Callable[[Float[np.ndarray, "t 46"]], Float[np.ndarray, "t d"]]


def angle_sigma(
    read: Read, q: Float[np.ndarray, "t 46"], q_sigma_rad: Float[np.ndarray, "t 46"]
) -> Float[np.ndarray, "t d"]:
    """Return the standard deviation of each angle that `read` takes from q, to first order; at most `UNKNOWN_RAD`.

    Errors of different degrees of freedom are taken as independent. Exact where an angle is a degree of freedom; where
    a decomposition is nearly locked its angles are hardly known, and the result says so.
    """
    here = read(q)
    variance = np.zeros_like(here)
    for group in _groups():
        off = read(_moved(q, q_sigma_rad, group)) - here
        variance += ((off - 2 * pi * np.round(off / (2 * pi))) / _STEP) ** 2
    return np.minimum(np.sqrt(variance), UNKNOWN_RAD)


def unseen(angles: JointAngles, limit_deg: float = 15.0) -> Bool[np.ndarray, "t d"]:
    """Return where an angle must not be read: nobody was visible, or its standard deviation is above the limit.

    A single view sees some angles badly (turns about the long axis of a straight limb, what points at the camera); the
    network and the fit say so by their sigma, and this is where it becomes yes or no. With unknown sigma all is seen.
    """
    missing = np.isnan(angles.values_rad)
    return missing if angles.sigma_rad is None else missing | ~(angles.sigma_rad <= np.radians(limit_deg))


def _groups() -> list[list[int]]:
    """Return degrees of freedom in groups of which no angle reads two, so that a group can be moved at once."""
    groups: list[list[int]] = [[] for _ in range(6)]
    for joint in dict.fromkeys(dof.joint for dof in DOFS):
        for place, index in enumerate(joint_dofs(joint)):
            groups[place + 3 * (joint in _SECOND_IN_CHAIN)].append(index)
    return groups


def _moved(
    q: Float[np.ndarray, "t 46"], sigma_rad: Float[np.ndarray, "t 46"], group: list[int]
) -> Float[np.ndarray, "t 46"]:
    """Move a group of degrees of freedom by `_STEP` sigmas, each about the axis that its sigma is about."""
    moved = q.copy()
    moved[:, group] += _STEP * sigma_rad[:, group]
    for joint in SIGMA_ABOUT_OWN_AXES:
        dofs = list(joint_dofs(joint))
        for index in set(group) & set(dofs):
            turn = Rotation.from_rotvec(_STEP * sigma_rad[:, [index]] * np.array(DOFS[index].axis))
            moved[:, dofs] = joint_q_near(joint_rotation(q, joint) * turn, joint, q[:, dofs])
    return moved
