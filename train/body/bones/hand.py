"""The left hand: wrist joint and skin enter; carpus, metacarpals and phalanges along the skin's own fingers leave.

Lengths are means of adult hands 190 mm long; the T-pose hand points along +x, its thumb to the front, palm down.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.bones.digits import axis_to, digit_bone, walk
from train.body.bones.mesh import Mesh, polygonise
from train.body.bones.place import MM
from train.body.bones.sdf import ellipsoid, union
from train.body.bones.skin import Digit, Skin, digit_tracks

HAND_LENGTH_M = 0.190
PULP_M = 0.004
FINGERS = ("thumb", "index", "middle", "ring", "little")
# proximal, middle and distal phalanx, millimetres
_PHALANGES = {
    "thumb": (31.6, 21.7),
    "index": (39.8, 22.4, 15.8),
    "middle": (44.6, 26.3, 17.4),
    "ring": (41.4, 25.7, 17.3),
    "little": (32.7, 18.1, 16.0),
}
# base of each metacarpal: to the thumb side, towards the fingers, towards the back of the hand
_BASES = {
    "thumb": (19, 25, -7),
    "index": (9.5, 32, 0),
    "middle": (0.5, 33, 1),
    "ring": (-8, 31, 0),
    "little": (-15, 29, -2),
}
_CARPUS = (
    ((10, 10, -1), (7.5, 9, 6.5)),
    ((0, 8.5, 0), (6.5, 7, 7)),
    ((-9.5, 10, -1), (6, 6.5, 6)),
    ((-12, 11, -9), (4.5, 5, 4.5)),
    ((17, 19, -5), (7, 6.5, 6.5)),
    ((9, 23, 0), (5.5, 6.5, 6)),
    ((0.5, 21, 0), (6, 10, 7)),
    ((-9, 22, -1), (6.5, 8, 7)),
    ((-9, 25, -9), (3, 3.5, 5)),
)


def draw_hand(skin: Skin, wrist: Float[ndarray, "3"], vertices: int) -> dict[str, Mesh]:
    """Return the left hand's bones by name, metres; `vertices` is spent on the carpus."""
    digits = _name_fingers(digit_tracks(skin, skin.vertices[:, 0] > wrist[0], 0))
    scale = float(np.linalg.norm(digits["middle"].path[0] - wrist)) / HAND_LENGTH_M * MM  # metres per drawn millimetre
    ray = digits["middle"].path[-1] - wrist
    frame = _frame(ray)
    # the carpus reaches a little over the joint centre into the hollow of the radius
    bones = {"carpus": _place(_draw_carpus(vertices), wrist - 2.5 * scale * frame[:, 1], frame, scale)}
    for name, digit in digits.items():
        base = wrist + frame @ np.array(_BASES[name]) * scale
        lengths = np.array(_PHALANGES[name]) * scale
        # from the tip: pulp, then the ends of the phalanges back to the knuckle
        joints = walk(axis_to(digit, base), PULP_M + np.concatenate([[0], np.cumsum(lengths[::-1])]))[::-1]
        joints[0] += frame[:, 2] * 1.5 * scale  # knuckles lie nearer to the back of the hand
        bones |= _ray(name, base, joints, digit, scale, frame)
    return bones


def _name_fingers(digits: list[Digit]) -> dict[str, Digit]:
    """Name the digits: the thumb reaches least far, the others follow from front to back."""
    order = sorted(digits, key=lambda digit: digit.path[0, 0] + 1.0 * (digit.path[-1, 0] - digit.path[0, 0]))
    thumb = min(order[:2], key=lambda digit: -digit.path[0, 2])
    rest = sorted((d for d in digits if d is not thumb), key=lambda digit: -digit.path[0, 2])
    return dict(zip(FINGERS, [thumb, *rest], strict=True))


def _frame(ray: ndarray) -> ndarray:
    """Return columns: to the thumb, to the fingers, to the back of the hand."""
    distal = ray / np.linalg.norm(ray)
    radial = np.array([0, 0, 1.0]) - distal[2] * distal
    radial /= np.linalg.norm(radial)
    return np.stack([radial, distal, np.cross(radial, distal)], 1)


def _place(mesh: Mesh, at: ndarray, frame: ndarray, scale: float) -> Mesh:
    return mesh.moved(at + scale * mesh.vertices @ frame.T)


def _draw_carpus(vertices: int) -> Mesh:
    def field(points: ndarray) -> ndarray:
        return union(*[ellipsoid(points, centre, radii) for centre, radii in _CARPUS], blend=1.2)

    return polygonise(field, (-24, -3, -18), (30, 38, 12), 1.1, vertices)


def _ray(name: str, base: ndarray, joints: ndarray, digit: Digit, scale: float, frame: ndarray) -> dict[str, Mesh]:
    """Return the metacarpal and the phalanges of one finger."""
    across = frame[:, 0] if name != "thumb" else frame[:, 0] * 0.5 + frame[:, 2] * 0.85
    room = float(np.median(digit.radius)) / scale  # millimetres of drawing between the axis and the skin
    size = min(1.0, room / 8.6) * (0.9 if name == "little" else 1.0)
    gap = 1.0 * scale
    metacarpal = np.array([8.2, 4.8, 7.6] if name == "thumb" else [6.8, 3.6, 6.8]) * size
    phalanges = [np.array([7.0, 4.0, 5.4]), np.array([5.9, 3.5, 4.8]), np.array([5.2, 2.6, 3.8])]
    if name == "thumb":
        phalanges = [np.array([7.6, 4.5, 6.0]), np.array([6.6, 3.4, 4.6])]
    arch = frame[:, 2] * 1.5 * scale
    bones = {f"{name}_metacarpal": digit_bone(base, joints[0], tuple(metacarpal * scale), across, bow=arch)}
    labels = ("proximal", "distal") if name == "thumb" else ("proximal", "middle", "distal")
    for label, start, end, radii in zip(labels, joints[:-1], joints[1:], phalanges, strict=True):
        along = (end - start) / np.linalg.norm(end - start)
        bones[f"{name}_{label}"] = digit_bone(
            start + gap * along * 2.5, end - gap * along, tuple(radii * size * scale), across
        )
    return bones
