"""The motion of somebody who may walk goes in; the strides that are walking come out, with their times and curves.

Events are found from where the feet are relative to the pelvis, along the direction the pelvis faces (Zeni, Richards,
Higginson 2008, Gait & Posture 27:710-714): the heel is furthest in front when it strikes the floor, the toes are
furthest behind when they leave it. This needs no force plate and no place in the room, and works on a treadmill and in
curves. Facing stands in for the direction of walking, the middle of the two posterior iliac spines for the sacrum.

Any movement has such extremes. They count as walking only in walking's own order: right heel down, left toes up, left
heel down, right toes up, right heel down. Running, and walking backwards, have toes up before the other heel is down.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.signal import find_peaks

from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.result import Result
from skelvid.series import lowpass, mean_rate_hz, pieces, resample

SOURCE = "Zeni, Richards, Higginson 2008, Gait & Posture 27:710-714"
Side = Literal["r", "l"]
SIDES: tuple[Side, Side] = ("r", "l")
CYCLE_POINTS = 101
# An extreme counts if it stands out by this share of the leg's length: less is swaying or fidgeting.
_PROMINENCE = 0.12
# From one heel strike to the next of the same foot, s: between a sprint and a very slow, ill walk.
_STRIDE_S = (0.6, 3.2)
# Longest stride of one walk over its shortest: a dance has steps too, but no beat that holds.
_UNEVEN = 1.6
# Least share of a stride with both feet down: 0.18 to 0.53 in walking of all kinds, ill or well, up to 0.13 in running.
_DOUBLE_SUPPORT = 0.15
# Two strides overlap by half: fewer do not tell a walk from a step to the side and back.
_MIN_STRIDES = 2
# The pelvis turns with every step; facing is what remains below this.
_FACING_HZ = 0.5


@dataclass(frozen=True)
class Stride:
    """From one heel strike to the next of the same foot, s; the other foot's events lie between.

    Attributes:
        side: Whose heel strikes.
        start_s: Its heel strikes.
        other_toe_off_s: The other foot leaves the floor.
        other_strike_s: The other heel strikes.
        toe_off_s: Its own foot leaves the floor.
        end_s: Its heel strikes again.
    """

    side: Side
    start_s: float
    other_toe_off_s: float
    other_strike_s: float
    toe_off_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Return the time from strike to strike, s."""
        return self.end_s - self.start_s

    @property
    def step_s(self) -> float:
        """Return the time of this foot's step: from the other heel's strike to the next of its own."""
        return self.end_s - self.other_strike_s

    @property
    def stance_share(self) -> float:
        """Return for how much of the stride the foot is on the floor."""
        return (self.toe_off_s - self.start_s) / self.duration_s

    @property
    def double_support_share(self) -> float:
        """Return for how much of the stride both feet are on the floor."""
        both_s = (self.other_toe_off_s - self.start_s) + (self.toe_off_s - self.other_strike_s)
        return both_s / self.duration_s


@dataclass(frozen=True)
class Feet:
    """Places in any frame of metres with a fixed up; sides are right, left; NaN where nobody was seen.

    Attributes:
        time_s: `t` strictly rising.
        heel_m, toe_m: `t 2 3`.
        sacrum_m: `t 3`.
        front: `t 3` where the pelvis faces, of any length.
        up: `3` unit vector against gravity.
        leg_m: Length of a leg.
    """

    time_s: Float[np.ndarray, "t"]
    heel_m: Float[np.ndarray, "t 2 3"]
    toe_m: Float[np.ndarray, "t 2 3"]
    sacrum_m: Float[np.ndarray, "t 3"]
    front: Float[np.ndarray, "t 3"]
    up: Float[np.ndarray, "3"]
    leg_m: float


class _Event(NamedTuple):
    time_s: float
    kind: Literal["strike", "toe off"]
    side: Side


def find_strides(result: Result) -> tuple[Stride, ...]:
    """Return the strides of all walking in a result, in the order of their starts; none if nobody walks."""
    place = {name: result.points.landmarks_m[:, i] for i, name in enumerate(result.landmark_names)}
    needed = ("heel", "big_toe", "psis", "asis", "greater_trochanter")
    if not all(f"{name}_{side}" in place for name in needed for side in SIDES):
        return ()
    both = {name: np.stack([place[f"{name}_{side}"] for side in SIDES], 1).astype(np.float64) for name in needed}
    sacrum_m, legs_m = both["psis"].mean(1), np.linalg.norm(both["greater_trochanter"] - both["heel"], axis=-1)
    feet = Feet(
        result.motion.time_s,
        both["heel"],
        both["big_toe"],
        sacrum_m,
        both["asis"].mean(1) - sacrum_m,
        result.ground[:, 1],
        # Straight in stance: the longest that is often reached.
        float(np.nanquantile(legs_m, 0.95)) if np.isfinite(legs_m).any() else 0.0,
    )
    return strides_of(feet)


