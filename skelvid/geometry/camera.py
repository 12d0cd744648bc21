"""A pinhole camera: points in front of it in, image points out, and back; x right, y down, z forward."""

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Camera


def project(points_m: Float[np.ndarray, "*b 3"], camera: Camera) -> Float[np.ndarray, "*b 2"]:
    """Return where points of the camera frame appear, image px; NaN for points that are not in front.

    >>> project(np.array([0.5, 0.0, 2.0]), Camera(1000.0, (320.0, 240.0), (480, 640)))
    array([570., 240.])
    """
    depth = points_m[..., 2:]
    ahead = np.where(depth > 0.0, depth, np.nan)
    return points_m[..., :2] / ahead * camera.focal_px + np.asarray(camera.center_px)


def unproject(
    xy: Float[np.ndarray, "*b 2"], depth_m: Float[np.ndarray, "*b"], camera: Camera
) -> Float[np.ndarray, "*b 3"]:
    """Return the points that appear at `xy` (image px) and lie at a depth along z, m.

    >>> unproject(np.array([570.0, 240.0]), np.array(2.0), Camera(1000.0, (320.0, 240.0), (480, 640)))
    array([0.5, 0. , 2. ])
    """
    ray = (xy - np.asarray(camera.center_px)) / camera.focal_px
    return np.concatenate([ray, np.ones_like(ray[..., :1])], -1) * depth_m[..., None]
