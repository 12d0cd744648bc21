"""Triangle surfaces in, their normals out."""

import numpy as np
from jaxtyping import Float, Integer


def vertex_normals(vertices_m: Float[np.ndarray, "v 3"], faces: Integer[np.ndarray, "f 3"]) -> Float[np.ndarray, "v 3"]:
    """Return the unit normal at each vertex: the mean of the faces around it, weighted by area.

    Outward where faces run counter-clockwise seen from outside; zero at a vertex of no face.
    """
    corners = vertices_m[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = faces.ravel()
    normals = np.column_stack([np.bincount(index, np.repeat(part, 3), len(vertices_m)) for part in face_normals.T])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
