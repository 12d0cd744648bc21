"""Joint targets and meshes in, convex weights of joints over nearby skin vertices out (NNLS, sum 1, mirrored)."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.optimize import nnls


def convex_weights(
    points: Float[ndarray, "n c 3"], target: Float[ndarray, "n 3"], *, ridge_m: float = 3e-4
) -> Float[ndarray, "c"]:
    """Find weights >= 0, sum 1, that place `target` as a mean of `points` in all n bodies.

    ridge_m: strength of the pull towards even weights, in metres of residual per unit of (c * weight - 1) rms; it
    spreads the weights over many vertices, so noise in the skin averages out.
    """
    n, c, _ = points.shape
    rows = (points - target[:, None]).transpose(0, 2, 1).reshape(-1, c) / np.sqrt(n)
    pull = ridge_m * np.sqrt(c) * np.eye(c)
    # Rows are relative to the target, so any scale of w solves them: the last row fixes the sum.
    heavy = 10.0 * np.ones((1, c))
    system = np.concatenate([rows, pull, heavy])
    goal = np.concatenate([np.zeros(len(rows)), np.full(c, ridge_m / np.sqrt(c)), [10.0]])
    weights, _ = nnls(system, goal, maxiter=50 * c)
    weights[weights < 1e-4] = 0
    return weights / weights.sum()


def nearest(points: Float[ndarray, "v 3"], centre: Float[ndarray, "3"], count: int) -> Int[ndarray, "c"]:
    """Return the `count` vertices nearest to a centre."""
    return np.sort(np.argsort(np.linalg.norm(points - centre, axis=-1), kind="stable")[:count])
