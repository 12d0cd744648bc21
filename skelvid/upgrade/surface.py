"""A mesh that is fitted as a whole at the price of some hundred points.

Linear blend skinning places every vertex as a sum, over joints, of (rotation x rest position + place), and rest
positions are linear in betas. So all that the parameters can do to the n vertices of a mesh lies in a space of
dimension 24 x (1 + 3 + 30), and most of that in its first 100 to 200 directions. Projected on these, the mesh becomes
some points, each a weighted sum of vertices, whose squared distances to the projected targets differ from those of
the mesh by what no parameter can change. Up to the directions left out, the fit is that of every vertex, whatever
their number.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float, Integer
from numpy import ndarray
from torch import Tensor

from skelvid.body.assets import N_JOINTS, SkelAssets, dense_weights
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.skel import N_BETAS, SkelParams

# A direction counts if it moves the mesh by more than this, m: the root mean square over the surface for one radian,
# one standard deviation of shape, or a joint displaced by _REACH_M.
_TOLERANCE_M = 0.0003
_REACH_M = 0.3


@dataclass(frozen=True)
class Surface:
    """Which points of a body the vertices of an observed mesh are, and the few points that stand for all of them.

    Attributes:
        vertex_mix: `n v` sparse: each observed vertex as a weighted sum of skin vertices.
        points: `k` points that stand for the mesh.
        project: `k n` takes observed vertices to the targets of these points; rows sum to 1.
        share: `n` how much of the surface each observed vertex stands for; sums to 1.
    """

    vertex_mix: scipy.sparse.csr_array
    points: SkinnedPoints
    project: Float[Tensor, "k n"]
    share: Float[ndarray, "n"]

    @property
    def unit_weight(self) -> float:
        """Weight with which the points' squared distances sum to the mean squared distance of the surface."""
        return 1.0 / self.points.count

    def targets(self, vertices_m: Float[Tensor, "t n 3"]) -> Float[Tensor, "t k 3"]:
        """Return where the points shall be for the mesh to lie on these vertices."""
        return self.project @ vertices_m.to(self.project)

    def vertices(self, body: SkelBody, params: SkelParams) -> Float[Tensor, "t n 3"]:
        """Return the observed vertices as the body has them."""
        skin: Tensor = body(params).skin_m  # pyright: ignore[reportAssignmentType]
        t, v, _ = skin.shape
        mixed = self.vertex_mix @ skin.transpose(0, 1).reshape(v, 3 * t).numpy(force=True)
        return torch.as_tensor(mixed).reshape(-1, t, 3).transpose(0, 1).to(skin)


def make_surface(body: SkelBody, vertex_mix: scipy.sparse.csr_array, share: Float[ndarray, "n"]) -> Surface:
    """Find the points that stand for a mesh.

    Args:
        body: The body to fit.
        vertex_mix: `n v` each observed vertex as a weighted sum of skin vertices (rows sum to 1).
        share: `n` how much of the surface each stands for; 0 leaves it out.
    """
    assets, share = body.assets, share / share.sum()
    features = vertex_mix @ _features(assets)
    variance, direction = np.linalg.eigh(features.T @ (share[:, None] * features))
    kept = variance > _TOLERANCE_M**2
    basis = np.sqrt(share)[:, None] * (features @ (direction[:, kept] / np.sqrt(variance[kept])))
    project = _with_equal_sums(basis.T * np.sqrt(share))
    points = _combine(assets, project @ vertex_mix)
    tensor = {name: torch.as_tensor(value).to(body.device) for name, value in points.items()}
    tensor = {name: value.to(body.dtype) if value.is_floating_point() else value for name, value in tensor.items()}
    mixed = SkinnedPoints(count=len(project), posedirs=tensor.pop("posedirs", None), **tensor)
    return Surface(vertex_mix, mixed, torch.as_tensor(project).to(body.device, body.dtype), share)


def vertex_areas(vertices_m: Float[ndarray, "v 3"], faces: Integer[ndarray, "f 3"]) -> Float[ndarray, "v"]:
    """Return the part of a surface around each vertex, m^2."""
    a, b, c = (vertices_m[faces[:, i]].astype(np.float64) for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.bincount(faces.ravel(), np.repeat(area / 3, 3), len(vertices_m))


def _moved(assets: SkelAssets) -> tuple[ndarray, ndarray, ndarray]:
    """Return for each vertex and joint its share, and rest position and shapes relative to the joint times share."""
    share = dense_weights(assets.skin_weight_joint, assets.exact_skin_weight)
    rest = share[..., None] * (assets.skin_template_m[:, None].astype(np.float64) - assets.joints_m)
    dirs = share[..., None, None] * (assets.shapedirs_m[:, None].astype(np.float64) - assets.joint_dirs_m)
    return share, rest, dirs


def _features(assets: SkelAssets) -> Float[ndarray, "v d"]:
    """Return what each vertex's place is linear in, scaled to metres."""
    share, rest, dirs = _moved(assets)
    parts = [_REACH_M * share[..., None], rest, dirs.reshape(*share.shape, 3 * N_BETAS)]
    return np.concatenate(parts, axis=2).reshape(len(share), -1)


def _with_equal_sums(rows: Float[ndarray, "k n"]) -> Float[ndarray, "k n"]:
    """Turn the rows among themselves so that all have one sum, then scale that to 1: each is then a point.

    A reflection does not change what the rows' squares sum to (Householder 1958).
    """
    sums = rows.sum(1)
    wanted = np.full_like(sums, np.linalg.norm(sums) / np.sqrt(len(sums)))
    mirror = sums - wanted
    length = mirror @ mirror
    turned = rows - np.outer(mirror, 2 / length * (mirror @ rows)) if length > 1e-20 else rows
    return turned / wanted[0]


def _combine(assets: SkelAssets, mix: Float[ndarray, "k v"]) -> dict[str, ndarray]:
    """Compile dense weighted sums of vertices: what `compile_points` does for sums of a few."""
    k = len(mix)
    share, rest, dirs = (np.tensordot(mix, part, 1) for part in _moved(assets))
    point, joint = (index.ravel() for index in np.indices((k, N_JOINTS)))
    flat = {"share": share.ravel(), "rest": rest.reshape(-1, 3), "dirs": dirs.reshape(-1, 3, N_BETAS)}
    if assets.posedirs_m is not None:
        weight = dense_weights(assets.skin_weight_joint, assets.exact_skin_weight)
        moved = [(mix * weight[:, j]) @ assets.posedirs_m.reshape(len(weight), -1) for j in range(N_JOINTS)]
        flat["posedirs"] = np.stack(moved, axis=1).reshape(k * N_JOINTS, 3, -1)
    return {"joint": joint, "point": point, **flat}
