import numpy as np

from train.body.regressor import convex_weights, nearest


def test_a_vertex_mean_is_found_again_on_unseen_bodies():
    rng = np.random.default_rng(0)
    bodies = rng.standard_normal((30, 12, 3))
    truth = np.zeros(12)
    truth[[1, 4, 7]] = 0.5, 0.3, 0.2
    target = np.einsum("ncd,c->nd", bodies, truth)
    weights = convex_weights(bodies[:20], target[:20])
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(), 1, atol=1e-12)
    off = np.einsum("ncd,c->nd", bodies[20:], weights) - target[20:]
    assert np.abs(off).max() < 1e-3


def test_more_ridge_uses_more_vertices():
    bodies = np.random.default_rng(1).standard_normal((10, 40, 3)) * 0.05
    target = 0.6 * bodies[:, 0] + 0.4 * bodies[:, 1]
    spread = [1 / (convex_weights(bodies, target, ridge_m=r) ** 2).sum() for r in (1e-5, 1e-1)]
    assert spread[0] < 3
    assert spread[1] > 2 * spread[0]


def test_nearest_is_sorted_and_deterministic():
    line = np.stack([np.arange(6.0), np.zeros(6), np.zeros(6)], axis=1)
    assert nearest(line, np.array([2.5, 0, 0]), 2).tolist() == [2, 3]
