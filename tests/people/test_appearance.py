"""Colours of clothes as numbers."""

import numpy as np

from skelvid.people.appearance import appearance, likeness
from tests.crowd_fakes import COLOURS, Play, stand

LEFT, RIGHT = np.array([stand(20), stand(200)], float)


def picture(left, right):
    (frame,) = Play([{left: LEFT, right: RIGHT}]).frames()
    return frame.image


def test_is_a_distribution_whatever_the_size_of_the_box():
    for side in (2, 30, 400):
        image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        np.testing.assert_allclose(appearance(image, np.array([[0.0, 0, side, side]])).sum(), 1.0)


def test_people_are_like_themselves_elsewhere_and_unlike_others():
    one = appearance(picture("red", "blue"), np.stack([LEFT, RIGHT]))
    other = appearance(picture("blue", "red"), np.stack([LEFT, RIGHT]))
    np.testing.assert_allclose(likeness(one, other), [[0, 1], [1, 0]], atol=1e-6)


def test_a_little_less_light_leaves_people_alike():
    bright = np.full((100, 40, 3), COLOURS["red"], np.uint8)
    box = np.array([[0.0, 0.0, 40.0, 100.0]])
    for dimmed in (0.97, 0.93, 0.9):
        dark = (bright * dimmed).astype(np.uint8)
        assert likeness(appearance(bright, box), appearance(dark, box))[0, 0] > 0.6


def test_box_outside_the_picture_is_like_nobody():
    found = appearance(picture("red", "blue"), np.array([[500.0, 0, 520, 50], LEFT]))
    assert not found[0].any()
    assert likeness(found, found)[0].max() == 0.0


def test_no_boxes():
    assert len(appearance(picture("red", "blue"), np.zeros((0, 4)))) == 0
