"""Estimated and true angles of a clip in, errors out: as they are, without their mean, and at another time base."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.motion import JointAngles

LEGS = tuple(
    f"{name}_{side}"
    for side in ("r", "l")
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
)
OTHERS = ("pelvis_tilt", "pelvis_list", "trunk_extension", "trunk_bending", "trunk_rotation")
LARGEST_SHIFT_S, SHIFT_STEP_S = 0.1, 0.005


@dataclass(frozen=True)
class Scores:
    """Errors of one estimate, deg; only of angles that both the estimate and the reference tell.

    Attributes:
        shift_s: Added to the estimate's times.
        raw: Mean absolute error of each angle.
        free: The same after the mean error of the clip is taken out.
        mean: Mean error (estimate - reference).
        frames: How many frames were compared.
    """

    shift_s: float
    raw: dict[str, float]
    free: dict[str, float]
    mean: dict[str, float]
    frames: int

    def legs(self, which: str) -> float:
        """Return the mean of `raw` or `free` over the leg angles that are there."""
        errors: dict[str, float] = getattr(self, which)
        return float(np.mean([errors[name] for name in LEGS if name in errors]))


def score(estimate: JointAngles, truth: JointAngles, *, shift_s: float = 0.0) -> Scores:
    """Compare an estimate with the reference, at the estimate's times.

    Raises:
        ValueError: They have no time in common.
    """
    names = [name for name in (*LEGS, *OTHERS) if name in estimate.names and name in truth.names]
    error, told = errors_deg(estimate, truth, names, shift_s=shift_s)
    if not told.any():
        raise ValueError("estimate and reference have no time in common")
    error = error[told]
    mean = error.mean(0)
    columns = (np.abs(error).mean(0), np.abs(error - mean).mean(0), mean)
    raw, free, offset = ({n: float(v) for n, v in zip(names, values, strict=True)} for values in columns)
    return Scores(shift_s, raw, free, offset, int(told.sum()))


def errors_deg(
    estimate: JointAngles, truth: JointAngles, names: list[str], *, shift_s: float
) -> tuple[Float[np.ndarray, "t d"], np.ndarray]:
    """Return the errors at each time of the estimate, and where both tell all of the angles."""
    time_s = estimate.time_s + shift_s
    error = np.column_stack([estimate[name] - np.interp(time_s, truth.time_s, truth[name]) for name in names])
    inside = (time_s >= truth.time_s[0]) & (time_s <= truth.time_s[-1])
    # Angles that run past half a turn are the same.
    return np.degrees((error + np.pi) % (2 * np.pi) - np.pi), inside & np.isfinite(error).all(1)


def best_shift(estimate: JointAngles, truth: JointAngles) -> Scores:
    """Return the scores at the constant clock shift with the smallest mean error of the legs."""
    steps = round(LARGEST_SHIFT_S / SHIFT_STEP_S)
    shifts = [score(estimate, truth, shift_s=step * SHIFT_STEP_S) for step in range(-steps, steps + 1)]
    return min(shifts, key=lambda scores: scores.legs("raw"))
