"""Values over time in, values over time out: gaps filled, noise removed, other times; NaN is a missing value.

Times need not be evenly spaced. A function never looks across a gap unless it says so: what lies between two gaps is a
piece, and each piece is treated on its own. Rotations come as unit quaternions in any fixed order of components; a
linear filter acts on them component by component after `continuous_signs`, and the result is scaled back to length 1.
Such a filter does not care about the frame the rotations are told in, and leaves a steady rotation as it is.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

# A second-order Butterworth filter run forth and back halves the power at this share of its own cut-off
# (Winter, Biomechanics and Motor Control of Human Movement, 4th ed. 2009, 3.4.4.2): (sqrt(2) - 1)^(1/4).
DOUBLE_PASS = (2.0**0.5 - 1.0) ** 0.25
# Steps that differ by less than this share of their mean are taken as even.
_EVEN = 1e-3
# Nothing known about the speed at the start, in units/s: far more than any joint or person has.
_ANY_SPEED = 1e3


def pieces(present: Bool[np.ndarray, "t"]) -> list[slice]:
    """Return the runs of true values.

    >>> pieces(np.array([False, True, True, False, True]))
    [slice(1, 3, None), slice(4, 5, None)]
    """
    edges = np.flatnonzero(np.diff(present, prepend=False, append=False))
    return [slice(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def short_gaps(time_s: Float[np.ndarray, "t"], present: Bool[np.ndarray, "t"], *, max_gap_s: float) -> list[slice]:
    """Return the runs of missing rows between two present ones that lie at most `max_gap_s` apart."""
    gaps = [gap for gap in pieces(~present) if gap.start > 0 and gap.stop < len(present)]
    return [gap for gap in gaps if time_s[gap.stop] - time_s[gap.start - 1] <= max_gap_s + 1e-9]


def fill_gaps(
    values: Float[np.ndarray, "t d"], time_s: Float[np.ndarray, "t"], *, max_gap_s: float
) -> Float[np.ndarray, "t d"]:
    """Fill the NaN of each column along straight lines, where its neighbours lie at most `max_gap_s` apart.

    >>> fill_gaps(np.array([[0.0], [np.nan], [2.0]]), np.arange(3.0), max_gap_s=2.0).T
    array([[0., 1., 2.]])
    """
    filled = values.copy()
    for column in filled.T:
        present = np.isfinite(column)
        for gap in short_gaps(time_s, present, max_gap_s=max_gap_s):
            column[gap] = np.interp(time_s[gap], time_s[present], column[present])
    return filled


def lowpass(
    values: Float[np.ndarray, "t d"], time_s: Float[np.ndarray, "t"], *, cutoff_hz: float
) -> Float[np.ndarray, "t d"]:
    """Smooth without delay: Butterworth, order 4 in all (2 forth, 2 back), gain 0.707 at `cutoff_hz`; NaN stay NaN.

    Unevenly timed pieces are interpolated (cubic) to even times and back.

    Raises:
        ValueError: The values come too slowly for this cut-off.
    """
    smooth = np.full_like(values, np.nan)
    present = np.isfinite(values)
    for pattern in np.unique(present, axis=1).T:
        columns = np.flatnonzero((present == pattern[:, None]).all(0))
        rows = pieces(pattern)
        for piece in rows:
            relative = _relative_cutoff(mean_rate_hz(time_s, rows), cutoff_hz)
            smooth[piece, columns] = _both_ways(values[piece, columns], time_s[piece], relative)
    return smooth


def mean_rate_hz(time_s: Float[np.ndarray, "t"], rows: list[slice]) -> float:
    """Return steps per second within pieces; infinite where no piece has two rows."""
    steps = sum(piece.stop - piece.start - 1 for piece in rows)
    duration_s = sum(float(time_s[piece.stop - 1] - time_s[piece.start]) for piece in rows)
    return steps / duration_s if steps else np.inf


def resample(
    values: Float[np.ndarray, "t d"], time_s: Float[np.ndarray, "t"], new_time_s: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n d"]:
    """Return the values at other times, cubic within pieces; NaN in gaps and beyond the ends.

    >>> resample(np.array([[0.0], [1.0], [4.0], [9.0]]), np.arange(4.0), np.array([1.5, 5.0])).T
    array([[2.25,  nan]])
    """
    out = np.full((len(new_time_s), values.shape[1]), np.nan)
    for column, result in zip(values.T, out.T, strict=True):
        for piece in pieces(np.isfinite(column)):
            inside = (new_time_s >= time_s[piece][0]) & (new_time_s <= time_s[piece][-1])
            result[inside] = _interpolate(time_s[piece], column[piece, None], new_time_s[inside])[:, 0]
    return out


def smooth_by_variance(
    values: Float[np.ndarray, "t d"],
    time_s: Float[np.ndarray, "t"],
    *,
    variance: Float[np.ndarray, "t d"],
    cutoff_hz: float,
) -> tuple[Float[np.ndarray, "t d"], Float[np.ndarray, "t d"]]:
    """Smooth by a Kalman filter and the Rauch-Tung-Striebel smoother: mean and variance of each value given all.

    The model is a speed that drifts (white acceleration). Its strength is set, column by column, so that a value of
    median variance gets what `lowpass` gives it, gain 0.707 at `cutoff_hz`: the two have the same frequency response.
    Values less sure than that are smoothed more, surer ones less; missing ones (NaN, or infinite variance) are filled
    in, gaps of any length, with a variance that grows towards the middle. The variance counts errors as independent
    over time.

    Raises:
        ValueError: A column holds no value, or a variance is not positive.
    """
    known = np.isfinite(values) & np.isfinite(variance)
    if not known.any(0).all() or (variance[known] <= 0.0).any():
        raise ValueError("every column must hold a value, and every variance be positive")
    precision = np.where(known, 1.0 / np.where(known, variance, 1.0), 0.0)
    typical = np.nanmedian(np.where(known, variance, np.nan), axis=0)
    step_s = np.diff(time_s)
    mean_step_s = float(step_s.mean()) if len(step_s) else 1.0
    drift = typical * mean_step_s * (2 * np.pi * cutoff_hz / DOUBLE_PASS) ** 4
    return _smooth_drifting_speed(np.where(known, values, 0.0), precision, step_s=step_s, drift=drift)


def continuous_signs(quaternions: Float[np.ndarray, "t *b 4"]) -> Float[np.ndarray, "t *b 4"]:
    """Choose between q and -q, which are the same rotation, so that no step is longer than a right angle in 4D.

    NaN rows are passed over.
    """
    known = np.isfinite(quaternions[..., 0])
    # Carry the last known row over gaps, so that signs go on behind them.
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)).reshape(-1, *[1] * (known.ndim - 1)), 0), axis=0)
    carried = np.take_along_axis(quaternions, last[..., None], axis=0)
    turned = (carried[1:] * carried[:-1]).sum(-1) < 0.0
    sign = np.cumprod(np.where(turned, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * sign[..., None]])


@dataclass(frozen=True)
class OneEuro:
    """What a One-Euro filter remembers, and its settings (Casiez, Roussel, Vogel 2012, CHI).

    Attributes:
        value: `*b` last output.
        speed: `*b` its smoothed speed, units/s.
        min_cutoff_hz: Cut-off at rest: lower means less jitter.
        speed_gain: `*b` or one: rise of the cut-off with speed, Hz per unit/s: higher means less lag.
        speed_cutoff_hz: Cut-off for the speed.
    """

    value: Float[np.ndarray, "*b"]
    speed: Float[np.ndarray, "*b"]
    min_cutoff_hz: float
    speed_gain: Float[np.ndarray, "*b"] | float
    speed_cutoff_hz: float


def one_euro_init(
    value: Float[np.ndarray, "*b"],
    *,
    min_cutoff_hz: float = 1.0,
    speed_gain: Float[np.ndarray, "*b"] | float = 0.0,
    speed_cutoff_hz: float = 1.0,
) -> OneEuro:
    """Return the state of a One-Euro filter that has seen one value."""
    return OneEuro(value, np.zeros_like(value), min_cutoff_hz, speed_gain, speed_cutoff_hz)


def one_euro_step(
    state: OneEuro, value: Float[np.ndarray, "*b"], dt_s: float
) -> tuple[OneEuro, Float[np.ndarray, "*b"]]:
    """Return the next state and the smoothed value; sees only the past."""
    speed = _blend(state.speed, (value - state.value) / dt_s, state.speed_cutoff_hz, dt_s)
    smooth = _blend(state.value, value, state.min_cutoff_hz + state.speed_gain * np.abs(speed), dt_s)
    return replace(state, value=smooth, speed=speed), smooth


def one_euro_rotation_step(
    state: OneEuro, quaternion: Float[np.ndarray, "*b 4"], dt_s: float
) -> tuple[OneEuro, Float[np.ndarray, "*b 4"]]:
    """Do the same for rotations; `speed_gain` is then Hz per rad/s, one cut-off for all components of a rotation."""
    sign = np.where((quaternion * state.value).sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
    speed = _blend(state.speed, (sign * quaternion - state.value) / dt_s, state.speed_cutoff_hz, dt_s)
    turning = 2.0 * np.linalg.norm(speed, axis=-1, keepdims=True)
    smooth = unit(_blend(state.value, sign * quaternion, state.min_cutoff_hz + state.speed_gain * turning, dt_s))
    return replace(state, value=smooth, speed=speed), smooth


def unit(vectors: Float[np.ndarray, "*b d"]) -> Float[np.ndarray, "*b d"]:
    """Return vectors, or quaternions, at length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _relative_cutoff(rate_hz: float, cutoff_hz: float) -> float:
    """Return the corrected cut-off over half the rate."""
    if not 0.0 < cutoff_hz < 0.5 * rate_hz:
        raise ValueError(f"cutoff_hz must lie between 0 and half the rate, {0.5 * rate_hz:g} Hz, got {cutoff_hz:g}")
    # The digital filter bends the frequency axis; correcting on the bent axis keeps the gain at the cut-off exact.
    return float(2.0 / np.pi * np.arctan(np.tan(np.pi * cutoff_hz / rate_hz) / DOUBLE_PASS))


