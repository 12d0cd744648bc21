"""What is drawn while it happens: values, curves that scroll, and no more work as time goes on."""

import numpy as np
import pytest

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.motion import JointAngles
from skelvid.draw.bones import make_bones
from skelvid.draw.chart import BRIGHT
from skelvid.draw.live import LiveView

NAMES = ("knee_angle_r", "knee_angle_l", "trunk_extension")
SIZE_HW = (360, 640)
GREEN = (20, 120, 30)


def make_view(**options):
    return LiveView(SIZE_HW, make_bones(()), NAMES, shown=("knee_angle", "trunk_extension"), **options)


def show(view, time_s, values_deg, **options):
    frame = Frame(np.full((*SIZE_HW, 3), GREEN, np.uint8), 0, time_s)
    angles = None
    if values_deg is not None:
        angles = JointAngles(np.array([time_s]), NAMES, np.radians(np.array([values_deg], float)))
    return view(frame, None, None, angles, **options)


def columns(picture, side):
    """In which columns of the strip a colour is drawn, below the line of values of the first chart."""
    near = np.abs(picture[45:180, SIZE_HW[1] :].astype(int) - BRIGHT[side]).max(-1) < 60
    return np.flatnonzero(near.any(0))


def test_frame_is_left_alone_and_has_a_strip_beside_it():
    picture = show(make_view(), 0.0, None)
    assert picture.shape[0] == SIZE_HW[0]
    assert picture.shape[1] > SIZE_HW[1]
    assert (picture[:, : SIZE_HW[1]] == GREEN).all()


def test_curve_grows_at_the_right_end_and_scrolls_to_the_left():
    view = make_view(window_s=4.0)
    first = columns([show(view, number / 30, (40.0, 10.0, 0.0)) for number in range(31)][-1], "right")
    assert len(first) > 0.8 * view._boxes[0].width / 4.0
    moved = columns([show(view, number / 30, None) for number in range(31, 61)][-1], "right")
    assert moved.max() < first.max() - 20
    assert len(moved) == pytest.approx(len(first), abs=3)


def test_scrolled_curves_are_those_drawn_at_once():
    """A chart that widens is drawn anew as a whole: the pieces must have been the same."""
    slow, late = make_view(), make_view()
    for number in range(90):
        values = (30 * np.sin(number / 9), 20.0, 0.0)
        show(slow, number / 20, values)
        show(late, number / 20, values)
    for chart in range(2):
        late._redraw(chart)
    again = show(late, 90 / 20, (0.0, 20.0, 0.0))
    picture = show(slow, 90 / 20, (0.0, 20.0, 0.0))
    off = np.abs(picture[:, SIZE_HW[1] :].astype(int) - again[:, SIZE_HW[1] :]).max(-1) > 60
    assert off.mean() < 0.002


def test_range_widens_and_stays():
    view = make_view()
    show(view, 0.0, (0.0, 0.0, 0.0))
    show(view, 0.1, (130.0, 0.0, 0.0))
    box = view._boxes[0]
    assert box.low < -15
    assert box.high > 130
    show(view, 0.2, (0.0, 0.0, 0.0))
    assert view._boxes[0] == box


def test_past_is_forgotten():
    view = make_view(window_s=2.0)
    for number in range(180):
        show(view, number / 30, (40.0, 10.0, 0.0))
    assert len(view._past) <= 3.1 * 30


def test_notes_are_written_over_the_picture():
    picture = show(make_view(), 0.0, None, notes=("20 frames/s",))
    assert (picture[:60, :200] != GREEN).any()
    assert (picture[100:, : SIZE_HW[1]] == GREEN).all()


def test_unknown_angle():
    with pytest.raises(ValueError, match="no angle is called 'nose'"):
        LiveView(SIZE_HW, make_bones(()), NAMES, shown=("nose",))
