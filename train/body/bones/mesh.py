"""Triangle meshes of bones: fields and swept profiles enter, light closed meshes leave."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from skimage.measure import marching_cubes

from train.body.bones.decimate import decimate
from train.body.bones.sdf import Field, Vec

BLOCK = 8  # cells per side of the blocks in which a field is refined


@dataclass(frozen=True)
class Mesh:
    """A closed triangle mesh: vertices (v, 3), outward faces (f, 3)."""

    vertices: Float[ndarray, "v 3"]
    faces: Int[ndarray, "f 3"]

    def moved(self, vertices: Float[ndarray, "v 3"]) -> "Mesh":
        """Return the mesh with other vertex positions."""
        return Mesh(vertices, self.faces)

    def mirrored(self) -> "Mesh":
        """Return the mirror image in the plane x = 0, still outward."""
        return Mesh(self.vertices * np.array([-1.0, 1, 1]), self.faces[:, ::-1])


def join(meshes: list[Mesh]) -> Mesh:
    """Put meshes into one without welding them."""
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    faces = [m.faces + s for m, s in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))


def polygonise(field: Field, low: Vec, high: Vec, step: float, vertices: int) -> Mesh:
    """Mesh the zero set of a field inside a box, keep the largest piece, thin it to about `vertices` vertices."""
    mesh = _march(field, np.asarray(low, float), np.asarray(high, float), step)
    return Mesh(*decimate(mesh.vertices, mesh.faces, vertices))


def polygonise_mirrored(field: Field, low: Vec, high: Vec, step: float, vertices: int) -> Mesh:
    """Mesh a field that is drawn for x >= 0 only and mirrored in the plane x = 0, exactly symmetric.

    `low[0]` is ignored; `vertices` counts both halves.
    """
    mesh = _march(field, np.array([-2 * step, *low[1:]]), np.asarray(high, float), step)
    points = mesh.vertices.copy()
    points[np.abs(points[:, 0]) < 0.05 * step, 0] = 0  # no slivers beside the plane
    points, faces = decimate(*_left_half(points, mesh.faces), vertices // 2 + 1)
    seam = points[:, 0] == 0
    twin = np.where(seam, np.arange(len(points)), len(points) + np.cumsum(~seam) - 1)
    both = np.concatenate([points, points[~seam] * np.array([-1.0, 1, 1])])
    return Mesh(both, np.concatenate([faces, twin[faces][:, ::-1]]))


def _march(field: Field, low: ndarray, high: ndarray, step: float) -> Mesh:
    values, origin = _sample(field, low, high, step)
    points, faces, _, _ = marching_cubes(values, 0.0, spacing=(step,) * 3, gradient_direction="descent")
    return _largest(Mesh(points + origin, faces.astype(np.int64)))


def _left_half(points: ndarray, faces: ndarray) -> tuple[ndarray, ndarray]:
    """Clip a mesh by x >= 0; faces lying in the plane go, so both halves share only the seam."""
    x = points[:, 0]
    added: dict[tuple[int, int], int] = {}
    new_points, kept = list(points), list(faces[(x[faces] >= 0).all(1) & (x[faces] > 0).any(1)])
    for face in faces[(x[faces] < 0).any(1) & (x[faces] > 0).any(1)]:
        ring = []
        for a, b in zip(face, np.roll(face, -1), strict=True):
            if x[a] >= 0:
                ring.append(a)
            if x[a] * x[b] < 0:
                key = (min(a, b), max(a, b))
                if key not in added:
                    added[key] = len(new_points)
                    new_points.append((points[a] * x[b] - points[b] * x[a]) / (x[b] - x[a]))
                ring.append(added[key])
        kept += [np.array([ring[0], ring[k], ring[k + 1]]) for k in range(1, len(ring) - 1)]
    used, index = np.unique(np.array(kept), return_inverse=True)
    half = np.array(new_points)[used]
    half[np.abs(half[:, 0]) < 1e-9, 0] = 0
    return half, index.reshape(-1, 3)


def _sample(field: Field, low: ndarray, high: ndarray, step: float) -> tuple[ndarray, ndarray]:
    """Sample a field on a grid, finely only near its surface: far blocks keep the value at their centre."""
    low = low - step * np.array([0.37, 0.61, 0.23])  # off round numbers: no surface through grid points, no slivers
    blocks = np.ceil((high + step - low) / (step * BLOCK)).astype(int)
    corner = np.stack(np.meshgrid(*(np.arange(b) for b in blocks), indexing="ij"), -1).reshape(-1, 3)
    inner = np.stack(np.meshgrid(*(np.arange(BLOCK),) * 3, indexing="ij"), -1).reshape(-1, 3)
    centre = low + step * (corner * BLOCK + (BLOCK - 1) / 2)
    coarse = field(centre.astype(np.float32))
    reach = step * BLOCK * np.sqrt(3) / 2
    near = np.flatnonzero(np.abs(coarse) < 2.0 * reach)  # squashed fields may overestimate, hence the 2
    values = np.repeat(coarse[:, None], BLOCK**3, 1).astype(np.float32)
    fine = low + step * (corner[near][:, None] * BLOCK + inner)
    values[near] = field(fine.reshape(-1, 3).astype(np.float32)).reshape(len(near), -1)
    grid = values.reshape(*blocks, BLOCK, BLOCK, BLOCK).transpose(0, 3, 1, 4, 2, 5)
    return grid.reshape(*(blocks * BLOCK)), low


def _largest(mesh: Mesh) -> Mesh:
    """Keep the connected piece with most vertices."""
    count = len(mesh.vertices)
    links = coo_matrix(
        (np.ones(len(mesh.faces) * 2), (mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel())),
        shape=(count, count),
    )
    label = connected_components(links, directed=False)[1]
    keep = label == np.bincount(label).argmax()
    index = np.cumsum(keep) - 1
    return Mesh(mesh.vertices[keep], index[mesh.faces[keep[mesh.faces].all(1)]])


def sweep(path: Float[ndarray, "k 3"], across: ndarray, radii: ndarray, sides: int) -> Mesh:
    """Sweep an ellipse along a path and close both ends with a point.

    `across` (k, 3) is the wanted direction of the first radius, radii (k, 2) are along it and along its normal.
    """
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    first = across - (across * tangent).sum(1, keepdims=True) * tangent
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = (
        np.cos(angle)[None, :, None] * (radii[:, :1] * first)[:, None]
        + np.sin(angle)[None, :, None] * (radii[:, 1:] * second)[:, None]
    )
    cap = radii.mean(1)[[0, -1], None] * 0.5
    ends = np.stack([path[0] - cap[0] * tangent[0], path[-1] + cap[1] * tangent[-1]])
    vertices = np.concatenate([(path[:, None] + ring).reshape(-1, 3), ends])
    return Mesh(vertices, _sweep_faces(len(path), sides))


def _sweep_faces(rings: int, sides: int) -> ndarray:
    here = np.arange(rings - 1)[:, None] * sides + np.arange(sides)
    next_ = np.arange(rings - 1)[:, None] * sides + (np.arange(sides) + 1) % sides
    walls = [np.stack([here, next_, next_ + sides], -1), np.stack([here, next_ + sides, here + sides], -1)]
    side, last = np.arange(sides), (rings - 1) * sides
    start = np.stack([np.full(sides, rings * sides), (side + 1) % sides, side], -1)
    end = np.stack([np.full(sides, rings * sides + 1), last + side, last + (side + 1) % sides], -1)
    return np.concatenate([w.reshape(-1, 3) for w in walls] + [start, end])
