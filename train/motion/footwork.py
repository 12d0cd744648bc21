"""Footfalls in, one foot over time out: it rolls over heel, ball and toes, and swings to its next stance.

A swing is seen from the hip, as knee and hip make it: the knee bends and stretches, the leg's direction goes from the
last stance to the next, and what would touch the floor is lifted. World: x left, y up, z front.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from train.motion.leg_ik import Leg

FPS = 60.0
NEVER = 1e9
LEFTWARD = {"r": -1.0, "l": 1.0}
KNEE_PACE_RAD_S = 7.0  # of a leg that leaves or meets the floor: a nearly straight one has any pace
MOST_KNEE_RAD = 2.1
HEEL_M = np.array([0.0, 0.0, -0.012])  # where a heel rolls, from the calcaneus joint, above the sole
TOES_BEND_DEG = 46.0  # what the ball of the foot gives before the toes roll too


Ends = tuple[Float[ndarray, "3"], Float[ndarray, "3"]]  # knee, forward and sideward angle of a leg; their rates


@dataclass(frozen=True)
class Footfall:
    """One stance: which foot, when (s; first or last of a plan: -NEVER, NEVER), where its ankle is above (m).

    y_m is the height of what it stands on, over_m what its sole had to clear on the way.
    """

    side: str
    on_s: float
    off_s: float
    x_m: float
    z_m: float
    heading_rad: float
    y_m: float = 0.0
    over_m: float = 0.0


@dataclass(frozen=True)
class LegManner:
    """How one leg walks; degrees where not said otherwise.

    Attributes:
        stance_knee: Flexion at contact, at the peak of loading, at mid-stance (the least), when the foot leaves.
        swing_knee: Peak flexion in swing.
        pitch_on: Foot to the floor at contact, + toes up. pitch_off: when it leaves. pitch_flat: while it stands.
        pitch_swing: In mid-swing; pitch_late: shortly before contact.
        flat_from, rise_from: Shares of the stance at which the sole is down and the heel starts to rise.
        clearance_m: Least height of the sole in mid-swing.
        toe_out: Of the foot against the footfall's heading.
        aside: Share of a too long leg's clearance got by swinging it outward (circumduction).
    """

    stance_knee: tuple[float, float, float, float] = (8.0, 18.0, 6.0, 38.0)
    swing_knee: float = 62.0
    pitch_on: float = 20.0
    pitch_off: float = -63.0
    pitch_flat: float = 0.0
    pitch_swing: float = -22.0
    pitch_late: float = 10.0
    flat_from: float = 0.13
    rise_from: float = 0.5
    clearance_m: float = 0.018
    toe_out: float = 7.0
    aside: float = 0.0


def smooth(u: ndarray) -> ndarray:
    """Go from 0 to 1 with level ends."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * (3 - 2 * u)


