"""The same rotations as those told in SciPy, there and back, with derivatives."""

import numpy as np
import pytest
import torch

from skelvid.body.ball_rotation import ball_angles, ball_rotation, rotation_from_six, six_of_rotation
from skelvid.body.dofs import joint_dofs
from skelvid.body.joint_rotation import BALL_JOINTS, joint_rotation


@pytest.mark.parametrize("joint", BALL_JOINTS)
def test_is_what_scipy_says(joint, rng):
    q = rng.uniform(-np.pi, np.pi, (50, 46))
    ours = ball_rotation(torch.as_tensor(q[:, list(joint_dofs(joint))]), joint)
    np.testing.assert_allclose(ours, joint_rotation(q, joint).as_matrix(), atol=1e-12)


@pytest.mark.parametrize("joint", BALL_JOINTS)
def test_there_and_back_up_to_a_right_angle(joint, rng):
    angles = torch.as_tensor(rng.uniform([-3.1, -1.57, -3.1], [3.1, 1.57, 3.1], (200, 3)))
    torch.testing.assert_close(ball_angles(ball_rotation(angles, joint), joint), angles)
    assert torch.autograd.gradcheck(lambda a: ball_angles(ball_rotation(a, joint), joint), angles[:3].requires_grad_())


def test_six_numbers_of_any_length_make_a_rotation(rng):
    six = torch.as_tensor(rng.normal(size=(100, 6)))
    rot = rotation_from_six(six)
    torch.testing.assert_close(rot.mT @ rot, torch.eye(3).double().expand(100, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rot), torch.ones(100).double())
    torch.testing.assert_close(rotation_from_six(six_of_rotation(rot) * 3.0), rot)
