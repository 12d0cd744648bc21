"""Clinical tasks on two feet, as scores: a person and a random generator in, a `Score` out.

Each task draws its variant (depth, stance, tempo, arms, what is done badly), then repeats it with small changes.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from train.motion.score import SIDES, Person, Score

Rng = np.random.Generator
# Plane, elevation, rotation, elbow, pronation in degrees, and their spread.
ARMS: dict[str, tuple[float, float, float, float, float]] = {
    "front": (85, 85, -8, 10, 10),
    "clasped": (75, 40, 22, 105, 10),
    "crossed": (65, 42, 32, 120, 20),
    "hips": (-5, 42, 55, 100, 40),
    "thighs": (80, 32, 0, 40, 30),
    "behind_head": (-15, 100, -80, 140, 20),
    "behind_back": (-35, 28, 75, 85, 30),
    "overhead": (45, 160, -10, 12, 0),
    "side": (5, 85, -5, 10, 0),
}
ARM_PARTS = ("arm_{}_plane", "arm_{}_elev", "arm_{}_rot", "elbow_flexion_{}", "pro_sup_{}")


def arms(rng: Rng, person: Person, style: str, sides: str = "rl") -> dict[str, float]:
    """Draw channels of both arms in a style of `ARMS`, or "hang"."""
    if style == "hang":
        return {
            name: person.posture[name]
            for part in ARM_PARTS
            for s in sides
            if (name := part.format(s)) in person.posture
        }
    shared = rng.normal(0, 6, 5)
    return {
        part.format(side): value + change + rng.normal(0, 3)
        for side in sides
        for part, value, change in zip(ARM_PARTS, ARMS[style], shared, strict=True)
    }


def any_arms(rng: Rng, person: Person, *styles: str) -> dict[str, float]:
    """Draw one of some styles."""
    return arms(rng, person, str(rng.choice(styles)))


def lean(
    rng: Rng, person: Person, total: float, pelvis: float | None = None, *, gaze: float | None = None
) -> dict[str, float]:
    """Share a forward lean of the trunk (deg) between pelvis (which may do more than all), lumbar spine and thorax.

    The lumbar spine often bends further than the trunk leans, and the thorax comes back up.
    """
    pelvis = rng.uniform(0.1, 1.05) if pelvis is None else pelvis
    gaze = rng.uniform(0.0, 0.9) if gaze is None else gaze
    rest, low, lift = total * (1 - pelvis), rng.uniform(0.5, 1.0), rng.uniform(-0.1, 0.35) * abs(total)
    p = person.posture
    return {
        "pelvis_tilt": p["pelvis_tilt"] - total * pelvis,
        "lumbar_extension": max(p["lumbar_extension"] - rest * low - lift, -43),
        "thorax_extension": p["thorax_extension"] - rest * (1 - low) + 0.7 * lift,
        "head_extension": float(np.clip(p["head_extension"] + total * gaze, -40, 40)),
    }


def reps(rng: Rng, low: int = 2, high: int = 5) -> Iterator[tuple[float, float]]:
    """Yield size and slowness of each repetition, around 1."""
    pace = np.exp(rng.normal(0, 0.3))
    for _ in range(rng.integers(low, high + 1)):
        yield float(np.clip(rng.normal(1, 0.07), 0.7, 1.15)), float(pace * np.exp(rng.normal(0, 0.12)))


def begin(rng: Rng, person: Person, changes: Mapping[str, float] | None = None) -> Score:
    """Start a score from the person's posture with changes, after a moment of standing."""
    score = Score(rng, {**person.posture, **(changes or {})}, person.tempo)
    score.wait(rng.uniform(0.2, 1.0))
    return score


def knees(rng: Rng, amount: float) -> dict[str, float]:
    """Return how far knees go in (+) or out (-), deg, about equally."""
    out = {}
    for side in SIDES:
        here = amount + rng.normal(0, 3)
        out |= {f"hip_adduction_{side}": 0.7 * here, f"hip_rotation_{side}": here}
    return out


def stance(person: Person, half_m: float, turn: float = 0.0) -> dict[str, float]:
    """Return foot channels of a stance of a given half width, toes `turn` degrees further out."""
    out = {}
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        out |= {f"foot_{side}_x": sign * half_m, f"foot_{side}_yaw": person.posture[f"foot_{side}_yaw"] + turn}
    return out


