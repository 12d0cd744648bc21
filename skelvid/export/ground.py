"""Points of the camera's frame in, points of the ground's frame out."""

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.result import Result


def in_ground(result: Result, points_m: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 3"]:
    """Return points along the ground's axes, m: x forward, y up from the floor, z right."""
    return (points_m - result.ground_origin_m) @ result.ground
