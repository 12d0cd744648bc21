"""Outline of the trunk skin by height: what ribs, spine and pelvis measure themselves against."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.ndimage import gaussian_filter1d

from train.body.bones.skin import Skin

STEP_M = 0.01


@dataclass(frozen=True)
class Torso:
    """Midline profile and half width of the trunk at heights (h,), metres; half width is NaN where arms join."""

    height: Float[ndarray, " h"]
    back: Float[ndarray, " h"]
    front: Float[ndarray, " h"]
    half_width: Float[ndarray, " h"]

    def back_at(self, y: ndarray | float) -> ndarray:
        """Return z of the skin over the spine."""
        return np.asarray(np.interp(y, self.height, self.back))

    def front_at(self, y: ndarray | float) -> ndarray:
        """Return z of the skin over the breastbone."""
        return np.asarray(np.interp(y, self.height, self.front))

    def half_width_at(self, y: ndarray | float) -> ndarray:
        """Return the half width, held constant above the armpits."""
        known = np.isfinite(self.half_width)
        return np.asarray(np.interp(y, self.height[known], self.half_width[known]))


def measure_torso(skin: Skin, low: float, high: float, shoulder_x: float, armpit: float) -> Torso:
    """Cut the trunk from height `low` to `high`; above `armpit` widths are not trusted."""
    heights = np.arange(low, high, STEP_M)
    rows = []
    for y in heights:
        loops = skin.section(np.array([0, y, 0]), np.array([0, 1.0, 0]))
        around = [loop for loop in loops if loop.points[:, 0].min() < 0 < loop.points[:, 0].max()]
        points = around[0].points
        middle = points[np.argsort(np.abs(points[:, 0]))[:12]]
        split = points[:, 2].mean()
        back, front = middle[middle[:, 2] < split, 2], middle[middle[:, 2] >= split, 2]
        if len(back) == 0 or len(front) == 0:
            middle = points[np.abs(points[:, 0]) < 0.02]
            back, front = middle[middle[:, 2] < split, 2], middle[middle[:, 2] >= split, 2]
        width = np.abs(points[:, 0]).max()
        rows.append((back.mean(), front.mean(), width if y < armpit and width < shoulder_x * 1.2 else np.nan))
    back, front, width = np.array(rows).T
    # breasts, navel and spinal furrow are skin, not bone
    return Torso(heights, gaussian_filter1d(back, 1.5), gaussian_filter1d(front, 2.0), width)
