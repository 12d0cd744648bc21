"""What every bone mesh must be: closed and outward, and how to tell whether it lies inside the skin."""

import numpy as np
from numpy import ndarray

from train.body.bones.decimate import is_manifold


def volume(vertices: ndarray, faces: ndarray) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def assert_closed(vertices: ndarray, faces: ndarray) -> None:
    # moved off x = 0, where an open rim would be allowed
    assert is_manifold(vertices + np.ptp(vertices) * 10, faces)
    assert volume(vertices, faces) > 0
    assert np.array_equal(np.unique(faces), np.arange(len(vertices)))


def winding_number(points: ndarray, vertices: ndarray, faces: ndarray) -> ndarray:
    """Return how often a closed mesh goes round each point: 1 inside, 0 outside (solid angles, van Oosterom 1983)."""
    turns = []
    for point in points:
        a, b, c = (vertices[faces[:, k]] - point for k in range(3))
        la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        over = (a * np.cross(b, c)).sum(1)
        under = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        turns.append(np.arctan2(over, under).sum() / (2 * np.pi))
    return np.array(turns)
