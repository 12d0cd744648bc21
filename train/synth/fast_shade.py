"""Textures, shadows, normals and folds for processors, compiled by numba: the same sums as in the torch paths.

In: surfaces, fragments and shadow maps of a batch as arrays. GPUs take the torch paths; tests hold the two together.
`train.synth.fast_paint` lights what is found here.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

SHARES = {"reassoc", "contract", "arcp", "nsz"}  # liberties with rounding; infinities stay what they are


class Texels(NamedTuple):
    """Fields of `textures.TexturePool`: packed texels, `s 8 3` table of levels, `s` sides, 256 linear values."""

    packed: np.ndarray
    table: np.ndarray
    side: np.ndarray
    linear: np.ndarray


class Dark(NamedTuple):
    """Fields of `shadow.Shadows` with its constants: half the map and the bias in m, fade per m, depth in m."""

    axes: np.ndarray
    middle_m: np.ndarray
    blocked: np.ndarray
    half_m: float
    bias_m: float
    sharp: float
    deep_m: float


@njit(cache=True, error_model="numpy")
def texel(texels: Any, number: int, level: int, column: int, row: int) -> Any:
    """Return the linear colour of a texel."""
    value = texels.packed[texels.table[number, level, 0] + row * texels.table[number, level, 2] + column]
    linear = texels.linear
    return linear[value & 255], linear[(value >> 8) & 255], linear[(value >> 16) & 255]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _blend(grids: Any, i: int, across_m: float, along_m: float, half_m: float) -> float:
    """Return the value of map i of `b c c` at a place, blended between its four nearest cells."""
    cells = grids.shape[1]  # a view of one map would cost more than all else here
    c = min(max(((across_m / half_m + 1) * cells - 1) / 2, 0.0), cells - 1.0)
    r = min(max(((along_m / half_m + 1) * cells - 1) / 2, 0.0), cells - 1.0)
    c0, r0 = min(int(c), cells - 2), min(int(r), cells - 2)
    p, q = c - c0, r - r0
    upper = (1 - p) * grids[i, r0, c0] + p * grids[i, r0, c0 + 1]
    return (1 - q) * upper + q * ((1 - p) * grids[i, r0 + 1, c0] + p * grids[i, r0 + 1, c0 + 1])


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def sunlit(dark: Any, i: int, x: float, y: float, z: float) -> float:
    """Return the share of the sun at a place."""
    x, y, z = x - dark.middle_m[i, 0], y - dark.middle_m[i, 1], z - dark.middle_m[i, 2]
    a = dark.axes
    across = a[i, 0, 0] * x + a[i, 0, 1] * y + a[i, 0, 2] * z
    along = a[i, 1, 0] * x + a[i, 1, 1] * y + a[i, 1, 2] * z
    near = a[i, 2, 0] * x + a[i, 2, 1] * y + a[i, 2, 2] * z
    blocked = _blend(dark.blocked, i, across, along, dark.half_m)
    value = math.exp(min(max(near + dark.bias_m, -dark.deep_m), dark.deep_m) * dark.sharp) / blocked
    return min(max(value, 0.0), 1.0)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _normalised(x: float, y: float, z: float) -> Any:
    length = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return x / length, y / length, z / length


@njit(cache=True, error_model="numpy")
def add_normals(points: Any, faces: Any) -> Any:
    """Return the sums `v 3` of twice the areas of the faces around each vertex, as vectors along their normals."""
    out = np.zeros_like(points)
    for f in range(len(faces)):
        a, b, c = points[faces[f, 0]], points[faces[f, 1]], points[faces[f, 2]]
        px, py, pz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        qx, qy, qz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        for k in faces[f]:
            out[k, 0] += py * qz - pz * qy
            out[k, 1] += pz * qx - px * qz
            out[k, 2] += px * qy - py * qx
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def measure(vertices: Any, faces: Any, uv: Any, surface: Any, surfaces: int) -> Any:
    """Return vertex normals, weighted by area; and how long the side of each surface's texture is on it, m."""
    normal = np.zeros((len(vertices), 3), np.float32)
    area_m2, area_uv = np.zeros(surfaces), np.full(surfaces, 1e-12)  # twice each
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        px, py, pz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        qx, qy, qz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        x, y, z = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
        for k in (a, b, c):
            normal[k, 0] += x
            normal[k, 1] += y
            normal[k, 2] += z
        area_m2[surface[f]] += math.sqrt(x * x + y * y + z * z)
        pu, pv, qu, qv = uv[b, 0] - uv[a, 0], uv[b, 1] - uv[a, 1], uv[c, 0] - uv[a, 0], uv[c, 1] - uv[a, 1]
        area_uv[surface[f]] += abs(pu * qv - pv * qu)
    for k in range(len(normal)):
        normal[k, 0], normal[k, 1], normal[k, 2] = _normalised(normal[k, 0], normal[k, 1], normal[k, 2])
    return normal, np.sqrt(area_m2 / area_uv).astype(np.float32)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def splat(points: Any, picture: Any, axes: Any, middle_m: Any, rules: Any) -> Any:
    """Return maps `b c c` of what stands nearest to the suns, and of what stands over the floor; see `shadow.cast`.

    points, picture: `v 3`, `v` vertices and their pictures. axes, middle_m: See `Dark`.
    rules: Cells to a side; length of a cell; depth told apart; height at which a thing takes less sky; all in m.
    """
    cells, cell_m, deep_m, dim_m = rules
    half_m = cells * cell_m / 2
    near, low = np.zeros((len(axes), cells, cells), np.float32), np.zeros((len(axes), cells, cells), np.float32)
    for v in range(len(points)):
        i = picture[v]
        x, y, z = points[v, 0] - middle_m[i, 0], points[v, 1] - middle_m[i, 1], points[v, 2] - middle_m[i, 2]
        c = math.floor((axes[i, 0, 0] * x + axes[i, 0, 1] * y + axes[i, 0, 2] * z + half_m) / cell_m)
        r = math.floor((axes[i, 1, 0] * x + axes[i, 1, 1] * y + axes[i, 1, 2] * z + half_m) / cell_m)
        if 0 <= c < cells and 0 <= r < cells:
            value = axes[i, 2, 0] * x + axes[i, 2, 1] * y + axes[i, 2, 2] * z
            near[i, r, c] = max(near[i, r, c], min(max(value, -deep_m), deep_m) + deep_m)
        c, r = math.floor((x + half_m) / cell_m), math.floor((z + half_m) / cell_m)
        if 0 <= c < cells and 0 <= r < cells:
            low[i, r, c] = max(low[i, r, c], math.exp(-max(points[v, 1], 0.0) / dim_m))
    return near, low


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def shade_floor(colour: Any, point: Any, floor: Any, dark: Any, dim: Any, light: Any) -> None:
    """Darken the floor of a picture, in place, where things keep sun and sky from it.

    colour, point, floor: `p 3`, `p 3`, `p` what the backdrop shows. dim: `b c c` share of the sky that is hidden.
    light: Number of the picture; `3` soft light and sun on its free floor.
    """
    i, soft, sun = light
    for p in range(len(floor)):
        if floor[p]:
            x, y, z = point[p, 0], point[p, 1], point[p, 2]
            lit = sunlit(dark, i, x, y, z)
            sky = 1 - 0.8 * _blend(dim, i, x - dark.middle_m[i, 0], z - dark.middle_m[i, 2], dark.half_m)
            for k in range(3):
                colour[p, k] *= (soft[k] * sky + sun[k] * lit) / (soft[k] + sun[k])


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _box_sums(grid: Any, radius: int) -> Any:  # noqa: C901 along the rows, then down the columns
    """Return the sums `h w 2` over squares of `2 * radius + 1` cells, nothing being beyond the edge."""
    high, wide = grid.shape[:2]
    rows, out = np.zeros_like(grid), np.zeros_like(grid)
    for c in range(2):
        for r in range(high):
            total = 0.0
            for x in range(-radius, wide):
                if x + radius < wide:
                    total += grid[r, x + radius, c]
                if x - radius - 1 >= 0:
                    total -= grid[r, x - radius - 1, c]
                if x >= 0:
                    rows[r, x, c] = total
        for x in range(wide):
            total = 0.0
            for r in range(-radius, high):
                if r + radius < high:
                    total += rows[r + radius, x, c]
                if r - radius - 1 >= 0:
                    total -= rows[r - radius - 1, x, c]
                if r >= 0:
                    out[r, x, c] = total
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def folds(pixel: Any, depth_m: Any, size: Any, radius: int) -> Any:
    """Return how much soft light reaches fragments of pictures of a size; see `shade.folds`.

    radius: Of the surroundings, in cells of 4 px.
    """
    count, height, width = size
    high, wide = height // 4, width // 4
    out, start = np.empty(len(pixel), np.float32), 0
    for i in range(count):
        end, first = start, i * height * width
        grid = np.zeros((high, wide, 2))
        while end < len(pixel) and pixel[end] < first + height * width:
            r, c = (pixel[end] - first) // width // 4, (pixel[end] - first) % width // 4
            if r < high and c < wide:
                grid[r, c, 0] += depth_m[end]
                grid[r, c, 1] += 1
            end += 1
        around, reach = _box_sums(grid, radius), np.ones((high, wide))
        for r in range(high):
            for c in range(wide):
                if grid[r, c, 1] > 0:
                    nearer = grid[r, c, 0] / grid[r, c, 1] - around[r, c, 0] / around[r, c, 1]
                    reach[r, c] = 1 - min(max(5 * (nearer - 0.008), 0.0), 0.6)
        for p in range(start, end):
            y = max(((pixel[p] - first) // width + 0.5) * high / height - 0.5, 0.0)
            x = max(((pixel[p] - first) % width + 0.5) * wide / width - 0.5, 0.0)
            r, c = min(int(y), high - 2), min(int(x), wide - 2)
            v, u = min(y - r, 1.0), min(x - c, 1.0)
            upper = (1 - u) * reach[r, c] + u * reach[r, c + 1]
            out[p] = (1 - v) * upper + v * ((1 - u) * reach[r + 1, c] + u * reach[r + 1, c + 1])
        start = end
    return out


@njit(cache=True, error_model="numpy")
def parts(cover: Any, face: Any, surface: Any, mine: Any, part: Any, size: Any) -> Any:
    """Return which part of the labelled person each pixel centre shows, `h w`; see `labels.part_mask`."""
    height, width = size
    out = np.zeros((height, width), np.uint8)
    for row in range(height):
        line = cover[int((row + 0.5) * cover.shape[0] / height)]
        for column in range(width):
            hit = line[int((column + 0.5) * cover.shape[1] / width)]
            if hit >= 0 and mine[surface[face[hit]]]:
                out[row, column] = part[face[hit]]
    return out
