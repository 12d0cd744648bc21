"""Strokes, stamps and letters: how much ink, where, and nothing elsewhere."""

import numpy as np
import pytest

from skelvid.draw.ink import stamp, stroke, text_width_px, write

WHITE, RED = (255, 255, 255), (200, 0, 0)


def blank(height: int = 60, width: int = 80):
    return np.zeros((height, width, 3), np.uint8)


def ink(image: np.ndarray) -> float:
    """How many pixels' worth of white there is."""
    return float(image[..., 0].sum() / 255)


@pytest.mark.parametrize(
    "ends", [((20.0, 30.0), (60.0, 30.0)), ((15.3, 12.7), (52.9, 44.1)), ((40.0, 10.0), (40.0, 50.0))]
)
@pytest.mark.parametrize("radius", [1.0, 2.5, 6.0])
def test_stroke_covers_its_area_whichever_way_it_runs(ends, radius):
    image = blank()
    stroke(image, np.array(ends), WHITE, radius_px=radius)
    length = float(np.hypot(*np.subtract(*ends)))
    assert ink(image) == pytest.approx(2 * radius * length + np.pi * radius**2, rel=0.03)


def test_stroke_has_the_full_colour_inside_and_leaves_the_rest_alone():
    image = blank()
    image[:] = (7, 8, 9)
    stroke(image, np.array([[20.0, 30.5], [60.0, 30.5]]), RED, radius_px=2.0, edge_px=1.0)
    assert image[30, 40].tolist() == [200, 0, 0]
    changed = (image != (7, 8, 9)).any(2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (27, 33)
    assert (columns.min(), columns.max()) == (17, 62)


def test_point_is_a_dot():
    image = blank()
    stroke(image, np.array([[40.0, 30.0], [40.0, 30.0]]), WHITE, radius_px=4.0)
    assert ink(image) == pytest.approx(np.pi * 16, rel=0.03)


@pytest.mark.parametrize("end", [(np.nan, 3.0), (np.inf, 3.0)])
def test_stroke_to_nowhere_is_not_drawn(end):
    image = blank()
    stroke(image, np.array([(3.0, 3.0), end]), WHITE, radius_px=4.0)
    assert not image.any()


@pytest.mark.parametrize("shift", [(-20, 0), (0, -20), (30, 25), (-500, 3), (3, 5000)])
def test_what_lies_outside_is_cut_off(shift):
    ends = np.array([[30.0, 20.0], [50.0, 40.0]])
    large, small = blank(260, 280), blank()
    stroke(large, ends + 100 + shift, WHITE, radius_px=5.0)
    stroke(small, ends + shift, WHITE, radius_px=5.0)
    np.testing.assert_array_equal(small, large[100:160, 100:180])


@pytest.mark.parametrize("corner", [(-5, -3), (70, 55), (200, 0), (0, -90), (10, 10)])
def test_stamp_is_cut_off_at_the_edges(corner):
    cover = np.random.default_rng(0).uniform(0, 1, (20, 30)).astype(np.float32)
    large, small = blank(260, 280), blank()
    stamp(large, cover, (corner[0] + 100, corner[1] + 100), RED)
    stamp(small, cover, corner, RED)
    np.testing.assert_array_equal(small, large[100:160, 100:180])


def test_text_stays_in_its_box_and_figures_are_equally_wide():
    image = blank()
    end = write(image, "18°", (10, 20), WHITE, font_px=16)
    assert end == 10 + text_width_px("18°", 16)
    rows, columns = np.nonzero(image[..., 0])
    assert rows.min() >= 20
    assert rows.max() < 20 + 21
    assert columns.min() >= 10
    assert columns.max() < end
    assert len({text_width_px(digit, 16) for digit in "0123456789"}) == 1
