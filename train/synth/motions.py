"""What people do in the pictures: the motion library goes in; short stretches of motion for one body come out."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.ball_rotation import ball_angles, ball_rotation, turn_about
from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX, joint_dofs, limits_rad
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from train.lift.library import Library, draw_windows
from train.lift.scene import CONTACT_LANDMARKS, find_contact

# People in the library look where they go and hardly twist, shrug or bend their wrists: some are turned by a constant,
# SD in degrees.
_TURNED_DEG = {"lumbar_bending": 6, "lumbar_twist": 10, "thorax_bending": 6, "thorax_twist": 14, "head_bending": 10,
               "head_extension": 10, "head_twist": 32,
               **{f"{name}_{side}": deg for side in "rl" for name, deg in
                  (("pro_sup", 25), ("wrist_flexion", 28), ("scapula_abduction", 12))}}  # fmt: skip
_TURNED = 0.4
# Some stand or go with one side of the pelvis far down; SD in degrees.
_LISTING, _LIST_DEG, _SPINE = 0.12, 20.0, 0.5
_GIVING = [*joint_dofs("femur_r"), *joint_dofs("femur_l"), DOF_INDEX["lumbar_bending"]]


@dataclass(frozen=True)
class Moves:
    """A stretch of motion in the world, y up, the floor at 0.

    Attributes:
        params: q `t 46`, betas `1 10`, trans_m `t 3`.
        joints_m: `t 24 3`; joint_rot: `t 24 3 3`; rest_joints_m, rest_rot: the same at q = 0 and trans_m = 0.
        time_s: `t`; contact: `t 4` of `CONTACT_POINTS`; motion: number of the clip in its library.
    """

    params: SkelParams
    joints_m: Float[Tensor, "t 24 3"]
    joint_rot: Float[Tensor, "t 24 3 3"]
    rest_joints_m: Float[Tensor, "24 3"]
    rest_rot: Float[Tensor, "24 3 3"]
    time_s: Float[Tensor, "t"]
    contact: Tensor
    motion: int

    def moved(self, by_m: Float[Tensor, "3"]) -> "Moves":
        """Return the same motion at another place."""
        params = SkelParams(self.params.q, self.params.betas, self.params.trans_m + by_m)
        return replace(self, params=params, joints_m=self.joints_m + by_m)


def draw_moves(
    library: Library, body: SkelBody, betas: Float[Tensor, "10"], *, frames: int, generator: torch.Generator
) -> Moves:
    """Draw a stretch of motion and give it to a body.

    Its path is scaled to the body's legs, and the lowest sole is where it was in the library; in the middle of the
    stretch the pelvis is over x = z = 0.

    Args:
        library: What moves.
        body: The label's body.
        betas: Its shape.
        frames: Length, at least 2.
        generator: Source of chance.
    """
    clip = int(torch.multinomial(library.weight, 1, generator=generator))
    one = replace(library, weight=torch.nn.functional.one_hot(torch.tensor(clip), len(library.weight)).float())
    window = draw_windows(one, batch=1, frames=frames, generator=generator, vary=True)
    q = _list_pelvis(_look_about(window.q, generator), generator)
    both = torch.cat([betas[None], window.source_betas])
    # The first pose is the one at rest.
    posed = body.skeleton(SkelParams(torch.nn.functional.pad(q, (0, 0, 1, 0)), both[:, None], torch.zeros((1, 1, 3))))
    rest_m, joints_m = posed.joints_m[:, 0], posed.joints_m[0, 1:]
    leg = rest_m[:, JOINT_INDEX["femur_r"], 1] - rest_m[:, JOINT_INDEX["calcn_r"], 1]
    pelvis = rest_m[:, 0]
    trans = (window.trans_m[0] + pelvis[1]) * (leg[0] / leg[1]) - pelvis[0]
    trans = trans - (trans[frames // 2] + pelvis[0]) * trans.new_tensor([1.0, 0.0, 1.0])
    feet = posed.landmarks_m[:, 1:, [body.landmark_names.index(name) for name in CONTACT_LANDMARKS]]
    low = feet[..., 1] + torch.stack([trans, window.trans_m[0]])[..., 1, None]
    trans[:, 1] += (low[1].min() - low[0].min()).clamp(-0.3, 0.3)
    time_s = window.time_s[0]
    contact = find_contact(feet[:1] + trans[:, None], window.time_s, floor_m=0.0)
    return Moves(
        SkelParams(q[0], betas[None], trans), joints_m + trans[:, None], posed.joint_rot[0, 1:],
        rest_m[0], posed.joint_rot[0, 0], time_s, contact[0], clip,
    )  # fmt: skip


def _look_about(q: Float[Tensor, "b t 46"], generator: torch.Generator) -> Float[Tensor, "b t 46"]:
    """Turn trunk, head, shoulder blades, forearms and hands of some people, within their limits."""
    if float(torch.rand(1, generator=generator)) > _TURNED:
        return q
    index = [DOF_INDEX[name] for name in _TURNED_DEG]
    spread = torch.deg2rad(torch.tensor(list(_TURNED_DEG.values()), dtype=torch.float32))
    lower, upper = (torch.as_tensor(limit[index], dtype=torch.float32) for limit in limits_rad())
    old = q[..., index]
    turned = old + spread * torch.randn(len(index), generator=generator)
    q = q.clone()
    q[..., index] = turned.clamp(torch.minimum(lower, old), torch.maximum(upper, old))
    return q


def _list_pelvis(q: Float[Tensor, "b t 46"], generator: torch.Generator) -> Float[Tensor, "b t 46"]:
    """Let the pelvis of some people hang to a side; the hips give way, so that legs stay as they are, the spine half.

    Who cannot give way that far within the limits of hips and spine stays as he is.
    """
    if float(torch.rand(1, generator=generator)) > _LISTING:
        return q
    by = math.radians(_LIST_DEG) * torch.randn(1, generator=generator)
    old, q = q, q.clone()
    # About its own axis to the front, whichever way it faces.
    q[..., :3] = ball_angles(ball_rotation(q[..., :3], "pelvis") @ turn_about(0, by), "pelvis")
    for hip in ("femur_r", "femur_l"):
        dofs = list(joint_dofs(hip))
        q[..., dofs] = ball_angles(turn_about(0, -by) @ ball_rotation(q[..., dofs], hip), hip)
    q[..., DOF_INDEX["lumbar_bending"]] -= _SPINE * by
    lower, upper = (torch.as_tensor(limit[_GIVING], dtype=torch.float32) for limit in limits_rad())
    now, before = q[..., _GIVING], old[..., _GIVING]
    fits = (now >= torch.minimum(lower, before)) & (now <= torch.maximum(upper, before))
    return q if bool(fits.all()) else old
