"""Vertex normals on shapes whose normals are known."""

import numpy as np

from skelvid.geometry.surface import vertex_normals


def test_flat_square_points_along_its_normal():
    corners = np.array([[0.0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]])
    normals = vertex_normals(corners, np.array([[0, 1, 2], [0, 2, 3]]))
    np.testing.assert_allclose(normals, np.tile([0.0, 0, 1], (4, 1)))


def test_octahedron_points_outward():
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    faces = np.array([[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]])
    np.testing.assert_allclose(vertex_normals(corners, faces), corners, atol=1e-12)


def test_large_faces_count_more():
    corners = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 0.1]])
    normal = vertex_normals(corners, np.array([[0, 1, 2], [0, 2, 3]]))[0]
    assert normal[2] > 0.99


def test_vertex_of_no_face_has_no_normal():
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [9, 9, 9]])
    assert (vertex_normals(corners, np.array([[0, 1, 2]]))[3] == 0).all()
