"""Wanted poses and points that must stay where they are in, poses of the whole body out.

A composed motion says what the joints should do and what rests on the floor. Both cannot hold exactly: legs that bend
while their soles stand still carry the pelvis to one place only. Here every frame is solved for it, all frames at once,
by Gauss-Newton on few points rigid with their bones, which is far quicker than the general solver of `body.fit`.
Frame: template axes (x left, y up, z front), floor y = 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX, limits_rad
from skelvid.body.model import SkelBody
from skelvid.body.skeleton import Shape, axes_world, make_shape, pose_skeleton
from skelvid.datatypes.skel import N_DOFS, SkelParams

N_FREE = N_DOFS + 3
# Shares of body mass at joint centres: segment masses and centres of de Leva (J Biomech 29(9), 1996), women and men
# averaged and rounded, each segment split between its two ends.
_TRUNK_MASS = {"head": 0.069, "thorax": 0.151, "lumbar_body": 0.172, "pelvis": 0.112}
_LIMB_MASS = {
    "femur": 0.0835, "tibia": 0.0823, "talus": 0.026, "toes": 0.0069, "humerus": 0.0115, "ulna": 0.0243, "hand": 0.0135,
}  # fmt: skip
LIMIT_SIGMA_RAD, FLOOR_SIGMA_M = 0.01, 0.003
KNEE_STRETCH_RAD = 0.03  # straight knees do not give further
MAX_STEP = 0.4  # rad or m
DONE = 3e-4  # a step of Gauss-Newton this small leaves far less
CHUNK = 512  # frames at a time stay in the cache


@dataclass(frozen=True)
class Points:
    """k points, each rigid with one bone: its joint, and where it is from there when q = 0 (template axes)."""

    joint: Int[Tensor, "k"]
    arm_m: Float[Tensor, "k 3"]


@dataclass(frozen=True)
class Wanted:
    """What `solve_planted` is asked for, frame by frame.

    Attributes:
        row: `t 49` q (rad) and trans (m) to be near to, and to start from.
        sigma: `t 49` how near; 0 for all frames = that column never moves.
        points_m: `t k 3` where the points should be.
        weight: `t k 3` 1/sigma^2 per axis, 1/m^2.
        com_m: `t 3` where the centre of mass should be.
        com_weight: `t 3` 1/m^2.
    """

    row: Float[ndarray, "t 49"]
    sigma: Float[ndarray, "t 49"]
    points_m: Float[ndarray, "t k 3"]
    weight: Float[ndarray, "t k 3"]
    com_m: Float[ndarray, "t 3"]
    com_weight: Float[ndarray, "t 3"]


def mass_shares() -> Float[ndarray, "24"]:
    """Return how much of the body's mass is at each joint centre; the sum is 1."""
    mass = np.zeros(len(JOINT_INDEX))
    for name, share in _TRUNK_MASS.items():
        mass[JOINT_INDEX[name]] = share
    for name, share in _LIMB_MASS.items():
        mass[[JOINT_INDEX[f"{name}_r"], JOINT_INDEX[f"{name}_l"]]] = share
    return mass / mass.sum()


def rest_points(body: SkelBody, betas: Float[ndarray, "10"]) -> dict[str, Float[ndarray, "3"]]:
    """Return all joint centres and landmarks of a shape at q = 0, by name; of what both have, the landmark."""
    params = SkelParams(np.zeros(N_DOFS), betas, np.zeros(3)).to_torch(body.device, body.dtype)
    with torch.no_grad():
        posed = body.skeleton(params).to_numpy()
    joints = dict(zip(JOINT_INDEX, posed.joints_m, strict=True))
    return joints | dict(zip(body.landmark_names, posed.landmarks_m, strict=True))


def rigid_points(
    rest: dict[str, Float[ndarray, "3"]], joints: Sequence[str], places_m: Float[ndarray, "k 3"]
) -> Points:
    """Fix places of the body at q = 0 to the bones of some joints."""
    arm = np.asarray(places_m) - np.stack([rest[name] for name in joints])
    return Points(torch.tensor([JOINT_INDEX[name] for name in joints]), torch.as_tensor(arm, dtype=torch.float64))


def solve_planted(
    body: SkelBody,
    betas: Float[ndarray, "10"],
    wanted: Wanted,
    points: Points,
    above_floor: Points | None = None,
    *,
    start: SkelParams | None = None,
    steps: int = 25,
) -> SkelParams:
    """Find the poses that keep the points in their places and are otherwise nearest to what is wanted.

    Args:
        body: A body in float64.
        betas: Its shape.
        wanted: Targets of t frames, each solved on its own: smooth targets give smooth motion.
        points: The points that `wanted` places.
        above_floor: Points that may not go below y = 0 (softly, a few millimetres).
        start: Where to start from; None = from what is wanted.
        steps: At most so many Gauss-Newton steps.

    Returns:
        NumPy parameters, `t 46`, `1 10`, `t 3`.
    """
    shape = make_shape(body.skeleton_constants, torch.as_tensor(betas[None], dtype=body.dtype))
    begin = wanted.row if start is None else np.concatenate([start.q, start.trans_m], axis=1)
    given = {**vars(wanted), "begin": np.where((wanted.sigma > 0).any(0), begin, wanted.row)}
    free = torch.as_tensor((wanted.sigma > 0).any(0))
    out = []
    with torch.no_grad():
        for first in range(0, len(wanted.row), CHUNK):
            part = {k: torch.as_tensor(v[first : first + CHUNK], dtype=body.dtype) for k, v in given.items()}
            out.append(_solve(body, shape, part, free, (points, above_floor), steps))
    rows = torch.cat(out).numpy()
    return SkelParams(rows[:, :N_DOFS], betas[None], rows[:, N_DOFS:])


