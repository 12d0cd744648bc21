"""Motions from motions: a mirror is a mirror, pace keeps the ends, habits keep the limits, a tilt keeps the legs."""

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, JOINT_NAMES, limits_rad, other_side
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from train.motion.vary import Moves, blend, mirror, perturb, resample, tilt_pelvis, warp_time

FPS = 60.0


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture
def moves():
    """Return four seconds of smooth motion within the limits, turning and walking away."""
    rng = np.random.default_rng(1)
    lower, upper = (np.clip(limit, -1.0, 1.0) for limit in limits_rad())
    time_s = np.arange(240) / FPS
    wave = np.sin(time_s[:, None] * rng.uniform(1, 5, 46) + rng.uniform(0, 6, 46))
    q = (lower + upper) / 2 + 0.4 * (upper - lower) * wave
    q[:, 2] = time_s  # turns by more than half a turn
    contact = (rng.random((240, 4)) > 0.5).astype(float)
    return Moves(q, np.stack([time_s, 0.1 * np.sin(time_s), -time_s], axis=1), contact)


def posed(body, moves):
    with torch.no_grad():
        return body.skeleton(SkelParams(moves.q, np.zeros((1, 10)), moves.trans_m).to_torch()).to_numpy()


def test_a_mirror_shows_every_joint_on_the_other_side(body, moves):
    swap = [JOINT_NAMES.index(other_side(name)) for name in JOINT_NAMES]
    seen = posed(body, mirror(moves)).joints_m
    np.testing.assert_allclose(seen[:, swap] * [-1, 1, 1], posed(body, moves).joints_m, atol=1e-5)
    contact = mirror(moves).contact
    assert contact is not None
    np.testing.assert_array_equal(contact[:, :2], moves.contact[:, 2:])


def test_two_mirrors_show_the_motion_itself(moves):
    for one, other in zip(mirror(mirror(moves)), moves, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_pace_keeps_the_ends_and_the_way(moves):
    lengths = []
    for seed in range(10):
        warped = warp_time(moves, np.random.default_rng(seed), fps=FPS)
        for index in (0, -1):
            np.testing.assert_allclose(warped.q[index], moves.q[index], atol=1e-9)
            np.testing.assert_allclose(warped.trans_m[index], moves.trans_m[index], atol=1e-9)
        step = np.diff(warped.q[:, 2]) * FPS  # 1 rad/s in the original
        assert step.min() > 0.55
        assert step.max() < 1.7
        np.testing.assert_allclose(warped.trans_m[:, 0], warped.q[:, 2], atol=1e-9)  # as everywhere in the original
        lengths.append(len(warped.q))
    assert min(lengths) < 0.95 * len(moves.q) < 1.05 * len(moves.q) < max(lengths)


def test_frames_between_frames_cross_a_full_turn_the_short_way(moves):
    wrapped = moves._replace(q=np.where(np.arange(46) == 2, (moves.q + np.pi) % (2 * np.pi) - np.pi, moves.q))
    finer = resample(wrapped, np.arange(0, 239, 0.5))
    np.testing.assert_allclose(np.diff(finer.q[:, 2]), 0.5 / FPS, atol=1e-9)


def test_habits_stay_within_limits_and_off_the_pelvis(moves):
    lower, upper = limits_rad()
    outside = moves._replace(q=np.where(np.arange(46) == DOF_INDEX["wrist_flexion_r"], 2.0, moves.q))
    other = moves
    for seed in range(5):
        other = perturb(outside, np.random.default_rng(seed), fps=FPS, scale=3.0)
        assert np.all(other.q <= np.maximum(upper, outside.q) + 1e-12)
        assert np.all(other.q >= np.minimum(lower, outside.q) - 1e-12)
        np.testing.assert_array_equal(other.q[:, 1:3], outside.q[:, 1:3])
    changed = np.abs(other.q - outside.q).max(0)
    for name in ("wrist_deviation_l", "scapula_elevation_r", "head_twist", "hip_flexion_l"):
        assert changed[DOF_NAMES.index(name)] > np.radians(1.0), name


@pytest.mark.parametrize("degrees", [-8.0, 8.0])
def test_a_tilt_moves_the_pelvis_and_nothing_else(body, degrees):
    gait = Moves(np.zeros((1, 46)), np.zeros((1, 3)))
    for name, value in (("hip_flexion_r", 30), ("hip_adduction_r", -8), ("hip_flexion_l", -15), ("hip_rotation_l", 9)):
        gait.q[0, DOF_INDEX[name]] = np.radians(value)
    before, after = posed(body, gait), posed(body, tilt_pelvis(gait, np.radians(degrees)))
    cosine = (np.einsum("tjab,tjab->tj", before.joint_rot, after.joint_rot) - 1) / 2
    turned = dict(zip(JOINT_NAMES, np.degrees(np.arccos(np.clip(cosine[0], -1, 1))), strict=True))
    assert turned["pelvis"] == pytest.approx(abs(degrees), abs=0.1)
    assert max(turned[name] for name in JOINT_NAMES if name.startswith(("femur", "tibia", "toes"))) < 0.3
    assert max(turned["thorax"], turned["head"], turned["hand_r"]) < 1.5
    feet = [JOINT_NAMES.index(name) for name in ("talus_r", "talus_l")]
    np.testing.assert_allclose(after.joints_m[0, feet], before.joints_m[0, feet], atol=0.015)


def test_a_blend_has_the_legs_of_one_and_the_arms_of_the_other(moves):
    other = mirror(moves)
    both = blend(moves, Moves(other.q[:100], other.trans_m[:100]))
    assert len(both.q) == 100
    np.testing.assert_array_equal(both.q[:, :17], moves.q[:100, :17])
    np.testing.assert_array_equal(both.q[:, 17:], other.q[:100, 17:])
    np.testing.assert_array_equal(both.trans_m, moves.trans_m[:100])
