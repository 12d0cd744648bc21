"""Degrees of freedom of a joint in, its rotation out, and back; and how doubt about the one is doubt about the other.

Rotations are in the axes of the joint's bone, T-pose = identity. Ball joints turn about coordinate axes fixed in the
parent, the first degree of freedom first.
"""

import warnings
from math import pi

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOFS, joint_dofs

# These turn far enough for their three angles to break, or to mean little one by one.
BALL_JOINTS = ("pelvis", "femur_r", "femur_l", "humerus_r", "humerus_l")
# `Motion.q_sigma_rad` is about the bone's own axes here, else about those of the degrees of freedom.
SIGMA_ABOUT_OWN_AXES = ("pelvis",)


def joint_rotation(q: Float[np.ndarray, "t 46"], joint: str) -> Rotation:
    """Return the rotation of one joint in its bone's axes, T-pose = identity."""
    rotation = Rotation.identity()
    for index in joint_dofs(joint):
        rotation = Rotation.from_rotvec(q[:, [index]] * np.array(DOFS[index].axis)) * rotation
    return rotation


def joint_q(rotation: Rotation, joint: str) -> Float[np.ndarray, "t 3"]:
    """Return the three q of a ball joint, the second within a right angle of zero."""
    axes = np.array([DOFS[index].axis for index in joint_dofs(joint)])
    order = "".join("xyz"[letter] for letter in np.abs(axes).argmax(1))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gimbal lock", category=UserWarning)
        return rotation.as_euler(order) * axes.sum(1)


def joint_q_near(rotation: Rotation, joint: str, near: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    """Return of all triples that are this rotation the one nearest to `near`, row by row."""
    first = joint_q(rotation, joint)
    # (a, b, c) and (a + pi, pi - b, c + pi) are one rotation, whatever the signs of the three axes.
    second = first * [1.0, -1.0, 1.0] + pi
    off = np.stack([_within_a_turn(triple - near) for triple in (first, second)])
    return near + np.take_along_axis(off, (off**2).sum(-1).argmin(0)[None, :, None], 0)[0]


def variance_about_own_axes(
    q: Float[np.ndarray, "t 46"], sigma_rad: Float[np.ndarray, "t 46"], joint: str
) -> Float[np.ndarray, "t 3"]:
    """Return the variance of a ball joint's rotation about the bone's own x, y and z, rad^2.

    It is at least that of the surest degree of freedom: where two of their axes fall together (gimbal lock) they say
    nothing about the turn across them, which does not make it sure.
    """
    dofs = joint_dofs(joint)
    own = np.array([DOFS[index].axis for index in dofs])
    if joint in SIGMA_ABOUT_OWN_AXES:
        return sigma_rad[:, dofs] ** 2 @ own**2
    variance = np.zeros((len(q), 3))
    before = Rotation.identity()
    for index, axis in zip(dofs, own, strict=True):
        # A turn about an axis fixed in the parent is one about the axis as the bone sees it after the turns before.
        variance += sigma_rad[:, [index]] ** 2 * np.broadcast_to(before.inv().apply(axis), variance.shape) ** 2
        before = Rotation.from_rotvec(q[:, [index]] * axis) * before
    return np.maximum(variance, sigma_rad[:, dofs].min(1, keepdims=True) ** 2)


def _within_a_turn(angles: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    return angles - 2 * pi * np.round(angles / (2 * pi))
