"""How wrong the lifter is: its output and the truth in, terms of the loss and errors in degrees out."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_INDEX
from skelvid.body.model import SkelBody
from skelvid.body.skeleton import make_shape, pose_skeleton
from skelvid.motion.lift_network import PLAIN_DOFS, Lifted
from train.lift.scene import Target

# How much a degree of freedom matters, by its joint.
_MATTERS = {"femur": 1.5, "tibia": 1.5, "talus": 1.0, "calcn": 0.3, "toes": 0.1, "lumbar": 0.8, "thorax": 0.6,
            "head": 0.3, "scapula": 0.2, "ulna": 1.0, "radius": 0.1, "hand": 0.1}  # fmt: skip
_WEIGHT = torch.tensor([_MATTERS.get(DOFS[d].joint.split("_")[0], 0.0) for d in PLAIN_DOFS])
# Segments whose orientation in the camera counts by itself.
_SEGMENTS = [JOINT_INDEX[name] for name in ("femur_r", "tibia_r", "calcn_r", "femur_l", "tibia_l", "calcn_l", "thorax")]
_SOFT_RAD = 0.02  # below this, errors count by their square
LEG_ANGLES = tuple(
    f"{name}_{side}"
    for side in "rl"
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
)


def loss_terms(body: SkelBody, lifted: Lifted, target: Target) -> dict[str, Float[Tensor, ""]]:
    """Return the weighted parts of the loss; their sum is what is trained on."""
    inside = target.inside.float()

    def mean(values: Float[Tensor, "b t"]) -> Tensor:
        return (values * inside).sum() / inside.sum()

    off = lifted.angles - target.q[..., PLAIN_DOFS]
    turned = (lifted.ball_rot - target.ball_rot).square().sum((-1, -2)).add(1e-6).sqrt() * 0.7071  # chord, about rad
    joints, rot = _pose(body, lifted, target)
    root, true_root = lifted.ball_rot[:, :, 0], target.ball_rot[:, :, 0]
    place = torch.einsum("btij,btkj->btki", root, joints)
    true_place = torch.einsum("btij,btkj->btki", true_root, target.joints_m)
    apart = (place - true_place).square().sum(-1).add(1e-5).sqrt()
    heading = root[:, :, None] @ rot[:, :, _SEGMENTS]
    true_heading = true_root[:, :, None] @ target.joint_rot[:, :, _SEGMENTS]
    segment = (heading - true_heading).square().sum((-1, -2)).add(1e-6).sqrt() * 0.7071
    pair = inside[:, 1:] * inside[:, :-1]

    def step(values: Tensor) -> Tensor:
        return (values * pair).sum() / pair.sum()

    contact = binary_cross_entropy_with_logits(lifted.contact, target.contact, reduction="none").mean(-1)
    speed = torch.diff(off, dim=1)
    shift = torch.diff(place - true_place, dim=1).norm(dim=-1).mean(-1)
    return {
        "angles": 4.0 * mean((_soft(off) * _WEIGHT).sum(-1) / _WEIGHT.sum()),
        "root": 2.0 * mean(turned[..., 0]),
        "arms": 0.9 * mean(turned[..., 1:].mean(-1)),
        "joints": 6.0 * mean(apart[..., 1:].mean(-1)),
        "segments": 2.0 * mean(segment.mean(-1)),
        "speed": 4.0 * step((_soft(speed) * _WEIGHT).sum(-1) / _WEIGHT.sum()) + 6.0 * step(shift),
        "up": 2.0 * mean((lifted.up - target.up).norm(dim=-1)),
        "contact": 0.1 * mean(contact),
        "betas": 0.02 * (lifted.betas - target.betas).square().mean(),
        "sigma": 0.02 * mean(_surprise(lifted, target).mean(-1)),
    }  # fmt: skip


def errors_rad(lifted: Lifted, target: Target) -> Float[Tensor, "b t 46"]:
    """Return the error of each degree of freedom; of balls, of the rotation about the axes of their degrees.

    The pelvis's are about its own axes: tilt about its right, list about its front, rotation about its long axis.
    """
    out = torch.zeros_like(target.q)
    out[..., PLAIN_DOFS] = lifted.angles - target.q[..., PLAIN_DOFS]
    turn = _rotation_vector(target.ball_rot.mT @ lifted.ball_rot)
    # Template axes are left, up, front: tilt turns about the right, list about the front, rotation about up.
    out[..., 0], out[..., 1], out[..., 2] = -turn[..., 0, 0], turn[..., 0, 2], turn[..., 0, 1]
    for ball, first in ((1, "shoulder_r_x"), (2, "shoulder_l_x")):
        out[..., DOF_INDEX[first] : DOF_INDEX[first] + 3] = turn[..., ball, :]
    return out


def _surprise(lifted: Lifted, target: Target) -> Float[Tensor, "b t 46"]:
    """Return the negative log likelihood of the errors; the errors themselves are not moved by it."""
    error = errors_rad(lifted, target).detach()
    return 0.5 * (error * torch.exp(-lifted.log_sigma)).square().clamp_max(200.0) + lifted.log_sigma


def _pose(body: SkelBody, lifted: Lifted, target: Target) -> tuple[Tensor, Tensor]:
    """Pose the true body by the lifted angles, arms as they truly hang; pelvis at rest."""
    b, t = target.inside.shape
    q = target.q.clone()
    q[..., PLAIN_DOFS] = lifted.angles
    q[..., :3] = 0.0
    shape = make_shape(body.skeleton_constants, target.betas[:, None].expand(-1, t, -1).reshape(b * t, -1))
    placement = pose_skeleton(body.skeleton_constants, shape, q.reshape(b * t, -1))
    joints = placement.joints_m.reshape(b, t, -1, 3)
    return joints - joints[:, :, :1], placement.bone_rot.reshape(b, t, -1, 3, 3)


def _soft(error: Tensor) -> Tensor:
    return (error.square() + _SOFT_RAD**2).sqrt() - _SOFT_RAD


def _rotation_vector(rot: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Return axis times angle; exact up to about 170 degrees."""
    skew = rot - rot.mT
    twice = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], dim=-1)
    sine = 0.5 * twice.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, 0.5 * (rot.diagonal(dim1=-1, dim2=-2).sum(-1, keepdim=True) - 1))
    return twice * torch.where(sine > 1e-4, angle / (2 * sine.clamp_min(1e-4)), torch.full_like(sine, 0.5))
