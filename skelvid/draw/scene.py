"""The view a picture is taken from: a target and a direction in, a camera out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.mesh import Mesh

__all__ = ["Mesh", "View", "look_at"]

Vector = Sequence[float | int] | Float[np.ndarray, "3"]


@dataclass(frozen=True)
class View:
    """A pinhole or orthographic camera with the frame x right, y down, z forward.

    For an orthographic view `focal_px` counts pixels per metre. The default pose leaves points that already
    are in the camera frame where they are.
    """

    focal_px: float
    center_px: tuple[float, float]
    size_hw: tuple[int, int]
    rotation: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    translation_m: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    orthographic: bool = False

    def to_camera(self, points_m: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 3"]:
        """Move world points into the camera frame, metres."""
        return points_m @ self.rotation.T + self.translation_m

    def project(self, points_m: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 2"]:
        """Image position in pixels of world points; the top left corner of the picture is (0, 0)."""
        camera = self.to_camera(points_m)
        if self.orthographic:
            return camera[..., :2] * self.focal_px + np.asarray(self.center_px)
        with np.errstate(divide="ignore", invalid="ignore"):  # points beside the eye have no place in the picture
            return camera[..., :2] / camera[..., 2:] * self.focal_px + np.asarray(self.center_px)


def look_at(
    target_m: Vector,
    direction: Vector,
    *,
    height_m: float,
    size_hw: tuple[int, int],
    distance_m: float = 4.0,
    up: Vector = (0.0, 1.0, 0.0),
    orthographic: bool = False,
) -> View:
    """Frame `height_m` of the world around a target, seen from `target + distance * direction`."""
    back = np.asarray(direction, float) / np.linalg.norm(direction)
    right = np.cross(up, back)
    if np.linalg.norm(right) < 1e-6:
        raise ValueError(f"direction {direction} must not be parallel to up {up}")
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(right, back), -back])
    height_px, width_px = size_hw
    return View(
        focal_px=height_px / height_m * (1.0 if orthographic else distance_m),
        center_px=(width_px / 2, height_px / 2),
        size_hw=size_hw,
        rotation=rotation,
        translation_m=np.array([0.0, 0.0, distance_m]) - rotation @ np.asarray(target_m, float),
        orthographic=orthographic,
    )
