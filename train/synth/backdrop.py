"""What lies behind the things: rays go in; linear colours and the floor points they hit come out."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from train.synth import fast_room
from train.synth.light import panorama_uv
from train.synth.textures import TexturePool

_REACH_M = 9.0  # so far around the world's middle a panorama's lower half is laid on the floor
_FAR_M = 60.0  # where rays end that end nowhere


@dataclass(frozen=True)
class Seen:
    """What rays see.

    Attributes:
        colour: `h w 3` linear light.
        point_m: `h w 3` where they end (floor and walls), far away where they end nowhere.
        floor: `h w` whether they end on the floor.
    """

    colour: Float[Tensor, "h w 3"]
    point_m: Float[Tensor, "h w 3"]
    floor: Bool[Tensor, "h w"]


Open = Bool[Tensor, "h w"] | None


def _flags(open_: Open, rays: Float[Tensor, "h w 3"]) -> np.ndarray:
    return np.ones(rays.shape[:2], bool).reshape(-1) if open_ is None else open_.reshape(-1).contiguous().numpy()


class Backdrop(Protocol):
    """Anything that can stand behind a scene."""

    def __call__(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """Return what rays (unit vectors in the world) from a place see; neighbouring ones are px_rad apart.

        What is not `open_` to view may be left out (0); None = all is.
        """
        ...


def floor_points(
    origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], reach_m: float
) -> tuple[Float[Tensor, "h w 3"], Bool[Tensor, "h w"]]:
    """Return where rays meet the floor, or a far point; and whether they do within reach of the world's middle."""
    down = -rays[..., 1]
    point = origin_m + rays * (origin_m[1] / down.clamp_min(1e-4))[..., None]
    hit = (down > 1e-4) & (point[..., [0, 2]].norm(dim=-1) < reach_m)
    return torch.where(hit[..., None], point, origin_m + rays * _FAR_M), hit


@dataclass(frozen=True)
class Grain:
    """Fine structure of a floor, of which a panorama shows only the colour.

    Attributes:
        textures: Pictures of floors; kind: which of them.
        side_m: How long it is on the floor; depth: how much of its contrast is used.
    """

    textures: TexturePool
    kind: int
    side_m: float
    depth: float


