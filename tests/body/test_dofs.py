"""The table of degrees of freedom: complete, mirrored, within sense."""

import numpy as np

from skelvid.body.dofs import (
    DOF_NAMES,
    DOFS,
    FIRST_CHILD,
    JOINT_NAMES,
    JOINT_PARENTS,
    limits_rad,
    mirror_index_and_sign,
    other_side,
)

DOFS_PER_JOINT = (3, 3, 1, 1, 1, 1, 3, 1, 1, 1, 1, 3, 3, 3, 3, 3, 1, 1, 2, 3, 3, 1, 1, 2)


def test_every_joint_has_the_published_number_of_dofs_in_order():
    joints = [dof.joint for dof in DOFS]
    assert tuple(joints.count(name) for name in JOINT_NAMES) == DOFS_PER_JOINT
    assert joints == sorted(joints, key=JOINT_NAMES.index)
    assert len(set(DOF_NAMES)) == 46


def test_tree_is_ordered_and_first_children_are_children():
    assert all(parent < i for i, parent in enumerate(JOINT_PARENTS))
    assert all(child == 0 or JOINT_PARENTS[child] == i for i, child in enumerate(FIRST_CHILD))


def test_axes_are_unit():
    norms = np.linalg.norm([dof.axis for dof in DOFS], axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-12)


def test_mirroring_twice_is_nothing():
    index, sign = mirror_index_and_sign()
    np.testing.assert_array_equal(index[index], np.arange(46))
    np.testing.assert_array_equal(sign * sign[index], 1)


def test_limits_mirror():
    lower, upper = limits_rad()
    index, sign = mirror_index_and_sign()
    np.testing.assert_allclose(np.where(sign > 0, lower, -upper), lower[index], atol=1e-12)
    np.testing.assert_allclose(np.where(sign > 0, upper, -lower), upper[index], atol=1e-12)


def test_limits_hold_the_template_and_are_less_than_a_turn():
    lower, upper = limits_rad()
    assert (lower < 0).all()
    assert (upper > 0).all()
    finite = np.isfinite(upper)
    assert finite.sum() == 43
    assert ((upper - lower)[finite] < 2 * np.pi).all()


def test_other_side_swaps_whole_words_only():
    assert other_side("shoulder_r_x") == "shoulder_l_x"
    assert other_side("lumbar_twist") == "lumbar_twist"
    assert other_side("hand_l") == "hand_r"
