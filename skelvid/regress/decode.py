"""What the network says of crops goes in, SKEL parameters in the camera's frame come out; and back, for training."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.ball_rotation import ball_angles, ball_rotation
from skelvid.body.dofs import joint_dofs
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_DOFS, SkelParams
from skelvid.regress.crop import CropCamera
from skelvid.regress.output import BALLS, BIN_PX, PLAIN_DOFS, Output

# The likeliest place is the mean over this many bins on either side of the likeliest bin.
_NEAR_BINS = 3


@dataclass(frozen=True)
class Pelvis:
    """What of a body must be known to go from a pelvis to q and trans, and back.

    Attributes:
        frame: `3 3` axes in which the pelvis's three angles turn, in the template's.
        rest_m: `3` its joint's place in the template; dirs_m: `3 10` how that changes with betas.
    """

    frame: Float[Tensor, "3 3"]
    rest_m: Float[Tensor, "3"]
    dirs_m: Float[Tensor, "3 10"]

    @classmethod
    def of(cls, body: SkelBody) -> "Pelvis":
        """Return that of a body."""
        constants = body.skeleton_constants
        align = torch.as_tensor(body.assets.apose_rel_transfo[0, :3, :3]).to(constants.learned_rot)
        left, _, right = torch.linalg.svd(constants.learned_rot[0] @ align.mT)
        return cls(left @ right, constants.joint_template_m[0], constants.joint_dirs_m[0])

    def rotation(self, angles: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
        """Return how the pelvis is turned from the template, for the first three q."""
        return self.frame @ ball_rotation(angles, "pelvis") @ self.frame.mT

    def angles(self, rotation: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
        """Undo `rotation`."""
        return ball_angles(self.frame.mT @ rotation @ self.frame, "pelvis")

    def joint_m(self, betas: Float[Tensor, "*b 10"]) -> Float[Tensor, "*b 3"]:
        """Return where the pelvis's joint is before translation, whatever the pose."""
        return self.rest_m + betas @ self.dirs_m.mT


@dataclass(frozen=True)
class Target:
    """What the network should say of crops: the fields of `Output` that are numbers with a true value.

    Attributes:
        root_rot: `b 3 3` pelvis in the crop's virtual camera; ball_rot: `b 4 3 3`; angles: `b n` rad; betas: `b 10`;
            place: `b 3`; all as `Output` says.
    """

    root_rot: Float[Tensor, "b 3 3"]
    ball_rot: Float[Tensor, "b 4 3 3"]
    angles: Float[Tensor, "b n"]
    betas: Float[Tensor, "b 10"]
    place: Float[Tensor, "b 3"]


def encode(params: SkelParams, crop: CropCamera, pelvis: Pelvis) -> Target:
    """Return what should be said of people whose parameters, in the camera's frame, are known."""
    q = params.q
    return Target(
        crop.view_rot @ pelvis.rotation(q[:, :3]),
        torch.stack([ball_rotation(q[:, list(joint_dofs(ball))], ball) for ball in BALLS], dim=1),
        q[:, list(PLAIN_DOFS)],
        params.betas,
        to_place(pelvis.joint_m(params.betas) + params.trans_m, crop),
    )


def decode(output: Output | Target, crop: CropCamera, pelvis: Pelvis) -> SkelParams:
    """Return the parameters of the people that were told of, in the camera's frame."""
    q = output.betas.new_zeros((len(output.betas), N_DOFS))
    q[:, list(PLAIN_DOFS)] = output.angles
    for i, ball in enumerate(BALLS):
        q[:, list(joint_dofs(ball))] = ball_angles(output.ball_rot[:, i], ball)
    q[:, list(joint_dofs("pelvis"))] = pelvis.angles(crop.view_rot.mT @ output.root_rot)
    return SkelParams(q, output.betas, from_place(output.place, crop) - pelvis.joint_m(output.betas))


def to_place(point_m: Float[Tensor, "b 3"], crop: CropCamera) -> Float[Tensor, "b 3"]:
    """Return where a point appears in the crop, and how large a metre is there; see `Output.place`."""
    image_px = point_m[:, :2] / point_m[:, 2:] * crop.focal_px[:, None] + crop.center_px
    height, width = crop.size_hw
    at = (crop.to_crop(image_px) - image_px.new_tensor([width / 2, height / 2])) / height
    size = (crop.focal_crop_px / (point_m[:, 2] * height)).log()
    return torch.cat([size[:, None], at], dim=1)


def from_place(place: Float[Tensor, "b 3"], crop: CropCamera) -> Float[Tensor, "b 3"]:
    """Undo `to_place`."""
    height, width = crop.size_hw
    image_px = crop.to_image(place[:, 1:] * height + place.new_tensor([width / 2, height / 2]))
    ray = (image_px - crop.center_px) / crop.focal_px[:, None]
    depth_m = crop.focal_crop_px / (place[:, 0].exp() * height)
    return torch.cat([ray, torch.ones_like(ray[:, :1])], dim=1) * depth_m[:, None]


def point_places(output: Output) -> Float[Tensor, "b k 2"]:
    """Return where the points lie, px of the crop."""
    return torch.stack([_likeliest(output.x_logits), _likeliest(output.y_logits)], dim=-1) * BIN_PX


def _likeliest(logits: Float[Tensor, "b k bins"]) -> Float[Tensor, "b k"]:
    """Return the mean place around the likeliest bin, in bins."""
    place = torch.arange(logits.shape[2], device=logits.device)
    far = (place - logits.argmax(2, keepdim=True)).abs() > _NEAR_BINS
    return (logits.masked_fill(far, -torch.inf).softmax(2) * (place + 0.5)).sum(2)
