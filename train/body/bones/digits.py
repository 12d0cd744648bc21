"""Finger and toe bones: joint positions and radii enter, swept bones with flared ends leave."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.bones.mesh import Mesh, sweep
from train.body.bones.skin import Digit

# place along a bone, and radius there: base, shaft and head are given per bone, the ends close round
_PLACES = np.array([0.0, 0.05, 0.18, 0.5, 0.8, 0.94, 1.0])
_FEW_PLACES = np.array([0.0, 0.1, 0.5, 0.9, 1.0])


def digit_bone(
    start: Float[ndarray, "3"],
    end: Float[ndarray, "3"],
    radii: tuple[float, float, float],
    across: ndarray,
    *,
    bow: ndarray | None = None,
    fine: bool = True,
) -> Mesh:
    """Return one short tubular bone from its base to its head; radii are of base, shaft and head.

    `across` is the direction of its breadth, `bow` (3,) how far its middle arches.
    """
    places = _PLACES if fine else _FEW_PLACES
    base, shaft, head = radii
    line = np.interp(places, [0, 0.1, 0.5, 0.9, 1], [0.72 * base, base, shaft, head, 0.66 * head])
    path = start + places[:, None] * (end - start)
    if bow is not None:
        path = path + np.sin(places * np.pi)[:, None] * bow
    # the shaft is rounder than its ends, and bones are broader than tall
    breadth = np.stack([line, line * np.interp(places, [0, 0.5, 1], [0.85, 0.95, 0.85])], 1)
    return sweep(path, np.broadcast_to(across, path.shape), breadth, 7 if fine else 6)


def walk(path: Float[ndarray, "k 3"], lengths: ndarray) -> Float[ndarray, "m 3"]:
    """Return the points at arc lengths along a polyline."""
    pace = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    return np.stack([np.interp(lengths, pace, path[:, k]) for k in range(3)], 1)


def axis_to(digit: Digit, root: Float[ndarray, "3"]) -> Float[ndarray, "7 3"]:
    """Return the smoothed axis of a digit from its tip, continued to the root of its ray."""
    every = np.linspace(0, len(digit.path) - 1, 6).astype(int)
    smooth = np.stack([digit.path[max(0, i - 3) : i + 4].mean(0) for i in every])
    smooth[0] = digit.path[0]
    return np.vstack([smooth, root])