def uneven(rng: Rng, share: float = 0.3) -> dict[str, float]:
    """Return, now and then, a shift of weight and a bend to the side."""
    if rng.random() > share:
        return {"load_r": 0.5 + rng.normal(0, 0.03)}
    shift = rng.normal(0, 0.13)
    return {
        "load_r": float(np.clip(0.5 + shift, 0.2, 0.8)),
        "pelvis_list": rng.normal(0, 4),
        "pelvis_rotation": rng.normal(0, 6),
        "lumbar_bending": rng.normal(0, 6),
        "thorax_bending": rng.normal(0, 5),
        "lumbar_twist": rng.normal(0, 5),
    }


def squat(person: Person, rng: Rng) -> Score:
    """Squat: half to deep, narrow to sumo, knees in or out, heels up, leaning, wink of the pelvis."""
    wide = rng.random()
    half, turn = (
        (rng.uniform(0.08, 0.17), rng.normal(5, 6)) if wide < 0.75 else (rng.uniform(0.2, 0.36), rng.uniform(12, 32))
    )
    score = begin(rng, person, stance(person, half, turn))
    depth, trunk = rng.uniform(95, 140) if rng.random() < 0.45 else rng.uniform(45, 110), rng.uniform(3, 45)
    style = str(rng.choice(["front", "clasped", "crossed", "hips", "hang", "behind_head", "overhead", "thighs"]))
    early = rng.random() < 0.4  # arms are there before the first repetition and stay
    track = knees(rng, rng.choice([-11, -11, -20, 8]) - 0.6 * max(turn, 0))
    heels = rng.uniform(8, 25) if rng.random() < 0.2 else 0.0
    share, gaze = rng.uniform(0.1, 1.05), rng.uniform(0, 0.9)
    wink = rng.uniform(0, 20) if depth > 95 else 0.0
    bad = uneven(rng)
    high = arms(rng, person, style)
    if early:
        score.move(rng.uniform(0.7, 1.3), high)
    for size, slow in reps(rng):
        to = min(depth * size, 138)
        low = (
            lean(rng, person, trunk * size + to * 0.12, share, gaze=gaze)
            | track
            | bad
            | {"com_z": rng.normal(0, 0.015)}
        )
        low["pelvis_tilt"] += wink
        low["lumbar_extension"] = max(low["lumbar_extension"] - wink, -43)
        low |= {f"knee_angle_{s}": to + rng.normal(0, 2) for s in SIDES} | {
            f"foot_{s}_pitch": heels for s in SIDES if heels
        }
        score.move(slow * rng.uniform(0.9, 1.6), low | high)
        score.wait(rng.choice([0.0, 0.1, rng.uniform(0.2, 1.2)]))
        score.home(
            slow * rng.uniform(0.7, 1.4), *(("foot_r_x", "foot_l_x", "arm", "elbow", "pro_sup") if early else ())
        )
        score.wait(rng.choice([0.0, 0.1, rng.uniform(0.2, 1.0)]))
    score.home(0.8)
    return score


def sit_to_stand(person: Person, rng: Rng) -> Score:
    """Rise from a chair and sit down again, or the other way round, with free, crossed or pushing arms."""
    height = rng.uniform(0.40, 0.50)
    style = str(rng.choice(["crossed", "thighs", "hang", "front", "clasped", "hips"]))
    trunk, push = rng.uniform(20, 50), rng.uniform(0.1, 0.9)
    half, turn = rng.uniform(0.08, 0.17), rng.normal(4, 5)
    knee, ankle = rng.uniform(80, 116), rng.uniform(-4, 24)
    bad, track = uneven(rng), knees(rng, rng.choice([0, 0, 8, -8]) - 11)
    slump = rng.normal(4, 8)

    def seated() -> dict[str, float]:
        out = {f"knee_angle_{s}": knee + rng.normal(0, 1.5) for s in SIDES} | {f"ankle_angle_{s}": ankle for s in SIDES}
        back = lean(rng, person, -2 - slump * 0.5, 0.5, gaze=0.3)
        back["pelvis_tilt"] = slump + rng.normal(0, 2)
        back["lumbar_extension"] = -0.8 * slump + rng.normal(-4, 2)
        return out | back | {"com_pin": 0.0, "seat_y": height, "com_z": -0.06}

    standing = {f"ankle_angle_{s}": rng.normal(4, 1) for s in SIDES}
    sitting_arms = arms(rng, person, "thighs" if style == "hang" else style)
    moving_arms = any_arms(rng, person, "front", "hang", "thighs") if style in ("hang", "front") else sitting_arms
    start_seated = rng.random() < 0.6
    score = begin(
        rng,
        person,
        stance(person, half, turn)
        | standing
        | {"seat_y": height}
        | ({} if style in ("hang", "front") else sitting_arms),
    )
    if start_seated:  # a motion that begins before the clip does
        score.now = -1.0
        score.move(0.5, seated() | sitting_arms, seat_pin=1.0)
        score.now = rng.uniform(0.2, 1.0)
    elif rng.random() < 0.5:
        score.move(0.6, moving_arms)
    for i, (size, slow) in enumerate(reps(rng)):
        if i or not start_seated:
            _sit(score, rng, slow, (lean(rng, person, trunk * size, push), bad | track, moving_arms), knee, ankle)
            score.move(slow * 0.6, seated() | sitting_arms)
            score.wait(rng.choice([0.0, rng.uniform(0.2, 1.5)]))
        _rise(score, rng, slow, (lean(rng, person, trunk * size, push), bad | track, moving_arms), knee, ankle)
        score.wait(rng.choice([0.0, rng.uniform(0.2, 1.2)]))
    return score


