"""How far each pixel moves between frames: rigid parts and cameras of two moments go in; shifts in px come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.dofs import JOINT_NAMES
from train.synth.motions import Moves
from train.synth.render import Rendered
from train.synth.shots import SUBJECT
from train.synth.views import View
from train.synth.world import PARTS

_JOINT_OF = {"head": "head", "torso": "thorax", "upper_arm": "humerus", "forearm": "ulna", "hand": "hand",
             "thigh": "femur", "shank": "tibia", "foot": "calcn"}  # fmt: skip
# The joint that moves each part, from the second on: the first is nobody's.
_JOINTS = [
    JOINT_NAMES.index(_JOINT_OF[part.removesuffix("_r").removesuffix("_l")] + (part[-2:] if part[-2] == "_" else ""))
    for part in PARTS[1:]
]


@dataclass(frozen=True)
class Before:
    """The moment before a picture.

    Attributes:
        view: The camera then, cut as now.
        rot, shift_m: `n 3 3`, `n 3`: a point x of part i of the labelled person was at rot[i] @ x + shift[i].
    """

    view: View
    rot: Float[Tensor, "n 3 3"]
    shift_m: Float[Tensor, "n 3"]


def before(moves: Moves, i: int, view: View) -> Before:
    """Return where the parts of a person and the camera were one frame before frame i."""
    rot, shift = torch.eye(3).repeat(len(PARTS), 1, 1), torch.zeros((len(PARTS), 3))
    old = moves.joint_rot[i - 1, _JOINTS] @ moves.joint_rot[i, _JOINTS].mT
    rot[1:] = old
    shift[1:] = moves.joints_m[i - 1, _JOINTS] - torch.einsum("nij,nj->ni", old, moves.joints_m[i, _JOINTS])
    return Before(view, rot, shift)


def movement(drawn: Rendered, moving: Sequence[tuple[int, View, Before]]) -> Float[Tensor, "b 2 h w"]:
    """Return how far what each pixel shows has moved since the frame before, px; 0 in pictures not asked for.

    Args:
        drawn: The pictures.
        moving: Number, camera and moment before of each picture asked for.
    """
    b, height, width = drawn.floor_m.shape[:3]
    rows = ((torch.arange(height) + 0.5) * drawn.cover.shape[1] / height).long()
    columns = ((torch.arange(width) + 0.5) * drawn.cover.shape[2] / width).long()
    cover = drawn.cover[:, rows][:, :, columns]
    out = torch.zeros((b, height, width, 2))
    for i, view, earlier in moving:
        at = drawn.floor_m[i].clone()
        was = at.clone()
        front = cover[i] >= 0
        row = cover[i][front]
        point = drawn.point_m[row]
        face = drawn.seen.face[row]
        mine = drawn.pack.owner[drawn.pack.surface[face]] == SUBJECT
        part = drawn.pack.part[face].long() * mine
        at[front] = point
        was[front] = torch.einsum("pij,pj->pi", earlier.rot[part], point) + earlier.shift_m[part]
        out[i] = (view.project(at) - earlier.view.project(was))[..., :2]
    return out.movedim(3, 1).clamp(-200, 200)
