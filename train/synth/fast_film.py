"""Movement, its smear and the tones of film for processors, compiled by numba: as in `views`, `movement` and `film`.

GPUs take the torch paths there; tests hold the two together.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from train.synth.fast_shade import SHARES

_TILE, _AROUND = 4, 2  # the fastest way is looked for in tiles of so many px, and so many tiles to each side
_STILL_PX = 0.5  # shorter ways smear nothing


class Camera(NamedTuple):
    """Fields of `views.View`: `3 3` rotation, `3` place in m, focal length and principal point in px."""

    rot: np.ndarray
    position_m: np.ndarray
    focal_px: float
    center_px: tuple[float, float]


class Parts(NamedTuple):
    """`f` surface and part of triangles; `s` whose each surface is; `n 3 3`, `n 3` where parts were, see `Before`."""

    surface: np.ndarray
    part: np.ndarray
    mine: np.ndarray
    rot: np.ndarray
    shift_m: np.ndarray


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _project(camera: Any, x: float, y: float, z: float) -> Any:
    """Return where a place of the world appears, px."""
    r = camera.rot
    x, y, z = x - camera.position_m[0], y - camera.position_m[1], z - camera.position_m[2]
    scale = camera.focal_px / max(r[2, 0] * x + r[2, 1] * y + r[2, 2] * z, 1e-3)
    across, down = r[0, 0] * x + r[0, 1] * y + r[0, 2] * z, r[1, 0] * x + r[1, 1] * y + r[1, 2] * z
    return across * scale + camera.center_px[0], down * scale + camera.center_px[1]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def box(points: Any, camera: Any, near_m: float, around: Any) -> None:
    """Widen a box x0 y0 x1 y1, in place, so that it holds points `v 3` before the camera."""
    r, at = camera.rot, camera.position_m
    for v in range(len(points)):
        x, y, z = points[v, 0] - at[0], points[v, 1] - at[1], points[v, 2] - at[2]
        if r[2, 0] * x + r[2, 1] * y + r[2, 2] * z > near_m:
            x, y = _project(camera, points[v, 0], points[v, 1], points[v, 2])
            around[0], around[1] = min(around[0], x), min(around[1], y)
            around[2], around[3] = max(around[2], x), max(around[3], y)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def rays(camera: Any, height: int, width: int) -> Any:
    """Return the directions `h w 3` in which the pixel centres look."""
    out, r, focal = np.empty((height, width, 3), np.float32), camera.rot, camera.focal_px
    for row in range(height):
        y = row + 0.5 - camera.center_px[1]
        for column in range(width):
            x = column + 0.5 - camera.center_px[0]
            per = 1 / math.sqrt(x * x + y * y + focal * focal)
            for k in range(3):
                out[row, column, k] = (x * r[0, k] + y * r[1, k] + focal * r[2, k]) * per
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def shifts(cover: Any, face: Any, point_m: Any, floor_m: Any, parts: Any, cameras: Any) -> Any:
    """Return how far what each pixel of a picture shows has moved, `2 h w` px.

    cover: `H W` index of the fragment in each fine pixel, -1 = backdrop. face, point_m: `p`, `p 3` triangle and place
    of fragments. floor_m: `h w 3` places that the backdrop shows. cameras: Now and a frame before.
    """
    now, then = cameras
    height, width = floor_m.shape[:2]
    out = np.empty((2, height, width), np.float32)
    for row in range(height):
        fine_row = int((row + 0.5) * cover.shape[0] / height)
        for column in range(width):
            hit = cover[fine_row, int((column + 0.5) * cover.shape[1] / width)]
            if hit >= 0:
                x, y, z = point_m[hit, 0], point_m[hit, 1], point_m[hit, 2]
            else:
                x, y, z = floor_m[row, column, 0], floor_m[row, column, 1], floor_m[row, column, 2]
            u, v = _project(now, x, y, z)
            if hit >= 0 and parts.mine[parts.surface[face[hit]]]:
                part = parts.part[face[hit]]
                r, s = parts.rot, parts.shift_m
                x, y, z = (
                    r[part, 0, 0] * x + r[part, 0, 1] * y + r[part, 0, 2] * z + s[part, 0],
                    r[part, 1, 0] * x + r[part, 1, 1] * y + r[part, 1, 2] * z + s[part, 1],
                    r[part, 2, 0] * x + r[part, 2, 1] * y + r[part, 2, 2] * z + s[part, 2],
                )
            p, q = _project(then, x, y, z)
            out[0, row, column], out[1, row, column] = u - p, v - q
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _fastest_inside(move_px: Any, speed: Any) -> Any:
    """Return speed and movement of the fastest pixel of each tile."""
    tall, wide = speed.shape[0] // _TILE, speed.shape[1] // _TILE
    quick, own = np.empty((tall, wide)), np.empty((2, tall, wide))
    for r in range(tall):
        for c in range(wide):
            best = -1.0
            for y in range(_TILE * r, _TILE * r + _TILE):
                for x in range(_TILE * c, _TILE * c + _TILE):
                    if speed[y, x] > best:
                        best = speed[y, x]
                        own[0, r, c], own[1, r, c] = move_px[0, y, x], move_px[1, y, x]
            quick[r, c] = best
    return quick, own


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def fastest(move_px: Any, speed: Any) -> Any:
    """Return the fastest movement around each tile, `2 h/4 w/4` px."""
    quick, own = _fastest_inside(move_px, speed)
    tall, wide = quick.shape
    out = np.empty((2, tall, wide))
    for r in range(tall):
        for c in range(wide):
            best = -1.0
            for y in range(max(r - _AROUND, 0), min(r + _AROUND + 1, tall)):
                for x in range(max(c - _AROUND, 0), min(c + _AROUND + 1, wide)):
                    if quick[y, x] > best:
                        best = quick[y, x]
                        out[0, r, c], out[1, r, c] = own[0, y, x], own[1, y, x]
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _place(at: float, size: int) -> Any:
    """Return the first of the two cells that a place lies between, kept inside, and the share of the second."""
    at = min(max(at, 0.0), size - 1.0)
    first = min(int(at), size - 2)
    return first, at - first


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _mixed(source: Any, y: int, x: int, k: int, share: Any) -> float:
    """Return channel k of the four pixels from a place on, in these shares."""
    upper = share[0] * source[y, x, k] + share[1] * source[y, x + 1, k]
    return upper + share[2] * source[y + 1, x, k] + share[3] * source[y + 1, x + 1, k]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def drag(light: Any, speed: Any, ways: Any, taps: int) -> Any:
    """Return a picture `3 h w` smeared along the `fastest` ways around its pixels; see `film`."""
    height, width = speed.shape
    source, out = np.empty((height, width, 4), np.float32), light.copy()
    for k in range(3):
        source[:, :, k] = light[k]
    source[:, :, 3] = speed
    for row in range(height):
        r, p = _place((row + 0.5) * ways.shape[1] / height - 0.5, ways.shape[1])
        for column in range(width):
            c, q = _place((column + 0.5) * ways.shape[2] / width - 0.5, ways.shape[2])
            a, b, e, f = (1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q
            across = a * ways[0, r, c] + b * ways[0, r, c + 1] + e * ways[0, r + 1, c] + f * ways[0, r + 1, c + 1]
            down = a * ways[1, r, c] + b * ways[1, r, c + 1] + e * ways[1, r + 1, c] + f * ways[1, r + 1, c + 1]
            reach = math.sqrt(across * across + down * down)
            if reach < _STILL_PX:
                continue
            looks = min(taps, 2 + math.ceil(reach / 2))  # short ways need fewer
            own = speed[row, column]
            red = green = blue = share = 0.0
            for i in range(looks):
                step = i / (looks - 1) - 0.5
                y, v = _place(row + step * down, height)
                x, u = _place(column + step * across, width)
                a, b, e, f = (1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u
                far = abs(step) * reach
                theirs = _mixed(source, y, x, 3, (a, b, e, f))
                weight = min(max(theirs - far + 1, 0.0), 1.0) + min(max(own - far + 1, 0.0), 1.0) + 1e-3
                red += weight * _mixed(source, y, x, 0, (a, b, e, f))
                green += weight * _mixed(source, y, x, 1, (a, b, e, f))
                blue += weight * _mixed(source, y, x, 2, (a, b, e, f))
                share += weight
            out[0, row, column], out[1, row, column], out[2, row, column] = red / share, green / share, blue / share
    return out


class Tone(NamedTuple):
    """A film's settings: gains `3`, vignette, shot and read noise, saturation; and two curves, see `develop_tone`."""

    gains: np.ndarray
    vignette: float
    shot: float
    read: float
    saturation: float
    drowned: np.ndarray
    curve: np.ndarray


