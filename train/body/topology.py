"""A closed skin out of the source mesh: cut the cavities, close the holes, thin out fingers, toes and ears."""

import heapq

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray


def boundary_loops(faces: Int[ndarray, "f 3"]) -> list[list[int]]:
    """Follow the open edges of a mesh into loops, each ordered so that a filling keeps the winding."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    present = set(map(tuple, edges.tolist()))
    follow = {b: a for a, b in present if (b, a) not in present}
    loops = []
    while follow:
        start = min(follow)
        loop, here = [start], follow.pop(start)
        while here != start:
            loop.append(here)
            here = follow.pop(here)
        loops.append(loop)
    return loops


def fill_loop(points: Float[ndarray, "v 3"], loop: list[int]) -> Int[ndarray, "f 3"]:
    """Triangulate a loop without new vertices so that the area is least (dynamic programming)."""
    n, ring = len(loop), points[loop]
    cost, split = np.zeros((n, n)), np.zeros((n, n), dtype=int)
    for gap in range(2, n):
        for i in range(n - gap):
            k = i + gap
            mid = np.arange(i + 1, k)
            area = np.linalg.norm(np.cross(ring[mid] - ring[i], ring[k] - ring[i]), axis=-1)
            total = cost[i, mid] + cost[mid, k] + area
            best = int(total.argmin())
            cost[i, k], split[i, k] = total[best], mid[best]
    triangles, stack = [], [(0, n - 1)]
    while stack:
        i, k = stack.pop()
        if k - i > 1:
            m = int(split[i, k])
            triangles.append([loop[i], loop[m], loop[k]])
            stack += [(i, m), (m, k)]
    return np.array(triangles)


def compact(faces: Int[ndarray, "f 3"]) -> tuple[Int[ndarray, "v"], Int[ndarray, "f 3"]]:
    """Keep only referenced vertices: returns their old ids (ascending) and the renumbered faces."""
    used, renumbered = np.unique(faces, return_inverse=True)
    return used, renumbered.reshape(faces.shape)


class _Collapser:
    """Half-edge collapses by quadric error; each removed vertex merges into a neighbour, nothing moves."""

    MIN_NORMAL_COSINE = 0.3

    def __init__(self, points: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> None:
        self.points = points
        self.faces: dict[int, list[int]] = {i: list(f) for i, f in enumerate(faces.tolist())}
        self.faces_of: list[set[int]] = [set() for _ in points]
        for i, face in self.faces.items():
            for vertex in face:
                self.faces_of[vertex].add(i)
        self.quadric = np.zeros((len(points), 4, 4))
        for face in faces:
            self._add_plane(face)

    def _add_plane(self, face: Int[ndarray, "3"]) -> None:
        normal = self._normal(*self.points[face])
        size = np.linalg.norm(normal)
        plane = np.append(normal, -normal @ self.points[face[0]]) / max(size, 1e-12)
        self.quadric[face] += size * np.outer(plane, plane)

    @staticmethod
    def _normal(a: ndarray, b: ndarray, c: ndarray) -> ndarray:
        u, v = (b - a).tolist(), (c - a).tolist()
        return np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])

    def neighbours(self, vertex: int) -> set[int]:
        return {w for f in self.faces_of[vertex] for w in self.faces[f]} - {vertex}

    def cost(self, gone: int, kept: int) -> float:
        """Quadric error plus a little length, so flat regions lose their shortest edges first."""
        x = np.append(self.points[kept], 1.0)
        length = float(((self.points[gone] - self.points[kept]) ** 2).sum())
        return float(x @ (self.quadric[gone] + self.quadric[kept]) @ x) + 1e-7 * length

    def allowed(self, gone: int, kept: int) -> bool:
        """Keep the surface a manifold and no triangle flipped or crushed."""
        if len(self.neighbours(gone) & self.neighbours(kept)) != 2:
            return False
        for f in self.faces_of[gone]:
            face = self.faces[f]
            if kept in face:
                continue
            old = self._normal(*self.points[face])
            new = self._normal(*self.points[[kept if w == gone else w for w in face]])
            if old @ new < self.MIN_NORMAL_COSINE * np.linalg.norm(old) * np.linalg.norm(new) or not new.any():
                return False
        return True

    def collapse(self, gone: int, kept: int) -> None:
        for f in list(self.faces_of[gone]):
            face = self.faces[f]
            if kept in face:
                for vertex in face:
                    self.faces_of[vertex].discard(f)
                del self.faces[f]
            else:
                face[face.index(gone)] = kept
                self.faces_of[kept].add(f)
        self.faces_of[gone].clear()
        self.quadric[kept] += self.quadric[gone]


def thin_out(
    points: Float[ndarray, "v 3"],
    faces: Int[ndarray, "f 3"],
    mirror: Int[ndarray, "v"],
    removable: ndarray,
    count: int,
) -> Int[ndarray, "f 3"]:
    """Remove `count` vertices (an even number, in mirrored pairs) out of `removable`, a (v,) bool mask.

    Survivors keep their place, so they stay a subset of the input vertices.
    """
    mesh = _Collapser(points, faces)
    free = removable & removable[mirror] & (points[:, 0] > 1e-4)
    heap = [(mesh.cost(u, w), u, w) for u in np.flatnonzero(free).tolist() for w in mesh.neighbours(u)]
    heapq.heapify(heap)
    gone: set[int] = set()
    while heap and len(gone) < count // 2:
        cost, u, w = heapq.heappop(heap)
        if u in gone or w in gone or w not in mesh.neighbours(u) or points[w, 0] < 1e-4:
            continue
        now = mesh.cost(u, w)
        if now > cost * (1 + 1e-9):
            heapq.heappush(heap, (now, u, w))
            continue
        mu, mw = int(mirror[u]), int(mirror[w])
        if not (mesh.allowed(u, w) and mesh.allowed(mu, mw)):
            continue
        mesh.collapse(u, w)
        mesh.collapse(mu, mw)
        gone.add(u)
        for x in sorted(mesh.neighbours(w)):
            for a, b in ((x, w), (w, x)):
                if free[a] and a not in gone:
                    heapq.heappush(heap, (mesh.cost(a, b), a, b))
    return np.array([mesh.faces[i] for i in sorted(mesh.faces)])
