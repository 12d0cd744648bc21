"""Garments grown from the base mesh: where a cut covers the body goes in, cloth with clean hems over it comes out.

A cut is a number per base vertex, about metres inside the hem (negative outside). The mesh is cut along its zero line,
so hems do not follow triangles.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.sparse import csr_array

from skelvid.body.dofs import JOINT_NAMES
from train.synth.subjects_mesh import BaseMesh, vertex_normals

Cut = Float[ndarray, "b"]
FAR = 1.0
_ARM = tuple(i for i, n in enumerate(JOINT_NAMES) if n.startswith(("humerus", "ulna", "radius", "hand")))
_SMOOTHING = 0.5


@dataclass(frozen=True)
class Places:
    """Where things are on the template, m: heights (y), reaches of the arm (|x|), and coordinates of all vertices."""

    x: Float[ndarray, "b"]
    y: Float[ndarray, "b"]
    z: Float[ndarray, "b"]
    arm: Float[ndarray, "b"]
    weight: Float[ndarray, "b 24"]
    joints: dict[str, Float[ndarray, "3"]]
    marks: dict[str, Float[ndarray, "3"]]

    def leg(self, share: float) -> float:
        """Height down the leg: 0 hip, 1 knee, 2 ankle, 3 floor."""
        ladder = [self.joints[f"{n}_l"][1] for n in ("femur", "tibia", "talus")] + [float(self.y.min())]
        return float(np.interp(share, range(4), ladder))

    def reach(self, share: float) -> float:
        """Distance out along the arm: 0 shoulder, 1 elbow, 2 wrist, 3 finger tips."""
        ladder = [self.joints[f"{n}_l"][0] for n in ("humerus", "ulna", "hand")] + [float(np.abs(self.x).max())]
        return float(np.interp(share, range(4), ladder))

    def trunk(self, share: float) -> float:
        """Height up the trunk: 0 hips, 1 waist (L1), 2 arm pits, 3 top of the shoulders."""
        pit = self.joints["humerus_l"][1] - 0.09
        ladder = [self.joints["femur_l"][1], self.marks["l1"][1], pit, self.marks["c7"][1] - 0.02]
        return float(np.interp(share, range(4), ladder))


@dataclass(frozen=True)
class Piece:
    """Cut-out triangles; each vertex lies between two base vertices.

    Attributes:
        ends: `v 2` base vertices; share: `v` how far from the first to the second.
        faces: `f 3`. inside_m: `v` distance to the hem, about.
    """

    ends: Int[ndarray, "v 2"]
    share: Float[ndarray, "v"]
    faces: Int[ndarray, "f 3"]
    inside_m: Float[ndarray, "v"]

    def of(self, values: ndarray) -> ndarray:
        """Interpolate anything known at base vertices."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return values[self.ends[:, 0]] * (1 - share) + values[self.ends[:, 1]] * share


def cut_out(faces: Int[ndarray, "f 3"], cut: Cut) -> Piece:
    """Keep what lies inside a cut, splitting the triangles that its zero line crosses."""
    inside = cut[faces] >= 0
    count = inside.sum(1)
    whole, one, two = (faces[count == n] for n in (3, 1, 2))
    turn = np.argmax(cut[one] >= 0, axis=1)
    a, b, c = (np.take_along_axis(one, ((turn + k) % 3)[:, None], 1)[:, 0] for k in range(3))
    turn = np.argmax(cut[two] < 0, axis=1)
    o, p, q = (np.take_along_axis(two, ((turn + k) % 3)[:, None], 1)[:, 0] for k in range(3))

    def same(v: ndarray) -> ndarray:
        return np.stack([v, v], 1)

    def edge(v: ndarray, w: ndarray) -> ndarray:
        return np.sort(np.stack([v, w], 1), axis=1)

    corners = np.concatenate(
        [
            np.stack([same(whole[:, k]) for k in range(3)], 1),
            np.stack([same(a), edge(a, b), edge(a, c)], 1),
            np.stack([same(p), same(q), edge(q, o)], 1),
            np.stack([same(p), edge(q, o), edge(p, o)], 1),
        ]
    )
    # One number for two: sorting pairs takes far longer.
    keys, index = np.unique(corners.reshape(-1, 2) @ [len(cut), 1], return_inverse=True)
    ends = np.stack(np.divmod(keys, len(cut)), 1)
    first, second = cut[ends[:, 0]], cut[ends[:, 1]]
    gap = first - second
    share = np.where(ends[:, 0] == ends[:, 1], 0.0, first / np.where(gap == 0, 1, gap))
    share = np.clip(share, 0, 1)
    return Piece(ends, share, index.reshape(-1, 3), first * (1 - share) + second * share)


