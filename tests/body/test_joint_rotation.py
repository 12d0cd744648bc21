"""Rotations of ball joints to their degrees of freedom, near a pose; doubt about the bone's own axes."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOFS, joint_dofs
from skelvid.body.joint_rotation import (
    BALL_JOINTS,
    SIGMA_ABOUT_OWN_AXES,
    joint_q_near,
    joint_rotation,
    variance_about_own_axes,
)


@pytest.mark.parametrize("joint", BALL_JOINTS)
def test_the_nearest_triple_is_the_one_it_was(joint, rng):
    """Any three angles, several turns and beyond a right angle in the middle, come back from their rotation."""
    q = rng.uniform(-9, 9, (200, 46))
    dofs = list(joint_dofs(joint))
    near = q[:, dofs] + rng.normal(0, 0.1, (200, 3))
    far = np.abs(np.cos(q[:, dofs[1]])) > 0.1  # at gimbal lock one rotation has many nearest triples
    again = joint_q_near(joint_rotation(q, joint), joint, near)
    np.testing.assert_allclose(again[far], q[far][:, dofs], atol=1e-9)


@pytest.mark.parametrize("joint", BALL_JOINTS)
def test_variance_is_that_of_random_draws(joint, rng):
    q, sigma = rng.uniform(-1, 1, (1, 46)), rng.uniform(0.001, 0.01, (1, 46))
    error = rng.normal(size=(20_000, 46)) * sigma
    if joint in SIGMA_ABOUT_OWN_AXES:
        own = np.array([DOFS[i].axis for i in joint_dofs(joint)])
        drawn = error[:, list(joint_dofs(joint))] @ own
    else:
        rotation: Rotation = joint_rotation(q, joint).inv() * joint_rotation(q + error, joint)
        drawn = rotation.as_rotvec()
    expected = np.maximum((drawn**2).mean(0), sigma[0, list(joint_dofs(joint))].min() ** 2)
    np.testing.assert_allclose(variance_about_own_axes(q, sigma, joint)[0], expected, rtol=0.05)


def test_gimbal_lock_does_not_make_sure():
    """With the second angle at 90 degrees, the other two turn about one axis: the third direction is nobody's."""
    q, sigma = np.zeros((1, 46)), np.full((1, 46), 0.1)
    q[0, joint_dofs("femur_r")[1]] = np.pi / 2
    np.testing.assert_allclose(np.sort(variance_about_own_axes(q, sigma, "femur_r")[0]), [0.01, 0.01, 0.02])
