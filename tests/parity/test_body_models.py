"""Our forward pass beside the one of `body-models`, an independent reader of official SKEL files."""

import numpy as np
import pytest
import torch

from skelvid.body.dofs import limits_rad
from skelvid.body.load import load_body_assets
from skelvid.body.model import SkelBody
from skelvid.body.official import write_official
from skelvid.datatypes.skel import SkelParams
from tests.toy_skel import make_toy_assets

skel_torch = pytest.importorskip("body_models.skel.torch", reason="body-models is not installed")

# Theirs sums the template joints in float32, which leaves 1e-7 m there and up to 2e-6 m on the skin.
TOLERANCE_M = 1e-5
# The same 1e-7 m turn a bone of 2 cm, from talus to heel, by 5e-6.
TOLERANCE_ROT = 5e-5
N_BODIES = 24


def _assets(name):
    if name == "toy":
        return make_toy_assets(np.random.default_rng(3), posedirs=True, apose_rotations=True)
    return load_body_assets(name)


@pytest.fixture(scope="module", params=["toy", "open-female", "open-male", "open-neutral"])
def pair(request, tmp_path_factory):
    """Our body, and theirs loaded from the file that we exported."""
    assets = _assets(request.param)
    gender = "male" if assets.sex == "neutral" else assets.sex
    path = tmp_path_factory.mktemp("exported") / f"skel_{gender}.pkl"
    write_official(assets, path)
    theirs = skel_torch.SKEL(model_path=path, gender=gender).double()
    return SkelBody(assets, dtype=torch.float64), theirs


def _random_params(rng, *, beyond_limits: bool) -> SkelParams:
    """Draw bodies whose angles fill their limits, or leave them by up to half a turn."""
    lower, upper = limits_rad()
    lower, upper = np.maximum(lower, -np.pi), np.minimum(upper, np.pi)
    margin = np.pi / 2 if beyond_limits else 0.0
    q = rng.uniform(lower - margin, upper + margin, (N_BODIES, 46))
    return SkelParams(q, rng.normal(0, 1.5, (N_BODIES, 10)), rng.normal(0, 3, (N_BODIES, 3)))


def _theirs_takes(params: SkelParams):
    """Split our parameters as they take them: the head's angles, q[23:26], stand apart."""
    body_pose = torch.cat([params.q[:, :23], params.q[:, 26:]], dim=-1)
    return (body_pose, params.q[:, 23:26]), {"shape": params.betas, "global_translation": params.trans_m}


@pytest.mark.parametrize("beyond_limits", [False, True])
def test_skin_and_joints_agree(pair, rng, beyond_limits):
    ours, theirs = pair
    params = _random_params(rng, beyond_limits=beyond_limits).to_torch(dtype=torch.float64)
    pose, rest = _theirs_takes(params)
    points = ours(params)
    skeleton = theirs.forward_skeleton(*pose, **rest)
    torch.testing.assert_close(points.skin_m, theirs.forward_vertices(*pose, **rest), atol=TOLERANCE_M, rtol=0)
    torch.testing.assert_close(points.joints_m, skeleton[..., :3, 3], atol=TOLERANCE_M, rtol=0)


def test_bone_rotations_agree(pair, rng):
    ours, theirs = pair
    params = _random_params(rng, beyond_limits=True).to_torch(dtype=torch.float64)
    pose, rest = _theirs_takes(params)
    # Theirs turn away from the template, ours include the bone's own rest frame.
    turned = theirs.forward_skeleton(*pose, **rest)[..., :3, :3] @ ours.bone_orientation(params.betas)
    torch.testing.assert_close(ours(params, skin=False).joint_rot, turned, atol=TOLERANCE_ROT, rtol=0)


def test_rest_pose_is_theirs_too(pair):
    ours, theirs = pair
    rest = theirs.get_rest_pose(dtype=torch.float64)
    vertices = theirs.forward_vertices(**rest)
    template = torch.as_tensor(ours.assets.skin_template_m, dtype=torch.float64)
    torch.testing.assert_close(vertices, template, atol=1e-6, rtol=0)
