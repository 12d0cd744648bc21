"""Analytic derivatives of joints and skinned points with respect to q, betas and trans.

A turn or push at one joint moves everything below it as a rigid body, and a change of shape turns and pushes every
joint a little; so each column is a sum of (angular velocity x arm + velocity), with no chain rule through the tree.
Pose correctives (official bodies only) are held fixed: solvers recompute them at every step.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.assets import N_JOINTS
from skelvid.body.points import SkinnedPoints, dense_rest
from skelvid.body.skeleton import (
    HEIGHT_JOINTS,
    N_ARCS,
    SHIFT_DOFS,
    SHIFTED,
    WIDTH_JOINTS,
    Placement,
    Shape,
    Skeleton,
    axes_world,
    cross_matrix,
    shift_factors,
    steps,
)
from skelvid.datatypes.skel import N_DOFS


@dataclass(frozen=True)
class PoseVelocity:
    """How posed joints move: per DoF the axis and push at its joint, per beta the motion of all joints."""

    axes: Float[Tensor, "b 46 3"]
    push: Float[Tensor, "b 46 3"]
    beta_spin: Float[Tensor, "b 24 3 10"]
    beta_move: Float[Tensor, "b 24 3 10"]


def pose_velocity(skeleton: Skeleton, placement: Placement, q: Float[Tensor, "b 46"]) -> PoseVelocity:
    """Compute the joint motions from which every point's derivative follows."""
    spin, move = _shape_velocity(skeleton, placement, q)
    return PoseVelocity(axes_world(skeleton, placement), _dof_push(skeleton, placement, q), spin, move)


def point_jacobian(
    skeleton: Skeleton,
    points: SkinnedPoints,
    rest: Float[Tensor, "n 3 s"],
    placement: Placement,
    velocity: PoseVelocity,
) -> Float[Tensor, "b 56 3 k"]:
    """Return derivatives of points with respect to q and betas, from one product of motions and rest positions."""
    b = len(placement.rot)
    table = dense_rest(points, rest)
    motion = torch.cat([_dof_motion(skeleton, placement, velocity), _beta_motion(placement, velocity)], dim=1)
    out = (motion.reshape(b, -1, 96) @ table.reshape(len(table), 96, points.count)).unflatten(1, (-1, 3))
    own = points.dense_dirs.reshape(72, -1)
    by_shape = placement.rot.transpose(1, 2).reshape(b * 3, 72) @ own
    out[:, N_DOFS:] += by_shape.view(b, 3, -1, points.count).transpose(1, 2)
    return out


def _dof_motion(skeleton: Skeleton, placement: Placement, velocity: PoseVelocity) -> Float[Tensor, "b 46 3 24 4"]:
    """Return what moves each bone's points when a DoF turns: [w]x [G | O - pivot] + push, on the bones below it."""
    pivot = placement.joints_m[:, skeleton.dof_joint]
    spin = cross_matrix(velocity.axes)
    shift = velocity.push - (spin @ pivot[..., None])[..., 0]
    b = len(pivot)
    bones = torch.cat([placement.rot, placement.joints_m[..., None]], dim=-1).transpose(1, 2).reshape(b, 3, -1)
    motion = (spin.flatten(1, 2) @ bones).view(b, N_DOFS, 3, N_JOINTS, 4)
    motion[..., 3] += shift[..., None]
    return motion * skeleton.is_ancestor[:, skeleton.dof_joint].mT[:, None, :, None]


def _beta_motion(placement: Placement, velocity: PoseVelocity) -> Float[Tensor, "b 10 3 24 4"]:
    """Return the same per unit of each beta: every bone turns and moves a little."""
    turned = cross_matrix(velocity.beta_spin.mT) @ placement.rot[:, :, None]
    return torch.cat([turned, velocity.beta_move.mT[..., None]], dim=-1).permute(0, 2, 3, 1, 4)


def _dof_push(skeleton: Skeleton, placement: Placement, q: Tensor) -> Float[Tensor, "b 46 3"]:
    """Return the velocity of each joint's own centre with its own angles: spine arcs and sliding scapulae only."""
    push = torch.zeros((*q.shape, 3), dtype=q.dtype, device=q.device)
    parent_rot = placement.rot[:, skeleton.parent[skeleton.shifted]]
    lengths = placement.shape.lengths_m[:, None]
    for which in (0, 1):
        local = (_shift_factor_derivative(q, which) * lengths).sum(1)
        push[:, [pair[which] for pair in SHIFT_DOFS]] = (parent_rot @ local.movedim(-1, 0)[..., None])[..., 0]
    return push


