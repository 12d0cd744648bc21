import pytest
import torch

from skelvid.body.dofs import JOINT_INDEX, JOINT_NAMES
from skelvid.body.keypoints import BLAZEPOSE_33, COCO_17, HALPE_26
from skelvid.motion.lift_input import SLOTS
from train.lift.offsets import DEFAULT_SD_MM, SOURCES, carrier_joint, offset_m

SETS = {"mediapipe": BLAZEPOSE_33, "coco": COCO_17, "halpe": HALPE_26}


@pytest.mark.parametrize("source", SOURCES)
def test_left_mirrors_right(source: str) -> None:
    right = [name for name in SETS[source] if "right" in name]
    left = [name.replace("right", "left") for name in right]
    (mean_r, sd_r, joint_r), (mean_l, sd_l, joint_l) = offset_m(source, right), offset_m(source, left)
    torch.testing.assert_close(mean_l, mean_r * torch.tensor([1.0, 1.0, -1.0]))
    torch.testing.assert_close(sd_l, sd_r)
    sides = [(JOINT_NAMES[a], JOINT_NAMES[b]) for a, b in zip(joint_r, joint_l, strict=True)]
    assert all(a == b or (a[:-2], a[-1], b[-1]) == (b[:-2], "r", "l") for a, b in sides)


@pytest.mark.parametrize("source", SOURCES)
def test_every_slot_has_centimetres_at_most(source: str) -> None:
    mean, sd, joint = offset_m(source, SLOTS)
    assert mean.shape == sd.shape == (len(SLOTS), 3)
    assert joint.shape == (len(SLOTS),)
    assert mean.norm(dim=-1).max() < 0.1
    assert sd.min() > 0.005
    assert sd.max() < 0.03


def test_points_live_in_the_segment_that_carries_them() -> None:
    expected = {"right_hip": "pelvis", "left_knee": "femur_l", "right_foot_index": "calcn_r", "left_index": "hand_l",
                "nose": "head", "left_shoulder": "thorax", "right_ankle": "tibia_r", "hip": "pelvis"}  # fmt: skip
    assert {name: carrier_joint(name) for name in expected} == expected
    *_, joint = offset_m("mediapipe", list(expected))
    assert joint.tolist() == [JOINT_INDEX[name] for name in expected.values()]


def test_what_was_not_measured_is_zero_within_its_spread() -> None:
    for source, names in (("coco", COCO_17), ("halpe", HALPE_26), ("mediapipe", ("hip", "neck", "nose"))):
        mean, sd, _ = offset_m(source, names)
        assert not mean.any()
        torch.testing.assert_close(sd, torch.full_like(sd, DEFAULT_SD_MM / 1000))


def test_unknown_source() -> None:
    with pytest.raises(ValueError, match="mediapipe"):
        offset_m("openpose", ["nose"])
