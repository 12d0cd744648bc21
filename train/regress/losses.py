"""How wrong the regressor is: its output and a batch's truth in, the parts of the loss out.

Of pictures with points only (a teacher's), points, their doubt and the projected body are learnt, never angles.
"""

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, smooth_l1_loss

from skelvid.body.dofs import DOFS
from skelvid.body.keypoints import keypoint_points
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.skel import SkelParams
from skelvid.regress.crop import CropCamera
from skelvid.regress.decode import Pelvis, Target, decode, encode, point_places
from skelvid.regress.output import BIN_PX, N_YAWS, PLAIN_DOFS, POINTS, Output, yaw_bin
from train.regress.crops import NO_PART, Batch
from train.regress.pictures import OCCLUDED, OUTSIDE, VISIBLE

# How much a degree of freedom matters, by its joint.
_MATTERS = {"tibia": 1.5, "talus": 1.0, "calcn": 0.3, "toes": 0.1, "lumbar": 0.8, "thorax": 0.6, "head": 0.3,
            "scapula": 0.2, "ulna": 1.0, "radius": 0.2, "hand": 0.2}  # fmt: skip
_WEIGHT = torch.tensor([_MATTERS[DOFS[d].joint.split("_")[0]] for d in PLAIN_DOFS])
# Of the loss of bins: so wide is the truth, in bins.
_SPREAD = 1.5
_HIDDEN_COUNTS = 0.3
_NEAR_M = 0.3


@dataclass(frozen=True)
class Anatomy:
    """A body, and what of it the losses need.

    Attributes:
        body: The body; pelvis: its root; points: `POINTS` on it.
    """

    body: SkelBody
    pelvis: Pelvis
    points: SkinnedPoints

    @classmethod
    def of(cls, body: SkelBody) -> "Anatomy":
        """Return that of a body."""
        return cls(body, Pelvis.of(body), keypoint_points(body, POINTS))


def loss_terms(anatomy: Anatomy, output: Output, batch: Batch) -> dict[str, Float[Tensor, ""]]:
    """Return the weighted parts of the loss; their sum is what is trained on."""
    posed = batch.posed.float()
    truth = encode(batch.params, batch.crop, anatomy.pelvis)
    facing = torch.where(batch.posed, yaw_bin(truth.root_rot), output.yaw_logits.argmax(1))
    told = posed_as(output, facing)
    params = decode(told, batch.crop, anatomy.pelvis)
    if params.q.requires_grad:
        # Where a joint's angles break, a step without end would follow.
        params.q.register_hook(lambda g: g.nan_to_num(0.0, 0.0, 0.0).clamp(-1.0, 1.0))

    def mean(values: Float[Tensor, "b"]) -> Tensor:
        return (values * posed).sum() / posed.sum().clamp_min(1.0)

    length = output.circle.norm(dim=-1)
    off = 1 - torch.cos(output.angles - truth.angles)
    # Where nothing is known of a person, the logarithm of their size is no number.
    place = torch.where(batch.posed[:, None], truth.place, output.place.detach())
    missed = smooth_l1_loss(output.place, place, reduction="none", beta=0.05)
    return {
        "yaw": 1.0 * mean(cross_entropy(output.yaw_logits, facing, reduction="none")),
        "root": 1.5 * mean(_root(output, truth, facing)),
        "balls": 1.5 * mean(chord(output.ball_rot, truth.ball_rot).mean(1)),
        "angles": 4.0 * mean((off * _WEIGHT.to(off)).sum(1) / _WEIGHT.sum()),
        "circle": 0.01 * mean((length - 1).square().mean(1)),
        "joints": 3.0 * mean(_joints(anatomy, params, batch)),
        "betas": 0.02 * mean((output.betas - truth.betas).square().mean(1)),
        "place": mean(missed.sum(1)),
        "projected": _projected(anatomy, params, batch),
        "bins": _bins(output.x_logits, batch, 0) + _bins(output.y_logits, batch, 1),
        "doubt": 0.02 * mean(_surprise(dof_errors_rad(params, batch.params, anatomy.pelvis), output.log_sigma)),
        "point_doubt": 0.03 * _point_doubt(output, batch),
        "seen": 0.2 * _seen(output, batch),
        "parts": 0.3 * _parts(output, batch),
    }  # fmt: skip


