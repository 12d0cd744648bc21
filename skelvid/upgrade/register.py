"""Which point of our skin each vertex of another body's mesh is: two T-posed templates go in, weights come out.

Our body is fitted to the other's joints, then to its skin; what is left between the two skins is closed by a smooth
displacement (non-rigid iterative closest points, after Amberg et al. 2007); then each vertex of the other is on or
near a triangle of ours. It is computed on the user's machine and kept there, so nothing made of the other model is
shipped.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int, Integer
from numpy import ndarray
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.fit import FitOptions, LimitTerm, PointTerm, PriorTerm, solve
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.transfer import nearest_on_skin
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.files import whole_file
from skelvid.geometry.surface import vertex_normals
from skelvid.upgrade.models import SmplModel
from skelvid.weights import user_dir

_VERSION = 1  # of this recipe: a change makes kept results invalid
# SMPL's joints that lie where one of ours does, to some centimetres.
_SAME_JOINT = {
    1: "femur_l", 2: "femur_r", 4: "tibia_l", 5: "tibia_r", 7: "talus_l", 8: "talus_r", 10: "toes_l", 11: "toes_r",
    16: "humerus_l", 17: "humerus_r", 18: "ulna_l", 19: "ulna_r", 20: "hand_l", 21: "hand_r",
}  # fmt: skip
_JOINT_SIGMA_M, _SKIN_SIGMA_M = 0.02, 0.01
_ROUNDS, _SAMPLE = 25, 1500
_FACING = 0.5  # least cosine between the normals of points that may correspond
_REACH_M = 0.06
_STIFFNESS = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)


@dataclass(frozen=True)
class Registration:
    """Each of n vertices as a weighted sum of three of our skin vertices.

    Attributes:
        vertex, weight: `n 3`.
        apart_m: `n` how far each vertex was from the skin of our body, fitted to the template, and
        left_m: `n` from that skin displaced: what the correspondence is uncertain by.
    """

    vertex: Int[ndarray, "n 3"]
    weight: Float[ndarray, "n 3"]
    apart_m: Float[ndarray, "n"]
    left_m: Float[ndarray, "n"]


def vertex_mix(body: SkelBody, model: SmplModel) -> scipy.sparse.csr_array:
    """Return each vertex of a model as a weighted sum of our skin vertices: the same ones where the meshes are one."""
    skin = len(body.assets.skin_template_m)
    if np.array_equal(body.assets.skin_faces, model.faces):
        return scipy.sparse.csr_array(scipy.sparse.eye_array(skin))
    found = kept_registration(body, model)
    rows = np.repeat(np.arange(len(found.vertex)), 3)
    entries = (found.weight.ravel(), (rows, found.vertex.ravel()))
    return scipy.sparse.csr_array(entries, shape=(len(found.vertex), skin))


def kept_registration(body: SkelBody, model: SmplModel) -> Registration:
    """Return the registration of a model to a body, computed once and kept in the user's folder."""
    digest = hashlib.sha256(repr(_VERSION).encode())
    assets = body.assets
    for array in (assets.skin_template_m, assets.skin_faces, assets.shapedirs_m, model.template_m, model.faces):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = user_dir() / "registrations" / f"{digest.hexdigest()[:32]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as archive:
            return Registration(**{name: archive[name] for name in archive.files})
    found = register(body, model.template_m, model.faces, model.regressor[:24] @ model.template_m)
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **vars(found))
    return found


def register(
    body: SkelBody,
    template_m: Float[ndarray, "n 3"],
    faces: Integer[ndarray, "f 3"],
    joints_m: Float[ndarray, "j 3"],
) -> Registration:
    """Register a T-posed mesh to the body.

    Args:
        body: Our body.
        template_m: The mesh's vertices, in template axes.
        faces: Its triangles.
        joints_m: Its joints in SMPL's order, the first 22 at least.
    """
    template = template_m.astype(np.float64)
    normals = vertex_normals(template, faces)
    params = _fit_joints(body, joints_m)
    for _ in range(_ROUNDS):
        params = _fit_skin(body, params, template, normals)
    ours = _skin(body, params)
    _, _, apart = _nearest(body, ours, template)
    vertex, weight, left = _nearest(body, _close_gap(ours, body.assets.skin_faces, template, normals), template)
    return Registration(vertex, weight, apart, left)


def _skin(body: SkelBody, params: SkelParams) -> Float[ndarray, "v 3"]:
    with torch.no_grad():
        return np.asarray(body(params).to_numpy().skin_m, dtype=np.float64)[0]


def _nearest(
    body: SkelBody, skin: Float[ndarray, "v 3"], points: Float[ndarray, "n 3"]
) -> tuple[Int[ndarray, "n 3"], Float[ndarray, "n 3"], Float[ndarray, "n"]]:
    """Return the point of a skin next to each point, as vertices and weights, and how far it is."""
    assets = replace(body.assets, skin_template_m=skin.astype(np.float32))
    vertex, weight = nearest_on_skin(assets, points)
    return vertex, weight, np.linalg.norm(np.einsum("nk,nkc->nc", weight, skin[vertex]) - points, axis=1)


