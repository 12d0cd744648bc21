"""Pages of curves: every angle of every page, raw beside smoothed, gaps as gaps."""

import numpy as np
import pytest
from PIL import Image

from skelvid.angles.table import ANGLE_NAMES
from skelvid.draw import plots
from skelvid.draw.chart import DEEP, columns_of
from skelvid.draw.plots import PAGES, plot_angles, write_plots
from skelvid.errors import SkelvidError
from tests.made_result import MISSED, TIMES_S, make_result


def colored(page: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Return where a colour is, below the legend."""
    there = (page == color).all(-1)
    there[: plots._HEAD_PX] = False
    return there


@pytest.mark.parametrize("name", [name for page in PAGES.values() for name in page])
def test_pages_name_known_angles(name):
    assert columns_of(name, make_result().angles)


def test_writes_a_picture_per_page(tmp_path):
    paths = write_plots(make_result(), tmp_path)
    assert [path.name for path in paths] == ["angles_legs.png", "angles_trunk.png", "angles_arms.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    for path, names in zip(paths, PAGES.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), plot_angles(make_result(), names))


def test_curve_runs_over_the_whole_time_but_not_over_the_gap():
    page = plot_angles(make_result(), ("knee_angle_r",))
    columns = np.flatnonzero(colored(page, DEEP["right"]).any(0)) - plots._MARGIN_PX - plots._INSET_LT[0]
    width = plots._CHART_WH[0]
    before, after = (TIMES_S[i] / TIMES_S[-1] * width for i in (MISSED - 1, MISSED + 1))
    assert columns.min() <= 1
    assert columns.max() >= width - 2
    assert not ((columns > before) & (columns < after)).any()
    grey = colored(page, plots._GAP).sum(0) > plots._CHART_WH[1] // 2  # the edges of letters have the same colour
    shaded = np.flatnonzero(grey) - plots._MARGIN_PX - plots._INSET_LT[0]
    assert (shaded.min(), shaded.max()) == pytest.approx((before, after), abs=2)


def test_both_sides_have_their_colour_and_raw_is_paler():
    page = plot_angles(make_result(missed=()), ("knee_angle",))
    assert colored(page, DEEP["right"]).any()
    assert colored(page, DEEP["left"]).any()
    bare = plot_angles(make_result(missed=(), raw_angles=make_result(missed=()).angles), ("knee_angle",))
    assert (page != bare).any()


def test_one_frame_and_nobody_are_pages_without_curves():
    for result in (make_result(frames=1), make_result(missed=tuple(range(6)))):
        page = plot_angles(result, ("knee_angle",))
        assert not colored(page, DEEP["right"]).any()


def test_unwritable_folder_is_said(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(SkelvidError, match=r"angles_legs\.png cannot be written"):
        write_plots(make_result(), tmp_path / "out")


def test_every_main_angle_has_a_page():
    angles = make_result().angles
    shown = {angles.names[i] for page in PAGES.values() for name in page for i in columns_of(name, angles)}
    parts = ("lumbar", "thorax", "scapula", "shoulder_plane", "shoulder_rotation", "mtp", "head_bending")
    assert {name for name in ANGLE_NAMES if not name.startswith(parts)} == shown
