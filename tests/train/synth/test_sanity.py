import numpy as np

from train.synth.sanity import NAMES, PAIRS, score, trusted

RNG = np.random.default_rng(0)
TRUE = RNG.uniform(0, 100, (5, len(NAMES), 2))
TRUE[:, 1::2] = TRUE[:, ::2] + [20.0, 0.0]  # right joints stand 20 px beside left ones
ALL, HEIGHT = np.ones((5, len(NAMES)), bool), np.full(5, 200.0)


def test_the_truth_is_told_apart_and_its_sides_exchanged_are_not():
    found = score(TRUE + RNG.normal(0, 1, TRUE.shape), TRUE, ALL, HEIGHT)
    assert found["told_apart"] == found["pck_0.1"] == 1.0
    assert found["pairs"] == 5 * len(PAIRS)
    swapped = TRUE.reshape(5, -1, 2, 2)[:, :, ::-1].reshape(TRUE.shape)
    found = score(swapped, TRUE, ALL, HEIGHT)
    assert found["told_apart"] == 0.0
    assert found["pck_0.1_sides_free"] == 1.0


def test_both_on_one_limb_is_not_told_apart_and_hidden_or_joined_pairs_do_not_count():
    at = TRUE.copy()
    at[:, 1::2] = at[:, ::2] + 1.0
    assert score(at, TRUE, ALL, HEIGHT)["in_one_place"] == 1.0
    hidden = ALL.copy()
    hidden[:, NAMES.index("left_knee")] = False
    found = score(TRUE, TRUE, hidden, HEIGHT)
    assert found["pairs"] == 5 * (len(PAIRS) - 1)
    assert "told_apart_knee" not in found
    near = np.full(5, 600.0)  # 20 px are too near to each other to tell
    assert score(TRUE, TRUE, ALL, near)["pairs"] == 0


def test_only_points_within_the_picture_and_found_again_are_trusted():
    again = TRUE + np.array([5.0, 0.0])  # of a box of 200 px
    again[0, 0, 0] += 20.0
    again[1, 1] = np.nan
    there = trusted(TRUE, again, HEIGHT, (1000, 1000))
    assert np.argwhere(~there).tolist() == [[0, 0], [1, 1]]
    cut = trusted(TRUE, TRUE, HEIGHT, (50, 1000))
    np.testing.assert_array_equal(cut, TRUE[..., 1] < 50)
