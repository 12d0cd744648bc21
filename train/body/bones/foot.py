"""The left foot: ankle, toe joint and skin enter; tarsals, metatarsals and phalanges along the skin's toes leave.

The tarsals are drawn in millimetres for a foot 260 long, origin between the ankle bones, x lateral, y up,
z to the toes.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.bones.digits import axis_to, digit_bone, walk
from train.body.bones.mesh import Mesh, polygonise
from train.body.bones.sdf import cut, ellipsoid, tube, union
from train.body.bones.skin import Digit, Skin, digit_tracks

HEEL, LENGTH, HEIGHT = -56.0, 260.0, 76.0  # z of the skin's heel, foot length, ankle centre over the sole
_BALL = 0.675  # middle of the first and fifth toe joints from the heel, as a share of the foot
_BASES = np.array([(-22, -37, 71), (-9, -29, 68), (2, -32, 67), (11, -38, 62), (21, -45, 55)], float)
_MT_RADII = np.array([(9.5, 6.2, 9.5), (7.5, 4, 5.8), (7.2, 3.8, 5.6), (7.2, 3.8, 5.4), (8, 4, 5.6)])
_SMALL = {
    "navicular": ((-12, -25, 44), (15, 11, 7)),
    "cuboid": ((16, -42, 38), (11, 10.5, 14)),
    "medial_cuneiform": ((-22, -34, 60), (7, 11, 11)),
    "middle_cuneiform": ((-9, -28, 58), (6.2, 9, 9.5)),
    "lateral_cuneiform": ((2.5, -31, 56), (6.2, 9, 10.5)),
}


def draw_foot(
    skin: Skin, ankle: Float[ndarray, "3"], toe_joint: Float[ndarray, "3"], vertices: dict[str, int]
) -> dict[str, Mesh]:
    """Return the left foot's bones by name, metres; `vertices` is spent on talus, calcaneus, small tarsals."""
    foot = (skin.vertices[:, 0] > 0) & (skin.vertices[:, 1] < ankle[1])
    sole, heel = skin.vertices[foot][:, 1].min(), skin.vertices[foot][:, 2].min()
    length = skin.vertices[foot][:, 2].max() - heel
    scale = length / LENGTH  # metres per drawn millimetre

    def place(drawn: ndarray) -> ndarray:
        x, y, z = drawn.T
        # heel, ankle and toes stay where they are, wherever the ankle stands on the foot
        along = np.interp(z, [HEEL, 0, HEEL + LENGTH], [heel, ankle[2], heel + length])
        return np.stack([ankle[0] + x * scale, ankle[1] + y * (ankle[1] - sole) / HEIGHT, along], 1)

    bones = {name: mesh.moved(place(mesh.vertices)) for name, mesh in _draw_tarsals(vertices).items()}
    toes = digit_tracks(skin, foot & (skin.vertices[:, 2] > toe_joint[2] - 0.02), 2)
    toes.sort(key=lambda toe: toe.path[0, 0])
    # a joint measured between skin landmarks lies behind the bony ball of the foot: meet it half way
    ball = (toe_joint[2] + heel + _BALL * length) / 2
    heads = _heads(toes, np.array([*toe_joint[:2], ball]))
    for number, (toe, base, head) in enumerate(zip(toes, place(_BASES), heads, strict=True), start=1):
        bones |= _ray(number, toe, base, head, scale)
    return bones


def _heads(toes: list[Digit], toe_joint: ndarray) -> ndarray:
    """Place the five metatarsal heads on an oblique line through the toe joint, behind their toes."""
    reach = np.array([toe.path[-1, 0] for toe in toes])
    middle = (reach[0] + reach[-1]) / 2
    x = toe_joint[0] + (reach - middle) * 0.92
    # the first joint lies 26 mm ahead of the fifth in a foot 65 mm wide at the ball
    z = toe_joint[2] - (x - toe_joint[0]) * 0.4 + np.array([-0.002, 0.004, 0.002, 0, 0])
    return np.stack([x, np.full(5, toe_joint[1]), z], 1)


