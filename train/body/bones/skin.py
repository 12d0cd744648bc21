"""Measure the skin that the bones must fit: depth under it, plane sections, tracks of fingers and toes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from train.body.bones.mesh import Mesh

_FLIP = np.array([-1.0, 1, 1])


@dataclass(frozen=True)
class Loop:
    """One closed curve of a plane section: points (k, 3), area and area centroid."""

    points: Float[ndarray, "k 3"]
    area: float
    centre: Float[ndarray, "3"]


@dataclass(frozen=True)
class Digit:
    """A finger or toe of the skin: its axis (k, 3) from the tip to the web, and its mean radius (k,) there, metres."""

    path: Float[ndarray, "k 3"]
    radius: Float[ndarray, " k"]


@dataclass(frozen=True)
class Shell:
    """Dense oriented samples of a surface (n, 3) that can be asked how deep points lie under it."""

    samples: Float[ndarray, "n 3"]
    normals: Float[ndarray, "n 3"]
    tree: KDTree

    def depth(self, points: Float[ndarray, "n 3"]) -> tuple[Float[ndarray, " n"], Float[ndarray, "n 3"]]:
        """Return how deep points lie under the surface (metres, negative outside) and the outward direction there."""
        distance, nearest = self.tree.query(points)
        normal = self.normals[nearest]
        along = ((self.samples[nearest] - points) * normal).sum(1)
        return np.where(distance > 0.01, np.sign(along) * distance, along), normal


@dataclass(frozen=True)
class Solid:
    """Depth under a surface on a grid (metres), for parts whose slits and pockets were filled."""

    grid: Float[ndarray, "i j k"]
    low: Float[ndarray, "3"]
    step: float

    def depth(self, points: Float[ndarray, "n 3"]) -> tuple[Float[ndarray, " n"], Float[ndarray, "n 3"]]:
        """Return how deep points lie (negative outside) and the outward direction there."""
        depth = self._at(points)
        ahead = np.stack(
            [self._at(points + self.step * axis) - self._at(points - self.step * axis) for axis in np.eye(3)], 1
        )
        return depth, -ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-12)

    def _at(self, points: ndarray) -> ndarray:
        return map_coordinates(self.grid, ((points - self.low) / self.step).T, order=1, mode="nearest")


def fill_slits(shell: Shell, low: ndarray, high: ndarray, slit_m: float = 0.016, step: float = 0.003) -> Solid:
    """Return the part of a body in a box, mouth, lids and nostrils closed: bones fill the space behind them.

    The grid is symmetric about x = 0 and reaches over the box on all sides.
    """
    margin = 0.02
    side = step * np.ceil((np.maximum(-low[0], high[0]) + margin) / step)
    low = np.array([-side, *(low[1:] - margin)])
    counts = np.ceil((np.array([side, *(high[1:] + margin)]) - low) / step).astype(int) + 1
    points = low + step * np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1)
    inside = shell.depth(points.reshape(-1, 3))[0].reshape(points.shape[:3]) > 0
    # closing: grow by half a slit, then shrink again
    closed = inside | (_reach(_reach(~inside) * step <= slit_m / 2) * step > slit_m / 2)
    return Solid(gaussian_filter((_reach(closed) - _reach(~closed)) * step, 1.0), low, step)


def _reach(mask: ndarray) -> ndarray:
    """Return, in cells, how far each cell of a mask lies from its outside."""
    return np.asarray(distance_transform_edt(mask))


def make_shell(samples: Float[ndarray, "n 3"], normals: Float[ndarray, "n 3"]) -> Shell:
    """Index samples for depth queries."""
    return Shell(samples, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12), KDTree(samples))


class Skin:
    """A closed, symmetric skin mesh (metres, template axes) that can be asked for depths and sections."""

    def __init__(self, vertices: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> None:
        """Sample the surface densely once, with normals, for depth queries."""
        self.vertices = np.asarray(vertices, float)
        self.faces = np.asarray(faces, np.int64)
        normals = vertex_normals(self.vertices, self.faces)
        shares = np.array([(1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4), (1, 1, 0), (0, 1, 1), (1, 0, 1)], float)
        shares /= shares.sum(1, keepdims=True)
        between = [
            np.einsum("sk,fkd->fsd", shares, values[self.faces]).reshape(-1, 3) for values in (self.vertices, normals)
        ]
        samples, normals = np.concatenate([self.vertices, between[0]]), np.concatenate([normals, between[1]])
        left = samples[:, 0] >= 0
        # a mirrored left half, so that midline bones settle without drifting to a side
        self.shell = make_shell(
            np.concatenate([samples[left], samples[left] * _FLIP]),
            np.concatenate([normals[left], normals[left] * _FLIP]),
        )

    def section(
        self, at: Float[ndarray, "3"], normal: Float[ndarray, "3"], keep: Bool[ndarray, " v"] | None = None
    ) -> list[Loop]:
        """Cut the skin by a plane; `keep` limits the cut to faces on those vertices. Largest loop first."""
        side = (self.vertices - at) @ normal
        faces = self.faces if keep is None else self.faces[keep[self.faces].all(1)]
        above = side[faces] > 0
        faces = faces[above.any(1) & ~above.all(1)]
        if len(faces) == 0:
            return []
        ends = np.stack([self._crossings(faces, side, up) for up in (True, False)], 1)
        return sorted(_loops(ends, side, self.vertices, np.asarray(normal, float)), key=lambda loop: -loop.area)

    @staticmethod
    def _crossings(faces: ndarray, side: ndarray, up: bool) -> ndarray:
        """Return, per face, the edge (a, b) by which its boundary walks up or down through the plane."""
        a, b = faces, np.roll(faces, -1, axis=1)
        walks = (side[a] <= 0) & (side[b] > 0) if up else (side[a] > 0) & (side[b] <= 0)
        which = walks.argmax(1)[:, None]
        edge = np.concatenate([np.take_along_axis(a, which, 1), np.take_along_axis(b, which, 1)], 1)
        return np.sort(edge, axis=1)


def vertex_normals(vertices: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> Float[ndarray, "v 3"]:
    """Return area-weighted unit normals."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], np.cross(b - a, c - a))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _loops(ends: ndarray, side: ndarray, vertices: ndarray, normal: ndarray) -> list[Loop]:
    """Chain section segments (m, 2 ends, 2 vertices) into closed curves."""
    edges, index = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    index = index.reshape(-1, 2)
    share = side[edges[:, 0]] / (side[edges[:, 0]] - side[edges[:, 1]])
    points = vertices[edges[:, 0]] + share[:, None] * (vertices[edges[:, 1]] - vertices[edges[:, 0]])
    links = coo_matrix((np.ones(len(index)), (index[:, 0], index[:, 1])), shape=(len(edges),) * 2)
    label = connected_components(links, directed=False)[1]
    loops = []
    for piece in np.unique(label):
        segments = index[label[index[:, 0]] == piece]
        a, b = points[segments[:, 0]], points[segments[:, 1]]
        pivot = a.mean(0)
        areas = np.cross(a - pivot, b - pivot) @ normal / 2
        total = areas.sum()
        if abs(total) > 1e-12:
            centre = (areas[:, None] * (pivot + a + b) / 3).sum(0) / total
            loops.append(Loop(points[label == piece], abs(float(total)), centre))
    return loops


