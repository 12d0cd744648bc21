"""Footfalls and a manner of walking in, SKEL motion on the floor out.

Feet come first: they stand exactly where the plan puts them and roll over heel, ball and toes. The pelvis rides over
them at the height at which the knees of the standing legs bend as the manner says. Legs in swing go from the last
stance to the next by their length and direction, as knee and hip do, and are shortened until the foot clears the floor.
Then `leg_ik` finds the angles. World: x left, y up, z front, floor y = 0; steps may be higher.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from skelvid.body.dofs import DOF_INDEX, limits_rad
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_DOFS, SkelParams
from train.motion.compose import arm_degrees
from train.motion.footwork import FPS, LEFTWARD, NEVER, Foot, Footfall, LegManner, smooth
from train.motion.leg_ik import Leg, make_legs, pelvis_turn, solve_leg

SIDES = ("r", "l")
GRAVITY_M_S2 = 9.81


@dataclass(frozen=True)
class Manner:
    """How a person walks; degrees where not said otherwise.

    Attributes:
        legs: By side.
        over: Share of the stride after contact at which the pelvis passes over the ankle.
        sway_m: How far inward of the ankle the pelvis passes.
        tilt, lean: Mean tilt of the pelvis (+ back) and of the thorax in the world (+ back).
        tilt_wave, list_wave, turn_wave: Amplitudes of the pelvis. drop: How much further the other side falls, by side.
        lurch: Lean of the trunk towards the standing leg, by side.
        thorax_turn: Amplitude against the pelvis.
        arm_swing, arm_mean, arm_out, elbow_mean, elbow_swing, arm_in: Of the arms, arm_in being inward rotation.
        shift: By which share of the stride the arms lag.
        head: Extension of the head in the world (- looks down).
        extra: Constant offsets of any DoF. held: The same, but in place of all else; arm_{r,l}_{flex,out,in} too.
        unrest: Multiplies slow noise.
    """

    legs: dict[str, LegManner] = field(default_factory=lambda: {"r": LegManner(), "l": LegManner()})
    over: float = 0.215
    sway_m: float = 0.03
    tilt: float = -8.0
    lean: float = -2.0
    tilt_wave: float = 1.2
    list_wave: float = 4.0
    turn_wave: float = 5.0
    drop: dict[str, float] = field(default_factory=lambda: {"r": 0.0, "l": 0.0})
    lurch: dict[str, float] = field(default_factory=lambda: {"r": 0.0, "l": 0.0})
    thorax_turn: float = 4.0
    arm_swing: float = 14.0
    arm_mean: float = -3.0
    arm_out: float = 10.0
    arm_in: float = 10.0
    elbow_mean: float = 20.0
    elbow_swing: float = 9.0
    shift: float = 0.03
    head: float = 0.0
    extra: dict[str, float] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    unrest: float = 1.0

    def each_leg(self, **changes: object) -> "Manner":
        """Return the manner with both legs changed."""
        return replace(self, legs={side: replace(leg, **changes) for side, leg in self.legs.items()})

    def one_leg(self, side: str, **changes: object) -> "Manner":
        """Return the manner with one leg changed."""
        return replace(self, legs={**self.legs, side: replace(self.legs[side], **changes)})


@dataclass(frozen=True)
class Walk:
    """A gait as SKEL motion: params `t`; contact `t 4`; short_m, by how much legs did not reach at most."""

    params: SkelParams
    contact: Float[ndarray, "t 4"]
    time_s: Float[ndarray, "t"]
    short_m: float


def walk(
    body: SkelBody,
    betas: Float[ndarray, "10"],
    manner: Manner,
    plan: Sequence[Footfall],
    seconds: float,
    rng: np.random.Generator,
) -> Walk:
    """Make a person walk by a plan of footfalls, each side's in order of time."""
    time_s = np.arange(round(seconds * FPS)) / FPS
    legs = make_legs(body, betas)
    beat = Beat(plan, time_s)
    noise = Unrest(time_s, rng, manner.unrest)
    heading, middle = ride(manner, plan, beat, time_s)
    middle[:, [0, 2]] += 0.004 * noise.many(2)
    pelvis_deg = pelvis_angles(manner, beat, noise)
    q = np.zeros((len(time_s), N_DOFS))
    q[:, :3] = np.radians(pelvis_deg) + np.outer(heading, [0, 0, 1])
    turn = pelvis_turn(legs["r"], q[:, :3])
    mean_hip = (legs["r"].hip_m + legs["l"].hip_m) / 2
    hips = {side: turn @ (legs[side].hip_m - mean_hip) for side in SIDES}
    feet = {side: Foot(legs[side], manner.legs[side], [f for f in plan if f.side == side], time_s) for side in SIDES}
    middle[:, 1] = height(legs, manner, feet, {side: hips[side] + middle for side in SIDES}, beat, time_s)
    short = 0.0
    for side in SIDES:
        at = DOF_INDEX[f"hip_flexion_{side}"]
        foot, hip = feet[side], hips[side] + middle
        foot.swing(hip, heading)
        q[:, at : at + 6], lacking = solve_leg(legs[side], turn, hip, foot.turn, foot.place_m)
        q[:, at + 6] = -np.radians(foot.toes_deg)
        short = max(short, float(lacking.max()))
    upper_body(q, manner, beat, noise, pelvis_deg, heading)
    lower, upper = limits_rad()
    q[:, 17:] = np.clip(q[:, 17:], lower[17:], upper[17:])
    trans = middle - turn @ mean_hip - _root(body, betas)
    contact = np.concatenate([feet[side].contact for side in SIDES], axis=1)
    return Walk(SkelParams(q, betas[None], trans), contact, time_s, short)


