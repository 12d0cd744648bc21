"""The skeleton lies where the camera sees the joints, and the video beside it is left alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import BodyPoints
from skelvid.draw.chart import BRIGHT
from skelvid.draw.overlay import Overlay
from tests.made_result import MISSED, TIMES_S, make_result

SIZE_HW = (480, 640)
GREEN = (20, 120, 30)
# A thigh of each side, seen 100 px long at x = 220 and x = 420 by the camera of the result.
RIGHT_M = ((-0.2, 0.0, 2.0), (-0.2, 0.2, 2.0))
LEFT_M = ((0.2, 0.0, 2.0), (0.2, 0.2, 2.0))


def thighs(right_m: Any = RIGHT_M, left_m: Any = LEFT_M, **changes: Any):
    """A result of which only the thighs have a place."""
    result = make_result(**changes)
    joints_m = np.full((len(TIMES_S), 24, 3), np.nan)
    for side, ends in (("r", right_m), ("l", left_m)):
        joints_m[:, [JOINT_NAMES.index(f"femur_{side}"), JOINT_NAMES.index(f"tibia_{side}")]] = ends
    return replace(result, points=BodyPoints(joints_m, result.points.joint_rot, result.points.landmarks_m))


def frame(number: int, size_hw: tuple[int, int] = SIZE_HW) -> Frame:
    return Frame(np.full((*size_hw, 3), GREEN, np.uint8), number, float(TIMES_S[number]))


def test_right_and_left_thigh_are_where_the_camera_sees_them():
    picture = Overlay(thighs(), SIZE_HW, angles=())(frame(0))
    assert picture.shape == (*SIZE_HW, 3)
    assert tuple(picture[290, 220]) == BRIGHT["right"]
    assert tuple(picture[290, 420]) == BRIGHT["left"]
    rows, columns = np.nonzero((picture != GREEN).any(2))
    assert (rows.min(), rows.max()) == pytest.approx((240, 340), abs=8)
    assert ((abs(columns - 220) < 8) | (abs(columns - 420) < 8)).all()


def test_frames_of_twice_the_size_show_it_twice_as_large():
    picture = Overlay(thighs(), (960, 1280), angles=())(frame(0, (960, 1280)))
    assert tuple(picture[580, 440]) == BRIGHT["right"]
    assert tuple(picture[580, 840]) == BRIGHT["left"]


@pytest.mark.parametrize(("depth_m", "color"), [(1.9, "left"), (2.1, "right")])
def test_nearer_leg_covers_the_farther(depth_m, color):
    left_m = np.array(RIGHT_M) * (depth_m / 2.0)  # the same place in the picture
    picture = Overlay(thighs(left_m=left_m), SIZE_HW, angles=())(frame(0))
    assert tuple(picture[290, 220]) == BRIGHT[color]


def test_bones_behind_the_camera_are_not_drawn():
    picture = Overlay(thighs(left_m=-np.array(LEFT_M)), SIZE_HW, angles=())(frame(0))
    assert (picture[:, 300:] == GREEN).all()


@pytest.mark.parametrize("time_s", [TIMES_S[MISSED], TIMES_S[-1] + 1.0, -1.0, TIMES_S[0] + 0.01])
def test_frame_without_the_person_says_so_and_shows_no_skeleton(time_s):
    image = frame(0).image
    picture = Overlay(thighs(), SIZE_HW, angles=())(Frame(image, 0, float(time_s)))
    rows, columns = np.nonzero((picture != GREEN).any(2))
    assert rows.size
    assert (rows.max(), columns.max()) < (60, 300)


def test_video_is_copied_not_painted_and_curves_stand_beside_it():
    film = frame(0)
    picture = Overlay(thighs(), SIZE_HW)(film)
    assert (film.image == GREEN).all()
    assert picture.shape[1] > SIZE_HW[1]
    np.testing.assert_array_equal(picture[:, : SIZE_HW[1]], Overlay(thighs(), SIZE_HW, angles=())(film))


def test_frames_may_come_in_any_order():
    overlay = Overlay(thighs(), SIZE_HW)
    once = [overlay(frame(number)) for number in range(6)]
    for number in (4, 1, 5):
        np.testing.assert_array_equal(overlay(frame(number)), once[number])
    np.testing.assert_array_equal(Overlay(thighs(), SIZE_HW)(frame(3)), once[3])


def test_keypoints_are_marked_unless_they_are_doubtful():
    xy = np.tile([[100.0, 50.0], [500.0, 50.0], [np.nan, np.nan]], (6, 1, 1))
    points = Keypoints2D(xy, np.tile([0.9, 0.1, 0.0], (6, 1)), ("nose", "left_eye", "right_eye"))
    result = thighs(keypoints=KeypointTrack(0, TIMES_S, points))
    picture = Overlay(result, SIZE_HW, angles=())(frame(0))
    assert tuple(picture[50, 100]) != GREEN
    assert tuple(picture[50, 500]) == GREEN
    bare = Overlay(result, SIZE_HW, angles=(), keypoints=False)(frame(0))
    assert tuple(bare[50, 100]) == GREEN


@pytest.mark.parametrize(("size_hw", "charts"), [((16, 16), False), ((1280, 720), True), ((200, 1600), True)])
def test_any_size_of_video(size_hw, charts):
    result = make_result()
    camera = Camera(1000.0, (10.0, 10.0), size_hw)
    result = replace(result, motion=replace(result.motion, camera=camera))
    picture = Overlay(result, size_hw)(frame(0, size_hw))
    assert picture.shape[0] == size_hw[0]
    assert (picture.shape[1] > size_hw[1]) == charts


def test_slips_are_refused():
    result = make_result()
    with pytest.raises(ValueError, match="without a camera"):
        Overlay(replace(result, motion=replace(result.motion, camera=None)), SIZE_HW)
    with pytest.raises(ValueError, match="no angle is called 'knee'"):
        Overlay(result, SIZE_HW, angles=("knee",))
    with pytest.raises(ValueError, match=r"must have the size \(480, 640\), got \(640, 480\)"):
        Overlay(result, SIZE_HW)(frame(0, (640, 480)))
