"""Keypoint sets mean the same thing on both sides, and every name resolves on the shipped bodies."""

import numpy as np
import pytest
import torch

from skelvid.body.fit import unflatten
from skelvid.body.keypoints import KEYPOINT_SETS, keypoint_meaning, keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams

REST = SkelParams(torch.zeros(46), torch.zeros(10), torch.zeros(3))


@pytest.fixture(scope="module", params=["open-female", "open-male", "open-neutral"])
def body(request) -> SkelBody:
    return load_body(request.param, dtype=torch.float64)


@pytest.mark.parametrize(("name", "count"), [("coco17", 17), ("halpe26", 26), ("blazepose33", 33)])
def test_sets_have_their_size_and_no_twins(name, count):
    assert len(KEYPOINT_SETS[name]) == len(set(KEYPOINT_SETS[name])) == count


@pytest.mark.parametrize("name", KEYPOINT_SETS)
def test_left_mirrors_right(body, name):
    names = KEYPOINT_SETS[name]
    xyz = body.skin_points(REST, keypoint_points(body, name)).numpy()
    swap = {"left": "right", "right": "left"}
    mirror = [names.index("_".join(swap.get(w, w) for w in n.split("_"))) for n in names]
    np.testing.assert_allclose(xyz[mirror] * [-1, 1, 1], xyz, atol=1e-5)


def test_left_is_at_positive_x_and_order_from_head_to_foot(body):
    xyz = dict(zip(KEYPOINT_SETS["halpe26"], body.skin_points(REST, keypoint_points(body, "halpe26")), strict=True))
    assert all(xyz[n][0] > 0 for n in xyz if n.startswith("left"))
    heights = [float(xyz[n][1]) for n in ("head", "nose", "left_shoulder", "hip", "left_knee", "left_ankle")]
    assert heights == sorted(heights, reverse=True)
    assert xyz["left_big_toe"][2] > xyz["left_ankle"][2] > xyz["left_heel"][2]


def test_keypoints_are_the_sums_they_say(body):
    params = SkelParams(0.3 * torch.ones(46), torch.ones(10), torch.ones(3))
    posed = body.skeleton(params)
    named = dict(zip(body.landmark_names, posed.landmarks_m, strict=True))
    knee = body.skin_points(params, keypoint_points(body, ["left_knee"]))[0]
    torch.testing.assert_close(knee, (named["knee_lat_l"] + named["knee_med_l"]) / 2)


def test_jacobian_of_keypoints_equals_finite_differences(body):
    """Two landmarks of one keypoint may hang on the same joint: both must count."""
    rows = torch.cat([0.3 * torch.ones(46), torch.ones(10), torch.zeros(3)]).double()[None]
    points = keypoint_points(body, "blazepose33")
    step = 1e-6 * torch.eye(59, dtype=torch.float64)
    ahead, behind = (body.linearise(unflatten(rows + sign * step), points).points_m for sign in (1, -1))
    expected = ((ahead - behind) / 2e-6).mT
    torch.testing.assert_close(body.linearise(unflatten(rows), points).jacobian[0], expected, atol=1e-7, rtol=0)


def test_unknown_names_are_said(body):
    with pytest.raises(ValueError, match="unknown keypoint set 'coco'; known: coco17"):
        keypoint_points(body, "coco")
    with pytest.raises(ValueError, match="unknown keypoint 'left_tail'"):
        keypoint_meaning("left_tail")


def test_missing_landmarks_are_said(toy_assets):
    with pytest.raises(ValueError, match=r"no landmark .*ear_l"):
        keypoint_points(SkelBody(toy_assets), "coco17")
