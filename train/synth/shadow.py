"""Shadows of a batch: the points of everything that stands there go in; how much sun and sky reach a place comes out.

Skin and clothes have so many vertices that their points alone, seen from the sun, close into a shadow.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import grid_sample, max_pool2d, normalize

from train.synth import fast_shade

_CELLS = 96
_CELL_M = 0.03
HALF_M = _CELLS * _CELL_M / 2
SHARP = 22.0  # per m: how fast light fades behind an edge (exponential shadow maps, Annen 2008)
BIAS_M = 0.05
DEEP_M = 2.5  # how far before and behind the middle shadows are told apart
_DIM_HEIGHT_M = 0.14  # how high above the floor a thing still takes sky from it


@dataclass(frozen=True)
class Shadows:
    """Height maps seen from the suns, and what the floors are robbed of.

    Attributes:
        axes: `b 3 3` rows: two directions across the sun's rays, and the one towards it.
        middle_m: `b 3` of the maps.
        blocked: `b 1 c c` blurred exp(sharp * nearness to the sun).
        dim: `b 1 c c` share of the sky that things on the floor hide, seen from above.
    """

    axes: Float[Tensor, "b 3 3"]
    middle_m: Float[Tensor, "b 3"]
    blocked: Float[Tensor, "b 1 c c"]
    dim: Float[Tensor, "b 1 c c"]

    @cached_property
    def arrays(self) -> fast_shade.Dark:
        """Return the maps of the suns as compiled loops read them."""
        axes, middle_m, blocked = (v.contiguous().numpy() for v in (self.axes, self.middle_m, self.blocked[:, 0]))
        return fast_shade.Dark(axes, middle_m, blocked, HALF_M, BIAS_M, SHARP, DEEP_M)

    def sun(self, picture: int, point_m: Float[Tensor, "p 3"]) -> Float[Tensor, "p"]:
        """Return the share of the sun that reaches points of one picture."""
        at = (point_m - self.middle_m[picture]) @ self.axes[picture].mT
        blocked = _look(self.blocked[picture], at[:, :2])
        return (torch.exp((at[:, 2] + BIAS_M).clamp(-DEEP_M, DEEP_M) * SHARP) / blocked).clamp(0, 1)

    def sky(self, picture: int, point_m: Float[Tensor, "p 3"]) -> Float[Tensor, "p"]:
        """Return the share of the sky that points of the floor see."""
        return 1 - 0.8 * _look(self.dim[picture], (point_m - self.middle_m[picture])[:, [0, 2]])


def cast(
    points_m: Float[Tensor, "v 3"],
    picture: Int[Tensor, "v"],
    middle_m: Float[Tensor, "b 3"],
    *,
    sun_dir: Float[Tensor, "b 3"],
    sun_size_rad: Float[Tensor, "b"],
) -> Shadows:
    """Cast the shadows of points around the middle of each picture's scene."""
    up = torch.where((sun_dir[:, 1:2].abs() > 0.9), sun_dir.new_tensor([1.0, 0, 0]), sun_dir.new_tensor([0, 1.0, 0]))
    across = normalize(torch.linalg.cross(up, sun_dir), dim=1)
    axes = torch.stack([across, torch.linalg.cross(sun_dir, across), sun_dir], 1)
    splat = splat_on_processor if points_m.device.type == "cpu" else splat_in_torch
    near, low = splat(points_m, picture, axes, middle_m)
    near = max_pool2d(near - DEEP_M, 3, 1, 1)
    # A large lamp blurs the shadow of a thing a metre away by its size: two widths, chosen per picture.
    value = torch.exp(near * SHARP)
    crisp, soft = _blur(value, 1), _blur(value, 4)
    share = (sun_size_rad / 0.2).clamp(0, 1)[:, None, None, None]
    dim = max_pool2d(low, 3, 1, 1)
    return Shadows(axes, middle_m, crisp ** (1 - share) * soft**share, 0.5 * _blur(dim, 1) + 0.5 * _blur(dim, 4))


def splat_on_processor(
    points_m: Float[Tensor, "v 3"],
    picture: Int[Tensor, "v"],
    axes: Float[Tensor, "b 3 3"],
    middle_m: Float[Tensor, "b 3"],
) -> tuple[Float[Tensor, "b 1 c c"], Float[Tensor, "b 1 c c"]]:
    """Return maps of how near points are to the suns, from `-DEEP_M` on, and of what stands low over the floor."""
    points, rows, turns, middle = (v.contiguous().numpy() for v in (points_m, picture, axes, middle_m))
    near, low = fast_shade.splat(points, rows, turns, middle, (_CELLS, _CELL_M, DEEP_M, _DIM_HEIGHT_M))
    return torch.as_tensor(near)[:, None], torch.as_tensor(low)[:, None]


def splat_in_torch(
    points_m: Float[Tensor, "v 3"],
    picture: Int[Tensor, "v"],
    axes: Float[Tensor, "b 3 3"],
    middle_m: Float[Tensor, "b 3"],
) -> tuple[Float[Tensor, "b 1 c c"], Float[Tensor, "b 1 c c"]]:
    """Do the same as `splat_on_processor` in plain torch, as on a GPU."""
    away = points_m - middle_m[picture]
    at = torch.einsum("vij,vj->vi", axes[picture], away)
    near = _splat(at[:, :2], picture, at[:, 2].clamp(-DEEP_M, DEEP_M) + DEEP_M, len(axes))
    low = torch.exp(-points_m[:, 1].clamp_min(0) / _DIM_HEIGHT_M)
    return near, _splat(away[:, [0, 2]], picture, low, len(axes))


def _splat(at_m: Float[Tensor, "v 2"], picture: Int[Tensor, "v"], value: Float[Tensor, "v"], b: int) -> Tensor:
    """Return the largest positive value in each cell, 0 where there is none."""
    cell = ((at_m + HALF_M) / _CELL_M).floor().long()
    inside = ((cell >= 0) & (cell < _CELLS)).all(1)
    index = ((picture * _CELLS + cell[:, 1]) * _CELLS + cell[:, 0])[inside]
    out = value.new_zeros(b * _CELLS * _CELLS)
    return out.scatter_reduce_(0, index, value[inside], "amax").view(b, 1, _CELLS, _CELLS)


def _blur(value: Float[Tensor, "b 1 c c"], radius: int) -> Tensor:
    """Average twice over a square of `2 * radius + 1` cells."""
    away = (torch.arange(_CELLS) - torch.arange(_CELLS)[:, None]).abs()
    size = 2 * radius + 1
    tent = ((size - away).clamp_min(0) / size**2).to(value)
    return tent @ value @ tent


def _look(grid: Float[Tensor, "1 c c"], at_m: Float[Tensor, "p 2"]) -> Float[Tensor, "p"]:
    """Return the grid's values at places, blended."""
    where = (at_m / HALF_M)[None, None]
    return grid_sample(grid[None], where, align_corners=False, padding_mode="border")[0, 0, 0]