def strides_of(feet: Feet) -> tuple[Stride, ...]:
    """Return the strides of all walking, in the order of their starts."""
    seen = np.isfinite(np.column_stack([feet.heel_m[:, 0], feet.toe_m[:, 0], feet.sacrum_m]))
    rows = [piece for piece in pieces(np.all(seen, axis=1)) if piece.stop - piece.start > 3]
    strides = (stride for piece in rows for stride in _strides(_events(feet, piece)))
    return tuple(sorted(strides, key=lambda stride: stride.start_s))


def cadence_per_min(strides: Sequence[Stride]) -> float:
    """Return steps per minute; a stride is two steps."""
    return 120.0 / float(np.mean([stride.duration_s for stride in strides]))


def cycles(angles: JointAngles, strides: Sequence[Stride], name: str) -> Float[np.ndarray, "n 101"]:
    """Return an angle over strides, rad, at 0, 1, ... 100 % of the time from heel strike to heel strike."""
    values = angles[name][:, None]
    share = np.linspace(0.0, 1.0, CYCLE_POINTS)
    curves = [resample(values, angles.time_s, s.start_s + share * s.duration_s)[:, 0] for s in strides]
    return np.array(curves).reshape(-1, CYCLE_POINTS)


def _events(feet: Feet, piece: slice) -> list[_Event]:
    """Return heel strikes and toe-offs while the person is seen, in the order of time."""
    time_s = feet.time_s[piece]
    ahead = _facing(feet.front[piece], time_s, feet.up)
    found: list[_Event] = []
    for column, side in enumerate(SIDES):
        heel_m, toe_m = (
            np.einsum("ti,ti->t", points[piece, column] - feet.sacrum_m[piece], ahead)
            for points in (feet.heel_m, feet.toe_m)
        )
        found += [_Event(t, "strike", side) for t in _peak_times(heel_m, time_s, _PROMINENCE * feet.leg_m)]
        found += [_Event(t, "toe off", side) for t in _peak_times(-toe_m, time_s, _PROMINENCE * feet.leg_m)]
    return sorted(found)


def _facing(
    front: Float[np.ndarray, "t 3"], time_s: Float[np.ndarray, "t"], up: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "t 3"]:
    """Return the level direction of the pelvis without what a stride turns it, unit vectors."""
    level = front - (front @ up)[:, None] * up
    if mean_rate_hz(time_s, [slice(0, len(time_s))]) > 2.5 * _FACING_HZ:
        level = lowpass(level, time_s, cutoff_hz=_FACING_HZ)
    return level / np.maximum(np.linalg.norm(level, axis=1, keepdims=True), 1e-9)


def _peak_times(values: Float[np.ndarray, "t"], time_s: Float[np.ndarray, "t"], prominence: float) -> list[float]:
    """Return the times of peaks, between frames by the parabola through the three highest."""
    times: list[float] = []
    for i in find_peaks(values, prominence=prominence)[0].tolist():
        before, after = values[i] - values[i - 1], values[i] - values[i + 1]
        half_step_s = (time_s[i + 1] - time_s[i - 1]) / 4.0
        shift_s = half_step_s * (before - after) / (before + after) if before + after > 0.0 else 0.0
        times.append(float(time_s[i] + shift_s))
    return times


def _strides(events: Sequence[_Event]) -> Iterator[Stride]:
    """Yield the strides of unbroken runs of walking."""
    run: list[Stride] = []
    for window in (events[i : i + 5] for i in range(len(events) - 4)):
        stride = _as_stride(window)
        if stride is None:
            continue
        joins = run and stride.start_s == run[-1].other_strike_s
        if not joins or not _even([*run, stride]):
            yield from _walk(run)
            run = []
        run.append(stride)
    yield from _walk(run)


def _walk(run: list[Stride]) -> list[Stride]:
    return run if len(run) >= _MIN_STRIDES else []


def _even(run: Sequence[Stride]) -> bool:
    durations_s = [stride.duration_s for stride in run]
    return max(durations_s) <= _UNEVEN * min(durations_s)


def _as_stride(events: Sequence[_Event]) -> Stride | None:
    """Return five events as a stride if their order and their time are walking's."""
    side = events[0].side
    other: Side = "l" if side == "r" else "r"
    order = [("strike", side), ("toe off", other), ("strike", other), ("toe off", side), ("strike", side)]
    if [(event.kind, event.side) for event in events] != order:
        return None
    stride = Stride(side, *(event.time_s for event in events))
    walks = _STRIDE_S[0] <= stride.duration_s <= _STRIDE_S[1] and stride.double_support_share >= _DOUBLE_SUPPORT
    return stride if walks else None