def _ray(number: int, toe: Digit, base: ndarray, head: ndarray, scale: float) -> dict[str, Mesh]:
    across = np.array([1.0, 0, 0])
    path = axis_to(toe, head)
    total = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    great = number == 1
    shares = np.array([0.07, 0.46, 1.0] if great else [0.06, 0.25, 0.46, 1.0])  # from the tip
    joints = walk(path, shares * total)[::-1]
    size = min(1.0, float(np.median(toe.radius)) / scale / (11.0 if great else 7.6))
    shapes = np.array(
        [(8.4, 5.6, 7.2), (7.6, 4.6, 5.2)] if great else [(5.0, 3.0, 3.9), (3.9, 3.0, 3.6), (3.6, 2.6, 2.9)]
    )
    bones = {
        f"metatarsal_{number}": digit_bone(
            base, head, tuple(_MT_RADII[number - 1] * scale), across, bow=np.array([0, 0.003, 0])
        )
    }
    labels = ("proximal", "distal") if great else ("proximal", "middle", "distal")
    for label, start, end, radii in zip(labels, joints[:-1], joints[1:], shapes, strict=True):
        begin = start + (end - start) * (0.12 if label == "proximal" else 0.08)
        bones[f"toe_{number}_{label}"] = digit_bone(begin, end, tuple(radii * size * scale), across, fine=great)
    return bones


def _draw_tarsals(vertices: dict[str, int]) -> dict[str, Mesh]:
    bones = {
        "talus": polygonise(_talus, (-30, -40, -34), (28, 16, 48), 1.4, vertices["talus"]),
        "calcaneus": polygonise(_calcaneus, (-24, -72, -60), (34, -8, 40), 1.6, vertices["calcaneus"]),
    }
    for name, (centre, radii) in _SMALL.items():
        bones[name] = polygonise(
            lambda p, c=centre, r=radii: _block(p, c, r),
            np.array(centre) - 18,
            np.array(centre) + 18,
            1.3,
            vertices["small"],
        )
    return bones


def _block(points: ndarray, centre: tuple, radii: tuple) -> ndarray:
    """Return a pebble with flattened sides: between a box and an ellipsoid."""
    local = np.abs(points - np.asarray(centre, np.float32)) / np.asarray(radii, np.float32)
    return ((local**3).sum(1) ** (1 / 3) - 1) * min(radii)


def _talus(points: ndarray) -> ndarray:
    dome = tube(points, np.array([(-6, -5, -1), (8, -5, -1)]), 13.0, squash=(0.85, 1, 1.4))
    body = ellipsoid(points, (1, -14, -3), (17, 11, 20))
    head = tube(points, np.array([(-4, -16, 14), (-10, -21, 30)]), np.array([10, 10.5]))
    tail = ellipsoid(points, (-3, -18, -22), (8, 5, 6))
    side = ellipsoid(points, (14, -14, 2), (6, 7, 8))
    return union(union(dome, body, side, blend=5), head, tail, blend=6)


def _calcaneus(points: ndarray) -> ndarray:
    tuber = ellipsoid(points, (3, -42, -37), (13.5, 21, 12))
    body = tube(
        points,
        np.array([(4, -39, -32), (7, -37, -10), (13, -40, 20)]),
        np.array([17, 15, 11.5]),
        squash=(0.75, 1, 1),
        blend=6,
    )
    facet = ellipsoid(points, (5, -27, -4), (12, 7, 13))
    shelf = ellipsoid(points, (-10, -31, 4), (8, 5, 9))
    front = ellipsoid(points, (14, -40, 20), (10, 11, 6))
    bone = union(union(tuber, body, blend=8), facet, shelf, front, blend=6)
    return cut(bone, ellipsoid(points, (3, -22, 10), (7, 5, 5)), blend=3)
