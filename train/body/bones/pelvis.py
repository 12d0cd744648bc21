"""The hip bone and the sacrum, drawn in millimetres.

Axes: x lateral (left side), y up, z front, standing with the front spines over the pubic crest. The hip bone's origin
is the hip joint centre, `HALF_HIPS` from the midline; the sacrum's is the middle of its upper end plate.
"""

import numpy as np
from numpy import ndarray

from train.body.bones.mesh import Mesh, polygonise, polygonise_mirrored
from train.body.bones.sdf import ball, cut, ellipsoid, fair, polygon, slab, tube, union

HALF_HIPS = 87.0
ASIS = np.array([34.0, 78, 50])
PSIS = np.array([-48.0, 88, -98])
SYMPHYSIS = np.array([-85.0, -22, 46])
SACRUM_TOP = np.array([-HALF_HIPS, 100.0, -38])  # middle of the sacral end plate, from the left hip centre

# outline of the ilium seen from the side (z, y), clockwise from the front spine
_ILIUM = np.array(
    [
        (50, 80),
        (40, 97),
        (18, 114),
        (-12, 122),
        (-45, 119),
        (-75, 108),
        (-96, 94),
        (-99, 86),
        (-90, 72),
        (-88, 60),
        (-78, 52),
        (-62, 48),
        (-50, 36),
        (-42, 14),
        (-30, -8),
        (0, -20),
        (24, 0),
        (31, 22),
        (40, 38),
        (37, 52),
        (44, 66),
    ],
    float,
)
# where its middle surface lies: (z, y) -> x, and how thick it is there
_SHEET = np.array(
    [
        (50, 80, 34, 8),
        (18, 114, 48, 8),
        (-12, 122, 44, 8),
        (-45, 119, 18, 8),
        (-75, 108, -18, 9),
        (-98, 90, -47, 12),
        (-86, 60, -52, 14),
        (-60, 60, -40, 14),
        (-45, 85, -2, 6),
        (0, 85, 27, 4),
        (25, 80, 30, 6),
        (-15, 55, 8, 8),
        (20, 50, 12, 13),
        (-45, 30, -20, 17),
        (0, 15, -4, 26),
        (30, 25, 0, 18),
        (-25, -5, -12, 20),
    ],
    float,
)


def draw_hip_bone(vertices: int) -> Mesh:
    """Return the left hip bone: ilium, ischium and pubis."""
    return polygonise(_hip_bone, (-90, -100, -108), (62, 132, 64), 2.2, vertices)


def draw_sacrum(vertices: int) -> Mesh:
    """Return sacrum and coccyx."""
    return polygonise_mirrored(_sacrum, (-62, -142, -78), (62, 16, 30), 1.9, vertices)


def _quadratic(z: ndarray, y: ndarray, order: int) -> ndarray:
    return np.stack([z**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], -1)


def _fit(values: ndarray, z: ndarray, y: ndarray, order: int) -> ndarray:
    knots = _SHEET[:, :2] / 100
    weights = np.linalg.lstsq(_quadratic(knots[:, 0], knots[:, 1], order), values, rcond=None)[0]
    return _quadratic(z / 100, y / 100, order) @ weights.astype(np.float32)


def _hip_bone(points: ndarray) -> ndarray:
    bone = union(_ilium(points), _ischium_and_pubis(points), blend=9)
    rim = ellipsoid(points, (-5, 0, 0), (25, 31, 31))
    socket = ball(points, (3, -1.5, 1.5), 26.0)
    notch = tube(points, np.array([(2, -18, 6), (8, -42, 10)]), 9.0)
    return cut(cut(union(bone, rim, blend=8), socket, blend=3), notch, blend=4)


