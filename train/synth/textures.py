"""Textures of many surfaces behind one index: pictures go in, colours at places and levels of detail come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import cv2
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from train.synth.fast_shade import Texels

_LEVELS = 8
# sRGB byte -> linear light.
_BYTE = torch.arange(256) / 255
_LINEAR = torch.where(_BYTE <= 0.04045, _BYTE / 12.92, ((_BYTE + 0.055) / 1.055) ** 2.4)


def to_linear(srgb: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """Return linear light of sRGB values in [0, 1]."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """Return sRGB values of linear light."""
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055)


def pyramid(texture: UInt8[Tensor, "h w 4"]) -> list[UInt8[Tensor, "_ _ 4"]]:
    """Return the picture and its halvings, at most eight."""
    levels = [texture]
    while len(levels) < _LEVELS and min(levels[-1].shape[:2]) >= 2:
        height, width = (side // 2 for side in levels[-1].shape[:2])
        even = levels[-1][: 2 * height, : 2 * width].cpu().numpy()
        small = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
        levels.append(torch.as_tensor(small, device=texture.device))
    return levels


@dataclass(frozen=True)
class TexturePool:
    """Pictures with their halvings in one list of texels.

    Attributes:
        texels: Four bytes each, as one number; table: `n 8 3` first texel, height and width of each level.
    """

    texels: Int[Tensor, "t"]
    table: Int[Tensor, "n 8 3"]

    @cached_property
    def linear(self) -> Float[Tensor, "256"]:
        """Return the light of a byte."""
        return _LINEAR.to(self.texels.device)

    @cached_property
    def side(self) -> Float[Tensor, "n"]:
        """Return how many texels long each picture is."""
        return self.table[:, 0, 1:].float().prod(1).sqrt()

    @cached_property
    def mean(self) -> Float[Tensor, "n 3"]:
        """Return the colour of each picture."""
        last = [self.texels[start : start + height * width] for start, height, width in self.table[:, -1].tolist()]
        return torch.stack([self._colour(texels)[:, :3].mean(0) for texels in last])

    @cached_property
    def arrays(self) -> Texels:
        """Return the texels as compiled loops read them."""
        return Texels(*(value.numpy() for value in (self.texels, self.table, self.side, self.linear)))

    def nearest(
        self, number: Int[Tensor, "p"], uv: Float[Tensor, "p 2"], texels_per_px: Float[Tensor, "p"]
    ) -> Float[Tensor, "p 4"]:
        """Return linear colour and alpha of the nearest texel, for places seen several times per pixel.

        Args:
            number: Which picture.
            uv: Where in it, (0, 0) lower left, repeated beyond [0, 1].
            texels_per_px: How many texels of the full picture lie across a pixel.
        """
        level = texels_per_px.clamp_min(1e-6).log2().round().clamp(0, _LEVELS - 1).long()
        start, height, width = self.table[number, level].unbind(1)
        wrapped = uv - uv.floor()
        column = (wrapped[:, 0] * width).long().clamp_max(width - 1)
        row = ((1 - wrapped[:, 1]) * height).long().clamp_max(height - 1)
        return self._colour(self.texels[start + row * width + column])

    def smooth(
        self, number: Int[Tensor, "p"], uv: Float[Tensor, "p 2"], texels_per_px: Float[Tensor, "p"]
    ) -> Float[Tensor, "p 4"]:
        """Return linear colour and alpha blended between the four nearest texels; arguments as of `nearest`."""
        level = texels_per_px.clamp_min(1e-6).log2().ceil().clamp(0, _LEVELS - 1).long()
        start, height, width = self.table[number, level].unbind(1)
        x = uv[:, 0] * width - 0.5
        y = (1 - uv[:, 1]) * height - 0.5
        left, top = x.floor(), y.floor()
        out = torch.zeros((len(uv), 4), device=uv.device)
        for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
            column, row = (left.long() + right) % width, (top.long() + below) % height
            share = (x - left if right else 1 - (x - left)) * (y - top if below else 1 - (y - top))
            out += share[:, None] * self._colour(self.texels[start + row * width + column])
        return out

    def _colour(self, texel: Int[Tensor, "p"]) -> Float[Tensor, "p 4"]:
        """Unpack texels; alpha is not a colour and stays as it is."""
        parts = texel.view(-1, 1).view(torch.uint8).long()
        return torch.cat([self.linear[parts[:, :3]], parts[:, 3:].float() / 255], 1)


class Shelf:
    """Keeps textures with their halvings, since those of the same people come again and again.

    Args:
        room: For so many texels; when it is full, all are forgotten.
    """

    def __init__(self, room: int = 1 << 24) -> None:
        self._room, self._used = room, 0
        self._texels = torch.zeros(0, dtype=torch.int32)
        self._known: dict[int, tuple[Tensor, list[tuple[int, int, int]]]] = {}

    def __call__(self, textures: Sequence[UInt8[Tensor, "_ _ 4"]]) -> TexturePool:
        """Return the textures as a pool, which is good until the next is asked for."""
        for attempt in count():
            if self._put(textures):
                break
            self._known, self._used = {}, 0
            if attempt:  # too little even when empty
                self._room, self._texels = 2 * self._room, self._texels[:0]
        return TexturePool(
            self._texels, torch.tensor([self._known[id(t)][1] for t in textures], device=textures[0].device)
        )

    def _put(self, textures: Sequence[UInt8[Tensor, "_ _ 4"]]) -> bool:
        """Put those on the shelf that are not there; return whether there was room for all."""
        if not len(self._texels):
            self._texels = torch.zeros(self._room, dtype=torch.int32, device=textures[0].device)
        for texture in textures:
            known = self._known.get(id(texture))
            if known is not None and known[0] is texture:  # an id may be taken again after its owner is gone
                continue
            levels = pyramid(texture)
            if self._used + sum(level.shape[0] * level.shape[1] for level in levels) > self._room:
                return False
            table = _table(levels, self._used)
            for level, (start, height, width) in zip(levels, table, strict=False):
                self._texels[start : start + height * width] = level.reshape(-1, 4).view(torch.int32)[:, 0]
                self._used = start + height * width
            self._known[id(texture)] = (texture, table)
        return True


def make_pool(pictures: Sequence[UInt8[Tensor, "_ _ 4"]]) -> TexturePool:
    """Return a pool of its own for some pictures."""
    return Shelf(sum(2 * picture.shape[0] * picture.shape[1] for picture in pictures))(pictures)


def _table(levels: Sequence[Tensor], start: int) -> list[tuple[int, int, int]]:
    """Return first texel, height and width of a picture's levels laid end to end; the last counts for those beyond."""
    rows = []
    for level in levels:
        rows.append((start, level.shape[0], level.shape[1]))
        start += level.shape[0] * level.shape[1]
    return rows + [rows[-1]] * (_LEVELS - len(rows))
