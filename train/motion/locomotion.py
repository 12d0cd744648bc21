"""Ways to go in, plans of footfalls out: straight, curved, turning, sideways, backward, on stairs, over obstacles."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.motion.footwork import LEFTWARD, NEVER, Footfall

Rng = np.random.Generator
SIDES = ("r", "l")
# Step length over cadence hardly changes with speed: 0.0064 m per step/min (Sekiya 1996), here per step/s.
WALK_RATIO_M_S = 0.384
REFERENCE_LEG_M = 0.83


@dataclass(frozen=True)
class Rhythm:
    """Attributes: step_m; half_s, time from step to step; stance, share of the stride; width_m between the ankles."""

    step_m: float
    half_s: float
    stance: float
    width_m: float
    unsteady: float = 0.02
    limp: float = 0.0

    @property
    def swing_s(self) -> float:
        """Return the time a foot is in the air."""
        return 2 * self.half_s * (1 - self.stance)


Way = Callable[[Rhythm, Rng, float], list[Footfall]]


def walking_rhythm(speed_m_s: float, leg_m: float, width_m: float, cadence: float = 1.0) -> Rhythm:
    """Return the usual rhythm of walking at a speed; `cadence` > 1 makes steps quicker and shorter."""
    scale = np.sqrt(leg_m / REFERENCE_LEG_M)
    steps_hz = cadence * np.sqrt(speed_m_s / WALK_RATIO_M_S) / scale
    stance = float(np.clip(0.62 + 0.07 * (1.25 - speed_m_s), 0.56, 0.72))
    return Rhythm(speed_m_s / steps_hz, 1 / steps_hz, stance, width_m)


def plan_steps(
    centres: Float[ndarray, "n 3"],
    rhythm: Rhythm,
    rng: Rng,
    *,
    first_s: float,
    start: bool = False,
    stop: bool = False,
    side: str = "r",
    heights_m: Float[ndarray, "n"] | None = None,
    over_m: Float[ndarray, "n"] | None = None,
) -> list[Footfall]:
    """Put one foot after the other beside the centres.

    Args:
        centres: x, z and heading of the body at each step; with `start` the first two are where it stands before.
        rhythm: Timing and width; `limp` makes steps of the right foot follow later and its stance shorter.
        rng: For the unevenness of steps.
        first_s: When the first moving foot lands.
        start: Begin standing.
        stop: End standing, on the last two.
        side: The foot that moves first.
        heights_m: Of the floor under each.
        over_m: What each clears.
    """
    count = len(centres)
    first = 2 if start else 0
    gaps = rhythm.half_s * (1 + rng.normal(0, rhythm.unsteady, count))
    sides = [side if (k - first) % 2 == 0 else ("l" if side == "r" else "r") for k in range(count)]
    gaps *= [1 + rhythm.limp if s == "r" else 1 - rhythm.limp for s in sides]
    on = first_s + np.concatenate([np.zeros(first + 1), np.cumsum(gaps[first:-1])])
    both_s = 2 * rhythm.half_s * (rhythm.stance - 0.5)
    falls = []
    for k in range(count):
        x, z, heading = centres[k]
        out = LEFTWARD[sides[k]] * rhythm.width_m / 2 + rng.normal(0, 0.3 * rhythm.unsteady)
        along = rng.normal(0, rhythm.unsteady * abs(rhythm.step_m)) * (k >= first)
        off = on[k + 1] + both_s if k + 1 < count else NEVER
        if k < first:
            off = on[first] - rhythm.swing_s if sides[k] == side else on[first] + both_s
        if stop and k >= count - 2:
            off = NEVER
        falls.append(
            Footfall(
                sides[k],
                -NEVER if k < first else on[k],
                float(off),
                float(x + out * np.cos(heading) + along * np.sin(heading)),
                float(z - out * np.sin(heading) + along * np.cos(heading)),
                float(heading),
                0.0 if heights_m is None else float(heights_m[k]),
                0.0 if over_m is None else float(over_m[k]),
            )
        )
    return falls


def straight(count: int, step_m: float, *, start: bool = False, stop: bool = False) -> Float[ndarray, "n 3"]:
    """Return centres straight ahead (backward if `step_m` < 0)."""
    z = step_m * np.arange(count)
    if start:
        z = np.concatenate([[0.0, 0.0], step_m * (0.75 + np.arange(count - 2))])
    if stop:
        z[-1] = z[-2]
    return np.column_stack([np.zeros(count), z, np.zeros(count)])


def turned(centres: Float[ndarray, "n 3"], turns_rad: Float[ndarray, "n"], ahead: float = 1.0) -> Float[ndarray, "n 3"]:
    """Bend a way: step by step the heading (and the way with it) turns by `turns_rad` (+ to the left)."""
    moves = np.diff(centres[:, :2], axis=0, prepend=centres[:1, :2])
    heading = np.cumsum(turns_rad)
    way = ahead * heading
    x = moves[:, 0] * np.cos(way) + moves[:, 1] * np.sin(way)
    z = -moves[:, 0] * np.sin(way) + moves[:, 1] * np.cos(way)
    return np.column_stack([np.cumsum(x), np.cumsum(z), centres[:, 2] + heading])


def sideways(count: int, step_m: float, *, start: bool = False, stop: bool = False) -> Float[ndarray, "n 3"]:
    """Return centres to the left (right if `step_m` < 0), facing front: one foot goes, the other follows."""
    centres = straight(count, step_m / 2, start=start, stop=stop)
    return np.column_stack([centres[:, 1], np.zeros(count), np.zeros(count)])


def way_straight(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Go straight, from and to beyond the clip."""
    count = int(seconds / r.half_s) + 9
    return plan_steps(straight(count, r.step_m), r, rng, first_s=-4 * r.half_s, side=str(rng.choice(SIDES)))


