"""The colour of each seen place: fragments, materials and light go in; linear light towards the camera comes out."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, embedding_bag, interpolate, normalize

from train.synth.light import Light, harmonics
from train.synth.raster import Fragments
from train.synth.shots import Pack

_NOISE_SIDE = 128


@dataclass(frozen=True)
class Places:
    """What is known of the fragments of one picture before they are lit.

    Attributes:
        surface: `p`; point_m, normal: `p 3` in the world, the normal towards the camera; to_eye: `p 3`.
        albedo: `p 3`.
    """

    surface: Int[Tensor, "p"]
    point_m: Float[Tensor, "p 3"]
    normal: Float[Tensor, "p 3"]
    to_eye: Float[Tensor, "p 3"]
    albedo: Float[Tensor, "p 3"]


def places(
    pack: Pack, seen: Fragments, eye_m: Float[Tensor, "3"], px_per_rad: float, bumps: Float[Tensor, "n n 2"]
) -> Places:
    """Look up what fragments of one picture show.

    Args:
        pack: The surfaces.
        seen: The fragments.
        eye_m: Where the camera stands.
        px_per_rad: How finely it sees.
        bumps: Slopes of a repeating bumpy sheet; see `make_bumps`.
    """
    surface = pack.surface[seen.face]
    value = embedding_bag(
        pack.faces.index_select(0, seen.face), pack.table, per_sample_weights=seen.weight, mode="sum"
    )  # fmt: skip
    point, normal, uv, wrinkle = value[:, :3], value[:, 3:6], value[:, 6:8], value[:, 8]
    to_eye = normalize(eye_m - point, dim=1)
    side_m = pack.side_m[surface]
    texels = seen.depth_m / px_per_rad * pack.textures.side[surface] / side_m
    albedo = pack.textures.nearest(surface, uv, texels)[:, :3]
    normal = normalize(normal, dim=1)
    scale = pack.materials[surface, 4]
    slopes = wrinkle[:, None] * _slopes(bumps, uv * (side_m / scale)[:, None] / 4)  # the sheet holds four waves
    # Tip the normal along the two tangents that lie level and upright: n + s0 * (u x n) + s1 * n x (u x n).
    across = normalize(torch.stack([normal[:, 2], torch.zeros_like(wrinkle), -normal[:, 0]], 1), dim=1)
    along = torch.linalg.cross(normal, across)
    normal = normalize(normal + slopes[:, :1] * across + slopes[:, 1:] * along, dim=1)
    away = (normal * to_eye).sum(1, keepdim=True).clamp_max(0)
    # Seen from behind (hems, hair), or tipped over by bumps: the side that faces us.
    return Places(surface, point, normal - 2 * away * to_eye, to_eye, albedo)


def shade(
    at: Places, pack: Pack, light: Light, lit: Float[Tensor, "p"], dim: Float[Tensor, "p"]
) -> Float[Tensor, "p 3"]:
    """Light the places of one picture.

    Args:
        at: The places.
        pack: For the materials.
        light: What shines.
        lit: Share of the sun that reaches each place.
        dim: Share of soft light that reaches a place in a fold or between limbs.
    """
    material = pack.materials[at.surface]
    rough, specular, sheen, under = (material[:, i : i + 1] for i in range(4))
    soft = (harmonics(at.normal) @ light.soft).clamp_min(0.005) * dim[:, None]
    cosine = (at.normal @ light.sun_dir)[:, None]
    sun = lit[:, None] * light.sun
    # Light that wandered under the skin comes out beyond the terminator, and is red.
    wander = under * cosine.new_tensor([0.35, 0.12, 0.06])
    direct = ((cosine + wander) / (1 + wander)).clamp_min(0)
    facing = (at.normal * at.to_eye).sum(1, keepdim=True).clamp(0, 1)
    half = normalize(light.sun_dir + at.to_eye, dim=1)
    power = 2 / rough.clamp(0.15, 1) ** 4
    gloss = (at.normal * half).sum(1, keepdim=True).clamp_min(0) ** power * (power + 8) / 8
    fresnel = (specular + (1 - specular) * (1 - facing) ** 5 * (1 - rough)) * (1 - 0.7 * rough)
    sky = (harmonics(2 * facing * at.normal - at.to_eye) @ light.soft).clamp_min(0)
    out = at.albedo * (soft + sun * direct) + specular * gloss * cosine.clamp_min(0) * sun
    return out + fresnel * dim[:, None] * sky + sheen * 0.15 * (1 - facing) ** 3 * (at.albedo * 0.5 + 0.25) * soft


def folds(seen: Fragments, size: tuple[int, int, int], px_per_m: Float[Tensor, "b"]) -> Float[Tensor, "p"]:
    """Return how much soft light reaches each fragment: less where its surroundings stand nearer to us than itself."""
    b, height, width = size
    depth = torch.zeros(b * height * width, device=seen.pixel.device)
    depth[seen.pixel] = seen.depth_m
    depth = depth.view(b, 1, height, width)
    there = (depth > 0).float()
    # At a quarter of the size, over about 10 cm of the middle one of the batch.
    radius = int((0.08 * px_per_m.median() / 4).round().clamp(1, 12))
    pair = avg_pool2d(torch.cat([depth, there], 1), 4)
    box = pair.new_full((2, 1, 2 * radius + 1, 1), 1 / (2 * radius + 1))
    wide = conv2d(conv2d(pair, box, padding=(radius, 0), groups=2), box.mT, padding=(0, radius), groups=2)
    own, mean = (v[:, :1] / v[:, 1:].clamp_min(1e-4) for v in (pair, wide))
    out = 1 - (5 * (own - mean - 0.008)).clamp(0, 0.6)
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
    at = (uv * n).long().remainder(n)
    return bumps.reshape(-1, 2)[at[:, 1] * n + at[:, 0]]