def grow(
    piece: Piece,
    points: Float[ndarray, "b 3"],
    normals: Float[ndarray, "b 3"],
    *,
    gap_m: ndarray | float,
    ease_m: ndarray | float,
    smoothing: int,
) -> Float[ndarray, "v 3"]:
    """Lift a piece off the body by `ease_m`, bridge folds by smoothing, and keep it `gap_m` outside the skin."""
    skin, out = piece.of(points), piece.of(normals)
    cloth = skin + out * (np.broadcast_to(ease_m, len(skin))[:, None])
    mean = _mean_of_neighbours(piece.faces, len(skin))
    for _ in range(smoothing):
        cloth = cloth + _SMOOTHING * (mean @ cloth - cloth)
    short = gap_m - ((cloth - skin) * out).sum(1)
    return cloth + out * np.maximum(short, 0)[:, None]


def _mean_of_neighbours(faces: Int[ndarray, "f 3"], count: int) -> csr_array:
    """Average over neighbours; at open edges over the two along the edge, so that hems stay lines."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    key = np.minimum(*ends.T) * count + np.maximum(*ends.T)
    _, index, uses = np.unique(key, return_inverse=True, return_counts=True)
    open_edge = uses[index] == 1
    on_hem = np.zeros(count, bool)
    on_hem[ends[open_edge].ravel()] = True
    both = np.concatenate([ends, ends[:, ::-1]])
    use = ~on_hem[both[:, 0]] | np.concatenate([open_edge, open_edge])
    rows, columns = both[use].T
    table = csr_array((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    total = np.bincount(rows, minlength=count)
    table.data /= np.repeat(total, np.diff(table.indptr))  # edges of two faces count twice, in the sum as well
    return table


def legs(places: Places, down_to: float, up_to: float) -> Cut:
    """Trousers: from `down_to` (see `Places.leg`) to `up_to` (see `Places.trunk`)."""
    return np.minimum.reduce([places.y - places.leg(down_to), places.trunk(up_to) - places.y, FAR * (0.3 - places.arm)])


def top(places: Places, *, hem: float, sleeve: float, neck: tuple[float, float, float]) -> Cut:
    """Shirts: from `hem` (see `Places.trunk`; below 0 = down the leg) to `sleeve` (see `Places.reach`).

    sleeve: below 0 = none: at -1 the edge on the shoulder is 10 cm nearer the neck than at 0.
    neck: see `collar`.
    """
    edge = places.y - (places.trunk(hem) if hem >= 0 else places.leg(-hem))
    if sleeve >= 0:
        hole = np.where(places.y > places.trunk(1.5), places.reach(sleeve) - np.abs(places.x), FAR)
    else:
        pit = places.trunk(2.0)
        outer = np.interp(
            places.y, [pit - 0.05, pit, pit + 0.11], [0.3, places.reach(0.0), places.reach(0.0) + 0.1 * sleeve]
        )
        hole = outer - np.abs(places.x)
    return np.minimum.reduce([edge, hole, collar(places, *neck)])


def collar(places: Places, low_m: float, deep_m: float = 0.0, wide_m: float = 0.075) -> Cut:
    """All but the neck: cut `low_m` below its foot, `deep_m` deeper in front, as wide as `wide_m` to either side."""
    back, front = places.marks["c7"], places.marks["sternal_notch"]
    slope = (back[1] - front[1]) / (back[2] - front[2])
    line = back[1] + 0.012 + slope * (places.z - back[2]) - low_m
    ahead = np.clip((places.z - 0.5 * (back[2] + front[2])) / 0.04, 0, 1)
    below = line - deep_m * ahead * np.clip(1.3 - np.abs(places.x) / wide_m, 0, 1) - places.y
    return np.maximum(below, np.minimum(np.abs(places.x) - wide_m, places.trunk(3.25) - places.y))


def band(along: Float[ndarray, "b"], low: float, high: float, where: Bool[ndarray, "b"]) -> Cut:
    """Sleeves around a limb between two places along it."""
    return np.where(where, np.minimum(along - low, high - along), -FAR)


def patch(points: Float[ndarray, "b 3"], centre: Float[ndarray, "3"], radii: Float[ndarray, "3"]) -> Cut:
    """What lies within an ellipsoid."""
    return (1 - np.linalg.norm((points - centre) / radii, axis=1)) * float(np.min(radii))


def make_places(
    base: BaseMesh, weight: Float[ndarray, "b 24"], joints: Float[ndarray, "24 3"], marks: dict[str, ndarray]
) -> Places:
    """Measure the template."""
    x, y, z = base.template_m.T.astype(float)
    named = dict(zip(JOINT_NAMES, joints, strict=True))
    return Places(x, y, z, weight[:, _ARM].sum(1), weight, named, marks)


def body_normals(base: BaseMesh, points: Float[ndarray, "b 3"]) -> Float[ndarray, "b 3"]:
    """Normals of the base mesh at all vertices of skin and helpers."""
    return vertex_normals(points, base.cloth_faces)
