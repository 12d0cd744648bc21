import numpy as np
import pytest

from skelvid.body.dofs import JOINT_NAMES
from train.body import regroup

NAMES = tuple(
    [*regroup.AXIAL]
    + [f"{stem}.{s}" for stem in regroup.SIDED for s in "LR" if stem not in ("toe", "finger", "metacarpal")]
    + [f"{stem}.{s}" for stem in ("toe1-1", "finger2-3", "metacarpal4") for s in "LR"]
)


def test_every_bone_gives_all_of_its_weight():
    matrix = regroup.regrouping(NAMES)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    assert matrix.min() >= 0


def test_left_bones_move_left_joints_only():
    matrix = regroup.regrouping(NAMES)
    right = [i for i, n in enumerate(JOINT_NAMES) if n.endswith("_r")]
    left_rows = [i for i, n in enumerate(NAMES) if n.endswith(".L")]
    assert matrix[np.ix_(left_rows, right)].max() == 0


def test_mirrored_joint_is_its_own_inverse():
    partner = regroup.mirrored_joint()
    assert np.array_equal(partner[partner], np.arange(24))
    assert JOINT_NAMES[partner[JOINT_NAMES.index("ulna_r")]] == "ulna_l"


@pytest.fixture
def messy():
    rng = np.random.default_rng(3)
    weights = rng.random((8, 24)) ** 6
    mirror = np.array([1, 0, 3, 2, 5, 4, 6, 7])
    return weights / weights.sum(axis=1, keepdims=True), mirror


def test_settled_weights_are_symmetric_and_few(messy):
    weights, mirror = messy
    settled = regroup.settle(weights, mirror)
    assert (settled > 0).sum(axis=1).max() <= regroup.MAX_INFLUENCES
    np.testing.assert_allclose(settled, settled[mirror][:, regroup.mirrored_joint()], atol=1e-12)
    np.testing.assert_allclose(settled.sum(axis=1), 1, atol=1e-12)


def test_packed_rows_sum_to_one_exactly(messy):
    weights, mirror = messy
    joint, weight = regroup.pack(regroup.settle(weights, mirror))
    assert joint.dtype == np.uint8
    assert weight.dtype == np.float32
    assert (weight.sum(axis=1, dtype=np.float32) == 1).all()
    assert weight.min() >= 0
