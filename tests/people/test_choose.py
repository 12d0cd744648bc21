"""Whose tracks are chosen."""

import numpy as np
import pytest

from skelvid.datatypes.people import Keypoints2D, KeypointTrack, missing_keypoints
from skelvid.errors import ConfigError
from skelvid.people.choose import choose, weigh
from tests.keypoint_fakes import points_in

SIZE_HW = (100, 200)
NAMES = tuple(f"p{i}" for i in range(8))
TIME_S = np.arange(10) / 10


def track(person_id, box, seen=range(10), time_s=TIME_S):
    keypoints = missing_keypoints(NAMES, (len(time_s),))
    rows = list(seen)
    keypoints.xy[rows], keypoints.score[rows] = points_in(box, 8), 1.0
    return KeypointTrack(person_id, time_s, keypoints)


LARGE = track(3, (10, 0, 30, 90), range(6))
LONG = track(5, (150, 40, 170, 80))
MIDDLE = track(6, (90, 60, 110, 85), range(7))
ALL = [LARGE, LONG, MIDDLE]


@pytest.mark.parametrize(
    ("rule", "who"), [("largest", [3]), ("longest", [5]), ("center", [6]), ("all", [3, 5, 6]), ("5", [5])]
)
def test_rules(rule, who):
    assert [track.person_id for track in choose(ALL, rule, SIZE_HW)] == who


def test_largest_means_for_longest():
    brief = track(0, (0, 0, 40, 100), range(2))
    assert choose([brief, LONG], "largest", SIZE_HW) == [LONG]


def test_time_counts_and_not_frames():
    """The first is seen in most frames, the second for most of the time."""
    time_s = np.concatenate([np.arange(8) / 100, [1.0, 2.0]])
    often, long = track(0, (0, 0, 20, 50), range(7), time_s), track(1, (0, 0, 20, 50), range(8, 10), time_s)
    assert choose([often, long], "longest", SIZE_HW) == [long]


def test_nobody():
    assert choose([], "largest", SIZE_HW) == []


@pytest.mark.parametrize(("x", "y", "who"), [(20.0, 40.0, 3), (160.0, 60.0, 5), (145.0, 60.0, 5), (100.0, 70.0, 6)])
def test_at(x, y, who):
    assert [track.person_id for track in choose(ALL, "largest", SIZE_HW, at=(x, y, 0.2))] == [who]


def test_at_heeds_the_time():
    """Two people at one place, one after the other."""
    first, second = track(0, (0, 0, 20, 50), range(5)), track(1, (0, 0, 20, 50), range(5, 10))
    assert choose([first, second], "largest", SIZE_HW, at=(10.0, 25.0, 0.1)) == [first]
    assert choose([first, second], "largest", SIZE_HW, at=(10.0, 25.0, 0.82)) == [second]


def test_at_of_two_whom_the_point_is_in_takes_the_one_whose_middle_is_nearer():
    back, front = track(0, (0, 0, 60, 100)), track(1, (30, 20, 60, 100))
    assert choose([back, front], "largest", SIZE_HW, at=(46.0, 58.0, 0.0)) == [front]


def test_mistakes_are_said():
    with pytest.raises(ConfigError, match=r"nobody was seen near \(100, 5\) px at 0.9 s"):
        choose(ALL, "largest", SIZE_HW, at=(100.0, 5.0, 0.9))
    with pytest.raises(ConfigError, match="nobody has the number 4; there are 3, 5, 6"):
        choose(ALL, "4", SIZE_HW)
    with pytest.raises(ConfigError, match="no choice of person 'biggest'"):
        choose(ALL, "biggest", SIZE_HW)


def test_center_weighs_the_middle_most():
    boxes = np.array([[90.0, 0, 110, 50], [0, 0, 20, 50], [180, 0, 260, 50]])
    np.testing.assert_allclose(weigh("center", boxes, SIZE_HW), [1.0, 0.1, 0.0])


def test_keypoints_missing_throughout():
    empty = KeypointTrack(9, TIME_S, Keypoints2D(np.full((10, 8, 2), np.nan), np.zeros((10, 8)), NAMES))
    assert choose([empty, LONG], "largest", SIZE_HW) == [LONG]
