"""What fills a place: chance and the paths of people and camera go in; surfaces that are in nobody's way come out."""

import math

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from train.synth import props, props_rooms
from train.synth.stock import Stock
from train.synth.textures import to_linear, to_srgb
from train.synth.world import Material, Surface

_CLEAR_M = 0.55  # furniture keeps this far from the path of the pelvis
_FAR_OFF_M = 0.8  # and this far from the camera
_BESIDE_RAD = 0.3  # things begin so far beside where the camera sees, and reach into it
_FLAT_M = 0.05  # what is lower may lie where people go


def _srgb(code: str) -> Float[ndarray, "3"]:
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255


# Colours of what stands about, a row for each quarter of a palette: paints and metals, woods, plastics, leaves.
_KINDS = tuple(
    np.stack([_srgb(code) for code in codes.split()])
    for codes in (
        "f4f2ee d5d5d2 8d9aa5 3d4a57 20262e c9d3dc fafafa 5a5c60",
        "8a6a45 c8b088 7b4a3a b7956a 5b4330 d8c3a0 a8743f",
        "b5523b 2a4d7a c9a227 7a2a2a 2e5e4e e07b39 4a6fa5 8d6e97 d94f4f 1b1b1d",
        "2f5d34 4b7a3a 6b8f4e 244a2b 7f9b52",
    )
)


def furniture(
    stock: Stock,
    path_m: Float[Tensor, "t 3"],
    camera_m: Float[Tensor, "t 3"],
    rng: np.random.Generator,
    *,
    count: int,
    within_m: tuple[Float[Tensor, "3"], Float[Tensor, "3"]] | None = None,
) -> tuple[Surface, ...]:
    """Put furniture about, clear of people's paths and within a room; now and then in the line of sight."""
    out = []
    for _ in range(count):
        name = str(rng.choice(list(props.FURNITURE)))
        away = rng.uniform(0.7, 3.5)
        if rng.uniform() < 0.3:  # between camera and person
            line = camera_m.mean(0)
            share = rng.uniform(0.25, 0.7)
            place = line * share + torch.as_tensor(rng.normal(0, 0.25, 3), dtype=torch.float32)
            at = (float(place[0]), float(place[2]))
        else:
            turn = rng.uniform(0, 2 * np.pi)
            at = (away * np.sin(turn), away * np.cos(turn))
        near = (path_m[:, [0, 2]] - torch.tensor(at, dtype=torch.float32)).norm(dim=1).min()
        close = (camera_m[:, [0, 2]] - torch.tensor(at, dtype=torch.float32)).norm(dim=1).min()
        spot = torch.tensor([at[0], 0.5, at[1]], dtype=torch.float32)
        walled = within_m is None or bool(((spot > within_m[0] + 0.4) & (spot < within_m[1] - 0.4))[[0, 2]].all())
        if near < _CLEAR_M or close < _FAR_OFF_M or not walled:
            continue
        mesh = props.moved(props.FURNITURE[name](), turn_rad=rng.uniform(0, 6.28), to_m=(at[0], 0.0, at[1]))
        out.append(painted(stock, mesh, rng, name))
    return tuple(out)


