"""Errors against known answers and slow versions of themselves."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from train.regress.metrics import mpjpe_mm, pa_mpjpe_mm, pck, sigma_factors, swap_rate, within


def points(seed: int, b: int = 3, k: int = 24) -> torch.Tensor:
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(b, k, 3))).float()


def test_aligned_error_does_not_see_a_similarity_but_a_mirror():
    true = points(0)
    turn = torch.as_tensor(Rotation.from_rotvec([0.4, 1.0, -2.0]).as_matrix()).float()
    moved = 1.7 * true @ turn.T + torch.tensor([1.0, 2.0, 3.0])
    assert pa_mpjpe_mm(moved, true).max() < 1e-2
    assert pa_mpjpe_mm(true * torch.tensor([-1.0, 1, 1]), true).min() > 100.0
    assert mpjpe_mm(moved, true).min() > 100.0
    assert mpjpe_mm(true + 5.0, true).max() < 1e-2


def test_aligned_error_is_that_of_a_search_over_similarities():
    from scipy.optimize import minimize

    true, ours = points(1, b=1)[0].double().numpy(), points(2, b=1)[0].double().numpy()

    def placed(x: np.ndarray) -> np.ndarray:
        return np.exp(x[3]) * Rotation.from_rotvec(x[:3]).apply(ours) + x[4:]

    tries = [minimize(lambda x: ((placed(x) - true) ** 2).sum(), np.r_[start, np.zeros(4)])
             for start in np.random.default_rng(3).normal(size=(12, 3))]  # fmt: skip
    best = min(tries, key=lambda t: t.fun)
    slow = 1000 * np.linalg.norm(placed(best.x) - true, axis=1).mean()
    fast = float(pa_mpjpe_mm(torch.as_tensor(ours)[None].float(), torch.as_tensor(true)[None].float()))
    assert fast == pytest.approx(slow, rel=1e-3)


def test_points_count_within_a_share_of_the_person():
    true = torch.zeros(1, 4, 2)
    told = torch.tensor([[[0.0, 9.0], [11.0, 0.0], [0.0, 0.0], [99.0, 0.0]]])
    known = torch.tensor([[True, True, True, False]])
    assert pck(told, true, known, torch.tensor([100.0]), share=0.1) == pytest.approx(2 / 3)


def test_swaps_are_counted_where_sides_can_be_told_apart():
    true = torch.tensor([[[0.0, 0.0], [50.0, 0.0], [0.0, 90.0], [1.0, 90.0]]])
    pairs = ((0, 1), (2, 3))
    known, size = torch.ones(1, 4, dtype=torch.bool), torch.tensor([100.0])
    assert swap_rate(true, true, known, size, pairs) == 0.0
    assert swap_rate(true[:, [1, 0, 3, 2]], true, known, size, pairs) == 1.0
    assert np.isnan(swap_rate(true[:, 2:], true[:, 2:], known[:, 2:], size, ((0, 1),)))


def test_factors_make_68_percent_fall_within():
    g = torch.Generator().manual_seed(0)
    error = torch.randn((4000, 2), generator=g) * torch.tensor([0.5, 2.0])
    sigma = torch.ones(4000, 2)
    factor = sigma_factors(error, sigma)
    torch.testing.assert_close(factor, torch.tensor([0.5, 2.0]), rtol=0.05, atol=0)
    torch.testing.assert_close(within(error, sigma * factor), torch.full((2,), 0.683), atol=2e-3, rtol=0)
