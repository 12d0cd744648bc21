"""Frames in which somebody was missing wait a moment: whoever is seen in the next is followed back into them."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.geometry.boxes import pad
from skelvid.people.appearance import appearance, likeness
from skelvid.people.keypoints import BODY_MARGIN, KeypointSource, extent
from skelvid.people.sighting import Sighting
from skelvid.people.sound import are_twins, is_sound, steady
from skelvid.people.track import MIN_LIKENESS, Box, Crowd, Person

# How long frames wait at most, and how much memory they may take meanwhile.
HOLD_S, HOLD_BYTES = 0.8, 96e6
# Points that are so much larger are those of the whole person, of whom less was seen before.
WHOLE = 1.5

Waiting = list[tuple[Frame, Sighting]]


def have_waited(waiting: Waiting) -> bool:
    """Return whether the first of those who wait has waited for long enough."""
    first, last = waiting[0][0], waiting[-1][0]
    return last.time_s - first.time_s > HOLD_S or len(waiting) * last.image.nbytes > HOLD_BYTES


def look_back(waiting: Waiting, source: KeypointSource, crowd: Crowd, room: float) -> None:
    """Follow those who are seen in the last frame back into the frames before it, as far as they are found there.

    Who comes into the picture, or out of a somersault, is known later by what is known earlier: in the first frames,
    a source that starts there often finds nobody, or a whole person in a head.

    Args:
        waiting: Frames, and what was said of them; those in which somebody is found are replaced.
        source: Gives keypoints.
        crowd: Everybody.
        room: What a box is wider than the points in it, in heights.
    """
    for person in crowd.people:
        _follow_back(waiting, person, source, crowd, room)


def _follow_back(waiting: Waiting, person: Person, source: KeypointSource, crowd: Crowd, room: float) -> None:
    points = _points(waiting[-1][1], person)
    if points is None or all(_points(said, person) is not None for _, said in waiting):
        return
    # To the source, who goes the other way is somebody else.
    backwards = np.array([-1 - person.person_id])
    box = pad(extent(points)[0], room)
    colours = person.colours
    for n in reversed(range(len(waiting))):
        frame, said = waiting[n]
        found = source(frame, Boxes(box[None], np.ones(1), backwards))
        (around,) = extent(found)
        if not is_sound(found[0], around, box, person.least_size(frame.time_s)):
            break
        if _is_another(frame, said, found, person, crowd):
            break
        before, colours = colours, _colours(frame, around)
        if likeness(np.stack([person.colours, before]), colours[None]).max() < MIN_LIKENESS:
            break
        box = steady(box, around, room)
        known = _points(said, person)
        if known is None or _size(around) > WHOLE * _size(extent(known)[0]):
            waiting[n] = frame, _with(said, person, found, pad(around, BODY_MARGIN))
    if forget := getattr(source, "forget", None):
        forget(int(backwards[0]))


def _colours(frame: Frame, around: Box) -> Float[np.ndarray, "c"]:
    """Return what the part of a person that is in the picture looks like."""
    height, width = frame.size_hw
    return appearance(frame.image, around.clip(0.0, [width, height, width, height])[None])[0]


def _is_another(frame: Frame, said: Sighting, points: Keypoints2D, person: Person, crowd: Crowd) -> bool:
    """Return whether points are those of somebody else in a frame."""
    around = extent(points)
    if crowd.mistaken(person, around[0], appearance(frame.image, around), frame.time_s):
        return True
    ids = said.boxes.person_id
    others = said.keypoints[ids != person.person_id]
    return any(are_twins(points[0], others[n], _size(around[0])) for n in range(len(others.score)))


def _points(sighting: Sighting, person: Person) -> Keypoints2D | None:
    """Return the keypoints of a person, `1 k`, if there are any."""
    points = sighting.keypoints[sighting.boxes.person_id == person.person_id]
    return points if points.score.any() else None


def _size(box: Box) -> float:
    return float((box[2:] - box[:2]).max())


def _with(sighting: Sighting, person: Person, points: Keypoints2D, box: Box) -> Sighting:
    """Return a sighting in which a person is seen as well."""
    ids = sighting.boxes.person_id
    assert ids is not None
    others = ids != person.person_id
    boxes, keypoints = sighting.boxes[others], sighting.keypoints[others]
    return replace(
        sighting,
        boxes=Boxes(
            np.concatenate([boxes.xyxy, box[None]]),
            np.append(boxes.score, person.score),
            np.append(ids[others], person.person_id),
        ),
        keypoints=Keypoints2D(
            np.concatenate([keypoints.xy, points.xy]), np.concatenate([keypoints.score, points.score]), points.names
        ),
    )
