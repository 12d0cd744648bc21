"""The rasteriser's inner loops for processors, compiled by numba: screen triangles in, winners and their weights out.

Same rules as the torch path of `train.synth.raster`, which GPUs take: pixel centres, triangles grown by a hair, the
nearest wins and of equals the later triangle.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from train.synth.fast_shade import SHARES


class Mesh(NamedTuple):
    """Triangles on the screen: `v 3` corners (px, px, m), `f 3` faces, `f` picture and whether back faces vanish."""

    screen: np.ndarray
    faces: np.ndarray
    picture: np.ndarray
    one_sided: np.ndarray


class Rules(NamedTuple):
    """Nearest depth, m; growth of triangles, px; height and width of a picture, px."""

    near_m: float
    grow_px: float
    height: int
    width: int


class Buffer(NamedTuple):
    """What is nearest at each pixel: 1 / depth, triangle (-1 = nothing), shares of its first two corners in space."""

    nearness: np.ndarray
    face: np.ndarray
    share: np.ndarray


def make_buffer(pixels: int) -> Buffer:
    """Return an empty buffer."""
    return Buffer(np.zeros(pixels, np.float32), np.full(pixels, -1, np.int32), np.empty((pixels, 2), np.float32))


@njit(cache=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _box(mesh: Any, rules: Any, f: int) -> Any:
    """Return x0, x1, y0, y1 of the pixels whose centres a triangle may cover, twice its area, and whether it counts."""
    s, a, b, c = mesh.screen, mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
    ax, ay, bx, by = np.float64(s[a, 0]), np.float64(s[a, 1]), np.float64(s[b, 0]), np.float64(s[b, 1])
    cx, cy, near, grow = np.float64(s[c, 0]), np.float64(s[c, 1]), rules.near_m, rules.grow_px
    x0 = max(np.ceil(min(min(ax, bx), cx) - 0.5 - grow), 0.0)
    x1 = min(np.floor(max(max(ax, bx), cx) - 0.5 + grow), rules.width - 1.0)
    y0 = max(np.ceil(min(min(ay, by), cy) - 0.5 - grow), 0.0)
    y1 = min(np.floor(max(max(ay, by), cy) - 0.5 + grow), rules.height - 1.0)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    seen = (abs(area) > 1e-9) & ((area < 0) | (not mesh.one_sided[f]))
    seen &= (s[a, 2] > near) & (s[b, 2] > near) & (s[c, 2] > near) & (x1 >= x0) & (y1 >= y0)
    return x0, x1, y0, y1, area, seen


@njit(cache=True, error_model="numpy")
def sift(mesh: Any, rules: Any) -> Any:
    """Return the triangles that may cover a pixel's centre: two in five of those of a figure.

    Without a branch: nothing tells processors beforehand which triangle is in sight.
    """
    kept, count = np.empty(len(mesh.faces) + 1, np.int32), 0
    for f in range(len(mesh.faces)):
        kept[count] = f
        count += _box(mesh, rules, f)[5]
    return kept[:count]


@njit(cache=True, error_model="numpy")
def _edge(mesh: Any, rules: Any, p: int, q: int, per_area: float) -> Any:
    px, py = np.float64(mesh.screen[p, 0]), np.float64(mesh.screen[p, 1])
    dx, dy = (mesh.screen[q, 0] - px) * per_area, (mesh.screen[q, 1] - py) * per_area
    return dy * px - dx * py, -dy, dx, -rules.grow_px * (abs(dx) + abs(dy))


@njit(cache=True, error_model="numpy")
def _edges(mesh: Any, rules: Any, f: int, area: float) -> Any:
    """Return of each edge its value at the origin, its change along x and y, and how far outside still counts.

    Values are shares of the opposite corner: 1 there, 0 on the edge.
    """
    a, b, c = mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
    per = 1 / area
    return _edge(mesh, rules, b, c, per), _edge(mesh, rules, c, a, per), _edge(mesh, rules, a, b, per)


@njit(cache=True, error_model="numpy")
def _look(edges: Any, near: Any, x: float, y: float) -> Any:
    """Return 1 / depth at a place, 0 outside, and what the first two corners add to it.

    near: 1 / depth of the corners.
    """
    u = edges[0][0] + edges[0][2] * y + edges[0][1] * x
    v = edges[1][0] + edges[1][2] * y + edges[1][1] * x
    w = edges[2][0] + edges[2][2] * y + edges[2][1] * x
    if (u < edges[0][3]) | (v < edges[1][3]) | (w < edges[2][3]):
        return 0.0, 0.0, 0.0
    # Centres within the grown rim are drawn to the edge.
    if (u < 0) | (v < 0) | (w < 0):
        u, v, w = max(u, 0.0), max(v, 0.0), max(w, 0.0)
        total = u + v + w
        u, v, w = u / total, v / total, w / total
    first, second = u * near[0], v * near[1]
    return first + second + w * near[2], first, second


@njit(cache=True, error_model="numpy")
def _corners_near(mesh: Any, f: int) -> Any:
    s = mesh.screen
    return 1.0 / s[mesh.faces[f, 0], 2], 1.0 / s[mesh.faces[f, 1], 2], 1.0 / s[mesh.faces[f, 2], 2]


@njit(cache=True, error_model="numpy")
def fill(mesh: Any, rules: Any, kept: Any, left_out: Any, buffer: Any) -> None:
    """Put the triangles that `sift` kept into the buffer, but those `left_out` (`f`)."""
    for f in kept:
        if left_out[f]:
            continue
        x0, x1, y0, y1, area, _ = _box(mesh, rules, f)
        edges, corners, first_row = _edges(mesh, rules, f, area), _corners_near(mesh, f), mesh.picture[f] * rules.height
        for y in range(int(y0), int(y1) + 1):
            row = (first_row + y) * rules.width
            for x in range(int(x0), int(x1) + 1):
                near, first, second = _look(edges, corners, x + 0.5, y + 0.5)
                if near > 0 and np.float32(near) >= buffer.nearness[row + x]:
                    buffer.nearness[row + x], buffer.face[row + x] = near, f
                    buffer.share[row + x, 0], buffer.share[row + x, 1] = first / near, second / near


@njit(cache=True, error_model="numpy")
def candidates(mesh: Any, rules: Any, kept: Any, chosen: Any, buffer: Any) -> Any:
    """Return pixel, triangle, 1 / depth and shares `n 2` of places where `chosen` triangles are before the buffer."""
    pixel, face = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    values = [(0.0, 0.0, 0.0) for _ in range(0)]
    for f in kept:
        if not chosen[f]:
            continue
        x0, x1, y0, y1, area, _ = _box(mesh, rules, f)
        edges, corners = _edges(mesh, rules, f, area), _corners_near(mesh, f)
        for y in range(int(y0), int(y1) + 1):
            row = (mesh.picture[f] * rules.height + y) * rules.width
            for x in range(int(x0), int(x1) + 1):
                near, first, second = _look(edges, corners, x + 0.5, y + 0.5)
                if near > 0 and np.float32(near) >= buffer.nearness[row + x]:
                    pixel.append(row + x)
                    face.append(np.int64(f))
                    values.append((near, first / near, second / near))
    nearness, share = np.empty(len(pixel), np.float32), np.empty((len(pixel), 2), np.float32)
    for i in range(len(values)):
        nearness[i], share[i, 0], share[i, 1] = values[i]
    return np.array(pixel, np.int64), np.array(face, np.int64), nearness, share


@njit(cache=True, error_model="numpy")
def settle(found: Any, solid: Any, buffer: Any) -> None:
    """Put what `candidates` found, where it is `solid`, into the buffer where it is nearest."""
    pixel, face, nearness, share = found
    for i in range(len(pixel)):
        at = pixel[i]
        if solid[i] and nearness[i] >= buffer.nearness[at]:
            buffer.nearness[at], buffer.face[at] = nearness[i], face[i]
            buffer.share[at, 0], buffer.share[at, 1] = share[i, 0], share[i, 1]


@njit(cache=True, error_model="numpy")
def fragments(nearness: Any, face: Any, share: Any) -> Any:
    """Return of what was found, where it is anything: place, triangle, shares of its three corners and depth, m."""
    count = np.sum(face >= 0)
    pixel, whose = np.empty(count, np.int64), np.empty(count, np.int64)
    weight, depth_m = np.empty((count, 3), np.float32), np.empty(count, np.float32)
    i = 0
    for p in range(len(face)):
        if face[p] >= 0:
            pixel[i], whose[i], depth_m[i] = p, face[p], 1 / nearness[p]
            weight[i, 0], weight[i, 1], weight[i, 2] = share[p, 0], share[p, 1], 1 - share[p, 0] - share[p, 1]
            i += 1
    return pixel, whose, weight, depth_m


@njit(cache=True, error_model="numpy")
def _spread(pixel: Any, colour: Any, pixels: int) -> Any:
    """Return fine pixels `n 4`: colour and coverage of the fragments."""
    fine = np.zeros((pixels, 4), np.float32)
    for p in range(len(pixel)):
        # Light beyond what film holds would spread its edge's jags over neighbours.
        for k in range(3):
            fine[pixel[p], k] = min(colour[p, k], np.float32(4))
        fine[pixel[p], 3] = 1
    return fine


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def shrink(pixel: Any, colour: Any, size: Any, rows: Any, columns: Any) -> Any:
    """Average fine pixels into pixels `b 4 h w`: colours times coverage, and coverage.

    pixel, colour: `p`, `p 3` fragments in pictures of `size` `b H W`.
    rows, columns: First fine row or column of each, and weights `h n`.
    """
    fine = _spread(pixel, colour, size[0] * size[1] * size[2]).reshape((size[0], size[1], 4 * size[2]))
    first_row, row_weight = rows
    first_column, column_weight = columns
    count, high, wide = size[0], len(first_row), len(first_column)
    out, line = np.empty((count, 4, high, wide), np.float32), np.empty(4 * size[2], np.float32)
    for i in range(count):
        for r in range(high):
            line[:] = 0
            for k in range(row_weight.shape[1]):
                weight, at = row_weight[r, k], first_row[r] + k
                if weight > 0:
                    for x in range(len(line)):
                        line[x] += weight * fine[i, at, x]
            for x in range(wide):
                red = green = blue = alpha = np.float32(0)
                for k in range(column_weight.shape[1]):
                    weight, at = column_weight[x, k], 4 * min(first_column[x] + k, size[2] - 1)
                    red, green = red + weight * line[at], green + weight * line[at + 1]
                    blue, alpha = blue + weight * line[at + 2], alpha + weight * line[at + 3]
                out[i, 0, r, x], out[i, 1, r, x], out[i, 2, r, x], out[i, 3, r, x] = red, green, blue, alpha
    return out


@cache
def tents(fine: int, coarse: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each coarse pixel the first fine one that counts, and the weights of those from there on.

    They are those of torch's bilinear interpolation with antialiasing.
    """
    scale = fine / coarse
    middle = scale * (np.arange(coarse) + 0.5)
    first = np.maximum((middle - scale + 0.5).astype(np.int64), 0)
    at = first[:, None] + np.arange(int(np.ceil(2 * scale)) + 1)
    weight = np.clip(1 - np.abs(at + 0.5 - middle[:, None]) / scale, 0, None) * (at < fine)
    return first, (weight / weight.sum(1, keepdims=True)).astype(np.float32)
