"""A noisy motion in, a smooth one out; pelvis, hips and shoulders are smoothed as rotations.

Gaps up to `max_gap_s` are filled, longer ones stay gaps, and nothing is smoothed across them. Contact and up are left
as they are. `smooth` looks at the whole clip and adds no delay; `live_smooth_step` knows the past only.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from skelvid.body.joint_rotation import BALL_JOINTS, joint_rotation, variance_about_own_axes
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import ConfigError
from skelvid.motion.assemble import bridge, unwrap
from skelvid.motion.chart import N_PLAIN, PLAIN_DOFS, q_of_columns, seen_rows, to_columns, with_columns
from skelvid.series import (
    OneEuro,
    lowpass,
    mean_rate_hz,
    one_euro_init,
    one_euro_rotation_step,
    one_euro_step,
    pieces,
    short_gaps,
    smooth_by_variance,
)

Method = Literal["butterworth", "kalman", "none"]

# Cut-offs by activity, Hz. Walking: Winter 2009, 3.4, nearly all power of marker paths lies below 6 Hz, also Sports2D's
# and OpenCap's choice for it. The others follow how fast the movement is: usual choices, to be checked on raw curves.
CUTOFFS_HZ: dict[str, float] = {
    "general": 6.0,
    "walk": 6.0,
    "run": 10.0,
    "jump": 12.0,
    "squat": 4.0,
    "sit_to_stand": 4.0,
    "balance": 3.0,
}
# A filter cannot cut off above half the frame rate; this share of it leaves some room.
_MOST = 0.4
# One-Euro: cut-off at rest, Hz, and its rise per rad/s and per m/s.
_AT_REST_HZ, _GAIN_TURNING, _GAIN_MOVING = 1.5, 6.0, 10.0


def cutoff_of(activity: str, motion: Motion, *, max_gap_s: float = 0.5) -> float:
    """Return where to cut off, Hz: as the activity wants it, or lower where frames come too slowly for that.

    Args:
        activity: A name of `CUTOFFS_HZ`.
        motion: To be smoothed; its frames may come unevenly, as a busy camera's do.
        max_gap_s: As `smooth` will be told.

    Raises:
        ConfigError: There is no such activity.
    """
    if activity not in CUTOFFS_HZ:
        raise ConfigError(f"no activity is called '{activity}'; known are {', '.join(CUTOFFS_HZ)}")
    return min(CUTOFFS_HZ[activity], _MOST * _rate_hz(motion, max_gap_s))


def _rate_hz(motion: Motion, max_gap_s: float) -> float:
    """Return how many frames come in a second of what is smoothed: where the person is seen, or a gap is bridged."""
    present = seen_rows(motion).copy()
    for gap in short_gaps(motion.time_s, present, max_gap_s=max_gap_s):
        present[gap] = True
    return mean_rate_hz(motion.time_s, pieces(present))


def smooth(motion: Motion, method: Method = "butterworth", *, cutoff_hz: float = 6.0, max_gap_s: float = 0.5) -> Motion:
    """Return the motion without its noise, unwrapped, with one shape.

    Args:
        motion: Raw; its `q_sigma_rad` weighs the frames for "kalman".
        method: "butterworth": zero phase, order 4 in all; doubt stays what it was. "kalman": the Kalman and
            Rauch-Tung-Striebel smoother of `series.smooth_by_variance`, which trusts sure frames more and fills gaps
            with their curvature. "none": the motion as it is.
        cutoff_hz: Where the gain is 0.707 (with "kalman": for frames of median doubt); see `CUTOFFS_HZ`.
        max_gap_s: Gaps whose ends lie further apart stay gaps.

    Raises:
        ConfigError: The frames come too slowly for this cut-off.
    """
    if method == "none":
        return motion
    bridged = bridge(unwrap(motion), max_gap_s=max_gap_s)
    rate_hz = _rate_hz(motion, max_gap_s)
    if not 0.0 < cutoff_hz < rate_hz / 2:
        raise ConfigError(
            f"a cut-off of {cutoff_hz:g} Hz does not fit {rate_hz:.3g} frames per second: "
            f"choose one above 0 and below {rate_hz / 2:.3g} Hz"
        )
    columns = lowpass(to_columns(bridged), motion.time_s, cutoff_hz=cutoff_hz)
    smoothed = with_columns(bridged, columns)
    return smoothed if method == "butterworth" else _by_variance(unwrap(motion), smoothed, cutoff_hz)


def _by_variance(raw: Motion, reference: Motion, cutoff_hz: float) -> Motion:
    """Smooth `raw` piece by piece; rotations in coordinates that roll along with a reference close to the answer."""
    q, trans_m = np.array(reference.params.q), np.array(reference.params.trans_m)
    sigma = None if raw.q_sigma_rad is None else np.array(raw.q_sigma_rad)
    values, variance = _measured(raw, reference)
    columns = to_columns(reference)
    for piece in pieces(reference.visible):
        rolled = _rolled_out(columns[piece, N_PLAIN:])
        here = np.concatenate([values[piece, :N_PLAIN], values[piece, N_PLAIN:] + rolled], axis=1)
        doubt = variance[piece]
        if sigma is not None:
            # The sigmas themselves go through the same weights, each with its own.
            here = np.concatenate([here, np.where(seen_rows(raw)[piece, None], sigma[piece], np.nan)], axis=1)
            doubt = np.concatenate([doubt, sigma[piece] ** 2], axis=1)
        mean, spread = smooth_by_variance(here, raw.time_s[piece], variance=doubt, cutoff_hz=cutoff_hz)
        width = values.shape[1]
        turned = _turned(columns[piece, N_PLAIN:], mean[:, N_PLAIN:width] - rolled)
        q[piece] = q_of_columns(np.concatenate([mean[:, :N_PLAIN], turned], axis=1), q[piece])
        trans_m[piece] = mean[:, len(PLAIN_DOFS) : N_PLAIN]
        if sigma is not None:
            # Errors of neighbouring frames may be independent, then they average out (spread), or shared, then they
            # stay (mean). Nobody knows which: the larger is given.
            sigma[piece] = np.maximum(mean[:, width:], np.sqrt(spread[:, width:]))
    return replace(reference, params=SkelParams(q, reference.params.betas, trans_m), q_sigma_rad=sigma)


def _measured(raw: Motion, reference: Motion) -> tuple[Float[np.ndarray, "t 49"], Float[np.ndarray, "t 49"]]:
    """Return what was seen and its variance: plain angles, translation, and each ball's turn from the reference."""
    seen = seen_rows(raw)
    q, near = raw.params.q[seen], reference.params.q[seen]
    turns = [(joint_rotation(near, joint).inv() * joint_rotation(q, joint)).as_rotvec() for joint in BALL_JOINTS]
    known = np.concatenate([q[:, PLAIN_DOFS], raw.params.trans_m[seen], *turns], axis=1)
    doubt = np.ones_like(known)
    if raw.q_sigma_rad is not None:
        sigma = raw.q_sigma_rad[seen]
        doubt[:, : len(PLAIN_DOFS)] = sigma[:, PLAIN_DOFS] ** 2
        doubt[:, N_PLAIN:] = np.concatenate([variance_about_own_axes(q, sigma, joint) for joint in BALL_JOINTS], axis=1)
    values, variance = (np.full((len(seen), known.shape[1]), np.nan) for _ in range(2))
    values[seen], variance[seen] = known, doubt
    return values, variance


