"""Tasks in which feet change places: split squat, side lunge, step up and down, jumps, hops, jumping jacks."""

import numpy as np

from train.motion.score import SIDES, Person, Score
from train.motion.tasks import Rng, any_arms, begin, lean, reps, stance, uneven

ON = {"r": 1.0, "l": 0.0}
SIGN = {"r": -1, "l": 1}
GRAVITY_M_S2 = 9.81


def pair(rng: Rng) -> tuple[str, str]:
    """Draw which leg moves and which stays."""
    return ("r", "l") if rng.random() < 0.5 else ("l", "r")


def foot(score: Score, side: str, seconds: float, lift_m: float, **place: float) -> None:
    """Carry a foot to another place (channels without `foot_r_`) over an arc, without waiting."""
    top = max(place.get("y", score[f"foot_{side}_y"]), score[f"foot_{side}_y"]) + lift_m
    end = place.get("y", score[f"foot_{side}_y"])
    score.also(0.55 * seconds, {f"foot_{side}_y": top})
    score.also(0.5 * seconds, {f"foot_{side}_y": end}, after=0.5 * seconds)
    if "y" in place:
        score.also(0.1, {f"ground_{side}": end}, after=0.5 * seconds)
    score.also(
        0.8 * seconds, {f"foot_{side}_{k}": v for k, v in place.items() if k not in ("y", "pitch")}, after=0.1 * seconds
    )
    score.also(0.45 * seconds, {f"foot_{side}_pitch": float(score.rng.uniform(2, 25))}, after=0.05 * seconds)
    score.also(0.4 * seconds, {f"foot_{side}_pitch": place.get("pitch", 0.0)}, after=0.6 * seconds)


def shift(side: str, much: float = 0.9) -> dict[str, float]:
    """Put the weight on a side."""
    return {"load_r": much if side == "r" else 1 - much}


def split_squat(person: Person, rng: Rng) -> Score:
    """Stand with one foot before the other, in line or apart, and go down and up."""
    front, rear = pair(rng)
    length, half = rng.uniform(0.4, 0.95), rng.choice([0.0, rng.uniform(0.04, 0.13)])
    start = {
        f"foot_{front}_x": SIGN[front] * half,
        f"foot_{rear}_x": SIGN[rear] * half,
        f"foot_{front}_z": length / 2,
        f"foot_{rear}_z": -length / 2,
        f"foot_{rear}_pitch": rng.uniform(5, 35),
    }
    score = begin(
        rng, person, start | any_arms(rng, person, "hang", "hips", "crossed", "clasped", "behind_head", "behind_back")
    )
    knee, trunk = rng.uniform(50, 112), rng.uniform(-5, 30)
    track, share = rng.choice([0, 0, 10, -8]), rng.uniform(0.1, 0.9)
    turn = rng.normal(0, 6)
    for size, slow in reps(rng):
        low = lean(rng, person, trunk * size, share) | uneven(rng, 0.2)
        low |= {
            f"knee_angle_{front}": knee * size,
            f"knee_angle_{rear}": knee * size * rng.uniform(0.8, 1.15),
            f"foot_{rear}_pitch": rng.uniform(40, 65),
            f"hip_adduction_{front}": track * 0.7,
            "pelvis_rotation": turn,
            f"hip_rotation_{front}": track,
            **shift(front, rng.uniform(0.5, 0.72)),
        }
        score.move(slow * rng.uniform(0.8, 1.6), low)
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.0)]))
        score.home(slow * rng.uniform(0.7, 1.3))
        score.wait(rng.choice([0.0, rng.uniform(0.1, 0.8)]))
    return score


