"""Who is who: boxes that a detector found now and then in, people whose numbers stay with them out.

A person is known by place and by the colours of their clothes. Place decides, until two people overlap: then the
colours tell which is which when they part, and what remains open is said.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Integer
from scipy.optimize import linear_sum_assignment

from skelvid.datatypes.people import Boxes, KeypointTrack, missing_keypoints
from skelvid.geometry.boxes import iou, shared
from skelvid.people.appearance import likeness
from skelvid.people.sighting import Doubt, Sighting

# Somebody who was not found for longer is somebody new when they come back.
REMEMBER_S = 2.0
# Two people who overlap by more than this share of the smaller may be taken for each other, and for some time after.
MEETING = 0.4
CONTESTED_S = 1.0
# Boxes that share more are around the same person, and, of somebody new, a box that is in another to that share.
SAME, WITHIN = 0.5, 0.9
# Heights that a person may be away from where they were thought to be, at once and per second.
REACH, REACH_PER_S = 0.5, 1.5
MAX_SIZE_RATIO = 2.0
# Least size of their points relative to their own: curled up in a somersault it is 0.38, and points that have lost
# their person shrink to less; and to that of the box that a detector sees at the same time.
MIN_SIZE, MIN_SIZE_NOW = 0.3, 0.5
# Somebody is new for so long: they come in, and less of them was seen before.
YOUNG_S = 2.0
# Least likeness to know somebody again, and the least by which it must prefer one of two.
MIN_LIKENESS, CLEAR = 0.4, 0.08
_LEARN = 0.2
_SPEED_OVER_S = _KNOWN_AFTER_S = 0.3
_PREDICT_S = 1.0
_SIZE_KEPT_S = 10.0
# Whoever has not been seen for longer was not mistaken, but lost.
_STALE_S = 0.15

Box = Float[np.ndarray, "4"]


@dataclass(eq=False)
class Person:
    """Somebody in the video, as known so far.

    Attributes:
        person_id: Their number.
        xyxy: Latest box, image px.
        time_s: Time of that box.
        score: How far the detector trusted its latest box of them.
        colours: Their appearance.
        met: Whom they overlapped, and when last, while they may have been taken for each other.
        missing: Whether the latest try to find them failed.
        hidden_s, said_s: When somebody else was last seen in their place, and when that was last said.
        since_s: When they were found first.
        seen_s: Since when they have been seen without a gap.
        whole: Whether a detector, after it found them, saw them as large as their points are.
        past: Times and boxes so far, the latest last.
        size: Longer side of the box when they are stretched out, px.
    """

    person_id: int
    xyxy: Box
    time_s: float
    score: float
    colours: Float[np.ndarray, "c"]
    met: dict[int, float] = field(default_factory=dict)
    missing: bool = False
    hidden_s: float = -math.inf
    said_s: float = -math.inf
    whole: bool = False
    since_s: float = field(init=False)
    seen_s: float = field(init=False)
    past: deque[tuple[float, Box]] = field(init=False)
    size: float = field(init=False)

    def __post_init__(self) -> None:
        self.since_s = self.seen_s = self.time_s
        self.past = deque([(self.time_s, self.xyxy)], maxlen=64)
        self.size = _size(self.xyxy)

    def move(self, xyxy: Box, time_s: float) -> None:
        """Take over a new box."""
        if time_s <= self.time_s:
            self.past.clear()
        self.size = max(_size(xyxy), self.size * math.exp(min(self.time_s - time_s, 0.0) / _SIZE_KEPT_S))
        if self.missing:
            self.seen_s = time_s
        self.xyxy, self.time_s, self.missing = xyxy, time_s, False
        self.past.append((time_s, xyxy))

    def at(self, time_s: float) -> Box:
        """Return the box at a time: as it was, or as it will be if they go on as before."""
        if time_s < self.time_s:
            return min(self.past, key=lambda entry: abs(entry[0] - time_s))[1]
        return self.xyxy + np.tile(self._velocity() * min(time_s - self.time_s, _PREDICT_S), 2)

    def is_known(self) -> bool:
        """Return whether they were seen more than once: detectors err, but seldom twice."""
        return self.time_s - self.since_s > _KNOWN_AFTER_S

    def is_new(self, time_s: float) -> bool:
        """Return whether they came a moment ago; perhaps they are coming in still, and are larger than they seem."""
        return time_s - self.since_s < YOUNG_S

    def least_size(self, time_s: float) -> float:
        """Return how large points must be to be theirs, px; larger if a detector has just seen how large they are."""
        return max(MIN_SIZE * self.size, MIN_SIZE_NOW * _size(self.xyxy) if time_s == self.time_s else 0.0)

    def _velocity(self) -> Float[np.ndarray, "2"]:
        old = [(t, box) for t, box in self.past if t <= self.time_s - _SPEED_OVER_S]
        if not old:
            return np.zeros(2)
        before_s, before = old[-1]
        return (_center(self.xyxy) - _center(before)) / (self.time_s - before_s)


class Crowd:
    """All people of a video who are remembered."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self._count = 0

    def meet(self, time_s: float) -> None:
        """Note who overlaps whom, among those who are known."""
        people = [person for person in self.people if person.is_known()]
        if len(people) < 2:
            return
        boxes = np.stack([person.at(time_s) for person in people])
        for i, j in zip(*np.nonzero(np.triu(shared(boxes, boxes), 1) > MEETING), strict=True):
            for one, other in ((people[i], people[j]), (people[j], people[i])):
                one.met[other.person_id] = time_s

    def look(self, found: Boxes, colours: Float[np.ndarray, "n c"], time_s: float) -> list[Doubt]:
        """Take over what a detector found in a frame; return what is in doubt."""
        places = [person.at(time_s) for person in self.people]
        owner = assign(self._affinity(places, found, colours, time_s))
        rows = {person.person_id: int(row) for person, row in zip(self.people, owner, strict=True) if row >= 0}
        doubts: list[Doubt] = []
        for person, place, row in zip(self.people, places, owner, strict=True):
            if row < 0:
                continue
            person.score = float(found.score[row])
            here = shared(place[None], found.xyxy[row][None])[0, 0] > SAME
            if not person.met:
                person.colours = (1.0 - _LEARN) * person.colours + _LEARN * colours[row]
            elif here or person.missing or time_s - person.time_s > _STALE_S:
                doubts += self._part(person, colours, rows, time_s)
            else:
                doubts.append(Doubt(time_s, (person.person_id,), "was mistaken for another"))
                person.met.clear()
            larger = person.is_new(time_s) and _size(place) < MIN_SIZE_NOW * _size(found.xyxy[row])
            person.whole |= not (person.missing or larger)
            # Whoever is being seen is better known from that.
            if not here or larger or person.missing or time_s - person.time_s > _STALE_S:
                person.move(found.xyxy[row], time_s)
        self._welcome(found, colours, sorted(set(range(len(found))) - set(owner.tolist())), time_s)
        return doubts

    def mistaken(self, person: Person, around: Box, colours: Float[np.ndarray, "1 c"], time_s: float) -> bool:
        """Return whether what was taken for a person looks clearly more like somebody else who is at that place."""
        others = [other for other in self.people if other is not person and other.is_known()]
        if not others:
            return False
        there = shared(np.stack([other.at(time_s) for other in others]), around[None])[:, 0] > MEETING
        alike = likeness(np.stack([one.colours for one in (person, *others)]), colours)[:, 0]
        return bool((alike[1:][there] > alike[0] + CLEAR).any())

    def hidden(self, time_s: float) -> list[Doubt]:
        """Return who was not seen at a time because somebody else was in their place, unless it was said of late."""
        doubts: list[Doubt] = []
        for person in self.people:
            if person.missing and person.hidden_s == time_s:
                if time_s - person.said_s >= CONTESTED_S:
                    doubts.append(Doubt(time_s, (person.person_id,), "was hidden by another: left out meanwhile"))
                person.said_s = time_s
        return doubts

    def forget(self, time_s: float) -> None:
        """Forget those who have been away for long."""
        self.people = [person for person in self.people if time_s - person.time_s <= REMEMBER_S]
        known = {person.person_id for person in self.people}
        for person in self.people:
            person.met = {who: met_s for who, met_s in person.met.items() if who in known}

    def _affinity(
        self, places: list[Box], found: Boxes, colours: Float[np.ndarray, "n c"], time_s: float
    ) -> Float[np.ndarray, "p n"]:
        """Return how well each box suits each person, -inf where it cannot be theirs."""
        affinity = np.full((len(places), len(found)), -np.inf)
        if not affinity.size:
            return affinity
        overlap = iou(np.stack(places), found.xyxy)
        alike = likeness(np.stack([person.colours for person in self.people]), colours)
        for row, (person, place) in enumerate(zip(self.people, places, strict=True)):
            contested = bool(person.met)
            reach = person.size * (REACH + REACH_PER_S * max(time_s - person.time_s, CONTESTED_S if contested else 0.0))
            away = np.linalg.norm(_center(found.xyxy) - _center(place), axis=-1) / reach
            ratio = (found.xyxy[:, 2:] - found.xyxy[:, :2]).max(-1) / person.size
            possible = (away < 1.0) & (np.abs(np.log(ratio)) < math.log(MAX_SIZE_RATIO))
            if person.is_new(time_s):
                possible |= (ratio > 1.0) & (shared(place[None], found.xyxy)[0] > WITHIN)
            unsure = person.missing or contested
            if unsure:
                possible &= (alike[row] > MIN_LIKENESS) | (overlap[row] > SAME)
            elif person.time_s >= time_s:
                possible &= shared(place[None], found.xyxy)[0] > SAME
            near = np.maximum(overlap[row], 0.5 * (1.0 - away))
            suits = near + (2.0 if unsure else 0.5) * alike[row]
            affinity[row] = np.where(possible, suits, -np.inf)
        return affinity

    def _part(
        self, person: Person, colours: Float[np.ndarray, "n c"], rows: dict[int, int], time_s: float
    ) -> list[Doubt]:
        """Say what remains open after meetings of one person that are over.

        Both must be seen for that, or a while have passed: as long as one hides the other, colours are mixed.
        """
        doubts: list[Doubt] = []
        own = rows[person.person_id]
        for other in self.people:
            met_s, theirs = person.met.get(other.person_id, time_s), rows.get(other.person_id)
            if met_s >= time_s or (theirs is None and time_s - met_s < CONTESTED_S):
                continue
            alike = likeness(
                np.stack([person.colours, other.colours]), colours[[own, own if theirs is None else theirs]]
            )
            clear = alike[0, 0] - alike[1, 0]
            if theirs is not None:
                clear = (clear + alike[1, 1] - alike[0, 1]) / 2.0
            del person.met[other.person_id]
            if other.met.pop(person.person_id, None) is not None and clear < CLEAR:
                pair = (person.person_id, other.person_id)
                doubts.append(Doubt(time_s, pair, "met, and look alike: perhaps exchanged"))
        return doubts

    def _welcome(self, found: Boxes, colours: Float[np.ndarray, "n c"], rows: Sequence[int], time_s: float) -> None:
        """Give new numbers to boxes that are nobody's."""
        for row in rows:
            box = found.xyxy[row]
            known = [person.at(time_s) for person in self.people if not person.missing]
            if known and shared(np.stack(known), box[None]).max() > SAME:
                continue
            self.people.append(Person(self._count, box, time_s, float(found.score[row]), colours[row]))
            self._count += 1