def _solve(
    body: SkelBody,
    shape: Shape,
    wanted: dict[str, Tensor],
    free: Bool[Tensor, "49"],
    points: tuple[Points, Points | None],
    steps: int,
) -> Float[Tensor, "b 49"]:
    rows = wanted["begin"].clone()
    precision = wanted["sigma"][:, free].clamp_min(1e-6) ** -2
    lower, upper = (torch.as_tensor(x, dtype=body.dtype)[free] for x in _limits())
    todo = torch.arange(len(rows))
    for _ in range(steps):
        here, want = rows[todo], {name: value[todo] for name, value in wanted.items()}
        hessian, gradient = _point_model(body, shape, here, want, free, points)
        offset = here[:, free] - want["row"][:, free]
        outside = (here[:, free] - upper).clamp_min(0) - (lower - here[:, free]).clamp_min(0)
        stop = (outside != 0) / LIMIT_SIGMA_RAD**2
        gradient += precision[todo] * offset + stop * outside
        hessian.diagonal(dim1=1, dim2=2).add_(precision[todo] + stop)
        move = -torch.cholesky_solve(gradient[..., None], torch.linalg.cholesky(hessian))[..., 0]
        here[:, free] += move.clamp(-MAX_STEP, MAX_STEP)
        rows[todo] = here
        todo = todo[move.abs().amax(1) > DONE]
        if not len(todo):
            break
    return rows


def _limits() -> tuple[Float[ndarray, "49"], Float[ndarray, "49"]]:
    lower, upper = (np.append(limit, [end] * 3) for limit, end in zip(limits_rad(), (-np.inf, np.inf), strict=True))
    lower[[DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]] = -KNEE_STRETCH_RAD
    return lower, upper


def _point_model(
    body: SkelBody,
    shape: Shape,
    rows: Float[Tensor, "b 49"],
    wanted: dict[str, Tensor],
    free: Bool[Tensor, "49"],
    points: tuple[Points, Points | None],
) -> tuple[Float[Tensor, "b d d"], Float[Tensor, "b d"]]:
    """Return Hessian and gradient of the cost of points, floor and centre of mass in the free columns."""
    constants, trans = body.skeleton_constants, rows[:, N_DOFS:]
    placement = pose_skeleton(constants, shape, rows[:, :N_DOFS])
    joints, dofs = placement.joints_m, free[:N_DOFS]
    axes, joint = axes_world(constants, placement)[:, dofs], constants.dof_joint[dofs]
    below = constants.is_ancestor[:, joint]
    pivot, shift = joints[:, joint], torch.eye(3, dtype=rows.dtype)[free[N_DOFS:]]

    def moved(arm: Float[Tensor, "b d k 3"], share: Float[Tensor, "d k"]) -> Float[Tensor, "b e k 3"]:
        """Return the motion of points with each free column: turned about the axes, shifted with trans."""
        turned = torch.linalg.cross(axes[:, :, None].expand_as(arm), arm) * share[..., None]
        return torch.cat([turned, shift[None, :, None].expand(len(rows), -1, arm.shape[2], -1)], dim=1)

    def add(at: Tensor, jacobian: Tensor, target: Tensor | float, weight: Tensor) -> None:
        nonlocal hessian, gradient
        left = (jacobian * weight[:, None]).flatten(2)
        hessian = hessian + left @ jacobian.flatten(2).mT
        gradient = gradient + (left @ (at - target).flatten(1)[..., None])[..., 0]

    hessian, gradient = rows.new_zeros(()), rows.new_zeros(())
    for kind, some in zip(("pin", "floor"), points, strict=True):
        if some is None:
            continue
        at = joints[:, some.joint] + (placement.rot[:, some.joint] @ some.arm_m[..., None])[..., 0]
        jacobian = moved(at[:, None] - pivot[:, :, None], below[some.joint].mT)
        at = at + trans[:, None]
        if kind == "pin":
            add(at, jacobian, wanted["points_m"], wanted["weight"])
        else:
            add(at[..., 1:2], jacobian[..., 1:2], 0.0, (at[..., 1:2] < 0) / FLOOR_SIGMA_M**2)
    mass = torch.as_tensor(mass_shares(), dtype=rows.dtype)
    moment = torch.einsum("jd,bjc->bdc", below * mass[:, None], joints)
    carried = mass @ below
    arm = (moment - carried[:, None] * pivot)[:, :, None]
    com = (mass @ joints)[:, None] + trans[:, None]
    add(com, moved(arm, torch.ones_like(carried)[:, None]), wanted["com_m"][:, None], wanted["com_weight"][:, None])
    return hessian, gradient
