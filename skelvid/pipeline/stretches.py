"""A film cut into stretches whose people are followed at the same time; what was seen in each, joined to one film's.

Where a stretch is joined to the next is a matter of what was seen, and never of time or cores, so every run gives the
same: the earlier one goes on beyond the later one's beginning until both see the same people in the same poses, and
nobody is away for a moment whom only the earlier one would know again. If that never comes, it goes on to the end.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

import numpy as np
from jaxtyping import Integer

from skelvid.geometry.boxes import match
from skelvid.people.sighting import Sighting
from skelvid.people.track import REMEMBER_S

LENGTH_S = 10.0
MIN_LENGTH_S, MIN_FRAMES = 3.0, 90
# A landmarker that begins in the middle of a film says the same as one that began before after 0.3 s: points are then
# 0.2 % of the person's height apart on average, and stay so.
WARM_UP_S = 0.5
SAME_POINTS = 0.01
_SAME_IOU = 0.4


def cut(start_s: float, end_s: float, frames: int) -> tuple[float, ...]:
    """Return when the stretches of a film begin: an even number, so that two cores get equal shares, or one.

    >>> cut(0.0, 45.0, 1350)
    (0.0, 11.25, 22.5, 33.75)
    """
    length_s = end_s - start_s
    stretches = 2 * max(1, round(length_s / (2 * LENGTH_S)))
    if length_s < MIN_LENGTH_S * stretches or frames < MIN_FRAMES * stretches:
        return (start_s,)
    return tuple(start_s + length_s * i / stretches for i in range(stretches))


def join(stretches: Sequence[Iterator[Sighting]], starts_s: Sequence[float]) -> Iterator[tuple[int, Sighting]]:
    """Yield each frame's sighting and the stretch that it comes from; people keep their numbers from one to the next.

    Args:
        stretches: What was seen in each; each could go on to the end of the film, and is asked only as far as needed.
        starts_s: When each begins.
    """
    indices, here, rest = count(), 0, stretches[0]
    taken, last_s = -1, -np.inf
    while True:
        meeting, coming = _Meeting({}), here + 1
        for sighting in rest:
            if sighting.time_s <= last_s:
                continue
            last_s, taken = sighting.time_s, max(taken, highest_id([sighting]))
            yield here, replace(sighting, index=next(indices))
            meeting.note(sighting)
            while coming + 1 < len(stretches) and last_s >= starts_s[coming + 1] + WARM_UP_S:
                # The two have not met: perhaps this one and the next but one do.
                meeting, coming = _Meeting(meeting.seen_s), coming + 1
            if coming < len(stretches) and last_s >= starts_s[coming]:
                agreed = meeting.compare(sighting, stretches[coming])
                if agreed and last_s >= starts_s[coming] + WARM_UP_S:
                    break
        if coming >= len(stretches):
            return
        # Also after a stretch that broke off in damage: there may be more.
        rest, here = renumbered(meeting.both(stretches[coming]), meeting.ours, taken=taken), coming


@dataclass
class _Meeting:
    """What a stretch and the next say of the same frames.

    Attributes:
        seen_s: When the earlier one last saw whom.
        ours, theirs: Sightings of the same frames.
        pending: The later one's next, if it was asked for already.
    """

    seen_s: dict[int, float]
    ours: list[Sighting] = field(default_factory=list[Sighting])
    theirs: list[Sighting] = field(default_factory=list[Sighting])
    pending: Sighting | None = None

    def note(self, sighting: Sighting) -> None:
        """Remember whom the earlier one saw."""
        self.seen_s |= dict.fromkeys(_ids(sighting)[_followed(sighting)].tolist(), sighting.time_s)

    def compare(self, sighting: Sighting, coming: Iterator[Sighting]) -> bool:
        """Take a frame of the earlier one, and say whether the later one may go on from here."""
        while self.pending is None or self.pending.time_s < sighting.time_s:
            self.pending = next(coming, None)
            if self.pending is None:
                return False
        if self.pending.time_s > sighting.time_s:
            return False
        self.ours.append(sighting)
        self.theirs.append(self.pending)
        self.pending = None
        recent = {i for i, time_s in self.seen_s.items() if time_s > sighting.time_s - REMEMBER_S}
        return recent == set(_ids(sighting)[_followed(sighting)].tolist()) and same_poses(sighting, self.theirs[-1])

    def both(self, coming: Iterator[Sighting]) -> Iterator[Sighting]:
        """Return all that the later one says, from where the two met."""
        return chain(self.theirs, [] if self.pending is None else [self.pending], coming)


def same_poses(one: Sighting, other: Sighting) -> bool:
    """Return whether two looks at the same frame followed the same people, and saw the same points of them."""
    (boxes, points), (other_boxes, other_points) = (
        (s.boxes.xyxy[_followed(s)], s.keypoints[_followed(s)]) for s in (one, other)
    )
    if len(boxes) != len(other_boxes):
        return False
    owner = match(boxes, other_boxes, min_iou=_SAME_IOU)
    if (owner < 0).any():
        return False
    height = (boxes[:, 2:] - boxes[:, :2]).max(-1)
    apart = np.linalg.norm(points.xy - other_points.xy[owner], axis=-1)
    both = np.isfinite(apart)
    return bool((both.any(-1) & (np.where(both, apart, 0.0).sum(-1) < SAME_POINTS * height * both.sum(-1))).all())


def renumbered(sightings: Iterable[Sighting], known: Sequence[Sighting], *, taken: int = -1) -> Iterator[Sighting]:
    """Yield the sightings after the known ones, with people's numbers as those have them; newcomers get new numbers.

    Args:
        sightings: Begin with the same frames as the known ones, whose people they number in their own way.
        known: What was said of these frames before.
        taken: The highest number that anybody had before.
    """
    number: dict[int, int] = {}
    highest = max(taken, highest_id(known))
    first = highest < 0
    for place, sighting in enumerate(sightings):
        if place < len(known):
            before = known[place]
            owner = match(sighting.boxes.xyxy, before.boxes.xyxy, min_iou=_SAME_IOU)
            pairs = zip(_ids(sighting)[owner >= 0], _ids(before)[owner[owner >= 0]], strict=True)
            number |= {int(new): int(old) for new, old in pairs}
            continue
        for new in map(int, _ids(sighting)):
            if not first and new not in number:
                highest += 1
                number[new] = highest
        ids = np.array([number.get(int(i), int(i)) for i in _ids(sighting)], int)
        doubts = tuple(replace(d, person_ids=tuple(number.get(i, i) for i in d.person_ids)) for d in sighting.doubts)
        yield replace(sighting, boxes=replace(sighting.boxes, person_id=ids), doubts=doubts)


def _followed(sighting: Sighting) -> np.ndarray:
    return np.asarray((sighting.keypoints.score > 0.0).any(-1))


def highest_id(sightings: Sequence[Sighting]) -> int:
    """Return the highest number that anybody has, -1 without people."""
    return max((int(i) for s in sightings for i in _ids(s)), default=-1)


def _ids(sighting: Sighting) -> Integer[np.ndarray, "n"]:
    assert sighting.boxes.person_id is not None
    return sighting.boxes.person_id
