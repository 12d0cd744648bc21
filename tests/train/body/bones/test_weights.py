import numpy as np
import pytest

from train.body.bones.weights import (
    HEAD,
    LUMBAR,
    PELVIS,
    THORAX,
    TrunkSkin,
    pack,
    rigid_joint,
    soft_weights,
    trunk_skin,
)

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


def test_the_trunk_hands_over_from_pelvis_to_head():
    y = np.linspace(-0.05, 0.6, 60)
    weights = soft_weights("sternum", np.stack([0 * y, y, 0 * y], 1), JOINTS)
    assert weights.sum(1) == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[0, PELVIS] == weights[-1, HEAD] == 1
    centre = weights @ np.interp(np.arange(24), [PELVIS, LUMBAR, THORAX, HEAD], [0, 1, 2, 3])
    assert (np.diff(centre) >= -1e-9).all()
    at_joint = soft_weights("rib_1_l", JOINTS[[THORAX]], JOINTS)
    assert at_joint[0, THORAX] == pytest.approx(1)  # a body owns the upper end of its arc


def test_collar_bone_goes_from_chest_to_blade():
    points = np.array([(-0.02, 0.4, 0), (-0.08, 0.4, 0), (-0.14, 0.4, 0)])
    weights = soft_weights("clavicle_r", points, JOINTS)
    assert weights[:, THORAX] == pytest.approx([1, 0.5, 0])
    assert weights[:, 14] == pytest.approx([0, 0.5, 1])


def test_trunk_bones_follow_the_skin_over_them():
    back, front = np.array([0, 0.2, -0.1]), np.array([0, 0.2, 0.1])
    trunk = TrunkSkin(np.array([back, front]), np.array([(0, 1.0, 0, 0), (0, 0, 1, 0)]))
    rib = soft_weights("rib_5_l", np.array([back, (back + front) / 2, front]), JOINTS, trunk)
    assert rib[:, LUMBAR] == pytest.approx([1, 0.5, 0], abs=1e-3)
    assert rib[:, THORAX] == pytest.approx([0, 0.5, 1], abs=1e-3)
    vertebra = soft_weights("t8", np.array([back, front]), JOINTS, trunk)
    assert np.array_equal(vertebra[0], vertebra[1])  # it does not bend


def test_trunk_skin_leaves_out_arms_and_outer_parts():
    joints = JOINTS.copy()
    joints[20, 0] = 0.18
    skin = np.array([(0, 0.3, 0.1), (0.1, 0.3, 0.1), (0.4, 0.3, 0)])
    weights = np.zeros((3, 24))
    weights[0, THORAX], weights[1, [THORAX, 20]], weights[2, THORAX] = 0.5, (0.4, 0.6), 1
    weights[0, LUMBAR] = 0.5
    trunk = trunk_skin(skin, weights, joints)
    assert np.array_equal(trunk.points, skin[:1])
    assert np.array_equal(trunk.shares, [(0, 0.5, 0.5, 0)])


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
