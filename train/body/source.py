"""Phenotypes in, rest meshes and rig of Anny (Apache-2.0 code over MakeHuman CC0 data) out, in template axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.assets import dense_weights

PHENOTYPES = (
    "gender",
    "age",
    "muscle",
    "weight",
    "height",
    "proportions",
    "cupsize",
    "firmness",
    "african",
    "asian",
    "caucasian",
)
# Base-mesh ids above this are tongue, eyes and helper geometry.
LAST_SKIN_BASE_VERTEX = 13379


@dataclass(frozen=True)
class Rig:
    """The constant part of the source body: topology and the 104-bone skinning."""

    base_vertex: Int[ndarray, "v"]
    faces: Int[ndarray, "f 3"]
    bone_names: tuple[str, ...]
    bone_parents: tuple[int, ...]
    bone_weights: Float[ndarray, "v b"]
    mirror: Int[ndarray, "v"]

    def bone(self, name: str) -> int:
        """Return the index of a bone by its MakeHuman name."""
        return self.bone_names.index(name)


def to_template_axes(points: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
    """Turn Anny's axes (x left, z up, -y front) into x left, y up, z front."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def load_anny() -> Any:
    """Build the full Anny model with its own topology (never the SMPL ones: non-commercial data)."""
    import anny

    return anny.Anny(topology="anny", phenotypes="all", skinning_method="lbs", extrapolate_phenotypes=True)


def cavity_faces(model: Any) -> ndarray:
    """Mark the faces of mouth cavity, eye sockets, eyeballs and tongue, shape (f,) bool."""
    from anny.face_segmentation import get_face_segmentation_mask

    parts = ["mouth_cavity", "tongue", "eye_cavity.L", "eye_cavity.R"]
    parts += [f"eye_{end}.{side}" for end in ("front", "back") for side in "LR"]
    inner = get_face_segmentation_mask(model, parts).numpy()
    # Eyeballs and tongue are islands with ids above the skin's; the segmentation picture misses a few of their faces.
    base = model.base_mesh_vertex_indices.numpy()
    return inner | (base[model.faces.numpy()] > LAST_SKIN_BASE_VERTEX).any(axis=1)


def mirror_map(points: Float[ndarray, "v 3"]) -> Int[ndarray, "v"]:
    """Pair every vertex with its mirror image across x = 0; the mesh must be symmetric to 0.01 mm."""
    from scipy.spatial import KDTree

    distance, pair = map(np.asarray, KDTree(points).query(points * [-1, 1, 1]))
    if distance.max() > 1e-5 or not np.array_equal(pair[pair], np.arange(len(points))):
        raise ValueError(f"mesh is not symmetric: worst mirror distance {distance.max():.2e} m")
    return pair


def rest_bodies(model: Any, phenotypes: Float[ndarray, "n 11"], chunk: int = 64) -> tuple[ndarray, ndarray]:
    """Evaluate rest vertices (n, v, 3) and bone heads (n, b, 3) in metres, template axes, all model vertices."""
    verts, heads = [], []
    for rows in np.array_split(phenotypes, max(1, len(phenotypes) // chunk)):
        values = {name: torch.as_tensor(rows[:, i]) for i, name in enumerate(PHENOTYPES)}
        with torch.no_grad():
            rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**values))
        verts.append(to_template_axes(rest["rest_vertices"].numpy()))
        heads.append(to_template_axes(rest["rest_bone_poses"][..., :3, 3].numpy()))
    return np.concatenate(verts), np.concatenate(heads)


def bone_weights(model: Any) -> Float[ndarray, "v b"]:
    """Return the dense skinning weights of the 104 bones."""
    return dense_weights(model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), model.bone_count)
