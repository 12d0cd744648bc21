"""The vertebral column: five drawn kinds of vertebra, strung along a curve from the sacrum to the skull.

A vertebra is drawn in millimetres with the middle of its body at the origin, y along the column, z to the front. The
heights (body and the disc under it) are textbook means of an adult man from L5 up to C1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicSpline

from train.body.bones.mesh import Mesh, polygonise_mirrored
from train.body.bones.place import MM
from train.body.bones.sdf import ball, common, cut, ellipsoid, fair, halfspace, tube, union

NAMES = (*[f"l{k}" for k in range(5, 0, -1)], *[f"t{k}" for k in range(12, 0, -1)], *[f"c{k}" for k in range(7, 0, -1)])
HEIGHTS = np.array(
    [37, 38, 38, 37, 36, 31, 29, 27.5, 26.5, 25.5, 24.5, 24, 23.5, 22.5, 22, 21, 20, 18.5, 17.5, 17, 17, 17, 24, 17.0]
)
# width against the drawn vertebra of the kind
_SIZES = np.array(
    [
        1.06,
        1.03,
        1.0,
        0.96,
        0.93,
        1.22,
        1.14,
        1.08,
        1.04,
        1.0,
        0.97,
        0.94,
        0.92,
        0.91,
        0.92,
        0.95,
        1.0,
        1.1,
        1.05,
        1.0,
        0.98,
        0.96,
        1.0,
        1.0,
    ]
)
# how far a spinous process droops against the drawn one, from T12 up to T1: level, steep in the middle, level
_DROOP = {"t12": 0.15, "t11": 0.3, "t10": 0.6, "t9": 0.8, "t4": 0.95, "t3": 0.85, "t2": 0.7, "t1": 0.5}
_DRAWN_HEIGHT = {"lumbar": 38.0, "thoracic": 24.5, "cervical": 17.0, "axis": 24.0, "atlas": 17.0}
_BOUNDS = {
    "lumbar": ((-52, -34, -76), (52, 28, 26)),
    "thoracic": ((-42, -48, -66), (42, 22, 22)),
    "cervical": ((-32, -22, -46), (32, 14, 16)),
    "axis": ((-32, -24, -46), (32, 32, 16)),
    "atlas": ((-46, -12, -40), (46, 14, 22)),
}


@dataclass(frozen=True)
class Column:
    """The curve of the column: per vertebra (24, from L5 up) the body centre (metres) and its frame."""

    centre: Float[ndarray, "24 3"]
    frame: Float[ndarray, "24 3 3"]
    scale: float


def string_column(sacrum: ndarray, skull: ndarray, knots: Float[ndarray, "k 3"], scale: float) -> Column:
    """String the vertebrae between the sacral plate and the skull through knots of the curve, all in metres."""
    path = np.vstack([sacrum, knots, skull])
    pace = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    curve = CubicSpline(pace, path)
    fine = np.linspace(0, pace[-1], 400)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve(fine), axis=0), axis=1))])
    tops = np.cumsum(HEIGHTS) / HEIGHTS.sum() * arc[-1]
    middles = tops - HEIGHTS / HEIGHTS.sum() * arc[-1] * 0.44  # the disc lies below the body
    at = np.interp(middles, arc, fine)
    up = curve(at, 1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    side = np.broadcast_to([1.0, 0, 0], up.shape)
    return Column(curve(at), np.stack([side, up, np.cross(side, up)], -1), scale * arc[-1] / MM / HEIGHTS.sum())


def draw_column(column: Column, width_scale: float, vertices: dict[str, int]) -> dict[str, Mesh]:
    """Return the 24 vertebrae by name, metres."""
    drawn = {kind: _draw(kind, vertices[kind]) for kind in _BOUNDS}
    bones = {}
    for name, height, size, centre, frame in zip(NAMES, HEIGHTS, _SIZES, column.centre, column.frame, strict=True):
        kind = _kind(name)
        local = drawn[kind].vertices.copy()
        behind = np.clip((-20 - local[:, 2]) / 30, 0, 1) * (np.abs(local[:, 0]) < 9)
        local[:, 1] *= 1 + behind * (_DROOP.get(name, 1.0) - 1)
        scale = np.array([size * width_scale, height / _DRAWN_HEIGHT[kind] * column.scale, size * width_scale])
        bones[name] = drawn[kind].moved(centre + MM * (local * scale) @ frame.T)
    return bones


def transverse_tip(column: Column, name: str, width_scale: float) -> tuple[ndarray, ndarray]:
    """Return where the rib of a thoracic vertebra starts and where it leaves the transverse process (left, metres)."""
    index = NAMES.index(name)
    size = _SIZES[index] * width_scale
    head, tip = np.array([14.5, 5, -13]) * size, np.array([30, 3, -31]) * (0.55 * size + 0.45 * width_scale)
    return tuple(column.centre[index] + MM * column.frame[index] @ point for point in (head, tip))


def _kind(name: str) -> str:
    return {"c1": "atlas", "c2": "axis"}.get(name) or {"l": "lumbar", "t": "thoracic", "c": "cervical"}[name[0]]


def _draw(kind: str, vertices: int) -> Mesh:
    draw = {"lumbar": _lumbar, "thoracic": _thoracic, "cervical": _cervical, "axis": _axis, "atlas": _atlas}[kind]
    low, high = _BOUNDS[kind]
    step = 1.3 if kind in ("lumbar", "thoracic") else 1.0
    return polygonise_mirrored(lambda p: draw(np.c_[np.abs(p[:, 0]), p[:, 1:]]), low, high, step, vertices)


def _body(half: ndarray, width: float, depth: float, height: float) -> ndarray:
    """Return a vertebral body: an elliptic drum with a waist."""
    x, y, z = half.T
    waist = 1 - 0.04 * np.clip(1 - (2 * y / height) ** 2, 0, 1)
    drum = (np.sqrt((x / (width / 2)) ** 2 + (z / (depth / 2)) ** 2) / waist - 1) * depth / 2
    return common(drum, np.abs(y) - height / 2, blend=6)


def _lumbar(half: ndarray) -> ndarray:
    pedicle = tube(half, np.array([(13, 6, -12), (14, 5, -26)]), np.array([6.5, 6]), squash=(0.85, 1.2, 1))
    lamina = tube(half, np.array([(15, 2, -27), (2, -6, -37)]), 4.5, squash=(1, 1.8, 1))
    spinous = tube(half, np.array([(0, -6, -36), (0, -9, -62)]), np.array([3.6, 4.4]), squash=(1, 2.6, 1))
    transverse = tube(half, np.array([(14, 4, -23), (42, 6, -30)]), np.array([6, 4.2]), squash=(1, 1.2, 0.8))
    upper = tube(half, np.array([(16, 3, -28), (18, 19, -28)]), np.array([6, 5.5]))
    lower = tube(half, np.array([(12, -4, -32), (13, -23, -34)]), np.array([6, 5.5]))
    arch = union(pedicle, lamina, spinous, transverse, upper, lower, blend=4)
    bone = union(_body(half, 48, 35, 28), arch, blend=3)
    return cut(bone, tube(half, np.array([(0, -40, -25), (0, 40, -25)]), 8.5, squash=(1.25, 1, 0.9)), blend=1.5)


def _thoracic(half: ndarray) -> ndarray:
    pedicle = tube(half, np.array([(9, 5, -10), (10.5, 5, -21)]), np.array([5, 5]), squash=(0.8, 1.2, 1))
    lamina = tube(half, np.array([(11, 1, -23), (2, -5, -31)]), 4, squash=(1, 2.0, 1))
    spinous = tube(
        half,
        fair(np.array([(0, -5, -30), (0, -15, -42), (0, -32, -56)]), 6),
        np.linspace(4.2, 3.0, 6),
        squash=(0.8, 1.5, 1),
    )
    transverse = tube(half, np.array([(11, 3, -22), (29, 4, -34)]), np.array([5, 5.4]), squash=(1, 1.1, 1))
    joint = tube(half, np.array([(12, 14, -23), (12, -14, -25)]), 4.6)
    bone = union(_body(half, 31, 28, 19), union(pedicle, lamina, spinous, transverse, joint, blend=4), blend=3)
    return cut(bone, tube(half, np.array([(0, -40, -20.5), (0, 40, -20.5)]), 7.4), blend=1.5)


def _cervical(half: ndarray) -> ndarray:
    body = union(_body(half, 25, 17, 13), tube(half, np.array([(11, 5, -4), (11.5, 8, 3)]), 2.6), blend=3)
    pedicle = tube(half, np.array([(10, 0, -6), (16, 0, -15)]), 4.5)
    pillar = tube(half, np.array([(18, 7, -15), (18, -7, -19)]), 6.0)
    lamina = tube(half, np.array([(17, -1, -19), (2, -4, -28)]), 3.4, squash=(1, 1.7, 1))
    spinous = tube(half, np.array([(0, -4, -27), (3.5, -12, -41)]), np.array([4, 3.2]))
    transverse = tube(half, np.array([(11, -1, 0), (23, -3, 1)]), np.array([4, 3.4]))
    strut = tube(half, np.array([(23, -3, 1), (19, 0, -12)]), np.array([3.4, 4]))
    bone = union(body, union(pedicle, pillar, lamina, spinous, transverse, strut, blend=3), blend=2.5)
    bone = cut(bone, tube(half, np.array([(0, -40, -15.5), (0, 40, -15.5)]), 7.5, squash=(1.5, 1, 1)), blend=1.5)
    return cut(bone, tube(half, np.array([(16.5, -20, -4.5), (16.5, 20, -4.5)]), 2.6), blend=1)


def _axis(half: ndarray) -> ndarray:
    dens = tube(half, np.array([(0, 4, 0), (0, 16, 1), (0, 26, 0)]), np.array([6.5, 5.2, 4.4]))
    shoulder = ellipsoid(half, (16, 8, -3), (9, 5, 9))
    lamina = tube(half, np.array([(17, -1, -18), (2, -5, -28)]), 4.2, squash=(1, 1.7, 1))
    spinous = tube(half, np.array([(0, -5, -28), (4, -13, -41)]), np.array([5, 4.2]))
    lower = tube(half, np.array([(17, 4, -10), (18, -10, -18)]), np.array([6, 5.5]))
    transverse = tube(half, np.array([(16, 2, -6), (25, -3, -6)]), np.array([4, 3.2]))
    bone = union(_body(half, 24, 17, 18), union(dens, shoulder, lamina, spinous, lower, transverse, blend=4), blend=3)
    return cut(bone, tube(half, np.array([(0, -40, -16.5), (0, 14, -16.5)]), 8.0, squash=(1.4, 1, 1)), blend=1.5)


def _atlas(half: ndarray) -> ndarray:
    front = tube(half, fair(np.array([(0, 0, 12), (10, 0, 9), (18, 0, -1)]), 6), 4.0, squash=(1, 1.2, 0.85), blend=2)
    back = tube(half, fair(np.array([(19, 0, -6), (17, -1, -20), (8, -2, -30), (0, -2, -32)]), 9), 3.7, blend=2)
    mass = ellipsoid(half, (18.5, 0, -2), (8, 8.5, 12))
    transverse = tube(half, np.array([(20, 0, -4), (38, -1, -6)]), np.array([5, 4.2]))
    bone = union(front, back, mass, transverse, ball(half, (0, 0, 14), 4.0), blend=3)
    return cut(
        bone, tube(half, np.array([(28, -20, -5), (28, 20, -5)]), 2.8), halfspace(half, (0, -9, 0), (0, 1, 0)), blend=1
    )