def digit_tracks(skin: Skin, keep: Bool[ndarray, " v"], axis: int, count: int = 5) -> list[Digit]:
    """Follow fingers or toes from tip to web: section centres while a digit is a loop of its own, tip first.

    `keep` selects the hand or foot, `axis` is the coordinate in which its digits grow.
    """
    reach = skin.vertices[keep][:, axis]
    normal = np.eye(3)[axis]
    step = np.ptp(reach) / 110
    growing: list[list[Loop]] = []
    ended: list[list[Loop]] = []
    palm: list[Loop] = []  # loops below a web: whatever continues them is no digit
    for level in np.arange(reach.max() - step / 2, reach.min() + step, -step):
        loops = [loop for loop in skin.section(normal * level, normal, keep) if loop.area > 4e-6]
        growing, palm = _advance(growing, ended, palm, loops)
    tracks = sorted(ended + growing, key=len)[::-1]
    tracks = [t for t in tracks if len(t) >= 4][:count]
    if len(tracks) < count:
        raise ValueError(f"expected {count} separate digits in this part of the skin, found {len(tracks)}")
    tips = [_tip(skin.vertices[keep], track) for track in tracks]
    return [
        Digit(
            np.vstack([tip, [loop.centre for loop in track]]),
            np.sqrt([loop.area / np.pi for loop in (track[0], *track)]),
        )
        for tip, track in zip(tips, tracks, strict=True)
    ]


