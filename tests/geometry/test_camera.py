"""A pinhole camera on points whose pictures are known."""

import numpy as np

from skelvid.datatypes.frames import Camera
from skelvid.geometry.camera import project, unproject

CAMERA = Camera(1000.0, (320.0, 240.0), (480, 640))


def test_right_is_right_and_down_is_down():
    np.testing.assert_allclose(project(np.array([[0.0, 0, 3], [0.3, 0, 3], [0, 0.3, 3]]), CAMERA),
                               [[320, 240], [420, 240], [320, 340]])  # fmt: skip


def test_what_is_not_in_front_has_no_picture():
    assert np.isnan(project(np.array([[0.1, 0.1, 0.0], [0.1, 0.1, -1.0]]), CAMERA)).all()


def test_any_leading_shape():
    points = np.ones((2, 5, 3))
    assert project(points, CAMERA).shape == (2, 5, 2)
    assert unproject(np.ones((2, 5, 2)), np.ones((2, 5)), CAMERA).shape == (2, 5, 3)
