"""Things that stand in clinics and laboratories: sizes and places go in; textured meshes come out.

Made of boxes and tubes, fine enough that their corners alone cast a shadow (`train.synth.shadow`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import normalize

from train.synth.world import Material, Surface

_CELL_M = 0.05


@dataclass(frozen=True)
class Mesh:
    """A mesh with uv in metres, before it gets its colour."""

    vertices_m: Float[Tensor, "v 3"]
    faces: Int[Tensor, "f 3"]
    uv: Float[Tensor, "v 2"]


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return several meshes as one."""
    counts = torch.tensor([0, *(len(m.vertices_m) for m in meshes)]).cumsum(0).tolist()
    return Mesh(
        torch.cat([m.vertices_m for m in meshes]),
        torch.cat([m.faces + start for m, start in zip(meshes, counts, strict=False)]),
        torch.cat([m.uv for m in meshes]),
    )


def moved(mesh: Mesh, *, turn_rad: float, to_m: Sequence[float]) -> Mesh:
    """Return a mesh turned about y, then moved."""
    angle = torch.tensor(turn_rad)
    cos, sin, zero = angle.cos(), angle.sin(), torch.tensor(0.0)
    rot = torch.stack([cos, zero, sin, zero, torch.tensor(1.0), zero, -sin, zero, cos]).view(3, 3)
    return Mesh(mesh.vertices_m @ rot.mT + torch.tensor(to_m, dtype=torch.float32), mesh.faces, mesh.uv)


def coloured(
    mesh: Mesh, texture: UInt8[Tensor, "h w 4"], *, side_m: float = 1.0, material: Material | None = None, kind: str
) -> Surface:
    """Return a mesh as a surface of the scenery; a texture's side is that long on it."""
    material = material or Material(roughness=0.5)
    part, smooth = torch.zeros(len(mesh.faces), dtype=torch.uint8), torch.zeros(len(mesh.vertices_m))
    return Surface(mesh.vertices_m, mesh.faces, mesh.uv / side_m, texture, material, part, smooth, kind)


def sheet(
    corner: Float[Tensor, "3"], along: Float[Tensor, "3"], up: Float[Tensor, "3"], cell_m: float = _CELL_M
) -> Mesh:
    """Return a flat rectangle that is seen from the side to which `along x up` points."""
    wide, tall = float(along.norm()), float(up.norm())
    n, m = max(1, min(60, round(wide / cell_m))), max(1, min(60, round(tall / cell_m)))
    across, faces = _grid(n, m)
    points = across @ torch.stack([along, up]) + corner
    return Mesh(points, faces, across * torch.tensor([wide, tall]))


@cache
def _grid(n: int, m: int) -> tuple[Float[Tensor, "v 2"], Int[Tensor, "f 3"]]:
    """Return the corners of n by m fields of a square of size 1, and the triangles between them."""
    v, u = torch.meshgrid(torch.linspace(0, 1, m + 1), torch.linspace(0, 1, n + 1), indexing="ij")
    first = (torch.arange(m)[:, None] * (n + 1) + torch.arange(n)).flatten()
    quad = torch.stack([first, first + 1, first + n + 2, first + n + 1], 1)
    return torch.stack([u, v], -1).view(-1, 2), torch.cat([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])


def box(middle: Sequence[float], size: Sequence[float], cell_m: float = _CELL_M) -> Mesh:
    """Return a box with its edges along the axes."""
    half = torch.tensor(size, dtype=torch.float32) / 2
    sides = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            a, b = torch.zeros(3), torch.zeros(3)
            first, second = ((axis + 1) % 3, (axis + 2) % 3) if sign > 0 else ((axis + 2) % 3, (axis + 1) % 3)
            a[first], b[second] = 2 * half[first], 2 * half[second]
            corner = -half.clone()
            corner[axis] = sign * half[axis]
            sides.append(sheet(torch.tensor(middle, dtype=torch.float32) + corner, a, b, cell_m))
    return join(sides)