def _both_ways(
    values: Float[np.ndarray, "t d"], time_s: Float[np.ndarray, "t"], relative_cutoff: float
) -> Float[np.ndarray, "t d"]:
    count = len(values)
    if count < 2:
        return values
    even_s = np.linspace(time_s[0], time_s[-1], count)
    step_s = even_s[1] - even_s[0]
    is_even = bool(np.abs(time_s - even_s).max() < _EVEN * step_s)
    source = values if is_even else _interpolate(time_s, values, even_s)
    # As SciPy pads, but a whole period at high rates, and also where the piece is shorter than the padding.
    padding = max(9, round(2.0 / relative_cutoff))
    padded = np.pad(source, ((padding, padding), (0, 0)), mode="reflect", reflect_type="odd")
    smooth = sosfiltfilt(butter(2, relative_cutoff, output="sos"), padded, axis=0, padlen=0)[padding:-padding]
    return smooth if is_even else _interpolate(even_s, smooth, time_s)


def _interpolate(
    time_s: Float[np.ndarray, "t"], values: Float[np.ndarray, "t d"], new_time_s: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n d"]:
    if len(time_s) == 1:
        return np.repeat(values, len(new_time_s), axis=0)
    return CubicSpline(time_s, values, bc_type="natural" if len(time_s) < 4 else "not-a-knot")(new_time_s)


def _blend(
    old: Float[np.ndarray, "*b"], new: Float[np.ndarray, "*b"], cutoff_hz: Float[np.ndarray, "*#b"] | float, dt_s: float
) -> Float[np.ndarray, "*b"]:
    """Return one step of an exponential low-pass filter."""
    share = 1.0 / (1.0 + 1.0 / (2.0 * np.pi * np.asarray(cutoff_hz) * dt_s))
    return share * new + (1.0 - share) * old


def _smooth_drifting_speed(
    values: Float[np.ndarray, "t d"],
    precision: Float[np.ndarray, "t d"],
    *,
    step_s: Float[np.ndarray, "_"],
    drift: Float[np.ndarray, "d"],
) -> tuple[Float[np.ndarray, "t d"], Float[np.ndarray, "t d"]]:
    """Solve for values and speeds at all times; the covariances come with the elimination (information form).

    The normal equations are block tridiagonal: each time touches the next through the inverse covariance of the
    drift, which over a step h is [[h^3/3, h^2/2], [h^2/2, h]] times `drift`.
    """
    frames, width = values.shape
    # Inverse drift covariance, carried back by the step [[1, h], [0, 1]]: on the old, the new, and between both.
    h = step_s[:, None] + np.zeros(width)
    cube, square, one = 12.0 / (h**3 * drift), 6.0 / (h**2 * drift), 4.0 / (h * drift)
    old, new = _two_by_two(cube, square, square, one), _two_by_two(cube, -square, -square, one)
    between = _two_by_two(-cube, square, -square, one / 2)
    block = np.zeros((frames, width, 2, 2))
    block[:, :, 0, 0] = precision
    block[0, :, 1, 1] += _ANY_SPEED**-2.0
    block[:-1] += old
    block[1:] += new
    right = np.zeros((frames, width, 2, 1))
    right[:, :, 0, 0] = precision * values
    inverse, gain = np.empty_like(block), np.empty_like(between)
    for t in range(frames):
        if t:
            back = gain[t - 1].swapaxes(-1, -2)
            block[t] -= back @ between[t - 1]
            right[t] -= back @ right[t - 1]
        inverse[t] = np.linalg.inv(block[t])
        if t < frames - 1:
            gain[t] = inverse[t] @ between[t]
    state, covariance = inverse @ right, inverse
    for t in range(frames - 2, -1, -1):
        state[t] -= gain[t] @ state[t + 1]
        covariance[t] += gain[t] @ covariance[t + 1] @ gain[t].swapaxes(-1, -2)
    return state[:, :, 0, 0], covariance[:, :, 0, 0]


def _two_by_two(
    a: Float[np.ndarray, "*b"], b: Float[np.ndarray, "*b"], c: Float[np.ndarray, "*b"], d: Float[np.ndarray, "*b"]
) -> Float[np.ndarray, "*b 2 2"]:
    return np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2)
