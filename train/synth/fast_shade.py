"""Looking up and lighting of fragments for processors, compiled by numba: the same sums as in `train.synth.shade`.

In: surfaces, fragments, lights and shadow maps of a batch as arrays. Out: linear colours and places. GPUs take the
torch path; a test holds the two together.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

SHARES = {"reassoc", "contract", "arcp", "nsz"}  # liberties with rounding; infinities stay what they are


class Mesh(NamedTuple):
    """Fields of `shots.Pack`: `v 9` table, `f 3` faces, `f` surface, `s 7` materials, `s` metres per texture."""

    table: np.ndarray
    faces: np.ndarray
    surface: np.ndarray
    materials: np.ndarray
    side_m: np.ndarray


class Texels(NamedTuple):
    """Fields of `textures.TexturePool`: packed texels, `s 8 3` table of levels, `s` sides, 256 linear values."""

    packed: np.ndarray
    table: np.ndarray
    side: np.ndarray
    linear: np.ndarray


class Lamps(NamedTuple):
    """Of each picture: `b 3` eye, `b` px per rad, `b 9 3` soft light, `b 3` direction and colour of the sun."""

    eye_m: np.ndarray
    px_per_rad: np.ndarray
    soft: np.ndarray
    sun_dir: np.ndarray
    sun: np.ndarray


class Dark(NamedTuple):
    """Fields of `shadow.Shadows` with its constants: half the map and the bias in m, fade per m, depth in m."""

    axes: np.ndarray
    middle_m: np.ndarray
    blocked: np.ndarray
    half_m: float
    bias_m: float
    sharp: float
    deep_m: float


class Spots(NamedTuple):
    """Fragments: `p` picture, face, depth, share of soft light; `p 3` weights."""

    picture: np.ndarray
    face: np.ndarray
    weight: np.ndarray
    depth_m: np.ndarray
    dim: np.ndarray


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def soft_light(soft: Any, x: float, y: float, z: float) -> Any:
    """Return the soft light from around a direction: nine spherical harmonics."""
    b = (0.282095, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
         0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y))  # fmt: skip
    red = green = blue = 0.0
    for i in range(9):
        red += b[i] * soft[i, 0]
        green += b[i] * soft[i, 1]
        blue += b[i] * soft[i, 2]
    return red, green, blue


@njit(cache=True, error_model="numpy")
def texel(texels: Any, number: int, level: int, column: int, row: int) -> Any:
    """Return the linear colour of a texel."""
    value = texels.packed[texels.table[number, level, 0] + row * texels.table[number, level, 2] + column]
    linear = texels.linear
    return linear[value & 255], linear[(value >> 8) & 255], linear[(value >> 16) & 255]


@njit(cache=True, error_model="numpy")
def _nearest(texels: Any, number: int, u: float, v: float, texels_per_px: float) -> Any:
    level = int(min(max(np.rint(math.log2(max(texels_per_px, 1e-6))), 0.0), 7.0))
    height, width = texels.table[number, level, 1], texels.table[number, level, 2]
    column = min(int((u - math.floor(u)) * width), width - 1)
    row = min(int((1 - (v - math.floor(v))) * height), height - 1)
    return texel(texels, number, level, column, row)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _sunlit(dark: Any, i: int, x: float, y: float, z: float) -> float:
    """Return the share of the sun at a place."""
    x, y, z = x - dark.middle_m[i, 0], y - dark.middle_m[i, 1], z - dark.middle_m[i, 2]
    a = dark.axes[i]
    across, along = a[0, 0] * x + a[0, 1] * y + a[0, 2] * z, a[1, 0] * x + a[1, 1] * y + a[1, 2] * z
    near = a[2, 0] * x + a[2, 1] * y + a[2, 2] * z
    cells = dark.blocked.shape[1]
    c = min(max(((across / dark.half_m + 1) * cells - 1) / 2, 0.0), cells - 1.0)
    r = min(max(((along / dark.half_m + 1) * cells - 1) / 2, 0.0), cells - 1.0)
    c0, r0 = min(int(c), cells - 2), min(int(r), cells - 2)
    p, q = c - c0, r - r0
    b = dark.blocked[i]
    blocked = (1 - q) * ((1 - p) * b[r0, c0] + p * b[r0, c0 + 1])
    blocked += q * ((1 - p) * b[r0 + 1, c0] + p * b[r0 + 1, c0 + 1])
    value = math.exp(min(max(near + dark.bias_m, -dark.deep_m), dark.deep_m) * dark.sharp) / blocked
    return min(max(value, 0.0), 1.0)


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _normalised(x: float, y: float, z: float) -> Any:
    length = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return x / length, y / length, z / length


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _tipped(normal: Any, to_eye: Any, s0: float, s1: float) -> Any:
    """Return a normal tipped along its level and its upright tangent, on the side that faces the eye."""
    nx, ny, nz = normal
    ax, _, az = _normalised(nz, 0.0, -nx)
    lx, ly, lz = ny * az, nz * ax - nx * az, -ny * ax
    nx, ny, nz = _normalised(nx + s0 * ax + s1 * lx, ny + s1 * ly, nz + s0 * az + s1 * lz)
    away = 2 * min(nx * to_eye[0] + ny * to_eye[1] + nz * to_eye[2], 0.0)
    return nx - away * to_eye[0], ny - away * to_eye[1], nz - away * to_eye[2]


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _channel(light: Any, cosine: float, wander: float, how: Any) -> float:
    """Return one colour of a place: light that wandered under the skin comes out beyond the terminator."""
    albedo, soft, sky, sun = light
    dim, gloss, fresnel, fuzz = how
    direct = max((cosine + wander) / (1 + wander), 0.0)
    around = max(soft, 0.005) * dim
    out = albedo * (around + sun * direct) + gloss * sun + fresnel * max(sky, 0.0)
    return out + fuzz * (albedo * 0.5 + 0.25) * around


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def _lit(material: Any, albedo: Any, normal: Any, eye: Any, lamp: Any) -> Any:
    """Return the colour of a place; lamp: soft light, direction and colour of the sun there, share of soft light."""
    soft_map, sun_dir, sun, dim = lamp
    rough, specular, sheen, under = material[0], material[1], material[2], material[3]
    nx, ny, nz = normal
    soft = soft_light(soft_map, nx, ny, nz)
    cosine = nx * sun_dir[0] + ny * sun_dir[1] + nz * sun_dir[2]
    facing = min(max(nx * eye[0] + ny * eye[1] + nz * eye[2], 0.0), 1.0)
    edge = 1 - facing
    sky = soft_light(soft_map, 2 * facing * nx - eye[0], 2 * facing * ny - eye[1], 2 * facing * nz - eye[2])
    fresnel = (specular + (1 - specular) * edge**5 * (1 - rough)) * (1 - 0.7 * rough) * dim
    fuzz = sheen * 0.15 * edge**3
    gloss = 0.0
    if specular > 0 and cosine > 0:
        hx, hy, hz = _normalised(sun_dir[0] + eye[0], sun_dir[1] + eye[1], sun_dir[2] + eye[2])
        power = 2 / min(max(rough, 0.15), 1.0) ** 4
        gloss = max(nx * hx + ny * hy + nz * hz, 0.0) ** power * (power + 8) / 8 * cosine * specular
    red = _channel((albedo[0], soft[0], sky[0], sun[0]), cosine, 0.35 * under, (dim, gloss, fresnel, fuzz))
    green = _channel((albedo[1], soft[1], sky[1], sun[1]), cosine, 0.12 * under, (dim, gloss, fresnel, fuzz))
    blue = _channel((albedo[2], soft[2], sky[2], sun[2]), cosine, 0.06 * under, (dim, gloss, fresnel, fuzz))
    return red, green, blue


@njit(cache=True, fastmath=SHARES, error_model="numpy")
def paint(mesh: Any, spots: Any, texels: Any, lamps: Any, dark: Any, bumps: Any) -> Any:
    """Return the linear colours `p 3` and the places `p 3` of fragments; `bumps` is the sheet of `make_bumps`."""
    count, side = len(spots.face), len(bumps)
    colour, point = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
    for p in range(count):
        i, f = spots.picture[p], spots.face[p]
        s = mesh.surface[f]
        x = y = z = nx = ny = nz = u = v = wrinkle = 0.0
        for k in range(3):
            w, at = spots.weight[p, k], mesh.table[mesh.faces[f, k]]
            x, y, z = x + w * at[0], y + w * at[1], z + w * at[2]
            nx, ny, nz = nx + w * at[3], ny + w * at[4], nz + w * at[5]
            u, v, wrinkle = u + w * at[6], v + w * at[7], wrinkle + w * at[8]
        point[p, 0], point[p, 1], point[p, 2] = x, y, z
        eye = _normalised(lamps.eye_m[i, 0] - x, lamps.eye_m[i, 1] - y, lamps.eye_m[i, 2] - z)
        scale = texels.side[s] / mesh.side_m[s]
        albedo = _nearest(texels, s, u, v, spots.depth_m[p] / lamps.px_per_rad[i] * scale)
        normal = _normalised(nx, ny, nz)
        wave = mesh.side_m[s] / mesh.materials[s, 4] / 4  # the sheet holds four waves
        bump = bumps[math.floor(v * wave * side) % side, math.floor(u * wave * side) % side]
        normal = _tipped(normal, eye, wrinkle * bump[0], wrinkle * bump[1])
        lit = _sunlit(dark, i, x, y, z)
        sun = (lit * lamps.sun[i, 0], lit * lamps.sun[i, 1], lit * lamps.sun[i, 2])
        out = _lit(mesh.materials[s], albedo, normal, eye, (lamps.soft[i], lamps.sun_dir[i], sun, spots.dim[p]))
        colour[p, 0], colour[p, 1], colour[p, 2] = out
    return colour, point


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
