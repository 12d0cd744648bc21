"""The lifter's network: features of a window of frames in; pose, gravity, contact, shape and their doubt out.

A transformer over time. Attention turns queries and keys by the true times of the frames (rotary embedding, Su et al.
2021), so any frame rate, and an uneven one, means what it should.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize, scaled_dot_product_attention

from skelvid.body.ball_rotation import rotation_from_six
from skelvid.body.dofs import joint_dofs
from skelvid.datatypes.motion import CONTACT_POINTS
from skelvid.datatypes.skel import N_BETAS, N_DOFS
from skelvid.motion.lift_input import N_FEATURES, LiftInput

# These turn so far that three angles would break somewhere on the way: told as rotations.
BALLS = ("pelvis", "humerus_r", "humerus_l")
BALL_DOFS = tuple(d for joint in BALLS for d in joint_dofs(joint))
PLAIN_DOFS = tuple(d for d in range(N_DOFS) if d not in BALL_DOFS)
_SLOWEST_S, _FASTEST_S = 8.0, 0.06


@dataclass(frozen=True)
class Lifted:
    """What the network says of each frame.

    Attributes:
        ball_rot: `b t 3 3 3` rotations of `BALLS`: the pelvis from the template's axes to the virtual camera's, the
            upper arms as the product of their degrees of freedom.
        angles: `b t n` the degrees of freedom `PLAIN_DOFS`, rad.
        log_sigma: `b t 46` logarithm of the standard deviation of each degree of freedom (of balls: about their axes).
        contact: `b t 4` log odds that each of `CONTACT_POINTS` rests on the ground.
        up: `b t 3` against gravity, in the virtual camera.
        betas: `b 10`.
    """

    ball_rot: Float[Tensor, "b t 3 3 3"]
    angles: Float[Tensor, "b t n"]
    log_sigma: Float[Tensor, "b t 46"]
    contact: Float[Tensor, "b t 4"]
    up: Float[Tensor, "b t 3"]
    betas: Float[Tensor, "b 10"]


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        b, t, width = x.shape
        parts = self.query_key_value(self.before_attention(x)).reshape(b, t, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = scaled_dot_product_attention(_rotate(query, turn), _rotate(key, turn), value, attn_mask=mask)
        x = x + self.join(mixed.transpose(1, 2).reshape(b, t, width))
        return x + self.mlp(self.before_mlp(x))


class LiftNetwork(nn.Module):
    """Windows of keypoints to poses.

    Args:
        width: Channels of a frame; a multiple of `heads`.
        depth: Blocks.
        heads: Attention heads.
    """

    angle_mean: Tensor
    angle_scale: Tensor
    frequency: Tensor

    def __init__(self, *, width: int = 192, depth: int = 5, heads: int = 6) -> None:
        super().__init__()
        self.settings = {"width": width, "depth": depth, "heads": heads}
        self.enter = nn.Linear(N_FEATURES, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(depth))
        self.leave = nn.LayerNorm(width)
        self.widths = (6 * len(BALLS), len(PLAIN_DOFS), N_DOFS, len(CONTACT_POINTS), 3)
        self.tell_frame = nn.Linear(width, sum(self.widths))
        self.tell_person = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, N_BETAS))
        # Statistics of the training motion, so that the network starts out near a plausible pose.
        self.register_buffer("angle_mean", torch.zeros(len(PLAIN_DOFS)))
        self.register_buffer("angle_scale", torch.ones(len(PLAIN_DOFS)))
        periods_s = torch.logspace(0, 1, width // heads // 2, base=_FASTEST_S / _SLOWEST_S) * _SLOWEST_S
        self.register_buffer("frequency", 2 * torch.pi / periods_s, persistent=False)

    def forward(self, window: LiftInput) -> Lifted:
        """Lift windows; frames in which nothing is seen are told by the others."""
        seen = window.seen | ~window.seen.any(1, keepdim=True)  # attention to nothing at all is not a number
        phase = (window.time_s - window.time_s[:, :1])[:, None, :, None] * self.frequency
        turn = (phase.cos(), phase.sin())
        x = self.enter(window.features)
        for block in self.blocks:
            x = block(x, turn, seen[:, None, None, :])
        x = self.leave(x)
        balls, angles, log_sigma, contact, up = self.tell_frame(x).split(self.widths, dim=-1)
        person = (x * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
        return Lifted(
            rotation_from_six(balls.unflatten(-1, (len(BALLS), 6))),
            angles * self.angle_scale + self.angle_mean,
            log_sigma.clamp(-3.0, 3.0) - 2.5,
            contact,
            normalize(up - up.new_tensor([0.0, 1.0, 0.0]), dim=-1),  # a level camera until told otherwise
            self.tell_person(person),
        )


def _rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turn
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
