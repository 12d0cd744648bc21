import numpy as np
import trimesh

from train.body import topology
from train.body.source import mirror_map


def sphere():
    mesh = trimesh.creation.icosphere(subdivisions=3)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def test_a_cut_hole_is_found_and_filled_with_the_same_winding():
    points, faces = sphere()
    cut = faces[(points[faces][:, :, 1] < 0.8).all(axis=1)]
    (loop,) = topology.boundary_loops(cut)
    closed = np.concatenate([cut, topology.fill_loop(points, loop)])
    assert topology.boundary_loops(closed) == []
    mesh = trimesh.Trimesh(points, closed, process=False)
    assert mesh.is_winding_consistent
    assert mesh.volume > 0


def test_fill_takes_the_least_area():
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0], [-3, 0.5, 0]])
    filled = topology.fill_loop(square, [0, 1, 2, 3, 4])
    corners = square[filled]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    np.testing.assert_allclose(area, 1 + 1.5, atol=1e-12)


def test_thinning_keeps_a_closed_symmetric_subset():
    points, faces = sphere()
    mirror = mirror_map(points)
    thin = topology.thin_out(points, faces, mirror, np.ones(len(points), bool), 200)
    kept, compacted = topology.compact(thin)
    assert len(kept) == len(points) - 200
    assert topology.boundary_loops(compacted) == []
    assert np.array_equal(np.sort(mirror[kept]), kept)
    volume = trimesh.Trimesh(points, thin, process=False).volume
    assert volume > 0.95 * trimesh.Trimesh(points, faces, process=False).volume


def test_thinning_leaves_protected_vertices():
    points, faces = sphere()
    removable = points[:, 1] < 0
    kept, _ = topology.compact(topology.thin_out(points, faces, mirror_map(points), removable, 100))
    assert np.isin(np.flatnonzero(~removable), kept).all()
