"""Time series: filters against SciPy and against a textbook loop, gains at the cut-off, gaps, odd lengths and times."""

import numpy as np
import pytest
from scipy.signal import butter, filtfilt
from scipy.spatial.transform import Rotation

from skelvid.series import (
    continuous_signs,
    fill_gaps,
    lowpass,
    mean_rate_hz,
    one_euro_init,
    one_euro_rotation_step,
    one_euro_step,
    pieces,
    resample,
    short_gaps,
    smooth_by_variance,
)

NAN = np.nan


def wave(time_s: np.ndarray, frequency_hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * time_s)[:, None]


def gain_at(smooth: np.ndarray, raw: np.ndarray) -> float:
    """Amplitude left in the middle of a long series, away from its ends."""
    third = len(raw) // 3
    return float(smooth[third:-third].std() / raw[third:-third].std())


class TestGaps:
    def test_pieces_are_the_runs(self):
        assert pieces(np.array([True, True, False, True])) == [slice(0, 2), slice(3, 4)]
        assert pieces(np.zeros(3, bool)) == []

    def test_open_ends_are_no_gaps_and_long_ones_are_not_short(self):
        present = np.array([False, True, False, True, False, False, True, False])
        assert short_gaps(np.arange(8) / 10, present, max_gap_s=0.2) == [slice(2, 3)]
        assert short_gaps(np.arange(8) / 10, present, max_gap_s=0.3) == [slice(2, 3), slice(4, 6)]

    def test_filling_honours_times_columns_and_the_longest_gap(self):
        time_s = np.array([0.0, 0.1, 0.4, 0.5, 1.5])
        values = np.array([[0.0, 5.0], [NAN, 5.0], [4.0, NAN], [5.0, NAN], [6.0, 7.0]])
        filled = fill_gaps(values, time_s, max_gap_s=0.5)
        np.testing.assert_allclose(filled[:, 0], [0.0, 1.0, 4.0, 5.0, 6.0])
        np.testing.assert_array_equal(filled[:, 1], values[:, 1])


