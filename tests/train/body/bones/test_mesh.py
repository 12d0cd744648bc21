import numpy as np
import pytest

from tests.train.body.bones.closed import assert_closed, volume, winding_number
from train.body.bones import sdf
from train.body.bones.mesh import join, polygonise, polygonise_mirrored, sweep


def test_polygonise_meshes_a_sphere():
    mesh = polygonise(lambda p: sdf.ball(p, (1, 2, 3), 10.0), (-10, -9, -8), (12, 13, 14), 1.0, 300)
    assert_closed(mesh.vertices, mesh.faces)
    assert len(mesh.vertices) == pytest.approx(300, abs=5)
    assert volume(mesh.vertices, mesh.faces) == pytest.approx(4 / 3 * np.pi * 1000, rel=0.03)
    assert np.linalg.norm(mesh.vertices - (1, 2, 3), axis=1) == pytest.approx(10, abs=0.3)


def test_polygonise_keeps_the_largest_piece():
    mesh = polygonise(
        lambda p: sdf.union(sdf.ball(p, (0, 0, 0), 5.0), sdf.ball(p, (12, 0, 0), 2.0)),
        (-6, -6, -6),
        (15, 6, 6),
        0.8,
        100,
    )
    assert mesh.vertices[:, 0].max() < 6


def test_mirrored_mesh_is_its_own_mirror_image():
    def field(p):
        half = np.c_[np.abs(p[:, 0]), p[:, 1:]]
        return sdf.union(sdf.ball(half, (0, 0, 0), 8.0), sdf.ball(half, (9, 3, 0), 4.0), blend=3)

    mesh = polygonise_mirrored(field, (-14, -9, -9), (14, 9, 9), 0.9, 200)
    assert_closed(mesh.vertices, mesh.faces)
    here = {tuple(v) for v in mesh.vertices}
    assert here == {(-x + 0.0, y, z) for x, y, z in here}


def test_sweep_is_a_closed_rod():
    path = np.stack([np.zeros(5), np.linspace(0, 10, 5), np.zeros(5)], 1)
    rod = sweep(path, np.broadcast_to([1.0, 0, 0], path.shape), np.full((5, 2), 2.0), 32)
    assert_closed(rod.vertices, rod.faces)
    assert volume(rod.vertices, rod.faces) == pytest.approx(np.pi * 4 * 10 + 2 * np.pi * 4 / 3, rel=0.02)


def test_mirror_and_join_stay_outward():
    rod = sweep(np.array([(3.0, 0, 0), (3, 1, 0), (3, 2, 0)]), np.tile([1.0, 0, 0], (3, 1)), np.ones((3, 2)), 6)
    both = join([rod, rod.mirrored()])
    assert_closed(both.vertices, both.faces)
    assert volume(both.vertices, both.faces) == pytest.approx(2 * volume(rod.vertices, rod.faces))


def test_winding_number_tells_inside_from_outside():
    mesh = polygonise(lambda p: sdf.ball(p, (0, 0, 0), 10.0), (-11, -11, -11), (11, 11, 11), 2.0, 100)
    turns = winding_number(np.array([(0.0, 0, 0), (8, 0, 0), (12, 0, 0)]), mesh.vertices, mesh.faces)
    assert turns == pytest.approx([1, 1, 0], abs=1e-6)
