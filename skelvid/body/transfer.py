"""Landmarks for bodies that come without: those of our open body, carried over by the joints the two share.

The result is approximate (centimetres where shapes differ): a warp that takes one set of joint centres to the other,
then the nearest skin. Nothing derived from the other file is stored.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from skelvid.body.assets import N_JOINTS, SkelAssets
from skelvid.body.dofs import JOINT_PARENTS

# Leaves of the tree, where no further joint tells the size of the part.
_LEAVES = tuple(set(range(N_JOINTS)) - set(JOINT_PARENTS))


def transfer_landmarks(source: SkelAssets, target: SkelAssets) -> SkelAssets:
    """Return `target` with the landmarks of `source`, each on the nearest point of the target's skin."""
    warp = RBFInterpolator(_anchors(source), _anchors(target), kernel="linear", degree=1)
    vertex, weight = nearest_on_skin(target, warp(source.landmarks_m))
    return replace(
        target, landmark_names=source.landmark_names, landmark_vertex=vertex, landmark_weight=weight.astype(np.float32)
    )


def _anchors(assets: SkelAssets) -> Float[np.ndarray, "a 3"]:
    """Return what two bodies share: joint centres, and the tips of head, hands and toes."""
    return np.concatenate([assets.joints_m, assets.skin_template_m[[assets.tip_vertex(j) for j in _LEAVES]]])


def nearest_on_skin(
    assets: SkelAssets, points: Float[np.ndarray, "l 3"]
) -> tuple[Int[np.ndarray, "l 3"], Float[np.ndarray, "l 3"]]:
    """Return the nearest skin point to each point, as the three vertices of a triangle and their weights."""
    corners = assets.skin_template_m[assets.skin_faces].astype(np.float64)
    near = np.asarray(KDTree(corners.mean(1)).query(points, k=min(24, len(corners)))[1])
    weight = _closest_in_triangles(corners[near], points[:, None])
    found = np.einsum("lfk,lfkc->lfc", weight, corners[near])
    best = np.linalg.norm(found - points[:, None], axis=-1).argmin(1)
    rows = np.arange(len(points))
    return assets.skin_faces[near[rows, best]], weight[rows, best]


def _closest_in_triangles(
    corners: Float[np.ndarray, "l f 3 3"], point: Float[np.ndarray, "l 1 3"]
) -> Float[np.ndarray, "l f 3"]:
    """Return barycentric weights of the point of each triangle closest to `point`: inside it, or on an edge."""
    a, edges = corners[..., 0, :], corners[..., 1:, :] - corners[..., :1, :]
    gram = np.einsum("lfic,lfjc->lfij", edges, edges)
    right = np.einsum("lfic,lfc->lfi", edges, point - a)
    inside = np.linalg.solve(gram + 1e-14 * np.eye(2), right[..., None])[..., 0]
    candidates = [np.concatenate([1 - inside.sum(-1, keepdims=True), inside], axis=-1)]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        along = corners[..., j, :] - corners[..., i, :]
        t = ((point - corners[..., i, :]) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-14)
        weight = np.zeros_like(candidates[0])
        weight[..., j] = np.clip(t, 0, 1)
        weight[..., i] = 1 - weight[..., j]
        candidates.append(weight)
    stack = np.stack(candidates)
    distance = np.linalg.norm(np.einsum("nlfk,lfkc->nlfc", stack, corners) - point, axis=-1)
    distance[0] = np.where((stack[0] >= 0).all(-1), distance[0], np.inf)
    return np.take_along_axis(stack, distance.argmin(0)[None, ..., None], axis=0)[0]