class TestLowpass:
    def test_it_is_scipys_filtfilt_on_even_times(self, rng):
        values = rng.normal(size=(200, 3)).cumsum(0)
        cutoff = 2 / np.pi * np.arctan(np.tan(np.pi * 6.0 / 50.0) / (2**0.5 - 1) ** 0.25)
        coefficients = np.array(butter(2, cutoff))
        expected = filtfilt(coefficients[0], coefficients[1], values, axis=0)
        np.testing.assert_allclose(lowpass(values, np.arange(200) / 50.0, cutoff_hz=6.0), expected, atol=1e-10)

    @pytest.mark.parametrize(("rate_hz", "cutoff_hz"), [(30.0, 6.0), (29.97, 10.0), (240.0, 6.0), (13.0, 6.0)])
    def test_the_gain_at_the_cutoff_is_0_707_of_both_passes_together(self, rate_hz, cutoff_hz):
        time_s = np.arange(3000) / rate_hz
        # Whole periods do not fit the samples: the spread over a thousand of them is still that of the wave.
        raw = wave(time_s, cutoff_hz)
        assert gain_at(lowpass(raw, time_s, cutoff_hz=cutoff_hz), raw) == pytest.approx(0.5**0.5, abs=2e-3)

    def test_order_four_far_above_the_cutoff(self):
        time_s = np.arange(6000) / 1000.0
        raw = wave(time_s, 48.0)
        # (f0 / f)^4 with f0 = 6 Hz / 0.802; the bilinear transform takes 3 % more.
        assert gain_at(lowpass(raw, time_s, cutoff_hz=6.0), raw) == pytest.approx((6 / 0.8022 / 48) ** 4, rel=0.05)

    def test_no_delay(self):
        time_s = np.arange(200) / 30.0
        pulse = np.exp(-(((time_s - time_s[100]) / 0.2) ** 2))[:, None]
        smooth = lowpass(pulse, time_s, cutoff_hz=3.0)[:, 0]
        assert smooth.argmax() == 100
        np.testing.assert_allclose(smooth[90:100], smooth[101:111][::-1], atol=1e-9)

    def test_uneven_times_give_what_even_times_give(self):
        """A phone whose times jitter by a fifth of a frame, and which drops every 20th."""
        rng = np.random.default_rng(3)
        even_s = np.arange(300) / 30.0
        time_s = np.delete(even_s + rng.uniform(-0.2, 0.2, 300) / 30.0, slice(7, None, 20))
        both = [lowpass(wave(t, 1.3) + 0.2 * wave(t, 4.0), t, cutoff_hz=6.0) for t in (even_s, time_s)]
        np.testing.assert_allclose(np.interp(time_s[20:-20], even_s, both[0][:, 0]), both[1][20:-20, 0], atol=0.03)

    def test_pieces_do_not_know_of_each_other(self, rng):
        time_s = np.arange(60) / 30.0
        values = rng.normal(size=(60, 2))
        values[25:28, 0] = NAN
        smooth = lowpass(values, time_s, cutoff_hz=6.0)
        np.testing.assert_array_equal(np.isnan(smooth), np.isnan(values))
        np.testing.assert_allclose(smooth[:25], np.column_stack([
            lowpass(values[:25, :1], time_s[:25], cutoff_hz=6.0)[:, 0],
            lowpass(values[:, 1:], time_s, cutoff_hz=6.0)[:25, 0],
        ]), atol=1e-9)  # fmt: skip
        values[30:, 0] = 1e6
        np.testing.assert_array_equal(lowpass(values, time_s, cutoff_hz=6.0)[:25, 0], smooth[:25, 0])

    @pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
    def test_short_pieces(self, count):
        time_s = np.arange(count) / 30.0
        values = np.linspace(1.0, 3.0, count)[:, None]
        np.testing.assert_allclose(lowpass(values, time_s, cutoff_hz=6.0), values, atol=0.05)

    def test_nothing_present(self):
        assert np.isnan(lowpass(np.full((5, 2), NAN), np.arange(5.0), cutoff_hz=0.1)).all()

    @pytest.mark.parametrize("cutoff_hz", [0.0, 15.0, 20.0])
    def test_a_cutoff_that_the_rate_cannot_hold_is_refused(self, cutoff_hz):
        with pytest.raises(ValueError, match=r"half the rate, 15 Hz"):
            lowpass(np.zeros((10, 1)), np.arange(10) / 30.0, cutoff_hz=cutoff_hz)

    def test_gaps_do_not_lower_the_rate(self):
        time_s = np.array([0.0, 0.1, 0.2, 5.0, 5.1])
        assert mean_rate_hz(time_s, [slice(0, 3), slice(3, 5)]) == pytest.approx(10.0)


class TestResample:
    def test_cubics_are_exact_and_gaps_stay(self):
        time_s = np.array([0.0, 0.1, 0.25, 0.3, 0.45, 1.0, 1.1, 1.2, 1.3])
        values = (time_s**3 - time_s)[:, None]
        values[5] = NAN
        new_s = np.array([-0.1, 0.05, 0.4, 0.5, 1.0, 1.15, 1.3])
        expected = new_s**3 - new_s
        expected[[0, 3, 4]] = NAN
        np.testing.assert_allclose(resample(values, time_s, new_s)[[0, 1, 2, 3, 4, 6], 0],
                                   expected[[0, 1, 2, 3, 4, 6]], atol=1e-12)  # fmt: skip

    def test_one_value_and_two(self):
        assert resample(np.array([[2.0]]), np.zeros(1), np.zeros(1)).tolist() == [[2.0]]
        middle = resample(np.array([[2.0], [4.0]]), np.array([0.0, 1.0]), np.array([0.5]))
        np.testing.assert_allclose(middle, [[3.0]])


def textbook_smoother(values, time_s, variance, drift):
    """Kalman filter and Rauch-Tung-Striebel smoother of one column, as in the books, by covariances."""
    state, covariance = np.zeros(2), np.diag([1e8, 1e6])
    ahead, after = [], []
    for k, value in enumerate(values):
        if k:
            h = time_s[k] - time_s[k - 1]
            step = np.array([[1.0, h], [0.0, 1.0]])
            noise = drift * np.array([[h**3 / 3, h**2 / 2], [h**2 / 2, h]])
            state, covariance = step @ state, step @ covariance @ step.T + noise
        ahead.append((state, covariance))
        if np.isfinite(value):
            gain = covariance[:, 0] / (covariance[0, 0] + variance[k])
            state = state + gain * (value - state[0])
            covariance = covariance - np.outer(gain, covariance[0])
        after.append((state, covariance))
    out = [after[-1]]
    for k in range(len(values) - 2, -1, -1):
        h = time_s[k + 1] - time_s[k]
        step = np.array([[1.0, h], [0.0, 1.0]])
        gain = after[k][1] @ step.T @ np.linalg.inv(ahead[k + 1][1])
        state = after[k][0] + gain @ (out[0][0] - ahead[k + 1][0])
        covariance = after[k][1] + gain @ (out[0][1] - ahead[k + 1][1]) @ gain.T
        out.insert(0, (state, covariance))
    return np.array([s[0] for s, _ in out]), np.array([c[0, 0] for _, c in out])


