"""Tasks of standing people: arms, trunk, balance, leg raises, heels; a person and a generator in, a `Score` out."""

from train.motion.score import SIDES, Person, Score
from train.motion.tasks import Rng, any_arms, arms, begin, lean, reps, stance, uneven


def arm_raise(person: Person, rng: Rng) -> Score:
    """Raise one or both arms: flexion, abduction, scaption; partly, to shoulder height or overhead."""
    score = begin(rng, person, stance(person, rng.uniform(0.05, 0.2)))
    sides = str(rng.choice(["rl", "rl", "r", "l"]))
    plane = rng.choice([90.0, 0.0, 35.0]) + rng.normal(0, 8)
    top, turn = rng.uniform(50, 175), rng.normal(-15, 20)
    shrug = rng.uniform(0, 10) if rng.random() < 0.3 else 0.0
    for size, slow in reps(rng, 2, 5):
        up = {}
        for s in sides:
            up |= {
                f"arm_{s}_plane": plane + rng.normal(0, 3),
                f"arm_{s}_elev": min(top * size, 178) + rng.normal(0, 3),
                f"arm_{s}_rot": turn,
                f"elbow_flexion_{s}": rng.uniform(0, 15),
                f"pro_sup_{s}": rng.normal(0, 15),
                f"scapula_elevation_{s}": -shrug if s == "r" else shrug,
            }
        up |= lean(rng, person, -0.05 * top * rng.random(), 0.4, gaze=0.0) | uneven(rng, 0.15)
        if len(sides) == 1:
            up["thorax_bending"] = (-1 if sides == "r" else 1) * rng.uniform(0, 8)
        score.move(slow * rng.uniform(0.8, 1.6), up)
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.5)]))
        score.home(slow * rng.uniform(0.8, 1.6))
        score.wait(rng.choice([0.0, rng.uniform(0.1, 0.8)]))
    return score


def arm_other(person: Person, rng: Rng) -> Score:
    """Turn arms out and in, bend elbows, bring hands behind head or back, across, to the mouth."""
    score = begin(rng, person, stance(person, rng.uniform(0.05, 0.2)))
    kind = str(
        rng.choice(["rotation", "rotation90", "elbow", "behind_head", "behind_back", "crossed", "mouth", "clasped"])
    )
    sides = str(rng.choice(["rl", "r", "l"]))
    base = {"rotation": (5, 6, 0, 90, 10), "rotation90": (0, 88, -45, 90, 10), "elbow": (10, 12, 0, 20, -40)}.get(kind)
    if base:
        score.move(0.8, _both(sides, base, rng))
    for size, slow in reps(rng, 2, 5):
        if kind.startswith("rotation"):
            turn = rng.uniform(25, 45) * size
            score.move(slow * 1.1, {f"arm_{s}_rot": (0 if kind == "rotation" else -45) - turn for s in sides})
            score.wait(rng.choice([0.0, rng.uniform(0.1, 0.8)]))
            score.move(slow * 1.2, {f"arm_{s}_rot": 20 + turn * 0.5 for s in sides})
        elif kind == "elbow":
            score.move(slow, {f"elbow_flexion_{s}": min(rng.uniform(110, 140) * size, 148) for s in sides})
            score.wait(rng.choice([0.0, rng.uniform(0.1, 0.8)]))
            score.move(slow, {f"elbow_flexion_{s}": rng.uniform(2, 20) for s in sides})
        else:
            to = _both(sides, (60, 60, 5, 138, 30), rng) if kind == "mouth" else arms(rng, person, kind, sides)
            score.move(slow * rng.uniform(0.9, 1.5), to)
            score.wait(rng.choice([0.0, rng.uniform(0.2, 1.2)]))
            score.home(slow * rng.uniform(0.9, 1.4))
    score.home(0.9)
    return score


def _both(sides: str, values: tuple[float, ...], rng: Rng) -> dict[str, float]:
    names = ("arm_{}_plane", "arm_{}_elev", "arm_{}_rot", "elbow_flexion_{}", "pro_sup_{}")
    return {n.format(s): v + rng.normal(0, 4) for s in sides for n, v in zip(names, values, strict=True)}


