"""Live curves end at the present, and say its values."""

from itertools import pairwise

import numpy as np
import pytest

from skelvid.draw import panel as module
from skelvid.draw.chart import BRIGHT
from skelvid.draw.panel import Panel, most_charts
from tests.made_result import KNEE_DEG, MISSED, TIMES_S, make_result

HEIGHT = 480


def make_panel(**changes):
    return Panel(make_result(**changes), ("knee_angle",), height_px=HEIGHT, unit=1.0, window_s=1.0)


def drawn(panel: Panel, row: int | None, time_s: float | None = None) -> np.ndarray:
    picture = np.zeros((HEIGHT, panel.width, 3), np.uint8)
    panel.draw(picture, float(TIMES_S[row or 0]) if time_s is None else time_s, row)
    return picture


def chart_of(panel: Panel, picture: np.ndarray) -> np.ndarray:
    box = panel._boxes[0]
    return picture[box.top : box.top + box.height, box.left : box.left + box.width]


def rows_of(column: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.flatnonzero((column == color).all(-1))


@pytest.mark.parametrize("row", [1, 4, 5])
def test_curve_ends_at_the_right_edge_with_the_present_value(row):
    panel = make_panel(missed=())
    column = chart_of(panel, drawn(panel, row))[:, -1]
    wanted = panel._boxes[0].rows(KNEE_DEG)[row]
    assert rows_of(column, BRIGHT["right"]).mean() + 0.5 == pytest.approx(wanted, abs=1.5)


def test_future_is_not_shown_yet_and_the_past_moves_to_the_left():
    panel = make_panel(missed=())
    early, late = (chart_of(panel, drawn(panel, row)) for row in (3, 5))
    shift = round((TIMES_S[5] - TIMES_S[3]) * early.shape[1])
    np.testing.assert_array_equal(early[:, shift:], late[:, :-shift])
    width = early.shape[1]
    before = round((1.0 - TIMES_S[3]) * width) - 2
    assert not (early[:, :before] == BRIGHT["right"]).all(-1).any()


def test_gap_is_grey_without_a_curve():
    panel = make_panel()
    chart = chart_of(panel, drawn(panel, 5))
    width = chart.shape[1]
    column = chart[:, round((1.0 - TIMES_S[5] + TIMES_S[MISSED]) * width)]
    assert not rows_of(column, BRIGHT["right"]).size
    assert rows_of(column, module._GAP).size > 0.8 * len(column)


@pytest.mark.parametrize(
    ("row", "texts"), [(5, {"0.50 s", "R 60°", "L 0°"}), (MISSED, {"0.25 s", "R -", "L -"}), (None, {"0.30 s"})]
)
def test_present_values_are_written(row, texts, monkeypatch):
    panel, written = make_panel(), []
    monkeypatch.setattr(module, "write", lambda image, text, *rest, **options: written.append(text) or 0)
    drawn(panel, row, 0.3 if row is None else None)
    assert set(written) == texts


def test_sizes_are_even_and_charts_fit():
    assert make_panel().width % 2 == 0
    assert most_charts(60, 1.0) == 0
    names = ("knee_angle", "hip_flexion", "ankle_angle", "elbow_flex", "pelvis_tilt", "pelvis_list", "trunk_bending")
    many = Panel(make_result(), names[: most_charts(HEIGHT, 1.0)], height_px=HEIGHT, unit=1.0, window_s=1.0)
    assert len(many._boxes) == 7
    edges = [(box.top, box.top + box.height) for box in many._boxes]
    assert all(bottom < top for (_, bottom), (top, _) in pairwise(edges))
    assert edges[-1][1] <= HEIGHT
