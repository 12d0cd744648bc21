"""Fitting: exact bodies come back, outliers are ignored, clips share their shape, terms' gradients are right."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from skelvid.body.clip_solver import ClipModel, Smoothness, derivative_stencil, marginal_variance, newton_step
from skelvid.body.dofs import DOF_INDEX, limits_rad
from skelvid.body.fit import (
    BETA_SLICE,
    Clip,
    LimitTerm,
    PointTerm,
    PriorTerm,
    Quadratic,
    fit_points,
    flatten,
    gauss_newton,
    solve,
    unflatten,
)
from skelvid.body.model import SkelBody
from skelvid.body.points import join_points
from skelvid.body.start import principal_pelvis
from skelvid.datatypes.skel import SkelParams
from tests.toy_skel import make_toy_assets

BODY = SkelBody(make_toy_assets(np.random.default_rng(1)), dtype=torch.float64)
SKIN = BODY.points(np.arange(96)[:, None], np.ones((96, 1)))
EVERYTHING = join_points(BODY.joints, SKIN)


def bodies_within_limits(n: int, seed: int = 0) -> SkelParams:
    rng = np.random.default_rng(seed)
    lower, upper = limits_rad()
    q = 0.8 * rng.uniform(np.maximum(lower, -1.5), np.minimum(upper, 1.5), (n, 46))
    return SkelParams(q, rng.normal(0, 1, (n, 10)), rng.normal(0, 1, (n, 3))).to_torch(dtype=torch.float64)


def swinging_clip(n: int, rate_hz: float = 30.0) -> tuple[SkelParams, torch.Tensor]:
    time_s = torch.arange(n, dtype=torch.float64) / rate_hz
    one = bodies_within_limits(1, seed=5)
    q = one.q * torch.sin(2 * torch.pi * time_s[:, None] + torch.arange(46))
    trans = one.trans_m + 0.5 * time_s[:, None]
    return SkelParams(q, one.betas.expand(n, -1), trans), time_s


@pytest.mark.parametrize("points", [SKIN, EVERYTHING], ids=["skin", "joints and skin"])
def test_exact_bodies_come_back_from_a_cold_start(points):
    truth = bodies_within_limits(16)
    fit = fit_points(BODY, BODY.skin_points(truth, points), points, terms=[LimitTerm()])
    assert bool(fit.converged.all())
    torch.testing.assert_close(flatten(fit.params), flatten(truth), atol=1e-6, rtol=0)


def test_upside_down_and_turned_bodies_come_back():
    truth = bodies_within_limits(6, seed=3)
    truth.q[:, 0] = torch.tensor([0, np.pi / 2, np.pi, -np.pi / 2, 2.5, -2.5])
    truth.q[:, 2] = torch.tensor([3.0, 1.5, -1.5, 0.5, -3.0, 2.0])
    fit = fit_points(BODY, BODY.skin_points(truth, SKIN), SKIN, terms=[LimitTerm()])
    posed = BODY(fit.params).skin_m
    torch.testing.assert_close(posed, BODY(truth).skin_m, atol=1e-6, rtol=0)


def test_principal_pelvis_is_the_same_pose_told_shorter():
    params = bodies_within_limits(16, seed=7)
    params.q[:, :3] = torch.as_tensor(np.random.default_rng(8).uniform(-7, 7, (16, 3)))
    told = SkelParams(principal_pelvis(params.q), params.betas, params.trans_m)
    torch.testing.assert_close(BODY(told).skin_m, BODY(params).skin_m, atol=1e-9, rtol=0)
    assert float(told.q[:, 1].abs().max()) <= np.pi / 2
    assert float(told.q[:, [0, 2]].abs().max()) <= np.pi


def test_outliers_and_missing_points_do_not_pull():
    truth = bodies_within_limits(4, seed=1)
    target = BODY.skin_points(truth, EVERYTHING).clone()
    target[:, 30::24] += 0.4
    target[:, 31::24] = torch.nan
    weight = torch.where(target.isnan().any(-1), 0.0, 1e4)
    plain = fit_points(BODY, target, EVERYTHING, weight=weight)
    robust = fit_points(BODY, target, EVERYTHING, weight=weight, robust_m=0.02)
    off_m = [float((BODY(fit.params).joints_m - BODY(truth).joints_m).norm(dim=-1).max()) for fit in (plain, robust)]
    assert off_m[0] > 0.02
    assert off_m[1] < 1e-3


def test_missing_targets_that_count_are_refused():
    target = torch.full((1, 96, 3), torch.nan, dtype=torch.float64)
    with pytest.raises(ValueError, match="give missing points weight 0"):
        fit_points(BODY, target, SKIN)


def test_clip_has_one_shape_and_follows_the_motion():
    truth, _ = swinging_clip(30)
    fit = fit_points(BODY, BODY.skin_points(truth, SKIN), SKIN, clip=Clip())
    torch.testing.assert_close(flatten(fit.params), flatten(truth), atol=1e-5, rtol=0)
    assert bool((fit.params.betas == fit.params.betas[0]).all())


def test_smoothness_bridges_frames_without_points():
    truth, time_s = swinging_clip(30)
    weight = torch.full((30, 96), 1e4, dtype=torch.float64)
    weight[12:16] = 0
    errors = []
    for smoothness in (None, Smoothness(time_s, torch.full((59,), 40.0))):
        fit = fit_points(BODY, BODY.skin_points(truth, SKIN), SKIN, weight=weight, clip=Clip(True, smoothness))
        errors.append(float((fit.params.q - truth.q)[12:16].abs().mean()))
    assert errors[1] < np.radians(2) < 5 * errors[1] < errors[0]


def test_smoothness_lowers_the_noise():
    truth, time_s = swinging_clip(40)
    noise = 0.02 * torch.randn(40, 96, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    target = BODY.skin_points(truth, SKIN) + noise
    clips = (Clip(), Clip(True, Smoothness(time_s, torch.full((59,), 40.0))))
    errors = [float((fit_points(BODY, target, SKIN, clip=c).params.q - truth.q).abs().mean()) for c in clips]
    assert errors[1] < 0.7 * errors[0]


def test_frozen_parameters_stay():
    truth = bodies_within_limits(2)
    start = SkelParams(truth.q + 0.05, truth.betas, truth.trans_m)
    free = torch.ones(59, dtype=torch.bool)
    free[BETA_SLICE] = False
    free[DOF_INDEX["knee_angle_r"]] = False
    target = BODY.skin_points(truth, SKIN)
    term = PointTerm(SKIN, target, torch.full((2, 96), 1e4, dtype=torch.float64))
    fit = solve(BODY, [term], start, free=free)
    torch.testing.assert_close(flatten(fit.params)[:, ~free], flatten(start)[:, ~free])
    assert float((fit.params.q - start.q).abs().max()) > 0.01


@dataclass(frozen=True)
class ReprojectionTerm:
    """What keypoint refinement will bring: image points of a pinhole camera, written against the public interface."""

    image_px: torch.Tensor
    focal_px: float = 1000.0

    def project(self, points_m: torch.Tensor) -> torch.Tensor:
        return self.focal_px * points_m[..., :2] / points_m[..., 2:]

    def __call__(self, body: SkelBody, params: SkelParams, frames: torch.Tensor) -> Quadratic:
        at = body.linearise(params, EVERYTHING)
        depth = at.points_m[..., 2]
        residual = self.project(at.points_m) - self.image_px[frames]
        over_depth = (self.focal_px / depth)[:, None, None]
        slope = at.points_m[..., :2] / depth[..., None]
        jacobian = over_depth * (at.jacobian[:, :, :2] - slope.mT[:, None] * at.jacobian[:, :, 2:])
        return gauss_newton(residual, jacobian, weight=torch.ones_like(depth), robust=None)


def test_a_term_from_outside_fits_image_points():
    truth, time_s = swinging_clip(20)
    truth = SkelParams(truth.q, truth.betas, truth.trans_m + torch.tensor([0.0, 0.0, 4.0]))
    term = ReprojectionTerm(ReprojectionTerm(torch.zeros(0)).project(BODY.skin_points(truth, EVERYTHING)))
    noise = torch.randn(20, 46, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    start = SkelParams(truth.q + 0.1 * noise, truth.betas, truth.trans_m + 0.1)
    prior = PriorTerm(flatten(start), torch.full((1, 59), 100.0, dtype=torch.float64))
    smoothness = Smoothness(time_s, torch.full((59,), 1e4))
    free = torch.ones(59, dtype=torch.bool)
    free[BETA_SLICE] = False  # one view cannot tell a large body far away from a small one near
    fit = solve(BODY, [term, prior], start, free=free, clip=Clip(shared_betas=True, smoothness=smoothness))
    off_m = (BODY(fit.params).joints_m - BODY(truth).joints_m).norm(dim=-1)
    assert float(off_m.max()) < 2e-3


def _terms(params: SkelParams):
    n = len(params.q)
    target = BODY.skin_points(bodies_within_limits(n, seed=9), EVERYTHING)
    weight = torch.rand((n, EVERYTHING.count), dtype=torch.float64) * 100
    sigma = torch.full((1, 59), 0.3, dtype=torch.float64)
    return {
        "points": PointTerm(EVERYTHING, target, weight),
        "robust points": PointTerm(EVERYTHING, target, weight, robust_m=0.2),
        "limits": LimitTerm(),
        "prior": PriorTerm(torch.zeros((1, 59), dtype=torch.float64), sigma),
    }


@pytest.mark.parametrize("name", ["points", "robust points", "limits", "prior"])
def test_gradient_of_each_term_equals_finite_differences(name):
    rows = flatten(bodies_within_limits(2, seed=4)) * 1.8
    term, frames, step = _terms(unflatten(rows))[name], torch.arange(2), 1e-6
    gradient = term(BODY, unflatten(rows), frames).gradient
    for column in range(0, 59, 4):
        move = torch.zeros_like(rows)
        move[:, column] = step
        costs = [term(BODY, unflatten(rows + sign * move), frames).cost for sign in (1, -1)]
        slope = (costs[0] - costs[1]) / (2 * step)
        torch.testing.assert_close(gradient[:, column], slope, rtol=1e-4, atol=1e-4)


def coupled_clip(order: int | None, n_shared: int, t: int = 7, n: int = 5) -> tuple[ClipModel, np.ndarray]:
    """A random model of a clip at x = y = 0 apart from its coupling, and the dense matrix it stands for."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(t, n + n_shared, 2 * n + n_shared))
    whole = root @ root.swapaxes(1, 2)
    model = ClipModel(
        cost=0.0,
        gradient=rng.normal(size=(t, n)),
        block=whole[:, :n, :n].copy(),
        shared_gradient=rng.normal(size=n_shared),
        border=whole[:, :n, n:],
        corner=whole[:, n:, n:].sum(0),
    )
    dense = np.zeros((t * n + n_shared,) * 2)
    for i in range(t):
        index = np.r_[i * n : (i + 1) * n, t * n : t * n + n_shared]
        dense[np.ix_(index, index)] += whole[i]
    if order is not None:
        stencil = derivative_stencil(np.cumsum(rng.uniform(0.5, 1.5, t)), order=order)
        weight = rng.uniform(0.5, 2.0, (1, n))
        differences = np.zeros((len(stencil), n, t, n))
        for i, row in enumerate(stencil):
            for j, value in enumerate(row):
                differences[i, range(n), i + j, range(n)] = value * np.sqrt(weight[0])
        differences = differences.reshape(-1, t * n)
        dense[: t * n, : t * n] += differences.T @ differences
        x = rng.normal(size=(t, n))
        before = model.gradient.copy()
        model.add_differences(x, stencil, weight)
        np.testing.assert_allclose(model.cost, 0.5 * np.sum((differences @ x.ravel()) ** 2))
        np.testing.assert_allclose((model.gradient - before).ravel(), differences.T @ differences @ x.ravel())
    if order == 1:
        coupling = 0.3 * rng.normal(size=model.next_block.shape)
        model.next_block += coupling
        for i in range(t - 1):
            a, b = slice(i * n, (i + 1) * n), slice((i + 1) * n, (i + 2) * n)
            dense[b, a] += coupling[i]
            dense[a, b] += coupling[i].T
    return model, dense