def _advance(
    growing: list[list[Loop]], ended: list[list[Loop]], palm: list[Loop], loops: list[Loop]
) -> tuple[list[list[Loop]], list[Loop]]:
    """Extend each digit by the loop under it; a loop that swallows two digits, or jumps in size, is palm."""
    ends = [track[-1] for track in growing] + palm
    heirs: list[list[int]] = [[] for _ in loops]
    for index, end in enumerate(ends):
        if loops:
            heirs[int(np.argmin([np.linalg.norm(loop.centre - end.centre) for loop in loops]))].append(index)
    still, below = [], []
    for loop, owners in zip(loops, heirs, strict=True):
        young = len(owners) == 1 and owners[0] < len(growing) and len(growing[owners[0]]) < 6
        if not owners:
            still.append([loop])
        elif len(owners) == 1 and owners[0] < len(growing) and (young or loop.area < 1.35 * ends[owners[0]].area):
            still.append(growing[owners[0]] + [loop])
        else:
            below.append(loop)
    kept = {id(track[0]) for track in still}
    ended.extend(track for track in growing if id(track[0]) not in kept)
    return still, below


def _tip(points: ndarray, track: list[Loop]) -> ndarray:
    """Return where the axis of a digit leaves the skin at its tip."""
    start = track[0].centre
    out = start - track[min(len(track) - 1, 8)].centre
    out /= np.linalg.norm(out)
    radius = max(np.sqrt(track[0].area / np.pi), 0.003)
    offset = points - start
    along = offset @ out
    beside = np.linalg.norm(offset - along[:, None] * out, axis=1)
    near = (beside < radius) & (along < 0.01)
    return start + out * max(float(along[near].max(initial=0.0)), 0.0)


def settle(mesh: Mesh, shell: Shell | Solid, clearance_m: float, rigid: bool = False, reach_m: float = 0.02) -> Mesh:
    """Push a bone under the skin until every vertex has the wanted clearance, bending it as little as possible.

    Pushes spread to neighbours within about `reach_m`; a rigid bone moves as a whole.
    """
    points = mesh.vertices.copy()
    if rigid:
        return mesh.moved(_settle_rigid(points, shell, clearance_m))
    twin = _twins(points)
    for turn in range(14):
        depth, normal = shell.depth(points)
        short = np.flatnonzero(depth < clearance_m - 1e-4)
        if len(short) == 0:
            break
        push = (depth[short] - clearance_m)[:, None] * normal[short]
        # late rounds act locally: only a few stubborn vertices are left by then
        move = _spread(points, short, push, reach_m * (1.0 if turn < 8 else 0.4))
        points = points + (move if twin is None else (move + move[twin] * _FLIP) / 2)
    return mesh.moved(points)


def _twins(points: ndarray) -> ndarray | None:
    """Return each vertex's mirror image if the bone is symmetric: ties must not bend a midline bone sideways."""
    gap, twin = KDTree(points).query(points * _FLIP)
    return np.asarray(twin) if gap.max() < 1e-9 else None


def _settle_rigid(points: ndarray, shell: Shell | Solid, clearance_m: float) -> ndarray:
    for _ in range(20):
        depth, normal = shell.depth(points)
        lack = np.clip(clearance_m - depth, 0, None)
        if lack.max() < 1e-4:
            break
        worst = lack > 0.5 * lack.max()
        points = points - (lack[worst, None] * normal[worst]).mean(0)
    return points


def _spread(points: ndarray, short: ndarray, push: ndarray, reach: float) -> ndarray:
    """Return a smooth displacement of all points that moves the short ones about as they need."""
    gap2 = ((points[:, None] - points[short][None]) ** 2).sum(2)
    kernel = np.exp(-gap2 / (2 * (reach / 2) ** 2))
    # normalised where pushes crowd, fading where none is near
    return kernel @ push / np.maximum(kernel.sum(1, keepdims=True), 1.0)
