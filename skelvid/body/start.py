"""A cold start for fitting: points in 3D go in, a pose near the answer comes out, in closed form.

Each body part is laid on its points and on the joint it hangs from (Kabsch 1976), from the pelvis outwards; what the
part turns by relative to its parent is then read as the joint's own angles. A part without points of its own looks at
those of the parts below it, and what no point says it takes from its parent.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from skelvid.body.assets import N_JOINTS
from skelvid.body.dofs import DOFS, JOINT_INDEX, JOINT_NAMES, JOINT_PARENTS, JOINTS, joint_dofs
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.body.skeleton import make_shape, pose_skeleton
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams

# A part follows its parent unless its points say otherwise by more than this, m^2: 1 cm of lever.
_PULL_M2 = 1e-4
# A point lies on the most proximal part that has this share of it: an elbow tells about the upper arm.
_SHARE = 0.35
# Points spread by less than this across, m, do not say which way the pelvis faces.
_NARROW_M = 0.03
_HEAD, _LUMBAR = JOINT_INDEX["head"], JOINT_INDEX["lumbar_body"]


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
    rest = body.skin_points(zero, points)[0]
    seen = weight > 0
    target = torch.where(seen[..., None], target_m, 0.0)
    shape = make_shape(body.skeleton_constants, zero.betas)
    evidence = _evidence(points, rest)
    q = torch.zeros((b, N_DOFS), dtype=body.dtype, device=body.device)
    trans = torch.zeros((b, 3), dtype=body.dtype, device=body.device)
    for level in _levels():
        placement = pose_skeleton(body.skeleton_constants, shape, q)
        for joint in level:
            if JOINTS[joint].kind == "scapula":  # it slides on the ribs: the arm takes all the turn
                continue
            above = placement.rot[:, JOINT_PARENTS[joint]] if joint else torch.eye(3).to(target).expand(b, 3, 3)
            anchor = (shape.joints_m[joint, :, 0], placement.joints_m[:, joint] + trans) if joint else None
            turned = _kabsch(rest, target, evidence[joint] * seen, above=above, anchor=anchor)
            q[:, joint_dofs(JOINT_NAMES[joint])] = joint_angles(body, joint, above.mT @ turned)
        trans = _centre(body, SkelParams(q, zero.betas, zero.trans_m), points, target=target, seen=evidence[0] * seen)
    if consecutive:
        q = continuous(q)
    trans = _centre(body, SkelParams(q, zero.betas, zero.trans_m), points, target=target, seen=seen.to(target))
    return SkelParams(q, zero.betas.expand(b, -1), trans)


def _centre(body: SkelBody, params: SkelParams, points: SkinnedPoints, *, target: Tensor, seen: Tensor) -> Tensor:
    """Return the translation that lays the mean of the posed points on the mean of the targets."""
    off = target - body.skin_points(params, points)
    return (seen[..., None] * off).sum(1) / seen.sum(1, keepdim=True).clamp_min(1e-9)


def continuous(q: Float[Tensor, "t 46"]) -> Float[Tensor, "t 46"]:
    """Choose, frame by frame, that one of the pelvis's two triples of angles that goes on from the frame before.

    A cartwheel needs both. Other joints have limits within one turn: theirs lose whole turns.
    """
    out = torch.cat([q[:, :3], _within_a_turn(q[:, 3:])], dim=-1)
    for before, here in zip(out[:-1, :3], out[1:, :3], strict=True):
        near = [v - 2 * torch.pi * torch.round((v - before) / (2 * torch.pi)) for v in (here, _other_triple(here))]
        here[:] = min(near, key=lambda v: float((v - before).abs().sum()))
    return out


def principal_pelvis(q: Float[Tensor, "b 46"]) -> Float[Tensor, "b 46"]:
    """Return the same poses with the pelvis told by its smaller triple: list within 90 degrees, no whole turns."""
    angles = torch.where(torch.cos(q[:, 1:2]) < 0, _other_triple(q[:, :3]), q[:, :3])
    return torch.cat([_within_a_turn(angles), q[:, 3:]], dim=-1)


def _other_triple(angles: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
    """Return (tilt + pi, pi - list, rotation + pi): the same rotation, for any three angles about Z, X, Y."""
    tilt, side, turn = angles.unbind(-1)
    return torch.stack([tilt + torch.pi, torch.pi - side, turn + torch.pi], dim=-1)


def _within_a_turn(angles: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    return angles - 2 * torch.pi * torch.round(angles / (2 * torch.pi))


def joint_angles(body: SkelBody, joint: int, turn: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b d"]:
    """Return the angles of one joint whose part is turned by `turn` relative to its parent, in template axes."""
    align = torch.as_tensor(body.assets.apose_rel_transfo[joint, :3, :3]).to(turn)
    frame = body.skeleton_constants.learned_rot[joint] @ align.mT
    local = (frame.mT @ turn @ frame).detach().cpu().numpy().astype(np.float64)
    return torch.as_tensor(_angles_about_axes(local, joint_dofs(JOINT_NAMES[joint]))).to(turn)


def _kabsch(
    rest: Float[Tensor, "k 3"],
    target: Float[Tensor, "b k 3"],
    share: Float[Tensor, "b k"],
    *,
    above: Float[Tensor, "b 3 3"],
    anchor: tuple[Float[Tensor, "3"], Float[Tensor, "b 3"]] | None,
) -> Float[Tensor, "b 3 3"]:
    """Return the rotation that best lays points on targets, and the anchor on its own, pulled weakly to `above`."""
    if anchor is not None:
        rest = torch.cat([rest, anchor[0][None]])
        target = torch.cat([target, anchor[1][:, None]], dim=1)
        share = torch.cat([share, torch.ones_like(share[:, :1])], dim=1)
    share = share / share.sum(1, keepdim=True).clamp_min(1e-9)
    from_rest = rest - (share @ rest)[:, None]
    from_target = target - (share[..., None] * target).sum(1, keepdim=True)
    left, _, right = torch.linalg.svd((share[..., None] * from_target).mT @ from_rest + _PULL_M2 * above)
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


def _evidence(points: SkinnedPoints, rest: Float[Tensor, "k 3"]) -> Float[Tensor, "24 k"]:
    """Say which points tell how each part is turned: its own, else those of the parts below it."""
    share = torch.zeros((N_JOINTS, points.count), dtype=rest.dtype, device=rest.device)
    # A joint's centre moves with the part above it, whatever the joint does.
    parent = torch.tensor([max(parent, 0) for parent in JOINT_PARENTS], device=rest.device)
    centre = points.rest.abs().amax(-1) < 1e-9
    share.index_put_((torch.where(centre, parent[points.joint], points.joint), points.point), points.share, True)
    owner = (share > _SHARE).to(rest.dtype).argmax(0)  # joints are ordered from the root outwards
    own = torch.zeros_like(share)
    own[owner, torch.arange(points.count, device=rest.device)] = 1.0
    evidence = own.clone()
    for joint in reversed(range(1, N_JOINTS)):
        above = JOINT_PARENTS[joint]
        if joint != _HEAD and not bool(own[above].any()):
            evidence[above] += evidence[joint]
    held = rest[own[0] > 0]
    narrow = len(held) < 3 or torch.linalg.svdvals(held - held.mean(0))[1] < _NARROW_M * len(held) ** 0.5
    if narrow:
        evidence[0] = own[0] + evidence[_LUMBAR]
    return evidence


def _levels() -> list[list[int]]:
    """Return the joints by depth, root first."""
    depth = [0] * N_JOINTS
    for joint, parent in enumerate(JOINT_PARENTS):
        depth[joint] = depth[parent] + 1 if parent >= 0 else 0
    return [[j for j in range(N_JOINTS) if depth[j] == level] for level in range(max(depth) + 1)]
