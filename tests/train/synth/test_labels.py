import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from train.synth.check import label_errors_px, pose_errors_px
from train.synth.labels import OCCLUDED, OUTSIDE, VISIBLE, label, mirror_points, mirrored, point_names, points_of
from train.synth.render import Renderer
from train.synth.studio import Studio
from train.synth.world import PARTS


@pytest.fixture(scope="module")
def taken(world):
    takes = [world.crop((5, i)) for i in range(4)]
    return takes, Studio(Renderer())(takes, seed=(5,))


def test_the_body_in_the_labelled_pose_lies_on_the_drawn_skin(world):
    takes = [world.crop((7, i)) for i in range(8)]
    drawn = Renderer()([take.shot for take in takes])

    def labels_of(i):
        take = takes[i]
        return label(take.person, take.body, take.root, take.shot.view, drawn, i, frame=take.frame)

    error = np.concatenate([label_errors_px(takes[i], labels_of(i), drawn, i) for i in range(8)])
    assert len(error) > 60
    assert error.max() < 0.5
    # And the measure sees a label that is a pixel off.
    wrong = [labels_of(i) for i in range(8)]
    for labels in wrong:
        labels["center_px"] = labels["center_px"] + np.array([1.0, 0.0], np.float32)
    error = np.concatenate([label_errors_px(takes[i], wrong[i], drawn, i) for i in range(8)])
    assert np.median(error) > 0.7


def test_the_labelled_pose_is_that_of_the_drawn_skin(taken):
    for take, one in zip(*taken, strict=True):
        assert pose_errors_px(take, one.labels).max() < 0.5
        bent = one.labels["q"] + np.eye(46, dtype=np.float32)[DOF_INDEX["knee_angle_r"]] * 0.05
        assert pose_errors_px(take, {**one.labels, "q": bent}).max() > 0.5


def test_mirrored_labels_are_those_of_the_mirrored_picture(taken):
    """The mirrored pose, posed anew, appears where the mirrored points are; left is right."""
    takes, pictures = taken
    body = load_body("neutral")
    for take, one in zip(takes, pictures, strict=True):
        names = point_names(take.person)
        rest = take.body(SkelParams(torch.zeros(46), take.person.params.betas, torch.zeros(3)))
        points = torch.cat([rest.joints_m, rest.landmarks_m, rest.skin_m[: len(take.person.dense_m)]])
        mirror = mirror_points(names, points)
        other = mirrored(one, mirror)
        np.testing.assert_array_equal(other.image[:, 0], one.image[:, -1])
        posed = body.skeleton(
            SkelParams(*(torch.as_tensor(other.labels[k]).float() for k in ("q", "betas", "trans_m")))
        )
        count = len(posed.joints_m) + len(posed.landmarks_m)
        at = torch.cat([posed.joints_m, posed.landmarks_m])
        # The open bodies are symmetric to within a few millimetres.
        assert np.abs(at.numpy() - other.labels["landmarks_m"][:count]).max() < 0.006
        focal, centre = other.labels["focal_px"], other.labels["center_px"]
        px = at[:, :2].numpy() / at[:, 2:].numpy() * focal + centre
        np.testing.assert_allclose(px, other.labels["landmarks_px"][:count], atol=2.5)
        thigh = [PARTS.index(f"thigh_{side}") for side in "rl"]
        assert (other.parts == thigh[0]).sum() == (one.parts == thigh[1]).sum()
        again = mirrored(other, mirror)
        np.testing.assert_array_equal(again.parts, one.parts)
        np.testing.assert_allclose(again.labels["q"], one.labels["q"], atol=1e-6)
        np.testing.assert_allclose(again.labels["box_xyxy"], one.labels["box_xyxy"], atol=1e-3)


def test_points_are_where_the_labels_say(taken):
    for take, one in zip(*taken, strict=True):
        at = one.labels["landmarks_m"]
        px = at[:, :2] / at[:, 2:] * one.labels["focal_px"] + one.labels["center_px"]
        np.testing.assert_allclose(px, one.labels["landmarks_px"], atol=0.01)
        world_m = take.shot.view.rot.mT @ torch.as_tensor(at).mT + take.shot.view.position_m[:, None]
        torch.testing.assert_close(world_m.mT, points_of(take.person), atol=1e-4, rtol=0)
        np.testing.assert_allclose(np.linalg.norm(one.labels["up"]), 1, atol=1e-5)


def test_what_is_behind_is_hidden_and_what_is_beyond_the_edge_outside(world):
    take = world.crop((5, 2))
    drawn = Renderer()([take.shot])
    size = take.shot.view.size_hw
    full = label(take.person, take.body, take.root, take.shot.view, drawn, 0, frame=None)["landmark_state"]
    half = label(take.person, take.body, take.root, take.shot.view, drawn, 0, frame=(0, 0, size[1] / 2, size[0]))
    x = half["landmarks_px"][:, 0]
    assert (half["landmark_state"][x >= size[1] / 2] == OUTSIDE).all()
    same = (x < size[1] / 2) & (full != OUTSIDE)
    np.testing.assert_array_equal(half["landmark_state"][same], full[same])
    dense = slice(-len(take.person.dense_m), None)
    facing = ((take.shot.view.position_m - take.person.dense_m) * take.person.dense_normal).sum(1) > 0
    assert (full[dense][~facing.numpy()] != VISIBLE).all()
    assert (full[dense] == OCCLUDED).sum() > 20
    assert (full[dense] == VISIBLE).sum() > 20
