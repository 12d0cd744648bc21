"""Screen triangles in, for every sample of the picture the triangle nearest to the eye out; plain NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

_ROWS_PER_CHUNK = 1 << 18


@dataclass(frozen=True)
class ScreenTriangles:
    """Triangles as affine functions of the sample position, measured from sample `low` of their bounding box.

    The four functions are the barycentric weights of the corners and the nearness (positive, larger = nearer,
    linear over the screen). A sample (column, row) lies at its centre (column + 0.5, row + 0.5).
    """

    low: Int64[np.ndarray, "f 2"]
    rows: Int64[np.ndarray, "f"]
    start: Float32[np.ndarray, "f 4"]
    per_x: Float32[np.ndarray, "f 4"]
    per_y: Float32[np.ndarray, "f 4"]

    def weights(
        self, triangle: Int64[np.ndarray, "n"], column: Int64[np.ndarray, "n"], row: Int64[np.ndarray, "n"]
    ) -> Float32[np.ndarray, "n 3"]:
        """Barycentric weights of the three corners at samples."""
        x, y = (np.stack([column, row]) - self.low[triangle].T).astype(np.float32)[..., None]
        return (self.start[triangle] + self.per_x[triangle] * x + self.per_y[triangle] * y)[:, :3]


def set_up_triangles(
    corners: Float32[np.ndarray, "f 3 2"], nearness: Float32[np.ndarray, "f 3"], size_hw: tuple[int, int]
) -> ScreenTriangles:
    """Prepare triangles whose corners are given in samples; `rows` is 0 where no sample can be inside."""
    limit = np.array([size_hw[1] - 1, size_hw[0] - 1])
    low = np.clip(np.ceil(corners.min(1) - 0.5), 0, limit + 1).astype(np.int64)
    high = np.clip(np.floor(corners.max(1) - 0.5), -1, limit).astype(np.int64)
    edge = corners[:, 1:] - corners[:, :1]
    area = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    seen = (np.abs(area) > 1e-9) & (high >= low).all(1)
    scale = 1.0 / np.where(seen, area, 1.0)[:, None]
    per_x = _with_first_and_nearness(np.stack([edge[:, 1, 1], -edge[:, 0, 1]], 1) * scale, nearness)
    per_y = _with_first_and_nearness(np.stack([-edge[:, 1, 0], edge[:, 0, 0]], 1) * scale, nearness)
    offset = (low + 0.5 - corners[:, 0]).astype(np.float32)
    start = per_x * offset[:, :1] + per_y * offset[:, 1:]
    start += np.column_stack([np.ones_like(area), np.zeros_like(edge[:, 0]), nearness[:, 0]])
    return ScreenTriangles(low, np.where(seen, high[:, 1] - low[:, 1] + 1, 0), start, per_x, per_y)


def _with_first_and_nearness(
    pair: Float32[np.ndarray, "f 2"], nearness: Float32[np.ndarray, "f 3"]
) -> Float32[np.ndarray, "f 4"]:
    """From the slopes of the weights of corners 1 and 2 get those of corner 0 and of the nearness."""
    slope = (pair * (nearness[:, 1:] - nearness[:, :1])).sum(1)
    return np.column_stack([-pair.sum(1), pair, slope])


def nearest_triangle(triangles: ScreenTriangles, size_hw: tuple[int, int]) -> Int64[np.ndarray, "h w"]:
    """Index of the triangle nearest to the eye at each sample, -1 where there is none."""
    # One integer per sample holds the nearness (the bits of a positive float sort like the float) and the
    # triangle, so one maximum settles both.
    best = np.full(size_hw[0] * size_hw[1], -1, np.int64)
    for sample, nearness, triangle in _fragments(triangles, size_hw[1]):
        np.maximum.at(best, sample, (nearness.view(np.int32).astype(np.int64) << 32) | triangle)
    return np.where(best < 0, -1, best & 0xFFFFFFFF).reshape(size_hw)


def _fragments(
    triangles: ScreenTriangles, width: int
) -> Iterator[tuple[Int64[np.ndarray, "n"], Float32[np.ndarray, "n"], Int64[np.ndarray, "n"]]]:
    """Yield (sample, nearness, triangle) of the samples inside the triangles, in chunks of bounded memory."""
    drawn = np.flatnonzero(triangles.rows)
    total = np.cumsum(triangles.rows[drawn])
    for chunk in np.split(drawn, np.flatnonzero(np.diff(total // _ROWS_PER_CHUNK)) + 1):
        triangle, y = _repeat(chunk, triangles.rows[chunk])
        value = triangles.start[triangle] + triangles.per_y[triangle] * y[:, None].astype(np.float32)
        slope = triangles.per_x[triangle]
        low = triangles.low[triangle]
        first, count = _span(value[:, :3], slope[:, :3], -low[:, 0], width - 1 - low[:, 0])
        span, x = _repeat(np.arange(len(triangle)), count)
        x += first[span]
        base = (low[:, 1] + y) * width + low[:, 0]
        # Rounding at the end of a span must not turn the nearness negative: its bits would no longer sort.
        nearness = np.maximum(value[span, 3] + slope[span, 3] * x.astype(np.float32), np.float32(1e-12))
        yield base[span] + x, nearness, triangle[span]


def _repeat(
    items: Int64[np.ndarray, "n"], counts: Int64[np.ndarray, "n"]
) -> tuple[Int64[np.ndarray, "m"], Int64[np.ndarray, "m"]]:
    """Repeat each item `count` times, and number its copies from 0."""
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(items, counts), place


def _span(
    value: Float32[np.ndarray, "n 3"],
    slope: Float32[np.ndarray, "n 3"],
    lowest: Int64[np.ndarray, "n"],
    highest: Int64[np.ndarray, "n"],
) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """First x and number of the x in lowest..highest for which all three of value + slope * x are >= 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -value / slope
    crossing = np.where(slope == 0.0, np.where(value < 0.0, np.inf, -np.inf), crossing)
    first = np.maximum(np.ceil(np.where(slope < 0.0, -np.inf, crossing).max(1)), lowest)
    last = np.minimum(np.floor(np.where(slope < 0.0, crossing, np.inf).min(1)), highest)
    empty = last < first
    return np.where(empty, 0, first).astype(np.int64), np.where(empty, 0, last - first + 1).astype(np.int64)
