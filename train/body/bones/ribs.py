"""Rib cage and collar bones: a smooth cage surface under the trunk skin, twelve pairs of ribs swept on it.

Everything is in metres, template axes; the left side is made. Sizes in the tables are millimetres of an adult man.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.bones.mesh import Mesh, polygonise_mirrored, sweep
from train.body.bones.place import MM
from train.body.bones.sdf import box, cut, ellipsoid, fair, tube, union
from train.body.bones.spine import Column, transverse_tip
from train.body.bones.torso import Torso

# half width of the cage against its height: 0 at the first rib, 1 at the twelfth vertebra
_LEVEL = np.array([-0.05, 0.08, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0, 1.3])
_HALF_WIDTH = np.array([52, 74, 95, 114, 126, 132, 133, 128, 115], float)
# per rib 1..12: how far its front end lies below its head, and where round the cage it ends (0 back, 180 breastbone)
_DROP = np.array([42, 62, 80, 96, 110, 122, 132, 138, 136, 124, 92, 50], float)
_END_DEG = np.array([142, 146, 148, 148, 147, 145, 141, 134, 126, 117, 93, 58], float)
# where cartilages of ribs 1..7 meet the breastbone, below its notch, and from the midline
_NOTCHES = np.array([(14, 27), (46, 21), (72, 17), (94, 18), (114, 19), (130, 19), (143, 14)], float)
_SKIN_OVER_BREASTBONE_M = 0.011
_SKIN_OVER_RIBS_M = 0.016
_FLESH_BEHIND = np.array([30, 33, 31, 24, 22], float)  # from the skin of the back to the ribs, top to bottom


@dataclass(frozen=True)
class Cage:
    """The surface that ribs lie on, by height, and the top of the breastbone (y, metres)."""

    torso: Torso
    column: Column
    notch: float
    top: float
    bottom: float
    scale: float

    def at(self, angle_rad: Float[ndarray, " n"], y: Float[ndarray, " n"]) -> Float[ndarray, "n 3"]:
        """Return points on the cage, angle 0 at the spine and pi at the breastbone."""
        level = (self.top - y) / (self.top - self.bottom)
        width = np.interp(level, _LEVEL, _HALF_WIDTH) * MM * self.scale
        width = np.minimum(width, self.torso.half_width_at(y) - _SKIN_OVER_RIBS_M)
        # the shoulder blade and its muscles lie between the upper ribs and the skin
        cover = np.interp(level, [-0.1, 0.05, 0.5, 0.9, 1.3], _FLESH_BEHIND) * MM * self.scale
        back = self.torso.back_at(y) + cover
        front = self.front(y)
        middle, depth = (back + front) / 2, (front - back) / 2
        sin, cos = np.sin(angle_rad), np.cos(angle_rad)
        # fuller than an ellipse in front, where the chest is broad and flat
        fuller = np.where(cos < 0, 0.82, 0.97)
        return np.stack([width * np.abs(sin) ** 0.9, y, middle - depth * np.sign(cos) * np.abs(cos) ** fuller], 1)

    def front(self, y: ndarray | float) -> ndarray:
        """Return z of the breastbone's plane: under the skin, and never steeper than a chest is."""
        notch_z = self.torso.front_at(self.notch) - _SKIN_OVER_BREASTBONE_M
        slope = np.tan(np.radians(27))
        skin = self.torso.front_at(y) - _SKIN_OVER_BREASTBONE_M
        return np.asarray(np.minimum(skin, notch_z + slope * np.clip(self.notch - y, 0, None)))


def draw_ribs(cage: Cage) -> dict[str, Mesh]:
    """Return twelve left ribs and ten left cartilages by name."""
    bones: dict[str, Mesh] = {}
    ends: list[ndarray] = []
    for number in range(1, 13):
        path = _rib_path(cage, number)
        bones[f"rib_{number}"] = _rib_mesh(path, number, cage.scale)
        ends.append(path)
    lower = None
    for number in range(1, 11):
        path = _cartilage_path(cage, number, ends[number - 1], lower)
        lower = path
        bones[f"cartilage_{number}"] = _flat_sweep(path, np.full(len(path), 5.4) * cage.scale, 3.6 * cage.scale, 6)
    return bones


def _rib_path(cage: Cage, number: int) -> ndarray:
    head, tip = transverse_tip(cage.column, f"t{number}", cage.scale)
    end = np.radians(_END_DEG[number - 1])
    start = np.radians(20 if number < 11 else 17)
    turn = np.linspace(start, end, 14)
    share = (turn - start) / (end - start)
    drop = _DROP[number - 1] * MM * cage.scale
    y = tip[1] - 0.004 - drop * (share if number == 1 else 0.25 * share + 0.75 * share**1.25)
    path = cage.at(turn, y)
    # the neck leaves the spine behind the body and meets the transverse process before it reaches the cage
    knots = np.vstack([head, tip + np.array([0, 0.002, -0.001]), path[1:]])
    return fair(knots, 16 if number < 12 else 11)


