"""Made-up rooms and panoramas for processors, compiled by numba: rays go in, colours and ends come out.

The same sums as in `train.synth.backdrop`, whose torch paths GPUs take; a test holds the two together.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from train.synth.fast_shade import SHARES, texel

LAMP = (2.5, 2.5, 2.4)
_FLOOR, _CEILING = 1, 4


class Room(NamedTuple):
    """Fields of `RoomBackdrop`; `number` is its `kind`, `mean` `n 3` the mean colours of its textures."""

    low_m: np.ndarray
    high_m: np.ndarray
    tint: np.ndarray
    number: np.ndarray
    mean: np.ndarray
    side_m: np.ndarray
    depth: np.ndarray
    skirting_m: float
    skirting: np.ndarray
    falloff: float
    lamps: np.ndarray
    glow: np.ndarray
    gloss: float


class Rough(NamedTuple):
    """Fields of `Grain`, the mean colour of its texture, and how far the floor reaches."""

    number: int
    mean: np.ndarray
    side_m: float
    depth: float
    reach_m: float


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _reach(room: Any, at: Any, ray: Any) -> Any:
    """Return how far the nearest wall, floor or ceiling is, and which: see `RoomBackdrop.tint`."""
    distance, side = math.inf, 0
    for k in range(3):
        if abs(ray[k]) >= 1e-6:
            span = ((room.high_m[k] if ray[k] > 0 else room.low_m[k]) - at[k]) / ray[k]
            if span < distance:
                distance, side = span, k + 3 * (ray[k] > 0)
    return distance, side


@njit(cache=True, error_model="numpy")
def _smooth(texels: Any, number: int, u: float, v: float, texels_per_px: float) -> Any:
    """Return the colour blended between the four nearest texels."""
    level = 0
    while level < 7 and texels_per_px > 1:
        level, texels_per_px = level + 1, texels_per_px / 2
    height, width = texels.table[number, level, 1], texels.table[number, level, 2]
    x, y = (u - math.floor(u)) * width - 0.5, (math.ceil(v) - v) * height - 0.5
    left, top = math.floor(x), math.floor(y)
    columns = (left if left >= 0 else width - 1, left + 1 if left + 1 < width else 0)
    rows = (top if top >= 0 else height - 1, top + 1 if top + 1 < height else 0)
    red = green = blue = 0.0
    for k in range(4):
        right, below = k & 1, k >> 1
        share = (x - left if right else 1 - (x - left)) * (y - top if below else 1 - (y - top))
        colour = texel(texels, number, level, columns[right], rows[below])
        red, green, blue = red + share * colour[0], green + share * colour[1], blue + share * colour[2]
    return red, green, blue


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _dimmed(room: Any, x: float, y: float, z: float) -> float:
    """Return how much light reaches a place: less in corners, and far from the lamps."""
    a = max(min(x - room.low_m[0], room.high_m[0] - x), 0.0)
    b = max(min(y - room.low_m[1], room.high_m[1] - y), 0.0)
    c = max(min(z - room.low_m[2], room.high_m[2] - z), 0.0)
    second = max(min(a, b), min(max(a, b), c))  # the nearest is the surface itself
    away = (x - room.glow[0]) ** 2 + (z - room.glow[1]) ** 2
    return (1 - 0.35 * math.exp(-second / 0.25)) * (0.65 + 0.6 / (1 + room.glow[2] * away))


@njit(cache=True, error_model="numpy")
def _in_lamp(room: Any, x: float, z: float) -> bool:
    for n in range(len(room.lamps)):
        if room.lamps[n, 0] < x < room.lamps[n, 2] and room.lamps[n, 1] < z < room.lamps[n, 3]:
            return True
    return False


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def look(room: Any, texels: Any, origin: Any, rays: Any, wanted: Any, px_rad: float) -> Any:
    """Return colour `p 3`, end `p 3` and side `p` of rays `p 3`; 0, 0 and -1 of those not wanted."""
    count = len(rays)
    colour, point = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
    sides = np.full(count, -1, np.int8)
    for p in range(count):
        if not wanted[p]:
            continue
        ray = (rays[p, 0], rays[p, 1], rays[p, 2])
        distance, side = _reach(room, origin, ray)
        x, y, z = origin[0] + ray[0] * distance, origin[1] + ray[1] * distance, origin[2] + ray[2] * distance
        point[p, 0], point[p, 1], point[p, 2], sides[p] = x, y, z, side
        if side == _CEILING and _in_lamp(room, x, z):
            colour[p, 0], colour[p, 1], colour[p, 2] = LAMP
            continue
        red, green, blue = room.tint[side, 0], room.tint[side, 1], room.tint[side, 2]
        axis, number = side % 3, room.number[side]
        if axis != 1 and y < room.skirting_m:
            red, green, blue = room.skirting[0], room.skirting[1], room.skirting[2]
        elif number >= 0:
            size = texels.side[number] / room.side_m[side]
            slant = max(abs(ray[axis]), 0.05)
            u, v = (z if axis == 0 else x) / room.side_m[side], (z if axis == 1 else y) / room.side_m[side]
            grain = _smooth(texels, number, u, v, distance * px_rad / math.sqrt(slant) * size)
            mean, depth = room.mean[number], room.depth[side]
            red *= max(1 + depth * (grain[0] / mean[0] - 1), 0.05)
            green *= max(1 + depth * (grain[1] / mean[1] - 1), 0.05)
            blue *= max(1 + depth * (grain[2] / mean[2] - 1), 0.05)
        light = _dimmed(room, x, y, z)
        if axis != 1:
            light *= 1 - room.falloff * (1 - y / room.high_m[1]) ** 2
        colour[p, 0], colour[p, 1], colour[p, 2] = red * light, green * light, blue * light
        if side == _FLOOR and room.gloss > 0:
            up = (ray[0], -ray[1], ray[2])
            reach, hit = _reach(room, (x, y, z), up)
            share = room.gloss * (1 - min(max(up[1], 0.0), 1.0)) ** 3
            lamp = hit == _CEILING and _in_lamp(room, x + up[0] * reach, z + up[2] * reach)
            for k in range(3):
                colour[p, k] += share * (2.5 if lamp else room.tint[hit, k])
    return colour, point, sides


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def look_around(image: Any, turn: Any, heights_m: Any, origin: Any, rays: Any, wanted: Any) -> Any:
    """Return colour `p 3`, end `p 3` and whether it is the floor, of rays `p 3` in a panorama; 0 if not wanted.

    heights_m: Of the panorama's camera; how far the floor reaches around the middle; how far the sky is.
    """
    height_m, reach_m, far_m = heights_m
    count, tall, wide = len(rays), image.shape[1], image.shape[2]
    colour, point = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
    floor = np.zeros(count, np.bool_)
    for p in range(count):
        if not wanted[p]:
            continue
        x, y, z = rays[p, 0], rays[p, 1], rays[p, 2]
        distance = origin[1] / max(-y, 1e-4)
        px, py, pz = origin[0] + x * distance, origin[1] + y * distance, origin[2] + z * distance
        floor[p] = -y > 1e-4 and px * px + pz * pz < reach_m * reach_m
        if not floor[p]:
            px, py, pz = origin[0] + x * far_m, origin[1] + y * far_m, origin[2] + z * far_m
        point[p, 0], point[p, 1], point[p, 2] = px, py, pz
        if floor[p]:
            # Near the edge of the floor, its picture passes over into the far one.
            far = min(math.sqrt(px * px + pz * pz) / reach_m, 1.0) ** 3
            length = math.sqrt(px * px + (py - height_m) ** 2 + pz * pz)
            near = (1 - far) / length
            x, y, z = near * px + far * x, near * (py - height_m) + far * y, near * pz + far * z
        length = math.sqrt(x * x + y * y + z * z)
        a = (x * turn[0, 0] + y * turn[1, 0] + z * turn[2, 0]) / length  # undoes the turn
        b = (x * turn[0, 1] + y * turn[1, 1] + z * turn[2, 1]) / length
        c = (x * turn[0, 2] + y * turn[1, 2] + z * turn[2, 2]) / length
        around = math.atan2(a, c) / (2 * math.pi)
        column = min(max((around - math.floor(around)) * (wide - 1) - 0.5, 0.0), wide - 1.0)
        row = min(max(math.acos(min(max(b, -1.0), 1.0)) / math.pi * tall - 0.5, 0.0), tall - 1.0)
        left, top = min(int(column), wide - 2), min(int(row), tall - 2)
        u, v = column - left, row - top
        for k in range(3):
            upper = (1 - u) * image[k, top, left] + u * image[k, top, left + 1]
            lower = (1 - u) * image[k, top + 1, left] + u * image[k, top + 1, left + 1]
            colour[p, k] = (1 - v) * upper + v * lower
    return colour, point, floor


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def roughen(colour: Any, seen: Any, origin: Any, texels: Any, rough: Any, px_rad: float) -> None:
    """Give the floor of a panorama its fine structure, less towards its edge.

    seen: Ends `p 3`, whether they are floor `p`, and rays `p 3`.
    """
    point, floor, rays = seen
    size = texels.side[rough.number] / rough.side_m
    for p in range(len(colour)):
        if not floor[p]:
            continue
        x, y, z = point[p, 0], point[p, 1], point[p, 2]
        depth = rough.depth * (1 - min(math.sqrt(x * x + z * z) / rough.reach_m, 1.0) ** 3)
        distance = math.sqrt((x - origin[0]) ** 2 + (y - origin[1]) ** 2 + (z - origin[2]) ** 2)
        texels_per_px = distance * px_rad / math.sqrt(max(-rays[p, 1], 0.05)) * size
        grain = _smooth(texels, rough.number, x / rough.side_m, z / rough.side_m, texels_per_px)
        for k in range(3):
            colour[p, k] *= max(1 + depth * (grain[k] / rough.mean[k] - 1), 0.05)
