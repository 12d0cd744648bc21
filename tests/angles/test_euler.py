"""Two orders of three angles: they give back the rotation everywhere, also where two axes coincide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skelvid.angles.euler import compose, decompose

ORDERS = ["ZXY", "YXY"]
# Multiples of 90 deg are where axes coincide; the tiny steps around them are where decompositions break.
near_right_angles = st.builds(
    lambda quarter, power, sign: quarter * np.pi / 2 + sign * 10.0**power,
    st.integers(-4, 4),
    st.floats(-12.0, -1.0),
    st.sampled_from([-1.0, 0.0, 1.0]),
)
angle = st.floats(-7.0, 7.0) | near_right_angles


@pytest.mark.parametrize("order", ORDERS)
@given(angle, angle, angle)
def test_the_rotation_comes_back(order, first, second, third):
    rotation = compose(np.array([[first, second, third]]), order)
    again = compose(decompose(rotation, order), order)
    # Where axes coincide within 1e-6 rad the third angle takes the whole turn, which errs by that much.
    assert (rotation.inv() * again).magnitude() < 5e-6


@given(st.floats(-2.0, 4.1), st.floats(0.01, 3.13), st.floats(-3.1, 3.1))
def test_isb_angles_in_range_come_back(plane, elevation, axial):
    angles = np.array([[plane, elevation, axial]])
    np.testing.assert_allclose(decompose(compose(angles, "YXY"), "YXY"), angles, atol=1e-6)


@given(st.floats(-1.5, 1.5), st.floats(-2.0, 2.0), st.floats(-0.5, 0.5))
def test_opensim_angles_of_an_arm_come_back_past_90_degrees(flex, add, rot):
    flex = flex * 0.3 if abs(add) > 1.5 else flex
    angles = np.array([[flex, add, rot]])
    if abs(abs(add) - np.pi / 2) > 1e-3:
        np.testing.assert_allclose(decompose(compose(angles, "ZXY"), "ZXY"), angles, atol=1e-6)


@pytest.mark.parametrize(
    ("order", "given_deg", "read_deg"),
    [
        ("ZXY", (40.0, 90.0, 10.0), (0.0, 90.0, 50.0)),
        ("ZXY", (40.0, -90.0, 10.0), (0.0, -90.0, -30.0)),
        ("YXY", (40.0, 0.0, 10.0), (0.0, 0.0, 50.0)),
        ("YXY", (40.0, 180.0, 10.0), (0.0, 180.0, -30.0)),
        ("ZXY", (175.0, 5.0, 0.0), (175.0, 5.0, 0.0)),
        ("ZXY", (185.0, 5.0, 0.0), (185.0, 5.0, 0.0)),
        ("ZXY", (0.0, -120.0, 0.0), (0.0, -120.0, 0.0)),
        ("YXY", (-90.0, 30.0, 0.0), (-90.0, 30.0, 0.0)),
    ],
)
def test_the_rules_of_the_module(order, given_deg, read_deg):
    angles = decompose(compose(np.radians([given_deg]), order), order)
    np.testing.assert_allclose(np.degrees(angles), [read_deg], atol=1e-4)


def test_isb_plane_and_elevation_point_the_arm_where_they_say():
    """Plane 0 is to the side, 90 deg to the front; OpenSim axes: x front, y up, z right."""
    angles = np.radians([[0.0, 90.0, 0.0], [90.0, 90.0, 0.0], [30.0, 0.0, 0.0], [-45.0, 90.0, 0.0]])
    arm = compose(angles, "YXY").apply([0.0, -1.0, 0.0])
    diagonal = np.sqrt(0.5)
    expected = [[0, 0, 1], [1, 0, 0], [0, -1, 0], [-diagonal, 0, diagonal]]
    np.testing.assert_allclose(arm, expected, atol=1e-12)


def test_zxy_is_the_product_of_matrices_about_moving_axes():
    a, b, c = 0.3, -0.4, 0.5

    def turn(axis: int, angle: float) -> np.ndarray:
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
        return matrix

    expected = turn(2, a) @ turn(0, b) @ turn(1, c)
    np.testing.assert_allclose(compose(np.array([[a, b, c]]), "ZXY").as_matrix()[0], expected, atol=1e-12)
    np.testing.assert_allclose(decompose(Rotation.from_matrix(expected[None]), "ZXY"), [[a, b, c]], atol=1e-12)