_f = np.float32
DROWNED_MOST = 8.0  # beyond this light, film is white


@njit(cache=True, fastmath=SHARES, error_model="numpy", inline="always")
def _along(curve: Any, at: Any) -> Any:
    """Return the value of an evenly spaced curve at a share, 0 to 1, of its way."""
    at = min(max(at, _f(0)), _f(1)) * _f(len(curve) - 1)
    first = min(int(at), len(curve) - 2)
    return curve[first] + (at - _f(first)) * (curve[first + 1] - curve[first])


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def develop_tone(light: Any, noise: Any, tone: Any, luma: Any) -> Any:
    """Return the colours `3 h w`, about 0 to 1, that film makes of linear light `3 h w`.

    Curves: what is left of light, 0 to `DROWNED_MOST`, when film drowns in it; and the display's colour of that.
    """
    _, height, width = light.shape
    out, dim, shot, read = np.empty_like(light), _f(tone.vignette / 2), _f(tone.shot**2), _f(tone.read**2)
    noisy, more = _f(tone.shot > 0 or tone.read > 0), _f(tone.saturation)
    for row in range(height):
        y = 2 * row / (height - 1.0) - 1
        for k in range(3):
            gain = _f(tone.gains[k] / DROWNED_MOST)
            middle, corner = gain * _f(1 - dim * y * y), gain * dim
            for column in range(width):
                x = _f(2) * _f(column) / _f(width - 1) - _f(1)
                left = _along(tone.drowned, light[k, row, column] * (middle - corner * x * x))
                left += noisy * noise[k, row, column] * math.sqrt(shot * left + read)
                out[k, row, column] = _along(tone.curve, left)
        for column in range(width):
            red, green, blue = out[0, row, column], out[1, row, column], out[2, row, column]
            grey = luma[0] * red + luma[1] * green + luma[2] * blue
            out[0, row, column], out[1, row, column] = grey + more * (red - grey), grey + more * (green - grey)
            out[2, row, column] = grey + more * (blue - grey)
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _waves_down(plane: Any, waves: Any, out: Any) -> None:
    """Multiply the columns of each 8 rows by waves `8 8`."""
    for top in range(0, plane.shape[0], 8):
        for i in range(8):
            a, b, c, d, e, f, g, h = waves[i]
            for x in range(plane.shape[1]):
                upper = a * plane[top, x] + b * plane[top + 1, x] + c * plane[top + 2, x] + d * plane[top + 3, x]
                lower = e * plane[top + 4, x] + f * plane[top + 5, x] + g * plane[top + 6, x] + h * plane[top + 7, x]
                out[top + i, x] = upper + lower