def _root(body: SkelBody, betas: Float[ndarray, "10"]) -> Float[ndarray, "3"]:
    return body.assets.joints_m[0] + body.assets.joint_dirs_m[0] @ betas


class Beat:
    """The rhythm of a plan: phase (0 = right contact, 0.5 = left contact), stride time and how much it is walking."""

    def __init__(self, plan: Sequence[Footfall], time_s: Float[ndarray, "t"]) -> None:
        steps = sorted((f for f in plan if f.on_s > -NEVER), key=lambda f: f.on_s)
        on, right = np.array([f.on_s for f in steps]), np.array([f.side == "r" for f in steps])
        hops = right[1:] == right[:-1]  # two landings of one foot share the time of a step
        gain = np.where(hops | np.append(False, hops[:-1]), 0.25, 0.5)
        phase = (0.0 if right[0] else 0.5) + np.append(0.0, np.cumsum(gain))
        gap = float(np.median(np.diff(on) / gain) / 2)
        outer = np.concatenate([[on[0] - 8 * gap], on, [on[-1] + 8 * gap]])
        phase = np.interp(time_s, outer, np.concatenate([[phase[0] - 4], phase, [phase[-1] + 4]]))
        self.phase = gaussian_filter1d(phase, 0.08 * gap * FPS, mode="nearest")
        self.stride_s = 2 * gap
        self.going = smooth((time_s - on[0]) / gap + 1) * smooth((on[-1] - time_s) / gap + 1)

    def wave(self, at: float, times: int = 1) -> Float[ndarray, "t"]:
        """Return a cosine that peaks at a phase, as large as there is walking."""
        return self.going * np.cos(2 * np.pi * times * (self.phase - at))


class Unrest:
    """Slow noise of about unit size, one curve after the other."""

    def __init__(self, time_s: Float[ndarray, "t"], rng: np.random.Generator, size: float) -> None:
        self.time_s, self.rng, self.size = time_s, rng, size

    def many(self, count: int) -> Float[ndarray, "t c"]:
        """Return curves that live below 1.2 Hz, the slower the larger."""
        hz = self.rng.uniform(0.05, 1.2, (5, count))
        part = 1 / (0.3 + hz)
        part /= np.sqrt((part**2).sum(0) / 2)
        waves = np.sin(2 * np.pi * (self.time_s[:, None, None] * hz + self.rng.random((5, count))))
        return self.size * (waves * part).sum(1)