def way_curve(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Go along a bend that changes."""
    count = int(seconds / r.half_s) + 9
    bend = rng.uniform(-1, 1) * abs(r.step_m) / rng.uniform(0.8, 3.0)
    turns = bend * (1 + 0.4 * np.sin(np.arange(count) / rng.uniform(1.5, 5)))
    return plan_steps(
        turned(straight(count, r.step_m), turns), r, rng, first_s=-4 * r.half_s, side=str(rng.choice(SIDES))
    )


def way_start_stop(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Stand, go, turn on the way if there is time, go on, stand."""
    wait = rng.uniform(0.8, 1.8)
    count = max(5, int((seconds - 2 * wait) / r.half_s) + 2)
    centres = straight(count, r.step_m, start=True, stop=True)
    if count > 11 and rng.random() < 0.7:
        turns, steps = np.zeros(count), int(rng.integers(3, 6))
        at = int(rng.integers(4, count - steps - 1))
        turns[at : at + steps] = rng.choice([-1, 1]) * np.radians(rng.choice([90, 180, 180])) / steps
        small = np.ones(count)
        small[at : at + steps] = 0.45
        steps_m = np.diff(centres[:, 1], prepend=0.0) * small
        centres = turned(np.column_stack([0 * steps_m, np.cumsum(steps_m), 0 * steps_m]), turns)
    return plan_steps(centres, r, rng, first_s=wait + r.swing_s, start=True, stop=True, side=str(rng.choice(SIDES)))


def way_turn(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Turn on the spot by 90 to 360 degrees and stand."""
    wait = rng.uniform(0.6, 1.6)
    count = max(6, int((seconds - 2 * wait) / r.half_s) + 2)
    sense = rng.choice([-1, 1])
    turns = np.zeros(count)
    by = np.radians(rng.uniform(22, 42))
    many = min(count - 3, int(np.radians(rng.choice([90, 180, 360])) / by) + 1)
    turns[2 : 2 + many] = sense * by
    centres = turned(straight(count, 0.0, start=True), turns)
    side = "l" if sense > 0 else "r"
    return plan_steps(centres[: many + 4], r, rng, first_s=wait + r.swing_s, start=True, stop=True, side=side)


def way_sideways(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Step to one side, and stand."""
    wait = rng.uniform(0.6, 1.4)
    count = 2 * max(3, int((seconds - 2 * wait) / r.half_s / 2))
    step = rng.choice([-1, 1]) * rng.uniform(0.15, 0.5)
    wide = replace(r, width_m=0.14 + abs(step) / 2)
    side = "l" if step > 0 else "r"
    return plan_steps(
        sideways(count, step, start=True), wide, rng, first_s=wait + r.swing_s, start=True, stop=True, side=side
    )


def way_upstairs(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Climb stairs, foot over foot, from and to standing."""
    return _stairs(r, rng, seconds, rng.uniform(0.12, 0.2))


def way_downstairs(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Descend stairs."""
    return _stairs(r, rng, seconds, -rng.uniform(0.12, 0.2))


def _stairs(r: Rhythm, rng: Rng, seconds: float, rise_m: float) -> list[Footfall]:
    wait = rng.uniform(0.6, 1.4)
    count = max(6, int((seconds - 2 * wait) / r.half_s) + 2)
    centres = straight(count, r.step_m, start=True, stop=True)
    heights = rise_m * np.concatenate([[0.0, 0.0], np.arange(1, count - 1)])
    heights[-1] = heights[-2]
    return plan_steps(
        centres, r, rng, first_s=wait + r.swing_s, start=True, stop=True, side=str(rng.choice(SIDES)),
        heights_m=heights, over_m=np.full(count, 0.05),
    )  # fmt: skip


def way_obstacles(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Go straight and step over things now and then."""
    count = int(seconds / r.half_s) + 9
    over = np.zeros(count)
    for at in range(int(rng.integers(4, 8)), count - 1, int(rng.integers(5, 9))):
        over[at : at + 2] = rng.uniform(0.08, 0.3)
    return plan_steps(
        straight(count, r.step_m), r, rng, first_s=-4 * r.half_s, side=str(rng.choice(SIDES)), over_m=over
    )


def way_skip(r: Rhythm, rng: Rng, seconds: float) -> list[Footfall]:
    """Skip: each foot lands, hops, and lands again before the other's turn."""
    count = int(seconds / r.half_s) + 9
    falls = []
    for k, fall in enumerate(plan_steps(straight(count, r.step_m), r, rng, first_s=-4 * r.half_s)):
        on, ahead = -4 * r.half_s + k * r.half_s, 0.35 * r.step_m
        falls.append(replace(fall, on_s=on, off_s=on + 0.3 * r.half_s))
        falls.append(replace(fall, on_s=on + 0.5 * r.half_s, off_s=on + 0.85 * r.half_s, z_m=fall.z_m + ahead))
    return falls
