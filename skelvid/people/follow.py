"""Frames in, the people in them out, frame by frame: each with a number that stays, and keypoints of those that matter.

A detector looks at a frame now and then, and whenever there is doubt; in between, people are followed by their keypoint
source, within boxes that come from their last pose. What is said of a frame depends on earlier frames only, so the same
code serves a file and a camera. While the source works on one frame, the next is decoded and a detector looks at an
earlier one in threads of their own; when its findings count is a matter of video time, so every run gives the same.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.geometry.boxes import pad
from skelvid.people.appearance import appearance
from skelvid.people.back import Waiting, have_waited, look_back
from skelvid.people.choose import DEFAULT_RULE, check_rule, inside, weigh
from skelvid.people.detect import Detector
from skelvid.people.keypoints import BODY_MARGIN, KeypointSource, extent
from skelvid.people.sighting import Doubt, Sighting
from skelvid.people.sound import drop_twins, is_sound, steady
from skelvid.people.track import Box, Crowd, Person

EVERY_S = 1.0
# Between looks while somebody is new or may be mistaken, while nobody is there, and, doubled each time, after losing
# somebody.
CONTESTED_EVERY_S = 0.2
EMPTY_EVERY_S = 0.2
FIRST_RETRY_S, LAST_RETRY_S = 0.1, 0.4
# Frames wait until everybody has been seen for so long without a gap.
SETTLED_S = 0.2
# After this video time the findings of a look count.
LAG_S = 0.2
# The source keeps being asked for somebody at their last place.
PERSIST_S = 0.5
# Somebody else must be that much more wanted to be followed instead, on average over a time that is short for what
# makes them more wanted, and long for what makes them less: bending does not make a person a smaller one.
LOYALTY, GAIN_OVER_S, LOSE_OVER_S = 1.3, 2.0, 10.0
# What a box is wider than the points in it when it is made, in heights: at once, and per second between frames.
ROOM, ROOM_PER_S = 0.1, 0.8


@dataclass(frozen=True)
class _Look:
    """What a detector found in a frame, and what those people look like."""

    time_s: float
    found: Boxes
    colours: Float[np.ndarray, "n c"]


@dataclass(eq=False)
class _Followed:
    """What follows one person.

    Attributes:
        box: What the source is given; stays until the person leaves it, as a steady picture gives steady points.
        weight: How wanted they were on average.
    """

    box: Box
    weight: float


@dataclass
class _Lookout:
    """A detector that looks beside the rest of the work.

    Attributes:
        retry_s: How long to wait before looking for somebody lost once more.
    """

    detector: Detector
    pool: ThreadPoolExecutor
    every_s: float
    last_s: float = -math.inf
    retry_s: float = FIRST_RETRY_S
    calm_since_s: float = 0.0
    _pending: tuple[float, Future[_Look]] | None = None

    def start(self, frame: Frame) -> None:
        """Begin to look at a frame, whose findings will count in a while."""
        self.last_s = frame.time_s
        self._pending = (frame.time_s + LAG_S, self.pool.submit(self._look, frame))

    @property
    def busy(self) -> bool:
        """Whether a look is on its way."""
        return self._pending is not None

    def due(self, time_s: float) -> list[_Look]:
        """Return what counts from now on."""
        if self._pending is None or time_s < self._pending[0]:
            return []
        return self._take()

    def now(self, frame: Frame) -> list[_Look]:
        """Return what is on its way and what is seen in this frame."""
        self.last_s = frame.time_s
        return [*self._take(), self._look(frame)]

    def _take(self) -> list[_Look]:
        pending, self._pending = self._pending, None
        return [] if pending is None else [pending[1].result()]

    def _look(self, frame: Frame) -> _Look:
        (found,) = self.detector([frame])
        return _Look(frame.time_s, found, appearance(frame.image, found.xyxy))


def follow(
    frames: Iterable[Frame],
    *,
    detector: Detector,
    source: KeypointSource,
    rule: str = DEFAULT_RULE,
    at: tuple[float, float, float] | None = None,
    max_people: int = 1,
    every_s: float = EVERY_S,
    read_ahead: bool = True,
) -> Iterator[Sighting]:
    """Yield the people in each frame.

    Args:
        frames: In order of time.
        detector: Finds people.
        source: Gives keypoints, within boxes and with the numbers of the people.
        rule: Who gets keypoints when there are more than `max_people`, as for `choose`; by what is known so far.
        at: Point (x, y), px, and time, s, at which the wanted person is; from then on it overrules the rule.
        max_people: How many get keypoints in each frame, which is what costs time; the others are boxes only.
        every_s: How often the detector looks when nothing is in doubt.
        read_ahead: Take the next frame while working on this one, and wait with frames in which somebody is missing, to
            follow them back from where they are seen; not from a camera, as a frame would be old by its turn.

    Raises:
        ConfigError: There is no such rule.
    """
    check_rule(rule)
    with ThreadPoolExecutor(max_workers=2) as pool:
        lookout = _Lookout(detector, pool, every_s)
        follower = _Follower(lookout, source, rule, at, max_people)
        if not read_ahead:
            yield from map(follower.step, frames)
            return
        waiting: Waiting = []
        for frame in _one_ahead(frames, pool):
            waiting.append((frame, follower.step(frame)))
            settled = follower.settled(frame.time_s)
            if settled:
                look_back(waiting, source, follower.crowd, follower.room)
            while waiting and (settled or have_waited(waiting)):
                yield waiting.pop(0)[1]
        if waiting:
            look_back(waiting, source, follower.crowd, follower.room)
        yield from (sighting for _, sighting in waiting)


@dataclass
class _Follower:
    """The people of one video, and who of them is followed."""

    lookout: _Lookout
    source: KeypointSource
    rule: str
    at: tuple[float, float, float] | None
    max_people: int
    crowd: Crowd = field(default_factory=Crowd)
    followed: dict[int, _Followed] = field(default_factory=dict)
    chosen: int | None = None
    first: frozenset[int] = frozenset()
    before_s: float = -math.inf
    room: float = ROOM

    def __post_init__(self) -> None:
        self.chosen = int(self.rule) if self.rule.isdigit() else None

    def step(self, frame: Frame) -> Sighting:
        """Return the people in the next frame."""
        step_s = frame.time_s - self.before_s if math.isfinite(self.before_s) else 0.0
        self.room = ROOM + ROOM_PER_S * min(step_s, 0.5)
        doubts = self._heed(self._looks(frame))
        self.crowd.meet(frame.time_s)
        self.crowd.forget(frame.time_s)
        wanted = self._wanted(frame)
        points = self._ask(frame, wanted)
        lost = [person for person in wanted if person.missing and person.time_s >= self.before_s]
        if lost and self.lookout.last_s < frame.time_s:
            doubts += self._heed(self.lookout.now(frame))
            points |= self._ask(frame, [person for person in lost if not person.missing])
        doubts += self.crowd.hidden(frame.time_s)
        self.before_s = frame.time_s
        return self._sighting(frame, points, doubts)

    def settled(self, time_s: float) -> bool:
        """Return whether those who are wanted have been seen for a while; nobody is not all."""
        wanted = [person for person in self.crowd.people if person.person_id in self.first]
        return bool(wanted) and all(
            not person.missing
            and person.time_s >= time_s
            and time_s - person.seen_s >= SETTLED_S
            and (person.whole or not person.is_new(time_s))
            for person in wanted
        )

    def _looks(self, frame: Frame) -> list[_Look]:
        """Return the detector's findings that count from this frame on; let it look when it is time to."""
        lookout, time_s = self.lookout, frame.time_s
        waited_s = time_s - lookout.last_s
        wanted = [person for person in self.crowd.people if person.person_id in self.first]
        if not wanted or any(person.missing for person in wanted):
            lookout.calm_since_s = time_s
            if waited_s >= (lookout.retry_s if wanted else EMPTY_EVERY_S):
                lookout.retry_s = min(2.0 * lookout.retry_s, LAST_RETRY_S)
                return lookout.now(frame)
            return lookout.due(time_s)
        if time_s - lookout.calm_since_s > lookout.every_s:
            lookout.retry_s = FIRST_RETRY_S
        if any(person.is_new(time_s) and not person.whole for person in wanted) and waited_s >= CONTESTED_EVERY_S:
            return lookout.now(frame)
        looks = lookout.due(time_s)
        contested = any(person.met for person in wanted)
        if not lookout.busy and waited_s >= (min(CONTESTED_EVERY_S, lookout.every_s) if contested else lookout.every_s):
            lookout.start(frame)
        return looks

    def _heed(self, looks: Sequence[_Look]) -> list[Doubt]:
        """Take over what a detector saw; follow anew whom it saw elsewhere."""
        doubts: list[Doubt] = []
        for look in looks:
            before = {person.person_id: person.xyxy for person in self.crowd.people}
            doubts += self.crowd.look(look.found, look.colours, look.time_s)
            for person in self.crowd.people:
                if person.person_id in self.followed and person.xyxy is not before[person.person_id]:
                    self.followed[person.person_id].box = pad(person.xyxy, self.room)
        return doubts

    def _wanted(self, frame: Frame) -> list[Person]:
        """Return who is to get keypoints: the most wanted, or whoever is there while those are away."""
        people, time_s = self.crowd.people, frame.time_s
        self.followed = {p.person_id: self.followed[p.person_id] for p in people if p.person_id in self.followed}
        if not people:
            self.first = frozenset()
            return []
        boxes = np.stack([person.at(time_s) for person in people])
        if self.at is not None and time_s >= self.at[2]:
            under = np.flatnonzero(inside(boxes, *self.at[:2]))
            if len(under):
                middle = (boxes[under, :2] + boxes[under, 2:]) / 2.0
                self.chosen = people[under[np.linalg.norm(middle - self.at[:2], axis=-1).argmin()]].person_id
            self.at = None
        for person, box, weight in zip(people, boxes, weigh(self.rule, boxes, frame.size_hw), strict=True):
            state = self.followed.setdefault(person.person_id, _Followed(pad(box, self.room), float(weight)))
            if not person.missing:
                over_s = GAIN_OVER_S if weight > state.weight else LOSE_OVER_S
                state.weight += (1.0 - math.exp((self.before_s - time_s) / over_s)) * (float(weight) - state.weight)
            if person.time_s < self.before_s and not person.missing:
                # Not followed so far, or for long: the box moves on by itself.
                state.box = pad(box, self.room)
        ranked = sorted(people, key=self._rank)
        self.first = frozenset(person.person_id for person in ranked[: self.max_people])
        here = [p for p in ranked if not (p.missing and time_s - p.time_s > PERSIST_S)]
        return here[: self.max_people]

    def _rank(self, person: Person) -> tuple[bool, float, int]:
        loyalty = LOYALTY if person.person_id in self.first else 1.0
        weight = self.followed[person.person_id].weight
        return person.person_id != self.chosen, -loyalty * weight, person.person_id

    def _ask(self, frame: Frame, people: Sequence[Person]) -> dict[int, Keypoints2D]:
        """Return the keypoints of those who are seen in this frame, by number; note who is and who is not."""
        if not people:
            return {}
        states = [self.followed[person.person_id] for person in people]
        ids = np.array([person.person_id for person in people])
        boxes = Boxes(np.stack([state.box for state in states]), np.ones(len(people)), ids)
        found = self.source(frame, boxes)
        around = extent(found)
        sound = [
            is_sound(found[row], around[row], state.box, person.least_size(frame.time_s))
            for row, (person, state) in enumerate(zip(people, states, strict=True))
        ]
        drop_twins(found, around, [person.xyxy for person in people], sound)
        for row, (person, state) in enumerate(zip(people, states, strict=True)):
            colours = appearance(frame.image, around[[row]]) if sound[row] else None
            if colours is not None and self.crowd.mistaken(person, around[row], colours, frame.time_s):
                sound[row], person.hidden_s = False, frame.time_s
            if sound[row]:
                person.move(pad(around[row], BODY_MARGIN), frame.time_s)
                state.box = steady(state.box, around[row], self.room)
            else:
                person.missing = True
        return {int(ids[row]): found[row] for row in np.flatnonzero(sound)}

    def _sighting(self, frame: Frame, points: dict[int, Keypoints2D], doubts: Sequence[Doubt]) -> Sighting:
        """Return those who are followed, and those whom the detector saw of late."""
        recent_s = frame.time_s - 1.5 * self.lookout.every_s
        people = [
            person
            for person in self.crowd.people
            if person.person_id in points or (not person.missing and person.time_s >= recent_s)
        ]
        keypoints = missing_keypoints(self.source.names, (len(people),))
        for row, person in enumerate(people):
            if person.person_id in points:
                keypoints.xy[row] = points[person.person_id].xy
                keypoints.score[row] = points[person.person_id].score
        boxes = Boxes(
            np.array([person.at(frame.time_s) for person in people]).reshape(-1, 4),
            np.array([person.score for person in people], float),
            np.array([person.person_id for person in people], int),
        )
        return Sighting(frame.index, frame.time_s, frame.size_hw, boxes, keypoints, tuple(doubts))


def _one_ahead(frames: Iterable[Frame], pool: ThreadPoolExecutor) -> Iterator[Frame]:
    """Yield frames while the next one is read already."""
    iterator = iter(frames)
    coming = pool.submit(next, iterator, None)
    while (frame := coming.result()) is not None:
        coming = pool.submit(next, iterator, None)
        yield frame
