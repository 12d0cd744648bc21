"""A cold start for fitting: points in 3D go in, a pose near the answer comes out, in closed form.

Each body part is laid on its own points (Kabsch 1976), from the pelvis outwards; what the part turns by relative to
its parent is then read as the joint's own angles. A part with too few points follows its parent.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from skelvid.body.assets import N_JOINTS
from skelvid.body.dofs import DOFS, JOINT_NAMES, JOINT_PARENTS, JOINTS, joint_dofs
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.body.skeleton import make_shape, pose_skeleton
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams

# A part follows its parent unless its points say otherwise by more than this (m^2, times weight): 1 cm of lever.
_PULL_M2 = 1e-4
_OWN_SHARE = 0.5


def closed_form_pose(
    body: SkelBody,
    target_m: Float[Tensor, "b k 3"],
    points: SkinnedPoints,
    *,
    weight: Float[Tensor, "b k"],
    consecutive: bool = False,
) -> SkelParams:
    """Return q and trans that lay the template's parts on the targets; betas stay zero.

    Args:
        body: The body.
        target_m: Where the points were seen.
        points: Which points of the body they are.
        weight: 0 where not observed.
        consecutive: Rows are frames of one clip: root angles go on without jumps of a whole turn.
    """
    b = len(target_m)
    zero = SkelParams(*(torch.zeros((1, n), dtype=body.dtype, device=body.device) for n in (N_DOFS, N_BETAS, 3)))
    rest = body.linearise(zero, points).points_m[0]
    seen = weight > 0
    target = torch.where(seen[..., None], target_m, 0.0)
    shape = make_shape(body.skeleton_constants, zero.betas)
    part = _part_of(points).to(target)
    part[0] = torch.where(part[0].any(), part[0], 1.0)  # no pelvis point: all points say which way the body faces
    q = torch.zeros((b, N_DOFS), dtype=body.dtype, device=body.device)
    for level in _levels():
        rot = pose_skeleton(body.skeleton_constants, shape, q).rot
        for joint in level:
            share = part[joint] * seen
            q[:, joint_dofs(JOINT_NAMES[joint])] = _joint_angles(body, joint, rest, target, share=share, rot=rot)
    if consecutive:
        q = without_turns(q)
    placed = body.linearise(SkelParams(q, zero.betas, zero.trans_m), points).points_m
    total = seen.sum(1, keepdim=True).clamp_min(1)
    trans = (torch.where(seen[..., None], target - placed, 0.0)).sum(1) / total
    return SkelParams(q, zero.betas.expand(b, -1), trans)


def without_turns(q: Float[Tensor, "t d"]) -> Float[Tensor, "t d"]:
    """Add whole turns so that each angle is nearest to that of the frame before."""
    jumps = torch.diff(q, dim=0, prepend=q[:1])
    return q - 2 * torch.pi * torch.round(jumps / (2 * torch.pi)).cumsum(0)


def _joint_angles(
    body: SkelBody, joint: int, rest: Tensor, target: Tensor, *, share: Float[Tensor, "b k"], rot: Tensor
) -> Float[Tensor, "b d"]:
    """Return the angles that turn one joint's part onto its points, given where its parent stands."""
    parent = JOINT_PARENTS[joint]
    above = rot[:, parent] if parent >= 0 else torch.eye(3).to(target).expand(len(target), 3, 3)
    if JOINTS[joint].kind == "scapula":  # its few points slide on the ribs: the humerus takes all the turn
        return torch.zeros((len(target), len(joint_dofs(JOINT_NAMES[joint])))).to(target)
    turned = _kabsch(rest, target, share, above)
    constants = body.skeleton_constants
    align = torch.as_tensor(body.assets.apose_rel_transfo[joint, :3, :3]).to(target)
    frame = constants.learned_rot[joint] @ align.mT
    local = frame.mT @ above.mT @ turned @ frame
    angles = _angles_about_axes(local.detach().cpu().numpy().astype(np.float64), joint_dofs(JOINT_NAMES[joint]))
    return torch.as_tensor(angles).to(target)


def _kabsch(rest: Tensor, target: Tensor, share: Float[Tensor, "b k"], above: Tensor) -> Float[Tensor, "b 3 3"]:
    """Return the rotation that best lays rest points on targets, pulled weakly to that of the parent."""
    total = share.sum(1, keepdim=True).clamp_min(1e-9)
    centre_rest = (share @ rest) / total
    centre_target = (share[..., None] * target).sum(1) / total
    spread = ((share / total)[..., None] * (target - centre_target[:, None])).mT @ (rest - centre_rest[:, None])
    left, _, right = torch.linalg.svd(spread + _PULL_M2 * above)
    flip = torch.ones_like(left[:, 0])
    flip[:, 2] = torch.linalg.det(left @ right)
    return left @ (flip[..., None] * right)


def _angles_about_axes(turn: Float[np.ndarray, "b 3 3"], dofs: tuple[int, ...]) -> Float[np.ndarray, "b d"]:
    """Read rotations as angles about a joint's axes: exactly for three, the nearest for fewer."""
    rotation = Rotation.from_matrix(turn)
    axes = np.array([DOFS[d].axis for d in dofs])
    if len(dofs) == 1:
        quaternion = rotation.as_quat()
        angle = 2 * np.arctan2(quaternion[:, :3] @ axes[0], quaternion[:, 3])
        return np.arctan2(np.sin(angle), np.cos(angle))[:, None]
    letters = "".join("xyz"[int(np.abs(axis).argmax())] for axis in axes)
    letters += "".join(c for c in "xyz" if c not in letters)
    sign = axes.sum(1)
    return rotation.as_euler(letters, suppress_warnings=True)[:, : len(dofs)] * sign


def _part_of(points: SkinnedPoints) -> Float[Tensor, "24 k"]:
    """Say which part carries each point: the joint with the larger share of it; for joint centres also their parent."""
    parent = torch.tensor([max(parent, 0) for parent in JOINT_PARENTS], device=points.joint.device)
    centre = points.rest.abs().amax(-1) < 1e-9
    joint = torch.where(centre, parent[points.joint], points.joint)
    table = torch.zeros((N_JOINTS, points.count), dtype=points.share.dtype, device=points.share.device)
    table[joint, points.point] = torch.where(points.share > _OWN_SHARE, points.share, 0.0)
    return table


def _levels() -> list[list[int]]:
    """Return the joints by depth, root first."""
    depth = [0] * N_JOINTS
    for joint, parent in enumerate(JOINT_PARENTS):
        depth[joint] = depth[parent] + 1 if parent >= 0 else 0
    return [[j for j in range(N_JOINTS) if depth[j] == level] for level in range(max(depth) + 1)]