class Foot:
    """One foot over time: when it stands and where; `swing` adds the rest. Places are of the calcaneus joint."""

    def __init__(self, leg: Leg, manner: LegManner, falls: Sequence[Footfall], time_s: Float[ndarray, "t"]) -> None:
        self.leg, self.manner, self.time_s = leg, manner, time_s
        self.toe_out_rad = np.radians(manner.toe_out) * LEFTWARD[leg.side]
        self.falls = sorted(falls, key=lambda f: f.on_s)
        count = len(time_s)
        self.turn, self.place_m = np.zeros((count, 3, 3)), np.zeros((count, 3))
        self.pitch_deg, self.toes_deg, self.stands = np.zeros(count), np.zeros(count), np.zeros(count, bool)
        self.contact = np.zeros((count, 2))
        self.nominal_s = float(np.median([f.off_s - f.on_s for f in self.falls if f.off_s - f.on_s < 1e6] or [0.7]))
        for fall in self.falls:
            at = (time_s >= fall.on_s) & (time_s <= fall.off_s)
            self._stand(fall, at)

    def stance_pitch(self, fall: Footfall, when: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        """Return the foot's angle to the floor, + toes up, degrees."""
        m, nominal = self.manner, min(self.nominal_s, fall.off_s - fall.on_s)
        down = 1 - smooth((when - fall.on_s) / (m.flat_from * nominal)) if fall.on_s > -NEVER else 0.0
        rise_s = (1 - m.rise_from) * nominal
        up = np.clip((when - (fall.off_s - rise_s)) / rise_s, 0, 1.2) ** 1.9
        return m.pitch_flat + (m.pitch_on - m.pitch_flat) * down + (m.pitch_off - m.pitch_flat) * up

    def _stand(self, fall: Footfall, at: ndarray) -> None:
        pitch = self.stance_pitch(fall, self.time_s[at])
        self.turn[at], self.place_m[at], self.toes_deg[at] = self._rolled(fall, pitch)
        self.pitch_deg[at], self.stands[at] = pitch, True
        self.contact[at] = np.stack([pitch > -4.0, (pitch < 4.0) & (pitch > -TOES_BEND_DEG - 3.0)], axis=1)

    def _rolled(self, fall: Footfall, pitch: Float[ndarray, "n"]) -> tuple[ndarray, ndarray, ndarray]:
        """Return turn, place and bend of the toes of a foot pitched about heel, ball and tip of the toes."""
        leg = self.leg
        heading = Rotation.from_euler("y", fall.heading_rad + self.toe_out_rad).as_matrix()
        flat = np.array([fall.x_m, fall.y_m + leg.sole_m, fall.z_m]) + heading @ (leg.hindfoot_m * [1, 0, 1])
        heel = HEEL_M - [0, leg.sole_m, 0]
        up = _pitched(np.maximum(pitch, 0.0))
        toes = np.clip(-pitch, 0.0, TOES_BEND_DEG)
        roll = _pitched(np.minimum(pitch + toes, 0.0))
        tip = np.array([0.0, -leg.sole_m - leg.forefoot_m[1], leg.toes_m])
        ball = leg.forefoot_m + tip - roll @ tip  # where the ball is, the foot being flat or not
        turn = _pitched(pitch)
        place = np.where((pitch >= 0)[:, None], heel - up @ heel, ball - turn @ leg.forefoot_m)
        return heading @ turn, flat + place @ heading.T, toes

    def talus_m(self) -> Float[ndarray, "t 3"]:
        """Return where the ankle is, the subtalar joint being neutral."""
        return self.place_m - self.turn @ self.leg.hindfoot_m

    def swing(self, hip_m: Float[ndarray, "t 3"], heading_rad: Float[ndarray, "t"]) -> None:
        """Fill what lies between the stances, seen from the hip."""
        back = Rotation.from_euler("y", -heading_rad[:, None]).as_matrix()
        for last, following in zip(self.falls, self.falls[1:], strict=False):
            inside = (self.time_s > last.off_s) & (self.time_s < following.on_s)
            if inside.any():
                self._swing(last, following, hip_m, back, inside)

    def _swing(self, last: Footfall, following: Footfall, hip_m: ndarray, back: ndarray, inside: ndarray) -> None:
        m, leg, span = self.manner, self.leg, following.on_s - last.off_s
        u = (self.time_s[inside] - last.off_s) / span
        start, end = self._end(last, last.off_s, hip_m, back), self._end(following, following.on_s, hip_m, back)
        polar = CubicHermiteSpline([0.0, 1.0], [start[0], end[0]], [start[1] * span, end[1] * span])(u)
        polar[:, 0] = leg.length_m(self._swing_knee(start, end, span, u))
        pitch = self._swing_pitch(last, following, u)
        bends = [np.clip(-self.stance_pitch(f, np.array([t])), 0, TOES_BEND_DEG)
                 for f, t in ((last, last.off_s), (following, following.on_s))]  # fmt: skip
        toes = bends[0] * (1 - smooth(u / 0.5)) + bends[1] * smooth((u - 0.5) / 0.5)
        headings = last.heading_rad + (following.heading_rad - last.heading_rad) * smooth(u) + self.toe_out_rad
        turn = Rotation.from_euler("y", headings[:, None]).as_matrix() @ _pitched(pitch)
        floor = last.y_m + (following.y_m - last.y_m) * smooth(np.clip(2.2 * u - 0.2, 0, 1))
        height = floor + max(m.clearance_m, following.over_m) * np.sin(np.pi * u) ** 1.5 + self._reach_down(turn, toes)
        talus = self._cleared(polar, hip_m[inside], back[inside], u, height)
        self.turn[inside], self.place_m[inside] = turn, talus + turn @ leg.hindfoot_m
        self.pitch_deg[inside], self.toes_deg[inside] = pitch, toes

    def _end(self, fall: Footfall, when: float, hip_m: ndarray, back: ndarray) -> Ends:
        """Return knee, forward and sideward angle of the leg at an end of a stance, and their rates per second."""
        last = when == fall.off_s
        # Whole frames of the stance: a nearly straight knee does not bear reading between frames.
        frames = np.floor(when * FPS) - np.array([1, 0]) if last else np.ceil(when * FPS) + np.array([0, 1])
        moment = np.clip(frames / FPS, fall.on_s, fall.off_s)
        turn, place, _ = self._rolled(fall, self.stance_pitch(fall, moment))
        talus = place - turn @ self.leg.hindfoot_m
        hip = _at(hip_m, frames)
        polar = _polar(np.einsum("tab,tb->ta", _at(back, frames), talus - hip))
        polar[:, 0] = self.leg.knee_rad(polar[:, 0])
        rate = np.clip((polar[1] - polar[0]) * FPS, -KNEE_PACE_RAD_S, KNEE_PACE_RAD_S)
        return polar[int(last)], rate

    def _swing_pitch(self, last: Footfall, following: Footfall, u: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        m, span = self.manner, following.on_s - last.off_s
        near = self.stance_pitch(last, last.off_s + np.array([-0.01, 0.0]))
        start, pace = float(near[1]), float(near[1] - near[0]) / 0.01 * span
        end = float(self.stance_pitch(following, np.array([following.on_s]))[0])
        values = [start, start + 0.035 * pace, m.pitch_swing, m.pitch_late, end]
        slopes = [pace, 0.0, (m.pitch_late - start) / 0.7, (end - m.pitch_swing) / 0.5, 0.0]
        return CubicHermiteSpline([0.0, 0.12, 0.52, 0.8, 1.0], values, slopes)(u)

    def _swing_knee(self, start: Ends, end: Ends, span: float, u: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        """Return the knee, rad: to its peak, early in walking, later in running, and nearly straight before contact."""
        (first, pace), last = (start[0][0], start[1][0] * span), end[0][0]
        peak = np.radians(self.manner.swing_knee)
        at = 0.33 + 0.12 * float(np.clip((self.manner.swing_knee - 65) / 40, 0, 1))
        late = last + 0.06 * (peak - last)
        knots, values = [0.0, at, 0.92, 1.0], [first, max(peak, first + 0.1 * pace * at), late, last]
        return np.maximum(CubicHermiteSpline(knots, values, [pace, 0.0, -0.8 * (peak - last), 0.0])(u), 0.03)

    def _reach_down(self, turn: Float[ndarray, "n 3 3"], toes_deg: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        """Return how far below the ankle the lowest of heel, ball and toes is."""
        leg = self.leg
        ball = leg.forefoot_m * [1, 0, 1] + [0, -leg.sole_m, 0]
        sole = np.broadcast_to(np.stack([HEEL_M - [0, leg.sole_m, 0], ball]), (len(turn), 2, 3))
        tip = leg.forefoot_m + _pitched(toes_deg) @ [0, -leg.sole_m - leg.forefoot_m[1], 0.9 * leg.toes_m]
        points = np.concatenate([sole, tip[:, None]], axis=1) + leg.hindfoot_m
        return -np.einsum("tb,tkb->tk", turn[:, 1], points).min(1)

    def _cleared(
        self, polar: ndarray, hip: ndarray, back: ndarray, u: Float[ndarray, "n"], height_m: Float[ndarray, "n"]
    ) -> Float[ndarray, "n 3"]:
        """Return the ankle's way, shortened (or swung outward) until it is as high as it must be."""
        ends = smooth(u / 0.15) * smooth((1 - u) / 0.08)
        shortest = self.leg.length_m(np.array([MOST_KNEE_RAD]))
        for _ in range(4):
            lack = np.maximum(height_m - _ankle(hip, back, polar)[:, 1], 0.0)
            if float((lack * ends).max()) < 1e-3:
                break
            lack = ends * gaussian_filter1d(maximum_filter1d(lack, 5), 2.0, mode="nearest")
            outward = np.sqrt(2 * self.manner.aside * lack.max() / polar[:, 0])
            length = np.maximum(polar[:, 0] - (1 - self.manner.aside) * lack / np.cos(polar[:, 1]), shortest)
            aside = polar[:, 2] + LEFTWARD[self.leg.side] * np.minimum(outward, 0.35) * ends * np.sin(np.pi * u)
            polar = np.stack([length, polar[:, 1], aside], axis=1)
        return _ankle(hip, back, polar)


def _ankle(hip: ndarray, back: ndarray, polar: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
    return hip + np.einsum("tba,tb->ta", back, _cartesian(polar))


def _at(values: Float[ndarray, "t ..."], frames: Float[ndarray, "n"]) -> Float[ndarray, "n ..."]:
    """Read between frames, and beyond the ends as at the ends' pace."""
    before = np.clip(np.floor(frames).astype(int), 0, len(values) - 2)
    share = (frames - before).reshape(-1, *[1] * (values.ndim - 1))
    return values[before] * (1 - share) + values[before + 1] * share


def _pitched(pitch_deg: Float[ndarray, "n"]) -> Float[ndarray, "n 3 3"]:
    return Rotation.from_euler("x", -pitch_deg[:, None], degrees=True).as_matrix()


def _polar(offset_m: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
    """Return length, forward angle and angle to the left of hip-to-ankle."""
    length = np.linalg.norm(offset_m, axis=1)
    return np.stack(
        [length, np.arctan2(offset_m[:, 2], -offset_m[:, 1]), np.arcsin(np.clip(offset_m[:, 0] / length, -1, 1))],
        axis=1,
    )


def _cartesian(polar: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
    length, forward, aside = polar.T
    flat = length * np.cos(aside)
    return np.stack([length * np.sin(aside), -flat * np.cos(forward), flat * np.sin(forward)], axis=1)
