"""Gait from walkers whose every event is known: their feet are drawn on paper, not captured."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from skelvid.angles.gait import CYCLE_POINTS, Feet, cadence_per_min, cycles, find_strides, strides_of
from skelvid.datatypes.motion import JointAngles
from tests.made_result import make_result

UP = np.array([0.0, 1.0, 0.0])
SPEED_M_S, STRIDE_S, STANCE, LEG_M = 1.2, 1.1, 0.62, 0.9
RATE_HZ = 60.0
# From the heel to the tip of the big toe.
FOOT_M = np.array([0.0, 0.0, 0.2])


@dataclass(frozen=True)
class Walk:
    """A pelvis that goes along z at one speed; the feet stand still in stance, and fly to their next place in swing.

    Relative to the pelvis a foot goes back evenly in stance, so it is furthest in front when it lands and furthest
    behind when it leaves: what the method looks for happens at these very times.
    """

    feet: Feet
    strikes_s: tuple[np.ndarray, np.ndarray]
    offs_s: tuple[np.ndarray, np.ndarray]


def make_walk(
    *,
    stance: tuple[float, float] = (STANCE, STANCE),
    lag: float = 0.5,
    duration_s: float = 6.0,
    treadmill: bool = False,
    sign: float = 1.0,
    rate_hz: float = RATE_HZ,
) -> Walk:
    """Draw a walk; `lag` is how far the left foot is behind the right, as a share of the stride."""
    time_s = np.arange(0.0, duration_s, 1.0 / rate_hz)
    pelvis_z = np.zeros_like(time_s) if treadmill else sign * SPEED_M_S * time_s
    heel, strikes, offs = np.zeros((len(time_s), 2, 3)), [], []
    for column, (share, shift) in enumerate(zip(stance, (0.3, 0.3 + lag), strict=True)):
        phase = (time_s / STRIDE_S - shift) % 1.0
        reach_m = SPEED_M_S * STRIDE_S * share  # how far the pelvis gets in stance
        swing = (phase - share) / (1.0 - share)
        relative = np.where(phase < share, 0.5 - phase / share, -0.5 + 0.5 * (1.0 - np.cos(np.pi * swing))) * reach_m
        heel[:, column, 2] = pelvis_z + sign * relative
        heel[:, column, 0] = (-0.1, 0.1)[column]
        begun = STRIDE_S * (shift + np.arange(-1, 8))
        strikes.append(begun[(begun > 0) & (begun < duration_s)])
        left = begun + share * STRIDE_S
        offs.append(left[(left > 0) & (left < duration_s)])
    sacrum = np.stack([np.zeros_like(time_s), np.full_like(time_s, LEG_M), pelvis_z], 1)
    front = np.tile([0.0, 0.0, 1.0], (len(time_s), 1))
    feet = Feet(time_s, heel, heel + FOOT_M, sacrum, front, UP, LEG_M)
    return Walk(feet, (strikes[0], strikes[1]), (offs[0], offs[1]))


def turned(feet: Feet, degrees: float) -> Feet:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    moved = {name: getattr(feet, name) @ turn.T for name in ("heel_m", "toe_m", "sacrum_m", "front")}
    return replace(feet, **moved)


@pytest.mark.parametrize("treadmill", [False, True])
@pytest.mark.parametrize("degrees", [0.0, 130.0])
def test_events_of_a_walk_over_ground_and_on_a_treadmill(treadmill, degrees):
    walk = make_walk(treadmill=treadmill)
    strides = strides_of(turned(walk.feet, degrees))
    assert len(strides) >= 7
    for stride in strides:
        own, other = (0, 1) if stride.side == "r" else (1, 0)
        for time_s, truth in (
            (stride.start_s, walk.strikes_s[own]),
            (stride.end_s, walk.strikes_s[own]),
            (stride.other_strike_s, walk.strikes_s[other]),
            (stride.toe_off_s, walk.offs_s[own]),
            (stride.other_toe_off_s, walk.offs_s[other]),
        ):
            assert np.abs(truth - time_s).min() < 1.0 / RATE_HZ
    assert {stride.side for stride in strides} == {"r", "l"}


def test_numbers_of_a_limp():
    walk = make_walk(stance=(0.70, 0.60), lag=0.45, duration_s=8.0)
    strides = strides_of(walk.feet)
    right, left = ([s for s in strides if s.side == side] for side in "rl")
    tolerance = 2.0 / RATE_HZ / STRIDE_S
    assert np.mean([s.stance_share for s in right]) == pytest.approx(0.70, abs=tolerance)
    assert np.mean([s.stance_share for s in left]) == pytest.approx(0.60, abs=tolerance)
    assert np.mean([s.step_s for s in left]) == pytest.approx(0.45 * STRIDE_S, abs=1.0 / RATE_HZ)
    assert np.mean([s.step_s for s in right]) == pytest.approx(0.55 * STRIDE_S, abs=1.0 / RATE_HZ)
    assert np.mean([s.double_support_share for s in strides]) == pytest.approx(0.70 + 0.60 - 1.0, abs=2 * tolerance)
    assert cadence_per_min(strides) == pytest.approx(2 * 60.0 / STRIDE_S, rel=0.01)


def test_video_rate_finds_the_times_between_frames():
    strides = strides_of(make_walk(rate_hz=25.0).feet)
    assert len(strides) >= 7
    np.testing.assert_allclose([s.duration_s for s in strides], STRIDE_S, atol=0.02)


@pytest.mark.parametrize(
    "other",
    [
        {"stance": (0.35, 0.35)},  # running: never both feet on the floor
        {"sign": -1.0},  # backwards
        {"lag": 0.0},  # both feet at once, as in jumping
    ],
)
def test_other_movements_have_no_strides(other):
    assert strides_of(make_walk(**other).feet) == ()


def test_standing_and_fidgeting_have_no_strides(rng):
    feet = make_walk(treadmill=True).feet
    still = replace(feet, heel_m=feet.heel_m * 0.05, toe_m=feet.heel_m * 0.05 + FOOT_M)
    assert strides_of(still) == ()
    noise = rng.normal(0.0, 0.02, feet.heel_m.shape)
    assert strides_of(replace(feet, heel_m=noise, toe_m=noise + 0.2)) == ()


def test_a_single_stride_is_no_walk():
    assert strides_of(make_walk(duration_s=1.9).feet) == ()


def test_no_stride_over_a_gap():
    feet = make_walk(duration_s=9.0).feet
    unseen = (feet.time_s > 4.0) & (feet.time_s < 4.4)
    heel = np.where(unseen[:, None, None], np.nan, feet.heel_m)
    strides = strides_of(replace(feet, heel_m=heel, toe_m=heel + FOOT_M))
    assert strides
    assert not [s for s in strides if s.start_s < 4.4 and s.end_s > 4.0]


def test_cycles_are_the_angle_over_each_stride():
    walk = make_walk()
    right = [s for s in strides_of(walk.feet) if s.side == "r"]
    time_s = walk.feet.time_s
    angle = np.sin(2 * np.pi * (time_s - walk.strikes_s[0][0]) / STRIDE_S)
    curves = cycles(JointAngles(time_s, ("knee_angle_r",), angle[:, None]), right, "knee_angle_r")
    assert curves.shape == (len(right), CYCLE_POINTS)
    expected = np.sin(2 * np.pi * np.linspace(0, 1, CYCLE_POINTS))
    # The strides begin up to a frame from the drawn ones.
    np.testing.assert_allclose(curves, np.tile(expected, (len(right), 1)), atol=2 * np.pi / RATE_HZ / STRIDE_S)


def test_cycle_with_a_gap_in_the_angle_is_nan():
    walk = make_walk()
    strides = strides_of(walk.feet)
    angle = np.where(walk.feet.time_s > 3.0, np.nan, 1.0)
    curves = cycles(JointAngles(walk.feet.time_s, ("a",), angle[:, None]), strides, "a")
    assert [bool(np.isfinite(c).all()) for c in curves] == [s.end_s <= 3.0 for s in strides]


def test_a_body_without_the_landmarks_has_no_gait():
    assert find_strides(make_result()) == ()
