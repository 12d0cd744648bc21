import numpy as np
import pytest
from skimage.measure import marching_cubes

from tests.train.body.bones.closed import assert_closed
from train.body.bones.decimate import decimate, is_manifold


@pytest.fixture
def torus():
    x, y, z = np.meshgrid(*(np.arange(-12, 12.5) + 0.37,) * 3, indexing="ij")
    points, faces, _, _ = marching_cubes(np.hypot(np.hypot(x, y) - 7, z) - 3, 0.0, gradient_direction="descent")
    return points.astype(float), faces.astype(np.int64)


def test_keeps_a_torus_a_torus(torus):
    points, faces = decimate(torus[0], torus[1], 150)
    assert_closed(points, faces)
    assert len(points) == pytest.approx(150, abs=2)
    assert len(points) - len(faces) / 2 == 0  # Euler characteristic


def test_an_open_rim_stays_in_its_plane():
    # a square sheet whose edge x = 0 is the rim to be mirrored; closed elsewhere by folding it back
    n = 9
    u, v = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False), indexing="ij")
    points = np.stack([np.sin(u * np.pi / 2), np.cos(u * np.pi / 2) * np.cos(v), np.cos(u * np.pi / 2) * np.sin(v)], -1)
    points = np.vstack([points[:-1].reshape(-1, 3), [(1.0, 0, 0)]])
    grid, width = np.arange((n - 1) * 2 * n).reshape(n - 1, 2 * n), 2 * n
    faces = []
    for i in range(n - 2):
        for j in range(width):
            a, b, c, d = grid[i, j], grid[i, (j + 1) % width], grid[i + 1, (j + 1) % width], grid[i + 1, j]
            faces += [(a, b, c), (a, c, d)]
    faces += [(grid[-1, j], grid[-1, (j + 1) % width], len(points) - 1) for j in range(width)]
    points, faces = decimate(points, np.array(faces), 40)
    assert is_manifold(points, faces)  # an open rim is allowed at x = 0 only
    assert len(points) == pytest.approx(40, abs=2)
    assert (points[:, 0] == 0).sum() > 3


def test_an_open_mesh_elsewhere_is_no_manifold(torus):
    points, faces = torus
    assert is_manifold(points + 100, faces)
    assert not is_manifold(points + 100, faces[1:])