def ride(
    manner: Manner, plan: Sequence[Footfall], beat: Beat, time_s: Float[ndarray, "t"]
) -> tuple[Float[ndarray, "t"], Float[ndarray, "t 3"]]:
    """Return heading and place of the middle between the hips (height to come): it passes each standing foot inside."""
    sides = {side: sorted((f for f in plan if f.side == side), key=lambda f: f.on_s) for side in SIDES}
    times, places, headings = [], [], []

    def knot(when: float, feet: Sequence[Footfall], share: float) -> None:
        x, z, heading = (np.mean([getattr(f, name) for f in feet]) for name in ("x_m", "z_m", "heading_rad"))
        if len(feet) == 1:
            inward = -LEFTWARD[feet[0].side] * share
            x, z = x + inward * np.cos(heading), z - inward * np.sin(heading)
        times.append(when)
        places.append((x, 0.0, z))
        headings.append(heading)

    for foot in sorted((f for f in plan if f.on_s > -NEVER), key=lambda f: f.on_s):
        knot(foot.on_s + manner.over * beat.stride_s, [foot], manner.sway_m)
    start, end = [fs[0] for fs in sides.values()], [fs[-1] for fs in sides.values()]
    if all(f.on_s <= -NEVER for f in start):
        first = min(f.off_s for f in start)
        for before in (0.15, 0.6, 1.2):
            knot(first - before * beat.stride_s, start, 0.0)
        last = max(f.off_s for f in start)
        if last > first:
            knot(first + 0.25 * beat.stride_s, [max(start, key=lambda f: f.off_s)], manner.sway_m)
    if all(f.off_s >= NEVER for f in end):
        last = max(f.on_s for f in end)
        kept = sum(t <= last + 0.1 * beat.stride_s for t in times)
        order = np.argsort(times)[:kept]
        times, places, headings = ([values[i] for i in order] for values in (times, places, headings))
        for after in (0.3, 0.8, 1.4):
            knot(last + after * beat.stride_s, end, 0.0)
    order = np.argsort(times)
    when, values = np.array(times)[order], np.column_stack([places, headings])[order]
    return _soft(time_s, when, values, beat.stride_s)


def _soft(
    time_s: ndarray, when: ndarray, values: Float[ndarray, "n 4"], stride_s: float
) -> tuple[Float[ndarray, "t"], Float[ndarray, "t 3"]]:
    """Go straight from knot to knot with rounded corners, and on at both ends as before."""
    pad = int(2 * FPS)
    longer = np.concatenate([time_s[0] - np.arange(pad, 0, -1) / FPS, time_s, time_s[-1] + np.arange(1, pad + 1) / FPS])
    line = PchipInterpolator(when, values)(np.clip(longer, when[0], when[-1]))
    for end, slot in ((0, longer < when[0]), (-1, longer > when[-1])):
        near = (0, 2) if end == 0 else (-3, -1)
        pace = (values[near[1]] - values[near[0]]) / max(when[near[1]] - when[near[0]], 1e-6)
        line[slot] = values[end] + np.outer(longer[slot] - when[end], pace)
    curve = gaussian_filter1d(line, 0.09 * stride_s * FPS, axis=0)[pad:-pad]
    return curve[:, 3], curve[:, :3]


def pelvis_angles(manner: Manner, beat: Beat, noise: Unrest) -> Float[ndarray, "t 3"]:
    """Return tilt, list (+ right side down) and rotation (+ to the left) without heading, degrees."""
    stand_r = beat.going * smooth(0.5 + 1.2 * np.sin(2 * np.pi * (beat.phase + 0.02)))
    stand_l = beat.going * smooth(0.5 - 1.2 * np.sin(2 * np.pi * (beat.phase + 0.02)))
    tilt = manner.tilt + manner.tilt_wave * beat.wave(0.05, 2)
    fall = manner.drop["l"] * stand_l - manner.drop["r"] * stand_r
    side = -manner.list_wave * (beat.wave(0.16) + 0.15 * beat.wave(0.1, 3)) + fall
    turn = manner.turn_wave * beat.wave(0.02)
    return np.stack([tilt, side, turn], axis=1) + noise.many(3) * [0.7, 0.5, 1.0]