def along_walls(
    path_m: Float[Tensor, "t 3"],
    camera_m: Float[Tensor, "t 3"],
    rng: np.random.Generator,
    *,
    within_m: tuple[Float[Tensor, "3"], Float[Tensor, "3"]],
    fullness: float,
    sight_rad: float = math.pi,
) -> tuple[Surface, ...]:
    """Line the two walls that the camera looks at with furniture, and put small things on the floor.

    Args:
        path_m: Where the people go.
        camera_m: Where the camera is.
        rng: Source of chance.
        within_m: Lowest and highest corner of the room.
        fullness: 0 = empty, 1 = no wall is free.
        sight_rad: How far from its middle the camera sees; what stands farther off is left out.
    """
    low, high = (corner.double().numpy() for corner in within_m)
    keep = np.concatenate([path_m[:, [0, 2]].double().numpy(), camera_m[:, [0, 2]].double().numpy()])
    away = np.repeat([_CLEAR_M, _FAR_OFF_M], [len(path_m), len(camera_m)])
    eye = camera_m.mean(0).double().numpy()
    ahead = path_m.mean(0).double().numpy() - eye
    towards = math.atan2(ahead[0], ahead[2])

    def in_sight(x: float, z: float) -> bool:
        off_rad = math.atan2(x - eye[0], z - eye[2]) - towards
        return math.cos(off_rad) >= math.cos(min(sight_rad + _BESIDE_RAD, math.pi))

    tables, meshes = [], []
    for axis in (0, 2):
        side = bool(ahead[axis] > 0)
        wall_m, other = float((high if side else low)[axis]), 2 - axis
        at = low[other] + rng.uniform(0.0, 1.0)
        while at < high[other] - 0.4:
            if rng.uniform() > fullness or not in_sight(*((at, wall_m) if axis == 2 else (wall_m, at))):
                at += rng.uniform(0.5, 2.0)
                continue
            table = props_rooms.ALONG_WALLS[rng.integers(len(props_rooms.ALONG_WALLS))](rng)
            left, right = _extent(table, 0)
            table = props_rooms.at_wall(table, axis, side, wall_m, at - left)
            at += right - left
            if at < high[other] and _is_clear(table, keep, away):
                tables.append(table)
            at += rng.exponential(0.3)
    if tables:
        meshes.append(props_rooms.mesh_of(np.concatenate(tables)))
    for _ in range(rng.poisson(3 * fullness)):
        table = props_rooms.ON_FLOORS[rng.integers(len(props_rooms.ON_FLOORS))](rng)
        at = rng.uniform(low[[0, 2]] + 0.3, high[[0, 2]] - 0.3)
        reach = np.hypot(*(np.abs(table[:, [0, 2]]) + table[:, [3, 5]] / 2).T).max()
        flat = _extent(table, 1)[1] < _FLAT_M
        if in_sight(*at) and (flat or (np.hypot(*(keep - at).T) > away + reach).all()):
            meshes.append(props_rooms.turned(table, rng, (float(at[0]), float(at[1]))))
    return (_of_palette(props.join(meshes), rng),) if meshes else ()


def _extent(table: props_rooms.Boxes, axis: int) -> tuple[float, float]:
    half = table[:, 3 + axis] / 2
    return float((table[:, axis] - half).min()), float((table[:, axis] + half).max())


def _is_clear(table: props_rooms.Boxes, keep: Float[ndarray, "k 2"], away: Float[ndarray, "k"]) -> bool:
    """Say whether a thing keeps its distances from places on the floor."""
    (x0, x1), (z0, z1) = _extent(table, 0), _extent(table, 2)
    nearest = np.clip(keep, (x0, z0), (x1, z1))
    return bool((np.hypot(*(keep - nearest).T) > away).all())


def _of_palette(mesh: props.Mesh, rng: np.random.Generator) -> Surface:
    """Paint boxes, whose uv point at fields of a palette."""
    each = props_rooms.COLOURS // len(_KINDS)
    srgb = np.concatenate([kind[rng.integers(len(kind), size=each)] for kind in _KINDS])
    srgb = srgb + rng.normal(0, 0.03, srgb.shape)
    texture = np.full((4, 4, 4), 255, np.uint8)
    texture[..., :3] = (srgb.clip(0, 1) * 255).round().reshape(4, 4, 3)[::-1]
    material = Material(roughness=float(rng.uniform(0.3, 0.8)))
    return props.coloured(mesh, torch.as_tensor(texture), material=material, kind="furniture")


def painted(stock: Stock, mesh: props.Mesh, rng: np.random.Generator, kind: str) -> Surface:
    """Return a thing in a colour or with a tile all over it."""
    material = Material(roughness=float(rng.uniform(0.25, 0.9)))
    if rng.uniform() < 0.35:
        texture = stock.tile_images[rng.integers(len(stock.tile_images))]
        return props.coloured(mesh, texture, side_m=float(rng.uniform(0.3, 1.2)), material=material, kind=kind)
    palette = ("1b1b1d", "5a5c60", "b9bcc0", "e8e8e8", "2a4d7a", "7a2a2a", "8a6a45", "2e5e4e", "c8b088")
    return props.coloured(mesh, plain_texture(draw_colour(rng, palette)), material=material, kind=kind)


def draw_colour(rng: np.random.Generator, palette: tuple[str, ...]) -> Float[Tensor, "3"]:
    """Return a colour of the palette, a little off, in linear light."""
    value = _srgb(palette[rng.integers(len(palette))]) + rng.normal(0, 0.03, 3)
    return to_linear(torch.as_tensor(value, dtype=torch.float32).clamp(0.01, 1))


def plain_texture(colour: Float[Tensor, "3"]) -> UInt8[Tensor, "4 4 4"]:
    """Return a texture of one colour of linear light."""
    values = (to_srgb(colour.clamp(0, 1)) * 255).round().to(torch.uint8)
    return torch.cat([values, values.new_full((1,), 255)]).expand(4, 4, 4).contiguous()
