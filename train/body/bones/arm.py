"""Shoulder girdle and long bones of the arm, drawn in millimetres in the anatomical position (palm to the front).

Axes: x lateral (left side), y up, z front. Origins: shoulder joint centre (scapula, humerus), elbow joint centre
(ulna, radius). `*_LENGTH` is the distance from a bone's origin to the next joint centre.
"""

import numpy as np
from numpy import ndarray

from train.body.bones.mesh import Mesh, polygonise
from train.body.bones.sdf import ball, cut, ellipsoid, fair, plate, polygon, slab, tube, union

HUMERUS_LENGTH, FOREARM_LENGTH = 290.0, 245.0
ACROMION = np.array([-8.0, 36, -6])  # where the collar bone ends, in the scapula's frame

_BLADE = np.array(
    [
        (-36, 19),
        (-52, 22),
        (-62, 20),
        (-82, 38),
        (-101, 52),
        (-109, 46),
        (-117, 22),
        (-120, 0),
        (-117, -40),
        (-110, -82),
        (-102, -104),
        (-95, -108),
        (-88, -98),
        (-70, -62),
        (-52, -34),
        (-38, -17),
    ],
    float,
)


def draw_scapula(vertices: int) -> Mesh:
    """Return the left shoulder blade lying in the plane z = 0, glenoid to the side."""
    return polygonise(_scapula, (-130, -118, -50), (18, 62, 50), 1.9, vertices)


def draw_humerus(vertices: int) -> Mesh:
    """Return the left upper arm bone."""
    return polygonise(_humerus, (-42, -312, -34), (40, 32, 32), 2.0, vertices)


def draw_ulna(vertices: int) -> Mesh:
    """Return the left ulna."""
    return polygonise(_ulna, (-28, -250, -36), (26, 34, 30), 1.5, vertices)


def draw_radius(vertices: int) -> Mesh:
    """Return the left radius."""
    return polygonise(_radius, (-16, -258, -24), (38, 2, 24), 1.5, vertices)


def _scapula(points: ndarray) -> ndarray:
    x, y, z = points.T
    hollow = -7 * np.clip(1 - ((x + 82) / 45) ** 2 - ((y + 20) / 90) ** 2, 0, 1)  # the blade bulges to the back
    blade = slab(polygon(points[:, :2], _BLADE), z - hollow, 4.0 + np.zeros_like(x), 1.6)
    lateral = tube(points, np.array([(-34, -16, 0), (-66, -58, -2), (-97, -102, 0)]), np.array([8, 5.5, 5.5]))
    medial = tube(points, fair(np.array([(-103, 49, 0), (-118, 10, 0), (-116, -44, 0), (-100, -103, 0)]), 12), 3.6)
    neck = tube(points, np.array([(-24, 0, 0), (-46, -1, 0)]), np.array([13, 11]), squash=(1, 1.3, 0.85))
    glenoid = ellipsoid(points, (-25, -1, 0), (7, 20, 14))
    body = union(union(blade, lateral, medial, blend=4), union(neck, glenoid, blend=6), blend=8)
    body = union(body, _shoulder_spine(points), _coracoid(points), blend=5)
    return cut(body, ball(points, (0, 0, 0), 26.0), blend=2)


def _shoulder_spine(points: ndarray) -> ndarray:
    root, middle, end = np.array([(-117, 14, -4), (-80, 20, -6), (-44, 14, -7)], float)
    crest = fair(np.array([(-117, 14, -5), (-84, 27, -22), (-48, 34, -34), (-20, 37, -34)]), 12)
    wall = union(
        plate(points, np.array([root, middle, crest[5]]), 5),
        plate(points, np.array([middle, end, crest[8]]), 6),
        plate(points, np.array([middle, crest[5], crest[8]]), 5),
        blend=2,
    )
    rim = tube(points, crest, np.linspace(3.5, 5.5, 12), squash=(1, 1.25, 1))
    acromion = tube(
        points,
        fair(np.array([(-22, 37, -33), (0, 36, -26), (8, 35, -10), (2, 35, 4)]), 9),
        np.array([7, 8.5, 10, 10.5, 11, 10.5, 10, 9, 7]),
        squash=(1, 0.55, 1),
        blend=3,
    )
    return union(wall, rim, acromion, blend=5)


def _coracoid(points: ndarray) -> ndarray:
    path = fair(np.array([(-40, 14, 2), (-38, 29, 12), (-28, 31, 26), (-14, 24, 36)]), 10)
    return tube(points, path, np.linspace(9, 6, 10), blend=3)


