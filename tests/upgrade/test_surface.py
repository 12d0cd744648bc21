import numpy as np
import pytest
import scipy.sparse
import torch

from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.surface import make_surface, vertex_areas
from tests.toy_skel import make_toy_assets


def random_params(rng, count):
    q, betas, trans = rng.normal(0, 0.3, (count, 46)), rng.normal(0, 1, (1, 10)), rng.normal(0, 1, (count, 3))
    return SkelParams(q, betas, trans).to_torch(dtype=torch.float64)


@pytest.fixture(params=[False, True], ids=["plain", "correctives"])
def body(request, rng):
    return SkelBody(make_toy_assets(rng, posedirs=request.param), dtype=torch.float64)


@pytest.fixture
def mix(body, rng):
    """More vertices than the body has, each somewhere on one of its triangles."""
    faces = body.assets.skin_faces[rng.integers(0, len(body.assets.skin_faces), 150)]
    rows = np.arange(150).repeat(3)
    return scipy.sparse.csr_array(
        (rng.dirichlet([1, 1, 1], 150).ravel(), (rows, faces.ravel())), (150, len(body.assets.skin_template_m))
    )


def test_points_are_the_projected_mesh(body, mix, rng):
    surface = make_surface(body, mix, rng.uniform(0.5, 2, 150))
    params = random_params(rng, 3)
    vertices = surface.vertices(body, params)
    np.testing.assert_allclose(vertices, [mix @ skin for skin in body(params).skin_m.numpy()], atol=1e-12)
    np.testing.assert_allclose(
        body.skin_points(params, surface.points), surface.targets(vertices), rtol=0, atol=1e-9
    )  # fmt: skip


def test_squared_distances_of_points_sum_to_those_of_the_surface(body, mix, rng):
    """Without correctives, two poses of the body differ by what the points see, to a millionth."""
    share = rng.uniform(0.5, 2, 150)
    surface = make_surface(body, mix, share)
    one, two = (surface.vertices(body, random_params(rng, 4)) for _ in range(2))
    mesh = ((one - two) ** 2).sum(-1) @ torch.as_tensor(share / share.sum())
    points = ((surface.targets(one) - surface.targets(two)) ** 2).sum((1, 2)) * surface.unit_weight
    tolerance = 1e-5 if body.assets.posedirs_m is None else 1e-3
    np.testing.assert_allclose(points, mesh, rtol=tolerance)


def test_far_fewer_points_than_vertices(body, mix, rng):
    surface = make_surface(body, mix, np.ones(150))
    assert surface.points.count <= 96
    np.testing.assert_allclose(surface.project.sum(1), 1.0, atol=1e-10)


def test_areas_of_a_square():
    square = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
    areas = vertex_areas(square, np.array([[0, 1, 2], [0, 2, 3]]))
    np.testing.assert_allclose(areas, [4 / 3, 2 / 3, 4 / 3, 2 / 3])
