"""Who moves, and what moves when: a seed in, a person out; moves in, channels over time out.

A score has channels over time (`CHANNELS` in words):
    every name of `body.dofs`            deg; hips, knees and ankles of a planted leg are only wishes
    arm_{r,l}_plane, _elev, _rot         deg, as ISB: 0 to the side .. 90 to the front; from hanging; + internal
    foot_{r,l}_x, _z                     m, where the ankle is above the floor; default: the person's stance
    foot_{r,l}_y                         m, height of the sole (default 0); ground_{r,l}: of what it would stand on
    foot_{r,l}_yaw                       deg, toes outward of the person's toe-out
    foot_{r,l}_pitch                     deg, > 0 heel up and toes down on the floor, < 0 toes up
    foot_{r,l}_pin                       1 = the foot is exactly there (default), 0 = the leg does what its angles say
    hip_hold                             1 = hips of planted legs keep to their flexion too
    load_r                               share of the weight on the right foot, default 0.5
    com_pin, com_x, com_z                1 = balance (default): centre of mass over the feet, moved by x and z (m)
    com_y_pin, com_y                     1 = the centre of mass at this height (m)
    root_pin, root_x, root_y, root_z     1 = the pelvis there
    {seat,knee_r,knee_l,hand_r,hand_l,back,elbow_r,elbow_l}_pin, _y
                                         1 = this point stays where it is then, its height y (default 0, on the floor)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.dofs import DOF_INDEX
from skelvid.datatypes.skel import N_BETAS

SIDES = ("r", "l")


@dataclass(frozen=True)
class Person:
    """Who moves: a shape, and habits that stay from clip to clip.

    Attributes:
        name, split: As in the index of the library.
        betas: Shape.
        posture: Channels of quiet standing, deg and m.
        tempo: Multiplies all speeds.
        sway: Multiplies all unrest.
    """

    name: str
    split: str
    betas: Float[ndarray, "10"]
    posture: Mapping[str, float]
    tempo: float
    sway: float


class Score:
    """What moves when: starts from a posture, then one `move` or `wait` after the other.

    >>> score = Score(np.random.default_rng(0), {"knee_angle_r": 3.0})
    >>> score.move(1.0, knee_angle_r=90.0)
    >>> score.wait(0.5)
    >>> score.sample(np.array([0.0, 1.5]))["knee_angle_r"].round(1).tolist()
    [3.0, 90.0]
    """

    def __init__(self, rng: np.random.Generator, start: Mapping[str, float], tempo: float = 1.0) -> None:
        self.rng, self.tempo, self.now = rng, tempo, 0.0
        self._start = dict(start)
        self.backwards = False  # play it from its end
        self._value = dict(start)
        self._moves: list[tuple[str, float, float, float, float]] = []
        self._flights: list[tuple[tuple[str, ...], float, float, float]] = []

    def __getitem__(self, name: str) -> float:
        """Return where a channel is now."""
        return self._value.get(name, default(name))

    def move(self, seconds: float, targets: Mapping[str, float] | None = None, /, **more: float) -> None:
        """Bring channels to new values by minimum jerk; those of joints are a little early, late and skewed."""
        seconds /= self.tempo
        for name, value in {**(targets or {}), **more}.items():
            first, last, skew = self.now, self.now + seconds, 1.0
            if name in DOF_INDEX or name.startswith("arm"):
                first, last = first + seconds * self.rng.uniform(0, 0.12), last - seconds * self.rng.uniform(0, 0.12)
                skew = self.rng.uniform(0.85, 1.2)
            self._moves.append((name, first, last, skew, value - self[name]))
            self._value[name] = value
        self.now += seconds

    def also(
        self, seconds: float, targets: Mapping[str, float] | None = None, /, *, after: float = 0.0, **more: float
    ) -> None:
        """Start a move from `after` seconds from now on without waiting for its end."""
        now = self.now
        self.now += after / self.tempo
        self.move(seconds, targets, **more)
        self.now = now

    def fly(self, feet: Sequence[str], high_m: float, seconds: float) -> None:
        """Send the body and some feet up a ballistic arc from now on; the feet leave and meet the floor with it."""
        self._flights.append((tuple(feet), high_m, self.now, seconds))

    def home(self, seconds: float, *keep: str) -> None:
        """Return to the start with all channels but those whose names start with `keep`."""
        back = {name: self._start.get(name, default(name)) for name in self._value}
        self.move(seconds, {name: value for name, value in back.items() if not name.startswith(keep or ("-",))})

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds / self.tempo

    def sample(self, time_s: Float[ndarray, "t"]) -> dict[str, Float[ndarray, "t"]]:
        """Return all channels that were ever named at some times."""
        names = self._start.keys() | {move[0] for move in self._moves}
        if self.backwards:
            time_s = self.now - time_s
        out = {name: np.full(len(time_s), self._start.get(name, default(name)), float) for name in sorted(names)}
        for name, first, last, skew, change in self._moves:
            out[name] += change * min_jerk(np.clip((time_s - first) / (last - first), 0, 1) ** skew)
        for feet, high_m, first, seconds in self._flights:
            u = np.clip((time_s - first) / seconds, 0, 1)
            for side in feet:
                name = f"foot_{side}_y"
                out[name] = out.get(name, np.zeros(len(time_s))) + 4 * high_m * u * (1 - u)
        return out


@dataclass(frozen=True)
class Channels:
    """Channels sampled at some times; those that nobody set have their default."""

    values: Mapping[str, Float[ndarray, "t"]]
    time_s: Float[ndarray, "t"]

    def __getitem__(self, name: str) -> Float[ndarray, "t"]:
        """Return one channel."""
        return self.values[name] if name in self.values else np.full(len(self.time_s), default(name))

    def some(self, frames: Int[ndarray, "f"]) -> "Channels":
        """Return some of the frames."""
        return Channels({name: value[frames] for name, value in self.values.items()}, self.time_s[frames])


def min_jerk(u: Float[ndarray, "t"]) -> Float[ndarray, "t"]:
    """Go from 0 to 1 with the least jerk (Flash and Hogan 1985)."""
    return u**3 * (10 - 15 * u + 6 * u**2)


def default(name: str) -> float:
    """Return the value of a channel that nobody set."""
    return {"load_r": 0.5, "com_pin": 1.0, "foot_r_pin": 1.0, "foot_l_pin": 1.0}.get(name, 0.0)


def draw_person(seed: int, index: int) -> Person:
    """Draw a person's shape and habits; one in twenty is held out."""
    rng = np.random.default_rng([seed, index])
    # The spine takes up what the pelvis tilts; means as in captured people (UI-PRMD) on our body, their trunks turned
    # as far as their sternums say (see `_TRUNK_SHIFT_DEG` of train.lift.library).
    tilt = rng.normal(-1, 5.5)
    lumbar = rng.uniform(0.4, 0.9)
    lean = rng.normal(0, 3)
    posture = {
        "pelvis_tilt": tilt,
        "lumbar_extension": -4 - lumbar * (tilt + 1) + rng.normal(0, 4),
        "thorax_extension": 2.5 - (1 - lumbar) * (tilt + 1) + lean + rng.normal(0, 4),
        "head_extension": 1 - lean + rng.normal(0, 7),
        "pelvis_list": rng.normal(0, 1.0),
        "load_r": 0.5 + rng.normal(0, 0.02),
    }
    posture["lumbar_bending"] = -posture["pelvis_list"] + rng.normal(0, 1)
    half, toe_out, knee = rng.uniform(0.06, 0.14), rng.normal(7, 6), rng.normal(4, 3)
    hang, elbow, turn = rng.uniform(5, 14), rng.uniform(8, 28), rng.normal(15, 15)
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        posture |= {
            f"foot_{side}_x": sign * half, f"foot_{side}_z": rng.normal(0, 0.01),
            f"foot_{side}_yaw": toe_out + rng.normal(0, 2), f"knee_angle_{side}": max(knee + rng.normal(0, 1.5), -1),
            f"hip_rotation_{side}": rng.normal(0, 4), f"subtalar_angle_{side}": rng.normal(0, 3),
            f"arm_{side}_plane": rng.uniform(0, 50), f"arm_{side}_elev": hang + rng.normal(0, 2),
            f"arm_{side}_rot": turn + rng.normal(0, 5), f"elbow_flexion_{side}": elbow + rng.normal(0, 4),
            f"pro_sup_{side}": rng.normal(5, 15), f"wrist_flexion_{side}": rng.normal(0, 8),
        }  # fmt: skip
    return Person(
        name=f"composed_{seed}_{index:04d}",
        split="val" if rng.random() < 0.05 else "train",
        betas=np.clip(rng.normal(0, 1.2, N_BETAS), -3, 3),
        posture=posture,
        tempo=float(np.exp(rng.normal(0, 0.2))),
        sway=float(np.exp(rng.normal(0, 0.4))),
    )
