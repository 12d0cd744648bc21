"""How far each pixel moves between frames: rigid parts and cameras of two moments go in; shifts in px come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.dofs import JOINT_NAMES
from train.synth import fast_film
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
    shifts = shifts_on_processor if drawn.floor_m.device.type == "cpu" else shifts_in_torch
    out = drawn.floor_m.new_zeros((b, 2, height, width))
    for i, view, earlier in moving:
        out[i] = shifts(drawn, i, view, earlier)
    return out.clamp_(-200, 200)


def shifts_on_processor(drawn: Rendered, i: int, view: View, earlier: Before) -> Float[Tensor, "2 h w"]:
    """Return the shifts of one picture, by compiled loops."""
    pack = drawn.pack
    mine = (pack.owner == SUBJECT).numpy()
    parts = fast_film.Parts(
        pack.surface.numpy(), pack.part.numpy(), mine, earlier.rot.numpy(), earlier.shift_m.numpy()
    )  # fmt: skip
    seen = drawn.cover[i].numpy(), drawn.seen.face.numpy(), drawn.point_m.numpy(), drawn.floor_m[i].numpy()
    return torch.as_tensor(fast_film.shifts(*seen, parts, (view.arrays, earlier.view.arrays)))


def shifts_in_torch(drawn: Rendered, i: int, view: View, earlier: Before) -> Float[Tensor, "2 h w"]:
    """Return the same as `shifts_on_processor` in plain torch, as on a GPU."""
    height, width = drawn.floor_m.shape[1:3]
    rows = ((torch.arange(height) + 0.5) * drawn.cover.shape[1] / height).long()
    columns = ((torch.arange(width) + 0.5) * drawn.cover.shape[2] / width).long()
    cover = drawn.cover[i][rows][:, columns]
    at = drawn.floor_m[i].clone()
    was = at.clone()
    front = cover >= 0
    point = drawn.point_m[cover[front]]
    face = drawn.seen.face[cover[front]]
    mine = drawn.pack.owner[drawn.pack.surface[face]] == SUBJECT
    part = drawn.pack.part[face].long() * mine
    at[front] = point
    was[front] = torch.einsum("pij,pj->pi", earlier.rot[part], point) + earlier.shift_m[part]
    return (view.project(at) - earlier.view.project(was))[..., :2].movedim(2, 0)