@dataclass(frozen=True)
class PanoramaBackdrop:
    """A panorama whose lower half is laid on the floor, so that people stand on it.

    Attributes:
        image: `1 3 h w` linear light, its seam repeated once on the right.
        turn: `3 3` rotation of the world about y; height_m: of the panorama's camera.
        grain: What the floor is made of, None = what the panorama shows.
    """

    image: Float[Tensor, "1 3 h w"]
    turn: Float[Tensor, "3 3"]
    height_m: float
    grain: Grain | None = None

    def __call__(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """See `Backdrop`."""
        if rays.device.type == "cpu":
            return self.on_processor(origin_m, rays, px_rad, open_)
        return self.in_torch(origin_m, rays, px_rad)

    def on_processor(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """Return what rays see, by compiled loops."""
        flat, grain = rays.reshape(-1, 3).contiguous().numpy(), self.grain
        colour, point, floor = fast_room.look_around(
            self.image[0].numpy(), self.turn.numpy(), (self.height_m, _REACH_M, _FAR_M), origin_m.numpy(), flat,
            _flags(open_, rays),
        )  # fmt: skip
        if grain:
            mean = grain.textures.mean[grain.kind].numpy()
            rough = fast_room.Rough(grain.kind, mean, grain.side_m, grain.depth, _REACH_M)
            fast_room.roughen(colour, (point, floor, flat), origin_m.numpy(), grain.textures.arrays, rough, px_rad)
        colour, point, floor = (torch.as_tensor(value) for value in (colour, point, floor))
        return Seen(colour.view(rays.shape), point.view(rays.shape), floor.view(rays.shape[:2]))

    def in_torch(self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float) -> Seen:
        """Return the same as `on_processor` in plain torch, as on a GPU."""
        point, hit = floor_points(origin_m, rays, _REACH_M)
        centre = rays.new_tensor([0.0, self.height_m, 0.0])
        from_centre = point - centre
        look = torch.where(hit[..., None], from_centre / from_centre.norm(dim=-1, keepdim=True), rays)
        # Near the edge of the floor, its picture passes over into the far one.
        far = (point[..., [0, 2]].norm(dim=-1) / _REACH_M).clamp(0, 1)[..., None] ** 3
        look = torch.where(hit[..., None], (1 - far) * look + far * rays, rays)
        look = look / look.norm(dim=-1, keepdim=True)
        uv = panorama_uv(look @ self.turn)  # undoes the turn
        width = self.image.shape[3]
        uv = uv * uv.new_tensor([(width - 1) / width, 1.0])
        colour = grid_sample(self.image, uv[None] * 2 - 1, align_corners=False, padding_mode="border")[0].movedim(0, 2)
        if grain := self.grain:
            px_m = (point - origin_m).norm(dim=-1) * px_rad / (-rays[..., 1]).clamp_min(0.05).sqrt()
            at_m = point[..., [0, 2]].view(-1, 2)
            contrast = _contrast(grain.textures, grain.kind, at_m, grain.side_m, px_m.flatten()).view(colour.shape)
            colour = colour * (1 + grain.depth * (1 - far) * hit[..., None] * contrast).clamp_min(0.05)
        return Seen(colour, point, hit)


def _contrast(
    textures: TexturePool, kind: int, at_m: Float[Tensor, "p 2"], side_m: float, px_m: Float[Tensor, "p"]
) -> Float[Tensor, "p 3"]:
    """Return by how much a texture is brighter than its mean, 0 = not, at places that lie px_m apart."""
    texels = px_m * textures.side[kind] / side_m
    number = torch.full(texels.shape, kind, device=texels.device)
    return textures.smooth(number, at_m / side_m, texels)[:, :3] / textures.mean[kind] - 1


@dataclass(frozen=True)
class PhotoBackdrop:
    """A photograph, cut to the picture's shape; the floor is guessed from the camera.

    Attributes:
        image: `1 3 h w` linear light; zoom: >= 1, how much of it is cut off; at: where, 0 to 1 in x and y.
    """

    image: Float[Tensor, "1 3 h w"]
    zoom: float
    at: tuple[float, float]

    def __call__(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """See `Backdrop`."""
        height, width = rays.shape[:2]
        h, w = self.image.shape[2:]
        scale = min(h / height, w / width) / self.zoom
        tall, wide = max(1, int(height * scale)), max(1, int(width * scale))
        top, left = int((h - tall) * self.at[1]), int((w - wide) * self.at[0])
        cut = self.image[:, :, top : top + tall, left : left + wide]
        colour = interpolate(cut, (height, width), mode="bilinear", align_corners=False)[0].movedim(0, 2)
        point, hit = floor_points(origin_m, rays, 12.0)
        return Seen(colour, point, hit)


@dataclass(frozen=True)
class RoomBackdrop:
    """A room of a floor, four walls and a ceiling.

    Attributes:
        low_m, high_m: `3` its corners; the floor is at low_m[1] = 0.
        tint: `6 3` linear albedo times light of the surfaces -x, -y (floor), -z, +x, +y (ceiling), +z.
        textures: Pictures of floor and walls, by number in `kind` (6 long; -1 = plain).
        side_m: `6` how long a texture is on the surface; depth: `6` how much of its contrast remains.
        skirting_m: Height of the board along the walls, 0 = none; skirting: `3` its colour.
        falloff: How much darker the walls are at the floor than at the ceiling.
        lamps: `n 4` lit panels of the ceiling, x0 z0 x1 z1. glow: `3` middle of the brightest place of the room, and
            how fast light fades from it, per m.
        gloss: How much the floor mirrors what is beyond.
    """

    low_m: Float[Tensor, "3"]
    high_m: Float[Tensor, "3"]
    tint: Float[Tensor, "6 3"]
    textures: TexturePool
    kind: tuple[int, ...]
    side_m: tuple[float, ...]
    depth: tuple[float, ...]
    skirting_m: float
    skirting: Float[Tensor, "3"]
    falloff: float
    lamps: Float[Tensor, "n 4"]
    glow: tuple[float, float, float]
    gloss: float

    def __call__(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """See `Backdrop`."""
        if rays.device.type == "cpu":
            return self.on_processor(origin_m, rays, px_rad, open_)
        return self.in_torch(origin_m, rays, px_rad)

    def on_processor(
        self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float, open_: Open = None
    ) -> Seen:
        """Return what rays see, by compiled loops."""
        colour, point, side = fast_room.look(
            self._room, self.textures.arrays, origin_m.numpy(), rays.reshape(-1, 3).contiguous().numpy(),
            _flags(open_, rays), px_rad,
        )  # fmt: skip
        floor = torch.as_tensor(side == 1).view(rays.shape[:2])
        return Seen(torch.as_tensor(colour).view(rays.shape), torch.as_tensor(point).view(rays.shape), floor)

    @cached_property
    def _room(self) -> fast_room.Room:
        return fast_room.Room(
            self.low_m.numpy(), self.high_m.numpy(), self.tint.numpy(), np.array(self.kind), self.textures.mean.numpy(),
            np.array(self.side_m), np.array(self.depth), self.skirting_m, self.skirting.numpy(), float(self.falloff),
            self.lamps.numpy(), np.array(self.glow), self.gloss,
        )  # fmt: skip

    def in_torch(self, origin_m: Float[Tensor, "3"], rays: Float[Tensor, "h w 3"], px_rad: float) -> Seen:
        """Return the same as `on_processor` in plain torch, as on a GPU."""
        flat = rays.reshape(-1, 3)
        reach = torch.where(flat > 0, self.high_m - origin_m, self.low_m - origin_m) / flat
        reach = torch.where(flat.abs() < 1e-6, torch.inf, reach)
        distance, axis = reach.min(1)
        point = origin_m + flat * distance[:, None]
        side = axis + 3 * (torch.gather(flat, 1, axis[:, None])[:, 0] > 0)
        along = torch.where(axis[:, None] == 0, point[:, [2, 1]], point[:, [0, 1]])
        along = torch.where(axis[:, None] == 1, point[:, [0, 2]], along)
        colour = self.tint[side]
        slant = torch.gather(flat, 1, axis[:, None])[:, 0].abs().clamp_min(0.05)
        for number in range(6):
            kind = self.kind[number]
            here = torch.nonzero(side == number)[:, 0]
            if kind < 0 or not len(here):
                continue
            px_m = distance[here] * px_rad / slant[here].sqrt()
            contrast = _contrast(self.textures, kind, along[here], self.side_m[number], px_m)
            colour[here] = colour[here] * (1 + self.depth[number] * contrast).clamp_min(0.05)
        wall = axis != 1
        shade = 1 - self.falloff * (1 - point[:, 1] / self.high_m[1]) ** 2
        board = wall & (point[:, 1] < self.skirting_m)
        colour = torch.where(board[:, None], self.skirting, colour)
        colour = torch.where(wall[:, None], colour * shade[:, None], colour) * self._dimmed(point)[:, None]
        floor_rows = torch.nonzero(side == 1)[:, 0]
        if self.gloss > 0 and len(floor_rows):
            colour[floor_rows] += self._mirrored(point[floor_rows], flat[floor_rows])
        on = (side == 4) & self._in_lamp(point)
        colour = torch.where(on[:, None], colour.new_tensor(fast_room.LAMP), colour)
        floor = (side == 1).view(rays.shape[:2])
        return Seen(colour.view(rays.shape), point.view(rays.shape), floor)

    def _dimmed(self, point: Float[Tensor, "p 3"]) -> Float[Tensor, "p"]:
        """Return how much light reaches places: less in corners, and far from the lamps."""
        span = torch.minimum(point - self.low_m, self.high_m - point).clamp_min(0)
        second = span.sort(1).values[:, 1]  # the nearest is the surface itself
        corner = 1 - 0.35 * torch.exp(-second / 0.25)
        away = (point[:, [0, 2]] - point.new_tensor(self.glow[:2])).square().sum(1)
        return corner * (0.65 + 0.6 / (1 + self.glow[2] * away))

    def _mirrored(self, point: Float[Tensor, "p 3"], ray: Float[Tensor, "p 3"]) -> Float[Tensor, "p 3"]:
        """Return what the floor mirrors of the walls, more at grazing angles."""
        up = ray * ray.new_tensor([1.0, -1.0, 1.0])
        reach = torch.where(up > 0, self.high_m - point, self.low_m - point) / up
        reach = torch.where(up.abs() < 1e-6, torch.inf, reach)
        axis = reach.argmin(1)
        side = axis + 3 * (torch.gather(up, 1, axis[:, None])[:, 0] > 0)
        at = point + up * reach.amin(1, keepdim=True)
        seen = torch.where(((side == 4) & self._in_lamp(at))[:, None], 2.5, self.tint[side])
        return self.gloss * (1 - up[:, 1:2].clamp(0, 1)) ** 3 * seen

    def _in_lamp(self, point: Float[Tensor, "p 3"]) -> Bool[Tensor, "p"]:
        x, z = point[:, 0, None], point[:, 2, None]
        lamp = self.lamps
        return ((x > lamp[:, 0]) & (z > lamp[:, 1]) & (x < lamp[:, 2]) & (z < lamp[:, 3])).any(1)
