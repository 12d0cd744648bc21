"""The families of gaits that composed clips draw from, and the making of one clip."""

from dataclasses import replace

import numpy as np

from skelvid.body.model import SkelBody
from train.motion import gait_styles as do
from train.motion import locomotion as go
from train.motion.compose import Take
from train.motion.gait import walk
from train.motion.leg_ik import make_legs
from train.motion.locomotion import Way
from train.motion.score import Person

BELT_WAYS, BELT_SHARE = (go.way_straight,), 0.15  # some walk on a treadmill: standing feet move with the belt
ON_FOOT = (go.way_straight, go.way_straight, go.way_curve, go.way_start_stop)
# Name: style, ways to draw from, slowest and fastest (m/s), how often.
FAMILIES: dict[str, tuple[do.Style, tuple[Way, ...], tuple[float, float], float]] = {
    "normal": (do.normal, ON_FOOT, (0.5, 1.9), 8.0),
    "slow": (do.normal, ON_FOOT, (0.3, 0.7), 2.0),
    "busy_hands": (do.busy_hands, ON_FOOT, (0.6, 1.5), 2.0),
    "running": (do.running, (go.way_straight, go.way_straight, go.way_curve), (1.0, 1.2), 3.0),
    "stiff_knee": (do.stiff_knee, ON_FOOT, (0.4, 1.1), 1.5),
    "foot_drop": (do.foot_drop, ON_FOOT, (0.5, 1.2), 1.5),
    "circumduction": (do.circumduction, ON_FOOT, (0.3, 0.9), 1.2),
    "trendelenburg": (do.trendelenburg, ON_FOOT, (0.5, 1.3), 1.5),
    "trunk_sway": (do.trunk_sway, ON_FOOT, (0.5, 1.4), 1.2),
    "crouch": (do.crouch, ON_FOOT, (0.4, 1.2), 1.5),
    "antalgic": (do.antalgic, ON_FOOT, (0.4, 1.2), 1.2),
    "ataxic": (do.ataxic, ON_FOOT, (0.4, 1.0), 1.0),
    "shuffling": (do.shuffling, ON_FOOT, (0.4, 0.9), 1.5),
    "on_toes": (do.on_toes, ON_FOOT, (0.5, 1.2), 1.2),
    "on_heels": (do.on_heels, (go.way_straight, go.way_start_stop), (0.5, 0.9), 0.6),
    "hip_hike": (do.hip_hike, ON_FOOT, (0.4, 1.0), 1.0),
    "stretched": (do.stretched, ON_FOOT, (0.5, 1.2), 0.8),
    "marching": (do.marching, (go.way_straight, go.way_start_stop), (0.5, 1.0), 1.2),
    "tandem": (do.tandem, (go.way_straight,), (0.4, 0.6), 0.8),
    "backward": (do.backward, (go.way_straight,), (0.5, 1.1), 1.0),
    "turn": (do.soft_steps, (go.way_turn,), (0.5, 0.8), 2.0),
    "side_steps": (do.soft_steps, (go.way_sideways,), (0.5, 0.8), 1.2),
    "shuffle_aside": (do.shuffle_aside, (go.way_sideways,), (0.5, 0.8), 0.6),
    "skipping": (do.skipping, (go.way_skip,), (1.0, 1.2), 0.6),
    "stairs_up": (do.stairs_up, (go.way_upstairs,), (0.5, 0.8), 1.2),
    "stairs_down": (do.stairs_down, (go.way_downstairs,), (0.5, 0.8), 1.2),
    "obstacles": (do.normal, (go.way_obstacles,), (0.6, 1.2), 1.2),
}


def compose_gait(body: SkelBody, person: Person, name: str, rng: np.random.Generator) -> Take:
    """Compose one clip of a family; it starts near the origin, facing +z. On a treadmill standing feet move."""
    style, ways, (slowest, fastest), _ = FAMILIES[name]
    leg_m = float(make_legs(body, person.betas)["r"].length_m(np.zeros(1))[0])
    gait = style(do.usual(person, leg_m, rng.uniform(slowest, fastest) * leg_m / 0.83, rng), rng)
    seconds = rng.uniform(5, 14)
    way = ways[rng.integers(len(ways))]
    plan = way(gait.rhythm, rng, seconds)
    made = walk(body, person.betas, gait.manner, plan, seconds, rng)
    params = made.params
    if way in BELT_WAYS and rng.random() < BELT_SHARE:
        belt = made.time_s * gait.rhythm.step_m / gait.rhythm.half_s
        params = replace(params, trans_m=params.trans_m - np.outer(belt, [0.0, 0.0, 1.0]))
    return Take(params, made.contact.astype(np.float32), made.time_s)
