"""A video goes in; what networks say of each of its frames comes out, from the store as far as it is there."""

import inspect
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from skelvid.config import Device, RunConfig, VideoConfig
from skelvid.datatypes.frames import Frame
from skelvid.errors import ConfigError, SkelvidError, VideoError
from skelvid.geometry.boxes import match
from skelvid.people.detect import detector
from skelvid.people.follow import follow
from skelvid.people.keypoints import keypoint_source
from skelvid.people.sighting import Sighting
from skelvid.pipeline.store import Store
from skelvid.video.ahead import ahead
from skelvid.video.probe import FileInfo
from skelvid.video.scene import Scene, SceneWatch
from skelvid.video.source import FrameSource, open_video
from skelvid.video.span import Span

# Stage, how much is done, and of how much, if that is known.
Progress = Callable[[str, int, int | None], None]
log = logging.getLogger(__name__)

MIN_SIDE_PX = 64
# When a run goes on where another broke off, people are followed anew from a little before, to know them again.
_OVERLAP_S = 1.0
_SAME_IOU = 0.4


@dataclass(frozen=True)
class Watched:
    """What a video shows.

    Attributes:
        info: What its container says.
        sightings: One for each frame.
        scene: Light and camera.
        read: What went wrong in reading, in words.
    """

    info: FileInfo
    sightings: Sequence[Sighting]
    scene: Scene
    read: tuple[str, ...]


def open_frames(video: Path, config: VideoConfig) -> FrameSource:
    """Open a video as the settings want it, in the time of life if it was recorded in slow motion.

    Raises:
        VideoError: It cannot be read, or is too small to show anybody.
        ConfigError: A folder of pictures comes without a rate.
    """
    span = Span(**{name: value for name in ("start_s", "end_s") if (value := getattr(config, name)) is not None})
    options: dict[str, Any] = {"span": span, "max_side_px": config.max_side_px, "rate_hz": config.rate_hz}
    try:
        source = open_video(video, **options, slow_motion=config.slow_motion or 1.0)
    except ConfigError as error:
        raise ConfigError(f"{error}: --rate, or video.rate_hz") from error
    if config.slow_motion is None and source.info.slow_motion != 1.0:
        source = open_video(video, **options, slow_motion=source.info.slow_motion)
    height, width = source.info.size_hw
    if min(height, width) < MIN_SIDE_PX:
        raise VideoError(f"{video} is {width}x{height} px: too small to show anybody, {MIN_SIDE_PX} px are needed")
    return source


def watch(video: Path, config: RunConfig, *, store: Store | None = None, progress: Progress | None = None) -> Watched:
    """Ask the networks about every frame that the store does not know.

    Whatever ends this early, Ctrl-C too, what they said is in the store.

    Raises:
        VideoError: The video cannot be read.
        ConfigError, WeightsError: A detector or keypoint source cannot be had.
    """
    source = open_frames(video, config.video)
    store = store or Store(None)
    if store.about is None:
        if store.sightings and not _resumable(config, store.sightings[-1].time_s):
            store.clear()
        try:
            _fill(store, source, config, progress)
        except BaseException:
            try:
                store.flush()
            except SkelvidError as error:
                log.error("%s", error)
            raise
    about = store.about
    assert about is not None
    scene = Scene(*(np.array(about["scene"][name], float) for name in ("time_s", "luma", "shift")))
    return Watched(source.info, store.sightings, scene, tuple(about["read"]))


def make_source(text: str, catalogue: Callable[[str], Callable[..., Any]], device: Device) -> Any:
    """Make what a catalogue holds under a name; what follows a colon is its first argument.

    Raises:
        ConfigError: There is no such name, or it needs an argument.
    """
    name, _, argument = text.partition(":")
    maker = catalogue(name)
    parameters = inspect.signature(maker).parameters
    first = next(iter(parameters.values()), None)
    arguments = {first.name: argument} if argument and first else {}
    if first and not argument and first.default is inspect.Parameter.empty:
        what = catalogue.__name__.replace("_", " ")
        raise ConfigError(f"{what} '{name}' needs a {first.name}: write {name}:{first.name.upper()}")
    if device != "auto" and "device" in parameters:
        arguments["device"] = device
    return maker(**arguments)


def _fill(store: Store, source: FrameSource, config: RunConfig, progress: Progress | None) -> None:
    """Follow people from where the store ends."""
    people, known = config.people, len(store.sightings)
    first = _first_index(store.sightings)
    if known:
        log.info("going on after %d frames that an earlier run looked at", known)
    scene = SceneWatch()
    frames = ahead(_looked_at(source, scene, first))
    sightings = follow(
        frames,
        detector=make_source(people.detector, detector, config.device),
        source=make_source(people.keypoints, keypoint_source, config.device),
        rule=people.person,
        at=people.at,
        max_people=people.max_people if people.person == "all" and people.at is None else 1,
    )
    # Closed at once when something fails, so that its threads end.
    with closing(frames), closing(cast("Generator[Sighting]", sightings)):
        for sighting in renumbered(sightings, store.sightings[first:]):
            store.add(sighting)
            if progress:
                progress("finding people", sighting.index + 1, source.expected_frames)
    told = scene.scene()
    numbers = {name: np.asarray(getattr(told, name)).tolist() for name in ("time_s", "luma", "shift")}
    store.finish({"read": source.report.sentences(), "scene": numbers})


def _resumable(config: RunConfig, time_s: float) -> bool:
    """Return whether the wanted person is known without what came before: by no number, and no place there."""
    return not config.people.person.isdigit() and (config.people.at is None or config.people.at[2] > time_s)


def _first_index(known: Sequence[Sighting]) -> int:
    """Return the frame from which to look again."""
    return next((s.index for s in known if s.time_s >= known[-1].time_s - _OVERLAP_S), 0)


def _looked_at(source: FrameSource, scene: SceneWatch, first: int) -> Iterator[Frame]:
    for frame in source:
        scene.look(frame)
        if frame.index >= first:
            yield frame


def renumbered(sightings: Iterable[Sighting], known: Sequence[Sighting]) -> Iterator[Sighting]:
    """Yield the sightings after the known ones, with people's numbers as those have them; newcomers get new numbers.

    Args:
        sightings: Begin with the same frames as the known ones, whose people they number in their own way.
        known: What an earlier run said of these frames.
    """
    number: dict[int, int] = {}
    highest = max((int(i) for s in known for i in _ids(s)), default=-1)
    for place, sighting in enumerate(sightings):
        if place < len(known):
            before = known[place]
            owner = match(sighting.boxes.xyxy, before.boxes.xyxy, min_iou=_SAME_IOU)
            pairs = zip(_ids(sighting)[owner >= 0], _ids(before)[owner[owner >= 0]], strict=True)
            number |= {int(new): int(old) for new, old in pairs}
            continue
        for new in _ids(sighting):
            if known and int(new) not in number:
                highest += 1
                number[int(new)] = highest
        ids = np.array([number.get(int(i), int(i)) for i in _ids(sighting)], int)
        doubts = tuple(replace(d, person_ids=tuple(number.get(i, i) for i in d.person_ids)) for d in sighting.doubts)
        yield replace(sighting, boxes=replace(sighting.boxes, person_id=ids), doubts=doubts)


def _ids(sighting: Sighting) -> np.ndarray:
    ids = sighting.boxes.person_id
    return np.zeros(0, int) if ids is None else ids
