"""Newton steps for a whole clip: frames coupled to their neighbours in time, and to what they share, such as a shape.

The normal equations are banded (a frame touches the next two) with a border (what is shared touches all frames). The
band is factored block by block, the border eliminated by its Schur complement, so the cost grows with the length of
the clip and not with its square.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.linalg import get_blas_funcs, get_lapack_funcs
from torch import Tensor

# Called once a frame on small blocks: SciPy's wrappers around these take longer than the work.
(_trsm,) = get_blas_funcs(("trsm",), dtype=np.float64)
(_potrf,) = get_lapack_funcs(("potrf",), dtype=np.float64)


@dataclass(frozen=True)
class FitOptions:
    """When to stop, and how boldly to start."""

    max_steps: int = 60
    tolerance: float = 1e-6  # relative decrease of the cost in an accepted step
    step_tolerance: float = 1e-5  # largest change of any parameter (rad, beta, m) in a step that is not held back
    damping: float = 1e-3


@dataclass(frozen=True)
class Smoothness:
    """Quadratic cost on the second time derivative of the parameters.

    Attributes:
        time_s: `t` time stamps, strictly rising; uneven steps are honoured.
        sigma: `59` expected size of the second derivative (rad/s^2, 1/s^2, m/s^2); infinite = not smoothed.
    """

    time_s: Float[Tensor, "t"]
    sigma: Float[Tensor, "59"]

    def stencil(self) -> Float[ndarray, "u 3"]:
        """Return the weights with which three neighbouring frames make a second derivative."""
        return derivative_stencil(self.time_s.detach().cpu().numpy().astype(np.float64), order=2)

    def cost(self, rows: Float[Tensor, "t 59"]) -> Float[Tensor, ""]:
        """Return half the summed squares of (second derivative / sigma)."""
        weights = torch.as_tensor(self.stencil(), dtype=rows.dtype, device=rows.device)
        second = sum(weights[:, i, None] * rows[i : len(rows) - 2 + i] for i in range(3))
        return 0.5 * ((second / self.sigma.to(rows)) ** 2).sum()


def derivative_stencil(time_s: Float[ndarray, "t"], *, order: int) -> Float[ndarray, "u o"]:
    """Return the weights with which `order` + 1 neighbouring frames make the derivative of that order, 0 to 2.

    >>> derivative_stencil(np.array([0.0, 0.5, 1.5]), order=1)
    array([[-2.,  2.],
           [-1.,  1.]])
    """
    step = np.diff(time_s)
    if order == 0:
        return np.ones((len(time_s), 1))
    if order == 1:
        return np.stack([-1 / step, 1 / step], axis=1)
    before, after = step[:-1], step[1:]
    both = before + after
    return np.stack([2 / (before * both), -2 / (before * after), 2 / (after * both)], axis=1)


@dataclass
class ClipModel:
    """Quadratic cost of a clip around x (`t n`, of its frames) and y (`s`, shared); terms add to it in place.

    Attributes:
        cost: Value at the centre.
        gradient: `t n` by x.
        block: `t n n` second derivatives within a frame.
        next_block: `t-1 n n`, rows of a frame, columns of the one before it.
        skip: `t-2 n`, the same two frames apart, where only equal parameters meet.
        shared_gradient, border, corner: `s` by y, `t n s` between x and y, `s s` within y.
        scale: `t n` what damping is proportional to: the diagonal of `block` before frames were coupled.
    """

    cost: float
    gradient: Float[ndarray, "t n"]
    block: Float[ndarray, "t n n"]
    shared_gradient: Float[ndarray, "s"]
    border: Float[ndarray, "t n s"]
    corner: Float[ndarray, "s s"]
    next_block: Float[ndarray, "u n n"] = field(init=False)
    skip: Float[ndarray, "v n"] = field(init=False)
    scale: Float[ndarray, "t n"] = field(init=False)

    def __post_init__(self) -> None:
        t, n = self.gradient.shape
        self.next_block = np.zeros((max(t - 1, 0), n, n))
        self.skip = np.zeros((max(t - 2, 0), n))
        self.scale = np.einsum("tii->ti", self.block).copy()

    def add_differences(
        self, x: Float[ndarray, "t n"], stencil: Float[ndarray, "u o"], weight: Float[ndarray, "#u n"]
    ) -> None:
        """Add half the weighted squares of differences in time of x: `u` sums over 1 to 3 neighbouring frames."""
        t, (u, width) = len(x), stencil.shape
        if u < 1 or u != t + 1 - width:
            return
        value = sum(stencil[:, i, None] * x[i : u + i] for i in range(width))
        self.cost += 0.5 * float((weight * value**2).sum())
        far = (np.einsum("tii->ti", self.block), np.einsum("tii->ti", self.next_block), self.skip)
        for i in range(width):
            self.gradient[i : u + i] += stencil[:, i, None] * weight * value
            for j in range(i + 1):
                far[i - j][j : u + j] += (stencil[:, i] * stencil[:, j])[:, None] * weight


@dataclass(frozen=True)
class _Factor:
    """Block Cholesky factor of the band, and the border solved against it."""

    lower: Float[ndarray, "t n n"]
    beside: Float[ndarray, "t n w"]  # transposed blocks below the diagonal, of the next two frames: w = 2 n
    right: Float[ndarray, "t n r"]

    def back(self, right: Float[ndarray, "t n r"]) -> Float[ndarray, "t n r"]:
        """Solve with the transposed factor."""
        t, n, r = right.shape
        out = np.zeros((t + 2, n, r))
        for i in range(t - 1, -1, -1):
            rest = right[i] - self.beside[i] @ out[i + 1 : i + 3].reshape(2 * n, r)
            out[i] = _trsm(1.0, self.lower[i], rest, lower=1, trans_a=1)
        return out[:t]

    def variances(self) -> Float[ndarray, "t n"]:
        """Return the diagonal of the inverse of the band, from the last frame to the first."""
        t, n, _ = self.lower.shape
        ahead, out = np.zeros((2 * n, 2 * n)), np.zeros((t, n))  # covariance of the two frames after this one
        for i in range(t - 1, -1, -1):
            gain = _trsm(1.0, self.lower[i], np.hstack([self.beside[i], np.eye(n)]), lower=1, trans_a=1)
            cross = -gain[:, : 2 * n] @ ahead
            own = gain[:, 2 * n :] @ gain[:, 2 * n :].T - cross @ gain[:, : 2 * n].T
            own = (own + own.T) / 2  # the recursion blows up what rounding leaves of the other part
            ahead = np.block([[own, cross[:, :n]], [cross[:, :n].T, ahead[:n, :n]]])
            out[i] = np.diagonal(own)
        return out


def _factorise(model: ClipModel, right: Float[ndarray, "t n r"], added: Float[ndarray, "t n"]) -> _Factor | None:
    """Factor the band with `added` on its diagonal, solving `right` on the way; None if it is not positive definite."""
    t, n, r = right.shape
    block = np.concatenate([model.block, np.zeros((2, n, n))])
    block[:t] += np.eye(n) * added[:, None]
    below = np.concatenate([model.next_block, np.zeros((3, n, n))])
    skip = np.concatenate([model.skip, np.zeros((4, n))])
    rest = np.concatenate([right, np.zeros((2, n, r))])
    lower, solved = np.empty((t, n, n)), np.empty((t, n, 2 * n + r))
    for i in range(t):
        lower[i], failed = _potrf(block[i], lower=1)
        if failed:
            return None
        solved[i] = _trsm(1.0, lower[i], np.hstack([below[i].T, np.diag(skip[i]), rest[i]]), lower=1)
        change = solved[i, :, : 2 * n].T @ solved[i]
        block[i + 1] -= change[:n, :n]
        below[i + 1] -= change[n:, :n]
        block[i + 2] -= change[n:, n : 2 * n]
        rest[i + 1] -= change[:n, 2 * n :]
        rest[i + 2] -= change[n:, 2 * n :]
    return _Factor(lower, solved[:, :, : 2 * n], solved[:, :, 2 * n :])


def newton_step(
    model: ClipModel, *, damping: float = 0.0
) -> tuple[Float[ndarray, "t n"], Float[ndarray, "s"], float] | None:
    """Return the damped step of x and of y, and the gain it foretells; None if there is no minimum."""
    scale = np.maximum(model.scale, max(float(model.scale.max(initial=0.0)), 1e-12) * 1e-9)
    factor = _factorise(model, np.concatenate([model.gradient[..., None], model.border], axis=2), damping * scale)
    if factor is None:
        return None
    gradient, border = factor.right[:, :, 0], factor.right[:, :, 1:]
    corner = np.diagonal(model.corner)
    schur = model.corner + np.diag(damping * corner) - np.tensordot(border, border, ([0, 1], [0, 1]))
    dy = -np.linalg.lstsq(schur, model.shared_gradient - np.tensordot(border, gradient, ([0, 1], [0, 1])), rcond=1e-12)[
        0
    ]
    dx = -factor.back((gradient + border @ dy)[..., None])[..., 0]
    slope = float((model.gradient * dx).sum() + model.shared_gradient @ dy)
    held = float((scale * dx**2).sum() + corner @ dy**2)
    return dx, dy, 0.5 * (damping * held - slope)


def marginal_variance(model: ClipModel) -> Float[ndarray, "t n"]:
    """Return the variance of each number of x under exp(-cost), all others, y too, being uncertain as well.

    Exact for the quadratic model: the diagonal of the inverse of its full matrix.

    Raises:
        ValueError: The model has no minimum.
    """
    factor = _factorise(model, model.border, np.zeros_like(model.gradient))
    if factor is None:
        raise ValueError("a cost without a minimum has no variance")
    schur = model.corner - np.tensordot(factor.right, factor.right, ([0, 1], [0, 1]))
    by_shared = factor.back(factor.right)
    return factor.variances() + np.einsum("tns,tns->tn", by_shared @ np.linalg.inv(schur), by_shared)


@dataclass(frozen=True)
class Minimum:
    """Where `minimise` ended: x, y, the model there, whether nothing more was to gain, and the steps tried."""

    x: Float[ndarray, "t n"]
    y: Float[ndarray, "s"]
    model: ClipModel
    converged: bool
    steps: int


def minimise(
    model: Callable[[ndarray, ndarray], ClipModel],
    x: Float[ndarray, "t n"],
    y: Float[ndarray, "s"],
    *,
    options: FitOptions,
    progress: Callable[[int, float], None] | None = None,
) -> Minimum:
    """Minimise the cost of a clip by Levenberg-Marquardt.

    Args:
        model: Gives the cost around x (of the frames) and y (shared).
        x: Start of what each frame has of its own.
        y: Start of what all share.
        options: When to stop.
        progress: Called with (step, mean cost of a frame) after every step.
    """
    at, damping, growth = model(x, y), options.damping, 2.0
    for step in range(1, options.max_steps + 1):
        dx, dy, expected = newton_step(at, damping=damping) or (np.zeros_like(x), np.zeros_like(y), -np.inf)
        new = model(x + dx, y + dy) if expected >= 0 else at
        gain = at.cost - new.cost if expected >= 0 and np.isfinite(new.cost) else -np.inf
        small = max(np.abs(dx).max(initial=0.0), np.abs(dy).max(initial=0.0)) < options.step_tolerance
        done = (small and damping < 1 and expected >= 0) or (gain < 0 and damping > 1e7)
        if gain >= 0:
            done = done or gain <= options.tolerance * abs(at.cost)
            x, y, at = x + dx, y + dy, new
            # By how well the model foretold the gain (Nielsen 1999).
            ratio = min(gain / max(expected, np.finfo(float).tiny), 1.0)
            damping, growth = max(damping * max(1 - (2 * ratio - 1) ** 3, 0.2), 1e-9), 2.0
        else:
            damping, growth = damping * growth, 2 * growth
        if progress:
            progress(step, at.cost / len(x))
        if done:
            return Minimum(x, y, at, True, step)
    return Minimum(x, y, at, False, options.max_steps)
