import numpy as np
import pytest
import torch

from skelvid.motion.lift_input import MIRROR_SLOT, SLOTS
from skelvid.motion.swaps import _PARTS, set_sides_right

_LEGS = _PARTS[0]

RATE_HZ = 30.0
TIME_S = np.arange(90) / RATE_HZ


def walking(rate_hz: float = 0.9) -> torch.Tensor:
    """Rays of legs that swing past each other, 4 m away; the other points stand still."""
    rays = torch.as_tensor(np.random.default_rng(0).uniform(-0.2, 0.2, (len(SLOTS), 2))).float().repeat(90, 1, 1)
    for i in _LEGS:
        side = 1.0 if "left" in SLOTS[i] else -1.0
        height = next(
            h
            for part, h in (("hip", 0.0), ("knee", 0.1), ("ankle", 0.2), ("heel", 0.21), ("foot", 0.22), ("toe", 0.22))
            if part in SLOTS[i]
        )
        swing = side * height / 2 * np.sin(2 * np.pi * rate_hz * TIME_S)
        rays[:, i, 0] = torch.as_tensor(swing + 0.03 * side).float()
        rays[:, i, 1] = height
    return rays


@pytest.mark.parametrize("start", [22, 40, 61])
def test_swapped_legs_are_set_right(start: int) -> None:
    rays, score = walking(), torch.ones(90, len(SLOTS))
    damaged = rays.clone()
    rows = torch.arange(start, start + 9)[:, None]
    legs, other = torch.tensor(_LEGS), torch.tensor([MIRROR_SLOT[i] for i in _LEGS])
    damaged[rows, legs] = rays[rows, other]
    fixed, _ = set_sides_right(damaged, score, TIME_S)
    assert torch.equal(fixed, rays)


def test_legs_that_cross_stay_as_they_are() -> None:
    for rate_hz in (0.5, 0.9, 1.5):
        rays, score = walking(rate_hz), torch.ones(90, len(SLOTS))
        assert torch.equal(set_sides_right(rays, score, TIME_S)[0], rays)
