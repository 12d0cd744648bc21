"""What every bone mesh must be: closed, outward, and (when it has a twin) mirrored."""

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
