"""Carry drawn bones (millimetres) onto a subject (metres): stretch along a limb, warp through landmarks."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import RBFInterpolator

from train.body.bones.mesh import Mesh

MM = 1e-3


def limb_frame(
    start: Float[ndarray, "3"], end: Float[ndarray, "3"], front: Float[ndarray, "3"]
) -> Float[ndarray, "3 3"]:
    """Return columns x lateral, y from the end to the start of a limb, z as near to `front` as can be."""
    up = (start - end) / np.linalg.norm(start - end)
    ahead = front - (front @ up) * up
    ahead /= np.linalg.norm(ahead)
    return np.stack([np.cross(up, ahead), up, ahead], 1)


def stretch(mesh: Mesh, drawn_mm: float, start: ndarray, end: ndarray, frame: ndarray, scale: float) -> Mesh:
    """Lay a bone drawn from y = 0 down to y = -drawn_mm between two joint centres.

    Both ends keep their proportions (`scale`, 1 = as drawn); the shaft takes up the difference in length.
    """
    length = np.linalg.norm(start - end) / MM
    near = 0.22 * drawn_mm
    knots_drawn = np.array([-drawn_mm - near, -drawn_mm, near - drawn_mm, -near, 0, near])
    knots = np.array([-length - near * scale, -length, near * scale - length, -near * scale, 0, near * scale])
    local = mesh.vertices * scale
    local[:, 1] = np.interp(mesh.vertices[:, 1], knots_drawn, knots)
    return mesh.moved(start + MM * local @ frame.T)


def twist(mesh: Mesh, drawn_mm: float, angle_rad: float) -> Mesh:
    """Turn a drawn forearm bone about its long axis: not at the elbow, by the full angle at the wrist."""
    x, y, z = mesh.vertices.T
    share = np.clip((-y / drawn_mm - 0.12) / 0.76, 0, 1)
    turn = angle_rad * share**2 * (3 - 2 * share)
    return mesh.moved(np.stack([x * np.cos(turn) - z * np.sin(turn), y, x * np.sin(turn) + z * np.cos(turn)], 1))


def warp(mesh: Mesh, drawn: Float[ndarray, "k 3"], wanted: Float[ndarray, "k 3"], smoothing: float = 0.0) -> Mesh:
    """Bend a mesh so that drawn points land on wanted ones (thin-plate spline; any units)."""
    spline = RBFInterpolator(drawn, wanted, kernel="thin_plate_spline", degree=1, smoothing=smoothing)
    return mesh.moved(spline(mesh.vertices))


def smoothstep(value: ndarray, low: float, high: float) -> ndarray:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share**2 * (3 - 2 * share)