def trunk_bend(person: Person, rng: Rng) -> Score:
    """Bend and turn the trunk: forward rounding, to the side, twisting, backward; the pelvis along or still."""
    score = begin(rng, person, stance(person, rng.uniform(0.06, 0.22)))
    kind = str(rng.choice(["side", "twist", "back", "round", "toes"]))
    score.move(0.7, any_arms(rng, person, "hang", "hips", "crossed", "behind_head"))
    sign = rng.choice([-1, 1])
    p = person.posture
    for size, slow in reps(rng, 2, 5):
        a, low = rng.uniform(12, 38) * size, rng.uniform(0.3, 0.6)
        if kind == "side":
            to = {
                "lumbar_bending": sign * min(a * low * 1.3, 28),
                "thorax_bending": sign * a * (1 - low) * 1.3,
                "head_bending": sign * a * rng.uniform(0, 0.5),
                "pelvis_list": -sign * rng.uniform(0, 6),
            }
        elif kind == "twist":
            to = {
                "lumbar_twist": sign * a * low,
                "thorax_twist": sign * a * (1 - low) * 1.4,
                "head_twist": sign * a * rng.uniform(-0.3, 1.2),
                "pelvis_rotation": sign * rng.uniform(0, 25),
            }
        elif kind == "back":
            to = lean(rng, person, -a, rng.uniform(0.1, 0.5), gaze=rng.uniform(0, 0.8))
        else:
            depth = rng.uniform(30, 60) if kind == "round" else rng.uniform(70, 115)
            to = lean(rng, person, depth * size, rng.uniform(0.2, 0.6), gaze=-rng.uniform(0, 0.3))
            to |= {
                "lumbar_extension": max(to["lumbar_extension"], -42),
                "thorax_extension": max(to["thorax_extension"], -42),
            }
            if kind == "toes":
                to |= {f"arm_{s}_elev": 0.8 * depth + 8 for s in SIDES} | {f"arm_{s}_plane": 88.0 for s in SIDES}
                to |= {f"ankle_angle_{s}": rng.normal(-4, 2) for s in SIDES}
        to |= {f"knee_angle_{s}": p[f"knee_angle_{s}"] + rng.uniform(0, 8) for s in SIDES}
        score.move(slow * rng.uniform(0.9, 1.6), to)
        score.wait(rng.choice([0.0, rng.uniform(0.2, 1.0)]))
        score.home(slow * rng.uniform(0.9, 1.5), "arm", "elbow", "pro_sup")
        sign = -sign if rng.random() < 0.6 else sign
    score.home(0.8)
    return score


def heel_raise(person: Person, rng: Rng) -> Score:
    """Raise heels, or toes, with straight or bent knees."""
    half = rng.uniform(0.05, 0.16)
    score = begin(rng, person, stance(person, half))
    toes = rng.random() < 0.35
    high = -rng.uniform(10, 24) if toes else rng.uniform(15, 45)
    bent = rng.choice([0.0, rng.uniform(5, 30)])
    score.move(0.7, any_arms(rng, person, "hang", "hang", "hips", "crossed", "front"))
    for size, slow in reps(rng, 3, 8):
        to = {f"foot_{s}_pitch": high * size + rng.normal(0, 1) for s in SIDES}
        to |= {f"knee_angle_{s}": person.posture[f"knee_angle_{s}"] + bent * 0.6 for s in SIDES}
        to |= lean(rng, person, (8 if toes else 2) + rng.normal(0, 3), 0.8)
        score.move(slow * rng.uniform(0.5, 1.0), to)
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.5)]))
        score.home(slow * rng.uniform(0.5, 1.1), "arm", "elbow", "pro_sup")
        score.wait(rng.choice([0.0, rng.uniform(0.1, 0.6)]))
    score.home(0.8)
    return score


def one_leg(person: Person, rng: Rng) -> Score:
    """Stand on one leg: hold, raise the other to the front, side or back, march, or squat on it."""
    score = begin(rng, person, stance(person, rng.uniform(0.05, 0.1)))
    stays, lifts = ("r", "l") if rng.random() < 0.5 else ("l", "r")
    kind = str(rng.choice(["hold", "front", "side", "back", "march", "squat", "squat", "curl"]))
    on = {"r": 1.0, "l": 0.0}
    drop = rng.choice([0.0, rng.normal(0, 6)])  # Trendelenburg or hitched
    style = any_arms(rng, person, "hang", "hips", "front", "side", "crossed")
    trunk = {"lumbar_bending": (1 if stays == "r" else -1) * rng.normal(3, 4), "thorax_bending": rng.normal(0, 3)}
    for size, slow in reps(rng, 2, 4):
        score.also(0.9, style)
        score.move(0.8 * slow, trunk | {"load_r": on[stays], "pelvis_list": (1 if stays == "r" else -1) * drop})
        score.also(0.25, {f"foot_{lifts}_pin": 0.0, f"foot_{lifts}_pitch": 15.0})
        air = _leg_in_air(kind, rng, size, person)
        score.move(
            slow * rng.uniform(0.7, 1.4),
            {f"{k}_{lifts}": v for k, v in air.items()} | _bend_for(kind, rng, person, size),
        )
        if kind == "squat":
            depth = rng.uniform(35, 85) * size
            track = rng.choice([0.0, rng.uniform(4, 14)])
            low = lean(rng, person, rng.uniform(0.2, 0.6) * depth, rng.uniform(0.5, 1.1))
            low |= {f"knee_angle_{stays}": depth, f"hip_adduction_{stays}": track * 0.7, f"hip_rotation_{stays}": track}
            score.move(slow * rng.uniform(0.8, 1.6), low | {f"hip_flexion_{lifts}": air["hip_flexion"] + 0.3 * depth})
            score.wait(rng.choice([0.0, rng.uniform(0.1, 0.5)]))
            back = {k: person.posture.get(k, 0.0) for k in low}
            score.move(slow * rng.uniform(0.7, 1.3), back | {f"hip_flexion_{lifts}": air["hip_flexion"]})
        score.wait(rng.choice([0.0, rng.uniform(0.2, 4.0)]) if kind == "hold" else rng.uniform(0, 0.6))
        score.also(0.3, {f"foot_{lifts}_pin": 1.0}, after=0.5 * slow)
        score.home(0.9 * slow, "load", "arm", "elbow", "pro_sup", f"foot_{lifts}_pin", "pelvis_list")
        if kind == "march" or rng.random() < 0.4:
            stays, lifts = lifts, stays
    score.home(0.9)
    return score


