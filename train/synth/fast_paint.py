"""Looking up and lighting of fragments for processors, compiled by numba: the same sums as in `train.synth.shade`.

In: surfaces, fragments, lights and shadow maps of a batch as arrays. Out: linear colours and places. GPUs take the
torch path; a test holds the two together.

Fragments are taken in runs of one picture: what they show is looked up one by one, then they are lit by loops without
branches, of which processors do many rounds at once.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from train.synth.fast_shade import SHARES, sunlit, texel

_SQRT2 = math.sqrt(2)
_RUN = 512
# Where in the numbers of a run each kind begins. All lie in one array: of several, compilers cannot tell that they do
# not overlap, and would not do many rounds at once. Colours are three kinds each.
_X, _Y, _Z, _NX, _NY, _NZ, _ALBEDO, _, _, _ACROSS, _ALONG, _ROUGH, _SPECULAR, _SHEEN, _UNDER, _DIM = range(
    0, 16 * _RUN, _RUN
)
_LIT, _SOFT, _, _, _SKY, _, _, _COSINE, _EDGE, _GLOSS, _END = range(16 * _RUN, 27 * _RUN, _RUN)
# Spherical harmonics, without their polynomials.
_BANDS = np.array([0.282095, *3 * [0.488603], 1.092548, 1.092548, 0.315392, 1.092548, 0.546274], np.float32)[:, None]
# How far light of each colour wanders under the skin.
_WANDER = (np.float32(0.35), np.float32(0.12), np.float32(0.06))
_f = np.float32


class Mesh(NamedTuple):
    """Fields of `shots.Pack`: `v 9` table, `f 3` faces, `f` surface, `s 7` materials.

    And of each surface: `s` texels per metre; `s` by what uv are multiplied for the sheet of bumps.
    """

    table: np.ndarray
    faces: np.ndarray
    surface: np.ndarray
    materials: np.ndarray
    texels_per_m: np.ndarray
    wave: np.ndarray


class Lamps(NamedTuple):
    """Of each picture: `b 3` eye, `b` px per rad, `b 9 3` soft light, `b 3` direction and colour of the sun."""

    eye_m: np.ndarray
    px_per_rad: np.ndarray
    soft: np.ndarray
    sun_dir: np.ndarray
    sun: np.ndarray


class Spots(NamedTuple):
    """Fragments: `b + 1` first of each picture, and their end; `p` face, depth, share of soft light; `p 3` weights."""

    first: np.ndarray
    face: np.ndarray
    weight: np.ndarray
    depth_m: np.ndarray
    dim: np.ndarray


@njit(cache=True, error_model="numpy")
def _nearest(texels: Any, number: int, u: float, v: float, texels_per_px: float) -> Any:
    level = 0
    while level < 7 and texels_per_px > _SQRT2:
        level, texels_per_px = level + 1, texels_per_px / 2
    height, width = texels.table[number, level, 1], texels.table[number, level, 2]
    column = min(int((u - math.floor(u)) * width), width - 1)
    row = min(int((1 - (v - math.floor(v))) * height), height - 1)
    return texel(texels, number, level, column, row)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _look_up(mesh: Any, spots: Any, texels: Any, bumps: Any, run: Any, at: Any) -> None:
    """Look up what fragments show; run: first and end of them, rad per px."""
    start, stop, px_rad = run
    table, side = mesh.table, len(bumps)
    for p in range(start, stop):
        f, j = spots.face[p], p - start
        s, a, b, c = mesh.surface[f], mesh.faces[f, 0], mesh.faces[f, 1], mesh.faces[f, 2]
        i, k, m = spots.weight[p, 0], spots.weight[p, 1], spots.weight[p, 2]
        for n in range(6):
            at[n * _RUN + j] = i * table[a, n] + k * table[b, n] + m * table[c, n]
        u = i * table[a, 6] + k * table[b, 6] + m * table[c, 6]
        v = i * table[a, 7] + k * table[b, 7] + m * table[c, 7]
        wrinkle = i * table[a, 8] + k * table[b, 8] + m * table[c, 8]
        albedo = _nearest(texels, s, u, v, spots.depth_m[p] * px_rad * mesh.texels_per_m[s])
        at[_ALBEDO + j], at[_ALBEDO + _RUN + j], at[_ALBEDO + 2 * _RUN + j] = albedo
        u, v = u * mesh.wave[s], v * mesh.wave[s]
        r, c = int((v - math.floor(v)) * side), int((u - math.floor(u)) * side)
        at[_ACROSS + j], at[_ALONG + j] = wrinkle * bumps[r, c, 0], wrinkle * bumps[r, c, 1]
        for n in range(4):
            at[_ROUGH + n * _RUN + j] = mesh.materials[s, n]
        at[_DIM + j] = spots.dim[p]


@njit(cache=True, fastmath=SHARES, error_model="numpy", inline="always")
def _unit(x: Any, y: Any, z: Any) -> Any:
    per = _f(1) / math.sqrt(max(x * x + y * y + z * z, _f(1e-24)))
    return x * per, y * per, z * per


@njit(cache=True, fastmath=SHARES, error_model="numpy", inline="always")
def _around(soft: Any, k: int, x: Any, y: Any, z: Any) -> Any:
    """Return the soft light of colour k from around a direction."""
    low = soft[0, k] + soft[1, k] * y + soft[2, k] * z + soft[3, k] * x + soft[4, k] * (x * y) + soft[5, k] * (y * z)
    return low + soft[6, k] * (_f(3) * z * z - _f(1)) + soft[7, k] * (x * z) + soft[8, k] * (x * x - y * y)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _face(eye: Any, soft: Any, sun_dir: Any, count: int, at: Any) -> None:
    """Say how places lie to the eye and to the lights."""
    for j in range(count):
        ex, ey, ez = _unit(eye[0] - at[_X + j], eye[1] - at[_Y + j], eye[2] - at[_Z + j])
        nx, ny, nz = _unit(at[_NX + j], at[_NY + j], at[_NZ + j])
        # Tipped along the level and the upright tangent, on the side that faces the eye.
        ax, _, az = _unit(nz, _f(0), -nx)
        s, t = at[_ACROSS + j], at[_ALONG + j]
        x, y, z = nx + s * ax + t * ny * az, ny + t * (nz * ax - nx * az), nz + s * az - t * ny * ax
        nx, ny, nz = _unit(x, y, z)
        away = _f(2) * min(nx * ex + ny * ey + nz * ez, _f(0))
        nx, ny, nz = nx - away * ex, ny - away * ey, nz - away * ez
        facing = min(max(nx * ex + ny * ey + nz * ez, _f(0)), _f(1))
        x, y, z = _f(2) * facing * nx - ex, _f(2) * facing * ny - ey, _f(2) * facing * nz - ez
        at[_SOFT + j], at[_SKY + j] = _around(soft, 0, nx, ny, nz), _around(soft, 0, x, y, z)
        at[_SOFT + _RUN + j], at[_SKY + _RUN + j] = _around(soft, 1, nx, ny, nz), _around(soft, 1, x, y, z)
        at[_SOFT + 2 * _RUN + j], at[_SKY + 2 * _RUN + j] = _around(soft, 2, nx, ny, nz), _around(soft, 2, x, y, z)
        x, y, z = _unit(sun_dir[0] + ex, sun_dir[1] + ey, sun_dir[2] + ez)
        at[_COSINE + j] = nx * sun_dir[0] + ny * sun_dir[1] + nz * sun_dir[2]
        at[_GLOSS + j] = max(nx * x + ny * y + nz * z, _f(0))
        at[_EDGE + j] = _f(1) - facing


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _shine(dark: Any, i: int, count: int, at: Any) -> None:
    """Find who stands in the sun, and how much of it is mirrored towards the eye."""
    for j in range(count):
        at[_LIT + j] = sunlit(dark, i, at[_X + j], at[_Y + j], at[_Z + j])
        gloss, cosine, specular = _f(0), at[_COSINE + j], at[_SPECULAR + j]
        if specular > 0 and cosine > 0 and at[_LIT + j] > 0:
            power = int(2 / min(max(at[_ROUGH + j], _f(0.15)), _f(1)) ** 4 + 0.5)  # whole powers are quick
            gloss = at[_GLOSS + j] ** power * (power + 8) / 8 * cosine * specular
        at[_GLOSS + j] = gloss


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _colour(k: int, sun: Any, wander: Any, count: int, at: Any) -> None:
    """Put colour k in the place of its albedo: light that wandered under the skin comes out beyond the terminator."""
    albedos, softs, skies = _ALBEDO + k * _RUN, _SOFT + k * _RUN, _SKY + k * _RUN
    for j in range(count):
        rough, specular, edge, dim = at[_ROUGH + j], at[_SPECULAR + j], at[_EDGE + j], at[_DIM + j]
        cube, sunny, albedo = edge * edge * edge, sun * at[_LIT + j], at[albedos + j]
        fresnel = (specular + (_f(1) - specular) * cube * edge * edge * (_f(1) - rough)) * (_f(1) - _f(0.7) * rough)
        wandered = wander * at[_UNDER + j]
        direct = max((at[_COSINE + j] + wandered) / (_f(1) + wandered), _f(0))
        around = max(at[softs + j], _f(0.005)) * dim
        out = albedo * (around + sunny * direct) + at[_GLOSS + j] * sunny + fresnel * dim * max(at[skies + j], _f(0))
        fuzz = at[_SHEEN + j] * _f(0.15) * cube
        at[albedos + j] = out + fuzz * (albedo * _f(0.5) + _f(0.25)) * around


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def paint(mesh: Any, spots: Any, texels: Any, lamps: Any, dark: Any, bumps: Any) -> Any:
    """Return the linear colours `p 3` and the places `p 3` of fragments; `bumps` is the sheet of `make_bumps`."""
    colour, point = np.empty((len(spots.face), 3), np.float32), np.empty((len(spots.face), 3), np.float32)
    at = np.zeros(_END, np.float32)
    for i in range(len(lamps.eye_m)):
        soft = lamps.soft[i] * _BANDS
        for start in range(spots.first[i], spots.first[i + 1], _RUN):
            stop = min(start + _RUN, spots.first[i + 1])
            count = stop - start
            _look_up(mesh, spots, texels, bumps, (start, stop, 1 / lamps.px_per_rad[i]), at)
            _face(lamps.eye_m[i], soft, lamps.sun_dir[i], count, at)
            _shine(dark, i, count, at)
            for k in range(3):
                _colour(k, lamps.sun[i, k], _WANDER[k], count, at)
            for j in range(count):
                for k in range(3):
                    colour[start + j, k], point[start + j, k] = at[_ALBEDO + k * _RUN + j], at[k * _RUN + j]
    return colour, point
