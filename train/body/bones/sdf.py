"""Signed distance fields: points (n, 3) enter, one signed distance per point (negative inside) leaves.

Lengths are whatever the author uses (the bones are drawn in millimetres). Distances of scaled shapes are first-order
estimates: exact at the surface, which is all that marching cubes reads.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Points = Float[ndarray, "n 3"]
Distance = Float[ndarray, " n"]
Field = Callable[[ndarray], ndarray]
Vec = Sequence[float | int] | ndarray

SHARP = 1e-6  # a blending width that blends nothing


def _f32(values: object) -> ndarray:
    return np.asarray(values, np.float32)


def union(first: Distance, *others: Distance, blend: float = SHARP) -> Distance:
    """Join shapes; a `blend` width rounds the seam (polynomial smooth minimum)."""
    for other in others:
        gap = np.clip(0.5 + 0.5 * (other - first) / blend, 0, 1)
        first = other + (first - other) * gap - blend * gap * (1 - gap)
    return first


def cut(body: Distance, *tools: Distance, blend: float = SHARP) -> Distance:
    """Take tools away from a body; a `blend` width rounds the rim."""
    for tool in tools:
        body = -union(-body, tool, blend=blend)
    return body


def common(first: Distance, second: Distance, blend: float = SHARP) -> Distance:
    """Keep what two shapes share."""
    return -union(-first, -second, blend=blend)


def halfspace(points: Points, at: Vec, normal: Vec) -> Distance:
    """Return the half space behind a plane whose normal points out."""
    direction = _f32(normal)
    return (points - _f32(at)) @ (direction / np.linalg.norm(direction))


def ellipsoid(points: Points, center: Vec, radii: Vec, turn: ndarray | None = None) -> Distance:
    """Return an ellipsoid; the columns of `turn` (3, 3) are its axes."""
    local = points - _f32(center)
    if turn is not None:
        local = local @ _f32(turn)
    scaled = local / _f32(radii)
    length = np.sqrt((scaled**2).sum(1))
    slope = np.sqrt(((scaled / _f32(radii)) ** 2).sum(1))
    return np.where(slope > 0, length * (length - 1) / np.maximum(slope, 1e-9), -float(np.min(radii))).astype(
        np.float32
    )


def box(points: Points, center: Vec, half: Vec, rounding: float = 0.0, turn: ndarray | None = None) -> Distance:
    """Return a box with rounded edges; `half` is measured over the rounding."""
    local = points - _f32(center)
    if turn is not None:
        local = local @ _f32(turn)
    over = np.abs(local) - (_f32(half) - rounding)
    return np.sqrt((np.maximum(over, 0) ** 2).sum(1)) + np.minimum(over.max(1), 0) - rounding


def tube(
    points: Points, path: ndarray, radii: ndarray | float, squash: Vec = (1, 1, 1), blend: float = SHARP
) -> Distance:
    """Return a tube along a polyline (k, 3); radii (k,) may vary, `squash` stretches its section along the axes."""
    stretch = _f32(squash)
    knots, query = _f32(path) / stretch, points / stretch
    radius = np.broadcast_to(_f32(radii), (len(knots),))
    total = None
    for start, end, r0, r1 in zip(knots[:-1], knots[1:], radius[:-1], radius[1:], strict=True):
        axis = end - start
        along = np.clip((query - start) @ axis / max(float(axis @ axis), 1e-9), 0, 1)
        offset = query - start - along[:, None] * axis
        piece = np.sqrt((offset**2).sum(1)) - (r0 + along * (r1 - r0))
        total = piece if total is None else union(total, piece, blend=blend)
    if total is None:
        raise ValueError(f"path needs at least 2 points, got {len(knots)}")
    return total * float(stretch.min())


def ball(points: Points, center: Vec, radius: float) -> Distance:
    """Return a sphere."""
    return np.sqrt(((points - _f32(center)) ** 2).sum(1)) - np.float32(radius)


def plate(points: Points, corners: ndarray, thickness: float) -> Distance:
    """Return a flat triangle (3, 3) swollen to a rounded plate."""
    a, b, c = _f32(corners)
    normal = np.cross(b - a, c - a)
    height = (points - a) @ normal / np.linalg.norm(normal)
    inside = np.ones(len(points), bool)
    edge2 = np.full(len(points), np.inf, np.float32)
    for start, end in ((a, b), (b, c), (c, a)):
        axis, offset = end - start, points - start
        inside &= offset @ np.cross(normal, axis) >= 0
        along = np.clip(offset @ axis / (axis @ axis), 0, 1)
        edge2 = np.minimum(edge2, ((offset - along[:, None] * axis) ** 2).sum(1))
    return np.where(inside, np.abs(height), np.sqrt(edge2)) - np.float32(thickness / 2)


def polygon(points: Float[ndarray, "n 2"], corners: Float[ndarray, "k 2"]) -> Distance:
    """Return the signed distance to a simple polygon in the plane."""
    ring = _f32(corners)
    edge2 = np.full(len(points), np.inf, np.float32)
    inside = np.zeros(len(points), bool)
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        axis, offset = end - start, points - start
        along = np.clip(offset @ axis / (axis @ axis), 0, 1)
        edge2 = np.minimum(edge2, ((offset - along[:, None] * axis) ** 2).sum(1))
        crosses = (start[1] > points[:, 1]) != (end[1] > points[:, 1])
        rise = np.where(end[1] == start[1], 1, end[1] - start[1])
        inside ^= crosses & (points[:, 0] < start[0] + (points[:, 1] - start[1]) / rise * axis[0])
    return np.where(inside, -1, 1) * np.sqrt(edge2)


def slab(outline: Distance, height: Distance, thickness: Distance | float, rounding: float) -> Distance:
    """Return a plate of given outline (signed distance in its plane) and height over it, with rounded rims."""
    over = np.stack([outline + rounding, np.abs(height) - np.maximum(thickness / 2 - rounding, 0)])
    return np.sqrt((np.maximum(over, 0) ** 2).sum(0)) + np.minimum(over.max(0), 0) - rounding


def fair(knots: ndarray, count: int) -> ndarray:
    """Return `count` points on a centripetal-spaced cubic through knots (k, d): curves that look drawn, not folded."""
    from scipy.interpolate import CubicSpline

    path = np.asarray(knots, float)
    step = np.sqrt(np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1))
    pace = np.concatenate([[0], np.cumsum(step)])
    return CubicSpline(pace, path)(np.linspace(0, pace[-1], count))
