"""Curves lie where their values are, and gaps stay gaps."""

from dataclasses import replace

import numpy as np
import pytest

from skelvid.draw.chart import Box, columns_of, draw_band, draw_curve, sample, shade_gaps, ticks, value_range
from tests.made_result import make_result

WHITE = (255, 255, 255)
BOX = Box(10, 5, 40, 50, 0.0, 100.0)


def blank():
    return np.zeros((70, 60, 3), np.uint8)


def height_of(image: np.ndarray, column: int) -> float:
    """Return the middle of what is white in a column of the box, px below its upper edge."""
    white = image[BOX.top : BOX.top + BOX.height, BOX.left + column, 0].astype(float)
    return float((white * (np.arange(BOX.height) + 0.5)).sum() / white.sum())


@pytest.mark.parametrize("value", [10.0, 50.0, 83.7])
def test_constant_lies_at_its_height_and_is_as_thick_as_asked(value):
    image = blank()
    draw_curve(image, BOX, np.full(41, value), WHITE, thick_px=3.0)
    assert height_of(image, 20) == pytest.approx((100.0 - value) / 2, abs=0.02)
    assert image[:, BOX.left + 20, 0].sum() / 255 == pytest.approx(3.0, abs=0.02)


def test_slope_passes_through_the_middle():
    image = blank()
    draw_curve(image, BOX, np.linspace(0.0, 100.0, 81), WHITE)
    heights = [height_of(image, column) for column in (10, 20, 30)]
    np.testing.assert_allclose(heights, [50.0 - (column + 0.5) * 1.25 for column in (10, 20, 30)], atol=0.05)


def test_peak_between_two_columns_is_not_lost():
    values = np.zeros(40 * 10 + 1)
    values[205] = 100.0
    image = blank()
    draw_curve(image, BOX, values, WHITE)
    assert image[BOX.top, BOX.left + 20, 0] > 200


def test_gap_is_not_drawn_and_nothing_leaves_the_box():
    values = np.full(41, 50.0)
    values[15:20] = np.nan
    values[30:] = 900.0
    image = blank()
    draw_curve(image, BOX, values, WHITE)
    drawn = np.flatnonzero(image.any((0, 2))) - BOX.left
    assert set(drawn) == set(range(40)) - set(range(14, 20)) - set(range(30, 40))
    assert not image[: BOX.top].any()


def test_band_reaches_one_deviation_to_both_sides():
    image = blank()
    draw_band(image, BOX, np.full(41, 50.0), np.full(41, 20.0), WHITE)
    assert np.flatnonzero(image[:, BOX.left + 5, 0]).tolist() == list(range(BOX.top + 15, BOX.top + 35))


def test_sample_is_linear_between_frames_and_missing_beside_a_missing_one():
    time_s, values = np.array([0.0, 1.0, 3.0, 4.0]), np.array([[0.0], [10.0], [30.0], [np.nan]])
    found = sample(time_s, values, np.array([-0.1, 0.5, 1.0, 2.0, 3.5, 4.1]))[:, 0]
    np.testing.assert_allclose(found, [np.nan, 5.0, 10.0, 20.0, np.nan, np.nan])


def test_gaps_are_shaded_but_not_what_lies_before_and_after_the_video():
    image = blank()
    seen = np.array([True, True, False, True, True])
    shade_gaps(image, BOX, np.arange(5.0), seen, np.linspace(-1.0, 7.0, 81), WHITE)
    # Five columns per second; from the last frame with the person to the next with him.
    assert set(np.flatnonzero(image.any((0, 2))) - BOX.left) == set(range(10, 20))


@pytest.mark.parametrize(("values", "wanted"), [([50.0, 52.0], (41.0, 61.0)), ([np.nan], (-10.0, 10.0))])
def test_range_is_never_so_small_that_noise_looks_like_movement(values, wanted):
    assert value_range(np.array(values)) == wanted


@pytest.mark.parametrize(("low", "high"), [(-180.0, 181.0), (0.0, 0.31), (-3.0, 17.0)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high, 4)
    assert 4 <= len(found) <= 11
    assert low <= found[0] < found[-1] <= high
    step = found[1] - found[0]
    assert f"{step:.0e}"[0] in "125"


def test_name_without_side_means_both_the_right_one_first():
    angles = make_result().angles
    assert [angles.names[i] for i in columns_of("knee_angle", angles)] == ["knee_angle_r", "knee_angle_l"]
    assert [angles.names[i] for i in columns_of("knee_angle_l", angles)] == ["knee_angle_l"]
    assert [angles.names[i] for i in columns_of("pelvis_tilt", angles)] == ["pelvis_tilt"]
    with pytest.raises(ValueError, match="no angle is called 'knee'"):
        columns_of("knee", angles)


def test_box_tells_rows_from_top_to_bottom():
    np.testing.assert_allclose(replace(BOX, low=-10.0, high=10.0).rows(np.array([10.0, 0.0, -10.0])), [0.0, 25.0, 50.0])
