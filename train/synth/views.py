"""Where the camera stands and how it sees: chance goes in, phone-like cameras come out."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from train.lift.cameras import world_to_camera
from train.synth import fast_film

# Focal lengths in long sides of the picture: a phone's main camera, its wide one, its longer ones, webcams.
_FOCALS = ((0.66, 0.82), (0.42, 0.6), (1.1, 2.2), (0.8, 1.1))


@dataclass(frozen=True)
class View:
    """A pinhole camera: a world point x (y up) is at `rot @ (x - position_m)`, x right, y down, z forward.

    Attributes:
        rot: `3 3`; position_m: `3`.
        focal_px: Of the picture to be drawn; center_px: `2` its principal point, far outside for a cut-out.
        size_hw: Of the picture, px.
    """

    rot: Float[Tensor, "3 3"]
    position_m: Float[Tensor, "3"]
    focal_px: float
    center_px: tuple[float, float]
    size_hw: tuple[int, int]

    @property
    def sight_rad(self) -> float:
        """Return how far from the middle of the picture its corners are; of one that is not cut out."""
        return math.atan(math.hypot(*self.size_hw) / 2 / self.focal_px)

    @cached_property
    def arrays(self) -> fast_film.Camera:
        """Return the camera as compiled loops read it."""
        across, down = self.center_px
        place = self.rot.double().numpy(), self.position_m.double().numpy()
        return fast_film.Camera(*place, float(self.focal_px), (float(across), float(down)))

    def to_camera(self, points_m: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        """Return world points in the camera's axes."""
        return (points_m - self.position_m) @ self.rot.mT

    def project(self, points_m: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        """Return where world points appear, x and y in px, and their depth in m."""
        at = self.to_camera(points_m)
        depth = at[..., 2:].clamp_min(1e-3)
        xy = at[..., :2] / depth * self.focal_px + at.new_tensor(self.center_px)
        return torch.cat([xy, at[..., 2:]], -1)

    def rays(self) -> Float[Tensor, "h w 3"]:
        """Return the directions, unit vectors in the world, in which the pixel centres look."""
        height, width = self.size_hw
        device = self.rot.device
        if device.type == "cpu":
            return torch.as_tensor(fast_film.rays(self.arrays, height, width))
        y, x = torch.meshgrid(
            torch.arange(height, device=device) + 0.5, torch.arange(width, device=device) + 0.5, indexing="ij"
        )
        look = torch.stack([x - self.center_px[0], y - self.center_px[1], torch.full_like(x, self.focal_px)], -1)
        return look / look.norm(dim=-1, keepdim=True) @ self.rot

    def cut(self, box: tuple[float, float, float, float], size_hw: tuple[int, int]) -> "View":
        """Return the view of a part of the picture (x0, y0, x1, y1; of the size's shape), scaled to a size."""
        scale = size_hw[0] / (box[3] - box[1])
        center = ((self.center_px[0] - box[0]) * scale, (self.center_px[1] - box[1]) * scale)
        return View(self.rot, self.position_m, self.focal_px * scale, center, size_hw)


@dataclass(frozen=True)
class Lens:
    """How far away and how wide a camera sees.

    Attributes:
        focal: In long sides of the picture: 0.72 is a phone's main camera, 0.45 its wide one.
        size_hw: Of the whole picture, px.
        distance_m: From the person, level.
    """

    focal: float
    size_hw: tuple[int, int]
    distance_m: float


def draw_lens(rng: np.random.Generator, *, long_px: int = 1280) -> Lens:
    """Draw a phone, tablet or webcam, upright or not, from where a person makes up 12 to 150 % of the picture."""
    low, high = _FOCALS[rng.choice(len(_FOCALS), p=[0.6, 0.12, 0.18, 0.1])]
    focal = rng.uniform(low, high)
    short_px = round(long_px * rng.choice([9 / 16, 3 / 4]))
    size = (long_px, short_px) if rng.uniform() < 0.45 else (short_px, long_px)
    distance = 0.0
    for _ in range(12):
        distance = 1.5 * 8 ** rng.uniform()
        if 0.12 < focal * long_px * 1.7 / distance / size[0] < 1.5:
            break
    return Lens(focal, size, distance)


def draw_views(
    path_m: Float[Tensor, "t 3"], time_s: Float[Tensor, "t"], rng: np.random.Generator, lens: Lens
) -> list[View]:
    """Draw a camera around a person: standing still, held by hand, or panned.

    Args:
        path_m: Middle of the person in each frame.
        time_s: Of the frames.
        rng: Source of chance.
        lens: What it sees through; see `draw_lens`.
    """
    middle = path_m.mean(0)
    azimuth = rng.uniform(0, 2 * np.pi)
    height = rng.normal(1.25, 0.3) if rng.uniform() < 0.6 else rng.uniform(0.3, 2.5)
    height = float(np.clip(height, 0.3, 2.5))
    place = middle + lens.distance_m * torch.tensor([np.sin(azimuth), 0.0, np.cos(azimuth)], dtype=torch.float32)
    place[1] = height
    roll = rng.normal(0, 0.03) if rng.uniform() < 0.72 else rng.uniform(-0.44, 0.44)
    span = 0.5 / lens.focal * lens.size_hw[0] / max(lens.size_hw)  # half the picture's height, rad or so
    off = rng.normal(0, (0.12, 0.2), 2) * span
    held = rng.uniform() < 0.45
    sway = (rng.uniform(0.1, 0.7) * np.pi / 180 if held else 0.0) * _unrest(time_s, rng)
    drift = (rng.uniform(0.003, 0.02) if held else 0.0) * _unrest(time_s, rng)
    follow = 1.0 if rng.uniform() < 0.25 else 0.0
    out = []
    for i in range(len(path_m)):
        position = place + drift[i]
        aim = middle + follow * (path_m[i] - middle) - position
        yaw = torch.atan2(aim[0], aim[2]) + off[1] + sway[i, 0]
        pitch = -torch.atan2(aim[1], aim[[0, 2]].norm()) + off[0] + sway[i, 1]
        rot = world_to_camera(yaw, pitch, roll + sway[i, 2])
        h, w = lens.size_hw
        out.append(View(rot, position, lens.focal * max(h, w), (w / 2, h / 2), lens.size_hw))
    return out


def _unrest(time_s: Float[Tensor, "t"], rng: np.random.Generator) -> Float[Tensor, "t 3"]:
    """Return three wavering series of about unit size, slow and fast."""
    rate = torch.as_tensor(rng.uniform(0.2, 4.0, (4, 3)), dtype=torch.float32)
    phase = torch.as_tensor(rng.uniform(0, 6.28, (4, 3)), dtype=torch.float32)
    waves = torch.sin(6.28 * rate * time_s[:, None, None] + phase) / rate.clamp_min(0.6)
    return waves.sum(1)
