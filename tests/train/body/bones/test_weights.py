import numpy as np
import pytest

from train.body.bones.weights import HEAD, LUMBAR, PELVIS, THORAX, pack, rigid_joint, soft_weights

JOINTS = np.zeros((24, 3))
JOINTS[[LUMBAR, THORAX, HEAD], 1] = (0.1, 0.4, 0.55)


@pytest.mark.parametrize(
    ("part", "joint"),
    [("femur_r", 1), ("femur_l", 6), ("toe_3_distal_r", 5), ("metatarsal_1_l", 9), ("clavicle_r", 14), ("ulna_l", 21),
     ("carpus_r", 18), ("middle_distal_l", 23), ("rib_7_r", 12), ("hip_r", 0), ("l5", 11),
     ("t1", 12), ("c4", 13), ("jaw", 13)],
)  # fmt: skip
def test_rigid_joint(part, joint):
    assert rigid_joint(part) == joint


def test_unknown_part_is_an_error():
    with pytest.raises(KeyError):
        rigid_joint("tail_l")


def test_the_column_hands_over_from_pelvis_to_head():
    y = np.linspace(-0.05, 0.6, 60)
    weights = soft_weights("t7", np.stack([0 * y, y, 0 * y], 1), JOINTS)
    assert weights.sum(1) == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[0, PELVIS] == weights[-1, HEAD] == 1
    centre = weights @ np.interp(np.arange(24), [PELVIS, LUMBAR, THORAX, HEAD], [0, 1, 2, 3])
    assert (np.diff(centre) >= -1e-9).all()
    at_joint = soft_weights("t1", JOINTS[[THORAX]], JOINTS)
    assert at_joint[0, THORAX] == pytest.approx(1)  # a body owns the upper end of its arc


def test_collar_bone_goes_from_chest_to_blade():
    points = np.array([(-0.02, 0, 0), (-0.08, 0, 0), (-0.14, 0, 0)])
    weights = soft_weights("clavicle_r", points, JOINTS)
    assert weights[:, THORAX] == pytest.approx([1, 0.5, 0])
    assert weights[:, 14] == pytest.approx([0, 0.5, 1])


def test_kneecap_is_shared():
    weights = soft_weights("patella_r", np.zeros((2, 3)), JOINTS)
    assert weights[:, [1, 2]] == pytest.approx(0.5)


def test_pack_keeps_the_largest_and_sums_to_one():
    weights = np.zeros((3, 24))
    weights[0, [3, 4, 5, 6, 7]] = (0.1, 0.2, 0.3, 0.25, 0.15)
    weights[1, 9] = 1
    weights[2, [0, 11, 12]] = 1 / 3
    joint, weight = pack(weights)
    assert joint.dtype == np.uint8
    assert set(joint[0]) == {4, 5, 6, 7}
    assert (weight.sum(1, dtype=np.float32) == 1).all()
    assert joint[1, 0] == 9
    assert (joint[1, 1:] == 0).all()
