"""Whether keypoints are to be believed: those of the people who were asked for in, who of them was really seen out."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.people import Keypoints2D
from skelvid.geometry.boxes import pad, shared
from skelvid.people.choose import inside
from skelvid.people.track import Box

# Least mean score of keypoints, and least share of them.
MIN_SCORE, MIN_POINTS = 0.25, 0.25
# Mean distance of two people's points, in heights, below which they are one person's.
TWIN = 0.06
_TIGHT, _LOOSE = 0.02, 1.7


def is_sound(points: Keypoints2D, around: Box, box: Box, least_size: float) -> bool:
    """Return whether keypoints may be the person's in a box: enough, trusted, not too small, and at that place."""
    there = points.score > 0.0
    if np.isnan(around).any() or there.mean() < MIN_POINTS or points.score[there].mean() < MIN_SCORE:
        return False
    middle = np.median(points.xy[there], 0)
    return bool((around[2:] - around[:2]).max() >= least_size and inside(box[None], *middle)[0])


def are_twins(one: Keypoints2D, other: Keypoints2D, size: float) -> bool:
    """Return whether the points of two people, the larger of them of a size in px, are one person's."""
    both = (one.score > 0.0) & (other.score > 0.0)
    apart = np.linalg.norm(one.xy[both] - other.xy[both], axis=-1)
    return bool(both.any() and apart.mean() < TWIN * size)


def drop_twins(found: Keypoints2D, around: Float[np.ndarray, "n 4"], before: Sequence[Box], sound: list[bool]) -> None:
    """Of two people with the same points, keep in `sound` only the one who was nearer to them before."""
    for i in range(len(sound)):
        for j in range(i):
            if sound[i] and sound[j] and are_twins(found[i], found[j], float((around[i, 2:] - around[i, :2]).max())):
                moved = [float(np.abs(before[n] - around[n]).sum()) for n in (i, j)]
                sound[i if moved[0] > moved[1] else j] = False


def steady(box: Box, around: Box, room: float) -> Box:
    """Return the box as it is while it suits what is in it, else a new one with room around."""
    tight = pad(around, _TIGHT)
    fits = shared(tight[None], box[None])[0, 0] > 1.0 - 1e-9
    larger = (box[2:] - box[:2]).max() / (around[2:] - around[:2]).max()
    return box if fits and larger < _LOOSE else pad(around, room)