def _shift_factor_derivative(q: Float[Tensor, "b 46"], which: int) -> Float[Tensor, "5 5 3 b"]:
    """Differentiate `shift_factors` with respect to the first or second DoF of each shifted joint."""
    out = torch.zeros((5, 5, 3, len(q)), dtype=q.dtype, device=q.device)
    first, second = (q[:, [pair[i] for pair in SHIFT_DOFS]].mT for i in (0, 1))
    sideways, down = _arc_derivative((first, second)[which][:N_ARCS])
    arc = range(N_ARCS)
    out[arc, arc, 2 * which] = -sideways
    out[arc, arc, 1] = down
    sign = torch.tensor([[1.0], [-1.0]], dtype=q.dtype, device=q.device)
    turn, tilt = sign * first[N_ARCS:], sign * second[N_ARCS:] - torch.pi / 4
    if which == 0:
        out[(3, 4), (3, 3), 0] = torch.cos(tilt) * torch.sin(turn) / 4
        out[(3, 4), (3, 3), 2] = sign * torch.cos(turn) / 4
    else:
        out[(3, 4), (3, 3), 0] = torch.sin(tilt) * torch.cos(turn) / 4
        out[(3, 4), (4, 4), 1] = -sign * torch.cos(tilt) / 2
    return out


def _arc_derivative(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return derivatives of (1 - cos x) / x and sin x / x; series where x is small and the quotients cancel."""
    small = angle.abs() < 0.05
    x = torch.where(small, torch.ones_like(angle), angle)
    square = angle * angle
    sideways = torch.where(small, 0.5 - square / 8 + square**2 / 144, (x * torch.sin(x) - 1 + torch.cos(x)) / x**2)
    series = angle * (-1 / 3 + square / 30 - square**2 / 840)
    down = torch.where(small, series, (x * torch.cos(x) - torch.sin(x)) / x**2)
    return sideways, down


def _shape_velocity(
    skeleton: Skeleton, placement: Placement, q: Float[Tensor, "b 46"]
) -> tuple[Float[Tensor, "b 24 3 10"], Float[Tensor, "b 24 3 10"]]:
    """Return angular velocity and velocity of every joint per unit of each beta."""
    step_dirs = steps(skeleton.joint_dirs_m)
    above = torch.eye(3, dtype=q.dtype, device=q.device).expand(len(q), 1, 3, 3)
    parent_rot = torch.cat([above, placement.rot[:, skeleton.parent[1:]]], dim=1)
    spin = (parent_rot - placement.rot) @ _rest_spin(skeleton, placement.shape)
    spin = torch.einsum("ij,bjck->bick", skeleton.is_ancestor, spin)
    parent_spin = torch.cat([torch.zeros_like(spin[:, :1]), spin[:, skeleton.parent[1:]]], dim=1)
    arm = (parent_rot @ placement.step_m.movedim(-1, 0)[..., None])[..., 0]
    grow = step_dirs.expand(len(q), -1, -1, -1).clone()
    grow[:, SHIFTED] += shift_factors(q).permute(3, 0, 2, 1) @ _length_dirs(skeleton, placement.shape)[:, None]
    move = parent_rot @ grow - cross_matrix(arm) @ parent_spin
    return spin, torch.einsum("ij,bjck->bick", skeleton.is_ancestor, move)


def _length_dirs(skeleton: Skeleton, shape: Shape) -> Float[Tensor, "s 5 10"]:
    """Differentiate `Shape.lengths_m` with respect to betas."""
    dirs = skeleton.joint_dirs_m
    arcs = torch.sign(shape.step_m[SHIFTED[:N_ARCS], 1])[..., None] * steps(dirs)[SHIFTED[:N_ARCS], 1][:, None]
    rows = [*arcs]
    for a, b in (WIDTH_JOINTS, HEIGHT_JOINTS):
        way = (shape.joints_m[a] - shape.joints_m[b]).mT
        rows.append(way / torch.linalg.vector_norm(way, dim=-1, keepdim=True) @ (dirs[a] - dirs[b]))
    return torch.stack(rows, dim=1)


def _rest_spin(skeleton: Skeleton, shape: Shape) -> Float[Tensor, "s 24 3 10"]:
    """Return the angular velocity of each bone's rest orientation per beta.

    S turns the fixed unit vector a onto b by the shortest way; with b moving by db, dS = [b x db + k b]x S with
    k = -(a x b) . db / (1 + a . b), the turn about b that keeps the way shortest.
    """
    bone = shape.bone_m.movedim(-1, 0)
    length = torch.linalg.vector_norm(bone, dim=-1, keepdim=True).clamp_min(1e-12)
    direction = bone / length
    dirs = skeleton.bone_dirs_m
    along = (direction[..., None] * dirs).sum(-2, keepdim=True)
    change = (dirs - direction[..., None] * along) / length[..., None]
    start = skeleton.learned_bone.expand_as(direction)
    twist = (torch.linalg.cross(start, direction)[..., None] * change).sum(-2)
    twist = -twist / (1 + (start * direction).sum(-1, keepdim=True)).clamp_min(1e-9)
    spin = cross_matrix(direction) @ change + direction[..., None] * twist[..., None, :]
    return spin * skeleton.free_bone[:, None, None]
