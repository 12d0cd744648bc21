"""The rasteriser's inner loops for processors, compiled by numba: screen triangles in, winners and their weights out.

Same rules as the torch path of `train.synth.raster`, which GPUs take: pixel centres, triangles grown by a hair, the
nearest wins and of equals the later triangle.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit


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
    """What is nearest at each pixel: 1 / depth and triangle, -1 = nothing."""

    nearness: np.ndarray
    face: np.ndarray


def make_buffer(pixels: int) -> Buffer:
    """Return an empty buffer."""
    return Buffer(np.zeros(pixels, np.float32), np.full(pixels, -1, np.int32))


@njit(cache=True, error_model="numpy")
def _span(mesh: Any, rules: Any, f: int) -> Any:
    """Return x0, x1, y0, y1 of the pixels whose centres a triangle may cover, and twice its area; x1 < x0 if none."""
    a, b, c = mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
    s = mesh.screen
    none = (0, -1, 0, -1, 0.0)
    if min(s[a, 2], s[b, 2], s[c, 2]) <= rules.near_m:
        return none
    grow = rules.grow_px
    y0 = max(0.0, np.ceil(min(s[a, 1], s[b, 1], s[c, 1]) - 0.5 - grow))
    y1 = min(rules.height - 1.0, np.floor(max(s[a, 1], s[b, 1], s[c, 1]) - 0.5 + grow))
    if y1 < y0:
        return none
    x0 = max(0.0, np.ceil(min(s[a, 0], s[b, 0], s[c, 0]) - 0.5 - grow))
    x1 = min(rules.width - 1.0, np.floor(max(s[a, 0], s[b, 0], s[c, 0]) - 0.5 + grow))
    if x1 < x0:
        return none
    ax, ay = np.float64(s[a, 0]), np.float64(s[a, 1])
    area = (s[b, 0] - ax) * (s[c, 1] - ay) - (s[b, 1] - ay) * (s[c, 0] - ax)
    if abs(area) <= 1e-9 or (mesh.one_sided[f] and area >= 0):
        return none
    return int(x0), int(x1), int(y0), int(y1), area


@njit(cache=True, error_model="numpy")
def _edge(mesh: Any, rules: Any, p: int, q: int, area: float) -> Any:
    px, py = np.float64(mesh.screen[p, 0]), np.float64(mesh.screen[p, 1])
    dx, dy = mesh.screen[q, 0] - px, mesh.screen[q, 1] - py
    return (dy * px - dx * py) / area, -dy / area, dx / area, -rules.grow_px * (abs(dx) + abs(dy)) / abs(area)


@njit(cache=True, error_model="numpy")
def _edges(mesh: Any, rules: Any, f: int, area: float) -> Any:
    """Return of each edge its value at the origin, its change along x and y, and how far outside still counts.

    Values are shares of the opposite corner: 1 there, 0 on the edge.
    """
    a, b, c = mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
    return _edge(mesh, rules, b, c, area), _edge(mesh, rules, c, a, area), _edge(mesh, rules, a, b, area)


@njit(cache=True, error_model="numpy")
def _shares(edges: Any, x: float, y: float) -> Any:
    """Return the shares of the corners on the screen at a place, kept within 0 and 1; and whether it is inside."""
    u = edges[0][0] + edges[0][1] * x + edges[0][2] * y
    v = edges[1][0] + edges[1][1] * x + edges[1][2] * y
    w = edges[2][0] + edges[2][1] * x + edges[2][2] * y
    inside = u >= edges[0][3] and v >= edges[1][3] and w >= edges[2][3]
    u, v, w = min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0), min(max(w, 0.0), 1.0)
    total = u + v + w
    return u / total, v / total, w / total, inside


@njit(cache=True, error_model="numpy")
def fill(mesh: Any, rules: Any, left_out: Any, buffer: Any) -> None:
    """Put all triangles into the buffer but those `left_out` (`f`)."""
    s = mesh.screen
    for f in range(len(mesh.faces)):
        if left_out[f]:
            continue
        x0, x1, y0, y1, area = _span(mesh, rules, f)
        if x1 < x0:
            continue
        edges = _edges(mesh, rules, f, area)
        na, nb, nc = 1 / s[mesh.faces[f, 0], 2], 1 / s[mesh.faces[f, 1], 2], 1 / s[mesh.faces[f, 2], 2]
        for y in range(y0, y1 + 1):
            row = (mesh.picture[f] * rules.height + y) * rules.width
            for x in range(x0, x1 + 1):
                u, v, w, inside = _shares(edges, x + 0.5, y + 0.5)
                if inside:
                    near = np.float32(u * na + v * nb + w * nc)
                    if near >= buffer.nearness[row + x]:
                        buffer.nearness[row + x] = near
                        buffer.face[row + x] = f


@njit(cache=True, error_model="numpy")
def candidates(mesh: Any, rules: Any, chosen: Any, buffer: Any) -> Any:
    """Return pixel and triangle of all places where the `chosen` triangles lie before what is in the buffer."""
    s = mesh.screen
    pixel, face = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for f in range(len(mesh.faces)):
        if not chosen[f]:
            continue
        x0, x1, y0, y1, area = _span(mesh, rules, f)
        if x1 < x0:
            continue
        edges = _edges(mesh, rules, f, area)
        na, nb, nc = 1 / s[mesh.faces[f, 0], 2], 1 / s[mesh.faces[f, 1], 2], 1 / s[mesh.faces[f, 2], 2]
        for y in range(y0, y1 + 1):
            row = (mesh.picture[f] * rules.height + y) * rules.width
            for x in range(x0, x1 + 1):
                u, v, w, inside = _shares(edges, x + 0.5, y + 0.5)
                if inside and np.float32(u * na + v * nb + w * nc) >= buffer.nearness[row + x]:
                    pixel.append(row + x)
                    face.append(np.int64(f))
    return np.array(pixel, np.int64), np.array(face, np.int64)


@njit(cache=True, error_model="numpy")
def settle(pixel: Any, face: Any, depth_m: Any, buffer: Any) -> None:
    """Put places into the buffer where they are nearest."""
    for i in range(len(pixel)):
        near = np.float32(1 / depth_m[i])
        if near >= buffer.nearness[pixel[i]]:
            buffer.nearness[pixel[i]] = near
            buffer.face[pixel[i]] = face[i]


@njit(cache=True, error_model="numpy")
def weigh(mesh: Any, rules: Any, pixel: Any, face: Any) -> Any:
    """Return the shares `p 3` of triangles' corners in space at pixel centres, and the depths `p` there."""
    s = mesh.screen
    weight, depth = np.empty((len(pixel), 3), np.float32), np.empty(len(pixel), np.float32)
    for i in range(len(pixel)):
        f = face[i]
        a, b, c = mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
        ax, ay = np.float64(s[a, 0]), np.float64(s[a, 1])
        area = (s[b, 0] - ax) * (s[c, 1] - ay) - (s[b, 1] - ay) * (s[c, 0] - ax)
        y, x = pixel[i] // rules.width % rules.height + 0.5, pixel[i] % rules.width + 0.5
        u, v, w, _ = _shares(_edges(mesh, rules, f, area), x, y)
        u, v, w = u / s[a, 2], v / s[b, 2], w / s[c, 2]
        total = u + v + w
        weight[i, 0], weight[i, 1], weight[i, 2] = u / total, v / total, w / total
        depth[i] = 1 / total
    return weight, depth
