"""Overlap, matching, margins and cuts on boxes that can be counted out."""

import numpy as np
import pytest

from skelvid.geometry.boxes import apply_affine, crop_affine, cut, expand, iou, match, pad

SQUARE = np.array([0.0, 0.0, 10.0, 10.0])


@pytest.mark.parametrize(("other", "expected"), [
    ([0, 0, 10, 10], 1), ([5, 0, 15, 10], 1 / 3), ([10, 0, 20, 10], 0), ([20, 20, 30, 30], 0), ([2, 2, 4, 7], 0.1),
])  # fmt: skip
def test_iou(other, expected):
    other = np.array([other], float)
    assert iou(SQUARE[None], other) == pytest.approx(expected)
    assert iou(other, SQUARE[None]) == pytest.approx(expected)


def test_match_prefers_the_sum_of_overlaps_over_the_first_comer():
    # Alone, both boxes would take the first candidate.
    a = np.array([[0.0, 0, 10, 10], [1.0, 0, 11, 10]])
    b = np.array([[0.5, 0, 10.5, 10], [3.0, 0, 13, 10]])
    np.testing.assert_array_equal(match(a, b, min_iou=0.3), [0, 1])
    np.testing.assert_array_equal(match(a, b, min_iou=0.8), [0, -1])


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 2), (2, 0)])
def test_match_of_nothing(n, m):
    np.testing.assert_array_equal(match(np.tile(SQUARE, (n, 1)), np.tile(SQUARE, (m, 1)), min_iou=0.1), [-1] * n)


def test_expand_and_pad():
    tall = np.array([[10.0, 10.0, 20.0, 50.0]])
    np.testing.assert_allclose(expand(tall, 1.5), [[7.5, 0, 22.5, 60]])
    np.testing.assert_allclose(pad(tall, 0.25), [[0, 0, 30, 60]])


@pytest.mark.parametrize(("box", "expected"), [
    ([1.0, 2, 3, 4], (slice(2, 4), slice(1, 3))),
    ([1.9, 2.9, 3.1, 4.1], (slice(2, 5), slice(1, 4))),
    ([-5.0, -5, 50, 50], (slice(0, 6), slice(0, 8))),
    ([8.0, 0, 9, 5], None), ([-3.0, 0, 0, 5], None), ([0.0, 6, 5, 9], None),
])  # fmt: skip
def test_cut_is_the_pixels_touched(box, expected):
    assert cut(np.array(box), (6, 8)) == expected


@pytest.mark.parametrize("size_hw", [(256, 256), (256, 192)])
@pytest.mark.parametrize("box", [[10.0, 20, 30, 100], [10.0, 20, 200, 60]])
def test_crop_holds_the_box_in_its_middle_and_fills_one_side(box, size_hw):
    box = np.array(box)
    low, high = apply_affine(crop_affine(box, size_hw), box.reshape(2, 2))
    height, width = size_hw
    np.testing.assert_allclose((low + high) / 2, [width / 2, height / 2])
    assert np.max((high - low) / [width, height]) == pytest.approx(1)
