"""Phone cameras around a moving person: positions in the world in, camera rotations and positions out."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize


@dataclass(frozen=True)
class Views:
    """Cameras over time: a world point x (y up) is at `rot @ (x - position_m)`; x right, y down, z forward.

    Attributes:
        rot: `b t 3 3`; position_m: `b t 3`.
        focal_error: `b` assumed over true focal length.
    """

    rot: Float[Tensor, "b t 3 3"]
    position_m: Float[Tensor, "b t 3"]
    focal_error: Float[Tensor, "b"]


def draw_views(pelvis_m: Float[Tensor, "b t 3"], facing: Float[Tensor, "b 3"], generator: torch.Generator) -> Views:
    """Draw a camera for each window.

    Half of them stand anywhere around the person, half within about 70 degrees of the front, as people are filmed; 1.7
    to 8 m away, 0.2 to 3 m high, mostly level, held still or by hand or panned.

    Args:
        pelvis_m: Where the person is, y up, floor about 0.
        facing: Direction the person faces in the middle of the window, level.
        generator: Source of chance.
    """
    g = generator
    b, t, _ = pelvis_m.shape

    def normal(sd: float, *shape: int) -> Tensor:
        return sd * torch.randn((b, *shape), generator=g)

    def chance(p: float) -> Tensor:
        return torch.rand(b, generator=g) < p

    anywhere = 2 * torch.pi * torch.rand(b, generator=g)
    front = torch.where(chance(0.5), 1.0, -1.0) * 0.65 + normal(0.5)
    azimuth = torch.atan2(facing[:, 0], facing[:, 2]) + torch.where(chance(0.5), anywhere, front)
    distance = 1.7 * torch.exp(torch.rand(b, generator=g) * 1.55)
    height = torch.where(chance(0.75), 1.15 + normal(0.3), 0.2 + 2.8 * torch.rand(b, generator=g)).clamp(0.15, 3.0)
    middle = pelvis_m.mean(1)
    place = middle + distance[:, None] * torch.stack([azimuth.sin(), torch.zeros_like(azimuth), azimuth.cos()], -1)
    place[:, 1] = height
    aim = normalize(middle - place, dim=-1)
    yaw = torch.atan2(aim[:, 0], aim[:, 2]) + normal(0.17).clamp(-0.5, 0.5)
    pitch = torch.asin(-aim[:, 1]) * torch.rand(b, generator=g).sqrt() + normal(0.08)  # down is positive
    roll = torch.where(chance(0.8), normal(0.03), normal(0.15))
    sway = torch.where(chance(0.3), torch.rand(b, generator=g), torch.tensor(0.0))[:, None] * 0.06
    time = torch.linspace(0, 1, t)
    waves = [
        sway * torch.sin(6.3 * (torch.rand((b, 1), generator=g) + time * (0.2 + torch.rand((b, 1), generator=g))))
        for _ in range(3)
    ]
    rot = world_to_camera(yaw[:, None] + waves[0], pitch[:, None] + 0.4 * waves[1], roll[:, None] + 0.3 * waves[2])
    return Views(rot, place[:, None].expand(b, t, 3), torch.exp(normal(0.08)))


def world_to_camera(
    yaw: Float[Tensor, "*b"], pitch: Float[Tensor, "*b"], roll: Float[Tensor, "*b"]
) -> Float[Tensor, "*b 3 3"]:
    """Return world (y up) to camera rotations; yaw turns the optical axis from +z to +x, pitch looks down."""
    flat = torch.zeros_like(yaw)
    forward = torch.stack([yaw.sin() * pitch.cos(), -pitch.sin(), yaw.cos() * pitch.cos()], -1)
    right = torch.stack([-yaw.cos(), flat, yaw.sin()], -1)  # y up: x is to the left of someone who looks along z
    down = torch.linalg.cross(forward, right)
    cos, sin = roll.cos()[..., None], roll.sin()[..., None]
    return torch.stack([cos * right + sin * down, cos * down - sin * right, forward], dim=-2)
