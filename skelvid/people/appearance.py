"""What people look like: boxes in a picture in, the colours of their clothes as numbers that can be compared out."""

import numpy as np
from jaxtyping import Float, UInt8

from skelvid.geometry.boxes import cut

# Shares of a box that a trunk fills, whichever way its owner turns.
_WIDTH, _HEIGHT = (0.35, 0.65), (0.2, 0.5)
_LEVELS = 8
COLOURS = _LEVELS**3
_MAX_SIDE_PX = 48


def appearance(image: UInt8[np.ndarray, "h w 3"], xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n c"]:
    """Return how the colours of the trunks in boxes are distributed; 0 where a box misses the picture.

    Each colour counts for its neighbours as well, or a little less light would make another colour of it.
    """
    colours = np.zeros((len(xyxy), COLOURS))
    for row, box in enumerate(xyxy):
        size = box[2:] - box[:2]
        trunk = box[[0, 1, 0, 1]] + np.array([_WIDTH[0], _HEIGHT[0], _WIDTH[1], _HEIGHT[1]]) * size[[0, 1, 0, 1]]
        part = cut(trunk, image.shape[:2])
        if part is not None:
            colours[row] = _histogram(image[part])
    return colours


def likeness(a: Float[np.ndarray, "n c"], b: Float[np.ndarray, "m c"]) -> Float[np.ndarray, "n m"]:
    """Return from 0 to 1 how alike two appearances are (Bhattacharyya's coefficient).

    >>> likeness(np.array([[0.5, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.0]])).round(2)
    array([[1.  , 0.71]])
    """
    return np.sqrt(a) @ np.sqrt(b).T


def _histogram(part: UInt8[np.ndarray, "y x 3"]) -> Float[np.ndarray, "c"]:
    step = -(-max(part.shape[:2]) // _MAX_SIDE_PX)
    level = part[::step, ::step].reshape(-1, 3) * ((_LEVELS - 1) / 255.0)
    low = np.minimum(level.astype(int), _LEVELS - 2)
    high_share = level - low
    histogram = np.zeros(COLOURS)
    for corner in np.ndindex(2, 2, 2):
        index = np.ravel_multi_index((low + corner).T, (_LEVELS,) * 3)
        share = np.where(corner, high_share, 1.0 - high_share).prod(-1)
        histogram += np.bincount(index, share, minlength=COLOURS)
    return histogram / histogram.sum()