def height(
    legs: dict[str, Leg],
    manner: Manner,
    feet: dict[str, Foot],
    hips: dict[str, Float[ndarray, "t 3"]],
    beat: Beat,
    time_s: Float[ndarray, "t"],
) -> Float[ndarray, "t"]:
    """Return the height of the hips at which standing legs bend as wanted and none is too short."""
    limit = np.full(len(time_s), np.inf)
    wishes = []
    for side in SIDES:
        foot, leg, hip = feet[side], legs[side], hips[side]
        talus = foot.talus_m()
        flat = ((talus - hip)[:, [0, 2]] ** 2).sum(1)
        own = talus[:, 1] - hip[:, 1]
        for fall in foot.falls:
            at = np.flatnonzero((time_s >= fall.on_s) & (time_s <= fall.off_s))
            if len(at):
                knee = np.radians(_stance_knee(foot.manner, fall, foot.nominal_s, time_s[at]))
                rise, most = (
                    np.sqrt(np.maximum(leg.length_m(k) ** 2 - flat[at], 0.04))
                    for k in (knee, np.maximum(0.6 * knee, 0.03))
                )
                wishes.append((fall, at, own[at] + rise))
                limit[at] = np.minimum(limit[at], own[at] + most)
    level = gaussian_filter1d(_lead(wishes, len(time_s)), 0.018 * beat.stride_s * FPS, mode="nearest")
    width = max(2, int(0.05 * beat.stride_s * FPS))
    over = -minimum_filter1d(np.minimum(limit - level, 0.0), 2 * width + 1)
    return np.minimum(level - gaussian_filter1d(over, width / 2, mode="nearest"), limit)