def assign(affinity: Float[np.ndarray, "p n"]) -> Integer[np.ndarray, "p"]:
    """Return for each person the box that is theirs, one to one and with most affinity in all; -1 for none.

    >>> assign(np.array([[2.0, 1.9], [1.0, -np.inf]]))
    array([1, 0])
    """
    owner = np.full(len(affinity), -1)
    possible = np.isfinite(affinity)
    for i, j in zip(*linear_sum_assignment(-np.where(possible, affinity, 0.0)), strict=True):
        if possible[i, j]:
            owner[i] = j
    return owner


def tracks(sightings: Sequence[Sighting]) -> list[KeypointTrack]:
    """Return a track of every person who was followed: a row per frame, missing where they were not seen."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for t, sighting in enumerate(sightings):
        assert sighting.boxes.person_id is not None
        for n in np.flatnonzero((sighting.keypoints.score > 0.0).any(-1)):
            rows.setdefault(int(sighting.boxes.person_id[n]), []).append((t, int(n)))
    time_s = np.array([sighting.time_s for sighting in sightings])
    found: list[KeypointTrack] = []
    for person_id in sorted(rows):
        keypoints = missing_keypoints(sightings[0].keypoints.names, (len(sightings),))
        for t, n in rows[person_id]:
            keypoints.xy[t], keypoints.score[t] = sightings[t].keypoints.xy[n], sightings[t].keypoints.score[n]
        found.append(KeypointTrack(person_id, time_s, keypoints))
    return found


def _size(xyxy: Box) -> float:
    return float((xyxy[2:] - xyxy[:2]).max())


def _center(xyxy: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b 2"]:
    return (xyxy[..., :2] + xyxy[..., 2:]) / 2.0
