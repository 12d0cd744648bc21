"""Persons and chance in, gaits out: normal and pathological walking, running, turning, stairs.

Each style is a function from a gait to a gait; `usual` is what they start from.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from train.motion.footwork import LegManner
from train.motion.gait import SIDES, Manner
from train.motion.locomotion import Rhythm, walking_rhythm
from train.motion.score import Person

Rng = np.random.Generator


@dataclass(frozen=True)
class Gait:
    """A manner with its rhythm."""

    manner: Manner
    rhythm: Rhythm


Style = Callable[[Gait, Rng], Gait]


def usual(person: Person, leg_m: float, speed_m_s: float, rng: Rng) -> Gait:
    """Return how a person walks at a speed."""
    rhythm = walking_rhythm(speed_m_s, leg_m, rng.uniform(0.08, 0.16), float(rng.normal(1, 0.06)))
    vigour = float(np.clip(rhythm.step_m / 0.69 * 0.83 / leg_m, 0.3, 1.5))
    posture = person.posture
    leg = LegManner(
        stance_knee=(
            max(8 + rng.normal(0, 3), 4), 9 + 9 * vigour + rng.normal(0, 3), 5 + rng.normal(0, 3), 38 + rng.normal(0, 3)
        ),
        swing_knee=52 + 10 * vigour + rng.normal(0, 4),
        pitch_on=float(np.clip(20 * vigour + rng.normal(0, 3), 0, 30)),
        pitch_off=-47 - 16 * vigour + rng.normal(0, 3),
        pitch_late=10 * vigour,
        clearance_m=rng.uniform(0.01, 0.03),
    )  # fmt: skip
    legs = {side: replace(leg, toe_out=posture[f"foot_{side}_yaw"]) for side in SIDES}
    manner = Manner(
        legs=legs,
        sway_m=float(np.clip(rhythm.width_m / 2 - rng.uniform(0.01, 0.03), 0.0, 0.06)),
        tilt=posture["pelvis_tilt"] - rng.uniform(0, 3),
        lean=posture["pelvis_tilt"] + posture["lumbar_extension"] + posture["thorax_extension"] - rng.uniform(0, 4),
        tilt_wave=rng.uniform(0.4, 2.2),
        list_wave=vigour * rng.uniform(2, 5.5),
        turn_wave=vigour * rng.normal(4.5, 2),
        thorax_turn=vigour * rng.uniform(1, 6),
        arm_swing=vigour**1.3 * rng.uniform(5, 22),
        arm_mean=rng.normal(-3, 4),
        arm_out=rng.uniform(4, 16),
        arm_in=rng.normal(12, 12),
        elbow_mean=rng.uniform(10, 30),
        elbow_swing=vigour * rng.uniform(3, 14),
        shift=rng.uniform(0, 0.06),
        head=posture["head_extension"] - (rng.uniform(5, 25) if rng.random() < 0.25 else 0.0),
        extra={"pro_sup_r": rng.normal(10, 20), "pro_sup_l": rng.normal(10, 20)},
        unrest=person.sway,
    )
    return Gait(manner, rhythm)


def _side(rng: Rng) -> str:
    return str(rng.choice(SIDES))


def normal(gait: Gait, rng: Rng) -> Gait:
    """Return the gait as it is."""
    return gait


def stiff_knee(gait: Gait, rng: Rng) -> Gait:
    """Bend one knee little in swing: the leg swings outward, the pelvis hikes on its side."""
    side, peak = _side(rng), rng.uniform(5, 32)
    leg = gait.manner.legs[side]
    knees = (leg.stance_knee[0], *np.minimum(leg.stance_knee[1:], [10, 8, 22]).tolist())
    manner = gait.manner.one_leg(
        side, swing_knee=peak, stance_knee=knees, aside=rng.uniform(0.3, 0.9), pitch_off=rng.uniform(-50, -30),
        pitch_late=2.0, pitch_swing=-5.0, pitch_on=rng.uniform(2, 12),
    )  # fmt: skip
    other = "l" if side == "r" else "r"
    drop = {side: 0.0, other: -rng.uniform(2, 8)}
    return Gait(replace(manner, drop=drop, list_wave=manner.list_wave * 0.5), gait.rhythm)


def foot_drop(gait: Gait, rng: Rng) -> Gait:
    """Let one foot hang in swing and slap: the knee lifts it (steppage)."""
    side = _side(rng)
    hang = rng.uniform(-38, -18)
    return Gait(
        gait.manner.one_leg(
            side, pitch_swing=hang, pitch_late=hang * 0.7, pitch_on=rng.uniform(-12, 3), swing_knee=rng.uniform(62, 85),
            flat_from=0.06, clearance_m=rng.uniform(0.02, 0.06),
        ),
        gait.rhythm,
    )  # fmt: skip


def circumduction(gait: Gait, rng: Rng) -> Gait:
    """Swing one stiff leg outward (hemiplegia), the arm of its side held bent."""
    gait = stiff_knee(gait, rng)
    side = next(s for s in SIDES if gait.manner.legs[s].aside > 0)
    bent = {f"elbow_flexion_{side}": rng.uniform(50, 100), f"pro_sup_{side}": rng.uniform(20, 60),
            f"wrist_flexion_{side}": rng.uniform(10, 50)} if rng.random() < 0.6 else {}  # fmt: skip
    manner = gait.manner.one_leg(side, aside=rng.uniform(0.8, 1.0), pitch_swing=-14.0, pitch_late=-8.0, pitch_on=-2.0)
    return Gait(replace(manner, held=manner.held | bent), replace(gait.rhythm, limp=rng.uniform(-0.12, 0.12)))


def trendelenburg(gait: Gait, rng: Rng) -> Gait:
    """Let the pelvis drop on the other side, or the trunk lean over the weak hip, on one side or both."""
    sides = SIDES if rng.random() < 0.3 else (_side(rng),)
    drop, lurch = {"r": 0.0, "l": 0.0}, {"r": 0.0, "l": 0.0}
    for side in sides:
        drop[side] = rng.uniform(2, 9) if rng.random() < 0.7 else -rng.uniform(0, 4)
        lurch[side] = rng.uniform(4, 18) if rng.random() < 0.7 else 0.0
    return Gait(replace(gait.manner, drop=drop, lurch=lurch), gait.rhythm)


def trunk_sway(gait: Gait, rng: Rng) -> Gait:
    """Lean the trunk over each standing leg, as people do to unload hips and knees; the pelvis may go with it."""
    lean = rng.uniform(4, 16)
    manner = replace(
        gait.manner, lurch={side: lean * rng.uniform(0.7, 1.0) for side in SIDES},
        list_wave=gait.manner.list_wave * rng.uniform(0.2, 1.6), arm_out=gait.manner.arm_out + rng.uniform(0, 8),
    )  # fmt: skip
    return Gait(manner, replace(gait.rhythm, width_m=gait.rhythm.width_m + rng.uniform(0, 0.08)))


def crouch(gait: Gait, rng: Rng) -> Gait:
    """Keep knees and hips bent."""
    bend = rng.uniform(12, 45)
    leg = gait.manner.legs["r"]
    knees = tuple(float(k + bend * s) for k, s in zip(leg.stance_knee, (1, 0.8, 1, 0.4), strict=True))
    manner = gait.manner.each_leg(
        stance_knee=knees, swing_knee=leg.swing_knee + 0.3 * bend, pitch_on=rng.uniform(-6, 6), pitch_late=0.0,
        toe_out=rng.normal(-3, 10), rise_from=rng.uniform(0.35, 0.55),
    )  # fmt: skip
    return Gait(
        replace(manner, lean=manner.lean - rng.uniform(0, 12)), replace(gait.rhythm, step_m=gait.rhythm.step_m * 0.8)
    )


def antalgic(gait: Gait, rng: Rng) -> Gait:
    """Limp: little time and little bend on one leg."""
    side = _side(rng)
    limp = rng.uniform(0.06, 0.22) * (1 if side == "l" else -1)
    lurch = {side: rng.uniform(0, 10), "l" if side == "r" else "r": 0.0}
    leg = gait.manner.legs[side]
    knees = (leg.stance_knee[0] + 4, leg.stance_knee[1] * 0.6, leg.stance_knee[2] + 4, leg.stance_knee[3] - 6)
    manner = gait.manner.one_leg(side, stance_knee=knees, swing_knee=leg.swing_knee - rng.uniform(0, 15))
    return Gait(replace(manner, lurch=lurch), replace(gait.rhythm, limp=limp))


def ataxic(gait: Gait, rng: Rng) -> Gait:
    """Walk wide and unsteady."""
    rhythm = replace(gait.rhythm, width_m=rng.uniform(0.2, 0.36), unsteady=rng.uniform(0.05, 0.12))
    manner = gait.manner.each_leg(toe_out=rng.uniform(8, 25), clearance_m=rng.uniform(0.02, 0.06))
    return Gait(replace(manner, unrest=2.5, arm_out=rng.uniform(15, 40), sway_m=rng.uniform(0.05, 0.11)), rhythm)


def shuffling(gait: Gait, rng: Rng) -> Gait:
    """Take small quick steps, bent forward, arms still (parkinsonism)."""
    step = gait.rhythm.step_m * rng.uniform(0.3, 0.65)
    rhythm = replace(gait.rhythm, step_m=step, half_s=rng.uniform(0.42, 0.62), stance=rng.uniform(0.64, 0.74))
    manner = gait.manner.each_leg(
        stance_knee=(14.0, 18.0, 15.0, 28.0), swing_knee=rng.uniform(35, 48), pitch_on=rng.uniform(-4, 5),
        pitch_off=rng.uniform(-40, -22), pitch_swing=-8.0, pitch_late=-1.0, clearance_m=0.006,
    )  # fmt: skip
    elbow = rng.uniform(30, 90)
    return Gait(
        replace(
            manner, lean=-rng.uniform(8, 35), head=-rng.uniform(0, 15), arm_swing=rng.uniform(0, 5), elbow_swing=1.0,
            elbow_mean=elbow, arm_in=rng.uniform(10, 45), turn_wave=1.5, thorax_turn=0.5, list_wave=1.5,
        ),
        rhythm,
    )  # fmt: skip


def on_toes(gait: Gait, rng: Rng) -> Gait:
    """Walk on the balls of the feet, one or both."""
    rise = -rng.uniform(12, 38)
    changes = {"pitch_flat": rise, "pitch_on": rise - rng.uniform(-4, 8), "pitch_swing": rise, "pitch_late": rise,
               "rise_from": 0.55, "clearance_m": 0.02}  # fmt: skip
    manner = gait.manner.each_leg(**changes) if rng.random() < 0.7 else gait.manner.one_leg(_side(rng), **changes)
    return Gait(manner, replace(gait.rhythm, step_m=gait.rhythm.step_m * 0.85))


def on_heels(gait: Gait, rng: Rng) -> Gait:
    """Walk on the heels."""
    rise = rng.uniform(8, 22)
    manner = gait.manner.each_leg(
        pitch_flat=rise, pitch_on=rise + 4, pitch_off=rise - 8, pitch_swing=rise, pitch_late=rise + 3,
        stance_knee=(6.0, 10.0, 6.0, 16.0), swing_knee=42.0,
    )  # fmt: skip
    return Gait(replace(manner, lean=manner.lean - 5), replace(gait.rhythm, step_m=gait.rhythm.step_m * 0.6))


def hip_hike(gait: Gait, rng: Rng) -> Gait:
    """Lift one side of the pelvis in swing instead of bending the knee."""
    side = _side(rng)
    other = "l" if side == "r" else "r"
    manner = gait.manner.one_leg(side, swing_knee=rng.uniform(25, 45), aside=0.15)
    return Gait(
        replace(manner, drop={side: 0.0, other: -rng.uniform(6, 13)}, lurch={side: 0.0, other: 5.0}), gait.rhythm
    )


def stretched(gait: Gait, rng: Rng) -> Gait:
    """Keep the knee straight all through stance, as those who lock it do."""
    knees = (1.0, float(rng.uniform(0, 4)), 0.5, float(rng.uniform(20, 32)))
    manner = (
        gait.manner.each_leg(stance_knee=knees)
        if rng.random() < 0.5
        else gait.manner.one_leg(_side(rng), stance_knee=knees)
    )
    return Gait(replace(manner, lean=manner.lean - rng.uniform(0, 8)), gait.rhythm)


def busy_hands(gait: Gait, rng: Rng) -> Gait:
    """Walk with the hands in pockets, with a telephone, with something carried, or with folded arms."""
    kind, held, head = rng.integers(5), {}, gait.manner.head
    for side in SIDES:
        hang = rng.uniform(12, 22)
        if kind == 0:  # pockets
            held |= {f"arm_{side}_out": hang, f"arm_{side}_flex": rng.uniform(-28, -12),
                     f"elbow_flexion_{side}": rng.uniform(40, 60), f"arm_{side}_in": rng.uniform(0, 20)}  # fmt: skip
        elif kind == 1 and side == "r":  # telephone before the eyes
            held |= {f"arm_{side}_out": hang, f"arm_{side}_flex": rng.uniform(15, 40),
                     f"elbow_flexion_{side}": rng.uniform(90, 115), f"arm_{side}_in": rng.uniform(15, 35)}  # fmt: skip
            head = -rng.uniform(15, 35)
        elif kind == 2:  # a box before the belly
            held |= {f"arm_{side}_out": hang, f"arm_{side}_flex": rng.uniform(5, 30),
                     f"elbow_flexion_{side}": rng.uniform(75, 100), f"arm_{side}_in": rng.uniform(0, 15)}  # fmt: skip
        elif kind == 3:  # folded arms
            held |= {f"arm_{side}_out": hang, f"arm_{side}_flex": rng.uniform(20, 35),
                     f"elbow_flexion_{side}": rng.uniform(100, 115), f"arm_{side}_in": rng.uniform(45, 60)}  # fmt: skip
        elif kind == 4 and side == "r":  # a bag
            held |= {f"arm_{side}_flex": rng.uniform(-5, 5), f"elbow_flexion_{side}": rng.uniform(3, 12)}
    return Gait(replace(gait.manner, held=gait.manner.held | held, head=head), gait.rhythm)


def marching(gait: Gait, rng: Rng) -> Gait:
    """Lift the knees high."""
    manner = gait.manner.each_leg(
        swing_knee=rng.uniform(85, 112), clearance_m=rng.uniform(0.2, 0.38), pitch_on=rng.uniform(-12, 5),
        pitch_off=-35.0, pitch_swing=-18.0, pitch_late=-8.0,
    )  # fmt: skip
    rhythm = replace(
        gait.rhythm, step_m=gait.rhythm.step_m * rng.uniform(0.0, 0.6), half_s=rng.uniform(0.45, 0.75), stance=0.6
    )
    return Gait(
        replace(manner, arm_swing=rng.uniform(15, 40), elbow_mean=rng.uniform(30, 90), tilt=manner.tilt + 3), rhythm
    )


def tandem(gait: Gait, rng: Rng) -> Gait:
    """Put heel before toe on a line."""
    rhythm = replace(
        gait.rhythm, step_m=rng.uniform(0.26, 0.33), half_s=rng.uniform(0.7, 1.1), stance=0.66, width_m=0.02
    )
    manner = gait.manner.each_leg(
        toe_out=rng.normal(3, 3), swing_knee=42.0, pitch_on=10.0, pitch_off=-35.0, aside=0.2, clearance_m=0.04,
        stance_knee=(8.0, 12.0, 6.0, 25.0),
    )  # fmt: skip
    return Gait(
        replace(manner, sway_m=0.005, arm_swing=3.0, arm_out=rng.uniform(10, 70), head=-rng.uniform(5, 30), unrest=1.8,
                turn_wave=2.0, list_wave=2.0),
        rhythm,
    )  # fmt: skip


def running(gait: Gait, rng: Rng) -> Gait:
    """Run: both feet leave the floor."""
    speed = rng.uniform(2.0, 4.0)
    half = 1 / rng.uniform(2.5, 3.0)
    fore = rng.random() < 0.3
    rhythm = Rhythm(
        speed * half, half, float(np.clip(0.44 - 0.045 * (speed - 1.5), 0.3, 0.45)), rng.uniform(0.02, 0.09), 0.015
    )
    manner = gait.manner.each_leg(
        stance_knee=(rng.uniform(12, 20), rng.uniform(36, 46), rng.uniform(28, 36), rng.uniform(12, 22)),
        swing_knee=60 + 14 * speed + rng.normal(0, 6), pitch_on=rng.uniform(-10, -3) if fore else rng.uniform(3, 18),
        pitch_off=-62 - 3 * speed, pitch_swing=-45.0, pitch_late=5.0, rise_from=0.45, flat_from=0.2, clearance_m=0.03,
    )  # fmt: skip
    return Gait(
        replace(
            manner, over=rng.uniform(0.12, 0.15), sway_m=0.01, tilt=manner.tilt - rng.uniform(3, 8),
            lean=-rng.uniform(3, 14), arm_swing=rng.uniform(18, 40), arm_mean=rng.uniform(-15, 0),
            arm_in=rng.uniform(10, 30),            elbow_mean=rng.uniform(70, 100), elbow_swing=rng.uniform(4, 15),
            turn_wave=rng.uniform(3, 9),
            thorax_turn=rng.uniform(8, 16), list_wave=rng.uniform(3, 7),
        ),
        rhythm,
    )  # fmt: skip


def backward(gait: Gait, rng: Rng) -> Gait:
    """Change what the feet do when they go backward: toes land first, heels leave last."""
    manner = gait.manner.each_leg(
        pitch_on=rng.uniform(-30, -15), pitch_off=rng.uniform(0, 8), pitch_swing=-12.0, pitch_late=-22.0,
        flat_from=0.25, rise_from=0.75, swing_knee=rng.uniform(42, 58), stance_knee=(24.0, 18.0, 8.0, 14.0),
    )  # fmt: skip
    rhythm = replace(gait.rhythm, step_m=-gait.rhythm.step_m * rng.uniform(0.45, 0.75))
    return Gait(
        replace(manner, over=0.36, arm_swing=-0.4 * manner.arm_swing, turn_wave=-manner.turn_wave * 0.5), rhythm
    )


def soft_steps(gait: Gait, rng: Rng) -> Gait:
    """Set the feet down flat, as in turns on the spot and side steps."""
    manner = gait.manner.each_leg(
        pitch_on=rng.uniform(-10, 3), pitch_off=rng.uniform(-32, -12), pitch_swing=-10.0, pitch_late=-5.0,
        swing_knee=rng.uniform(35, 55), clearance_m=rng.uniform(0.02, 0.06), stance_knee=(10.0, 14.0, 8.0, 20.0),
    )  # fmt: skip
    rhythm = replace(
        gait.rhythm, half_s=rng.uniform(0.42, 0.65), stance=rng.uniform(0.62, 0.7), width_m=rng.uniform(0.14, 0.24)
    )
    return Gait(replace(manner, turn_wave=1.0, arm_swing=0.4 * manner.arm_swing, over=0.25), rhythm)


def stairs_up(gait: Gait, rng: Rng) -> Gait:
    """Climb: the front knee is bent where it lands and lifts the body."""
    manner = gait.manner.each_leg(
        stance_knee=(62.0, 52.0, 12.0, 20.0), swing_knee=88.0, pitch_on=0.0, pitch_off=-30.0, pitch_swing=-15.0,
        pitch_late=3.0, flat_from=0.1, rise_from=0.7,
    )  # fmt: skip
    return Gait(replace(manner, over=0.42, lean=manner.lean - rng.uniform(4, 12)), _stair_rhythm(rng))


def stairs_down(gait: Gait, rng: Rng) -> Gait:
    """Descend: the ball lands first, the hind knee lowers the body."""
    manner = gait.manner.each_leg(
        stance_knee=(14.0, 22.0, 25.0, 78.0), swing_knee=92.0, pitch_on=-24.0, pitch_off=-38.0, pitch_swing=-12.0,
        pitch_late=-22.0, flat_from=0.2, rise_from=0.55,
    )  # fmt: skip
    return Gait(replace(manner, over=0.26, head=-rng.uniform(10, 30), lean=manner.lean + 2), _stair_rhythm(rng))


def _stair_rhythm(rng: Rng) -> Rhythm:
    return Rhythm(rng.uniform(0.26, 0.32), rng.uniform(0.5, 0.85), 0.62, rng.uniform(0.12, 0.2))


def shuffle_aside(gait: Gait, rng: Rng) -> Gait:
    """Side-step quickly on bent knees, as in sport."""
    gait = soft_steps(gait, rng)
    bend = rng.uniform(10, 35)
    manner = gait.manner.each_leg(
        stance_knee=(15 + bend, 22 + bend, 18 + bend, 22 + bend), swing_knee=30 + bend, pitch_on=-8.0, pitch_off=-22.0
    )
    manner = replace(manner, lean=-rng.uniform(8, 25), arm_out=rng.uniform(12, 35), elbow_mean=rng.uniform(40, 90))
    return Gait(manner, replace(gait.rhythm, half_s=rng.uniform(0.24, 0.36), stance=rng.uniform(0.54, 0.6)))


def skipping(gait: Gait, rng: Rng) -> Gait:
    """Step and hop on each foot in turn."""
    gait = running(gait, rng)
    manner = gait.manner.each_leg(
        stance_knee=(18.0, 30.0, 26.0, 15.0),
        swing_knee=rng.uniform(70, 95),
        pitch_on=-8.0,
        pitch_off=-45.0,
        pitch_late=-8.0,
    )
    rhythm = Rhythm(rng.uniform(0.7, 1.2), rng.uniform(0.6, 0.75), 0.5, 0.08)
    return Gait(replace(manner, over=0.16, arm_swing=rng.uniform(20, 45), lean=-rng.uniform(0, 8)), rhythm)