def _rise(score: Score, rng: Rng, slow: float, how: tuple[dict, dict, dict], knee: float, ankle: float) -> None:
    bent, bad, moving = how
    tip = slow * rng.uniform(0.5, 0.9)
    score.move(tip, bent | moving | {f"ankle_angle_{s}": ankle + 8 for s in SIDES})
    lift = slow * rng.uniform(0.9, 1.4)
    score.also(0.25 * lift, seat_pin=0.0)
    score.also(0.55 * lift, com_pin=1.0)
    score.also(0.35 * lift, bad)
    score.home(lift, "seat", "com_pin")


def _sit(score: Score, rng: Rng, slow: float, how: tuple[dict, dict, dict], knee: float, ankle: float) -> None:
    bent, bad, moving = how
    down = slow * rng.uniform(1.0, 1.6)
    score.also(0.45 * down, com_pin=0.0, after=0.5 * down)
    score.also(0.3 * down, seat_pin=1.0, after=0.75 * down)
    low = {f"knee_angle_{s}": knee for s in SIDES} | {f"ankle_angle_{s}": ankle + 6 for s in SIDES}
    score.move(down, bent | bad | moving | low | {"com_z": -0.06})


def hinge(person: Person, rng: Rng) -> Score:
    """Bend at the hips: flat or round back, hands hanging, on hips or behind the head."""
    score = begin(rng, person, stance(person, rng.uniform(0.07, 0.2)))
    style = str(rng.choice(["hang", "hips", "behind_head", "crossed", "reach"]))
    depth, knee, share = rng.uniform(25, 85), rng.uniform(2, 35), rng.uniform(0.55, 1.1)
    gaze = rng.uniform(0, 0.5)
    bad = uneven(rng)
    for size, slow in reps(rng):
        low = lean(rng, person, depth * size, share, gaze=gaze) | bad
        low |= {f"knee_angle_{s}": knee * size + rng.normal(0, 1) for s in SIDES}
        low |= {f"ankle_angle_{s}": rng.normal(-2, 2) for s in SIDES}
        if style in ("hang", "reach"):  # arms hang from a leaning trunk
            low |= {f"arm_{s}_elev": depth * size * rng.uniform(0.7, 1.1) + 8 for s in SIDES} | {
                f"arm_{s}_plane": 85.0 for s in SIDES
            }
        else:
            low |= arms(rng, person, style)
        score.move(slow * rng.uniform(1.0, 1.8), low)
        score.wait(rng.choice([0.0, rng.uniform(0.2, 1.5)]))
        score.home(slow * rng.uniform(0.9, 1.6))
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.0)]))
    return score


def standing(person: Person, rng: Rng) -> Score:
    """Stand about: weight shifts, arms folded or hanging, looking around, slumping."""
    score = begin(rng, person, stance(person, rng.uniform(0.05, 0.2), rng.normal(0, 6)))
    for _ in range(rng.integers(2, 6)):
        total = rng.normal(0, 5)
        pose = lean(rng, person, total, rng.uniform(0.2, 1)) | uneven(rng, 0.6)
        pose |= any_arms(rng, person, "hang", "hang", "hang", *ARMS)
        pose |= {"head_twist": rng.normal(0, 25), "head_extension": rng.normal(0, 15), "head_bending": rng.normal(0, 6)}
        pose["pelvis_tilt"] += rng.normal(0, 6)
        pose["lumbar_extension"] += rng.normal(0, 6)
        pose |= {f"knee_angle_{s}": max(rng.normal(6, 7), -1) for s in SIDES}
        score.move(rng.uniform(0.7, 2.0), pose)
        score.wait(rng.uniform(0.3, 3.0))
    return score


