"""A film from some time on goes in; the people in its frames come out, as far as anybody asks, from the store first."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any, cast

import numpy as np

from skelvid.config import PeopleConfig
from skelvid.datatypes.frames import Frame
from skelvid.errors import SkelvidError, VideoError
from skelvid.people.detect import Detector
from skelvid.people.follow import follow
from skelvid.people.keypoints import KeypointSource
from skelvid.people.sighting import Sighting
from skelvid.pipeline.store import Store
from skelvid.pipeline.stretches import highest_id, renumbered
from skelvid.video.ahead import Ahead
from skelvid.video.decode import ReadReport
from skelvid.video.scene import Scene, SceneWatch
from skelvid.video.source import FrameSource

# When a run goes on where another broke off, people are followed anew from a little before, to know them again.
_OVERLAP_S = 1.0
_SCENE_COLUMNS = {"time_s": 1, "luma": 1, "shift": 2}
log = logging.getLogger(__name__)


class Stretch(Iterator[Sighting]):
    """A stretch of a film; its end is a matter of what is seen, so it could go on to the end of the film.

    Args:
        open_source: Opens the film where the stretch begins.
        find: Finds people.
        make_source: Makes what gives keypoints.
        people: Whom to follow.
        start_s: When it begins, in the time of life; -inf = with the film.
        store: What is known of it.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        find: Detector,
        make_source: Callable[[], KeypointSource],
        people: PeopleConfig,
        *,
        start_s: float,
        store: Store,
    ) -> None:
        self.start_s, self.store = start_s, store
        self._open_source, self._find, self._make_source, self._people = open_source, find, make_source, people
        self._source: FrameSource | None = None
        self._scene = SceneWatch()
        self._points: KeypointSource | None = None
        self._items: Generator[Sighting] | Ahead[Sighting] = self._sightings()

    def __next__(self) -> Sighting:
        return next(self._items)

    def begin(self, end_s: float, *, depth: int) -> None:
        """Go ahead in a thread, up to a time and by so many frames, unless all is known."""
        if self.store.about is None and not isinstance(self._items, Ahead):
            # Not in the thread, since two of them might fetch the same file at once.
            self._points = self._make_source()
            self._items = Ahead(self._items, depth=depth, until=lambda sighting: sighting.time_s >= end_s)

    def close(self) -> None:
        """Stop after the frame at hand; what was seen is in the store."""
        self._items.close()
        # It is large, and there is one for each stretch.
        self._points = None

    def end(self, until_s: float) -> None:
        """Say that nobody will ask for more, and keep what else is known of the film up to a time."""
        self.close()
        if self.store.about is not None:
            return
        if self._source is None and until_s > self.start_s:
            # An earlier run saw all of it and did not come to this.
            for _ in takewhile(lambda frame: frame.time_s < until_s, self._frames(0)):
                pass
        told, report = self._scene.scene(), self._source.report if self._source else ReadReport()
        scene = {name: np.asarray(getattr(told, name)).tolist() for name in _SCENE_COLUMNS}
        self.store.finish({"read": asdict(report), "scene": scene})

    def _sightings(self) -> Generator[Sighting]:
        """Yield what is known already, then what the networks say."""
        store = self.store
        if store.about is None and store.sightings and not _resumable(self._people, store.sightings[-1].time_s):
            store.clear()
        known = tuple(store.sightings)
        yield from known
        if store.about is not None:
            return
        try:
            yield from self._followed(known)
        except VideoError:
            # The film may end earlier than it says.
            if self.start_s == -np.inf or store.sightings:
                raise
        finally:
            try:
                store.flush()
            except SkelvidError as error:
                log.error("%s", error)

    def _followed(self, known: Sequence[Sighting]) -> Generator[Sighting]:
        """Follow people from where the known sightings end."""
        first, people = _first_index(known), self._people
        if known:
            log.info("going on after %d frames that an earlier run looked at", len(known))
        frames = Ahead(self._frames(first))
        sightings = follow(
            frames,
            detector=self._find,
            source=self._points or self._make_source(),
            rule=people.person,
            at=people.at,
            max_people=people.max_people if people.person == "all" and people.at is None else 1,
        )
        # Closed at once when something fails, so that its threads end.
        with closing(frames), closing(cast("Generator[Sighting]", sightings)):
            for sighting in renumbered(sightings, known[first:], taken=highest_id(known)):
                self.store.add(sighting)
                yield sighting

    def _frames(self, first: int) -> Iterator[Frame]:
        """Look at the light and the camera of all frames; yield those from some number on."""
        self._source = self._open_source()
        for frame in self._source:
            self._scene.look(frame)
            if frame.index >= first:
                yield frame


@dataclass(frozen=True)
class Part:
    """A stretch that has ended, and from when to when what was seen in it is the film's."""

    stretch: Stretch
    start_s: float
    end_s: float


def joined_scene(parts: Sequence[Part]) -> Scene:
    """Return the light and the camera of a film by those of its parts."""
    rows: list[np.ndarray] = []
    for part in parts:
        scene = _about(part)["scene"]
        told = np.column_stack([np.array(scene[name], float).reshape(-1, n) for name, n in _SCENE_COLUMNS.items()])
        rows.append(told[(told[:, 0] >= part.start_s) & (told[:, 0] < part.end_s)])
    time_s, luma, *shift = np.concatenate(rows).T
    return Scene(time_s, luma, np.stack(shift, 1))


def joined_report(parts: Sequence[Part], *, slow_motion: float) -> ReadReport:
    """Return what went wrong in reading a film by what went wrong in its parts; those overlap, but not in this."""
    reports = [ReadReport(**_about(part)["read"]) for part in parts]

    def within(name: str) -> list[float]:
        return [
            time_s
            for part, report in zip(parts, reports, strict=True)
            for time_s in getattr(report, name)
            if part.start_s <= time_s / slow_motion < part.end_s
        ]

    broken_off = next((report.broken_off for report in reports if report.broken_off), None)
    return ReadReport(within("damaged_s"), within("untimed_s"), broken_off, reports[-1].missing_s)


def _about(part: Part) -> dict[str, Any]:
    assert part.stretch.store.about is not None
    return part.stretch.store.about


def _resumable(people: PeopleConfig, time_s: float) -> bool:
    """Return whether the wanted person is known without what came before: by no number, and no place there."""
    return not people.person.isdigit() and (people.at is None or people.at[2] > time_s)


def _first_index(known: Sequence[Sighting]) -> int:
    """Return the frame from which to look again."""
    return next((s.index for s in known if s.time_s >= known[-1].time_s - _OVERLAP_S), 0)