def _leg_in_air(kind: str, rng: Rng, size: float, person: Person) -> dict[str, float]:
    tilt = -person.posture["pelvis_tilt"]
    high = {
        "hold": (rng.uniform(5, 60), 0.0, rng.uniform(20, 95)),
        "front": (rng.uniform(25, 70), 0.0, rng.uniform(0, 15)),
        "side": (0.0, -rng.uniform(15, 40), rng.uniform(0, 15)),
        "back": (-rng.uniform(10, 28), 0.0, rng.uniform(0, 25)),
        "march": (rng.uniform(50, 100), 0.0, rng.uniform(60, 105)),
        "curl": (rng.uniform(-5, 5), 0.0, rng.uniform(60, 115)),
        "squat": (rng.uniform(0, 40), 0.0, rng.uniform(10, 90)),
    }[kind]
    return {
        "hip_flexion": high[0] * size + tilt,
        "hip_adduction": high[1] * size + rng.normal(0, 3),
        "knee_angle": high[2] * size,
        "hip_rotation": rng.normal(0, 6),
        "ankle_angle": rng.normal(-8, 12),
        "mtp_angle": rng.normal(0, 5),
    }


def _bend_for(kind: str, rng: Rng, person: Person, size: float) -> dict[str, float]:
    """Lean against a leg that is raised backward, or forward."""
    total = {"back": rng.uniform(0, 35), "front": -rng.uniform(0, 10)}.get(kind, rng.normal(0, 3))
    return lean(rng, person, total * size, rng.uniform(0.3, 1.0))


def reach(person: Person, rng: Rng) -> Score:
    """Reach with one or two hands: forward, up, to the side, across, or down beside a foot."""
    score = begin(rng, person, stance(person, rng.uniform(0.06, 0.2)))
    for size, slow in reps(rng, 2, 5):
        side = str(rng.choice(["r", "l", "rl"]))
        kind = str(rng.choice(["front", "up", "side", "down"]))
        sign = {"r": 1, "l": -1, "rl": 0}[side]
        plane, elev, total = {
            "front": (85, 88, rng.uniform(0, 40)),
            "up": (60, 160, -5.0),
            "side": (5, 88, 4.0),
            "down": (80, 70, rng.uniform(40, 100)),
        }[kind]
        to = lean(rng, person, total * size, rng.uniform(0.4, 0.9)) | _both(side, (plane, elev, 0, 10, 10), rng)
        to |= {
            "thorax_twist": sign * rng.uniform(-5, 25),
            "lumbar_bending": sign * (rng.uniform(0, 18) if kind != "up" else -8),
            "pelvis_rotation": sign * rng.uniform(-5, 18),
            "com_z": rng.uniform(0, 0.04),
            "head_twist": rng.normal(0, 15),
            "load_r": 0.5 + sign * rng.uniform(0, 0.25),
        }
        bend = rng.uniform(5, 90) if kind == "down" else rng.uniform(0, 12)
        to |= {f"knee_angle_{s}": bend + rng.normal(0, 3) + 3 for s in SIDES}
        to |= {f"foot_{s}_pitch": rng.uniform(8, 30) for s in SIDES} if kind == "up" and rng.random() < 0.4 else {}
        score.move(slow * rng.uniform(0.8, 1.5), to)
        score.wait(rng.choice([0.0, rng.uniform(0.1, 1.0)]))
        score.home(slow * rng.uniform(0.8, 1.4))
    return score


UPRIGHT = {
    "arm_raise": (arm_raise, 2.0), "arm_other": (arm_other, 1.5), "trunk_bend": (trunk_bend, 2.0),
    "heel_raise": (heel_raise, 1.0), "one_leg": (one_leg, 3.0), "reach": (reach, 1.5),
}  # fmt: skip
