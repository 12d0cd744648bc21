"""What the network says of a crop: rotations, angles, shape, place and points, as it says them, and in the mirror.

Rotations are those of `skelvid.body`: of the pelvis from the template's axes to those of the crop's virtual camera (see
`skelvid.regress.crop`), of hips and upper arms the product of their degrees of freedom. Which way the pelvis faces is
told as one of 16 directions, and for each of them what the rotation would be beside a turn by that direction: two
answers that are far apart, such as front and back, are never averaged.
"""

from dataclasses import dataclass, fields
from math import pi

import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.ball_rotation import rotation_from_six, turn_about
from skelvid.body.dofs import joint_dofs, mirror_index_and_sign
from skelvid.datatypes.skel import N_DOFS

N_YAWS = 16
# Told as rotations, in this order; the pelvis, apart, is one, too.
BALLS = ("femur_r", "femur_l", "humerus_r", "humerus_l")
_BALL_DOFS = {d for joint in ("pelvis", *BALLS) for d in joint_dofs(joint)}
PLAIN_DOFS = tuple(d for d in range(N_DOFS) if d not in _BALL_DOFS)
_SIDES = ("eye", "ear", "shoulder", "elbow", "wrist", "index", "pinky",
          "hip", "knee", "ankle", "heel", "big_toe", "small_toe")  # fmt: skip
# Keypoints of `skelvid.body.keypoints`.
POINTS = ("nose", "head", "neck", *(f"{side}_{part}" for part in _SIDES for side in ("left", "right")))
VISIBILITIES = ("visible", "occluded", "outside")
BIN_PX = 2

_MIRROR_INDEX, _MIRROR_SIGN = mirror_index_and_sign()
_MIRROR_PLAIN = [PLAIN_DOFS.index(int(_MIRROR_INDEX[d])) for d in PLAIN_DOFS]
_MIRROR_BALL = [1, 0, 3, 2]


@dataclass(frozen=True)
class Output:
    """What the network says of crops.

    Attributes:
        yaw_logits: `b 16` which way the pelvis faces, see `yaw_bin`.
        root_six: `b 16 6` for each of these, the pelvis's rotation beside that turn, see `root_rots`.
        ball_six: `b 4 6` rotations of `BALLS`.
        circle: `b n 2` sine and cosine of the degrees of freedom `PLAIN_DOFS`, of any length.
        log_sigma: `b 46` logarithm of the standard deviation of q, rad; of the pelvis about its own axes.
        betas: `b 10`.
        place: `b 3` logarithm of the crop heights that a metre takes at the depth (z) of the pelvis's joint; where in
            the crop that joint lies, right and down from the middle, in crop heights.
        x_logits, y_logits: `b k w/2`, `b k h/2` where the points lie, in bins of `BIN_PX` from the left and the top.
        point_log_sigma: `b k` logarithm of the standard deviation of either coordinate, in crop heights.
        visibility_logits: `b k 3` of `VISIBILITIES`.
        part_logits: `b n p` which body part each patch shows, row by row; None where the network was not made to.
    """

    yaw_logits: Float[Tensor, "b 16"]
    root_six: Float[Tensor, "b 16 6"]
    ball_six: Float[Tensor, "b 4 6"]
    circle: Float[Tensor, "b n 2"]
    log_sigma: Float[Tensor, "b 46"]
    betas: Float[Tensor, "b 10"]
    place: Float[Tensor, "b 3"]
    x_logits: Float[Tensor, "b k nx"]
    y_logits: Float[Tensor, "b k ny"]
    point_log_sigma: Float[Tensor, "b k"]
    visibility_logits: Float[Tensor, "b k 3"]
    part_logits: Float[Tensor, "b patches parts"] | None = None

    @property
    def root_rots(self) -> Float[Tensor, "b 16 3 3"]:
        """The pelvis's rotation if it faces each of the 16 ways."""
        yaw = torch.arange(N_YAWS, device=self.root_six.device) * (2 * pi / N_YAWS)
        return turn_about(1, yaw).to(self.root_six) @ rotation_from_six(self.root_six)

    @property
    def root_rot(self) -> Float[Tensor, "b 3 3"]:
        """The pelvis's rotation: mean of those of the likeliest way and its neighbours, by their squared odds."""
        best = self.yaw_logits.argmax(1, keepdim=True)
        near = (best + torch.tensor([-1, 0, 1], device=best.device)) % N_YAWS
        weight = (2 * self.yaw_logits.gather(1, near)).softmax(1)
        rots = self.root_rots.gather(1, near[..., None, None].expand(-1, -1, 3, 3))
        return rotation_from_six((weight[..., None, None] * rots).sum(1)[..., :2].mT.flatten(1))

    @property
    def ball_rot(self) -> Float[Tensor, "b 4 3 3"]:
        """Rotations of `BALLS`."""
        return rotation_from_six(self.ball_six)

    @property
    def angles(self) -> Float[Tensor, "b n"]:
        """The degrees of freedom `PLAIN_DOFS`, rad."""
        return torch.atan2(self.circle[..., 0], self.circle[..., 1])

    def mirrored(self, points: tuple[str, ...]) -> "Output":
        """Return what is said of the same people seen in a mirror; parts are left out.

        Args:
            points: Names of the points.
        """
        to = self.betas.new_tensor
        swap = [points.index(mirror_point(name)) for name in points]
        back = [-i % N_YAWS for i in range(N_YAWS)]
        sign = to(_MIRROR_SIGN[list(PLAIN_DOFS)])
        return Output(
            self.yaw_logits[:, back],
            # Template and camera have left and right along x, the bones' frames along z.
            self.root_six[:, back] * to([1.0, -1.0, -1.0, -1.0, 1.0, 1.0]),
            self.ball_six[:, _MIRROR_BALL] * to([1.0, 1.0, -1.0, 1.0, 1.0, -1.0]),
            self.circle[:, _MIRROR_PLAIN] * torch.stack([sign, torch.ones_like(sign)], dim=1),
            self.log_sigma[:, _MIRROR_INDEX.tolist()],
            self.betas,
            self.place * to([1.0, -1.0, 1.0]),
            self.x_logits[:, swap].flip(2),
            self.y_logits[:, swap],
            self.point_log_sigma[:, swap],
            self.visibility_logits[:, swap],
        )


def mean_output(one: Output, other: Output) -> Output:
    """Return the mean of two answers; parts are left out."""
    names = (field.name for field in fields(Output)[:-1])
    return Output(*((getattr(one, name) + getattr(other, name)) / 2 for name in names))


def mirror_point(name: str) -> str:
    """Return the name of the same point on the other side.

    >>> mirror_point("left_big_toe"), mirror_point("nose")
    ('right_big_toe', 'nose')
    """
    return {"left": "right", "right": "left"}.get(head := name.partition("_")[0], head) + name[len(head) :]


def yaw_rad(root_rot: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b"]:
    """Return which way a pelvis faces: 0 to the camera, positive to the left in the picture."""
    return torch.atan2(-root_rot[..., 0, 2], -root_rot[..., 2, 2])


def yaw_bin(root_rot: Float[Tensor, "*b 3 3"]) -> Int[Tensor, "*b"]:
    """Return which of the 16 ways a pelvis faces; bin i is about i / 16 of a turn."""
    return (yaw_rad(root_rot) * (N_YAWS / (2 * pi))).round().long() % N_YAWS
