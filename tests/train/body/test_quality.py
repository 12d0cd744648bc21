import numpy as np
import trimesh

from train.body import card, quality


def test_winding_number_tells_inside_from_outside():
    ball = trimesh.creation.icosphere(subdivisions=2)
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (300, 3))
    radius = np.linalg.norm(points, axis=1)
    clear = (radius < 0.95) | (radius > 1.0)
    inside = quality.winding_inside(points, np.asarray(ball.vertices), np.asarray(ball.faces))
    np.testing.assert_array_equal(inside[clear], radius[clear] < 0.95)


def test_spread():
    assert quality.spread(np.arange(101.0)) == (50.0, 95.0, 100.0)


def test_card_says_what_was_measured_and_nothing_else():
    numbers = {
        "measures": {"stature": (1630.4, 60.0), "BMI, kg/m^2": (26.0, 5.0)},
        "variance": [0.7, 0.9],
        "error_mm": (1.0, 3.0, 9.9),
        "betas": [(1.5, 1.75, 25.0, 26.0)],
        "inside": (1.0, None),
    }
    report = {"count": 3, "seed": 5, "size": (10, 16), "residuals": {"femur": (6.0, 12.0, 15.0)}, "female": numbers}
    text = card.write(report, {"skel_open_female.npz": "abc"})
    assert "1630 ± 60 | 1628" in text
    assert "| femur | 6.0 / 12.0 / 15.0 |" in text
    assert "Learned from poses, on unseen" not in text
    assert "joints 100.00%\n" in text
    assert "skel_open_female.npz` sha256 abc" in text
