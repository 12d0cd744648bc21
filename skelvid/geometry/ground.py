"""Which way is up: axes of the ground, in the frame in which bodies are told."""

import numpy as np
from jaxtyping import Float


def ground_axes(up: Float[np.ndarray, "3"], forward: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Return the OpenSim ground axes, forward, up and right, as columns in the frame of the two vectors.

    Only the part of `forward` that is level counts.
    """
    y = up / np.linalg.norm(up)
    x = forward - (forward @ y) * y
    if np.linalg.norm(x) < 1e-6:
        raise ValueError(f"forward {forward} must not be parallel to up {up}")
    x = x / np.linalg.norm(x)
    return np.column_stack([x, y, np.cross(x, y)])


# Bodies in their template axes: x to the left, y up, z to the front.
TEMPLATE_GROUND = ground_axes(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
# Bodies in a camera's frame, held upright: x right, y down, z away from the camera; forward is towards it.
CAMERA_GROUND = ground_axes(np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, -1.0]))
