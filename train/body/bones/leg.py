"""The long bones of the leg and the kneecap, drawn in millimetres.

Axes: x lateral (left side), y up, z front. Origins: hip joint centre (femur), knee joint centre between the epicondyles
(tibia, fibula, kneecap). `*_LENGTH` is the distance from a bone's origin to the next joint centre.
"""

import numpy as np
from numpy import ndarray

from train.body.bones.mesh import Mesh, polygonise
from train.body.bones.sdf import ball, cut, ellipsoid, fair, tube, union

FEMUR_LENGTH, TIBIA_LENGTH = 420.0, 410.0


def draw_femur(vertices: int) -> Mesh:
    """Return the left thigh bone."""
    return polygonise(_femur, (-46, -460, -46), (82, 32, 50), 2.4, vertices)


def draw_tibia(vertices: int) -> Mesh:
    """Return the left shin bone."""
    return polygonise(_tibia, (-46, -436, -40), (46, -14, 44), 2.2, vertices)


def draw_fibula(vertices: int) -> Mesh:
    """Return the left calf bone."""
    return polygonise(_fibula, (18, -446, -38), (56, -26, 14), 1.8, vertices)


def draw_patella(vertices: int) -> Mesh:
    """Return the left kneecap."""
    return polygonise(_patella, (-28, -26, 24), (28, 36, 60), 1.6, vertices)


def _femur(points: ndarray) -> ndarray:
    head = ball(points, (0, 0, 0), 23.5)
    neck = tube(
        points,
        np.array([(4, -3, 1), (28, -24, 3), (46, -40, 0)]),
        np.array([16, 14, 19]),
        squash=(1, 1.1, 0.85),
        blend=4,
    )
    trochanter = ellipsoid(points, (57, -26, -6), (14, 25, 19))
    tip = ellipsoid(points, (52, -10, -14), (9, 13, 11))
    lesser = ellipsoid(points, (32, -80, -14), (10, 15, 10))
    axis = fair(np.array([(50, -46, -3), (44, -100, 2), (31, -210, 13), (13, -330, 8), (3, -400, 0)]), 24)
    shaft = tube(points, axis, np.interp(np.arange(24), [0, 4, 12, 18, 23], [20, 16, 13.5, 15, 22]), blend=3)
    ridge = tube(points, axis[4:19] - np.array([0, 0, 11.5]), 4.0, blend=2)  # linea aspera
    upper = union(union(head, neck, blend=5), union(trochanter, tip, lesser, blend=6), shaft, blend=9)
    return union(union(upper, ridge, blend=5), _condyles(points), blend=14)


def _condyles(points: ndarray) -> ndarray:
    knee = points + np.array([0, FEMUR_LENGTH, 0], np.float32)
    flare = ellipsoid(knee, (1, 16, -2), (35, 34, 23))
    sides = [ellipsoid(knee, (side * 22, -1, -8), (14.5, 25, 29)) for side in (-1.0, 1.0)]
    bumps = [ellipsoid(knee, (side * 34, 6, -4), (7, 10, 10)) for side in (-1.0, 1.0)]
    trochlea = ellipsoid(knee, (2, 4, 14), (30, 25, 17))
    bone = union(union(flare, trochlea, blend=10), *sides, *bumps, blend=6)
    groove = tube(knee, np.array([(1, 34, 44), (1, 6, 41), (0, -20, 32)]), np.array([11, 12, 10]))
    notch = tube(knee, np.array([(0, -30, 12), (0, -18, -14), (0, -6, -48)]), np.array([7, 10, 12]))
    return cut(cut(bone, groove, blend=6), notch, blend=4)


def _tibia(points: ndarray) -> ndarray:
    plateau = ellipsoid(points, (0, -37, -4), (38, 12, 24))
    shelves = [ellipsoid(points, (side * 19, -38, -7), (19, 13, 21)) for side in (-1.0, 1.0)]
    head = ellipsoid(points, (0, -52, -5), (30, 26, 21))
    eminence = tube(points, np.array([(-4, -27, -6), (5, -27, -6)]), np.array([4.0, 4.0]))
    tuberosity = ellipsoid(points, (3, -72, 15), (9, 16, 9))
    axis = fair(np.array([(0, -62, -6), (-2, -130, -4), (-3, -260, -3), (-2, -350, -2), (-3, -392, 0)]), 22)
    shaft = tube(points, axis, np.interp(np.arange(22), [0, 4, 13, 21], [19, 13.5, 11, 16]), blend=3)
    crest = fair(np.array([(3, -74, 14), (2, -130, 8), (-1, -220, 7.5), (-3, -320, 5)]), 16)
    shin = tube(points, crest, np.linspace(7, 4.5, 16), blend=3)
    foot = ellipsoid(points, (-2, -388, 0), (23, 20, 19))
    malleolus = tube(points, np.array([(-20, -386, 1), (-24, -404, 2), (-23, -415, 2)]), np.array([14, 10, 7]), blend=3)
    top = cut(union(plateau, *shelves, head, blend=8), ellipsoid(points, (0, -34, -34), (10, 12, 11)), blend=5)
    bone = union(union(top, eminence, tuberosity, blend=5), union(shaft, shin, blend=7), blend=10)
    bone = union(bone, union(foot, malleolus, blend=6), blend=10)
    vault = tube(points, np.array([(0, -414, 0), (30, -414, 0)]), 14.0, squash=(1, 1, 1.5))
    return cut(bone, vault, blend=2)


def _fibula(points: ndarray) -> ndarray:
    path = fair(
        np.array([(38, -48, -20), (38, -80, -20), (40, -200, -16), (35, -320, -13), (30, -380, -7), (30, -424, -5)]), 22
    )
    radius = np.interp(np.arange(22), [0, 2, 4, 12, 17, 19, 21], [9, 7.5, 6, 6.2, 6.2, 8.5, 7])
    ankle = ellipsoid(points, (29.5, -408, -4), (8, 21, 10))
    tip = ellipsoid(points, (37, -43, -22), (6, 9, 7))
    return union(tube(points, path, radius, blend=2), ankle, tip, blend=5)


def _patella(points: ndarray) -> ndarray:
    body = ellipsoid(points, (1, 10, 40), (22, 20, 9.5))
    tip = ellipsoid(points, (0, -8, 40), (9, 12, 7))
    flats = [ellipsoid(points, (side * 17, 10, 25), (16, 22, 9)) for side in (-1.0, 1.0)]
    return cut(union(body, tip, blend=8), *flats, blend=4)