@pytest.mark.parametrize("order", [None, 0, 1, 2])
@pytest.mark.parametrize("n_shared", [0, 3])
def test_clip_step_and_variance_equal_those_of_the_dense_matrix(order, n_shared):
    model, dense = coupled_clip(order, n_shared)
    moved = newton_step(model)
    assert moved is not None
    right = np.concatenate([model.gradient.ravel(), model.shared_gradient])
    expected = -np.linalg.solve(dense, right)
    np.testing.assert_allclose(np.concatenate([moved[0].ravel(), moved[1]]), expected, rtol=1e-9, atol=1e-9)
    assert moved[2] == pytest.approx(-0.5 * right @ expected)
    variance = np.diagonal(np.linalg.inv(dense))[: model.gradient.size]
    np.testing.assert_allclose(marginal_variance(model).ravel(), variance, rtol=1e-9)


def test_a_clip_without_a_minimum_has_no_step():
    model, _ = coupled_clip(None, 0)
    model.block[3] -= 100 * np.eye(5)
    assert newton_step(model) is None
    with pytest.raises(ValueError, match="no variance"):
        marginal_variance(model)


def test_smoothness_is_blind_to_constant_velocity_at_uneven_times():
    time_s = torch.tensor([0.0, 0.1, 0.15, 0.4, 0.41], dtype=torch.float64)
    rows = 3.0 + 2.0 * time_s[:, None].expand(-1, 59)
    smoothness = Smoothness(time_s, torch.ones(59))
    assert float(smoothness.cost(rows)) < 1e-18
    bent = rows + time_s[:, None] ** 2
    assert float(smoothness.cost(bent)) == pytest.approx(0.5 * 3 * 59 * 4)