def _rib_mesh(path: ndarray, number: int, scale: float) -> Mesh:
    tall = np.interp(np.linspace(0, 1, len(path)), [0, 0.08, 0.16, 0.5, 0.92, 1], [4.6, 3.6, 4.6, 6.0, 6.4, 5.4])
    if number >= 11:
        tall = tall * np.linspace(1, 0.55, len(path))
    return _flat_sweep(path, tall * scale, 3.1 * scale, 6, lean=0.75 if number == 1 else 0.3 if number == 2 else 0.0)


def _flat_sweep(path: ndarray, tall: ndarray, thick: float, sides: int, lean: float = 0.0) -> Mesh:
    """Sweep a strap standing on edge; `lean` 1 lays it flat, as the first rib is."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outward = np.cross(tangent, np.array([0, 1.0, 0]))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    radii = MM * np.stack([tall, np.minimum(thick, tall)], 1)
    return sweep(path, (1 - lean) * np.array([0, 1.0, 0]) + lean * outward, radii, sides)


def _cartilage_path(cage: Cage, number: int, rib: ndarray, above: ndarray | None) -> ndarray:
    out = rib[-1] - rib[-3]
    out /= np.linalg.norm(out)
    start = rib[-1] - 0.002 * out
    if number <= 7 or above is None:
        down, aside = _NOTCHES[number - 1] * MM * cage.scale
        y = cage.notch - down
        goal = np.array([aside, y, float(cage.front(y)) - 0.001])
    else:
        goal = above[len(above) // 2] - np.array([0, 0.006 * cage.scale, 0])
    reach = np.linalg.norm(goal - start)
    bend = start + out * 0.35 * reach
    late = goal + (bend - goal) * np.array([0.45, 0.51, 0.45])
    path = fair(np.vstack([start, start + out * 0.15 * reach, (bend + late) / 2, goal]), 8)
    limit = cage.torso.front_at(path[:, 1]) - _SKIN_OVER_BREASTBONE_M
    path[:, 2] = np.minimum(path[:, 2], limit)
    return path


def draw_sternum(cage: Cage, vertices: int) -> Mesh:
    """Return the breastbone: manubrium, body and xiphoid process."""
    flat = polygonise_mirrored(
        lambda p: _sternum(np.c_[np.abs(p[:, 0]), p[:, 1:]]), (-44, -194, -16), (44, 14, 18), 1.5, vertices
    )
    y = cage.notch + flat.vertices[:, 1] * MM * cage.scale
    x = flat.vertices[:, 0] * MM * cage.scale
    return flat.moved(np.stack([x, y, cage.front(y) - 0.003 + flat.vertices[:, 2] * MM * cage.scale], 1))


def _sternum(half: ndarray) -> ndarray:
    manubrium = union(box(half, (0, -20, 0), (22, 24, 6), 5), box(half, (20, -9, 0), (12, 11, 6), 5), blend=8)
    body = union(box(half, (0, -74, 0), (15, 28, 5.5), 5), box(half, (0, -118, 0), (19.5, 30, 5), 4.5), blend=22)
    xiphoid = tube(half, np.array([(0, -146, -1), (0, -178, 0)]), np.array([9, 3.5]), squash=(1, 1, 0.5))
    bone = union(union(manubrium, body, blend=5), xiphoid, blend=6)
    bone = cut(bone, ellipsoid(half, (0, 12, 0), (14, 13, 20)), ellipsoid(half, (27, 8, 0), (13, 11, 14)), blend=4)
    dents = [ellipsoid(half, (aside + 6, -down, 0), (5, 3.5, 12)) for down, aside in _NOTCHES[1:6]]
    return cut(bone, *dents, blend=3)


def draw_clavicle(cage: Cage, acromion: Float[ndarray, "3"]) -> Mesh:
    """Return the left collar bone, an S from the breastbone to the acromion."""
    size = cage.scale * MM
    start = np.array([21 * size, cage.notch - 1 * size, float(cage.front(cage.notch)) - 0.002])
    along = acromion - start
    front = np.array([0, 0, 1.0]) - along[2] * along / (along @ along)
    share = np.linspace(0, 1, 16)
    sway = np.interp(share, [0, 0.15, 0.35, 0.55, 0.8, 1], [0, 8, 13, 4, -8, 0]) * size
    knots = start + share[:, None] * along + sway[:, None] * front
    path = fair(knots[::3], 16)
    tall = np.interp(share, [0, 0.06, 0.2, 0.6, 0.9, 1], [9, 10.5, 7, 5.8, 5.2, 4]) * size
    deep = np.interp(share, [0, 0.06, 0.2, 0.6, 0.9, 1], [8, 9.5, 6.5, 6.2, 9, 7]) * size
    return sweep(path, np.broadcast_to([0, 1.0, 0], path.shape), np.stack([tall, deep], 1), 8)
