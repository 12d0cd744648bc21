"""Laws of the body: the template, mirrors, batches, gradients, the analytic Jacobian."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skelvid.body.dofs import JOINT_NAMES, mirror_index_and_sign, other_side
from skelvid.body.model import SkelBody
from skelvid.body.points import join_points
from skelvid.datatypes.skel import SkelParams
from tests.toy_skel import make_toy_assets

TOY = make_toy_assets(np.random.default_rng(1))
RANDOM_FRAMES = make_toy_assets(np.random.default_rng(2), apose_rotations=True)
CORRECTED = make_toy_assets(np.random.default_rng(3), posedirs=True)
MIRROR = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)
MIRRORED_JOINT = [JOINT_NAMES.index(other_side(name)) for name in JOINT_NAMES]


def random_params(*batch: int, seed: int = 0, spread: float = 0.5) -> SkelParams:
    rng = np.random.default_rng(seed)
    draw = (rng.normal(0, scale, (*batch, n)) for n, scale in ((46, spread), (10, 1), (3, 1)))
    return SkelParams(*draw).to_torch(dtype=torch.float64)


def all_points(body: SkelBody):
    n = len(body.assets.skin_template_m)
    return join_points(body.joints, body.points(np.arange(n)[:, None], np.ones((n, 1))))


@pytest.fixture(params=["toy", "random frames", "correctives"])
def body(request) -> SkelBody:
    assets = {"toy": TOY, "random frames": RANDOM_FRAMES, "correctives": CORRECTED}[request.param]
    return SkelBody(assets, dtype=torch.float64)


def test_zero_gives_the_template(body):
    zero = SkelParams(*(torch.zeros(n, dtype=torch.float64) for n in (46, 10, 3)))
    posed = body(zero, bones=True)
    assets = body.assets
    np.testing.assert_allclose(posed.skin_m, assets.skin_template_m, atol=2e-7)  # float32 template
    np.testing.assert_allclose(posed.joints_m, assets.joints_m, atol=2e-7)
    bones = assets.bones
    frame, joint = assets.per_joint_rot[bones.joint], assets.joints_m[bones.joint]
    expected = np.einsum("sij,sj->si", frame, bones.template_m) + joint
    np.testing.assert_allclose(posed.bones_m, expected, atol=5e-7)
    np.testing.assert_allclose(posed.joint_rot, assets.per_joint_rot, atol=2e-6)  # float32 bone directions


def test_translation_moves_everything(body):
    params = random_params(2)
    still = SkelParams(params.q, params.betas, 0 * params.trans_m)
    for moved, rest in zip(vars(body(params, bones=True)).items(), vars(body(still, bones=True)).items(), strict=True):
        shift = 0 if moved[0] == "joint_rot" else params.trans_m[:, None]
        torch.testing.assert_close(moved[1], rest[1] + shift)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_mirrored_pose_gives_the_mirrored_body(seed):
    body = SkelBody(TOY, dtype=torch.float64)
    params = random_params(1, seed=seed)
    index, sign = (torch.as_tensor(v) for v in mirror_index_and_sign())
    mirrored = SkelParams(params.q[:, index] * sign, params.betas, params.trans_m * MIRROR)
    left, right = body(params), body(mirrored)
    torch.testing.assert_close(left.joints_m[:, MIRRORED_JOINT] * MIRROR, right.joints_m, atol=2e-6, rtol=0)


def test_left_ankle_moves_as_the_mirror_of_the_right():
    """SKEL writes the left ankle axis unmirrored; the asset's frame must repair it."""
    body = SkelBody(TOY, dtype=torch.float64)
    q = torch.zeros(2, 46, dtype=torch.float64)
    q[0, 7] = q[1, 14] = 0.5
    toes = body.skeleton(SkelParams(q, torch.zeros(1, 10), torch.zeros(1, 3))).joints_m[:, [5, 10]]
    torch.testing.assert_close(toes[0, 0] * MIRROR, toes[1, 1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_any_batch_shape(body, batch):
    params = random_params(*batch)
    posed = body(params, bones=True)
    assert posed.skin_m.shape == (*batch, 96, 3)
    assert posed.landmarks_m.shape == (*batch, 5, 3)
    assert posed.joint_rot.shape == (*batch, 24, 3, 3)
    if batch == (2, 3):
        one = body(params[1, 2], bones=True)
        torch.testing.assert_close(posed.bones_m[1, 2], one.bones_m)


def test_one_shape_for_many_poses_broadcasts(body):
    params = random_params(4)
    shared = SkelParams(params.q, params.betas[0], params.trans_m)
    repeated = SkelParams(params.q, params.betas[:1].expand(4, -1), params.trans_m)
    torch.testing.assert_close(body(shared).skin_m, body(repeated).skin_m)


def test_landmarks_path_agrees_with_the_mesh(body):
    params = random_params(3)
    vertex, weight = body.assets.landmark_vertex, torch.as_tensor(body.assets.landmark_weight)
    on_mesh = (body(params).skin_m[:, vertex] * weight[..., None]).sum(-2)
    torch.testing.assert_close(body.skeleton(params).landmarks_m, on_mesh, atol=1e-9, rtol=0)


def test_float32_stays_within_a_hundredth_of_a_millimetre(body):
    params = random_params(8)
    coarse = SkelBody(body.assets)(params.to_torch(dtype=torch.float32))
    torch.testing.assert_close(coarse.skin_m, body(params).skin_m, atol=1e-5, rtol=0, check_dtype=False)


def test_rotations_stay_rotations(body):
    rot = body(random_params(4, spread=2)).joint_rot
    torch.testing.assert_close(rot @ rot.mT, torch.eye(3, dtype=rot.dtype).expand_as(rot))


@pytest.mark.parametrize("spread", [0.5, 1e-3, 0.0])
@pytest.mark.parametrize("shape", ["own", "shared"])
@pytest.mark.parametrize("assets", [TOY, RANDOM_FRAMES], ids=["toy", "random frames"])
def test_jacobian_equals_autograd(assets, shape, spread):
    body = SkelBody(assets, dtype=torch.float64)
    params = random_params(2, spread=spread)
    params = params if shape == "own" else SkelParams(params.q, params.betas[:1], params.trans_m)
    points = all_points(body)
    ours = body.linearise(params, points)

    def forward(q, betas, trans):
        row = SkelParams(q, betas, trans)
        return torch.cat([body.skeleton(row).joints_m, body.skin_points(row, points)[24:]])

    for i in range(2):
        betas = params.betas[i if shape == "own" else 0]
        columns = torch.autograd.functional.jacobian(forward, (params.q[i], betas, params.trans_m[i]), vectorize=True)
        expected = torch.cat(columns, dim=-1).permute(2, 1, 0)
        torch.testing.assert_close(ours.jacobian[i], expected, atol=1e-10, rtol=0)
        torch.testing.assert_close(ours.points_m[i], forward(params.q[i], betas, params.trans_m[i]))


def test_gradients_reach_every_parameter(body):
    params = random_params(2)
    leaves = [v.requires_grad_() for v in (params.q, params.betas, params.trans_m)]
    body(SkelParams(*leaves), bones=True).bones_m.square().sum().backward()
    assert all(bool(torch.isfinite(leaf.grad).all()) for leaf in leaves)
    assert bool((leaves[1].grad != 0).all())
    assert int((leaves[0].grad != 0).all(0).sum()) >= 40  # leaves' own skin tetrahedra are not bones of wrists


def test_bones_need_a_skeleton():
    from dataclasses import replace

    with pytest.raises(ValueError, match="no skeleton mesh"):
        SkelBody(replace(TOY, bones=None))(random_params(1).to_torch(), bones=True)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"q must have shape \[..., 46\], got \(3, 24\)"):
        SkelParams(np.zeros((3, 24)), np.zeros(10), np.zeros(3))
