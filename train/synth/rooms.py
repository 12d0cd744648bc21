"""Where people are filmed: the stock and a seed go in; backdrop, light and furniture come out."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from train.synth import props
from train.synth.backdrop import Backdrop, Grain, PanoramaBackdrop, PhotoBackdrop, RoomBackdrop
from train.synth.furnish import along_walls, draw_colour, furniture, painted, plain_texture
from train.synth.light import Light, directions, light_of, turned
from train.synth.stock import Stock
from train.synth.world import Material, Surface

_FURNISHED = 0.8  # of rooms
_PALE = ("f4f2ee", "ece6d8", "e3e9ee", "dfe8df", "d5d5d2", "fafafa", "c9d3dc", "e8dccb")
_STRONG = ("4a6fa5", "7a9e7e", "b5523b", "3d4a57", "c9a227", "5b7f95", "20262e", "8d6e97")
_FLOORS = ("8d9aa5", "b7ab97", "6f8f86", "4f6d8f", "a3a39b", "5c5f66", "c8bfae", "7b4a3a")


@dataclass(frozen=True)
class Stage:
    """A place to be filmed at; the person is near x = z = 0 on the floor y = 0.

    Attributes:
        kind: "room", "panorama" or "photo".
    """

    backdrop: Backdrop
    light: Light
    surfaces: tuple[Surface, ...]
    kind: str


def draw_stage(
    stock: Stock,
    path_m: Float[Tensor, "t 3"],
    camera_m: Float[Tensor, "t 3"],
    rng: np.random.Generator,
    *,
    sight_rad: float = math.pi,
) -> Stage:
    """Draw a place around the paths of all pelvises and of the camera, which sees so far from the middle."""
    kind = str(rng.choice(["room", "panorama", "photo"], p=[0.56, 0.4, 0.04]))
    if kind == "room":
        return _room(stock, path_m, camera_m, rng, sight_rad)
    image, light = stock.panoramas[rng.integers(len(stock.panoramas))]
    angle = torch.tensor(rng.uniform(0, 2 * np.pi), dtype=torch.float32)
    turn = torch.tensor([[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]])
    light = turned(light, turn)
    surfaces = furniture(stock, path_m, camera_m, rng, count=int(rng.choice([0, 0, 0, 1, 2])))
    if kind == "panorama":
        ground = int(rng.choice(stock.grounds))
        grain = Grain(stock.tiles, ground, float(rng.uniform(0.6, 2.5)), float(rng.uniform(0.0, 0.8)))
        return Stage(PanoramaBackdrop(image, turn, rng.uniform(1.2, 2.2), grain), light, surfaces, kind)
    photo = stock.photos[rng.integers(len(stock.photos))]
    # People take up some of the colour of the photograph, not all: much of it is the colour of things.
    scale = photo.mean((0, 2, 3)).clamp_min(0.02)
    scale = 0.35 * scale + 0.65 * scale.mean()
    light = Light(light.soft * scale, light.sun_dir, light.sun * scale, light.sun_size_rad)
    at = (float(rng.uniform()), float(rng.uniform()))
    return Stage(PhotoBackdrop(photo, rng.uniform(1.0, 2.5), at), light, surfaces, kind)


def _room(
    stock: Stock,
    path_m: Float[Tensor, "t 3"],
    camera_m: Float[Tensor, "t 3"],
    rng: np.random.Generator,
    sight_rad: float,
) -> Stage:
    points = torch.cat([path_m, camera_m])
    spare = torch.as_tensor(rng.uniform(0.5, 3.0, (2, 3)) ** 1.2, dtype=torch.float32)
    low, high = points.amin(0) - spare[0], points.amax(0) + spare[1]
    low[1] = 0.0
    high[1] = max(float(high[1]) * 0 + rng.uniform(2.4, 4.2), float(points[:, 1].max()) + 0.3)
    lamp = _lamp_colour(rng)
    wall = draw_colour(rng, _PALE if rng.uniform() < 0.7 else _STRONG)
    tint = torch.stack([wall * rng.uniform(0.75, 1.1) for _ in range(6)])
    if rng.uniform() < 0.25:
        tint[rng.choice([0, 2, 3, 5])] = draw_colour(rng, _STRONG)
    plain = rng.uniform() < 0.35
    floor = int(rng.choice(stock.floors))
    tint[1] = draw_colour(rng, _FLOORS) if plain else stock.tiles.mean[floor]
    tint[4] = draw_colour(rng, ("f7f7f5", "e8e8e4")) * rng.uniform(0.7, 1.3)
    tint = tint * lamp * rng.uniform(0.55, 0.95)
    kinds = [int(rng.choice(stock.walls)) if rng.uniform() < 0.35 else -1 for _ in range(6)]
    kinds[1], kinds[4] = floor, -1
    depth = [float(rng.uniform(0.1, 0.5))] * 6
    depth[1] = float(rng.uniform(0.05, 0.3)) if plain else 1.0
    sides = [float(rng.uniform(0.6, 2.5))] * 6
    sides[1] = float(rng.uniform(0.5, 2.0))
    backdrop = RoomBackdrop(
        low, high, tint, stock.tiles, tuple(kinds), tuple(sides), tuple(depth),
        float(rng.choice([0.0, 0.08, 0.12])), draw_colour(rng, _PALE + _FLOORS) * lamp * 0.6, rng.uniform(0.0, 0.4),
        _panels(low, high, rng), (*rng.uniform(-2, 2, 2).tolist(), float(rng.uniform(0.02, 0.25))),
        float(rng.choice([0.0, 1.0]) * rng.uniform(0.1, 0.6)),
    )  # fmt: skip
    decor = _decor(stock, low, high, lamp, rng)
    things = furniture(stock, path_m, camera_m, rng, count=int(rng.integers(0, 5)), within_m=(low, high))
    fullness = rng.uniform(0.4, 1.0) if rng.uniform() < _FURNISHED else 0.0
    lined = along_walls(path_m, camera_m, rng, within_m=(low, high), fullness=fullness, sight_rad=sight_rad)
    surfaces = (*decor, *_underfoot(stock, rng), *things, *lined)
    return Stage(backdrop, _room_light(backdrop, lamp, rng), surfaces, "room")


def _panels(low: Tensor, high: Tensor, rng: np.random.Generator) -> Float[Tensor, "n 4"]:
    """Return rows of lit panels of a ceiling, or none."""
    if rng.uniform() < 0.4:
        return torch.zeros((0, 4))
    step = rng.uniform(1.2, 2.6, 2)
    half = np.array([0.3, 0.3]) if rng.uniform() < 0.5 else np.array([0.08, 0.6])
    x = np.arange(float(low[0]) + step[0] / 2, float(high[0]), step[0])
    z = np.arange(float(low[2]) + step[1] / 2, float(high[2]), step[1])
    middle = np.stack(np.meshgrid(x, z), -1).reshape(-1, 2)
    return torch.as_tensor(np.concatenate([middle - half, middle + half], 1), dtype=torch.float32)


def _room_light(room: RoomBackdrop, lamp: Float[Tensor, "3"], rng: np.random.Generator) -> Light:
    """Hang lamps or open a window, look around, and take the light from that."""
    look, _ = directions(32, 64)
    seen = room(torch.tensor([0.0, 1.2, 0.0]), look, 0.1)
    image = seen.colour.clone()
    point = seen.point_m
    if rng.uniform() < 0.7:
        place = room.low_m + torch.as_tensor(rng.uniform(0.2, 0.8, 3), dtype=torch.float32) * (room.high_m - room.low_m)
        on = (look[..., 1] > 0.3) & ((point - place)[..., [0, 2]].norm(dim=-1) < rng.uniform(0.4, 1.5))
        image[on] = lamp * rng.uniform(8, 40)
    else:
        axis, side = int(rng.choice([0, 2])), rng.uniform() < 0.5
        edge = (room.high_m if side else room.low_m)[axis]
        on = ((point[..., axis] - edge).abs() < 0.01) & (point[..., 1] > 0.9) & (point[..., 1] < 2.2)
        image[on] = torch.tensor([1.0, 1.05, 1.15]) * rng.uniform(6, 25)
    return light_of(image)


def _decor(
    stock: Stock, low: Tensor, high: Tensor, lamp: Float[Tensor, "3"], rng: np.random.Generator
) -> tuple[Surface, ...]:
    """Hang pictures and boards on the walls, doors and windows into them."""
    out = []
    for _ in range(int(rng.integers(0, 9))):
        axis, side = int(rng.choice([0, 2])), bool(rng.uniform() < 0.5)
        kind = str(rng.choice(["picture", "door", "window", "board"]))
        wide, tall = rng.uniform(0.4, 1.4), rng.uniform(0.4, 1.1)
        bottom = rng.uniform(0.9, 1.5)
        if kind == "door":
            wide, tall, bottom = 0.9, 2.05, 0.0
        along = torch.zeros(3)
        along[2 - axis] = wide if (axis == 0) != side else -wide
        if axis == 2:
            along = -along
        corner = torch.zeros(3)
        corner[axis] = float((high if side else low)[axis]) + (-0.02 if side else 0.02)
        corner[2 - axis] = rng.uniform(float(low[2 - axis]), float(high[2 - axis]))
        corner[1] = bottom
        if kind in ("picture", "window"):
            texture = stock.pictures[rng.integers(len(stock.pictures))]
        else:
            texture = plain_texture(draw_colour(rng, _PALE if kind == "board" else _PALE + _FLOORS) * lamp)
        mesh = props.sheet(corner, along, torch.tensor([0.0, tall, 0.0]), 0.3)
        uv = mesh.uv / torch.tensor([wide, tall])
        material = Material(roughness=0.5, two_sided=True)
        part, smooth = torch.zeros(len(mesh.faces), dtype=torch.uint8), torch.zeros(len(uv))
        out.append(Surface(mesh.vertices_m, mesh.faces, uv, texture, material, part, smooth, kind))
    return tuple(out)


def _underfoot(stock: Stock, rng: np.random.Generator) -> tuple[Surface, ...]:
    """Lay a mat or plates on the floor, or put a treadmill or bars around the person."""
    kind = rng.choice(["", "mat", "plates", "treadmill", "bars"], p=[0.62, 0.13, 0.08, 0.09, 0.08])
    if not kind:
        return ()
    if kind == "mat":
        mesh = props.mat(rng.uniform(0.6, 2.0), rng.uniform(1.2, 3.0))
    elif kind == "plates":
        mesh = props.join([props.moved(props.mat(0.46, 0.5), turn_rad=0, to_m=(0, 0, z)) for z in (-0.3, 0.3)])
    else:
        mesh = props.treadmill() if kind == "treadmill" else props.parallel_bars()
    mesh = props.moved(mesh, turn_rad=rng.uniform(0, 6.28), to_m=(0, 0, 0))
    return (painted(stock, mesh, rng, str(kind)),)


def _lamp_colour(rng: np.random.Generator) -> Float[Tensor, "3"]:
    warmth = rng.normal(0, 0.08)
    return torch.tensor([1 + warmth, 1.0, 1 - 1.4 * warmth], dtype=torch.float32)
