import numpy as np
import pytest
import trimesh

from train.body.shape_space import fit_shapes, symmetrise
from train.body.source import mirror_map


@pytest.fixture
def family():
    """Boxes whose height varies much and whose width a little."""
    box = trimesh.creation.box().subdivide().subdivide()
    points, faces = np.asarray(box.vertices), np.asarray(box.faces)
    rng = np.random.default_rng(0)
    size = np.stack([1 + 0.1 * rng.standard_normal(40), 2 + 0.4 * rng.standard_normal(40), np.ones(40)], axis=1)
    return points * size[:, None], faces, size


def test_directions_are_one_sd_and_signed(family):
    bodies, faces, size = family
    shapes = fit_shapes(bodies, faces, 2)
    betas = shapes.project(bodies)
    np.testing.assert_allclose(betas.std(axis=0, ddof=1), 1, atol=1e-9)
    assert np.corrcoef(betas[:, 0], size[:, 1])[0, 1] > 0.99
    assert np.corrcoef(betas[:, 1], size[:, 0])[0, 1] > 0.9
    np.testing.assert_allclose(shapes.rebuild(betas), bodies, atol=1e-9)
    np.testing.assert_allclose(shapes.variance_share.sum(), 1, atol=1e-9)


def test_signs_do_not_depend_on_the_order_of_bodies(family):
    bodies, faces, _ = family
    first, again = fit_shapes(bodies, faces, 2), fit_shapes(bodies[::-1], faces, 2)
    np.testing.assert_allclose(first.directions, again.directions, atol=1e-9)


def test_symmetrise_is_exact_and_keeps_symmetric_bodies(family):
    bodies, _, _ = family
    mirror = mirror_map(bodies[0])
    np.testing.assert_allclose(symmetrise(bodies, mirror), bodies, atol=1e-12)
    rough = bodies + np.random.default_rng(1).standard_normal(bodies.shape) * 0.01
    smooth = symmetrise(rough, mirror)
    np.testing.assert_allclose(smooth, smooth[:, mirror] * [-1, 1, 1], atol=1e-15)