def side_lunge(person: Person, rng: Rng) -> Score:
    """Step to the side into a lunge and back, or shift from side to side with wide feet."""
    wide = rng.uniform(0.5, 0.95)
    stay_wide = rng.random() < 0.35
    score = begin(rng, person, stance(person, wide / 2, 8.0) if stay_wide else stance(person, rng.uniform(0.06, 0.13)))
    score.move(0.7, any_arms(rng, person, "hang", "hips", "clasped", "front", "crossed"))
    mover, stayer = pair(rng)
    depth, trunk = rng.uniform(45, 112), rng.uniform(10, 45)
    for size, slow in reps(rng, 2, 4):
        home = score[f"foot_{mover}_x"]
        if not stay_wide:
            score.move(0.3 * slow, shift(stayer))
            step = slow * rng.uniform(0.5, 0.9)
            foot(score, mover, step, rng.uniform(0.03, 0.1), x=home + SIGN[mover] * wide * size)
            score.also(0.7 * step, shift(mover, 0.6), after=0.5 * step)
            score.move(step, {f"knee_angle_{mover}": 40.0})
        low = lean(rng, person, trunk * size) | shift(mover, rng.uniform(0.7, 0.95))
        low |= {
            f"knee_angle_{mover}": depth * size,
            f"knee_angle_{stayer}": rng.uniform(0, 12),
            f"hip_rotation_{mover}": rng.normal(-8, 8),
            "pelvis_list": rng.normal(0, 4),
            "lumbar_bending": rng.normal(0, 5),
        }
        score.move(slow * rng.uniform(0.6, 1.2), low)
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.0)]))
        if stay_wide:
            score.home(slow * rng.uniform(0.7, 1.2), "arm", "elbow", "pro_sup")
        else:
            score.move(0.6 * slow, {f"knee_angle_{mover}": 25.0} | shift(stayer, 0.7))
            step = slow * rng.uniform(0.5, 0.8)
            foot(score, mover, step, rng.uniform(0.03, 0.08), x=home)
            score.also(0.5 * step, shift(stayer, 0.92))
            score.home(step, "arm", "elbow", "pro_sup", "foot", "load", "ground")
            score.move(0.4 * slow, load_r=0.5)
        if rng.random() < 0.5:
            mover, stayer = stayer, mover
    score.home(0.8)
    return score


def step_up(person: Person, rng: Rng) -> Score:
    """Step up onto a step in place and down again, forward, backward or to the side."""
    height, ahead = rng.uniform(0.08, 0.30), rng.uniform(0.28, 0.4)
    score = begin(rng, person, stance(person, rng.uniform(0.06, 0.12)))
    score.also(0.8, any_arms(rng, person, "hang", "hang", "hips", "crossed"))
    first, second = pair(rng)
    for _, slow in reps(rng, 2, 4):
        z = {s: score[f"foot_{s}_z"] for s in SIDES}
        for up in (True, False):
            to_y, dz = (height, ahead) if up else (0.0, 0.0)
            for mover, stayer in ((first, second), (second, first)):
                last = mover == second
                score.move(0.35 * slow, shift(stayer, 0.95))
                step = slow * rng.uniform(0.65, 1.0)
                foot(score, mover, step, rng.uniform(0.05, 0.12), y=to_y, z=z[mover] + dz)
                bends = (stayer, 15 + 160 * height) if not up and not last else (stayer, 20.0 if not last else 12.0)
                air = {f"knee_angle_{bends[0]}": bends[1], f"knee_angle_{mover}": rng.uniform(50, 80)}
                score.move(step, air | lean(rng, person, rng.uniform(5, 25) if up else rng.uniform(0, 12)))
                land = {f"knee_angle_{mover}": 25 + 170 * height if up and not last else rng.uniform(8, 25)}
                score.move(0.3 * slow, land | (shift(mover, 0.6) if not last else {"load_r": 0.5}))
                if up and not last:
                    score.move(
                        slow * rng.uniform(0.5, 0.9),
                        {f"knee_angle_{mover}": 20.0, f"foot_{stayer}_pitch": rng.uniform(10, 35)} | shift(mover, 0.97),
                    )
            score.home(0.5 * slow, "arm", "elbow", "pro_sup", "foot", "ground")
            score.wait(rng.choice([0.0, rng.uniform(0.1, 0.6)]))
        if rng.random() < 0.5:
            first, second = second, first
    score.home(0.8)
    return score


def jump(person: Person, rng: Rng) -> Score:
    """Jump from both feet or one, with a countermovement; or a series of hops."""
    one = rng.random() < 0.25
    side, other = pair(rng)
    score = begin(rng, person, stance(person, rng.uniform(0.06, 0.17)))
    feet = (side,) if one else SIDES
    held = rng.random() < 0.4
    style = any_arms(rng, person, "hips", "crossed") if held else {}
    if one:
        score.move(0.8, shift(side, 1.0) | style)
        score.move(
            0.5,
            {
                f"foot_{other}_pin": 0.0,
                f"knee_angle_{other}": rng.uniform(50, 90),
                f"hip_flexion_{other}": rng.uniform(5, 40),
                f"ankle_angle_{other}": -10.0,
            },
        )
    elif held:
        score.move(0.7, style)
    series = rng.random() < 0.35
    for size, slow in reps(rng, 2, 6 if series else 3):
        high = rng.uniform(0.02, 0.1) if series or one else rng.uniform(0.06, 0.35) * size
        pace = 0.55 if series else slow
        _jump_once(score, person, rng, feet=feet, high=high, held=held or one, slow=pace, series=series)
    score.move(0.6, {f"foot_{other}_pin": 1.0} if one else {})
    score.home(0.9)
    return score


