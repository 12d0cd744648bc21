"""Display matrices become filters that do what the matrix says."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from skelvid.video.upright import Upright, display_matrix, turning_steps

MATRICES = [
    m for m in itertools.product((-1, 0, 1), repeat=4) if abs(m[0] * m[3] - m[1] * m[2]) == 1 and sum(map(abs, m)) == 2
]


def test_there_are_eight_ways_to_hold_a_phone():
    assert len(MATRICES) == 8


@pytest.mark.parametrize("matrix", MATRICES)
def test_pixels_go_where_the_matrix_says(matrix, monkeypatch, rng):
    monkeypatch.setattr("skelvid.video.upright.display_matrix", lambda _: tuple(65536 * v for v in matrix))
    stored = rng.integers(0, 255, (6, 10, 3), np.uint8)
    picture = av.VideoFrame.from_ndarray(stored)
    picture.pts, picture.time_base = 3, Fraction(1, 10)
    upright = Upright(picture, pixel_aspect=None, max_side_px=None)
    ((shown, time_s),) = upright(picture)
    assert time_s == pytest.approx(0.3)
    a, b, c, d = matrix
    y, x = np.mgrid[:6, :10]
    to_x, to_y = a * x + c * y, b * x + d * y
    expected = np.empty_like(shown)
    expected[to_y - to_y.min(), to_x - to_x.min()] = stored
    np.testing.assert_array_equal(shown, expected)


def test_angles_in_between_go_to_the_nearest_quarter():
    assert turning_steps((60000, 20000, -20000, 60000)) == []
    assert turning_steps((20000, 60000, -60000, 20000)) == [("transpose", "clock")]


def test_no_matrix_is_the_identity():
    assert display_matrix(av.VideoFrame(16, 16, "yuv420p")) == (1, 0, 0, 1)


def test_size_changes_in_mid_film_are_scaled_away(rng):
    pictures = [av.VideoFrame.from_ndarray(rng.integers(0, 255, (h, 2 * h, 3), np.uint8)) for h in (32, 48, 32)]
    for number, picture in enumerate(pictures):
        picture.pts, picture.time_base = number, Fraction(1, 30)
    upright = Upright(pictures[0], pixel_aspect=None, max_side_px=None)
    shapes = [image.shape for picture in pictures for image, _ in upright(picture)]
    assert shapes == [(32, 64, 3)] * 3