def tube(start: Sequence[float], end: Sequence[float], radius_m: float, sides: int = 8) -> Mesh:
    """Return a round bar without ends."""
    a, b = torch.tensor(start, dtype=torch.float32), torch.tensor(end, dtype=torch.float32)
    length = float((b - a).norm())
    axis = normalize(b - a, dim=0)
    other = torch.eye(3)[int(axis.abs().argmin())]
    x = normalize(torch.linalg.cross(other, axis), dim=0)
    y = torch.linalg.cross(axis, x)
    n = max(1, min(60, round(length / _CELL_M)))
    along, turn = torch.meshgrid(torch.linspace(0, 1, n + 1), torch.linspace(0, 1, sides + 1), indexing="ij")
    round_ = torch.cos(turn * 2 * torch.pi)[..., None] * x + torch.sin(turn * 2 * torch.pi)[..., None] * y
    points = a + along[..., None] * (b - a) + radius_m * round_
    first = (torch.arange(n)[:, None] * (sides + 1) + torch.arange(sides)).flatten()
    quad = torch.stack([first, first + 1, first + sides + 2, first + sides + 1], 1)
    faces = torch.cat([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    uv = torch.stack([turn * radius_m * 6.28, along * length], -1)
    return Mesh(points.reshape(-1, 3), faces, uv.reshape(-1, 2))


@cache
def chair() -> Mesh:
    """Return a chair at the origin that faces +z."""
    legs = [tube((x, 0.0, z), (x, 0.44, z), 0.015) for x in (-0.2, 0.2) for z in (-0.2, 0.2)]
    posts = [tube((x, 0.44, -0.21), (x, 0.88, -0.25), 0.015) for x in (-0.19, 0.19)]
    return join([*legs, *posts, box((0, 0.455, 0), (0.44, 0.035, 0.44)), box((0, 0.75, -0.235), (0.42, 0.24, 0.03))])


@cache
def stool() -> Mesh:
    """Return a stool."""
    legs = [tube((0, 0.06, 0), (0.25 * float(x), 0.03, 0.25 * float(z)), 0.018) for x, z in torch.eye(2).tolist()]
    back = [tube((0, 0.06, 0), (-0.25 * float(x), 0.03, -0.25 * float(z)), 0.018) for x, z in torch.eye(2).tolist()]
    return join([*legs, *back, tube((0, 0.05, 0), (0, 0.48, 0), 0.025), box((0, 0.51, 0), (0.34, 0.07, 0.34))])


@cache
def table() -> Mesh:
    """Return a table of 1.4 m."""
    legs = [box((x, 0.36, z), (0.05, 0.72, 0.05)) for x in (-0.65, 0.65) for z in (-0.32, 0.32)]
    return join([*legs, box((0, 0.735, 0), (1.4, 0.03, 0.7))])


@cache
def bed() -> Mesh:
    """Return a treatment table."""
    legs = [tube((x, 0, z), (x, 0.6, z), 0.025) for x in (-0.75, 0.75) for z in (-0.25, 0.25)]
    return join([*legs, box((0, 0.64, 0), (1.9, 0.09, 0.65))])


@cache
def treadmill() -> Mesh:
    """Return a treadmill whose belt lies around the origin; the walker faces +z."""
    posts = [tube((x, 0.1, 0.75), (x, 1.15, 0.95), 0.03) for x in (-0.4, 0.4)]
    rails = [tube((x, 0.95, 0.3), (x, 1.0, 0.92), 0.02) for x in (-0.4, 0.4)]
    sides = [box((x, 0.02, 0.0), (0.1, 0.06, 1.7)) for x in (-0.36, 0.36)]
    return join(
        [*posts, *rails, *sides, box((0, 0.12, 0.88), (0.8, 0.22, 0.3)), box((0, 1.15, 0.97), (0.6, 0.3, 0.06))]
    )


@cache
def parallel_bars() -> Mesh:
    """Return two bars of 3 m along z, between which one walks."""
    bars = [tube((x, 0.88, -1.5), (x, 0.88, 1.5), 0.02) for x in (-0.36, 0.36)]
    posts = [tube((x, 0, z), (x, 0.88, z), 0.022) for x in (-0.36, 0.36) for z in (-1.2, 0.0, 1.2)]
    feet = [box((0, 0.01, z), (0.95, 0.02, 0.12)) for z in (-1.2, 1.2)]
    return join([*bars, *posts, *feet])


@cache
def tripod() -> Mesh:
    """Return a camera on its tripod."""
    angles = torch.tensor([0.3, 2.4, 4.5])
    legs = [tube((0, 1.0, 0), (0.35 * float(a.cos()), 0, 0.35 * float(a.sin())), 0.013) for a in angles]
    return join([*legs, tube((0, 0.95, 0), (0, 1.35, 0), 0.015), box((0, 1.42, 0), (0.08, 0.09, 0.14))])


@cache
def rail() -> Mesh:
    """Return a hand rail of 2 m along x."""
    posts = [tube((x, 0, 0), (x, 0.95, 0), 0.02) for x in (-0.95, 0.0, 0.95)]
    return join([*posts, tube((-1.0, 0.95, 0), (1.0, 0.95, 0), 0.022), tube((-1.0, 0.5, 0), (1.0, 0.5, 0), 0.015)])


@cache
def walker() -> Mesh:
    """Return a walking frame, open towards -z, its handles at x = +-0.28, z = 0."""
    parts = []
    for x in (-0.28, 0.28):
        parts += [
            tube((x, 0, -0.18), (x, 0.86, -0.08), 0.014),
            tube((x, 0, 0.25), (x, 0.86, 0.12), 0.014),
            tube((x, 0.86, -0.1), (x, 0.86, 0.14), 0.018),
            tube((x, 0.4, -0.14), (x, 0.4, 0.19), 0.011),
        ]
    cross = [tube((-0.28, y, z), (0.28, y, z), 0.013) for y, z in ((0.86, 0.13), (0.45, 0.18))]
    return join([*parts, *cross])


@cache
def cabinet() -> Mesh:
    """Return a cabinet."""
    return box((0, 0.9, 0), (0.9, 1.8, 0.45), 0.15)


@cache
def step_box() -> Mesh:
    """Return a step."""
    return box((0, 0.1, 0), (0.6, 0.2, 0.4))


@cache
def ball() -> Mesh:
    """Return an exercise ball."""
    v, u = torch.meshgrid(torch.linspace(0, 1, 17), torch.linspace(0, 1, 25), indexing="ij")
    polar, turn = v * torch.pi, u * 2 * torch.pi
    points = 0.32 * torch.stack([polar.sin() * turn.sin(), -polar.cos(), polar.sin() * turn.cos()], -1)
    first = (torch.arange(16)[:, None] * 25 + torch.arange(24)).flatten()
    quad = torch.stack([first, first + 1, first + 26, first + 25], 1)
    faces = torch.cat([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])
    return Mesh(points.reshape(-1, 3) + torch.tensor([0, 0.32, 0]), faces, torch.stack([u, v], -1).reshape(-1, 2))


def mat(wide_m: float, long_m: float) -> Mesh:
    """Return an exercise mat around the origin, its top where the floor is so that nobody sinks in."""
    return box((0, -0.004, 0), (wide_m, 0.016, long_m))


def crutch(hand_m: Float[Tensor, "3"], elbow_m: Float[Tensor, "3"], foot_m: Float[Tensor, "3"]) -> Mesh:
    """Return a forearm crutch from the elbow through the hand to the floor."""
    to_floor = foot_m.clone()
    to_floor[1] = 0.0
    shaft = tube(hand_m.tolist(), to_floor.tolist(), 0.012)
    upper = tube(hand_m.tolist(), (hand_m + 0.75 * (elbow_m - hand_m) + torch.tensor([0.0, 0.01, 0.0])).tolist(), 0.011)
    return join([shaft, upper])


FURNITURE: dict[str, Callable[[], Mesh]] = {
    "chair": chair, "stool": stool, "table": table, "bed": bed, "tripod": tripod, "rail": rail, "walker": walker,
    "cabinet": cabinet, "step_box": step_box, "ball": ball,
}  # fmt: skip
