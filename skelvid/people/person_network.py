"""The network of the detector that ships: pictures in, boxes around people and how far to trust each out.

The design known as YOLO11 nano with one class, written anew for running alone: what normalised batches in training is
part of the convolutions here.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, silu

# Pictures must be multiples of the last one, px.
STRIDES = (8, 16, 32)
# Distances from a place to the sides of a box are spread over these many steps of one stride.
BINS = 16


class Conv(nn.Module):
    """A convolution that keeps its place, and SiLU behind it unless it is `plain`."""

    def __init__(
        self, inputs: int, outputs: int, size: int = 1, stride: int = 1, *, groups: int = 1, plain: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups)
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        """Return `b outputs h/stride w/stride`."""
        return self.conv(x) if self.plain else silu(self.conv(x), inplace=not torch.is_grad_enabled())


class Residual(nn.Module):
    """Two convolutions whose result is added to what they were given."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.first, self.second = Conv(width, inner, 3), Conv(inner, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        return x + self.second(self.first(x))


class Deep(nn.Module):
    """Two residual blocks on one half of the channels, and none on the other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.worked, self.passed, self.join = Conv(width, half), Conv(width, half), Conv(2 * half, width)
        self.blocks = nn.Sequential(Residual(half, half), Residual(half, half))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        return self.join(torch.cat([self.blocks(self.worked(x)), self.passed(x)], 1))


class Split(nn.Module):
    """A stage: channels in two parts, a block on the second, and all three joined."""

    def __init__(self, inputs: int, outputs: int, part: int, *, deep: bool) -> None:
        super().__init__()
        self.split, self.join = Conv(inputs, 2 * part), Conv(3 * part, outputs)
        self.block = Deep(part) if deep else Residual(part, part // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return `b outputs h w`."""
        first, second = self.split(x).chunk(2, 1)
        return self.join(torch.cat([first, second, self.block(second)], 1))


class Pool(nn.Module):
    """Each place beside the strongest within 2, 4 and 6 places of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.split, self.join = Conv(width, width // 2), Conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        parts = [self.split(x)]
        for _ in range(3):
            parts.append(max_pool2d(parts[-1], 5, 1, 2))
        return self.join(torch.cat(parts, 1))


class Attention(nn.Module):
    """Half of the channels look at all places, by `heads` ways of looking; the other half is passed on."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        part = width // 2
        self.heads, self.key = heads, part // heads // 2
        self.split, self.join = Conv(width, width), Conv(width, width)
        self.ask = Conv(part, 2 * part, plain=True)
        self.answer = Conv(part, part, plain=True)
        self.place = Conv(part, part, 3, groups=part, plain=True)
        self.widen, self.narrow = Conv(part, 2 * part), Conv(2 * part, part, plain=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        passed, part = self.split(x).chunk(2, 1)
        part = part + self._look(part)
        part = part + self.narrow(self.widen(part))
        return self.join(torch.cat([passed, part], 1))

    def _look(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        sizes = [self.key, self.key, 2 * self.key]
        query, key, value = self.ask(x).reshape(b, self.heads, -1, h * w).split(sizes, 2)
        weight = (query.transpose(2, 3) @ key * self.key**-0.5).softmax(-1)
        seen = (value @ weight.transpose(2, 3)).reshape(b, c, h, w)
        return self.answer(seen + self.place(value.reshape(b, c, h, w)))


class Head(nn.Module):
    """What a place says: how far its box reaches to each side, and whether a person is there."""

    def __init__(self, inputs: int, width: int = 64) -> None:
        super().__init__()
        self.reach = nn.Sequential(
            Conv(inputs, width, 3), Conv(width, width, 3), Conv(width, 4 * BINS, plain=True)
        )  # fmt: skip
        self.person = nn.Sequential(
            Conv(inputs, inputs, 3, groups=inputs), Conv(inputs, width),
            Conv(width, width, 3, groups=width), Conv(width, width), Conv(width, 1, plain=True),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return `b 4 n` distances to left, top, right and bottom in strides, and `b n` scores."""
        spread = self.reach(x).flatten(2).unflatten(1, (4, BINS)).softmax(2)
        steps = torch.arange(BINS, dtype=x.dtype, device=x.device)
        return torch.einsum("bsdn,d->bsn", spread, steps), self.person(x).flatten(1).sigmoid()


class PersonNetwork(nn.Module):
    """The whole: a backbone, a pyramid down and up again, and a head at each of `STRIDES`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 16, 3, 2), Conv(16, 32, 3, 2), Split(32, 64, 16, deep=False))
        self.eighth = nn.Sequential(Conv(64, 64, 3, 2), Split(64, 128, 32, deep=False))
        self.sixteenth = nn.Sequential(Conv(128, 128, 3, 2), Split(128, 128, 64, deep=True))
        self.last = nn.Sequential(
            Conv(128, 256, 3, 2), Split(256, 256, 128, deep=True), Pool(256), Attention(256, 2)
        )  # fmt: skip
        self.down_sixteenth, self.down_eighth = Split(384, 128, 64, deep=False), Split(256, 64, 32, deep=False)
        self.to_sixteenth, self.up_sixteenth = Conv(64, 64, 3, 2), Split(192, 128, 64, deep=False)
        self.to_last, self.up_last = Conv(128, 128, 3, 2), Split(384, 256, 128, deep=True)
        self.heads = nn.ModuleList([Head(64), Head(128), Head(256)])

    def forward(self, pictures: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b n 4"], Float[Tensor, "b n"]]:
        """Return boxes, px of the pictures, and scores.

        Args:
            pictures: Red, green, blue from 0 to 1; sides are multiples of 32.
        """
        eighth = self.eighth(self.stem(pictures))
        sixteenth = self.sixteenth(eighth)
        last = self.last(sixteenth)
        middle = self.down_sixteenth(torch.cat([_doubled(last), sixteenth], 1))
        fine = self.down_eighth(torch.cat([_doubled(middle), eighth], 1))
        middle = self.up_sixteenth(torch.cat([self.to_sixteenth(fine), middle], 1))
        coarse = self.up_last(torch.cat([self.to_last(middle), last], 1))
        return self._boxes([fine, middle, coarse])

    def _boxes(self, levels: Sequence[Tensor]) -> tuple[Float[Tensor, "b n 4"], Float[Tensor, "b n"]]:
        boxes: list[Tensor] = []
        scores: list[Tensor] = []
        for head, level, stride in zip(self.heads, levels, STRIDES, strict=True):
            reach, score = head(level)
            rows, columns = (torch.arange(side, device=level.device) + 0.5 for side in level.shape[2:])
            y, x = (axis.flatten() for axis in torch.meshgrid(rows, columns, indexing="ij"))
            place = torch.stack([x, y])
            boxes.append(stride * torch.cat([place - reach[:, :2], place + reach[:, 2:]], 1).transpose(1, 2))
            scores.append(score)
        return torch.cat(boxes, 1), torch.cat(scores, 1)


def _doubled(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")