def chord(a: Float[Tensor, "*b 3 3"], b: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b"]:
    """Return how far rotations are apart: about the angle, rad, and 2 for half a turn."""
    return (a - b).square().sum((-1, -2)).add(1e-6).sqrt() * 0.7071


def posed_as(output: Output, facing: Int[Tensor, "b"]) -> Target:
    """Return what is told of people if they face these ways."""
    rows = torch.arange(len(facing), device=facing.device)
    return Target(output.root_rots[rows, facing], output.ball_rot, output.angles, output.betas, output.place)


def dof_errors_rad(told: SkelParams, true: SkelParams, pelvis: Pelvis) -> Float[Tensor, "b 46"]:
    """Return the error of each degree of freedom, within half a turn; of the pelvis, about its own axes.

    >>> import skelvid.body.load as load
    >>> q = torch.zeros(1, 46); q[:, 3] = 6.2
    >>> zero = SkelParams(torch.zeros(1, 46), torch.zeros(1, 10), torch.zeros(1, 3))
    >>> pelvis = Pelvis.of(load.load_body("open-neutral"))
    >>> dof_errors_rad(SkelParams(q, zero.betas, zero.trans_m), zero, pelvis)[0, 3].round(decimals=4)
    tensor(-0.0832)
    """
    off = torch.remainder(told.q - true.q + pi, 2 * pi) - pi
    turn = pelvis.rotation(true.q[:, :3]).mT @ pelvis.rotation(told.q[:, :3])
    own = (pelvis.frame.mT @ rotation_vector(turn)[..., None])[..., 0]
    return torch.cat([own[:, [2, 0, 1]], off[:, 3:]], dim=1)


def rotation_vector(rot: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Return axis times angle; exact up to about 170 degrees."""
    skew = rot - rot.mT
    twice = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], dim=-1)
    sine = 0.5 * twice.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, 0.5 * (rot.diagonal(dim1=-1, dim2=-2).sum(-1, keepdim=True) - 1))
    return twice * torch.where(sine > 1e-4, angle / (2 * sine.clamp_min(1e-4)), torch.full_like(sine, 0.5))


def projected_px(points_m: Float[Tensor, "b k 3"], crop: CropCamera) -> Float[Tensor, "b k 2"]:
    """Return where points in the camera's axes lie in the crops; those nearly behind it, at its nearest depth."""
    depth = points_m[..., 2:].clamp_min(_NEAR_M)
    return crop.to_crop(points_m[..., :2] / depth * crop.focal_px[:, None, None] + crop.center_px[:, None])


def _root(output: Output, truth: Target, facing: Int[Tensor, "b"]) -> Float[Tensor, "b"]:
    """Return how wrong the rotation is, told for the true way to face and, counting less, for those beside it."""
    rows = torch.arange(len(facing), device=facing.device)
    rots = output.root_rots
    away = [chord(rots[rows, (facing + i) % N_YAWS], truth.root_rot) for i in (0, -1, 1)]
    return away[0] + 0.25 * (away[1] + away[2])


def _joints(anatomy: Anatomy, params: SkelParams, batch: Batch) -> Float[Tensor, "b"]:
    """Return the mean distance of joints, m, pelvis on pelvis."""
    ours, theirs = (anatomy.body.skeleton(p).joints_m for p in (params, batch.params))
    off = (ours - ours[:, :1]) - (theirs - theirs[:, :1])
    return off[:, 1:].square().sum(-1).add(1e-6).sqrt().mean(1)


def _projected(anatomy: Anatomy, params: SkelParams, batch: Batch) -> Float[Tensor, ""]:
    """Return how far the projected body is from the points, in crop heights, far ones held."""
    at = projected_px(anatomy.body.skin_points(params, anatomy.points), batch.crop)
    miss = (at - batch.points_px).square().sum(-1).add(1.0).sqrt() / batch.size_hw[0]
    weight = _point_weight(batch)
    return (miss.clamp_max(0.5) * weight).sum() / weight.sum().clamp_min(1.0)


def _point_weight(batch: Batch) -> Float[Tensor, "b k"]:
    """Return how much each point counts."""
    return (batch.state == VISIBLE).float() + _HIDDEN_COUNTS * (batch.state == OCCLUDED).float()


def _bins(logits: Float[Tensor, "b k n"], batch: Batch, axis: int) -> Float[Tensor, ""]:
    """Return the cross entropy of a point's place along one side (SimCC, Li et al. 2022)."""
    middle = torch.arange(logits.shape[2], device=logits.device) + 0.5
    near = (-0.5 * ((middle - batch.points_px[..., axis, None] / BIN_PX) / _SPREAD) ** 2).softmax(2)
    weight = _point_weight(batch)
    return -((near * logits.log_softmax(2)).sum(2) * weight).sum() / weight.sum().clamp_min(1.0)


def _surprise(error: Float[Tensor, "b d"], log_sigma: Float[Tensor, "b d"]) -> Float[Tensor, "b"]:
    """Return the negative log likelihood of the errors; the errors themselves are not moved by it."""
    return (0.5 * (error.detach() * (-log_sigma).exp()).square().clamp_max(200.0) + log_sigma).mean(1)


def _point_doubt(output: Output, batch: Batch) -> Float[Tensor, ""]:
    """Return how far the doubt about points is from their errors, as squared ratios.

    A likelihood would push hundreds of times harder than all other parts while points are still far off.
    """
    error = (point_places(output) - batch.points_px).norm(dim=-1).detach() / batch.size_hw[0]
    ratio = (output.point_log_sigma - error.clamp(1e-3, 1.0).log()).square()
    weight = _point_weight(batch)
    return (ratio * weight).sum() / weight.sum().clamp_min(1.0)


def _seen(output: Output, batch: Batch) -> Float[Tensor, ""]:
    """Return the cross entropy of visible, occluded, outside, where it is known: not from a teacher."""
    known = (batch.state > 0) & batch.posed[:, None]
    loss = cross_entropy(output.visibility_logits.flatten(0, 1), (batch.state - 1).clamp(0, OUTSIDE - 1).flatten(),
                         reduction="none")  # fmt: skip
    return (loss * known.flatten()).sum() / known.sum().clamp_min(1)


def _parts(output: Output, batch: Batch) -> Float[Tensor, ""]:
    """Return the cross entropy of body parts, where they are known."""
    if output.part_logits is None or bool((batch.parts == NO_PART).all()):
        return output.betas.new_zeros(())
    return cross_entropy(output.part_logits.flatten(0, 1), batch.parts.flatten(), ignore_index=NO_PART)
