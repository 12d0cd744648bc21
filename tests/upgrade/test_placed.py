import numpy as np
import pytest
import torch

from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.placed import LIMBS, boxes_of, stand_before, straight_at

VIEW = np.array([[900.0, 320.0, 250.0], [700.0, 500.0, 300.0]])


@pytest.fixture(scope="module")
def body():
    return load_body("open-neutral")


@pytest.fixture
def people(body):
    """Two people before their cameras, and where their keypoints are seen."""
    rng = np.random.default_rng(0)
    q = 0.2 * rng.normal(size=(2, 46))
    q[:, 0] += np.pi  # the template's head is up, the camera's y down
    params = SkelParams(q, rng.normal(size=(2, 10)), np.array([[0.3, -0.2, 4.0], [-1.0, 0.1, 7.0]]))
    with torch.no_grad():
        at = body.skeleton(params.to_torch()).joints_m[:, [*LIMBS.values()]].double().numpy()
    xy = at[..., :2] / at[..., 2:] * VIEW[:, None, :1] + VIEW[:, None, 1:]
    return params, np.concatenate([xy, np.ones((2, 12, 1))], axis=2)


def test_people_stand_where_their_keypoints_say(body, people):
    params, keypoints = people
    keypoints[0, :5, :2], keypoints[0, :5, 2] = 1e4, 0.1  # guesses
    lost = SkelParams(params.q, params.betas, np.full((2, 3), 9.0))
    np.testing.assert_allclose(stand_before(body, lost, keypoints, VIEW), params.trans_m, atol=1e-3)


def test_place_is_unknown_where_few_keypoints_are_sure(body, people):
    params, keypoints = people
    keypoints[1, 3:, 2] = 0.2
    place = stand_before(body, params, keypoints, VIEW)
    assert np.isfinite(place[0]).all()
    assert np.isnan(place[1]).all()


def test_cameras_look_straight_at_boxes_without_a_roll():
    boxes = np.array([[300.0, 200.0, 340.0, 300.0], [800.0, 100.0, 860.0, 300.0]])
    turn = straight_at(boxes, VIEW)
    np.testing.assert_allclose(turn[0], np.eye(3), atol=1e-9)
    middle = np.array([(830 - 500) / 700, (200 - 300) / 700, 1.0])
    np.testing.assert_allclose(turn[1][:, 2], middle / np.linalg.norm(middle), atol=1e-9)
    assert turn[1][1, 0] == pytest.approx(0.0, abs=1e-9)
    assert np.linalg.det(turn[1]) == pytest.approx(1.0)


def test_box_goes_around_all_that_is_seen_and_nobody_is_seen_from_behind():
    corners = np.stack(np.meshgrid([-0.5, 0.5], [-1.0, 1.0], [4.0, 5.0]), -1).reshape(1, 8, 3)
    vertices = np.concatenate([corners, corners - [0.0, 0.0, 4.5]])
    box = boxes_of(vertices, VIEW[:1])
    np.testing.assert_allclose(box[0], [320 - 112.5, 250 - 225, 320 + 112.5, 250 + 225])
    assert np.isnan(box[1]).all()
