"""Recover known joints, poses and weights from posed meshes of the shipped body."""

from pathlib import Path

import numpy as np
import pytest
import torch

from skelvid.body.assets import load_assets
from skelvid.body.dofs import JOINT_NAMES, limits_rad
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from train.body import functional, regroup
from train.body.functional import Fitted, WeightSums
from train.body.source import mirror_map

NEUTRAL = Path(__file__).parents[3] / "checkpoints" / "skel_open_neutral.npz"


@pytest.fixture(scope="module")
def known():
    """Shipped body, its dense weights, and four poses of it (f v 3) with the truth about them."""
    assets = load_assets(NEUTRAL)
    weights = np.zeros((len(assets.skin_weight), 24))
    np.put_along_axis(weights, assets.skin_weight_joint.astype(int), assets.skin_weight.astype(float), axis=1)
    rest, joints = assets.skin_template_m.astype(float), assets.joints_m
    own = functional.subject_assets(assets, rest, joints, weights)
    lower, upper = limits_rad()
    rng = np.random.default_rng(0)
    q = 0.6 * rng.uniform(np.maximum(lower, -1.0), np.minimum(upper, 1.0), (4, 46))
    params = SkelParams(q, np.zeros((4, 10)), np.ones((4, 3))).to_torch(dtype=torch.float64)
    placed = SkelBody(own, dtype=torch.float64)(params)
    turn = placed.joint_rot.numpy() @ own.per_joint_rot.transpose(0, 2, 1)
    return own, weights, np.asarray(placed.skin_m), Fitted(turn, placed.joints_m.numpy(), params)


def test_subject_assets_keep_the_joints_given(known):
    assets, weights, _, _ = known
    moved = assets.joints_m + np.random.default_rng(1).normal(0, 5e-3, (24, 3))
    own = functional.subject_assets(assets, assets.skin_template_m, moved, weights)
    np.testing.assert_allclose(own.joints_m, moved, atol=1e-6)


def test_fit_finds_the_pose_again(known):
    assets, weights, posed, truth = known
    fitted = functional.fit_poses(assets, posed, np.arange(0, len(posed[0]), 16))
    skin = functional.skin(fitted, assets.skin_template_m.astype(float), assets.joints_m, weights)
    assert np.linalg.norm(skin - posed, axis=-1).mean() < 5e-4
    assert np.linalg.norm(fitted.joints - truth.joints, axis=-1).max() < 5e-3


def test_skin_blends_like_the_body_does(known):
    assets, weights, posed, truth = known
    skin = functional.skin(truth, assets.skin_template_m.astype(float), assets.joints_m, weights)
    np.testing.assert_allclose(skin, posed, atol=1e-5)


@pytest.mark.parametrize(("prior_sd_m", "left"), [(0.1, 0.15), (1e-6, 1.0)])
def test_wrong_joints_move_to_the_true_ones_as_far_as_the_prior_lets_them(known, monkeypatch, prior_sd_m, left):
    for name in functional.PRIOR_SD_M:
        monkeypatch.setitem(functional.PRIOR_SD_M, name, prior_sd_m if name != "pelvis" else 1e-6)
    assets, weights, posed, truth = known
    wrong = assets.joints_m.copy()
    # Along the limb: across it, along the hinge's own axis, no pose can tell.
    for side, sign in (("r", -1), ("l", 1)):
        wrong[JOINT_NAMES.index(f"ulna_{side}")] += [sign * 8e-3, 0, 0]
        wrong[JOINT_NAMES.index(f"tibia_{side}")] += [0, -8e-3, 0]
    rest = assets.skin_template_m.astype(float)
    # The pose is known, but seen from the wrong joints: posed positions shift with them.
    seen = Fitted(truth.turn, _forward(wrong, assets.joints_m, truth), truth.params)
    found = functional.solve_joints(seen, rest, posed, wrong, wrong, weights)
    for name in ("ulna_r", "ulna_l", "tibia_r", "tibia_l"):
        joint = JOINT_NAMES.index(name)
        before, after = (float(np.linalg.norm(j[joint] - assets.joints_m[joint])) for j in (wrong, found))
        assert after == pytest.approx(left * before, abs=0.15 * before), name


def _forward(joints, true_joints, truth):
    from skelvid.body.dofs import JOINT_PARENTS

    out = truth.joints.copy()
    for j, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            own = np.einsum("fab,b->fa", truth.turn[:, parent], true_joints[j] - true_joints[parent])
            travel = truth.joints[:, j] - truth.joints[:, parent] - own
            arm = np.einsum("fab,b->fa", truth.turn[:, parent], joints[j] - joints[parent])
            out[:, j] = out[:, parent] + arm + travel
    return out


def test_weights_are_learned_back(known):
    assets, weights, posed, truth = known
    rest = assets.skin_template_m.astype(float)
    some = np.flatnonzero((weights > 0.05).sum(axis=1) == 2)[:40]
    sums = WeightSums(np.zeros((len(some), 24, 24)))
    sums.add(truth, rest[some], assets.joints_m, posed[:, some])
    # Start from weights that are off: two joints swapped shares.
    off = np.where(weights[some] > 0.05, 0.5, 0.0)
    solved = functional.solve_weights(sums, off, pull_m=1e-4)
    np.testing.assert_allclose(solved.sum(axis=1), 1, atol=1e-6)
    assert np.abs(solved - weights[some]).mean() < 0.25 * np.abs(off - weights[some]).mean()


def test_below_counts_whole_subtrees():
    below = functional.below()
    leg = [JOINT_NAMES.index(f"{n}_r") for n in ("femur", "tibia", "talus", "calcn", "toes")]
    assert np.flatnonzero(below[leg[0]]).tolist() == leg
    assert below[0].sum() == 24
    assert below[leg[-1]].sum() == 1


def test_shipped_weights_are_settled_already(known):
    assets, weights, _, _ = known
    mirror = mirror_map(assets.skin_template_m.astype(float))
    np.testing.assert_allclose(regroup.settle(weights, mirror), weights, atol=2e-4)