def _lead(wishes: Sequence[tuple[Footfall, ndarray, ndarray]], frames: int) -> Float[ndarray, "t"]:
    """Follow the foot that landed last; its late wish bends to meet the next one's first. Flight is free fall."""
    level = np.full(frames, np.nan)
    wishes = sorted(wishes, key=lambda wish: (wish[0].on_s, wish[0].off_s))
    for (_, at, own), later in zip(wishes, [*wishes[1:], None], strict=True):
        own = own.copy()
        if later is not None:
            landed = int(np.searchsorted(at, later[1][0]))
            if 0 < landed < len(at):  # both stand
                share = smooth(1 - np.arange(landed - 1, -1, -1) / max(0.4 * landed, 3.0))
                own[:landed] += share * (later[2][0] - own[landed])
                at, own = at[:landed], own[:landed]
        level[at] = own
    stands = np.isfinite(level)
    level = np.interp(np.arange(frames), np.flatnonzero(stands), level[stands])
    edges = np.flatnonzero(np.diff(np.concatenate([[True], stands, [True]]).astype(int)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        u = (np.arange(first, last) - first + 1) / FPS
        level[first:last] += 0.5 * GRAVITY_M_S2 * u * ((last - first + 1) / FPS - u)
    return level


def _stance_knee(manner: LegManner, fall: Footfall, nominal_s: float, when: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
    """Return the wanted knee of a stance, degrees."""
    start, loaded, middle, end = manner.stance_knee
    stance = min(nominal_s, fall.off_s - fall.on_s)
    since, until = (when - fall.on_s) / stance, (fall.off_s - when) / stance
    early = PchipInterpolator([0.0, 0.24, 0.62], [start, loaded, middle])(np.clip(since, 0, 0.62))
    late = PchipInterpolator([0.0, 0.1, 0.38], [end, 0.55 * end + 0.45 * middle, middle])(np.clip(until, 0, 0.38))
    return early + late - middle


def upper_body(
    q: Float[ndarray, "t 46"], manner: Manner, beat: Beat, noise: Unrest, pelvis_deg: ndarray, heading: ndarray
) -> None:
    """Fill trunk, head and arms, which balance the legs."""
    stand_r = smooth(0.5 + 1.1 * np.sin(2 * np.pi * beat.phase)) * beat.going
    stand_l = smooth(0.5 - 1.1 * np.sin(2 * np.pi * beat.phase)) * beat.going
    lurch = manner.lurch["r"] * stand_r - manner.lurch["l"] * stand_l
    bend = lurch - 0.85 * pelvis_deg[:, 1] - 1.0 * beat.wave(0.2)
    extend = manner.lean - pelvis_deg[:, 0] + 1.0 * beat.wave(0.3, 2)
    twist = -pelvis_deg[:, 2] - manner.thorax_turn * beat.wave(0.02 + manner.shift)
    degrees = {"lumbar_bending": 0.6 * bend, "thorax_bending": 0.4 * bend, "lumbar_extension": 0.55 * extend,
               "thorax_extension": 0.45 * extend, "lumbar_twist": 0.35 * twist,
               "thorax_twist": 0.65 * twist}  # fmt: skip
    ahead = np.concatenate([heading[24:], np.full(min(24, len(heading)), heading[-1])])[: len(heading)]
    degrees["head_twist"] = 0.9 * manner.thorax_turn * beat.wave(0.02) + np.clip(np.degrees(ahead - heading), -45, 45)
    degrees["head_bending"] = -0.7 * lurch
    degrees["head_extension"] = manner.head - manner.lean - 0.8 * beat.wave(0.3, 2)
    for side in SIDES:
        sign = 1.0 if side == "r" else -1.0
        wave = beat.wave((0.5 if side == "r" else 0.0) + manner.shift)
        degrees[f"arm_{side}_flex"] = manner.arm_mean + manner.arm_swing * wave - 0.3 * manner.lean
        degrees[f"arm_{side}_out"] = manner.arm_out + 0 * wave
        degrees[f"arm_{side}_in"] = manner.arm_in + 0 * wave
        degrees[f"elbow_flexion_{side}"] = manner.elbow_mean + manner.elbow_swing * wave
        degrees[f"scapula_abduction_{side}"] = sign * 0.2 * manner.arm_swing * wave
    for name, value in manner.extra.items():
        degrees[name] = degrees.get(name, np.zeros(len(q))) + value
    for name, value in manner.held.items():
        degrees[name] = np.full(len(q), value)
    for side in SIDES:
        parts = (degrees.pop(f"arm_{side}_{part}") + 1.5 * noise.many(1)[:, 0] for part in ("flex", "out", "in"))
        for name, value in hanging_arm(side, *parts).items():
            degrees[name] = degrees.get(name, np.zeros(len(q))) + value
    for start, size in (("lumbar", 0.6), ("thorax", 0.8), ("head", 1.8), ("scapula", 0.8),
                        ("elbow", 2.0), ("pro_sup", 3.0), ("wrist", 3.0)):  # fmt: skip
        columns = [i for name, i in DOF_INDEX.items() if name.startswith(start)]
        q[:, columns] += np.radians(size) * noise.many(len(columns))
    for name, value in degrees.items():
        q[:, DOF_INDEX[name]] += np.radians(value)


def hanging_arm(side: str, flex: ndarray, out: ndarray, inward: ndarray) -> dict[str, Float[ndarray, "t"]]:
    """Return SKEL's shoulder angles of an arm swung forward, held off the body and turned inward, degrees."""
    forward, aside = np.tan(np.radians(np.clip(flex, -80, 80))), np.tan(np.radians(np.clip(out, 1, 80)))
    channels = {
        f"arm_{side}_plane": np.degrees(np.arctan2(forward, aside)),
        f"arm_{side}_elev": np.degrees(np.arctan(np.hypot(forward, aside))),
        f"arm_{side}_rot": inward,
    }
    return arm_degrees(channels, side, len(flex))
