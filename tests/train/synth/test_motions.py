import numpy as np
import torch

from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX, limits_rad
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from train.synth import motions
from train.synth.motions import draw_moves

BODY = load_body("neutral")


def draw(world, seed, frames=3):
    generator = torch.Generator().manual_seed(seed)
    return draw_moves(world.library, BODY, torch.linspace(-1.5, 1.5, 10), frames=frames, generator=generator)


def test_joints_belong_to_the_parameters(world):
    moves = draw(world, 0)
    posed = BODY.skeleton(moves.params)
    torch.testing.assert_close(posed.joints_m, moves.joints_m, atol=1e-5, rtol=0)
    torch.testing.assert_close(posed.joint_rot, moves.joint_rot, atol=1e-5, rtol=0)
    pelvis = moves.joints_m[1, JOINT_INDEX["pelvis"]]
    assert pelvis[[0, 2]].abs().max() < 1e-5
    there = moves.moved(torch.tensor([1.0, 0.0, 2.0]))
    torch.testing.assert_close(BODY.skeleton(there.params).joints_m, there.joints_m, atol=1e-5, rtol=0)


def test_heads_and_trunks_turn_further_than_in_the_library_and_stay_within_their_limits(world):
    q = np.stack([draw(world, seed).params.q.numpy()[1] for seed in range(60)])
    twist = q[:, DOF_INDEX["head_twist"]]
    assert np.degrees(np.abs(twist)).max() > 40
    lower, upper = limits_rad()
    for name in ("head_twist", "lumbar_twist", "pro_sup_r"):
        i = DOF_INDEX[name]
        assert (q[:, i] >= lower[i] - 1e-6).all()
        assert (q[:, i] <= upper[i] + 1e-6).all()


def test_a_body_with_longer_legs_takes_longer_steps(world):
    def walked(beta):
        generator = torch.Generator().manual_seed(3)
        betas = torch.zeros(10)
        betas[0] = beta
        moves = draw_moves(world.library, BODY, betas, frames=20, generator=generator)
        rest = BODY.skeleton(SkelParams(torch.zeros(46), betas, torch.zeros(3))).joints_m
        leg = rest[JOINT_INDEX["femur_r"], 1] - rest[JOINT_INDEX["calcn_r"], 1]
        path = moves.joints_m[-1, 0] - moves.joints_m[0, 0]
        return float(leg), float(path[[0, 2]].norm())

    (short, near), (long, far) = sorted([walked(-2.0), walked(2.0)])
    assert long > 1.05 * short
    np.testing.assert_allclose(far / near, long / short, rtol=0.02)


def test_who_hangs_a_hip_keeps_legs_where_they_are(world, monkeypatch):
    monkeypatch.setattr(motions, "_TURNED", 0.0)
    found = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(motions, "_LISTING", share)
        generator = torch.Generator().manual_seed(8)
        found[share] = draw_moves(world.library, BODY, torch.zeros(10), frames=2, generator=generator)
    before, after = found[0.0], found[1.0]
    tilted = (after.params.q - before.params.q)[:, DOF_INDEX["pelvis_list"]]
    assert np.degrees(float(tilted.abs().min())) > 5
    legs = [JOINT_INDEX[f"{bone}_{side}"] for bone in ("femur", "tibia", "calcn") for side in "rl"]
    torch.testing.assert_close(after.joint_rot[:, legs], before.joint_rot[:, legs], atol=1e-4, rtol=0)
    assert (after.joint_rot[:, 0] - before.joint_rot[:, 0]).abs().max() > 0.05
