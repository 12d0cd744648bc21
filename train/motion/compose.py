"""A person and the channels of a score in; SKEL motion on the floor, with its contacts, out.

`score.py` says what the channels are, `stage.py` where things rest, `planted.py` finds the poses.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, limits_rad
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_DOFS, SkelParams
from train.motion.score import SIDES, Channels, Person, min_jerk
from train.motion.stage import Stage, Wish

COM_SIGMA_M, ROOT_SIGMA_M = 0.012, 0.005
# Spread (rad) of what a planted leg, a leg in the air, and an arm with a resting hand do with what they are told.
PLANTED = {"hip_flexion": 1.0, "hip_adduction": 0.25, "hip_rotation": 0.15, "knee_angle": 0.1, "ankle_angle": 0.35,
           "subtalar_angle": 0.12, "mtp_angle": 0.25}  # fmt: skip
IN_AIR = 0.01
RESTING_ARM = {"shoulder": 0.5, "elbow": 0.3, "wrist_flexion": 0.5, "wrist_deviation": 0.2, "pro_sup": 0.8}
PELVIS_RAD = {"pelvis_tilt": 0.03, "pelvis_list": 0.06, "pelvis_rotation": 0.04}
SWAY_DEG = (
    ("pelvis", 0.4), ("hip", 0.5), ("knee", 0.4), ("ankle", 0.3), ("subtalar", 0.3), ("mtp", 0.2), ("lumbar", 0.5),
    ("thorax", 0.5), ("head", 1.0), ("scapula", 0.4), ("shoulder", 1.0), ("elbow", 1.2), ("pro_sup", 1.5), ("", 1.5),
)  # fmt: skip
SWAY_COM_M = 0.004


@dataclass(frozen=True)
class Take:
    """One composed clip: SKEL motion, and which of `datatypes.motion.CONTACT_POINTS` bear on something."""

    params: SkelParams
    contact: Float[ndarray, "t 4"]
    time_s: Float[ndarray, "t"]


def perform(
    body: SkelBody,
    person: Person,
    channels: Mapping[str, Float[ndarray, "t"]],
    time_s: Float[ndarray, "t"],
    rng: np.random.Generator,
    *,
    every: int = 2,
    smooth_s: float = 0.05,
) -> Take:
    """Let a person do what the channels say, with the unrest of living bodies.

    Args:
        body: A body in float64.
        person: Who.
        channels: Values over time, see `score.py`; `person.posture` holds for those not given.
        time_s: Times in even steps.
        rng: For the unrest.
        every: Solve one frame in so many, with splines between.
        smooth_s: Standard deviation of the smoothing in time; feet stay where they should be nevertheless.
    """
    given = {name: np.full(len(time_s), value, float) for name, value in person.posture.items()}
    everything = Channels(given | dict(channels), time_s)
    some = np.unique(np.append(np.arange(0, len(time_s), every), len(time_s) - 1))
    few, stage = everything.some(some), Stage(body, person.betas)
    wish = Wish(wanted_rows(stage, few, rng, person.sway), wanted_sigma(few), *wanted_com(stage, few, rng, person.sway))
    params = stage.solve(wish, few, smooth_s / (few.time_s[1] - few.time_s[0]))
    values = CubicSpline(few.time_s, np.concatenate([params.q, params.trans_m], axis=1))(time_s)
    return Take(SkelParams(values[:, :N_DOFS], params.betas, values[:, N_DOFS:]), contacts(everything), time_s)


def wanted_rows(stage: Stage, channels: Channels, rng: np.random.Generator, sway: float) -> Float[ndarray, "t 49"]:
    """Return q and trans to be near to; hips of planted legs follow from knee, ankle and pelvis."""
    time_s = channels.time_s
    degrees = np.stack([channels[name] for name in DOF_NAMES], axis=1)
    for side in SIDES:
        knee, ankle = degrees[:, DOF_INDEX[f"knee_angle_{side}"]], degrees[:, DOF_INDEX[f"ankle_angle_{side}"]]
        if f"ankle_angle_{side}" not in channels.values:
            ankle[:] = 0.35 * knee - channels[f"foot_{side}_pitch"]
        pitch, hip = channels[f"foot_{side}_pitch"], degrees[:, DOF_INDEX[f"hip_flexion_{side}"]]
        planted = channels[f"foot_{side}_pin"].clip(0, 1) * (1 - channels["hip_hold"])
        # Toes stay down when the heel rises; left to find that themselves, they may go the wrong way round.
        degrees[:, DOF_INDEX[f"mtp_angle_{side}"]] -= planted * 0.85 * pitch.clip(0, 75)
        hip += planted * (knee - ankle - pitch - degrees[:, DOF_INDEX["pelvis_tilt"]] - hip)
        for name, value in arm_degrees(channels.values, side, len(time_s)).items():
            degrees[:, DOF_INDEX[name]] += value
    for i, name in enumerate(DOF_NAMES):
        size = next(size for start, size in SWAY_DEG if name.startswith(start))
        degrees[:, i] += size * sway * unrest(time_s, rng)
    lower, upper = limits_rad()
    margin = np.radians(1.0)
    q = np.clip(np.radians(degrees), lower + margin, upper - margin)
    trans = np.stack([channels[f"root_{axis}"] for axis in "xyz"], axis=1)
    free = channels["root_pin"] < 0.5
    feet = [[channels[f"foot_{s}_{axis}"] for axis in "xyz"] for s in SIDES]
    drop = 0.3 * (1 - np.cos(np.radians(degrees[:, [DOF_INDEX[f"knee_angle_{s}"] for s in SIDES]]).max(1)))
    start = np.mean(feet, axis=0).T + np.stack([0 * drop, -stage.floor_m - drop, 0.05 + 0 * drop], axis=1)
    trans[free] = start[free]
    return np.concatenate([q, trans], axis=1)


def arm_degrees(channels: Mapping[str, ndarray], side: str, frames: int) -> dict[str, Float[ndarray, "t"]]:
    """Turn plane, elevation and rotation of an arm (ISB's order) into SKEL's shoulder; the blade turns along."""
    plane, elevation, rotation = (
        channels.get(f"arm_{side}_{part}", np.zeros(frames)) for part in ("plane", "elev", "rot")
    )
    blade = 0.18 * np.clip(elevation - 20, 0, None)
    # An arm raised to the front turns inward on the way: creases of elbows that reach forward do not look straight up.
    rotation = rotation + 0.6 * plane * min_jerk(np.clip(elevation / 60, 0, 1))
    turn = (
        _turn("z", plane)
        * _turn("x", blade - elevation)
        * _turn("z", rotation - plane)
        * Rotation.from_euler("x", 90, degrees=True)
    )
    xyz = np.degrees(np.unwrap(np.radians(turn.as_euler("xyz", degrees=True)), axis=0))
    sign = 1 if side == "r" else -1
    raised = 0.05 * np.clip(elevation - 60, 0, None)
    return {
        f"shoulder_{side}_x": sign * xyz[:, 0],
        f"shoulder_{side}_y": sign * xyz[:, 1],
        f"shoulder_{side}_z": xyz[:, 2],
        f"scapula_upward_rot_{side}": blade,
        f"scapula_elevation_{side}": -sign * raised,
    }


def _turn(axis: str, degrees: Float[ndarray, "t"]) -> Rotation:
    return Rotation.from_euler(axis, degrees[:, None], degrees=True)


def unrest(time_s: Float[ndarray, "t"], rng: np.random.Generator) -> Float[ndarray, "t"]:
    """Return smooth noise of about unit size: slow waves, the slower the larger."""
    hz = rng.uniform(0.05, 1.3, 6)
    size = 1 / (0.3 + hz)
    size /= np.sqrt((size**2).sum() / 2)
    phase = 2 * np.pi * (time_s[:, None] * hz + rng.random(6))
    return np.sin(phase) @ size


def wanted_sigma(channels: Channels) -> Float[ndarray, "t 49"]:
    """Return how near each column keeps to what is wanted; 0 = it does exactly that."""
    sigma = np.zeros((len(channels.time_s), N_DOFS + 3))
    for name, value in PELVIS_RAD.items():
        sigma[:, DOF_INDEX[name]] = value
    for side in SIDES:
        pin, held = (channels[name].clip(0, 1) for name in (f"foot_{side}_pin", "hip_hold"))
        for name, value in PLANTED.items():
            loose = pin * (1 - (name == "hip_flexion") * 0.6 * held)
            sigma[:, DOF_INDEX[f"{name}_{side}"]] = np.exp(loose * np.log(value) + (1 - loose) * np.log(IN_AIR))
        rests = np.maximum(channels[f"hand_{side}_pin"], channels[f"elbow_{side}_pin"])
        for name in DOF_NAMES if rests.any() else ():
            if name.endswith(f"_{side}") or f"_{side}_" in name:
                value = next((v for start, v in RESTING_ARM.items() if name.startswith(start)), None)
                if value is not None:
                    sigma[:, DOF_INDEX[name]] = np.exp(rests * np.log(value) + (1 - rests) * np.log(IN_AIR))
    root = channels["root_pin"].clip(0, 1)[:, None]
    sigma[:, N_DOFS:] = np.exp(root * np.log(ROOT_SIGMA_M) + (1 - root) * np.log(5.0))
    return sigma


def wanted_com(
    stage: Stage, channels: Channels, rng: np.random.Generator, sway: float
) -> tuple[Float[ndarray, "t 3"], Float[ndarray, "t 3"]]:
    """Return where the centre of mass should be for balance, and how firmly."""
    time_s = channels.time_s
    middle = np.zeros((len(time_s), 3))
    load = channels["load_r"]
    for side, share in zip(SIDES, (load, 1 - load), strict=True):
        yaw = np.radians(channels[f"foot_{side}_yaw"]) * (-1 if side == "r" else 1)
        tiptoe = np.clip(channels[f"foot_{side}_pitch"] / 20, -0.6, 1)
        length = stage.rest[f"mtp1_{side}"][2] - stage.rest[f"talus_{side}"][2]
        ahead = length * (0.35 + 0.55 * tiptoe)
        middle[:, 0] += share * (channels[f"foot_{side}_x"] + ahead * np.sin(yaw))
        middle[:, 2] += share * (channels[f"foot_{side}_z"] + ahead * np.cos(yaw))
    for i, axis in enumerate("xyz"):
        middle[:, i] += channels[f"com_{axis}"] + SWAY_COM_M * sway * unrest(time_s, rng) * (axis != "y")
    weight = np.repeat(channels["com_pin"][:, None], 3, axis=1)
    weight[:, 1] = channels["com_y_pin"]
    return middle, weight.clip(0, 1) ** 4 / COM_SIGMA_M**2


def contacts(channels: Channels) -> Float[ndarray, "t 4"]:
    """Say which of heel and toes, right then left, bear on something."""
    out, time_s = [], channels.time_s
    for side in SIDES:
        part = {name: channels[f"foot_{side}_{name}"] for name in ("x", "z", "y", "pitch", "pin")}
        slides = np.hypot(np.gradient(part["x"], time_s), np.gradient(part["z"], time_s)) > 0.02
        down = ~slides & (part["pin"] > 0.95) & (part["y"] - channels[f"ground_{side}"] < 0.002)
        out += [down & (part["pitch"] < 1), down & (part["pitch"] > -1)]
    return np.stack(out, axis=1).astype(np.float32)
