import numpy as np
import pytest

from train.body.bones import sdf

POINTS = np.array([(0, 0, 0), (3, 0, 0), (0, 5, 0), (0, 0, -2)], np.float32)


def test_ball_is_the_distance_to_a_sphere():
    assert sdf.ball(POINTS, (0, 0, 0), 2.0) == pytest.approx([-2, 1, 3, 0])


def test_ellipsoid_is_zero_on_its_surface_and_signed():
    radii = (3, 5, 2)
    distance = sdf.ellipsoid(POINTS, (0, 0, 0), radii)
    assert distance[1:] == pytest.approx(0, abs=1e-6)
    assert distance[0] == -2


def test_box_is_exact_outside():
    assert sdf.box(np.array([(4.0, 5, 0)]), (0, 0, 0), (1, 1, 1))[0] == pytest.approx(5)


def test_tube_interpolates_its_radius():
    path = np.array([(0, 0, 0), (0, 10, 0)])
    distance = sdf.tube(np.array([(4.0, 5, 0), (4.0, 10, 0)]), path, np.array([1.0, 3.0]))
    assert distance == pytest.approx([2, 1])


def test_tube_needs_a_path():
    with pytest.raises(ValueError, match="at least 2 points"):
        sdf.tube(POINTS, np.zeros((1, 3)), 1.0)


def test_plate_is_a_swollen_triangle():
    corners = np.array([(0, 0, 0), (10, 0, 0), (0, 10, 0)])
    distance = sdf.plate(np.array([(2.0, 2, 3), (-4.0, 1, 0)]), corners, 2.0)
    assert distance == pytest.approx([2, 3])


def test_polygon_is_negative_inside():
    square = np.array([(0, 0), (4, 0), (4, 4), (0, 4)], float)
    assert sdf.polygon(np.array([(2.0, 2), (6.0, 2), (-3.0, -4)]), square) == pytest.approx([-2, 2, 5])


def test_sharp_union_and_cut_are_min_and_max():
    first, second = np.array([1.0, -2, 3]), np.array([2.0, 1, -1])
    assert sdf.union(first, second) == pytest.approx(np.minimum(first, second), abs=1e-5)
    assert sdf.cut(first, second) == pytest.approx(np.maximum(first, -second), abs=1e-5)
    assert sdf.common(first, second) == pytest.approx(np.maximum(first, second), abs=1e-5)


def test_blend_adds_flesh_only_near_the_seam():
    blended = sdf.union(np.array([1.0, 1]), np.array([1.0, 9]), blend=4)
    assert blended[0] == pytest.approx(0)  # 1 - blend / 4 where both are equally near
    assert blended[1] == pytest.approx(1)


def test_fair_passes_through_its_ends():
    knots = np.array([(0, 0, 0), (1, 2, 0), (4, 2, 1)], float)
    path = sdf.fair(knots, 20)
    assert path.shape == (20, 3)
    assert path[[0, -1]] == pytest.approx(knots[[0, -1]])