def _rolled_out(turns: Float[np.ndarray, "t 20"]) -> Float[np.ndarray, "t 15"]:
    """Add up the turns from row to row, about the bone's own axes: a steady turn becomes a straight line."""
    out = np.zeros((len(turns), 3 * len(BALL_JOINTS)))
    for i in range(len(BALL_JOINTS)):
        rotation = Rotation.from_quat(turns[:, 4 * i : 4 * i + 4])
        out[1:, 3 * i : 3 * i + 3] = (rotation[:-1].inv() * rotation[1:]).as_rotvec().cumsum(0)
    return out


def _turned(turns: Float[np.ndarray, "t 20"], by: Float[np.ndarray, "t 15"]) -> Float[np.ndarray, "t 20"]:
    """Turn each ball further about its own axes."""
    balls = zip(np.split(turns, len(BALL_JOINTS), axis=1), np.split(by, len(BALL_JOINTS), axis=1), strict=True)
    return np.concatenate([(Rotation.from_quat(a) * Rotation.from_rotvec(b)).as_quat() for a, b in balls], axis=1)


@dataclass(frozen=True)
class LiveSmoother:
    """What live smoothing remembers: when the person was last seen, the filters and the last q; None before that."""

    max_gap_s: float
    time_s: float = -np.inf
    plain: OneEuro | None = None
    balls: OneEuro | None = None
    q: Float[np.ndarray, "1 46"] | None = None


def live_smooth_init(*, max_gap_s: float = 0.5) -> LiveSmoother:
    """Return the state before anyone was seen; it starts anew when the person was away for longer than this."""
    return LiveSmoother(max_gap_s)


def live_smooth_step(state: LiveSmoother, row: Motion) -> tuple[LiveSmoother, Motion]:
    """Smooth the next frame, a motion of one row, by what came before (One-Euro); one not visible is passed on."""
    if not seen_rows(row)[0]:
        return state, row
    columns = to_columns(row)[0]
    plain, balls = columns[:N_PLAIN], columns[N_PLAIN:].reshape(-1, 4)
    time_s = float(row.time_s[0])
    dt_s = time_s - state.time_s
    if state.plain is None or state.balls is None or state.q is None or dt_s > state.max_gap_s:
        gain = np.repeat([_GAIN_TURNING, _GAIN_MOVING], [len(PLAIN_DOFS), 3])
        first = one_euro_init(plain, min_cutoff_hz=_AT_REST_HZ, speed_gain=gain)
        second = one_euro_init(balls, min_cutoff_hz=_AT_REST_HZ, speed_gain=_GAIN_TURNING)
        return LiveSmoother(state.max_gap_s, time_s, first, second, np.asarray(row.params.q, np.float64)), row
    first, plain = one_euro_step(state.plain, plain, dt_s)
    second, balls = one_euro_rotation_step(state.balls, balls, dt_s)
    q = q_of_columns(np.concatenate([plain, balls.ravel()])[None], state.q)
    trans_m = plain[None, len(PLAIN_DOFS) :]
    state = LiveSmoother(state.max_gap_s, time_s, first, second, q)
    return state, replace(row, params=SkelParams(q, row.params.betas, trans_m))