def lunge(person: Person, rng: Rng) -> Score:
    """Step forward or back into a lunge and return."""
    score = begin(rng, person, stance(person, rng.uniform(0.06, 0.14)))
    ahead = rng.random() < 0.65
    length, front, trunk = rng.uniform(0.45, 0.9), rng.uniform(50, 105), rng.uniform(-3, 30)
    holds = any_arms(rng, person, "hips", "hang", "crossed", "clasped", "behind_head")
    score.move(0.7, holds)
    track, swap = rng.choice([0, 0, 10, -8]), rng.random() < 0.6
    side, other = ("r", "l") if rng.random() < 0.5 else ("l", "r")
    for size, slow in reps(rng, 2, 4):
        sizes = (length * size, front * size, trunk)
        _lunge_once(score, rng, person, sides=(side, other), ahead=ahead, sizes=sizes, track=track, slow=slow)
        if swap:
            side, other = other, side
    score.home(0.8)
    return score


def _lunge_once(
    score: Score,
    rng: Rng,
    person: Person,
    *,
    sides: tuple[str, str],
    ahead: bool,
    sizes: tuple[float, float, float],
    track: float,
    slow: float,
) -> None:
    mover, stayer = sides
    length, knee, trunk = sizes
    lead, rear = (mover, stayer) if ahead else (stayer, mover)
    home = score[f"foot_{mover}_z"]
    on = {"r": 1.0, "l": 0.0}
    step = slow * rng.uniform(0.55, 0.9)
    score.move(0.35 * slow, load_r=0.1 + 0.8 * on[stayer])
    lift = rng.uniform(0.04, 0.14)
    score.also(
        0.5 * step,
        {f"foot_{mover}_y": lift, f"foot_{mover}_pitch": 12.0 if ahead else 30.0, f"knee_angle_{mover}": 45.0},
    )
    score.also(
        0.5 * step,
        {
            f"foot_{mover}_y": 0.0,
            f"foot_{mover}_pitch": -10.0 if ahead else 35.0,
            f"knee_angle_{mover}": 20.0 if ahead else 30.0,
        },
        after=0.5 * step,
    )
    score.also(0.7 * step, load_r=0.25 + 0.5 * on[lead], after=0.35 * step)
    score.move(step, {f"foot_{mover}_z": home + (length if ahead else -length)})
    low = lean(rng, person, trunk, rng.uniform(0.1, 0.9)) | {
        f"knee_angle_{lead}": knee,
        f"knee_angle_{rear}": knee * rng.uniform(0.7, 1.15),
        f"foot_{rear}_pitch": rng.uniform(35, 62),
        f"foot_{lead}_pitch": 0.0,
        "load_r": 0.38 + 0.24 * on[lead],
        f"hip_adduction_{lead}": track * 0.7,
        f"hip_rotation_{lead}": track,
        "pelvis_rotation": rng.normal(0, 4),
        "pelvis_list": rng.normal(0, 2),
    }
    score.move(slow * rng.uniform(0.6, 1.2), low)
    score.wait(rng.choice([0.0, rng.uniform(0.1, 1.0)]))
    p = person.posture
    up = {
        f"knee_angle_{lead}": 30.0,
        f"knee_angle_{rear}": 30.0,
        f"foot_{mover}_pitch": 0.0 if ahead else 30.0,
        "load_r": 0.25 + 0.5 * on[stayer],
    }
    score.move(slow * rng.uniform(0.5, 0.9), up)
    back = slow * rng.uniform(0.5, 0.8)
    score.also(0.5 * back, {f"foot_{mover}_y": lift})
    score.also(0.5 * back, {f"foot_{mover}_y": 0.0}, after=0.5 * back)
    rest = {
        k: p.get(k, 0.0)
        for k in (
            "pelvis_tilt",
            "lumbar_extension",
            "thorax_extension",
            "head_extension",
            "pelvis_rotation",
            "pelvis_list",
        )
    }
    rest |= {f"{k}_{s}": p.get(f"{k}_{s}", 0.0) for k in ("knee_angle", "hip_adduction", "hip_rotation") for s in SIDES}
    rest |= {"foot_r_pitch": 0.0, "foot_l_pitch": 0.0, "load_r": 0.1 + 0.8 * on[stayer]}
    score.move(back, rest | {f"foot_{mover}_z": home})
    score.move(0.4 * slow, load_r=0.5)


TASKS = {
    "squat": (squat, 5.0), "sit_to_stand": (sit_to_stand, 5.0), "hinge": (hinge, 2.0), "standing": (standing, 3.0),
    "lunge": (lunge, 3.0),
}  # fmt: skip
