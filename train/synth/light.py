"""Light from all around: panoramas go in; soft light, one lamp or sun and its colour come out."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, normalize

# Cosine lobe over the first three bands of spherical harmonics (Ramamoorthi & Hanrahan 2001), divided by pi.
_LOBE = torch.tensor([1.0, *[2 / 3] * 3, *[0.25] * 5])
LUMA = torch.tensor([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Light:
    """What shines on a scene, such that a white chalk surface shows `soft(n) + sun * max(0, n.dir)`.

    Attributes:
        soft: `9 3` spherical harmonics of the light without the sun, already spread over a half sphere.
        sun_dir: `3` unit vector towards the sun or lamp; sun: `3` its colour.
        sun_size_rad: Its radius, which softens shadows.
    """

    soft: Float[Tensor, "9 3"]
    sun_dir: Float[Tensor, "3"]
    sun: Float[Tensor, "3"]
    sun_size_rad: float


def harmonics(direction: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 9"]:
    """Return the first nine real spherical harmonics."""
    x, y, z = direction.unbind(-1)
    return torch.stack(
        [
            torch.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y,
            1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
        ],
        -1,
    )  # fmt: skip


@cache
def directions(height: int, width: int) -> tuple[Float[Tensor, "h w 3"], Float[Tensor, "h w"]]:
    """Return where the texels of a panorama look, and the solid angle of each; not to be changed."""
    polar = (torch.arange(height) + 0.5) / height * torch.pi
    turn = (torch.arange(width) + 0.5) / width * 2 * torch.pi
    polar, turn = torch.meshgrid(polar, turn, indexing="ij")
    look = torch.stack([polar.sin() * turn.sin(), polar.cos(), polar.sin() * turn.cos()], -1)
    return look, polar.sin() * (torch.pi / height) * (2 * torch.pi / width)


@cache
def _gather(height: int, width: int) -> Float[Tensor, "9 t"]:
    """Return what turns the texels of a panorama into harmonics."""
    look, angle = directions(height, width)
    return (harmonics(look) * angle[..., None]).flatten(0, 1).T.contiguous()


def panorama_uv(direction: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 2"]:
    """Return where a direction lies in a panorama: x and y in [0, 1], y down."""
    turn = torch.atan2(direction[..., 0], direction[..., 2]) / (2 * torch.pi)
    polar = torch.acos(direction[..., 1].clamp(-1, 1)) / torch.pi
    return torch.stack([turn - turn.floor(), polar], -1)


def light_of(panorama: Float[Tensor, "h w 3"]) -> Light:
    """Split a panorama into its brightest place and the rest."""
    height = 64
    small = interpolate(panorama.movedim(2, 0)[None], (height, 2 * height), mode="area")[0].movedim(0, 2)
    look, angle = directions(height, 2 * height)
    bright = small @ LUMA
    blurred = avg_pool2d(bright[None, None], 5, 1, 2)[0, 0]
    peak = int(blurred.flatten().argmax())
    towards = look.flatten(0, 1)[peak]
    near = (look @ towards > 0.94) & (bright > 0.25 * blurred.max())  # within 20 degrees
    rest = torch.where(near[..., None], torch.minimum(small, small[~near].mean(0)), small)
    flux = ((small - rest) * angle[..., None]).sum((0, 1)) / torch.pi
    weight = ((small - rest) @ LUMA) * angle
    towards = normalize((look * weight[..., None]).sum((0, 1)), dim=0) if weight.sum() > 0 else towards
    soft = _LOBE[:, None] * (_gather(height, 2 * height) @ rest.flatten(0, 1))
    size = float((angle[near].sum() / torch.pi).sqrt().clamp(0.01, 0.35))
    return Light(soft, towards, flux, size)


def turned(light: Light, turn: Float[Tensor, "3 3"]) -> Light:
    """Return the light after turning the world (a rotation about y)."""
    look, _ = directions(16, 32)
    value = harmonics(look @ turn) @ light.soft  # light from `look` now is light from `turn.T look` before
    soft = _gather(16, 32) @ value.flatten(0, 1)
    return Light(soft, turn @ light.sun_dir, light.sun, light.sun_size_rad)


def read_panorama(path: Path) -> Float[Tensor, "h w 3"]:
    """Read an equirectangular picture as linear light whose mean over the sphere is 1.

    Raises:
        FileNotFoundError: It cannot be read.
    """
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise FileNotFoundError(path)
    out = torch.as_tensor(np.ascontiguousarray(image[..., 2::-1], dtype=np.float32))
    _, angle = directions(*out.shape[:2])
    out = out.clamp_max(float(out.mean()) * 3000)
    return out / ((out @ LUMA) * angle).sum() * (4 * torch.pi)
