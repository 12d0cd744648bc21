"""Fit SKEL to observations: batched Levenberg-Marquardt over q, betas and trans.

What is observed comes in as terms. A term looks at the parameters of some frames and answers with a quadratic model of
its cost there; the solver adds the models up and steps. Points in 3D, joint limits and priors are here; keypoint
refinement and dataset upgrade bring their own. Frames are solved independently (each with its own damping), or as one
clip when they share a shape or a smoothness.

Adding a new term: (1) write a frozen dataclass with the data of all frames, (2) give it
`__call__(body, params, frames)` that returns a `Quadratic` for the rows `frames`, (3) test its gradient against
autograd as `tests/body/test_fit.py` does for the terms here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from skelvid.body.clip_solver import ClipModel, FitOptions, Smoothness, minimise
from skelvid.body.dofs import limits_rad
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.body.start import closed_form_pose, principal_pelvis
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams

BETA_SLICE = slice(N_DOFS, N_DOFS + N_BETAS)


@dataclass(frozen=True)
class Quadratic:
    """Cost of each frame around its parameters (q, betas, trans): c + g.d + d.H.d / 2."""

    cost: Float[Tensor, "b"]
    gradient: Float[Tensor, "b 59"]
    hessian: Float[Tensor, "b 59 59"]

    def __add__(self, other: "Quadratic") -> "Quadratic":
        """Add the costs of two terms."""
        return Quadratic(self.cost + other.cost, self.gradient + other.gradient, self.hessian + other.hessian)


@runtime_checkable
class Term(Protocol):
    """One part of the cost. It must be a sum over frames, each depending on that frame's parameters only."""

    def __call__(self, body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
        """Model the cost of the rows `frames` of the data at `params` (one row per frame)."""
        ...


@dataclass(frozen=True)
class Fit:
    """Result of a fit: parameters, cost and convergence of every frame, and the steps taken."""

    params: SkelParams
    cost: Float[Tensor, "b"]
    converged: Bool[Tensor, "b"]
    steps: int


def gauss_newton(
    residual: Float[Tensor, "b k c"],
    jacobian: Float[Tensor, "b 59 c k"],
    *,
    weight: Float[Tensor, "b k"],
    robust: float | None,
) -> Quadratic:
    """Model the cost of k weighted residual vectors, optionally with the Geman-McClure loss.

    The loss is w s^2 r^2 / (s^2 + r^2) / 2 with scale s = `robust`: quadratic near zero, flat far away (Geman and
    McClure 1987). Its model is iteratively reweighted least squares.
    """
    square = (residual * residual).sum(-1)
    if robust is None:
        cost = 0.5 * (weight * square).sum(-1)
        scale = weight
    else:
        trust = robust**2 / (robust**2 + square)
        cost = 0.5 * (weight * square * trust).sum(-1)
        scale = weight * trust**2
    root = scale.sqrt()[:, None]
    rows = (jacobian * root[:, :, None]).flatten(2)
    right = (residual.mT * root).flatten(1)
    return Quadratic(cost, (rows @ right[..., None])[..., 0], rows @ rows.mT)


@dataclass(frozen=True)
class PointTerm:
    """Squared distance of points of the body to targets.

    Attributes:
        points: What is observed: joints, landmarks, surface points (`body.joints`, `body.points`, `join_points`).
        target_m: `b k 3`.
        weight: `b k` in 1/m^2 (1/sigma^2); 0 = not observed (the target may be NaN there).
        robust_m: scale of the Geman-McClure loss, or None for plain squares.
    """

    points: SkinnedPoints
    target_m: Float[Tensor, "b k 3"]
    weight: Float[Tensor, "b k"]
    robust_m: float | None = None

    def __call__(self, body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
        """Model the cost of these frames."""
        at = body.linearise(params, self.points)
        weight = self.weight[frames]
        residual = torch.where(weight[..., None] > 0, at.points_m - self.target_m[frames], 0.0)
        return gauss_newton(residual, at.jacobian, weight=weight, robust=self.robust_m)


@dataclass(frozen=True)
class LimitTerm:
    """Soft barrier: half the square of how far each angle lies outside its limits, over `sigma_rad`."""

    sigma_rad: float = 0.1
    lower_rad: Float[np.ndarray, "46"] = field(default_factory=lambda: limits_rad()[0])
    upper_rad: Float[np.ndarray, "46"] = field(default_factory=lambda: limits_rad()[1])

    def __call__(self, body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
        """Model the cost of these frames."""
        lower, upper = (torch.as_tensor(limit).to(params.q) for limit in (self.lower_rad, self.upper_rad))
        outside = (params.q - upper).clamp_min(0) - (lower - params.q).clamp_min(0)
        return _diagonal(outside, (outside != 0).to(params.q.dtype) / self.sigma_rad**2, slice(0, N_DOFS))


@dataclass(frozen=True)
class PriorTerm:
    """Gaussian prior on all parameters: half the squared distance to `mean`, over `sigma`.

    Attributes:
        mean: `b 59` or `1 59` in the order q, betas, trans.
        sigma: `b 59` or `1 59`; infinite = no prior.
    """

    mean: Float[Tensor, "#b 59"]
    sigma: Float[Tensor, "#b 59"]

    def __call__(self, body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
        """Model the cost of these frames."""
        mean, sigma = (v if len(v) == 1 else v[frames] for v in (self.mean, self.sigma))
        return _diagonal(flatten(params) - mean, (sigma**-2).expand(len(frames), -1), slice(0, N_PARAMS))


def _diagonal(offset: Tensor, weight: Tensor, columns: slice) -> Quadratic:
    gradient = torch.zeros((len(offset), N_PARAMS), dtype=offset.dtype, device=offset.device)
    diagonal = torch.zeros_like(gradient)
    gradient[:, columns], diagonal[:, columns] = weight * offset, weight
    return Quadratic(0.5 * (weight * offset**2).sum(-1), gradient, torch.diag_embed(diagonal))


def flatten(params: SkelParams) -> Float[Tensor, "b 59"]:
    """Put q, betas and trans of each frame in one row."""
    b = len(params.q)
    return torch.cat([params.q, params.betas.expand(b, -1), params.trans_m.expand(b, -1)], dim=-1)


def unflatten(rows: Float[Tensor, "b 59"]) -> SkelParams:
    """Undo `flatten`."""
    return SkelParams(rows[:, :N_DOFS], rows[:, BETA_SLICE], rows[:, -3:])


@dataclass(frozen=True)
class Clip:
    """What ties the frames of a clip together: one shape for all, a smoothness, or both."""

    shared_betas: bool = True
    smoothness: Smoothness | None = None


@dataclass
class _State:
    """Where the solver stands; replaced rows only, so rejected steps cost nothing but their evaluation."""

    rows: Tensor
    model: Quadratic
    damping: Tensor
    growth: Tensor = field(init=False)
    converged: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.growth = torch.full_like(self.damping, 2.0)
        self.converged = torch.zeros(len(self.rows), dtype=torch.bool, device=self.rows.device)


def solve(
    body: SkelBody,
    terms: Sequence[Term],
    start: SkelParams,
    *,
    free: Bool[Tensor, "59"] | None = None,
    clip: Clip | None = None,
    options: FitOptions | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Minimise the sum of terms by Levenberg-Marquardt.

    Args:
        body: The body to fit; its dtype and device are used throughout.
        terms: Parts of the cost.
        start: `b` rows to start from (a warm start is just a good one).
        free: Which of q, betas, trans may move; None = all.
        clip: None solves every frame on its own; otherwise rows are consecutive frames of one clip.
        options: When to stop.
        progress: Called with (step, mean cost) after every step.
    """
    options = options or FitOptions()
    rows = flatten(start.to_torch(body.device, body.dtype)).clone()
    mask = torch.ones(N_PARAMS, dtype=torch.bool, device=body.device) if free is None else free.to(body.device)
    if clip:
        return _solve_clip(body, terms, rows, free=mask, clip=clip, options=options, progress=progress)

    def model(at: Tensor, frames: Tensor) -> Quadratic:
        return total(terms, body, unflatten(at), frames)

    everything = torch.arange(len(rows), device=body.device)
    state = _State(rows, model(rows, everything), torch.full_like(rows[:, 0], options.damping))
    step = 0
    with torch.no_grad():
        for step in range(1, options.max_steps + 1):
            _step_frames(state, model, mask, options)
            if progress:
                progress(step, float(state.model.cost.mean()))
            if bool(state.converged.all()):
                break
    return Fit(unflatten(state.rows), state.model.cost, state.converged, step)


def total(terms: Sequence[Term], body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
    """Add up the models of all terms."""
    quadratics = [term(body, params, frames) for term in terms]
    return sum(quadratics[1:], quadratics[0])


def _step_frames(
    state: _State, model: Callable[[Tensor, Tensor], Quadratic], free: Tensor, options: FitOptions
) -> None:
    """Try one step on every frame that has not converged; keep it where the cost falls."""
    frames = torch.nonzero(~state.converged)[:, 0]
    gradient = state.model.gradient[frames] * free
    hessian = state.model.hessian[frames] * (free[:, None] & free)
    move = _damped_solve(hessian, gradient, state.damping[frames], free)
    trial = state.rows[frames] + move
    new = model(trial, frames)
    old_cost = state.model.cost[frames]
    gain = torch.where(torch.isfinite(new.cost), old_cost - new.cost, -torch.inf)
    expected = -(gradient * move).sum(-1) - 0.5 * torch.einsum("bi,bij,bj->b", move, hessian, move)
    better = gain >= 0
    kept = frames[better]
    state.rows[kept] = trial[better]
    for name in ("cost", "gradient", "hessian"):
        getattr(state.model, name)[kept] = getattr(new, name)[better]
    still = (move.abs().amax(-1) < options.step_tolerance) & (state.damping[frames] < 1)
    _adapt(state, frames, gain, expected)
    state.converged[frames] = still | _settled(old_cost, gain, state.damping[frames], options)


def _adapt(state: _State, frames: Tensor, gain: Tensor, expected: Tensor) -> None:
    """Change the damping by how well the quadratic model foretold the gain (Nielsen 1999)."""
    ratio = gain / expected.clamp_min(torch.finfo(gain.dtype).tiny)
    less = state.damping[frames] * (1 - (2 * ratio.clamp(-1, 1) - 1) ** 3).clamp_min(0.2)
    more = state.damping[frames] * state.growth[frames]
    state.damping[frames] = torch.where(gain >= 0, less, more).clamp(1e-9, 1e9)
    state.growth[frames] = torch.where(gain >= 0, 2.0, 2 * state.growth[frames])


def _settled(cost: Tensor, gain: Tensor, damping: Tensor, options: FitOptions) -> Tensor:
    """Say where the fit is done: no more to gain, or no step helps however small."""
    return ((gain >= 0) & (gain <= options.tolerance * cost)) | ((gain < 0) & (damping > 1e7))


def _damped_solve(hessian: Tensor, gradient: Tensor, damping: Tensor, free: Tensor) -> Float[Tensor, "b 59"]:
    diagonal = hessian.diagonal(dim1=-2, dim2=-1)
    floor = diagonal.amax(-1, keepdim=True).clamp_min(1e-12) * 1e-7
    ridge = damping[:, None] * (diagonal + floor) + torch.where(free, floor * damping[:, None], torch.ones_like(floor))
    factor, info = torch.linalg.cholesky_ex(hessian + torch.diag_embed(ridge))
    move = -torch.cholesky_solve(gradient[..., None], factor)[..., 0]
    return torch.where(info[:, None] == 0, move, torch.zeros_like(move))


def _solve_clip(
    body: SkelBody,
    terms: Sequence[Term],
    rows: Tensor,
    *,
    free: Tensor,
    clip: Clip,
    options: FitOptions,
    progress: Callable[[int, float], None] | None,
) -> Fit:
    """Fit all frames at once; a shared shape starts at its mean."""
    shared = torch.zeros_like(free)
    shared[BETA_SLICE] = clip.shared_betas
    if clip.shared_betas:
        rows[:, shared] = rows[:, shared].mean(0)
    own, common = (torch.nonzero(part & free)[:, 0] for part in (~shared, shared))
    frames = torch.arange(len(rows), device=rows.device)

    def params(x: np.ndarray, y: np.ndarray) -> SkelParams:
        moved = rows.clone()
        moved[:, own], moved[:, common] = torch.as_tensor(x).to(rows), torch.as_tensor(y).to(rows)
        whole = unflatten(moved)
        return replace(whole, betas=whole.betas[:1]) if clip.shared_betas else whole  # computed once, not once a frame

    def model(x: np.ndarray, y: np.ndarray) -> ClipModel:
        with torch.no_grad():
            at = clip_model(total(terms, body, params(x, y), frames), own, common)
        if clip.smoothness:
            weight = clip.smoothness.sigma.double().cpu().numpy()[own.cpu().numpy()] ** -2.0
            at.add_differences(x, clip.smoothness.stencil(), weight[None])
        return at

    start = rows[:, own].double().cpu().numpy(), rows[0, common].double().cpu().numpy()
    best = minimise(model, *start, options=options, progress=progress)
    end = params(best.x, best.y)
    cost = total(terms, body, end, frames).cost
    return Fit(unflatten(flatten(end)), cost, torch.full_like(cost, best.converged, dtype=torch.bool), best.steps)


def clip_model(local: Quadratic, own: Int[Tensor, "n"], shared: Int[Tensor, "s"]) -> ClipModel:
    """Sort the costs of frames into what each has of its own and what all share; other columns stay fixed."""
    gradient, hessian = local.gradient.double(), local.hessian.double()
    return ClipModel(
        cost=float(local.cost.double().sum()),
        gradient=gradient[:, own].cpu().numpy(),
        block=hessian[:, own[:, None], own].cpu().numpy(),
        shared_gradient=gradient[:, shared].sum(0).cpu().numpy(),
        border=hessian[:, own[:, None], shared].cpu().numpy(),
        corner=hessian[:, shared[:, None], shared].sum(0).cpu().numpy(),
    )


def fit_points(
    body: SkelBody,
    target_m: Float[Tensor, "b k 3"],
    points: SkinnedPoints,
    *,
    weight: Float[Tensor, "b k"] | None = None,
    robust_m: float | None = None,
    start: SkelParams | None = None,
    terms: Sequence[Term] = (),
    clip: Clip | None = None,
    options: FitOptions | None = None,
) -> Fit:
    """Fit bodies to 3D points.

    Without a `start`, the parts of the template are laid on the points in closed form first, then a few steps are
    taken with a weak pull to the template.

    Args:
        body: The body to fit.
        target_m: Where the points were seen.
        points: Which points of the body they are.
        weight: 1/sigma^2 in 1/m^2, 0 where not observed; None = sigma 1 cm.
        robust_m: Scale of the Geman-McClure loss, or None.
        start: Warm start, `b` rows.
        terms: Further terms, such as `LimitTerm()` or a `PriorTerm`.
        clip: Ties frames together: one shape, smoothness.
        options: When to stop.

    Raises:
        ValueError: A target that counts is NaN or infinite.
    """
    target = target_m.to(body.device, body.dtype)
    observed = torch.full_like(target[..., 0], 1e4) if weight is None else weight.to(body.device, body.dtype)
    if not bool(torch.isfinite(target[observed > 0]).all()):
        raise ValueError("targets with a weight above 0 must be finite: give missing points weight 0")
    cold_start = start is None
    if start is None:
        start = closed_form_pose(body, target, points, weight=observed, consecutive=clip is not None)
        wide_m = robust_m and 8 * robust_m  # a narrow robust loss far from the answer would call everything an outlier
        cold = [PointTerm(points, target, observed, wide_m), LimitTerm(), _rest_prior(body)]
        start = solve(body, cold, start, clip=clip, options=FitOptions(max_steps=10, tolerance=1e-3)).params
    fit = solve(body, [PointTerm(points, target, observed, robust_m), *terms], start, clip=clip, options=options)
    if cold_start and clip is None:
        return replace(fit, params=replace(fit.params, q=principal_pelvis(fit.params.q)))
    return fit


def _rest_prior(body: SkelBody) -> PriorTerm:
    """Return a weak pull to the template that keeps the first steps of a cold start from wild shapes and twists."""
    sigma = torch.full((1, N_PARAMS), 1.0, dtype=body.dtype, device=body.device)
    sigma[:, :3] = sigma[:, -3:] = torch.inf
    return PriorTerm(torch.zeros_like(sigma), sigma)
