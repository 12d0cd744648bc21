"""Tasks on chairs, knees, hands and the floor; a person and a generator in, a `Score` out."""

import numpy as np

from train.motion.score import SIDES, Person, Score
from train.motion.steps import foot, pair, shift
from train.motion.tasks import ARMS, Rng, any_arms, arms, begin, lean, reps, stance


def from_within(score: Score, rng: Rng, pose: dict[str, float], **pins: float) -> None:
    """Let the clip begin in a pose, instead of where the score began."""
    score.now = -2.0 / score.tempo
    score.move(1.5, pose, **pins)
    score.now = rng.uniform(0.3, 1.0)


def both(**values: float) -> dict[str, float]:
    """Give both sides the same channels."""
    return {f"{name}_{side}": value for name, value in values.items() for side in SIDES}


def pins(name: str, value: float) -> dict[str, float]:
    """Pin, or free, a point on both sides."""
    return {f"{name}_{side}_pin": value for side in SIDES}


def seated(person: Person, rng: Rng) -> Score:
    """Sit on a chair: stretch knees, bend and turn the trunk, move arms."""
    height, slump = rng.uniform(0.40, 0.50), rng.normal(3, 8)
    score = begin(rng, person, stance(person, rng.uniform(0.07, 0.17)) | {"seat_y": height})
    knee, ankle = rng.uniform(75, 105), rng.normal(5, 6)
    pose = lean(rng, person, rng.normal(0, 6), 0.3) | any_arms(
        rng, person, "thighs", "crossed", "hips", "hang", "clasped"
    )
    pose["pelvis_tilt"] = slump
    hip = 84.0 - slump
    sit = pose | both(knee_angle=knee, ankle_angle=ankle, hip_flexion=hip) | {"com_pin": 0.0}
    from_within(score, rng, sit, seat_pin=1.0)
    kind = str(rng.choice(["knee", "knee", "trunk", "arms", "march"]))
    side, other = pair(rng)
    for size, slow in reps(rng, 2, 5):
        if kind in ("knee", "march"):
            end = rng.uniform(0, 30) if kind == "knee" else knee - 5
            up = {
                f"knee_angle_{side}": end,
                f"hip_flexion_{side}": hip + (rng.uniform(-2, 12) if kind == "knee" else rng.uniform(15, 35)),
                f"ankle_angle_{side}": rng.normal(5, 10),
            } | lean(rng, person, -rng.uniform(0, 10), 0.3)
            up["pelvis_tilt"] = slump + rng.uniform(0, 5)
            score.also(0.25, {f"foot_{side}_pin": 0.0})
            score.move(slow * rng.uniform(0.7, 1.4), up)
            score.wait(rng.uniform(0.1, 1.0))
            score.also(0.35, {f"foot_{side}_pin": 1.0}, after=0.75 * slow)
            score.move(slow, sit)
            if rng.random() < 0.5:
                side, other = other, side
        elif kind == "trunk":
            to = lean(rng, person, rng.uniform(-10, 55) * size, rng.uniform(0.2, 0.6))
            to["pelvis_tilt"] = slump - rng.uniform(0, 25)
            to |= {
                "thorax_twist": rng.normal(0, 20),
                "lumbar_bending": rng.normal(0, 10),
                "head_twist": rng.normal(0, 20),
            }
            score.move(slow * rng.uniform(0.8, 1.5), to)
            score.wait(rng.uniform(0, 0.8))
            score.move(
                slow * rng.uniform(0.8, 1.4), sit | {"thorax_twist": 0.0, "lumbar_bending": 0.0, "head_twist": 0.0}
            )
        else:
            score.move(slow * rng.uniform(0.8, 1.5), any_arms(rng, person, *ARMS))
            score.wait(rng.uniform(0, 1.0))
    score.wait(0.3)
    return score


