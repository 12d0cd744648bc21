"""Thin closed meshes by edge collapses that keep them closed (quadric error, link condition, no flipped faces).

`fast_simplification` does the bulk of closed meshes; it may pinch a surface when pushed far, so the rest is done here.
Open meshes must have their rim in the plane x = 0, where it stays: they are halves that will be mirrored.
"""

import heapq

import fast_simplification
import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

_SURPLUS = 3  # times the wanted vertices that are left to the careful stage
_SHRINK = 0.03  # fast_simplification's error threshold is absolute: small units let it reach the surplus gently


def decimate(vertices: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"], count: int) -> tuple[ndarray, ndarray]:
    """Return a mesh of about `count` vertices near the given one."""
    points, triangles = vertices, faces
    if len(vertices) > _SURPLUS * count:
        points, triangles, *_ = fast_simplification.simplify(
            vertices * _SHRINK, faces.astype(np.int32), target_count=2 * _SURPLUS * count, agg=3
        )
        points = points / _SHRINK
    if not is_manifold(points, triangles):
        points, triangles = vertices, faces  # pinched: take the slow way
    thinner = _Collapser(points, triangles)
    thinner.run(count)
    return thinner.compact()


def is_manifold(vertices: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> bool:
    """Return whether every edge joins two opposite faces, or lies on the rim in the plane x = 0."""
    size = len(vertices)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there, back = edges[:, 0] * size + edges[:, 1], edges[:, 1] * size + edges[:, 0]
    lonely = ~np.isin(there, back)
    return len(np.unique(there)) == len(there) and bool((vertices[edges[lonely], 0] == 0).all())


def _slimness(corners: ndarray, cross: ndarray) -> ndarray:
    """Return twice the area over the square of the longest side."""
    longest = ((corners - np.roll(corners, 1, axis=1)) ** 2).sum(2).max(1)
    return np.sqrt((cross**2).sum(1)) / np.maximum(longest, 1e-12)


class _Collapser:
    """Edge collapses on vertex-to-face sets; cheap edges first, stale heap entries skipped by their stamp."""

    def __init__(self, points: ndarray, faces: ndarray) -> None:
        self.points = np.array(points, float)
        self.seam = self.points[:, 0] == 0
        self.faces = [tuple(int(i) for i in face) for face in faces]
        self.around: list[set[int]] = [set() for _ in points]
        for index, face in enumerate(self.faces):
            for vertex in face:
                self.around[vertex].add(index)
        self.alive = sum(1 for near in self.around if near)
        self.stamp = [0] * len(points)
        self.quadric = self._plane_quadrics()
        edges = np.unique(
            np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0
        )
        self.heap: list[tuple[float, int, int, int, tuple[float, float, float]]] = []
        self._push(edges.astype(int))
        heapq.heapify(self.heap)

    def _plane_quadrics(self) -> ndarray:
        faces = np.array(self.faces)
        a, b, c = (self.points[faces[:, k]] for k in range(3))
        normal = np.cross(b - a, c - a)
        area = np.linalg.norm(normal, axis=1, keepdims=True)
        plane = np.hstack([normal, -(normal * a).sum(1, keepdims=True)]) / np.maximum(area, 1e-12)
        per_face = plane[:, :, None] * plane[:, None, :] * area[:, :, None]
        quadric = np.zeros((len(self.points), 4, 4))
        for k in range(3):
            np.add.at(quadric, faces[:, k], per_face)
        return quadric

    def _push(self, edges: ndarray) -> None:
        """Put edges (k, 2) on the heap with their best new place and its cost."""
        q = self.quadric[edges[:, 0]] + self.quadric[edges[:, 1]]
        first, second = self.points[edges[:, 0]], self.points[edges[:, 1]]
        middle = (first + second) / 2
        size = ((second - first) ** 2).sum(1)
        # a weak pull to the middle of the edge keeps flat parts evenly meshed and the system solvable
        pull = 1e-3 * np.trace(q[:, :3, :3], axis1=1, axis2=2) + 1e-12
        system = q[:, :3, :3] + pull[:, None, None] * np.eye(3)
        place = np.linalg.solve(system, (pull[:, None] * middle - q[:, :3, 3])[..., None])[..., 0]
        held, other = self.seam[edges[:, 0]], self.seam[edges[:, 1]]
        place = np.where((held & ~other)[:, None], first, np.where((other & ~held)[:, None], second, place))
        place[held & other, 0] = 0
        flat = np.hstack([place, np.ones((len(place), 1))])
        cost = np.einsum("ki,kij,kj->k", flat, q, flat) + 1e-4 * size * np.trace(q[:, :3, :3], axis1=1, axis2=2)
        for (u, v), value, at in zip(edges.tolist(), cost.tolist(), place.tolist(), strict=True):
            self.heap.append((value, u, v, self.stamp[u] + self.stamp[v], tuple(at)))

    def run(self, count: int) -> None:
        """Collapse the cheapest allowed edge until `count` vertices are left or none is allowed."""
        while self.alive > count and self.heap:
            _, u, v, stamp, place = heapq.heappop(self.heap)
            if (
                self.around[u]
                and self.around[v]
                and stamp == self.stamp[u] + self.stamp[v]
                and self._allowed(u, v, place)
            ):
                self._collapse(u, v, place)

    def _ring(self, vertex: int) -> set[int]:
        return {other for face in self.around[vertex] for other in self.faces[face]} - {vertex}

    def _allowed(self, u: int, v: int, place: tuple[float, float, float]) -> bool:
        rim = self.seam[u] and self.seam[v]
        if len(self._ring(u) & self._ring(v)) != (1 if rim else 2):
            return False
        kept = list(self.around[u] ^ self.around[v])
        corners = np.array([self.faces[face] for face in kept])
        before = self.points[corners]
        after = np.where(((corners == u) | (corners == v))[..., None], np.array(place), before)
        old = np.cross(before[:, 1] - before[:, 0], before[:, 2] - before[:, 0])
        new = np.cross(after[:, 1] - after[:, 0], after[:, 2] - after[:, 0])
        scale = np.sqrt((old**2).sum(1) * (new**2).sum(1))
        flipped = ((old * new).sum(1) < 0.25 * scale) & (scale > 1e-12)  # slivers have no side to flip from
        slim = _slimness(after, new) < np.minimum(0.05, _slimness(before, old))
        return not (flipped.any() or slim.any())

    def _collapse(self, u: int, v: int, place: tuple[float, float, float]) -> None:
        for face in self.around[u] & self.around[v]:
            for vertex in self.faces[face]:
                self.around[vertex].discard(face)
        for face in self.around[v]:
            self.faces[face] = tuple(u if vertex == v else vertex for vertex in self.faces[face])
        self.around[u] |= self.around[v]
        self.around[v] = set()
        self.points[u] = place
        self.seam[u] |= self.seam[v]
        self.quadric[u] += self.quadric[v]
        self.stamp[u] += 1 + self.stamp[v]
        self.alive -= 1
        start = len(self.heap)
        self._push(np.array([(min(u, other), max(u, other)) for other in self._ring(u)]))
        fresh = self.heap[start:]
        del self.heap[start:]
        for entry in fresh:
            heapq.heappush(self.heap, entry)

    def compact(self) -> tuple[ndarray, ndarray]:
        """Return the surviving points and faces."""
        living = {face for near in self.around for face in near}
        faces = np.array([self.faces[face] for face in sorted(living)])
        used, index = np.unique(faces, return_inverse=True)
        return self.points[used], index.reshape(-1, 3)
