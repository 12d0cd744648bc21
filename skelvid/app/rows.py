"""Motion in; the numbers that the page draws out: one row of 32-bit floats per frame.

A row is: time, s; the angles, degrees; x, y, z of the skeleton's points, m, along the ground's axes (forward, up,
right); and, live, x and y of the same points in the picture, px. NaN is what is not known.
"""

from typing import Any

import numpy as np
from jaxtyping import Float32

from skelvid import __version__
from skelvid.angles.table import ANGLES
from skelvid.datatypes.result import Result
from skelvid.draw.bones import Bones, make_bones
from skelvid.draw.overlay import DEFAULT_ANGLES
from skelvid.export.words import NOT_MEDICAL
from skelvid.geometry.camera import project
from skelvid.pipeline.live import Moment


def describe(landmark_names: tuple[str, ...]) -> dict[str, Any]:
    """Return what the page must know to read rows and to label them."""
    bones = make_bones(landmark_names)
    return {
        "angles": [{"name": a.name, "plus": a.positive, "zero": a.zero} for a in ANGLES],
        "shown": DEFAULT_ANGLES,
        "points": len(bones.points),
        "ends": bones.ends.tolist(),
        "sides": bones.sides,
        "version": __version__,
        "notMedical": NOT_MEDICAL,
    }


def row_of(moment: Moment, bones: Bones) -> Float32[np.ndarray, "n"]:
    """Return what is known of a moment; the person's place is left out, so that the skeleton stays in view."""
    count = len(bones.points)
    row = np.full(1 + len(ANGLES) + 5 * count, np.nan, np.float32)
    row[0] = moment.frame.time_s
    if moment.points is None or moment.angles is None or moment.motion is None or moment.ground is None:
        return row
    points_m = bones.pick(moment.points)[0]
    assert moment.motion.camera is not None
    row[1 : 1 + len(ANGLES)] = np.degrees(moment.angles.values_rad[0])
    row[-5 * count : -2 * count] = ((points_m - points_m[0]) @ moment.ground).ravel()
    row[-2 * count :] = project(points_m, moment.motion.camera).ravel()
    return row


def rows_of(result: Result) -> Float32[np.ndarray, "t n"]:
    """Return a whole result, without places in the picture."""
    bones = make_bones(result.landmark_names)
    points_m = (bones.pick(result.points) - result.ground_origin_m) @ result.ground
    points_m[~result.seen] = np.nan
    degrees = np.degrees(result.angles.values_rad)
    rows = np.concatenate([result.motion.time_s[:, None], degrees, points_m.reshape(len(degrees), -1)], 1)
    return rows.astype(np.float32)
