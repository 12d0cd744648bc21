"""What is encoded decodes to the same; q, place and points mean what the body and the camera say."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from skelvid.body.dofs import limits_rad, mirror_index_and_sign
from skelvid.body.load import load_body
from skelvid.body.start import joint_angles
from skelvid.datatypes.skel import SkelParams
from skelvid.regress.decode import Pelvis, decode, encode, point_places, to_place
from skelvid.regress.output import PLAIN_DOFS, yaw_bin, yaw_rad
from tests.regress.test_crop import crop as crop  # a fixture
from tests.regress.toy_regressor import SIZE_HW, make_network


@pytest.fixture(scope="module")
def body():
    return load_body("neutral", dtype=torch.float64)


@pytest.fixture
def params(rng, crop):
    lower, upper = (np.where(np.isfinite(v), v, s * np.pi) for v, s in zip(limits_rad(), (-1, 1), strict=True))
    lower[1], upper[1] = -1.57, 1.57  # the pelvis's smaller triple
    n = len(crop)
    trans_m = rng.uniform([-2, -1, 3], [2, 1, 8], (n, 3))
    return SkelParams(rng.uniform(lower, upper, (n, 46)), rng.normal(size=(n, 10)), trans_m).to_torch(
        dtype=torch.float64
    )


def turns_apart(a, b):
    return ((a - b + np.pi) % (2 * np.pi) - np.pi).abs().max()


def test_decode_undoes_encode(body, crop, params):
    pelvis = Pelvis.of(body)
    again = decode(encode(params, crop, pelvis), crop, pelvis)
    assert turns_apart(again.q, params.q) < 1e-5
    torch.testing.assert_close(again.betas, params.betas)
    torch.testing.assert_close(again.trans_m, params.trans_m)


def test_single_precision_is_enough(body, crop, params):
    pelvis = Pelvis.of(load_body("neutral"))
    crop, params = crop.to(torch.float32), params.to_torch()
    target = encode(params, crop, pelvis)
    again = decode(target, crop, pelvis)
    torch.testing.assert_close(encode(again, crop, pelvis).root_rot, target.root_rot, atol=1e-5, rtol=0)
    torch.testing.assert_close(encode(again, crop, pelvis).ball_rot, target.ball_rot, atol=1e-5, rtol=0)
    torch.testing.assert_close(again.trans_m, params.trans_m, atol=1e-4, rtol=1e-4)


def test_root_is_the_bodys_own_seen_by_the_virtual_camera(body, crop, params):
    target = encode(params, crop, Pelvis.of(body))
    assert turns_apart(joint_angles(body, 0, crop.view_rot.mT @ target.root_rot), params.q[:, :3]) < 1e-9
    # The body's landmarks, turned as the pelvis is, lie where the posed body has them.
    still = SkelParams(torch.zeros_like(params.q), params.betas, torch.zeros_like(params.trans_m))
    turned = SkelParams(torch.cat([params.q[:, :3], still.q[:, 3:]], 1), params.betas, params.trans_m)
    rest, posed = body.skeleton(still), body.skeleton(turned)
    rot = crop.view_rot.mT @ target.root_rot
    expected = (rest.landmarks_m - rest.joints_m[:, :1]) @ rot.mT + posed.joints_m[:, :1]
    torch.testing.assert_close(posed.landmarks_m, expected)


def test_place_is_where_the_pelvis_joint_is_seen(body, crop, params):
    target = encode(params, crop, Pelvis.of(body))
    joint_m = body.skeleton(params).joints_m[:, 0]
    torch.testing.assert_close(to_place(joint_m, crop), target.place)
    # One metre across, at its depth, takes exp(place) of the crop's height.
    sideways = joint_m + torch.tensor([1.0, 0.0, 0.0])
    off = (to_place(sideways, crop) - target.place)[:, 1:].norm(dim=1)
    torch.testing.assert_close(off, target.place[:, 0].exp())


def test_yaw_bins_turn_with_the_person(body, crop, params):
    upright = SkelParams(params.q * 0, params.betas * 0, params.trans_m)
    frontal = crop[[0] * 16]
    pelvis = Pelvis.of(body)
    facing = torch.diag(torch.tensor([1.0, -1.0, -1.0])).double()
    angle = torch.arange(16) * (2 * torch.pi / 16)
    turn = torch.eye(3).double().repeat(16, 1, 1)
    turn[:, 0, 0], turn[:, 0, 2], turn[:, 2, 0], turn[:, 2, 2] = angle.cos(), angle.sin(), -angle.sin(), angle.cos()
    q = torch.cat([pelvis.angles(frontal.view_rot.mT @ turn @ facing), upright.q[:16, 3:]], 1)
    target = encode(SkelParams(q, upright.betas[:16], upright.trans_m[:16]), frontal, pelvis)
    assert yaw_bin(target.root_rot).tolist() == list(range(16))
    front = body.skeleton(SkelParams(q, upright.betas[:16], upright.trans_m[:16]))
    nose = front.landmarks_m[:, body.landmark_names.index("nose")] - front.joints_m[:, 0]
    seen = (frontal.view_rot @ nose[..., None])[..., 0]
    # Bin 0 looks at the camera, bin 4 to the left of the picture.
    assert seen[0, 2] < -0.05
    assert seen[4, 0] < -0.05
    assert float(yaw_rad(target.root_rot)[4]) == pytest.approx(np.pi / 2)


def test_mirrored_target_is_that_of_the_mirrored_person(body, crop, params):
    pelvis, (index, sign) = Pelvis.of(body), mirror_index_and_sign()
    flip = torch.tensor([-1.0, 1.0, 1.0]).double()
    other = SkelParams(params.q[:, index] * torch.as_tensor(sign), params.betas, params.trans_m * flip)
    here, there = encode(params, crop, pelvis), encode(other, crop.mirrored(), pelvis)
    # The body itself is symmetric to a few micrometres.
    torch.testing.assert_close(there.root_rot, flip[:, None] * here.root_rot * flip, atol=1e-6, rtol=0)
    torch.testing.assert_close(there.place, here.place * torch.tensor([1.0, -1.0, 1.0]), atol=1e-4, rtol=0)
    across = torch.tensor([1.0, 1.0, -1.0]).double()
    torch.testing.assert_close(there.ball_rot, (across[:, None] * here.ball_rot * across)[:, [1, 0, 3, 2]])
    assert there.angles.shape[1] == len(PLAIN_DOFS)


def test_points_are_found_between_bins(rng):
    network = make_network()
    with torch.no_grad():
        output = network(torch.rand(3, 3, *SIZE_HW), torch.zeros(3, 3))
    place = torch.as_tensor(rng.uniform(8, 40, (*output.x_logits.shape[:2], 2))).float()

    def logits(at, like):
        return -0.5 * ((torch.arange(like.shape[2]) + 0.5) * 2 - at[..., None]).square() / 4.0

    told = replace(
        output, x_logits=logits(place[..., 0], output.x_logits), y_logits=logits(place[..., 1], output.y_logits)
    )
    assert (point_places(told) - place).abs().max() < 0.05
