"""Boxes in images: overlap, growing, matching, and the crop of a box with the exact way back.

Boxes are left, top, right, bottom; coordinates are pixels from the outer corner of the upper left pixel.
"""

import numpy as np
from jaxtyping import Float, Integer
from scipy.optimize import linear_sum_assignment

Affine = Float[np.ndarray, "2 3"]


def iou(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Return intersection over union of every box of `a` with every box of `b`.

    >>> iou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0], [4.0, 4.0, 5.0, 5.0]]))
    array([[0.33333333, 0.        ]])
    """
    both = _both(a, b)
    return both / (_area(a)[:, None] + _area(b)[None] - both)


def shared(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Return the share of the smaller of two boxes that lies in the larger one, for every box of `a` with each of `b`.

    >>> shared(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 9.0, 9.0]]))
    array([[1.  , 0.25]])
    """
    return _both(a, b) / np.minimum(_area(a)[:, None], _area(b)[None])


def match(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"], *, min_iou: float) -> Integer[np.ndarray, "n"]:
    """Return for each box of `a` the box of `b` that belongs to it, one to one and with most overlap; -1 for none.

    >>> boxes = np.array([[0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 6.0, 6.0]])
    >>> match(boxes, boxes[:1] + 0.1, min_iou=0.5)
    array([ 0, -1])
    """
    overlap = iou(a, b)
    found = np.full(len(a), -1)
    for i, j in zip(*linear_sum_assignment(-overlap), strict=True):
        if overlap[i, j] >= min_iou:
            found[i] = j
    return found


def expand(xyxy: Float[np.ndarray, "*b 4"], factor: float) -> Float[np.ndarray, "*b 4"]:
    """Return boxes of the same centres with both sides longer by a factor.

    >>> expand(np.array([10.0, 10.0, 20.0, 30.0]), 2.0)
    array([ 5.,  0., 25., 40.])
    """
    low, high = xyxy[..., :2], xyxy[..., 2:]
    center, half = (low + high) / 2.0, (high - low) / 2.0 * factor
    return np.concatenate([center - half, center + half], -1)


def pad(xyxy: Float[np.ndarray, "*b 4"], share: float) -> Float[np.ndarray, "*b 4"]:
    """Return boxes with a margin, on every side that share of the box's longer side.

    A person's box is narrow when he stands, yet his arms may leave it sideways: the margin is the same all around.

    >>> pad(np.array([10.0, 10.0, 20.0, 30.0]), 0.5)
    array([ 0.,  0., 30., 40.])
    """
    margin = share * (xyxy[..., 2:] - xyxy[..., :2]).max(-1, keepdims=True)
    return xyxy + np.concatenate([-margin, -margin, margin, margin], -1)


def cut(xyxy: Float[np.ndarray, "4"], size_hw: tuple[int, int]) -> tuple[slice, slice] | None:
    """Return the rows and columns of the pixels that a box touches, or None where it misses the image.

    >>> cut(np.array([-3.0, 1.5, 4.2, 9.0]), (6, 10))
    (slice(1, 6, None), slice(0, 5, None))
    """
    left, top = (max(int(np.floor(v)), 0) for v in xyxy[:2])
    right, bottom = (min(int(np.ceil(v)), size) for v, size in zip(xyxy[2:], size_hw[::-1], strict=True))
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def crop_affine(xyxy: Float[np.ndarray, "4"], size_hw: tuple[int, int], *, share: float = 0.0) -> Affine:
    """Return image → crop for the smallest crop of the wanted size's aspect that holds a box about its centre.

    Args:
        xyxy: The box, image px.
        size_hw: Height and width of the crop, px: (256, 256) is square, (256, 192) is 4:3.
        share: Margin around the box, as for `pad`.
    """
    left, top, right, bottom = pad(xyxy, share)
    height, width = size_hw
    scale = min(width / (right - left), height / (bottom - top))
    shift = [width / 2 - scale * (left + right) / 2, height / 2 - scale * (top + bottom) / 2]
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def inverse_affine(affine: Affine) -> Affine:
    """Return the map that undoes another, crop → image for image → crop."""
    linear = np.linalg.inv(affine[:, :2])
    return np.concatenate([linear, -linear @ affine[:, 2:]], 1)


def apply_affine(affine: Affine, xy: Float[np.ndarray, "*b 2"]) -> Float[np.ndarray, "*b 2"]:
    """Return points after an affine map."""
    return xy @ affine[:, :2].T + affine[:, 2]


def _area(xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n"]:
    return (xyxy[:, 2:] - xyxy[:, :2]).prod(-1)


def _both(a: Float[np.ndarray, "n 4"], b: Float[np.ndarray, "m 4"]) -> Float[np.ndarray, "n m"]:
    """Return the areas that two boxes have in common."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(high - low, 0.0, None).prod(-1)
