"""T-posed bodies in, the same bodies with legs and arms stretched to given proportions and scaled to stature out."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.dofs import JOINT_NAMES
from train.body.anthropometry import Subjects

# The stretch of a limb starts this far along its first segment, so hip and shoulder keep their form.
START = 0.15


def stretch(
    points: Float[ndarray, "n p 3"],
    joints: Float[ndarray, "n 24 3"],
    on_arm: Float[ndarray, "p"],
    wanted: Subjects,
    extent: tuple[Float[ndarray, "n"], Float[ndarray, "n"]],
) -> Float[ndarray, "n p 3"]:
    """Move points (skin, bone heads) along the straight limbs of the T-pose; the trunk stays, then all is scaled.

    on_arm: 1 for points of the arms, 0 elsewhere, blended between. extent: lowest and highest skin y of each body.
    """
    at = {name: joints[:, i] for i, name in enumerate(JOINT_NAMES)}
    low, high = extent
    out = points.copy()
    hip_y, knee_y, ankle_y = (at[f"{name}_l"][:, 1] for name in ("femur", "tibia", "talus"))
    upper = high - hip_y
    hip = wanted.ratios["hip_height"] * upper / (1 - wanted.ratios["hip_height"])
    tall = upper + hip
    foot_shift = (hip_y - low) - hip
    knee_shift = wanted.ratios["knee_height"] * tall - (knee_y - low) + foot_shift
    shoulder, elbow, wrist = (np.abs(at[f"{name}_l"][:, 0]) for name in ("humerus", "ulna", "hand"))
    elbow_shift = wanted.ratios["upper_arm"] * tall - (elbow - shoulder)
    wrist_shift = elbow_shift + wanted.ratios["forearm"] * tall - (wrist - elbow)
    for i in range(len(points)):
        start = hip_y[i] - START * (hip_y[i] - knee_y[i])
        knots, shifts = [ankle_y[i], knee_y[i], start], [foot_shift[i], knee_shift[i], 0.0]
        out[i, :, 1] += np.interp(points[i, :, 1], knots, shifts)
        start = shoulder[i] + START * (elbow[i] - shoulder[i])
        reach = np.interp(np.abs(points[i, :, 0]), [start, elbow[i], wrist[i]], [0.0, elbow_shift[i], wrist_shift[i]])
        out[i, :, 0] += np.sign(points[i, :, 0]) * on_arm * reach
    return out * (wanted.stature_m / tall)[:, None, None]
