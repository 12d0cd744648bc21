import numpy as np
import pytest

from tests.train.synth.toy_people import toy_cast
from train.synth.garments import cut_out, grow, legs, top


def _grid(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij"))
    at = np.arange(n * n).reshape(n, n)
    quads = np.stack([at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]], -1).reshape(-1, 4)
    return np.stack([x, y, 0 * x], 1), np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]])


def _area(points: np.ndarray, faces: np.ndarray) -> float:
    corner = points[faces]
    return float(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2].sum() / 2)


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.1, 2.5])
def test_a_straight_cut_leaves_exactly_its_half(angle: float):
    points, faces = _grid()
    cut = points[:, 0] * np.cos(angle) + points[:, 1] * np.sin(angle)
    piece = cut_out(faces, cut)
    assert _area(piece.of(points), piece.faces) == pytest.approx(2.0)
    assert piece.inside_m.min() > -1e-12
    np.testing.assert_allclose(piece.of(cut), piece.inside_m, atol=1e-12)


def test_cuts_keep_the_winding_and_share_corners():
    points, faces = _grid()
    piece = cut_out(faces, 0.7 - np.hypot(points[:, 0], points[:, 1]))
    corner = piece.of(points)[piece.faces]
    assert (np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2] > -1e-12).all()
    edges = np.sort(np.concatenate([piece.faces[:, [0, 1]], piece.faces[:, [1, 2]], piece.faces[:, [2, 0]]]), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


def test_cloth_stays_outside_the_gap_however_it_is_smoothed():
    points, faces = _grid(20)
    points[:, 2] = 0.05 * np.sin(7 * points[:, 0])
    normals = np.tile([0.0, 0, 1], (len(points), 1))
    piece = cut_out(faces, np.full(len(points), 1.0))
    cloth = grow(piece, points, normals, gap_m=0.01, ease_m=0.02, smoothing=30)
    height = (cloth - piece.of(points))[:, 2]
    assert height.min() > 0.01 - 1e-12
    inner = np.abs(piece.of(points)[:, :2]).max(1) < 0.8
    assert np.ptp(cloth[inner, 2]) < 0.8 * np.ptp(points[:, 2])  # folds are bridged


def test_trousers_cover_the_legs_and_shirts_the_trunk():
    places = toy_cast().common.places
    trousers, shirt = legs(places, 2.0, 0.8), top(places, hem=0.2, sleeve=0.6, neck=(0.0, 0.0, 0.075))
    tank = top(places, hem=0.2, sleeve=-0.3, neck=(0.03, 0.05, 0.07))

    def at(cut: np.ndarray, place: np.ndarray) -> bool:
        gap = np.hypot(np.hypot(places.x - place[0], places.y - place[1]), places.z - place[2])
        return bool(cut[gap.argmin()] > 0)

    m = places.marks
    inside = {name: (at(trousers, m[name]), at(shirt, m[name]), at(tank, m[name])) for name in
              ("patella_l", "xiphoid", "elbow_lat_l", "wrist_rad_r", "chin", "big_toe_r", "acromion_l")}  # fmt: skip
    assert inside == {
        "patella_l": (True, False, False), "xiphoid": (False, True, True), "elbow_lat_l": (False, False, False),
        "wrist_rad_r": (False, False, False), "chin": (False, False, False), "big_toe_r": (False, False, False),
        "acromion_l": (False, True, False),
    }  # fmt: skip
