import numpy as np
import pytest

from benchmarks.scores import LEGS, best_shift, score
from skelvid.datatypes.motion import JointAngles

TIME_S = np.arange(0.0, 3.0, 0.01)


def waves(delay_s: float = 0.0, offset_deg: float = 0.0, names: tuple[str, ...] = LEGS) -> JointAngles:
    values = np.stack([np.sin(3.0 * (TIME_S - delay_s) + 0.5 * LEGS.index(name)) for name in names], 1)
    return JointAngles(TIME_S, names, values + np.radians(offset_deg))


def test_constant_error_goes_with_the_mean() -> None:
    scores = score(waves(offset_deg=-4.0), waves())
    assert scores.legs("raw") == pytest.approx(4.0)
    assert scores.legs("free") == pytest.approx(0.0, abs=1e-9)
    assert scores.mean["knee_angle_l"] == pytest.approx(-4.0)


def test_a_late_clock_is_found() -> None:
    best = best_shift(waves(delay_s=0.04), waves())
    assert best.shift_s == pytest.approx(-0.04)
    assert best.legs("raw") < 0.01 < score(waves(delay_s=0.04), waves()).legs("raw")


def test_only_common_angles_and_times_count() -> None:
    few = waves(names=LEGS[:3])
    half = JointAngles(TIME_S + 1.5, few.names, few.values_rad)
    scores = score(half, waves())
    assert set(scores.raw) == set(LEGS[:3])
    assert scores.frames == (TIME_S[-1] - 1.5 >= TIME_S).sum()


def test_unseen_frames_do_not_count() -> None:
    values = waves(offset_deg=2.0).values_rad
    values[50:100] = np.nan
    scores = score(JointAngles(TIME_S, LEGS, values), waves())
    assert scores.frames == len(TIME_S) - 50
    assert scores.legs("raw") == pytest.approx(2.0)


def test_whole_turns_are_no_error() -> None:
    assert score(waves(offset_deg=360.0), waves()).legs("raw") == pytest.approx(0.0, abs=1e-6)


def test_nothing_in_common() -> None:
    with pytest.raises(ValueError, match="no time in common"):
        score(JointAngles(TIME_S + 10.0, LEGS, waves().values_rad), waves())
