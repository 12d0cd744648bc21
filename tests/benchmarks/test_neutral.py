"""Counting from standing takes out what is constant and leaves the rest; who stands and then moves is found."""

import numpy as np
import pytest
from jaxtyping import Float
from numpy import ndarray

from benchmarks.neutral import NAMES, STANDING_S, begins_standing, both_ways, row

TIME_S = np.arange(0.0, 3.0, 1 / 30)
KNEE = NAMES.index("knee_angle_r")
LYING = np.eye(len(NAMES))[NAMES.index("pelvis_tilt")] * -85.0


def squat(start_s: float, *, depth_deg: float = 80.0, crouch_deg: float = 0.0) -> Float[ndarray, "t 11"]:
    angles = np.full((len(TIME_S), len(NAMES)), crouch_deg)
    angles[:, KNEE] += depth_deg * np.clip(TIME_S - start_s, 0.0, 1.0)
    return angles


def test_a_constant_error_is_gone_and_one_of_the_movement_stays() -> None:
    moving = TIME_S > STANDING_S
    errors = np.full((len(TIME_S), len(NAMES)), 5.0)
    errors[moving, KNEE] += 3.0
    as_it_is, from_standing = both_ways(errors, TIME_S)
    assert as_it_is[KNEE] == pytest.approx(8.0)
    assert from_standing[KNEE] == pytest.approx(3.0)
    assert np.delete(from_standing, KNEE) == pytest.approx(0.0)
    # Legs are the mean over ten angles, a column of the table over both sides.
    assert row("a", "from standing", from_standing)[2:] == ["0.3", "0.0", "0.0", "0.0", "1.5", "0.0", "0.0"]


@pytest.mark.parametrize(
    ("angles", "stands"),
    [
        (squat(0.8), True),
        (squat(0.2), False),  # moves at once
        (squat(0.8, depth_deg=10.0), False),  # stands all the time
        (squat(0.8, crouch_deg=40.0), False),  # is still, but not upright
        (squat(0.8) + LYING, False),
    ],
)
def test_films_that_begin_with_standing_are_found(angles: Float[ndarray, "t 11"], *, stands: bool) -> None:
    assert begins_standing(angles, TIME_S) is stands


def test_what_has_no_time_to_stand_is_no_standing() -> None:
    assert not begins_standing(squat(0.8)[30:], TIME_S[30:])
