"""The skull, the jaw and both rows of teeth, drawn in millimetres.

Axes: x lateral (the left half is drawn, |x| mirrors it), y up, z front. The origin lies between the ear canals and the
Frankfurt plane (ear canals, lower orbit rims) is y = 0. Sizes are textbook means of an adult man: cranium 182 long and
142 broad, vertex 118 over the ears, cheek arches 132 apart, orbits 40 x 35, jaw angles 100 apart, chin 88 below.
"""

import numpy as np
from numpy import ndarray

from train.body.bones.mesh import Mesh, polygonise_mirrored
from train.body.bones.sdf import ball, box, common, cut, ellipsoid, fair, halfspace, plate, polygon, slab, tube, union

VERTEX, BACK, BROW, CHIN = 118.0, -86.0, 99.0, -88.0  # y, z, z, y of the drawn skull
ORBIT_Y = 17.0
C1 = (0.0, -34.0, -8.0)  # under the occipital condyles, where the neck begins
HALF_BREADTH = 71.0


def draw_skull(vertices: int) -> Mesh:
    """Return cranium and upper face."""
    return polygonise_mirrored(_skull, (-76, -56, -92), (76, 124, 114), 1.7, vertices)


def draw_jaw(vertices: int) -> Mesh:
    """Return the mandible."""
    return polygonise_mirrored(_jaw, (-66, -96, -6), (66, 8, 98), 1.5, vertices)


def draw_teeth(upper: bool, vertices: int) -> Mesh:
    """Return one row of teeth, seven to a side, fused at their necks."""
    low, high = ((-35, -56, 36), (35, -34, 102)) if upper else ((-33, -64, 34), (33, -42, 100))
    return polygonise_mirrored(lambda p: _teeth(p, upper), low, high, 1.0, vertices)


def _mirrored(points: ndarray) -> ndarray:
    return np.c_[np.abs(points[:, 0]), points[:, 1:]]


def _skull(points: ndarray) -> ndarray:
    half = _mirrored(points)
    bone = union(_cranium(half), _maxilla(half), blend=10)
    bone = union(bone, _cheek(half), _nasal_bones(half), blend=5)
    return _openings(bone, half)


def _cranium(half: ndarray) -> ndarray:
    vault = ellipsoid(half, (0, 47, 4), (66, 71, 87))
    vault = union(vault, ellipsoid(half, (14, 56, -26), (57, 58, 58)), blend=16)  # parietal eminences
    vault = union(vault, ellipsoid(half, (0, 16, -44), (54, 40, 41)), blend=14)  # occiput
    vault = union(vault, ellipsoid(half, (0, 57, 44), (53, 54, 54)), blend=14)  # frontal bone
    vault = union(vault, ellipsoid(half, (44, 12, 8), (22, 28, 34)), blend=12)  # temporal bone
    base = halfspace(half, (0, -20, 0), (0, -1, 0.28))
    vault = common(vault, base, blend=12)
    brow = tube(
        half,
        fair(np.array([(6, 33, 95), (20, 39, 93), (38, 38, 86), (51, 29, 74)]), 9),
        np.linspace(7.0, 4.5, 9),
        blend=3,
    )
    temple = tube(half, fair(np.array([(51, 29, 74), (54, 48, 64), (58, 68, 38), (60, 66, 8)]), 10), 3.0, blend=3)
    vault = cut(vault, ellipsoid(half, (73, 16, 58), (23, 34, 34)), blend=10)  # temporal fossa
    vault = union(vault, brow, blend=7)
    vault = union(vault, temple, blend=9)
    mastoid = tube(half, np.array([(51, 0, -14), (50, -18, -9), (47, -30, -5)]), np.array([14, 10, 5.5]), blend=4)
    condyle = ellipsoid(half, (17, -25, 0), (7, 7, 13))
    sphenoid = box(half, (0, -10, 42), (24, 14, 20), 8)
    pterygoid = box(half, (14, -28, 46), (4, 16, 9), 3)
    return union(vault, mastoid, condyle, sphenoid, pterygoid, blend=6)


def _maxilla(half: ndarray) -> ndarray:
    body = ellipsoid(half, (16, -8, 70), (24, 27, 26))
    arch = tube(half, _arch(-33, 1.0), 6.6, squash=(1, 1.25, 1), blend=3)
    frontal = tube(half, np.array([(13, -12, 86), (10, 12, 93), (7, 30, 92)]), np.array([9, 5.5, 5]), blend=4)
    canine = tube(half, np.array([(19, -40, 89), (18, -18, 88)]), np.array([4.5, 3]))
    spine = tube(half, np.array([(0, -24, 90), (0, -23, 99)]), np.array([4, 1.8]))
    return union(union(body, arch, frontal, blend=9), canine, spine, blend=4)


def _cheek(half: ndarray) -> ndarray:
    body = ellipsoid(half, (45, -9, 73), (13, 12, 10))
    root = tube(half, np.array([(26, -20, 76), (44, -12, 74)]), np.array([10, 9]))
    rim = tube(half, fair(np.array([(47, -6, 76), (53, 8, 72), (51, 29, 74)]), 6), np.array([7, 5, 4.5, 4.3, 4.5, 5]))
    floor = tube(half, fair(np.array([(47, -4, 78), (32, -4, 86), (16, 4, 90)]), 6), 4.2)
    path = fair(np.array([(47, -9, 72), (60, -7, 56), (66, -4, 38), (66, -1, 20), (60, 1, 6)]), 12)
    arch = tube(half, path, np.r_[5, 4.2, np.full(8, 3.2), 4, 5], squash=(1, 1.5, 1), blend=5)
    return union(union(body, root, rim, floor, blend=6), arch, blend=5)


