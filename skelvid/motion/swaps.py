"""Keypoints that changed sides for a moment go in, the same with the sides set right come out.

Networks that look at single frames now and then take left for right. All points of the legs, or of trunk, head and
arms, then jump to the other side at once, and back a moment later; legs that really cross do not jump.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from skelvid.motion.lift_input import MIRROR_SLOT, SLOTS
from skelvid.series import pieces

LONGEST_S = 0.5
_LOWER = ("hip", "knee", "ankle", "heel", "foot_index", "small_toe")
_SIDED = [i for i in range(len(SLOTS)) if MIRROR_SLOT[i] != i]
# Legs and the rest change sides each for themselves.
_PARTS = [[i for i in _SIDED if any(part in SLOTS[i] for part in _LOWER) is legs] for legs in (True, False)]
# A jump is that of sides if setting them right takes this share of it away, and if it is this long, of how far sides
# are apart in general.
_TAKES_AWAY, _LONG = 0.5, 0.35


def set_sides_right(
    rays: Float[Tensor, "t k 2"], score: Float[Tensor, "t k"], time_s: Float[np.ndarray, "t"]
) -> tuple[Float[Tensor, "t k 2"], Float[Tensor, "t k"]]:
    """Swap sides back in runs of up to half a second that begin and end with a jump to the other side.

    Args:
        rays: Points of `SLOTS`; anything where score is 0.
        score: 0 = missing.
        time_s: When.
    """
    rays, score = rays.clone(), score.clone()
    for part in _PARTS:
        other = [MIRROR_SLOT[i] for i in part]
        changed = np.logical_xor.accumulate(_changes_side(rays[:, part], rays[:, other], score[:, part]))
        wrong = np.zeros(len(changed), bool)
        for state in (changed, ~changed):
            for run in pieces(state):
                inside = run.start > 0 and run.stop < len(state) and not wrong[run.start - 1]
                wrong[run] |= inside and time_s[run.stop] - time_s[run.start] <= LONGEST_S
        rows = torch.as_tensor(np.flatnonzero(wrong))[:, None]
        rays[rows, part], score[rows, part] = rays[rows, other], score[rows, other]
    return rays, score


def _changes_side(
    points: Float[Tensor, "t l 2"], other: Float[Tensor, "t l 2"], score: Float[Tensor, "t l"]
) -> Bool[np.ndarray, "t"]:
    """Say in which frames points jump to where those of the other side were."""
    both = ((score[1:] > 0) & (score[:-1] > 0))[..., None]
    as_told, swapped = (((to[1:] - points[:-1]) * both).norm(dim=-1).sum(1) for to in (points, other))
    apart = ((points - other)[1:] * both).norm(dim=-1).sum(1)
    usual = apart.median() if len(apart) else apart.sum()
    jump = (swapped < (1 - _TAKES_AWAY) * as_told) & (as_told > _LONG * usual)
    return np.concatenate([[False], jump.numpy()])
