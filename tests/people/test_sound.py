"""Which keypoints are believed."""

import numpy as np
import pytest

from skelvid.body.keypoints import COCO_17
from skelvid.datatypes.people import Keypoints2D
from skelvid.people.keypoints import extent
from skelvid.people.sound import are_twins, drop_twins, is_sound, steady
from tests.keypoint_fakes import points_in

BOX = np.array([0.0, 0.0, 40.0, 100.0])


def points(box=BOX, *, score=0.9, there=17):
    xy = points_in(box, 17)
    xy[there:] = np.nan
    return Keypoints2D(xy, np.where(np.arange(17) < there, score, 0.0), COCO_17)


@pytest.mark.parametrize(
    ("found", "least_size", "sound"),
    [
        (points(), 50.0, True),
        (points(there=5), 0.0, True),
        (points(there=4), 0.0, False),
        (points(score=0.2), 0.0, False),
        (points(), 101.0, False),
        (points(BOX + 50.0), 0.0, False),
        (points(there=0), 0.0, False),
    ],
)
def test_enough_trusted_large_and_at_that_place(found, least_size, sound):
    assert is_sound(found, extent(found[None])[0], BOX, least_size) is sound


def test_two_with_the_same_points_are_the_nearer_one():
    first, second = points(), points(BOX + 2.0)
    assert are_twins(first, second, 100.0)
    assert not are_twins(first, points(np.array([8.0, 0.0, 48.0, 100.0])), 100.0)
    both = Keypoints2D(np.stack([first.xy, second.xy]), np.stack([first.score, second.score]), COCO_17)
    sound = [True, True]
    drop_twins(both, extent(both), [BOX + 30.0, BOX], sound)
    assert sound == [False, True]


def test_box_stays_until_it_is_left_or_much_too_large():
    room = np.array([-10.0, -10.0, 50.0, 110.0])
    np.testing.assert_array_equal(steady(room, BOX, 0.1), room)
    np.testing.assert_array_equal(steady(room, BOX + 12.0, 0.1), np.array([2.0, 2.0, 62.0, 122.0]))
    np.testing.assert_allclose(steady(room, BOX * 0.5, 0.1), [-5.0, -5.0, 25.0, 55.0])
