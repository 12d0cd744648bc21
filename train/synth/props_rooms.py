"""What stands along the walls of rooms and lies on their floors: chance goes in; tables of boxes come out, then meshes.

A table is `n 7`: middle and size of each box (m) and the number of its colour. Its axes: x along the wall, y up, z into
the room; (0, 0, 0) is on the floor, at the wall.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from train.synth.props import Mesh, moved

# Of a palette; every four are of one kind, the last four of leaves.
COLOURS, LEAVES = 16, 12
Boxes = Float[ndarray, "n 7"]


def _cube() -> tuple[Float[ndarray, "24 3"], ndarray]:
    """Return the corners of a box of size 1 around 0, four for each side, and two triangles of each, from outside."""
    corners, faces = [], []
    for axis in range(3):
        for sign in (-0.5, 0.5):
            a, b = ((axis + 1) % 3, (axis + 2) % 3) if sign > 0 else ((axis + 2) % 3, (axis + 1) % 3)
            start = len(corners)
            for u, v in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)):
                corner = [0.0] * 3
                corner[axis], corner[a], corner[b] = sign, u, v
                corners.append(corner)
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return np.array(corners), np.array(faces)


_CORNERS, _FACES = _cube()


def mesh_of(boxes: Boxes) -> Mesh:
    """Return boxes as one mesh whose uv lie in the middles of the 16 fields of a palette, four in a row."""
    points = boxes[:, None, :3] + boxes[:, None, 3:6] * _CORNERS
    faces = _FACES + len(_CORNERS) * np.arange(len(boxes))[:, None, None]
    colour = np.repeat(boxes[:, 6].astype(int) % COLOURS, len(_CORNERS))
    uv = (np.stack([colour % 4, colour // 4], 1) + 0.5) / 4
    return Mesh(
        torch.as_tensor(points.reshape(-1, 3), dtype=torch.float32),
        torch.as_tensor(faces.reshape(-1, 3)),
        torch.as_tensor(uv, dtype=torch.float32),
    )


def at_wall(boxes: Boxes, axis: int, side: bool, wall_m: float, along_m: float) -> Boxes:
    """Put a thing before one of the four walls of a room.

    Args:
        boxes: See above.
        axis: 0 or 2, across the wall.
        side: Whether it is the wall of larger coordinates.
        wall_m: Where the wall is on that axis.
        along_m: Where the thing's middle comes on the other.
    """
    out = boxes.copy()
    out[:, axis] = wall_m + (-1 if side else 1) * boxes[:, 2]
    out[:, 2 - axis] = along_m + boxes[:, 0]
    out[:, 3 + axis], out[:, 5 - axis] = boxes[:, 5], boxes[:, 3]
    return out


def turned(boxes: Boxes, rng: np.random.Generator, at_m: tuple[float, float]) -> Mesh:
    """Return a thing in the middle of a room, turned anyhow."""
    return moved(mesh_of(boxes), turn_rad=float(rng.uniform(0, 6.28)), to_m=(at_m[0], 0.0, at_m[1]))


def _table(rows: Sequence[tuple[Any, ...]]) -> Boxes:
    return np.array(rows, np.float64)


def _shelf(rng: np.random.Generator) -> Boxes:
    """A shelf with binders, boxes and gaps."""
    wide, tall, deep = rng.uniform(0.6, 1.4), rng.uniform(0.8, 2.1), rng.uniform(0.25, 0.45)
    frame, thick = rng.integers(COLOURS), 0.025
    rows = [(s * wide / 2, tall / 2, deep / 2, thick, tall, deep, frame) for s in (-1, 1)]
    if rng.uniform() < 0.6:
        rows.append((0, tall / 2, 0.01, wide, tall, 0.02, rng.integers(COLOURS)))
    step = tall / rng.integers(2, 6)
    for y in np.arange(0.04, tall + 0.01, step):
        rows.append((0, y, deep / 2, wide, thick, deep, frame))
        x, binders = -wide / 2 + 0.03, rng.uniform() < 0.5
        while y + step < tall + 0.1 and x < wide / 2 - 0.1:
            thing = rng.uniform(0.03, 0.07) if binders else rng.uniform(0.08, 0.35)
            high = step * rng.uniform(0.5, 0.85)
            if rng.uniform() < 0.8 and x + thing < wide / 2:
                rows.append((x + thing / 2, y + high / 2, deep * 0.55, thing * 0.94, high, deep * rng.uniform(0.5, 0.9),
                             rng.integers(COLOURS)))  # fmt: skip
            x += thing
    return _table(rows)


def _wall_bars(rng: np.random.Generator) -> Boxes:
    """Bars to climb and to stretch at."""
    colour, tall = rng.integers(COLOURS), rng.uniform(2.0, 2.4)
    posts = [(x, tall / 2, 0.08, 0.04, tall, 0.14, colour) for x in (-0.45, 0.45)]
    return _table([*posts, *((0, y, 0.1, 0.9, 0.03, 0.04, colour) for y in np.arange(0.2, tall, 0.16))])


def _desk(rng: np.random.Generator) -> Boxes:
    """A desk with a screen, a keyboard and papers, a chest of drawers below."""
    wide, colour, dark = rng.uniform(1.0, 1.8), rng.integers(COLOURS), rng.integers(COLOURS)
    legs = [(x * (wide / 2 - 0.03), 0.36, z, 0.04, 0.72, 0.04, dark) for x in (-1, 1) for z in (0.05, 0.65)]
    rows = [*legs, (0, 0.735, 0.35, wide, 0.03, 0.7, colour)]
    rows.append((wide / 2 - 0.27, 0.33, 0.35, 0.4, 0.6, 0.55, rng.integers(COLOURS)))
    for x in rng.uniform(-wide / 3, wide / 3, rng.integers(1, 3)):
        rows += [(x, 1.05, 0.3, 0.54, 0.33, 0.03, dark), (x, 1.05, 0.317, 0.5, 0.29, 0.005, rng.integers(COLOURS)),
                 (x, 0.82, 0.27, 0.06, 0.16, 0.06, dark), (x, 0.76, 0.52, 0.42, 0.02, 0.14, dark)]  # fmt: skip
    papers = rng.uniform((-wide / 2.3, 0.1), (wide / 2.3, 0.6), (int(rng.integers(0, 5)), 2))
    rows += [
        (x, 0.765, z, *rng.uniform((0.1, 0.02, 0.15), (0.25, 0.12, 0.3)), rng.integers(COLOURS)) for x, z in papers
    ]
    return _table(rows)


def _lockers(rng: np.random.Generator) -> Boxes:
    """Doors beside each other, with handles."""
    wide, tall, deep = rng.uniform(0.3, 0.5), rng.uniform(0.8, 2.0), rng.uniform(0.35, 0.6)
    colours, handle = rng.integers(COLOURS, size=2), rng.integers(COLOURS)
    rows = []
    for i in range(int(rng.integers(1, 6))):
        rows.append((i * wide, tall / 2 + 0.04, deep / 2, wide * 0.97, tall, deep, colours[i % 2]))
        rows.append((i * wide + 0.35 * wide, tall * 0.55, deep + 0.01, 0.02, 0.12, 0.02, handle))
    out = _table(rows)
    out[:, 0] -= out[:, 0].mean()
    return out


def _rack(rng: np.random.Generator) -> Boxes:
    """Two or three rows of dumb-bells."""
    wide, frame, weights = rng.uniform(1.0, 2.0), rng.integers(COLOURS), rng.integers(COLOURS)
    rows = [(x * wide / 2, 0.45, 0.25, 0.06, 0.9, 0.4, frame) for x in (-1, 1)]
    for y in (0.25, 0.55, 0.85)[: int(rng.integers(2, 4))]:
        rows.append((0, y, 0.25, wide, 0.04, 0.35, frame))
        size = rng.uniform(0.08, 0.16)
        for x in np.arange(-wide / 2 + 0.12, wide / 2 - 0.1, size * 1.5):
            rows += [(x, y + 0.08, z, size, size, 0.09, weights) for z in (0.14, 0.36)]
            rows.append((x, y + 0.08, 0.25, 0.03, 0.03, 0.2, frame))
    return _table(rows)


def _cartons(rng: np.random.Generator) -> Boxes:
    """Boxes on boxes."""
    rows, x = [], -0.5
    while x < 0.5:
        size, y = rng.uniform((0.25, 0.15, 0.25), (0.6, 0.5, 0.5)), 0.0
        colour = rng.integers(COLOURS)
        for _ in range(int(rng.integers(1, 5))):
            rows.append(
                (x + size[0] / 2 + rng.normal(0, 0.02), y + size[1] / 2, 0.3, size[0], size[1], size[2], colour)
            )
            y += size[1]
        x += size[0] * 1.1
    return _table(rows)


def _plant(rng: np.random.Generator) -> Boxes:
    """A pot and leaves."""
    tall = rng.uniform(0.5, 1.7)
    rows = [(0, 0.17, 0.3, 0.3, 0.34, 0.3, rng.integers(COLOURS)), (0, tall / 2, 0.3, 0.03, tall, 0.03, LEAVES)]
    count = int(rng.integers(25, 60))
    leaves = np.empty((count, 7))
    leaves[:, [0, 2]] = rng.normal((0.0, 0.3), 0.16, (count, 2))
    leaves[:, 2] = leaves[:, 2].clip(0.05)
    leaves[:, 1] = rng.uniform(0.35, 1.0, count) * tall
    leaves[:, 3:6] = rng.uniform((0.03, 0.01, 0.03), (0.18, 0.12, 0.18), (count, 3))
    leaves[:, 6] = LEAVES + rng.integers(COLOURS - LEAVES, size=count)
    return np.concatenate([_table(rows), leaves])


def _bench(rng: np.random.Generator) -> Boxes:
    """A long bench, with or without a back."""
    wide, colour, high = rng.uniform(1.2, 2.6), rng.integers(COLOURS), rng.uniform(0.35, 0.5)
    rows = [(x * wide * 0.4, high / 2, 0.25, 0.05, high, 0.3, rng.integers(COLOURS)) for x in (-1, 1)]
    rows += [(0, high, z, wide, 0.04, 0.11, colour) for z in (0.12, 0.25, 0.38)]
    if rng.uniform() < 0.4:
        rows += [(0, high + y, 0.06, wide, 0.09, 0.02, colour) for y in (0.22, 0.36)]
    return _table(rows)


def _radiator(rng: np.random.Generator) -> Boxes:
    """A radiator."""
    wide, colour = rng.uniform(0.6, 1.8), rng.integers(COLOURS)
    return _table([(x, 0.42, 0.08, 0.05, 0.6, 0.08, colour) for x in np.arange(-wide / 2, wide / 2, 0.065)])


def _curtain(rng: np.random.Generator) -> Boxes:
    """A curtain or a folding screen in folds."""
    wide, tall, fold = rng.uniform(0.8, 3.0), rng.uniform(1.7, 2.4), rng.uniform(0.05, 0.12)
    colour, deep = 4 * rng.integers(4), rng.uniform(0.02, 0.06)
    x = np.arange(-wide / 2, wide / 2, fold)
    return _table(
        [(v, tall / 2 + 0.03, 0.12 + deep * (i % 2), fold, tall, 0.02, colour + i % 2) for i, v in enumerate(x)]
    )


def _machine(rng: np.random.Generator) -> Boxes:
    """A machine or a trolley: posts, trays, a head with a display."""
    colour, other, tall = rng.integers(COLOURS), rng.integers(COLOURS), rng.uniform(0.9, 1.7)
    rows = [(x, tall / 2, z, 0.03, tall, 0.03, colour) for x in (-0.22, 0.22) for z in (0.1, 0.45)]
    rows += [(0, y * tall, 0.28, 0.46, 0.03, 0.37, other) for y in (0.12, 0.5, 0.85)]
    rows += [(rng.uniform(-0.15, 0.15), y * tall + 0.1, 0.28, *rng.uniform((0.1, 0.1, 0.1), (0.3, 0.2, 0.3)),
              rng.integers(COLOURS)) for y in (0.12, 0.5)]  # fmt: skip
    rows += [
        (0, tall + 0.1, 0.3, 0.4, 0.3, 0.06, other),
        (0, tall + 0.1, 0.335, 0.34, 0.24, 0.01, rng.integers(COLOURS)),
    ]
    return _table(rows)


ALONG_WALLS: tuple[Callable[[np.random.Generator], Boxes], ...] = (
    _shelf, _shelf, _wall_bars, _desk, _lockers, _rack, _cartons, _plant, _bench, _radiator, _curtain, _machine,
)  # fmt: skip


def _bag(rng: np.random.Generator) -> Boxes:
    size = rng.uniform((0.25, 0.12, 0.15), (0.6, 0.35, 0.35))
    colour = rng.integers(COLOURS)
    return _table([(0, size[1] / 2, 0, *size, colour), (0, size[1] + 0.03, 0, size[0] * 0.4, 0.06, 0.02, colour + 1)])


def _dumb_bell(rng: np.random.Generator) -> Boxes:
    size, colour = rng.uniform(0.07, 0.16), rng.integers(COLOURS)
    return _table(
        [
            (0, size / 2, 0, 0.3, 0.03, 0.03, colour + 1),
            *((x, size / 2, 0, 0.09, size, size, colour) for x in (-0.12, 0.12)),
        ]
    )


def _bottles(rng: np.random.Generator) -> Boxes:
    return _table(
        [
            (x, 0.12, z, 0.07, 0.24, 0.07, rng.integers(COLOURS))
            for x, z in rng.normal(0, 0.12, (int(rng.integers(1, 4)), 2))
        ]
    )


def _tape(rng: np.random.Generator) -> Boxes:
    long, colour = rng.uniform(0.2, 1.5), rng.integers(COLOURS)
    cross = [(0, 0.001, 0, 0.05, 0.002, long, colour)] if rng.uniform() < 0.5 else []
    return _table([(0, 0.001, 0, long, 0.002, 0.05, colour), *cross])


def _cable(rng: np.random.Generator) -> Boxes:
    x = np.cumsum(rng.uniform(0.05, 0.12, 24))
    z = 0.4 * np.sin(rng.uniform(1, 3) * x + rng.uniform(0, 6))
    return _table(
        [(a, 0.006, b, 0.12, 0.012, 0.012 + abs(c), 0) for a, b, c in zip(x - x.mean(), z, np.gradient(z), strict=True)]
    )


def _cone(rng: np.random.Generator) -> Boxes:
    colour = rng.integers(COLOURS)
    return _table(
        [(0, y, 0, 0.26 - 0.7 * y, 0.04, 0.26 - 0.7 * y, colour + (y > 0.15)) for y in np.arange(0.02, 0.32, 0.04)]
    )


ON_FLOORS: tuple[Callable[[np.random.Generator], Boxes], ...] = (
    _bag, _dumb_bell, _bottles, _tape, _tape, _cable, _cone, _cartons,
)  # fmt: skip
