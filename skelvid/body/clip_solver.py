"""One damped Newton step for a whole clip: frames coupled by smoothness, and to one shape.

The normal equations are banded (each frame touches its neighbours through differences in time) with a border (the
shared shape touches all frames). The band is factored by LAPACK, the border eliminated by its Schur complement, so the
cost grows with the length of the clip and not with its square.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded
from torch import Tensor


@dataclass(frozen=True)
class Smoothness:
    """Quadratic cost on the second time derivative of the parameters.

    Attributes:
        time_s: `t` time stamps, strictly rising; uneven steps are honoured.
        sigma: `59` expected size of the second derivative (rad/s^2, 1/s^2, m/s^2); infinite = not smoothed.
    """

    time_s: Float[Tensor, "t"]
    sigma: Float[Tensor, "59"]

    def stencil(self) -> Float[np.ndarray, "u 3"]:
        """Return the weights with which three neighbouring frames make a second derivative (uneven steps)."""
        time = self.time_s.detach().cpu().numpy().astype(np.float64)
        before, after = time[1:-1] - time[:-2], time[2:] - time[1:-1]
        both = before + after
        return np.stack([2 / (before * both), -2 / (before * after), 2 / (after * both)], axis=1)

    def cost(self, rows: Float[Tensor, "t 59"]) -> Float[Tensor, ""]:
        """Return half the summed squares of (second derivative / sigma)."""
        weights = torch.as_tensor(self.stencil(), dtype=rows.dtype, device=rows.device)
        second = sum(weights[:, i, None] * rows[i : len(rows) - 2 + i] for i in range(3))
        return 0.5 * ((second / self.sigma.to(rows)) ** 2).sum()


def solve_clip(
    hessian: Float[Tensor, "t 59 59"],
    gradient: Float[Tensor, "t 59"],
    rows: Float[Tensor, "t 59"],
    *,
    free: Bool[Tensor, "59"],
    damping: float,
    shared: slice | None,
    smoothness: Smoothness | None,
) -> Float[Tensor, "t 59"]:
    """Return the damped Newton step; zero where `free` is false, equal in all frames on `shared`."""
    movable = free.cpu().numpy()
    common = np.zeros_like(movable)
    if shared is not None:
        common[shared] = movable[shared]
    own = movable & ~common
    h, g, x = (value.detach().cpu().numpy().astype(np.float64) for value in (hessian, gradient, rows))
    t, n = len(h), int(own.sum())
    block, border = h[:, own][:, :, own], h[:, own][:, :, common]
    right = g[:, own].copy()
    diagonal = np.einsum("tii->ti", block)
    floor = max(float(diagonal.max(initial=0.0)), 1e-12) * 1e-9
    diagonal += damping * np.maximum(diagonal, floor) + floor * 1e-3
    band = _band_of_blocks(block, reach=3 if smoothness is not None and t > 2 else 1)
    if smoothness is not None and t > 2:
        _add_smoothness(band, right, x[:, own], smoothness.sigma.cpu().numpy()[own], smoothness.stencil())
    columns = np.concatenate([right.reshape(t * n, 1), border.reshape(t * n, -1)], axis=1)
    step = np.zeros((t, len(movable)))
    try:
        solved = cho_solve_banded((cholesky_banded(band, lower=True), True), columns)
    except LinAlgError:
        return torch.zeros_like(rows)  # the caller sees no gain and damps more
    if common.any():
        corner = h[:, common][:, :, common].sum(0)
        corner[np.diag_indices_from(corner)] *= 1 + damping
        schur = corner - columns[:, 1:].T @ solved[:, 1:]
        step[:, common] = -np.linalg.lstsq(schur, g[:, common].sum(0) - columns[:, 1:].T @ solved[:, 0], rcond=1e-12)[0]
        solved = solved[:, 0] + solved[:, 1:] @ step[0, common]
    else:
        solved = solved[:, 0]
    step[:, own] = -solved.reshape(t, n)
    return torch.as_tensor(step, dtype=rows.dtype, device=rows.device)


def _band_of_blocks(block: Float[np.ndarray, "t n n"], *, reach: int) -> Float[np.ndarray, "w tn"]:
    """Store a block-diagonal matrix in LAPACK's lower band form, with room for `reach` blocks of coupling."""
    t, n, _ = block.shape
    band = np.zeros((reach * n, t, n))
    for offset in range(n):
        band[offset, :, : n - offset] = np.einsum("tii->ti", block[:, offset:, : n - offset])
    return band.reshape(reach * n, t * n)


def _add_smoothness(band: np.ndarray, right: np.ndarray, x: np.ndarray, sigma: np.ndarray, stencil: np.ndarray) -> None:
    """Add the exact quadratic of `Smoothness.cost` to band and right-hand side, in place."""
    t, n = x.shape
    weight = sigma**-2.0
    view = band.reshape(-1, t, n)
    second = sum(stencil[:, i, None] * x[i : t - 2 + i] for i in range(3))
    for i in range(3):
        right[i : t - 2 + i] += stencil[:, i, None] * second * weight
        for j in range(i + 1):
            view[(i - j) * n, j : t - 2 + j] += (stencil[:, i] * stencil[:, j])[:, None] * weight