def _ilium(points: ndarray) -> ndarray:
    z, y = points[:, 2], points[:, 1]
    inside = (np.clip(z, -104, 56), np.clip(y, -30, 126))  # the polynomial is only meant on the bone
    outline = polygon(points[:, [2, 1]], _ILIUM)
    height = (points[:, 0] - _fit(_SHEET[:, 2], *inside, 3)) * 0.8
    sheet = slab(outline, height, np.clip(_fit(_SHEET[:, 3], *inside, 2), 4.5, 26), 2.0)
    crest_zy = fair(_ILIUM[:8] * 0.985, 30)
    crest_z, crest_y = crest_zy.astype(np.float32).T
    crest = np.c_[_fit(_SHEET[:, 2], crest_z, crest_y, 3), crest_y, crest_z]
    lip = tube(points, crest, np.r_[7.0, np.full(6, 5.2), 6.2, 6.5, 6.2, np.full(15, 5), np.full(5, 6.5)], blend=2)
    spine = ellipsoid(points, (12, 40, 37), (8, 11, 8))
    return union(sheet, lip, spine, blend=6)


def _ischium_and_pubis(points: ndarray) -> ndarray:
    upper = fair(np.array([(-12, 4, 18), (-34, 8, 32), (-60, 2, 43), (-78, -8, 47)]), 10)
    ramus = tube(points, upper, np.linspace(14, 9.5, 10), blend=3)
    body = ellipsoid(points, (-74, -22, 45), (13, 24, 10))
    lower = fair(np.array([(-79, -36, 43), (-67, -55, 28), (-53, -72, 4), (-42, -82, -16)]), 9)
    inferior = tube(points, lower, np.linspace(8.5, 10.5, 9), blend=3)
    ischium = tube(
        points, fair(np.array([(-14, -12, -14), (-26, -42, -28), (-34, -70, -30)]), 7), np.linspace(19, 16, 7), blend=3
    )
    tuber = ellipsoid(points, (-37, -77, -24), (15, 17, 20))
    spine = tube(points, np.array([(-30, -8, -34), (-40, -14, -46)]), np.array([11, 4]))
    return union(union(ramus, body, inferior, blend=6), union(ischium, tuber, spine, blend=7), blend=7)


def _sacrum(points: ndarray) -> ndarray:
    half = np.c_[np.abs(points[:, 0]), points[:, 1:]]
    tilt = np.array(
        [[1, 0, 0], [0, np.cos(0.6), -np.sin(0.6)], [0, np.sin(0.6), np.cos(0.6)]]
    )  # the plate looks forward
    spine = fair(np.array([(0, -9, -6), (0, -36, -30), (0, -70, -45), (0, -100, -38)]), 14)
    body = tube(half, spine, np.linspace(17, 7, 14), squash=(1.5, 1, 1), blend=5)
    top = ellipsoid(half, (0, -7, -4), (26, 11, 17), tilt)
    wing = tube(
        half,
        fair(np.array([(14, -8, -8), (39, -13, -20), (34, -40, -36), (22, -68, -45), (13, -94, -42)]), 14),
        np.r_[np.linspace(13, 13.5, 6), np.linspace(12, 6, 8)],
        squash=(1, 1.1, 0.95),
        blend=8,
    )
    crest = tube(half, np.array([(0, -12, -42), (0, -42, -58), (0, -74, -60)]), np.array([9, 7, 4]), squash=(0.7, 1, 1))
    facet = tube(half, np.array([(17, -10, -28), (18, 6, -30)]), np.array([7, 5]))
    coccyx = tube(
        half, np.array([(0, -98, -39), (0, -116, -31), (0, -132, -16)]), np.array([9, 7.5, 4.5]), squash=(1.3, 1, 0.8)
    )
    bone = union(union(body, top, wing, blend=10), crest, facet, coccyx, blend=6)
    bone = cut(
        bone, tube(half, np.array([(0, 12, -22), (0, -60, -46)]), np.array([8, 4.0]), squash=(1.3, 1, 0.8)), blend=3
    )
    fronts = [
        ball(half, at, size) for at, size in (((20, -24, -10), 5.0), ((18, -44, -26), 4.5), ((15, -62, -34), 4.0))
    ]
    backs = [ball(half, at, 4.5) for at in ((17, -28, -42), (16, -46, -54), (14, -62, -56))]
    return cut(bone, *fronts, *backs, blend=3)