def kneel(person: Person, rng: Rng) -> Score:
    """Kneel down on one knee, or on both and sit back on the heels, and rise again."""
    score = begin(rng, person, stance(person, rng.uniform(0.07, 0.12)) | {"knee_r_y": 0.01, "knee_l_y": 0.01})
    front, rear = pair(rng)
    slow = float(np.exp(rng.normal(0, 0.25)))
    score.also(0.8, any_arms(rng, person, "hang", "hips", "thighs", "hang"))
    score.move(0.4 * slow, shift(front))
    back, tuck = rng.uniform(0.72, 0.88), rng.uniform(74, 82)
    foot(score, rear, 0.8 * slow, 0.05, z=-back, pitch=40.0)
    score.also(0.5 * slow, {"load_r": 0.5}, after=0.5 * slow)
    score.move(0.8 * slow, {f"knee_angle_{rear}": 30.0})
    tall = both(knee_angle=rng.uniform(88, 98)) | {"com_pin": 0.35}
    score.also(0.35 * slow, {f"knee_{rear}_pin": 1.0}, after=0.75 * slow)
    half = lean(rng, person, rng.uniform(0, 15)) | tall | {f"foot_{rear}_pitch": tuck}
    score.move(1.1 * slow, half)
    score.wait(rng.uniform(0.2, 1.5))
    if rng.random() < 0.6:
        score.also(0.3 * slow, {f"knee_{front}_pin": 1.0}, after=0.65 * slow)
        foot(score, front, 0.9 * slow, 0.06, z=-back + rng.normal(0, 0.02), pitch=tuck)
        score.move(0.9 * slow, both(knee_angle=rng.uniform(85, 95)) | {"com_pin": 0.0})
        for size, pace in reps(rng, 1, 3):
            low = lean(rng, person, rng.uniform(5, 40) * size, rng.uniform(0.3, 0.9)) | both(
                knee_angle=rng.uniform(105, 140) * size
            )
            score.move(
                pace * rng.uniform(0.8, 1.3),
                low | any_arms(rng, person, "hang", "thighs", "crossed", "front", "overhead"),
            )
            score.wait(rng.uniform(0, 1.0))
            score.move(pace * rng.uniform(0.8, 1.3), lean(rng, person, rng.normal(3, 5)) | both(knee_angle=90.0))
    score.wait(0.3)
    score.backwards = bool(rng.random() < 0.5)  # rising is kneeling, backwards
    return score


def on_hands(person: Person, rng: Rng) -> Score:
    """On hands and knees: round and hollow the back, rock, stretch an arm and the opposite leg."""
    half = rng.uniform(0.08, 0.13)
    score = begin(rng, person, stance(person, half) | {"knee_r_y": 0.01, "knee_l_y": 0.01})
    tilt = -rng.uniform(76, 92)
    pose = {
        "pelvis_tilt": tilt,
        "lumbar_extension": rng.normal(5, 6),
        "thorax_extension": rng.normal(2, 5),
        "com_pin": 0.0,
        "head_extension": rng.uniform(-10, 30),
    } | both(knee_angle=rng.uniform(84, 94), ankle_angle=-45.0, elbow_flexion=8.0)
    pose |= {f"arm_{s}_{part}": v for s in SIDES for part, v in (("plane", 82.0), ("elev", 88.0), ("rot", 0.0))}
    pose |= both(wrist_flexion=-80.0, hip_flexion=rng.uniform(80, 92)) | {f"foot_{s}_pin": 0.0 for s in SIDES}
    from_within(score, rng, pose, **pins("knee", 1.0), **pins("hand", 1.0))
    kind = str(rng.choice(["cat", "cat", "rock", "bird"]))
    arm, leg = pair(rng)
    for size, slow in reps(rng, 2, 5):
        if kind == "cat":
            a = rng.uniform(12, 30) * size
            for sign in (-1, 1):
                score.move(
                    slow * rng.uniform(0.8, 1.6),
                    {
                        "lumbar_extension": sign * a,
                        "thorax_extension": sign * a * rng.uniform(0.4, 0.9),
                        "pelvis_tilt": tilt - sign * a * 0.5,
                        "head_extension": sign * rng.uniform(10, 35),
                    },
                )
                score.wait(rng.uniform(0, 0.5))
        elif kind == "rock":
            score.move(
                slow * 1.2, {"pelvis_tilt": tilt + rng.uniform(0, 12)} | both(knee_angle=rng.uniform(100, 130) * size)
            )
            score.move(slow * 1.2, pose)
        else:
            score.also(0.3, {f"hand_{arm}_pin": 0.0})
            score.also(0.4, {f"knee_{leg}_pin": 0.0}, after=0.1)
            out = {
                f"arm_{arm}_elev": rng.uniform(140, 172),
                f"knee_angle_{leg}": rng.uniform(0, 20),
                f"hip_flexion_{leg}": rng.uniform(-8, 12),
                f"ankle_angle_{leg}": -15.0,
                f"wrist_flexion_{arm}": 0.0,
            }
            score.move(slow * 1.3, out)
            score.wait(rng.uniform(0.2, 1.5))
            score.also(0.4, {f"hand_{arm}_pin": 1.0, f"knee_{leg}_pin": 1.0}, after=0.8 * slow)
            score.move(slow * 1.2, {k: pose.get(k, -tilt) for k in out})
            arm, leg = leg, arm
    score.move(0.8, pose)
    return score


