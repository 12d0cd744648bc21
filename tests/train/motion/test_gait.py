"""Composed gaits: legs that reach their feet, feet that stand still, curves as gait laboratories publish them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from train.motion import locomotion
from train.motion.footwork import FPS, Footfall
from train.motion.gait import Manner, walk
from train.motion.gait_families import FAMILIES, compose_gait
from train.motion.leg_ik import make_legs, pelvis_turn, solve_leg
from train.motion.score import draw_person

STRIDE_S = 1.04


@pytest.fixture(scope="module")
def body():
    return load_body("neutral", dtype=torch.float64)


@pytest.fixture(scope="module")
def walked(body):
    """Return straight, even walking at 1.2 m/s, without noise; the right foot lands at multiples of the stride."""
    rhythm = locomotion.Rhythm(0.6 * STRIDE_S, STRIDE_S / 2, 0.62, 0.12, unsteady=0.0)
    way = locomotion.straight(18, rhythm.step_m)
    plan = locomotion.plan_steps(way, rhythm, np.random.default_rng(0), first_s=-2 * STRIDE_S)
    return walk(body, np.zeros(10), replace(Manner(), unrest=0.0), plan, 6.0, np.random.default_rng(0))


def posed(body, params: SkelParams):
    with torch.no_grad():
        return body.skeleton(params.to_torch(dtype=torch.float64)).to_numpy()


def cycle(walked, name: str) -> np.ndarray:
    """Return one stride of an angle in percent of the cycle, deg."""
    when = 2 * STRIDE_S + np.arange(100) / 100 * STRIDE_S
    return np.degrees(np.interp(when, walked.time_s, walked.params.q[:, DOF_INDEX[name]]))


def test_a_leg_finds_the_angles_it_was_posed_with(body):
    rng = np.random.default_rng(3)
    betas, q = rng.normal(size=10), np.zeros((50, 46))
    q[:, :3] = rng.normal(0, 0.4, (50, 3))
    for first in (3, 10):
        q[:, first : first + 6] = rng.normal(0, [0.4, 0.15, 0.15, 0.0, 0.2, 0.1], (50, 6))
        q[:, first + 3] = rng.uniform(0.05, 1.8, 50)
    points = posed(body, SkelParams(q, betas[None], rng.normal(size=(50, 3))))
    turned = points.joint_rot @ body.bone_orientation(torch.as_tensor(betas)).mT.numpy()
    for side, first in (("r", 3), ("l", 10)):
        leg, foot = make_legs(body, betas)[side], JOINT_INDEX[f"calcn_{side}"]
        np.testing.assert_allclose(pelvis_turn(leg, q[:, :3]), turned[:, 0], atol=1e-6)
        hip = points.joints_m[:, JOINT_INDEX[f"femur_{side}"]]
        angles, short = solve_leg(leg, turned[:, 0], hip, turned[:, foot], points.joints_m[:, foot])
        np.testing.assert_allclose(angles, q[:, first : first + 6], atol=1e-4)
        assert short.max() < 1e-9


def test_a_leg_too_short_says_by_how_much(body):
    leg = make_legs(body, np.zeros(10))["r"]
    eye = np.eye(3)[None]
    reach = leg.length_m(leg.knee_rad(np.array([9.0])))
    flat = -reach * np.array([0.0, 1.0, 0.0]) + leg.hindfoot_m
    _, short = solve_leg(leg, eye, np.zeros((1, 3)), eye, flat[None] - [[0.0, 0.02, 0.0]])
    assert short[0] == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize(
    ("name", "when", "low", "high"),
    [
        ("hip_flexion_r", slice(0, 5), 22, 34),
        ("hip_flexion_r", slice(50, 56), -16, -4),
        ("hip_flexion_r", slice(80, 98), 25, 42),
        ("knee_angle_r", slice(0, 2), 1, 13),
        ("knee_angle_r", slice(10, 20), 12, 22),
        ("knee_angle_r", slice(36, 42), 3, 16),
        ("knee_angle_r", slice(70, 80), 52, 70),
        ("ankle_angle_r", slice(6, 10), -11, -2),
        ("ankle_angle_r", slice(38, 46), 6, 19),
        ("ankle_angle_r", slice(60, 66), -24, -10),
    ],
)
def test_curves_are_those_of_gait_laboratories(walked, name, when, low, high):
    # Where the published mean curves turn: bands of about two standard deviations of healthy adults.
    values = cycle(walked, name)[when]
    assert low <= values.min()
    assert values.max() <= high


def test_left_and_right_take_turns(walked):
    half = round(STRIDE_S / 2 * FPS)
    for name in ("hip_flexion", "knee_angle", "ankle_angle"):
        right, left = (np.degrees(walked.params.q[:, DOF_INDEX[f"{name}_{side}"]]) for side in "rl")
        assert np.percentile(np.abs(right[60:200] - left[60 + half : 200 + half]), 90) < 6
    arm, leg = (walked.params.q[60:, DOF_INDEX[name]] for name in ("shoulder_r_y", "hip_flexion_l"))
    assert abs(np.corrcoef(arm, leg)[0, 1]) > 0.8  # the right arm swings with the left leg


def feet(body, made):
    """Return places of the parts that `contact` tells of, `t 4 3`."""
    points = posed(body, made.params)
    heels = [points.landmarks_m[:, body.landmark_names.index(f"heel_sole_{side}")] for side in "rl"]
    balls = [points.joints_m[:, JOINT_INDEX[f"toes_{side}"]] for side in "rl"]
    return np.stack([heels[0], balls[0], heels[1], balls[1]], axis=1), points


def check_standing(body, made, lowest_m=-0.03):
    places, points = feet(body, made)
    for k in range(4):
        stands = made.contact[:, k] > 0.5
        edges = np.flatnonzero(np.diff(np.concatenate([[False], stands, [False]]).astype(int)))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            assert np.ptp(places[first:last, k, ::2], axis=0).max() < 0.01
    soles = [i for i, name in enumerate(body.landmark_names) if name.startswith(("heel_sole", "big_toe", "mtp"))]
    assert points.landmarks_m[:, soles, 1].min() > lowest_m


def test_feet_stand_where_they_are_put(body, walked):
    check_standing(body, walked, -0.02)
    places, _ = feet(body, walked)
    assert walked.contact.mean() == pytest.approx(0.4, abs=0.1)
    assert np.ptp(np.diff(places[walked.contact[:, 0] > 0.5, 0, 2]).max()) < 1.3  # m to the next stride
    assert walked.short_m < 0.001


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_families_walk_on_their_feet_and_within_reason(body, name):
    rng = np.random.default_rng(5)
    made = compose_gait(body, draw_person(0, 2), name, rng)
    assert np.isfinite(made.params.q).all()
    assert made.contact.shape == (len(made.time_s), 4)
    assert np.abs(np.diff(made.params.q, axis=0)).max() * FPS < 45  # rad/s
    assert np.degrees(made.params.q[:, DOF_INDEX["knee_angle_r"]]).max() < 125


def test_steps_keep_their_rhythm_and_start_and_stop_standing():
    rhythm = locomotion.Rhythm(0.6, 0.5, 0.6, 0.1, unsteady=0.0)
    way = locomotion.straight(8, 0.6, start=True, stop=True)
    plan = locomotion.plan_steps(way, rhythm, np.random.default_rng(0), first_s=1.0, start=True, stop=True)
    assert [fall.side for fall in plan] == list("rlrlrlrl")
    landed = [fall.on_s for fall in plan if fall.on_s > 0]
    np.testing.assert_allclose(np.diff(landed), 0.5)
    assert sum(fall.on_s < -1e6 for fall in plan) == 2
    assert [fall.off_s > 1e6 for fall in plan] == [False] * 6 + [True] * 2
    stances = [fall.off_s - fall.on_s for fall in plan[2:-2]]
    np.testing.assert_allclose(stances, 0.6)
    assert plan[-1].z_m == pytest.approx(plan[-2].z_m)  # feet side by side
    assert abs(plan[-1].x_m - plan[-2].x_m) == pytest.approx(0.1)


def test_a_turned_way_ends_facing_where_it_turned_to():
    turns = np.zeros(6)
    turns[2:5] = np.pi / 6
    way = locomotion.turned(locomotion.straight(6, 0.5), turns)
    assert way[-1, 2] == pytest.approx(np.pi / 2)
    np.testing.assert_allclose(way[-1, :2] - way[-2, :2], [0.5, 0.0], atol=1e-12)  # to the left


def test_stairs_rise_and_a_runner_flies(body):
    person = draw_person(0, 1)
    up = compose_gait(body, person, "stairs_up", np.random.default_rng(1))
    rise = posed(body, up.params).joints_m[[0, -1], 0, 1]
    assert rise[1] - rise[0] > 0.4
    run = compose_gait(body, person, "running", np.random.default_rng(1))
    flies = run.contact.sum(1) == 0
    assert 0.1 < flies.mean() < 0.6


def test_the_same_seed_walks_the_same_way(body):
    one, other = (compose_gait(body, draw_person(0, 3), "crouch", np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.params.q, other.params.q)


def test_a_drop_foot_points_down_and_a_stiff_knee_stays_straight(body, walked):
    steps = [Footfall(side, -2.0 + 0.5 * k, -1.38 + 0.5 * k, 0.06 * sign, 0.6 * k, 0.0)
             for k, (side, sign) in enumerate([("r", -1), ("l", 1)] * 9)]  # fmt: skip
    rng = np.random.default_rng(0)
    stiff = Manner().one_leg("r", swing_knee=20.0, aside=0.8, stance_knee=(5.0, 8.0, 5.0, 18.0), pitch_off=-40.0)
    bent = walk(body, np.zeros(10), stiff, steps, 5.0, rng).params.q[:, DOF_INDEX["knee_angle_r"]]
    assert np.degrees(bent).max() < 45
    drop = Manner().one_leg("r", pitch_swing=-35.0, pitch_late=-25.0, pitch_on=-5.0)
    made = walk(body, np.zeros(10), drop, steps, 5.0, rng)
    swing = made.contact[:, :2].sum(1) == 0
    ankle = np.degrees(made.params.q[:, DOF_INDEX["ankle_angle_r"]])
    normal = np.degrees(walked.params.q[walked.contact[:, :2].sum(1) == 0, DOF_INDEX["ankle_angle_r"]])
    assert np.median(ankle[swing]) < np.median(normal) - 10
