import numpy as np

from skelvid.body.load import load_body_assets
from tests.train.synth.toy_people import make_base
from train.synth.subjects_mesh import Binding, base_ids, bind, load_base, nearest_share, triangles, vertex_normals


def _turned(points: np.ndarray) -> np.ndarray:
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    return points @ turn.T + [0.1, -2.0, 0.3]


def test_bound_points_follow_a_rigid_move_exactly(rng):
    assets = load_body_assets("neutral")
    skin = assets.skin_template_m.astype(float)
    normals = vertex_normals(skin, assets.skin_faces)
    points = skin[::200] + 0.01 * normals[::200] + 0.002 * rng.standard_normal((len(skin[::200]), 3))
    binding = bind(points, skin, assets.skin_faces)
    origin, frame = binding.frames(skin, normals)
    assert np.linalg.norm(points - origin, axis=1).max() < 0.02
    local = np.einsum("pji,pj->pi", frame, points - origin)
    moved = _turned(skin)
    origin, frame = binding.frames(moved, vertex_normals(moved, assets.skin_faces))
    np.testing.assert_allclose(origin + np.einsum("pij,pj->pi", frame, local), _turned(points), atol=1e-9)


def test_nearest_share_finds_corners_edges_and_inside():
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]] * 3)
    points = np.array([[0.2, 0.3, 5.0], [-1.0, -1.0, 0.0], [1.0, 0.0, 1.0]])
    np.testing.assert_allclose(nearest_share(points, corners), [[0.5, 0.2, 0.3], [1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_spread_keeps_the_open_body_and_weights_are_shares():
    assets = load_body_assets("neutral")
    base = make_base(assets)
    skin = assets.skin_template_m.astype(float) * 1.1
    out = base.spread(assets, base.template_m, skin)
    np.testing.assert_array_equal(out[base_ids(assets)], skin)
    weight = base.weights(assets)
    np.testing.assert_allclose(weight.sum(1), 1, atol=1e-9)


def test_base_survives_its_file(tmp_path):
    base = make_base(load_body_assets("neutral"))
    base.save(tmp_path / "base.npz")
    again = load_base(tmp_path / "base.npz")
    np.testing.assert_array_equal(again.template_m, base.template_m)
    np.testing.assert_array_equal(again.groups["eye"].faces, base.groups["eye"].faces)
    assert again.bone_names == base.bone_names
    assert isinstance(again.binding, Binding)


def test_quads_are_cut_and_triangles_kept():
    out = triangles(np.array([[0, 1, 2, 3], [4, 5, 6, 6]]))
    assert sorted(map(tuple, out.tolist())) == [(0, 1, 2), (0, 2, 3), (4, 5, 6)]