def plank(person: Person, rng: Rng) -> Score:
    """Hold a plank on the hands or elbows, or do push-ups."""
    score = begin(rng, person, stance(person, rng.uniform(0.03, 0.12)))
    wide = rng.uniform(0, 35)
    on_elbows = rng.random() < 0.25
    tilt, sag = -rng.uniform(64, 70) - 8 * on_elbows, rng.normal(0, 7)
    pose = {
        "pelvis_tilt": tilt,
        "lumbar_extension": 5 + sag,
        "thorax_extension": 0.0,
        "hip_hold": 1.0,
        "com_pin": 0.0,
        "head_extension": rng.uniform(-10, 30),
    } | both(knee_angle=rng.uniform(0, 8), hip_flexion=rng.normal(2, 4) - 0.3 * sag)
    pose |= {f"foot_{s}_pitch": rng.uniform(62, 72) for s in SIDES} | both(
        elbow_flexion=90.0 if on_elbows else 6.0, wrist_flexion=-80.0
    )
    pose |= {f"arm_{s}_{part}": v for s in SIDES for part, v in (("plane", 85.0 - wide), ("elev", 72.0), ("rot", 0.0))}
    from_within(score, rng, pose, **pins("elbow" if on_elbows else "hand", 1.0))
    if on_elbows or rng.random() < 0.3:
        for _, slow in reps(rng, 2, 4):
            score.move(slow, {"pelvis_tilt": tilt + rng.normal(0, 4), "lumbar_extension": 5 + rng.normal(0, 7)})
            score.wait(rng.uniform(0.3, 2.0))
        return score
    for size, slow in reps(rng, 2, 6):
        low = {"pelvis_tilt": tilt - rng.uniform(9, 16) * size} | both(elbow_flexion=rng.uniform(70, 110) * size)
        low |= {f"arm_{s}_elev": rng.uniform(35, 55) for s in SIDES} | {
            f"arm_{s}_plane": rng.uniform(0, 50) for s in SIDES
        }
        score.move(slow * rng.uniform(0.6, 1.1), low)
        score.wait(rng.choice([0.0, rng.uniform(0, 0.5)]))
        score.move(slow * rng.uniform(0.6, 1.1), pose)
    return score


def lying(person: Person, rng: Rng) -> Score:
    """Lie on the back: raise a straight leg, bend a knee, bridge, arms beside, on the belly or overhead."""
    kind = str(rng.choice(["raise", "bend", "bridge", "curl"]))
    bent = kind in ("bridge", "curl")
    reach = 0.42 if bent else 0.9
    score = begin(rng, person, stance(person, rng.uniform(0.05, 0.12)) | {"foot_r_z": reach, "foot_l_z": reach})
    hook = rng.uniform(75, 105)
    pose = {
        "pelvis_tilt": 90 + rng.normal(0, 3),
        "lumbar_extension": rng.normal(4, 3),
        "thorax_extension": rng.normal(0, 3),
        "head_extension": rng.normal(-5, 5),
        "com_pin": 0.0,
        "root_y": 0.10,
        "root_pin": 0.75 if not bent else 0.0,
        "foot_r_pin": float(bent),
        "foot_l_pin": float(bent),
        "seat_y": 0.03,
    }
    pose |= both(
        knee_angle=hook if bent else 3.0, hip_flexion=40.0 if bent else 0.0, ankle_angle=-20.0 if not bent else 0.0
    )
    pose |= {
        f"arm_{s}_{part}": v for s in SIDES for part, v in (("plane", 5.0), ("elev", rng.uniform(12, 40)), ("rot", 0.0))
    }
    pose |= any_arms(rng, person, "crossed", "clasped") if rng.random() < 0.4 else {}
    from_within(score, rng, pose, back_pin=0.7 if bent else 0.0, seat_pin=0.6 if bent else 0.0)
    side, other = pair(rng)
    for size, slow in reps(rng, 2, 5):
        if kind == "bridge":
            score.also(0.3 * slow, seat_pin=0.0)
            score.move(
                slow * rng.uniform(0.8, 1.4),
                {"pelvis_tilt": 90 + rng.uniform(18, 30) * size, "lumbar_extension": rng.uniform(0, 12)}
                | both(knee_angle=hook + 8),
            )
            score.wait(rng.uniform(0.1, 1.5))
            score.also(0.3 * slow, seat_pin=0.6, after=0.7 * slow)
        elif kind == "curl":
            score.also(0.4 * slow, back_pin=0.0)
            a = rng.uniform(25, 70) * size
            score.move(
                slow * rng.uniform(0.8, 1.4),
                {
                    "lumbar_extension": -min(a * 0.6, 42),
                    "thorax_extension": -a * 0.4,
                    "head_extension": -20.0,
                    "pelvis_tilt": 90 - 0.3 * a,
                },
            )
            score.also(0.4 * slow, back_pin=0.7, after=0.6 * slow)
        else:
            a = rng.uniform(35, 85) * size if kind == "raise" else rng.uniform(60, 115) * size
            score.move(
                slow * rng.uniform(0.8, 1.6),
                {
                    f"hip_flexion_{side}": a,
                    f"knee_angle_{side}": rng.uniform(0, 12) if kind == "raise" else a * rng.uniform(0.9, 1.15),
                },
            )
            score.wait(rng.uniform(0, 1.0))
        score.move(slow * rng.uniform(0.8, 1.5), {k: v for k, v in pose.items() if not k.endswith("_pin")})
        if rng.random() < 0.5:
            side, other = other, side
    return score


