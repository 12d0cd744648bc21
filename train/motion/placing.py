"""Motions in, the same standing on the floor y = 0 out."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints, mix_points
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.motion.sources import Pose

SOLES = tuple(f"{part}_{side}" for part in ("heel_sole", "foot_sole_mid", "mtp1", "mtp5", "big_toe") for side in "rl")
# The floor is where the feet are at their lowest, but for some frames of noise. A clip whose lowest is further off
# never touches it (hanging, climbing) or stands on something else: it is left where its source put it.
FLOOR_PERCENTILE, FLOOR_REACH_M = 2.0, 0.2
# A running body touches the floor for a third of the time at least.
STANCE_PERCENTILE = 15.0


def lowest_m(body: SkelBody, params: SkelParams) -> Float[ndarray, "t"]:
    """Return the height of the lowest point of the soles."""
    with torch.no_grad():
        return body.skin_points(params.to_torch(dtype=body.dtype), _soles(body))[..., 1].min(1).values.numpy()


def _soles(body: SkelBody) -> SkinnedPoints:
    weight = torch.zeros((len(SOLES), len(body.landmark_names)), dtype=body.dtype)
    weight[range(len(SOLES)), [body.landmark_names.index(name) for name in SOLES]] = 1.0
    return mix_points(body.landmarks, weight)


def on_floor(body: SkelBody, params: SkelParams) -> tuple[SkelParams, float]:
    """Move a clip up or down until its soles reach the floor; returns by how much it rose."""
    rise = -float(np.percentile(lowest_m(body, params), FLOOR_PERCENTILE))
    if abs(rise) > FLOOR_REACH_M:
        return params, 0.0
    return SkelParams(params.q, params.betas, params.trans_m + np.array([0.0, rise, 0.0])), rise


def height_of_person(body: SkelBody, pose: Pose) -> Float[ndarray, "10"]:
    """Choose the first beta, stature, so that the feet of a source of angles meet the floor under its pelvis."""
    betas = np.zeros(N_BETAS)
    gaps, statures = [], np.linspace(-2.0, 2.0, 9)
    for stature in statures:
        betas[0] = stature
        gaps.append(np.percentile(lowest_m(body, SkelParams(pose.q, betas[None], pose.trans_m)), STANCE_PERCENTILE))
    betas[0] = np.interp(0.0, gaps[::-1], statures[::-1])
    return betas
