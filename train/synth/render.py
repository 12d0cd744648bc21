"""Shots become pictures: surfaces, cameras and light go in; linear light and what each pixel shows come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import interpolate

from train.synth import fast_raster, fast_shade
from train.synth.backdrop import Seen
from train.synth.fast_raster import tents
from train.synth.light import Light, harmonics
from train.synth.raster import Fragments, Holes, rasterise
from train.synth.shade import Scene, folds, make_bumps, paint_in_torch, paint_on_processor
from train.synth.shadow import Shadows, cast
from train.synth.shots import Pack, Shot, pack
from train.synth.textures import Shelf

# Pixels that things cover to this share need no backdrop.
_COVERED = 1 - 1e-4


@dataclass(frozen=True)
class Rendered:
    """A batch of pictures and what they show.

    Attributes:
        light: `b 3 h w` linear light, not yet exposed.
        cover: `b H W` index into `seen`, or -1 for the backdrop; H W are the fine pixels (`fine` to a side).
        seen: The fragments; pack: the surfaces they belong to.
        floor_m: `b h w 3` the points that the backdrop shows; point_m: `p 3` those of the fragments.
    """

    light: Float[Tensor, "b 3 h w"]
    cover: Int[Tensor, "b _ _"]
    seen: Fragments
    pack: Pack
    floor_m: Float[Tensor, "b h w 3"]
    point_m: Float[Tensor, "p 3"]


class Renderer:
    """Draws batches of shots of one size.

    Args:
        fine: Samples per pixel and side; 1 is fast and jagged.
    """

    def __init__(self, *, fine: float = 1.5) -> None:
        self.fine = fine
        self._shelf = Shelf()
        self._bumps = make_bumps(torch.Generator().manual_seed(0))

    def __call__(self, shots: Sequence[Shot]) -> Rendered:
        """Draw a batch; all shots must be of one size."""
        surfaces = pack(shots, self._shelf)
        height, width = shots[0].view.size_hw
        size = (len(shots), round(height * self.fine), round(width * self.fine))
        seen = _visible(surfaces, screen_of(surfaces, shots, size), size)
        shadows = cast(
            surfaces.vertices_m, surfaces.at, torch.stack([shot.focus_m for shot in shots]),
            sun_dir=torch.stack([shot.light.sun_dir for shot in shots]),
            sun_size_rad=torch.tensor([shot.light.sun_size_rad for shot in shots]),
        )  # fmt: skip
        colour, point = self._light(surfaces, seen, shots, size, shadows)
        front = _downsample(seen, colour, size, (height, width))
        back, floor = _backdrops(shots, shadows, front[:, 3] < _COVERED)
        cover = torch.full((size[0] * size[1] * size[2],), -1, dtype=torch.int32)
        cover[seen.pixel] = torch.arange(len(seen.pixel), dtype=torch.int32)
        return Rendered(front[:, :3] + (1 - front[:, 3:]) * back, cover.view(size), seen, surfaces, floor, point)

    def _light(
        self, surfaces: Pack, seen: Fragments, shots: Sequence[Shot], size: tuple[int, int, int], shadows: Shadows
    ) -> tuple[Float[Tensor, "p 3"], Float[Tensor, "p 3"]]:
        """Return colours and places of the fragments."""
        fine = size[1] / shots[0].view.size_hw[0]
        px_per_rad = torch.tensor([shot.view.focal_px * fine for shot in shots], dtype=torch.float32)
        distance = torch.stack([shot.view.to_camera(shot.focus_m)[2] for shot in shots])
        scene = Scene(
            torch.stack([shot.view.position_m for shot in shots]), px_per_rad,
            torch.stack([shot.light.soft for shot in shots]), torch.stack([shot.light.sun_dir for shot in shots]),
            torch.stack([shot.light.sun for shot in shots]), shadows, self._bumps,
        )  # fmt: skip
        dim = folds(seen, size, px_per_rad / distance.clamp_min(0.3))
        paint = paint_on_processor if dim.device.type == "cpu" else paint_in_torch
        return paint(surfaces, seen, seen.pixel // (size[1] * size[2]), scene, dim)


def screen_of(surfaces: Pack, shots: Sequence[Shot], size: tuple[int, int, int]) -> Float[Tensor, "v 3"]:
    """Return the vertices in fine pixels and their depths."""
    scale = torch.tensor([size[2] / shots[0].view.size_hw[1], size[1] / shots[0].view.size_hw[0]])
    counts = torch.bincount(surfaces.at, minlength=len(shots)).tolist()
    out = []
    for shot, points in zip(shots, surfaces.vertices_m.split(counts), strict=True):
        at = shot.view.to_camera(points)
        depth = at[:, 2:]
        xy = at[:, :2] / depth.clamp_min(1e-3) * shot.view.focal_px + at.new_tensor(shot.view.center_px)
        out.append(torch.cat([xy * scale, depth], 1))
    return torch.cat(out)


def _visible(surfaces: Pack, screen: Tensor, size: tuple[int, int, int]) -> Fragments:
    """Find what is seen; holes in textures let through what is behind."""
    holed = surfaces.materials[:, 6] > 0

    def is_hole(face: Tensor, weight: Tensor, depth_m: Tensor) -> Tensor:
        del depth_m
        uv = torch.einsum("pc,pcv->pv", weight, surfaces.table[surfaces.faces[face].flatten(), 6:8].view(-1, 3, 2))
        return surfaces.textures.nearest(surfaces.surface[face], uv, torch.ones(len(face)))[:, 3] < 0.5

    holes = Holes(holed[surfaces.surface], is_hole) if bool(holed.any()) else None
    picture = surfaces.picture[surfaces.surface]
    return rasterise(screen, surfaces.faces, picture, size=size, one_sided=surfaces.one_sided, holes=holes)


def _downsample(
    seen: Fragments, colour: Float[Tensor, "p 3"], size: tuple[int, int, int], to: tuple[int, int]
) -> Float[Tensor, "b 4 h w"]:
    """Return colours times coverage, and coverage, averaged over the fine pixels of each pixel."""
    b, height, width = size
    if colour.device.type == "cpu":
        rows, columns = tents(height, to[0]), tents(width, to[1])
        return torch.as_tensor(fast_raster.shrink(seen.pixel.numpy(), colour.numpy(), size, rows, columns))
    fine = colour.new_zeros((b * height * width, 4))
    # Light beyond what film holds would spread its edge's jags over neighbours.
    fine[seen.pixel] = torch.cat([colour.clamp_max(4), torch.ones_like(colour[:, :1])], 1)
    fine = fine.view(b, height, width, 4).movedim(3, 1)
    return interpolate(fine, to, mode="bilinear", antialias=True, align_corners=False)


def _backdrops(
    shots: Sequence[Shot], shadows: Shadows, open_: Bool[Tensor, "b h w"]
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b h w 3"]]:
    """Draw what is behind, where it is open to view, with the shadows on the floor; and say which points it shows."""
    colours, points = [], []
    shade = shade_floor_on_processor if open_.device.type == "cpu" else shade_floor_in_torch
    for i, shot in enumerate(shots):
        seen = shot.backdrop(shot.view.position_m, shot.view.rays(), 1 / shot.view.focal_px, open_[i])
        colours.append(shade(seen, i, shot.light, shadows).movedim(2, 0))
        points.append(seen.point_m)
    return torch.stack(colours), torch.stack(points)


def _on_floor(light: Light) -> tuple[Float[Tensor, "3"], Float[Tensor, "3"]]:
    """Return the soft light and the sun on a free floor."""
    up = harmonics(light.soft.new_tensor([0.0, 1.0, 0.0]))
    return (up @ light.soft).clamp_min(0.01), light.sun * light.sun_dir[1].clamp_min(0)


def shade_floor_on_processor(seen: Seen, i: int, light: Light, shadows: Shadows) -> Float[Tensor, "h w 3"]:
    """Return the colours of a backdrop with the shadows of picture i on its floor, by compiled loops."""
    colour = seen.colour.reshape(-1, 3).contiguous().clone()
    point, floor = seen.point_m.reshape(-1, 3).contiguous(), seen.floor.reshape(-1).contiguous()
    soft, sun = (value.numpy() for value in _on_floor(light))
    dim = shadows.dim[:, 0].contiguous().numpy()
    fast_shade.shade_floor(colour.numpy(), point.numpy(), floor.numpy(), shadows.arrays, dim, (i, soft, sun))
    return colour.view(seen.colour.shape)


def shade_floor_in_torch(seen: Seen, i: int, light: Light, shadows: Shadows) -> Float[Tensor, "h w 3"]:
    """Do the same as `shade_floor_on_processor` in plain torch, as on a GPU."""
    colour = seen.colour.reshape(-1, 3).clone()
    floor = torch.nonzero(seen.floor.flatten())[:, 0]
    point = seen.point_m.reshape(-1, 3)[floor]
    soft, sun = _on_floor(light)
    lit, sky = shadows.sun(i, point)[:, None], shadows.sky(i, point)[:, None]
    colour[floor] *= (soft * sky + sun * lit) / (soft + sun)
    return colour.view(seen.colour.shape)
