"""The colour of each seen place: fragments, materials and light go in; linear light towards the camera comes out."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, embedding_bag, interpolate, normalize

from train.synth import fast_paint, fast_shade
from train.synth.light import harmonics
from train.synth.raster import Fragments
from train.synth.shadow import Shadows
from train.synth.shots import Pack

_NOISE_SIDE = 128


@dataclass(frozen=True)
class Scene:
    """How the pictures of a batch are seen and lit.

    Attributes:
        eye_m: `b 3` cameras; px_per_rad: `b` how finely they see.
        soft, sun_dir, sun: `b 9 3`, `b 3`, `b 3` of each `Light`. shadows: Who stands in whose sun.
        bumps: Slopes of a repeating bumpy sheet; see `make_bumps`.
    """

    eye_m: Float[Tensor, "b 3"]
    px_per_rad: Float[Tensor, "b"]
    soft: Float[Tensor, "b 9 3"]
    sun_dir: Float[Tensor, "b 3"]
    sun: Float[Tensor, "b 3"]
    shadows: Shadows
    bumps: Float[Tensor, "n n 2"]


@dataclass(frozen=True)
class _Places:
    """Surface `p`, point and normal in the world `p 3`, the normal towards the eye, direction to it, albedo `p 3`."""

    surface: Tensor
    point_m: Tensor
    normal: Tensor
    to_eye: Tensor
    albedo: Tensor


def paint_on_processor(
    pack: Pack, seen: Fragments, picture: Int[Tensor, "p"], scene: Scene, dim: Float[Tensor, "p"]
) -> tuple[Float[Tensor, "p 3"], Float[Tensor, "p 3"]]:
    """Return the colour of each fragment and the place it shows, by compiled loops.

    Args:
        pack: The surfaces.
        seen: The fragments.
        picture: In which each is.
        scene: Cameras and lights.
        dim: Share of soft light that reaches a place in a fold or between limbs.
    """
    per_m = pack.textures.side / pack.side_m
    wave = pack.side_m / pack.materials[:, 4] / 4  # the sheet holds four waves
    mesh = fast_paint.Mesh(*map(_array, (pack.table, pack.faces, pack.surface, pack.materials, per_m, wave)))
    lamps = fast_paint.Lamps(*map(_array, (scene.eye_m, scene.px_per_rad, scene.soft, scene.sun_dir, scene.sun)))
    first = torch.searchsorted(picture, torch.arange(len(scene.eye_m) + 1))
    spots = fast_paint.Spots(*map(_array, (first, seen.face, seen.weight, seen.depth_m, dim)))
    colour, point = fast_paint.paint(
        mesh, spots, pack.textures.arrays, lamps, scene.shadows.arrays, _array(scene.bumps)
    )
    return torch.as_tensor(colour), torch.as_tensor(point)


def _array(value: Tensor) -> np.ndarray:
    return value.contiguous().numpy()


def paint_in_torch(
    pack: Pack, seen: Fragments, picture: Int[Tensor, "p"], scene: Scene, dim: Float[Tensor, "p"]
) -> tuple[Float[Tensor, "p 3"], Float[Tensor, "p 3"]]:
    """Do the same as `paint_on_processor` in plain torch, as on a GPU."""
    at = _places(pack, seen, picture, scene)
    lit = torch.cat([scene.shadows.sun(i, at.point_m[picture == i]) for i in range(len(scene.eye_m))])
    return _shade(at, pack, picture, scene, (lit, dim)), at.point_m


def _places(pack: Pack, seen: Fragments, picture: Tensor, scene: Scene) -> _Places:
    """Look up what fragments show."""
    surface = pack.surface[seen.face]
    value = embedding_bag(
        pack.faces.index_select(0, seen.face), pack.table, per_sample_weights=seen.weight, mode="sum"
    )  # fmt: skip
    point, normal, uv, wrinkle = value[:, :3], value[:, 3:6], value[:, 6:8], value[:, 8]
    to_eye = normalize(scene.eye_m[picture] - point, dim=1)
    side_m = pack.side_m[surface]
    texels = seen.depth_m / scene.px_per_rad[picture] * pack.textures.side[surface] / side_m
    albedo = pack.textures.nearest(surface, uv, texels)[:, :3]
    normal = normalize(normal, dim=1)
    scale = pack.materials[surface, 4]
    # The sheet holds four waves.
    slopes = wrinkle[:, None] * _slopes(scene.bumps, uv * (side_m / scale)[:, None] / 4)
    # Tip the normal along the two tangents that lie level and upright: n + s0 * (u x n) + s1 * n x (u x n).
    across = normalize(torch.stack([normal[:, 2], torch.zeros_like(wrinkle), -normal[:, 0]], 1), dim=1)
    along = torch.linalg.cross(normal, across)
    normal = normalize(normal + slopes[:, :1] * across + slopes[:, 1:] * along, dim=1)
    away = (normal * to_eye).sum(1, keepdim=True).clamp_max(0)
    # Seen from behind (hems, hair), or tipped over by bumps: the side that faces us.
    return _Places(surface, point, normal - 2 * away * to_eye, to_eye, albedo)


def _shade(at: _Places, pack: Pack, picture: Tensor, scene: Scene, share: tuple[Tensor, Tensor]) -> Tensor:
    """Light places; share: of the sun and of the soft light that reaches each."""
    lit, dim = (value[:, None] for value in share)
    material = pack.materials[at.surface]
    rough, specular, sheen, under = (material[:, i : i + 1] for i in range(4))
    soft_map, sun_dir = scene.soft[picture], scene.sun_dir[picture]
    soft = _around(at.normal, soft_map).clamp_min(0.005) * dim
    cosine = (at.normal * sun_dir).sum(1, keepdim=True)
    sun = lit * scene.sun[picture]
    # Light that wandered under the skin comes out beyond the terminator, and is red.
    wander = under * cosine.new_tensor([0.35, 0.12, 0.06])
    direct = ((cosine + wander) / (1 + wander)).clamp_min(0)
    facing = (at.normal * at.to_eye).sum(1, keepdim=True).clamp(0, 1)
    half = normalize(sun_dir + at.to_eye, dim=1)
    power = (2 / rough.clamp(0.15, 1) ** 4).round()
    gloss = (at.normal * half).sum(1, keepdim=True).clamp_min(0) ** power * (power + 8) / 8
    fresnel = (specular + (1 - specular) * (1 - facing) ** 5 * (1 - rough)) * (1 - 0.7 * rough)
    sky = _around(2 * facing * at.normal - at.to_eye, soft_map).clamp_min(0)
    out = at.albedo * (soft + sun * direct) + specular * gloss * cosine.clamp_min(0) * sun
    return out + fresnel * dim * sky + sheen * 0.15 * (1 - facing) ** 3 * (at.albedo * 0.5 + 0.25) * soft


def _around(direction: Float[Tensor, "p 3"], soft: Float[Tensor, "p 9 3"]) -> Float[Tensor, "p 3"]:
    return (harmonics(direction)[:, None] @ soft)[:, 0]


def folds(seen: Fragments, size: tuple[int, int, int], px_per_m: Float[Tensor, "b"]) -> Float[Tensor, "p"]:
    """Return how much soft light reaches each fragment: less where its surroundings stand nearer to us than itself."""
    # At a quarter of the size, over about 10 cm of the middle one of the batch.
    radius = int((0.08 * px_per_m.median() / 4).round().clamp(1, 12))
    if seen.pixel.device.type == "cpu":
        return torch.as_tensor(fast_shade.folds(_array(seen.pixel), _array(seen.depth_m), size, radius))
    return folds_in_torch(seen, size, radius)


def folds_in_torch(seen: Fragments, size: tuple[int, int, int], radius: int) -> Float[Tensor, "p"]:
    """Do the same as `folds` in plain torch, as on a GPU; radius: of the surroundings, in cells of 4 px."""
    b, height, width = size
    depth = torch.zeros(b * height * width, device=seen.pixel.device)
    depth[seen.pixel] = seen.depth_m
    depth = depth.view(b, 1, height, width)
    pair = avg_pool2d(torch.cat([depth, (depth > 0).float()], 1), 4)
    box = pair.new_full((2, 1, 2 * radius + 1, 1), 1 / (2 * radius + 1))
    wide = conv2d(conv2d(pair, box, padding=(radius, 0), groups=2), box.mT, padding=(0, radius), groups=2)
    own, mean = (v[:, :1] / v[:, 1:].clamp_min(1e-9) for v in (pair, wide))
    out = torch.where(pair[:, 1:] > 0, 1 - (5 * (own - mean - 0.008)).clamp(0, 0.6), 1.0)
    return interpolate(out, (height, width), mode="bilinear").flatten()[seen.pixel]


def make_bumps(generator: torch.Generator) -> Float[Tensor, "n n 2"]:
    """Return the slopes of a repeating sheet with four waves of folds to its side, stretched along y."""
    n = _NOISE_SIDE
    fx = torch.fft.fftfreq(n)[None] * n
    fy = torch.fft.fftfreq(n)[:, None] * n
    radius = (fx**2 + (1.6 * fy) ** 2).sqrt()
    band = torch.exp(-(((radius - 4) / 2.5) ** 2)) + 0.25 * torch.exp(-(((radius - 11) / 4) ** 2))
    wave = torch.fft.fft2(torch.randn((n, n), generator=generator)) * band
    height = torch.fft.ifft2(wave).real
    slope = torch.stack([height.roll(-1, 1) - height.roll(1, 1), height.roll(-1, 0) - height.roll(1, 0)], -1)
    return 0.45 * slope / slope.std()


def _slopes(bumps: Float[Tensor, "n n 2"], uv: Float[Tensor, "p 2"]) -> Float[Tensor, "p 2"]:
    n = len(bumps)
    at = (uv * n).floor().long().remainder(n)
    return bumps.reshape(-1, 2)[at[:, 1] * n + at[:, 0]]
