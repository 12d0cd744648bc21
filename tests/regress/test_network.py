"""Each crop is told by itself; backbone and decoder add up to the network; only what is told of can be built."""

import dataclasses

import pytest
import torch

from skelvid.body.ball_rotation import ball_rotation
from skelvid.body.dofs import DOF_INDEX, joint_dofs
from skelvid.body.keypoints import keypoint_meaning
from skelvid.regress.network import RegressNetwork
from skelvid.regress.output import BALLS, N_YAWS, PLAIN_DOFS, POINTS, mean_output, mirror_point
from tests.regress.toy_regressor import SIZE_HW, make_network


@pytest.fixture(scope="module")
def network():
    return make_network(parts=15)


@pytest.fixture(scope="module")
def given():
    torch.manual_seed(1)
    return torch.rand(4, 3, *SIZE_HW), 0.3 * torch.randn(4, 3)


def numbers(output):
    return {f.name: v for f in dataclasses.fields(output) if (v := getattr(output, f.name)) is not None}


@torch.no_grad()
def test_a_batch_says_what_each_crop_says(network, given):
    image, camera = given
    together = numbers(network(image, camera))
    for i in range(len(image)):
        alone = numbers(network(image[i : i + 1], camera[i : i + 1]))
        for name, value in together.items():
            torch.testing.assert_close(alone[name][0], value[i], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_bytes_mean_the_same_as_shares(network, given):
    image, camera = (given[0] * 255).byte(), given[1]
    a, b = numbers(network(image, camera)), numbers(network.decoder(network.backbone(image.float() / 255), camera))
    for name, value in a.items():
        torch.testing.assert_close(value, b[name])
    assert a["part_logits"].shape == (4, 12, 15)


@torch.no_grad()
def test_camera_and_picture_are_both_heeded(network, given):
    image, camera = given
    told = network(image, camera)
    assert not torch.allclose(told.place, network(image, camera + 0.3).place, atol=1e-4)
    assert not torch.allclose(told.place, network(image.flip(0), camera).place, atol=1e-4)


def test_settings_make_it_again(network):
    again = RegressNetwork(**network.settings)
    again.load_state_dict(network.state_dict())


def test_starts_upright_with_hanging_arms(given):
    torch.manual_seed(0)
    network = RegressNetwork(**make_network().settings).eval()
    with torch.no_grad():
        told = network(*given)
    arm = torch.zeros(3)
    arm[joint_dofs("humerus_l").index(DOF_INDEX["shoulder_l_x"])] = -1.2
    off = told.ball_rot[:, BALLS.index("humerus_l")].mT @ ball_rotation(arm, "humerus_l")
    assert (off.diagonal(dim1=1, dim2=2).sum(1) > 2.5).all()
    assert (told.root_rots[:, 0, 1, 1] < -0.5).all()  # the body's up is the picture's up


def test_other_sizes_are_refused(network):
    with pytest.raises(ValueError, match="crops must be"):
        network.backbone(torch.zeros(1, 3, 48, 64))


def test_points_are_keypoints_and_have_a_mirror_image():
    assert all(keypoint_meaning(name) for name in POINTS)
    assert [mirror_point(mirror_point(name)) for name in POINTS] == list(POINTS)
    assert {mirror_point(name) for name in POINTS} == set(POINTS)
    assert len(PLAIN_DOFS) == 31


@torch.no_grad()
def test_the_mirror_of_a_mirror_is_the_same(network, given):
    told = dataclasses.replace(network(*given), part_logits=None)
    for name, value in numbers(told.mirrored(POINTS).mirrored(POINTS)).items():
        torch.testing.assert_close(value, numbers(told)[name])


@torch.no_grad()
def test_mirrored_answers_are_mirrored_people(network, given):
    told = network(*given)
    told = dataclasses.replace(told, yaw_logits=torch.randn(4, N_YAWS))
    flip, across = torch.tensor([-1.0, 1.0, 1.0]), torch.tensor([1.0, 1.0, -1.0])
    other = told.mirrored(POINTS)
    torch.testing.assert_close(other.root_rot, flip[:, None] * told.root_rot * flip, atol=1e-6, rtol=0)
    torch.testing.assert_close(other.ball_rot, (across[:, None] * told.ball_rot * across)[:, [1, 0, 3, 2]])
    both = mean_output(told, other)
    torch.testing.assert_close(both.mirrored(POINTS).root_rot, both.root_rot @ torch.eye(3), atol=1e-6, rtol=0)


@torch.no_grad()
def test_a_doubtful_facing_is_blended_with_its_neighbours_only(network, given):
    told = network(*given)
    logits = torch.full((4, N_YAWS), -20.0)
    logits[:, 0], logits[:, 8] = 5.0, 4.9  # front, or back
    front = dataclasses.replace(told, yaw_logits=logits)
    torch.testing.assert_close(front.root_rot, told.root_rots[:, 0], atol=1e-5, rtol=0)