@njit(cache=True, error_model="numpy")
def _turn(plane: Any, out: Any) -> None:
    for top in range(0, plane.shape[0], 8):
        for x in range(plane.shape[1]):
            for i in range(8):
                out[x, top + i] = plane[top + i, x]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _round_waves(plane: Any, waves: Any, step: float) -> None:
    """Round the waves of each block of 8 px of a plane, in place; fine ones more coarsely."""
    high, wide = plane.shape
    back, out = waves.T.copy(), np.empty_like(plane)
    turned, found = np.empty((wide, high), np.float32), np.empty((wide, high), np.float32)
    _waves_down(plane, waves, out)
    _turn(out, turned)
    _waves_down(turned, waves, found)
    unit = np.empty((8, high), np.float32)
    for i in range(8):
        for j in range(high):
            unit[i, j] = max(step, 1e-4) * (1 + 0.6 * (i + j % 8))
    for x in range(wide):
        for y in range(high):
            found[x, y] = np.rint(found[x, y] / unit[x % 8, y]) * unit[x % 8, y]
    _waves_down(found, back, turned)
    _turn(turned, out)
    _waves_down(out, back, plane)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _luma(colour: Any) -> Any:
    """Return the brightness of colours `3 h w`, their last row and column repeated up to a multiple of 16."""
    _, height, width = colour.shape
    out = np.empty((height + -height % 16, width + -width % 16), np.float32)
    for y in range(len(out)):
        r = min(y, height - 1)
        for x in range(width):
            out[y, x] = _f(0.299) * colour[0, r, x] + _f(0.587) * colour[1, r, x] + _f(0.114) * colour[2, r, x]
        out[y, width:] = out[y, width - 1]
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _tint(channel: Any, luma: Any) -> Any:
    """Return by how much a colour `h w` is brighter than all, at half the size of `luma`."""
    height, width = channel.shape
    out = np.empty((luma.shape[0] // 2, luma.shape[1] // 2), np.float32)
    for y in range(out.shape[0]):
        r, s = min(2 * y, height - 1), min(2 * y + 1, height - 1)
        for x in range(out.shape[1]):
            c, d = min(2 * x, width - 1), min(2 * x + 1, width - 1)
            there = channel[r, c] + channel[r, d] + channel[s, c] + channel[s, d]
            around = luma[2 * y, 2 * x] + luma[2 * y, 2 * x + 1] + luma[2 * y + 1, 2 * x] + luma[2 * y + 1, 2 * x + 1]
            out[y, x] = _f(0.25) * (there - around)
    return out


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _twice(small: Any, out: Any) -> None:
    """Add a picture enlarged to twice its size to another."""
    high, wide = small.shape
    line = np.empty(wide + 2, np.float32)
    for y in range(out.shape[0]):
        r, v = _place(y / 2 - 0.25, high)
        for c in range(wide):
            line[c + 1] = _f(1 - v) * small[r, c] + _f(v) * small[r + 1, c]
        line[0], line[wide + 1] = line[1], line[wide]
        for x in range(out.shape[1]):
            c = (x + 1) // 2
            share = _f(0.75) - _f(0.5) * _f(x % 2)
            out[y, x] += (_f(1) - share) * line[c] + share * line[c + 1]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def compress(colour: Any, waves: Any, coarseness: float) -> Any:
    """Return colours `3 h w` as compression leaves them; see `film`. waves: `8 8` cosines, slow ones first."""
    _, height, width = colour.shape
    luma, out = _luma(colour), np.empty_like(colour)
    blue, red = _tint(colour[2], luma), _tint(colour[0], luma)
    _round_waves(luma, waves, coarseness * 0.06)
    _round_waves(blue, waves, coarseness * 0.1)
    _round_waves(red, waves, coarseness * 0.1)
    out[:] = luma[:height, :width]
    _twice(red, out[0])
    _twice(blue, out[2])
    for y in range(height):
        for x in range(width):
            others = _f(0.299) * out[0, y, x] + _f(0.114) * out[2, y, x]
            out[1, y, x] = (luma[y, x] - others) / _f(0.587)
    return out