def _nasal_bones(half: ndarray) -> ndarray:
    path = fair(np.array([(0, 33, 94), (0, 22, 93), (0, 11, 98), (0, 5, 102)]), 7)
    return tube(half, path, np.array([6, 5.2, 5, 5, 5, 4.6, 3.8]), squash=(1.1, 1, 1), blend=2)


def _openings(bone: ndarray, half: ndarray) -> ndarray:
    orbit = tube(
        half, np.array([(36, 15, 108), (32, 17, 86), (16, 18, 44)]), np.array([23, 19.5, 3]), squash=(1.0, 0.88, 1)
    )
    nose = tube(
        half, np.array([(0, 1, 104), (0, -9, 98), (7, -15, 94)]), np.array([5, 8.5, 7]), squash=(1, 1, 2.6), blend=4
    )
    septum = box(half, (0, -8, 78), (1.3, 20, 12), 1)
    below = ellipsoid(half, (0, -42, 46), (22, 14, 34))  # the hollow palate
    magnum = tube(half, np.array([(0, -60, -16), (0, 0, -20)]), 15.0)
    canal = ball(half, (66, -1, 0), 5.0)
    wing = plate(half, np.array([(51, 30, 72), (50, -2, 72), (33, 14, 46)]), 3.5)  # outer orbit wall, of the sphenoid
    hollow = cut(cut(bone, orbit, blend=4), below, nose, magnum, canal, blend=3)
    return union(hollow, septum, wing, blend=1.5)


def _arch(height: float, scale: float) -> ndarray:
    """Return the left half of a dental arch: a parabola from the midline back to the molars."""
    turn = np.linspace(0, 1, 9)[:, None]
    x = 30 * scale * np.sin(turn * np.pi / 2) ** 0.85
    return np.hstack([x, np.full_like(x, height), 93 * scale**0.5 - 46 * turn**1.9])


def _teeth(points: ndarray, upper: bool) -> ndarray:
    half = _mirrored(points)
    sign, neck, scale = (1.0, -40.5, 1.0) if upper else (-1.0, -57.0, 0.95)
    arch = fair(_arch(neck, scale), 200)
    pace = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(arch, axis=0), axis=1))])
    widths = np.array([8.6, 6.8, 7.6, 7.0, 6.8, 9.8, 9.4]) * (0.93 if upper else 0.88)
    depth = np.array([3.0, 2.9, 3.6, 4.2, 4.4, 5.2, 5.0])
    places = np.cumsum(widths) - widths / 2
    rows = []
    for place, width, thick, tall in zip(places, widths, depth, (10.5, 9.5, 10.5, 8.5, 8.0, 7.5, 7.0), strict=True):
        at = np.array([np.interp(place, pace, arch[:, k]) for k in range(3)])
        ahead = np.array([np.interp(place + 1, pace, arch[:, k]) for k in range(3)]) - at
        ahead /= np.linalg.norm(ahead)
        turn = np.stack([ahead, [0, 1, 0], np.cross(ahead, [0, 1, 0])], 1)
        middle = at - sign * np.array([0, tall / 2 - 2.5, 0])
        rows.append(box(half, middle, (width / 2 - 0.15, tall / 2, thick), 1.9, turn))
    gum = tube(half, _arch(neck + 0.5 * sign, scale), 3.0)
    return union(union(*rows), gum, blend=1.2)


def _jaw(points: ndarray) -> ndarray:
    half = _mirrored(points)
    return union(_ramus(half), _corpus(half), blend=8)


def _ramus(half: ndarray) -> ndarray:
    outline = np.array(
        [
            (9, -4),
            (15, -3),
            (18, -14),
            (25, -20),
            (32, -14),
            (36, -7),
            (41, -14),
            (40, -30),
            (44, -46),
            (44, -58),
            (32, -67),
            (18, -66),
            (8, -58),
            (5, -45),
            (7, -24),
        ],
        float,
    )
    outward = 46.5 + (half[:, 1] + 62) * 0.11  # from the jaw angle up to the condyle
    flat = polygon(half[:, [2, 1]], outline)
    sheet = slab(flat, half[:, 0] - outward, 6.0, 2.4)
    return union(sheet, ellipsoid(half, (53.5, -4, 11.5), (9.5, 5, 5)), blend=4)


def _corpus(half: ndarray) -> ndarray:
    low = fair(np.array([(46, -60, 22), (42, -65, 42), (29, -74, 66), (13, -80, 80), (0, -81, 84)]), 10)
    high = np.concatenate([[(41, -52, 34)], _arch(-61.5, 0.95)[::-1]])
    lower, upper = tube(half, low, np.linspace(5.5, 7, 10), blend=3), tube(half, high, 4.6, blend=3)
    middle = tube(half, (low + high) / 2, 4.2, squash=(1, 1.9, 1), blend=3)
    chin = union(ellipsoid(half, (0, -79, 87), (11, 8, 6)), ellipsoid(half, (15, -83, 81), (8, 5, 6)), blend=5)
    return union(union(lower, upper, middle, blend=7), chin, blend=6)