def get_down(person: Person, rng: Rng) -> Score:
    """Squat, sit down on the floor, stretch the legs and lie back; or all of it backwards, getting up."""
    score = begin(rng, person, stance(person, rng.uniform(0.08, 0.16), 8.0))
    slow = float(np.exp(rng.normal(0.2, 0.25)))
    deep = lean(rng, person, rng.uniform(25, 40), 0.4) | both(knee_angle=rng.uniform(122, 138))
    deep |= {f"foot_{s}_pitch": rng.uniform(0, 22) for s in SIDES} | arms(rng, person, "front")
    score.move(1.5 * slow, deep)
    behind = {f"arm_{s}_{part}": v for s in SIDES for part, v in (("plane", -40.0), ("elev", 60.0), ("rot", 0.0))}
    score.also(0.6 * slow, {"com_pin": 0.0}, after=0.1 * slow)
    score.also(0.5 * slow, {"seat_pin": 0.7}, after=0.7 * slow)
    sit = lean(rng, person, rng.uniform(-5, 15), 0.2) | both(
        knee_angle=rng.uniform(95, 115), ankle_angle=rng.normal(-15, 4)
    )
    score.move(
        1.2 * slow,
        sit | {"pelvis_tilt": rng.uniform(8, 25), "seat_y": 0.0} | {f"foot_{s}_pitch": 0.0 for s in SIDES} | behind,
    )
    score.wait(rng.uniform(0.2, 1.0))
    long = both(knee_angle=rng.uniform(3, 25), ankle_angle=-10.0)
    for s in SIDES:
        long |= {f"foot_{s}_z": rng.uniform(0.16, 0.22), f"foot_{s}_pitch": -rng.uniform(55, 72)}
    score.move(1.2 * slow, long)
    score.wait(rng.uniform(0.2, 1.5))
    if rng.random() < 0.7:
        p = {"lumbar_extension": 3.0, "thorax_extension": 0.0, "head_extension": -5.0}
        score.move(0.8 * slow, {"lumbar_extension": -25.0, "thorax_extension": -15.0, "pelvis_tilt": 48.0})
        score.move(
            1.1 * slow,
            p
            | {"pelvis_tilt": 87.0}
            | {f"arm_{s}_{part}": v for s in SIDES for part, v in (("plane", 5.0), ("elev", 20.0), ("rot", 0.0))},
        )
    score.wait(rng.uniform(0.3, 1.0))
    score.backwards = bool(rng.random() < 0.5)
    return score


FLOOR = {
    "seated": (seated, 2.0), "kneel": (kneel, 1.5), "on_hands": (on_hands, 0.7), "plank": (plank, 1.0),
    "lying": (lying, 1.0), "get_down": (get_down, 1.0),
}  # fmt: skip