class TestSmoothByVariance:
    def test_it_is_the_textbooks_smoother(self, rng):
        time_s = np.cumsum(rng.uniform(0.02, 0.05, 60))
        values, variance = rng.normal(size=(60, 2)).cumsum(0), rng.uniform(0.1, 2.0, (60, 2))
        values[20:26, 0] = NAN
        variance[:4, 1] = np.inf
        mean, spread = smooth_by_variance(values, time_s, variance=variance, cutoff_hz=5.0)
        for column in range(2):
            value = np.where(np.isfinite(variance[:, column]), values[:, column], NAN)
            typical = np.median(variance[np.isfinite(value), column])
            drift = typical * np.diff(time_s).mean() * (2 * np.pi * 5.0 / (2**0.5 - 1) ** 0.25) ** 4
            expected = textbook_smoother(value, time_s, variance[:, column], drift)
            np.testing.assert_allclose(mean[:, column], expected[0], rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(spread[:, column], expected[1], rtol=1e-4)

    def test_even_frames_of_even_doubt_get_the_lowpass(self, rng):
        """In continuous time both are 1 / (1 + (f / f0)^4); at 25 times the cut-off sampling hardly matters."""
        time_s = np.arange(900) / 150.0
        values = rng.normal(size=(900, 1)).cumsum(0)
        mean, _ = smooth_by_variance(values, time_s, variance=np.full_like(values, 0.3), cutoff_hz=6.0)
        np.testing.assert_allclose(mean[60:-60], lowpass(values, time_s, cutoff_hz=6.0)[60:-60], atol=0.05)

    def test_doubtful_frames_are_told_by_the_sure_ones(self):
        time_s = np.arange(90) / 30.0
        truth = wave(time_s, 1.0)
        values, variance = truth.copy(), np.full_like(truth, 1e-4)
        values[40:45] += 0.5
        variance[40:45] = 0.25
        mean, _ = smooth_by_variance(values, time_s, variance=variance, cutoff_hz=6.0)
        assert np.abs(mean - truth)[35:50].max() < 0.05
        assert np.abs(lowpass(values, time_s, cutoff_hz=6.0) - truth)[35:50].max() > 0.3

    def test_doubt_grows_towards_the_middle_of_a_gap(self):
        time_s = np.arange(60) / 30.0
        values = wave(time_s, 0.5)
        values[25:35] = NAN
        mean, spread = smooth_by_variance(values, time_s, variance=np.full_like(values, 1e-3), cutoff_hz=4.0)
        assert (np.diff(spread[25:30, 0]) > 0).all()
        np.testing.assert_allclose(spread[25:30], spread[30:35][::-1], rtol=1e-3)
        assert spread[29, 0] > 5 * spread[12, 0]
        np.testing.assert_allclose(mean[25:35], wave(time_s, 0.5)[25:35], atol=0.1)

    def test_the_stated_variance_is_the_error(self):
        """Drawn from the model itself, 400 columns: errors over sigma have variance 1."""
        rng = np.random.default_rng(8)
        time_s = np.arange(80) / 30.0
        drift = 1.0 / 30.0 * (2 * np.pi * 2.0 / (2**0.5 - 1) ** 0.25) ** 4
        speed = (rng.normal(size=(80, 400)) * (drift / 30.0) ** 0.5).cumsum(0)
        truth = speed.cumsum(0) / 30.0
        known = rng.uniform(size=(80, 400)) > 0.3
        values = np.where(known, truth + rng.normal(size=truth.shape), NAN)
        mean, spread = smooth_by_variance(values, time_s, variance=np.ones_like(values), cutoff_hz=2.0)
        assert ((mean - truth) ** 2 / spread).mean() == pytest.approx(1.0, abs=0.05)

    def test_one_frame(self):
        mean, spread = smooth_by_variance(np.array([[2.0]]), np.zeros(1), variance=np.array([[0.3]]), cutoff_hz=6.0)
        assert (mean[0, 0], spread[0, 0]) == (pytest.approx(2.0), pytest.approx(0.3))

    def test_an_empty_column_is_refused(self):
        with pytest.raises(ValueError, match="every column"):
            smooth_by_variance(np.full((4, 1), NAN), np.arange(4.0), variance=np.ones((4, 1)), cutoff_hz=0.1)

    def test_a_value_without_doubt_is_refused(self):
        with pytest.raises(ValueError, match="every variance be positive"):
            smooth_by_variance(np.ones((4, 1)), np.arange(4.0), variance=np.zeros((4, 1)), cutoff_hz=0.1)


class TestRotations:
    def test_signs_go_on_over_gaps(self):
        turn = Rotation.from_rotvec(np.outer(np.linspace(0, 12, 60), [0.0, 0.6, 0.8])).as_quat()
        flipped = turn * np.where(np.arange(60) % 3 == 0, -1.0, 1.0)[:, None]
        flipped[20:23] = NAN
        fixed = continuous_signs(np.stack([flipped, turn], axis=1))
        step = np.delete(fixed, slice(20, 23), axis=0)
        assert ((step[1:] * step[:-1]).sum(-1) > 0.9).all()
        np.testing.assert_allclose(np.abs((fixed[30] * turn[30]).sum(-1)), 1.0)
        assert np.isnan(fixed[20:23, 0]).all()

    def test_a_steady_turn_is_left_as_it_is(self):
        time_s = np.arange(120) / 30.0
        turn = Rotation.from_rotvec(np.outer(time_s, [0.0, 3.0, 4.0]))
        smooth = Rotation.from_quat(lowpass(continuous_signs(turn.as_quat()), time_s, cutoff_hz=6.0))
        assert (turn.inv() * smooth).magnitude()[15:-15].max() < 1e-4


class TestOneEuro:
    def test_at_rest_it_is_an_exponential_filter(self):
        state = one_euro_init(np.zeros(1), min_cutoff_hz=1.0)
        share = 1 / (1 + 1 / (2 * np.pi * 1.0 * 0.1))
        state, first = one_euro_step(state, np.ones(1), 0.1)
        _, second = one_euro_step(state, np.ones(1), 0.1)
        np.testing.assert_allclose([first[0], second[0]], [share, 1 - (1 - share) ** 2])

    def test_speed_takes_the_lag_away(self):
        lags = []
        for gain in (0.0, 5.0):
            state, value = one_euro_init(np.zeros(1), speed_gain=gain), np.zeros(1)
            for k in range(1, 60):
                state, value = one_euro_step(state, np.array([k * 0.1]), 1 / 30)
            lags.append(5.9 - value[0])
        assert lags[0] > 0.4
        assert 0 < lags[1] < 0.1 * lags[0]

    def test_rotations_take_the_short_way_and_stay_rotations(self):
        turn = Rotation.from_rotvec(np.outer(np.linspace(0, 4, 40), [1.0, 0.0, 0.0])).as_quat()
        state = one_euro_init(turn[0], min_cutoff_hz=2.0, speed_gain=2.0)
        for k in range(1, 40):
            state, value = one_euro_rotation_step(state, turn[k] * (-1.0) ** k, 1 / 30)
            off = (Rotation.from_quat(turn[k]).inv() * Rotation.from_quat(value)).magnitude()
            assert off < 0.35
            assert np.linalg.norm(value) == pytest.approx(1.0)

    def test_rotations_do_not_care_about_the_frame(self, rng):
        turns, frame = Rotation.from_rotvec(rng.normal(0, 0.3, (20, 3)).cumsum(0)), Rotation.random(rng=rng)
        results = []
        for seen in (turns, frame * turns):
            value = seen.as_quat()[0]
            state = one_euro_init(value, speed_gain=1.0)
            for quaternion in seen.as_quat()[1:]:
                state, value = one_euro_rotation_step(state, quaternion, 1 / 30)
            results.append(Rotation.from_quat(value))
        assert (results[1].inv() * frame * results[0]).magnitude() < 1e-9