def _jump_once(
    score: Score,
    person: Person,
    rng: Rng,
    *,
    feet: tuple[str, ...],
    high: float,
    held: bool,
    slow: float,
    series: bool,
) -> None:
    """Crouch, push, fly (the feet follow the ballistic arc), land, rise; times of flight are physics, not tempo."""
    tempo, score.tempo = score.tempo, 1.0
    flight = 2 * np.sqrt(2 * high / GRAVITY_M_S2)
    deep = rng.uniform(15, 40) if series else rng.uniform(50, 100)
    low = lean(rng, person, rng.uniform(0.2, 0.6) * deep) | {f"knee_angle_{s}": deep for s in feet}
    straight = {k: person.posture.get(k, 0.0) for k in low} | {f"knee_angle_{s}": 6.0 for s in feet}
    swing = not held
    if swing:
        low |= {
            f"arm_{s}_{part}": v
            for s in SIDES
            for part, v in (("plane", -75.0), ("elev", 45.0 if not series else 15.0))
        }
    score.move(slow * rng.uniform(0.4, 0.7), low)
    push = rng.uniform(0.2, 0.3) if not series else 0.14
    if swing:
        score.also(
            push + 0.1, {f"arm_{s}_plane": 80.0 for s in SIDES} | {f"arm_{s}_elev": 30.0 + 350 * high for s in SIDES}
        )
    score.also(0.6 * push, {f"foot_{s}_pitch": 40.0 for s in feet}, after=0.5 * push)
    score.move(push, straight)
    begin_s = score.now
    score.fly(feet, high, flight)
    tuck = rng.uniform(5, 25)
    score.also(0.5 * flight, {f"knee_angle_{s}": tuck for s in feet})
    score.also(0.45 * flight, {f"foot_{s}_pitch": 15.0 for s in feet}, after=0.5 * flight)
    score.now = begin_s + flight
    land = rng.uniform(0.6, 1.1) * deep
    soft = lean(rng, person, rng.uniform(0.2, 0.6) * land) | {f"knee_angle_{s}": land for s in feet}
    score.also(0.12, {f"foot_{s}_pitch": 0.0 for s in feet})
    if swing:
        score.also(0.4, {f"arm_{s}_elev": 20.0 for s in SIDES})
    score.move(rng.uniform(0.16, 0.3) if not series else 0.13, soft)
    if not series:
        score.move(
            slow * rng.uniform(0.5, 0.9),
            straight | {f"knee_angle_{s}": person.posture[f"knee_angle_{s}"] for s in feet},
        )
    score.tempo = tempo


def jumping_jack(person: Person, rng: Rng) -> Score:
    """Jump feet apart and arms up, and back."""
    narrow, wide = rng.uniform(0.06, 0.1), rng.uniform(0.25, 0.4)
    score = begin(rng, person, stance(person, narrow))
    pace = rng.uniform(0.35, 0.6)
    top = rng.uniform(120, 172)
    for i in range(2 * int(rng.integers(3, 8))):
        half = narrow if i % 2 else wide
        high = rng.uniform(0.02, 0.06)
        flight = 2 * np.sqrt(2 * high / GRAVITY_M_S2)
        tempo, score.tempo = score.tempo, 1.0
        score.move(0.12, {f"knee_angle_{s}": rng.uniform(18, 35) for s in SIDES})
        score.also(
            pace * 0.8,
            {f"arm_{s}_elev": top if half == wide else 12.0 for s in SIDES} | {f"arm_{s}_plane": 10.0 for s in SIDES},
        )
        score.also(0.06, {f"foot_{s}_pitch": 22.0 for s in SIDES}, after=0.06)
        score.move(0.1, {f"knee_angle_{s}": 10.0 for s in SIDES})
        score.fly(SIDES, high, flight)
        score.also(flight, {f"foot_{s}_x": SIGN[s] * half for s in SIDES})
        score.also(0.4 * flight, {f"foot_{s}_pitch": 10.0 for s in SIDES}, after=0.6 * flight)
        score.now += flight
        score.also(0.12, {f"foot_{s}_pitch": 0.0 for s in SIDES})
        score.move(0.12, {f"knee_angle_{s}": rng.uniform(15, 30) for s in SIDES})
        score.now += max(pace - flight - 0.4, 0.0)
        score.tempo = tempo
    score.home(0.8)
    return score


STEPS = {
    "split_squat": (split_squat, 2.0), "side_lunge": (side_lunge, 1.5), "step_up": (step_up, 2.0), "jump": (jump, 2.0),
    "jumping_jack": (jumping_jack, 0.7),
}  # fmt: skip
