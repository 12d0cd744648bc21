"""Procedural cloth: a seed goes in, a repeating picture of weave, print and colour comes out."""

import colorsys
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from scipy.ndimage import gaussian_filter
from torch import Tensor

# One picture is this much cloth.
TILE_M = 0.5
_SIDE = 256
# How often: plain greys and blacks dominate in clinics and sport.
_PATTERNS = {"plain": 0.58, "melange": 0.16, "stripes": 0.11, "checks": 0.06, "dots": 0.03, "blots": 0.06}


def draw_colour(rng: np.random.Generator, *, vivid: float = 0.45) -> Float[ndarray, "3"]:
    """Draw an sRGB colour: a grey, black or white, a dull colour, or (with chance `vivid`) a strong one."""
    if rng.random() < vivid:
        return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.45, 0.95), rng.uniform(0.25, 0.9)))
    grey = rng.choice([0.08, 0.2, 0.45, 0.7, 0.92], p=[0.3, 0.2, 0.17, 0.13, 0.2]) + rng.uniform(-0.06, 0.06)
    tint = np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, 0.35), 1.0))
    return np.clip(grey * tint, 0.02, 0.97)


def draw_fabric(
    rng: np.random.Generator, *, vivid: float = 0.45, plain: bool = False, colour: Float[ndarray, "3"] | None = None
) -> UInt8[Tensor, "h w 4"]:
    """Draw a cloth; `plain` leaves out prints."""
    first = draw_colour(rng, vivid=vivid) if colour is None else colour
    names = list(_PATTERNS)
    name = "plain" if plain else str(rng.choice(names, p=list(_PATTERNS.values())))
    mask = _PAINTERS[name](rng)
    second = np.clip(first + rng.choice([-1, 1]) * rng.uniform(0.15, 0.35), 0, 1)
    if rng.random() < 0.5:
        second = draw_colour(rng, vivid=0.7)
    third = draw_colour(rng, vivid=0.7)
    image = first + mask[..., :1] * (second - first) + mask[..., 1:] * (third - first)
    return finish(image * (1 + weave(rng))[..., None])


def finish(image: Float[ndarray, "h w 3"]) -> UInt8[Tensor, "h w 4"]:
    """Turn colours in [0, 1] into an opaque texture."""
    out = np.full((*image.shape[:2], 4), 255, np.uint8)
    out[..., :3] = (np.clip(image, 0, 1) * 255).round()
    return torch.from_numpy(out)


def weave(rng: np.random.Generator, side: int = _SIDE) -> Float[ndarray, "h w"]:
    """Relative brightness: threads, and broad unevenness of worn cloth."""
    threads = 0.02 * rng.standard_normal((side, 1)) + 0.02 * rng.standard_normal((1, side))
    return threads + 0.03 * rng.standard_normal((side, side)) + 0.06 * cloud(rng, 6, side)


def cloud(rng: np.random.Generator, cells: int, side: int = _SIDE) -> Float[ndarray, "h w"]:
    """Smooth repeating noise of SD 1, about `cells` blots across."""
    high = cells // 2 + 1
    spectrum = np.zeros((side, side // 2 + 1), complex)
    row = np.r_[0 : high + 1, -high:0]
    waves = rng.standard_normal((2, len(row), high + 1))
    spectrum[row[:, None], np.arange(high + 1)] = (waves[0] + 1j * waves[1]) * (
        np.hypot(row[:, None], np.arange(high + 1)) <= high
    )
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(side, side))
    return field / field.std()


def _masks(first: ndarray, second: ndarray | float = 0.0) -> Float[ndarray, "h w 2"]:
    return np.stack(np.broadcast_arrays(first, second), axis=-1).astype(float)


def _plain(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    del rng
    return np.zeros((_SIDE, _SIDE, 2))


def _melange(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    speck = gaussian_filter(rng.standard_normal((_SIDE, _SIDE)), (0.6, 2.0), mode="wrap")
    return _masks(np.clip(0.35 + speck, 0, 1) * 0.7)


def _stripes(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    count, width = int(rng.choice([4, 6, 9, 14, 24])), rng.uniform(0.15, 0.6)
    across = (np.arange(_SIDE) / _SIDE * count) % 1
    wide, thin = across < width, (across > width + 0.1) & (across < width + 0.2) & (rng.random() < 0.4)
    mask = np.broadcast_to(_masks(wide, thin)[:, None], (_SIDE, _SIDE, 2))
    return mask if rng.random() < 0.75 else mask.transpose(1, 0, 2)


def _checks(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    count = int(rng.choice([5, 8, 12]))
    line = ((np.arange(_SIDE) / _SIDE * count) % 1) < rng.uniform(0.3, 0.5)
    thin = ((np.arange(_SIDE) / _SIDE * count) % 1) > 0.9
    return _masks((line[:, None] + 1.0 * line[None]) / 2, 0.6 * (thin[:, None] | thin[None]))


def _dots(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    count, radius = int(rng.choice([6, 10, 16])), rng.uniform(0.15, 0.35)
    at = np.arange(_SIDE) / _SIDE * count
    row = at.astype(int)[:, None]
    dx = (at[None] + 0.5 * (row % 2)) % 1 - 0.5
    return _masks(np.hypot(dx, (at % 1 - 0.5)[:, None]) < radius)


def _blots(rng: np.random.Generator) -> Float[ndarray, "h w 2"]:
    cells = int(rng.choice([4, 7, 12, 20]))
    return _masks(cloud(rng, cells) > rng.uniform(0.2, 0.9), cloud(rng, cells) > rng.uniform(0.6, 1.2))


_PAINTERS: dict[str, Callable[[np.random.Generator], Float[ndarray, "h w 2"]]] = {
    "plain": _plain, "melange": _melange, "stripes": _stripes, "checks": _checks, "dots": _dots, "blots": _blots,
}  # fmt: skip