def _humerus(points: ndarray) -> ndarray:
    head = ball(points, (-3, 1, -1), 23.0)
    greater = ellipsoid(points, (17, -2, 1), (11, 20, 16))
    lesser = ellipsoid(points, (6, -8, 17), (8, 13, 8))
    axis = fair(np.array([(5, -20, 0), (5, -60, 0), (3, -150, 0), (0, -230, -1), (0, -272, -1)]), 18)
    shaft = tube(points, axis, np.interp(np.arange(18), [0, 4, 10, 17], [20, 13.5, 10.5, 13]), blend=3)
    deltoid = ellipsoid(points, (11, -128, 4), (5, 30, 5))
    groove = tube(points, np.array([(13, 8, 19), (11, -50, 15)]), 4.0)
    upper = cut(union(union(head, greater, lesser, blend=6), shaft, deltoid, blend=8), groove, blend=4)
    return union(upper, _elbow_end(points + np.array([0, HUMERUS_LENGTH, 0], np.float32)), blend=12)


def _elbow_end(elbow: ndarray) -> ndarray:
    fan = ellipsoid(elbow, (0, 22, -1), (21, 30, 8))
    medial = ellipsoid(elbow, (-28, 6, -4), (8, 9, 7))
    lateral = ellipsoid(elbow, (25, 6, -2), (7, 9, 6.5))
    bridge = tube(elbow, np.array([(-24, 4, -2), (22, 4, -1)]), 8.5)
    spool = union(tube(elbow, np.array([(-20, -1, 2), (-8, 1, 2), (4, -0.5, 2)]), np.array([14, 9.5, 12.0])), blend=2)
    capitulum = ball(elbow, (14, 0, 4), 11.0)
    bone = union(union(fan, medial, lateral, bridge, blend=8), spool, capitulum, blend=4)
    return cut(bone, ellipsoid(elbow, (-3, 16, -13), (12, 13, 9)), ellipsoid(elbow, (-3, 17, 11), (11, 9, 5)), blend=3)


def _ulna(points: ndarray) -> ndarray:
    olecranon = tube(
        points,
        fair(np.array([(-6, 14, -10), (-7, 4, -19), (-7, -20, -12), (-6, -48, -7)]), 9),
        np.array([9, 10.5, 11, 11.5, 12, 11.5, 10.5, 9.5, 8.5]),
        squash=(0.95, 1, 1),
        blend=3,
    )
    beak = ellipsoid(points, (-6, 18, -5), (10, 8, 9))
    coronoid = tube(points, np.array([(-7, -30, -5), (-6, -15, 10)]), np.array([11, 7.5]))
    notch = ellipsoid(points, (8, -20, -1), (7, 8, 8))
    path = fair(np.array([(-6, -40, -7), (-6, -90, -8), (-10, -160, -3), (-13, -220, 0), (-14, -236, 0)]), 16)
    shaft = tube(points, path, np.interp(np.arange(16), [0, 5, 12, 15], [9, 7.2, 5.4, 7.5]), blend=2)
    edge = tube(points, path[:11] - np.array([0, 0, 5.0]), 3.0)
    end = ellipsoid(points, (-14, -232, 0), (9, 8, 9))
    styloid = tube(points, np.array([(-18, -234, -5), (-20, -246, -6)]), np.array([4, 2.2]))
    bone = union(union(olecranon, beak, coronoid, blend=7), union(shaft, edge, end, styloid, blend=5), blend=8)
    return cut(bone, tube(points, np.array([(-30, 0, 2), (30, 0, 2)]), 11.5), notch, blend=3)


def _radius(points: ndarray) -> ndarray:
    head = tube(points, np.array([(14, -14, 3), (14, -20, 3)]), 11.0, squash=(1, 0.6, 1))
    neck = tube(points, np.array([(14, -16, 3), (12, -38, 2)]), np.array([7.5, 6.5]))
    tuberosity = ellipsoid(points, (6, -48, 4), (6, 11, 6))
    path = fair(np.array([(12, -36, 2), (13, -70, 2), (21, -130, 1), (16, -200, 1), (13, -230, 1)]), 16)
    shaft = tube(
        points, path, np.interp(np.arange(16), [0, 7, 12, 15], [6.3, 6.8, 8, 11.5]), squash=(1.1, 1, 0.9), blend=2
    )
    end = ellipsoid(points, (12, -232, 1), (16, 14, 11))
    styloid = tube(points, np.array([(23, -230, 1), (26, -249, 1)]), np.array([7, 3.0]))
    dish = ball(points, (14, -2, 3), 11.0)
    bone = union(union(head, neck, tuberosity, shaft, blend=4), union(end, styloid, blend=6), blend=7)
    return cut(cut(bone, dish, blend=2), ellipsoid(points, (8, -256, 1), (15, 12, 12)), blend=3)
