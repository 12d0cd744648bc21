"""Fingers of a T-posed base mesh in, the same hands open, pointing, gripping or clenched out."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.tpose import rotation_about
from train.synth.subjects_mesh import BaseMesh, unit

# Bend at the three joints of thumb and fingers, rad, on top of the half-open hand of the source.
_OPEN, _BENT = np.array([-0.25, -0.2, -0.1]), np.array([1.0, 1.2, 0.7])
_THUMB_OPEN, _THUMB_BENT = np.array([-0.15, -0.1, -0.1]), np.array([0.35, 0.5, 0.6])
# How far each finger, thumb first, is between open (0) and clenched (1).
HANDS = {
    "flat": (0.0, 0.0, 0.0, 0.0, 0.0),
    "relaxed": (0.15, 0.18, 0.22, 0.27, 0.32),
    "half": (0.3, 0.4, 0.45, 0.5, 0.5),
    "grip": (0.6, 0.7, 0.72, 0.75, 0.75),
    "fist": (0.9, 1.0, 1.0, 1.0, 1.0),
    "point": (0.7, 0.0, 0.95, 1.0, 1.0),
    "thumb_up": (0.0, 1.0, 1.0, 1.0, 1.0),
}
_SPREAD_RAD = 0.12


def draw_hand(rng: np.random.Generator) -> tuple[Float[ndarray, "5"], float]:
    """Draw how clenched each finger is, and how far they spread, rad between neighbours."""
    names = list(HANDS)
    shape = np.array(HANDS[rng.choice(names, p=[0.17, 0.33, 0.2, 0.1, 0.1, 0.05, 0.05])])
    return np.clip(shape + 0.07 * rng.standard_normal(5), 0, 1.05), _SPREAD_RAD * rng.uniform(-0.5, 1.0)


def shape_hand(
    base: BaseMesh,
    points: Float[ndarray, "b 3"],
    heads: Float[ndarray, "k 3"],
    side: str,
    clench: Float[ndarray, "5"],
    spread_rad: float,
) -> Float[ndarray, "b 3"]:
    """Bend the fingers of one hand ("R" or "L"); the palm and all else stay.

    heads: where the bones of `base.bone_names` begin in this T-pose, palm down.
    """
    out, at = points.copy(), dict(zip(base.bone_names, heads, strict=True))
    for finger in range(1, 6):
        names = [f"finger{finger}-{i}.{side}" for i in (1, 2, 3)]
        pivots = np.stack([at[name] for name in names])
        open_, bent = (_THUMB_OPEN, _THUMB_BENT) if finger == 1 else (_OPEN, _BENT)
        bend = open_ + clench[finger - 1] * (bent - open_)
        toward = at[f"finger4-1.{side}"] - pivots[0] if finger == 1 else np.array([0.0, -1.0, 0.0])
        fan = 0.0 if finger == 1 else spread_rad * (finger - 3.3) * (-1 if side == "L" else 1)
        turn, place = rotation_about(np.array([0.0, 1.0, 0.0]), np.array([fan]))[0], pivots[0]
        for i, name in enumerate(names):
            if i:
                place = place + turn @ (pivots[i] - pivots[i - 1])
            along = unit(pivots[min(i + 1, 2)] - pivots[min(i, 1)])
            turn = turn @ rotation_about(unit(np.cross(along, toward)), bend[i : i + 1])[0]
            weight = base.bone_weight[:, base.bone_names.index(name)]
            rows = np.flatnonzero(weight)
            moved = (points[rows] - pivots[i]) @ turn.T + place
            out[rows] += weight[rows, None] * (moved - points[rows])
    return out
