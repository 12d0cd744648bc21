"""Posed meshes of a known body in; SKEL poses, functional joint centres and skin weights that explain them best out."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.optimize import nnls

from skelvid.body.assets import SkelAssets
from skelvid.body.dofs import JOINT_NAMES, JOINT_PARENTS, limits_rad
from skelvid.body.fit import FitOptions, LimitTerm, PointTerm, PriorTerm, solve
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.start import closed_form_pose
from skelvid.datatypes.skel import N_DOFS, SkelParams
from train.body import assemble, regroup

# How far posed data may move a joint from its anatomical place (SD, m). Hips and knees are held closest.
PRIOR_SD_M = {
    "pelvis": 1e-6,
    "femur": 3e-3,
    "tibia": 3e-3,
    "talus": 4e-3,
    "calcn": 5e-3,
    "toes": 5e-3,
    "lumbar_body": 10e-3,
    "thorax": 10e-3,
    "head": 10e-3,
    "scapula": 8e-3,
    "humerus": 5e-3,
    "ulna": 4e-3,
    "radius": 5e-3,
    "hand": 4e-3,
}
# Vertices of one mesh err together: a mesh counts as this many independent points with this error.
INDEPENDENT_POINTS, POINT_SD_M = 60.0, 5e-3
# Weak pull to zero of angles in fits (SD, rad), tight for the scapulae, which a mesh hardly shows.
POSE_SD_RAD, SCAPULA_SD_RAD = 2.0, 0.3


@dataclass(frozen=True)
class Fitted:
    """SKEL in f poses of one body: bone turns away from the T-pose, joint positions, angles."""

    turn: Float[ndarray, "f 24 3 3"]
    joints: Float[ndarray, "f 24 3"]
    params: SkelParams

    def __getitem__(self, chosen: ndarray) -> "Fitted":
        """Keep some poses."""
        return Fitted(self.turn[chosen], self.joints[chosen], self.params[torch.as_tensor(chosen)])


def subject_assets(
    assets: SkelAssets, rest: Float[ndarray, "v 3"], joints: Float[ndarray, "24 3"], weights: Float[ndarray, "v 24"]
) -> SkelAssets:
    """Turn a body file into one for a single person with exactly these joints and no shape space."""
    vertex = np.stack([np.argsort(np.linalg.norm(rest - j, axis=-1), kind="stable")[:48] for j in joints])
    # Least-norm weights that reproduce the joint exactly; they may be negative, which only matters off this body.
    near = np.concatenate([rest[vertex].transpose(0, 2, 1), np.ones((len(joints), 1, vertex.shape[1]))], axis=1)
    goal = np.concatenate([joints, np.ones((len(joints), 1))], axis=1)
    weight = np.stack([np.linalg.pinv(a) @ b for a, b in zip(near, goal, strict=True)])
    skin_joint, skin_weight = regroup.pack(weights)
    return replace(
        assets,
        skin_template_m=rest.astype(np.float32),
        shapedirs_m=np.zeros_like(assets.shapedirs_m),
        skin_weight_joint=skin_joint,
        skin_weight=skin_weight,
        joint_weight_vertex=vertex.astype(np.int32),
        joint_weight=weight,
        apose_rel_transfo=assemble.rest_transforms(joints, assemble.bone_frames()),
        bones=None,
    )


def fit_poses(
    assets: SkelAssets, posed: Float[ndarray, "f v 3"], chosen: Int[ndarray, "k"], start: SkelParams | None = None
) -> Fitted:
    """Fit q and translation of one person (`subject_assets`) to posed meshes at the chosen vertices."""
    body = SkelBody(assets, dtype=torch.float64)
    points = body.points(chosen[:, None], np.ones((len(chosen), 1)))
    target = torch.as_tensor(posed[:, chosen].astype(np.float64))
    weight = torch.full(target.shape[:2], 1e4, dtype=torch.float64)
    if start is None:
        start = closed_form_pose(body, target, points, weight=weight)
        lower, upper = (torch.as_tensor(limit) for limit in limits_rad())
        # Small or hardly moving parts give a poor closed-form start.
        start.q[:, [*range(7, 10), *range(14, 17), *range(26, 29), *range(36, 39)]] = 0
        start = SkelParams(start.q.clamp(lower, upper), start.betas, start.trans_m)
    sigma = torch.full((1, N_PARAMS), torch.inf, dtype=torch.float64)
    sigma[:, 3:N_DOFS] = POSE_SD_RAD
    sigma[:, [*range(26, 29), *range(36, 39)]] = SCAPULA_SD_RAD
    free = torch.ones(N_PARAMS, dtype=torch.bool)
    free[N_DOFS:-3] = False
    terms = [PointTerm(points, target, weight), LimitTerm(), PriorTerm(torch.zeros_like(sigma), sigma)]
    options = FitOptions(max_steps=25, tolerance=1e-4, step_tolerance=1e-3)
    params = solve(body, terms, start, free=free, options=options).params
    placed = body.skeleton(params)
    turn = placed.joint_rot.numpy() @ assemble.bone_frames().transpose(0, 2, 1)
    return Fitted(turn, placed.joints_m.numpy(), params)


def skin(
    fitted: Fitted, rest: Float[ndarray, "v 3"], joints: Float[ndarray, "24 3"], weights: Float[ndarray, "v 24"]
) -> Float[ndarray, "f v 3"]:
    """Blend the bones of fitted poses over the whole skin."""
    shift = fitted.joints - np.einsum("fjab,jb->fja", fitted.turn, joints)
    out = np.empty((len(fitted.turn), len(rest), 3))
    for f, (turn, move) in enumerate(zip(fitted.turn, shift, strict=True)):
        blended = (weights @ turn.reshape(-1, 9)).reshape(-1, 3, 3)
        out[f] = np.einsum("vab,vb->va", blended, rest) + weights @ move
    return out


def below() -> Float[ndarray, "24 24"]:
    """Matrix that is 1 where the column joint is the row joint or hangs below it."""
    out = np.eye(len(JOINT_NAMES))
    for joint in reversed(range(len(JOINT_NAMES))):
        if JOINT_PARENTS[joint] >= 0:
            out[JOINT_PARENTS[joint]] += out[joint]
    return out


def solve_joints(
    fitted: Fitted,
    rest: Float[ndarray, "v 3"],
    posed: Float[ndarray, "f v 3"],
    joints: Float[ndarray, "24 3"],
    prior: Float[ndarray, "24 3"],
    weights: Float[ndarray, "v 24"],
) -> Float[ndarray, "24 3"]:
    """Find the rest joint centres that explain all poses best at fixed bone rotations, pulled to the prior.

    Skinning is linear in the centres: each joint adds (turn of parent - own turn) J to all skin below it, so this is
    one least-squares problem per body; the translation of every pose drops out by centring.
    """
    count, parent = len(JOINT_NAMES), np.array(JOINT_PARENTS)
    moved_by = weights @ below().T
    moved_by = moved_by - moved_by.mean(axis=0)
    covariance = moved_by.T @ moved_by / len(rest)
    step = fitted.turn[:, parent] - fitted.turn
    step[:, 0] = 0
    travel = (
        fitted.joints
        - fitted.joints[:, parent]
        - np.einsum("fjab,jb->fja", fitted.turn[:, parent], joints - joints[parent])
    )
    travel[:, 0] = 0
    left = np.zeros((count, 3, count, 3))
    right = np.zeros((count, 3))
    for f in range(len(posed)):
        blended = (weights @ fitted.turn[f].reshape(-1, 9)).reshape(-1, 3, 3)
        residual = posed[f] - np.einsum("vab,vb->va", blended, rest) - (weights @ below().T) @ travel[f]
        left += np.einsum("kl,kab,lac->kblc", covariance, step[f], step[f])
        right += np.einsum("ka,kab->kb", moved_by.T @ residual / len(rest), step[f])
    trust = INDEPENDENT_POINTS / POINT_SD_M**2
    stiff = np.array([PRIOR_SD_M[name.removesuffix("_r").removesuffix("_l")] ** -2 for name in JOINT_NAMES]).repeat(3)
    system = trust * left.reshape(3 * count, -1) + np.diag(stiff)
    found = np.linalg.solve(system, trust * right.reshape(-1) + stiff * prior.reshape(-1)).reshape(-1, 3)
    return (found + found[regroup.mirrored_joint()] * np.array([-1.0, 1, 1])) / 2


@dataclass
class WeightSums:
    """Normal equations of the skin weights, summed over meshes, one 24 x 24 matrix per vertex."""

    gram: Float[ndarray, "v 24 24"]
    count: int = 0

    def add(self, fitted: Fitted, rest: ndarray, joints: ndarray, posed: ndarray) -> None:
        """Add all poses of one body."""
        shift = fitted.joints - np.einsum("fjab,jb->fja", fitted.turn, joints)
        for turn, move, seen in zip(fitted.turn, shift, posed, strict=True):
            # Relative to the target: with weights that sum to one the target drops out and the sums stay small.
            offset = (np.einsum("jab,vb->vja", turn, rest) + move - seen[:, None]).astype(np.float32)
            self.gram += offset @ offset.transpose(0, 2, 1)
            self.count += 1


def solve_weights(
    sums: WeightSums,
    smooth: Float[ndarray, "v 24"],
    *,
    pull_m: float,
    most: int = regroup.MAX_INFLUENCES,
) -> Float[ndarray, "v 24"]:
    """Solve each vertex's weights by NNLS over the joints it or its neighbours use, pulled to `smooth`.

    pull_m: displacement error that weighs as much as a weight that is off by one.
    """
    out = np.zeros_like(smooth)
    for v in range(len(smooth)):
        used = np.argsort(-smooth[v], kind="stable")[:most]
        used = used[smooth[v, used] > 1e-3]
        if len(used) == 1:
            out[v, used] = 1
            continue
        gram = sums.gram[v][np.ix_(used, used)] / sums.count + pull_m**2 * np.eye(len(used))
        factor = np.linalg.cholesky(gram + 1e-12 * np.eye(len(used))).T
        heavy = 10 * np.sqrt(np.trace(gram))
        system = np.concatenate([factor, np.full((1, len(used)), heavy)])
        goal = np.append(np.linalg.solve(factor.T, pull_m**2 * smooth[v, used]), heavy)
        solved, _ = nnls(system, goal)
        out[v, used] = solved / solved.sum()
    return out
