"""How a picture could also have come out: batches of crops in, the same people in other light and worse pictures out.

All of it in torch, so that it runs where the network does.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate


@dataclass(frozen=True)
class Looks:
    """How much pictures are changed.

    Attributes:
        gain, gamma, tint: Standard deviations of the logarithms of brightness, contrast curve and each colour.
        grey: Share of pictures without colour. blurred: share made smaller and large again, up to `coarse` times.
        noise: Of which the noise's standard deviation is drawn, of 1. hidden: share with a patch painted over.
    """

    gain: float = 0.2
    gamma: float = 0.2
    tint: float = 0.06
    grey: float = 0.05
    blurred: float = 0.3
    coarse: float = 3.0
    noise: float = 0.03
    hidden: float = 0.3


def change(images: UInt8[Tensor, "b 3 h w"], looks: Looks, generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """Return changed pictures, 0 to 1; what lies beyond a picture stays black."""
    b, _, height, width = images.shape
    device = images.device

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    def odds(share: float) -> Tensor:
        return (torch.rand(b, generator=generator) < share).to(device)

    x = images.float() / 255
    beyond = (images == 0).all(1, keepdim=True)
    x = x.clamp_min(1e-3) ** (looks.gamma * normal(b, 1, 1, 1)).exp()
    x = x * (looks.gain * normal(b, 1, 1, 1) + looks.tint * normal(b, 3, 1, 1)).exp()
    x = torch.where(odds(looks.grey)[:, None, None, None], x.mean(1, keepdim=True).expand_as(x), x)
    x = torch.where(odds(looks.blurred)[:, None, None, None], _coarse(x, looks.coarse, generator), x)
    x = torch.where(odds(looks.blurred / 2)[:, None, None, None], avg_pool2d(x, 3, 1, 1, count_include_pad=False), x)
    x = x + looks.noise * normal(b, 1, 1, 1).abs() * normal(b, 3, height, width)
    x = torch.where(beyond, 0.0, x)
    return torch.where(odds(looks.hidden)[:, None, None, None], _painted(x, generator), x).clamp(0, 1)


def _coarse(x: Tensor, most: float, generator: torch.Generator) -> Tensor:
    """Return the pictures as if they had been smaller, all by one factor."""
    factor = 1 + (most - 1) * float(torch.rand(1, generator=generator))
    small = interpolate(x, scale_factor=1 / factor, mode="bilinear", antialias=True)
    return interpolate(small, x.shape[2:], mode="bilinear")


def _painted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return the pictures with one rectangle each of another picture's mean colours."""
    b, _, height, width = x.shape
    size = torch.tensor([height, width])
    side = (0.08 + 0.25 * torch.rand((b, 2), generator=generator)) * size
    start = torch.rand((b, 2), generator=generator) * (size - side)
    row, column = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    inside = (row >= start[:, 0, None, None]) & (row < (start + side)[:, 0, None, None])
    inside = inside & (column >= start[:, 1, None, None]) & (column < (start + side)[:, 1, None, None])
    colour = x.mean((2, 3), keepdim=True)[torch.randperm(b, generator=generator)]
    return torch.where(inside[:, None].to(x.device), colour, x)