def _fit_joints(body: SkelBody, joints_m: Float[ndarray, "j 3"]) -> SkelParams:
    """Fit shape and pose to the joints, which tell sizes and how the limbs are held."""
    target = torch.zeros((1, body.joints.count, 3), dtype=body.dtype, device=body.device)
    weight = torch.zeros_like(target[..., 0])
    for theirs, name in _SAME_JOINT.items():
        target[0, JOINT_INDEX[name]] = torch.as_tensor(joints_m[theirs])
        weight[0, JOINT_INDEX[name]] = _JOINT_SIGMA_M**-2
    zero = SkelParams(*(torch.zeros((1, n), dtype=body.dtype, device=body.device) for n in (N_DOFS, N_BETAS, 3)))
    terms = [PointTerm(body.joints, target, weight), *_tpose_terms(body)]
    return solve(body, terms, zero, options=FitOptions(max_steps=30)).params


def _tpose_terms(body: SkelBody) -> list[LimitTerm | PriorTerm]:
    """Return what keeps the fit to one template near a T-pose of a usual shape."""
    sigma = torch.cat([torch.full((N_DOFS,), 0.2), torch.full((N_BETAS,), 1.5), torch.full((3,), torch.inf)])[None]
    sigma = sigma.to(body.device, body.dtype)
    return [LimitTerm(), PriorTerm(torch.zeros((1, N_PARAMS)).to(sigma), sigma)]


def _fit_skin(
    body: SkelBody, params: SkelParams, template: Float[ndarray, "n 3"], normals: Float[ndarray, "n 3"]
) -> SkelParams:
    """Take one round of pairing our vertices with the nearest of the mesh, and the other way round, and fitting."""
    ours = _skin(body, params)
    our_normals = vertex_normals(ours, body.assets.skin_faces)
    mine, theirs = _spread(len(ours)), _spread(len(template))
    to_them, fits = _pair(ours[mine], our_normals[mine], template, normals)
    to_us, fits_back = _pair(template[theirs], normals[theirs], ours, our_normals)
    vertex = np.concatenate([mine[fits], to_us[fits_back]])
    target = np.concatenate([template[to_them[fits]], template[theirs][fits_back]])
    points = body.points(vertex[:, None], np.ones((len(vertex), 1)))
    wanted = torch.as_tensor(target[None]).to(body.device, body.dtype)
    weight = torch.full_like(wanted[..., 0], _SKIN_SIGMA_M**-2 * 100 / len(vertex))
    terms = [PointTerm(points, wanted, weight, robust_m=_REACH_M / 2), *_tpose_terms(body)]
    return solve(body, terms, params, options=FitOptions(max_steps=8)).params


def _spread(count: int) -> Int[ndarray, "s"]:
    return np.linspace(0, count - 1, min(_SAMPLE, count)).astype(int)


def _pair(
    points: Float[ndarray, "p 3"],
    normals: Float[ndarray, "p 3"],
    others: Float[ndarray, "o 3"],
    other_normals: Float[ndarray, "o 3"],
) -> tuple[Int[ndarray, "p"], Bool[ndarray, "p"]]:
    """Return for each point the nearest other, and whether the two may be the same place of two skins."""
    distance, index = map(np.asarray, KDTree(others).query(points))
    facing = (normals * other_normals[index]).sum(1) > _FACING
    return index, facing & (distance < _REACH_M)


def _close_gap(
    ours: Float[ndarray, "v 3"],
    faces: Integer[ndarray, "f 3"],
    template: Float[ndarray, "n 3"],
    normals: Float[ndarray, "n 3"],
) -> Float[ndarray, "v 3"]:
    """Displace our skin until it lies on the other, ever less smoothly."""
    rough = _laplacian(faces, len(ours))
    moved = ours
    for stiffness in _STIFFNESS:
        index, fits = _pair(moved, vertex_normals(moved, faces), template, normals)
        # The other mesh is coarse: the point of its tangent plane is nearer than its vertex.
        off = ((template[index] - moved) * normals[index]).sum(1, keepdims=True) * normals[index]
        weight = scipy.sparse.diags_array(fits.astype(float))
        factor = splu((weight + stiffness * rough).tocsc())
        moved = ours + factor.solve(weight @ (moved + off - ours))
    return moved


def _laplacian(faces: Integer[ndarray, "f 3"], count: int) -> scipy.sparse.csc_array:
    """Return L with x.L.x the sum of squared differences along the edges of a mesh, plus a trace of x.x."""
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1), axis=0)
    rows = np.arange(len(edges)).repeat(2)
    along = scipy.sparse.csr_array((np.tile([1.0, -1.0], len(edges)), (rows, edges.ravel())), (len(edges), count))
    return (along.T @ along + 1e-6 * scipy.sparse.eye_array(count)).tocsc()
