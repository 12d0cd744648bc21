"""A video goes in; what networks say of each of its frames comes out, from the store as far as it is there."""

import inspect
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.config import Device, RunConfig, VideoConfig
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import ConfigError, VideoError
from skelvid.people.detect import Detector, detector
from skelvid.people.keypoints import KeypointSource, keypoint_source
from skelvid.people.sighting import Sighting
from skelvid.pipeline.store import Store
from skelvid.pipeline.stretches import WARM_UP_S, cut, join
from skelvid.pipeline.watch_stretch import Part, Stretch, joined_report, joined_scene
from skelvid.video.probe import FileInfo
from skelvid.video.scene import Scene
from skelvid.video.source import FrameSource, open_video
from skelvid.video.span import Span

# Stage, how much is done, and of how much, if that is known.
Progress = Callable[[str, int, int | None], None]

MIN_SIDE_PX = 64
# Each has a keypoint source of its own.
MAX_AT_ONCE = 4


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

    A film is watched in stretches, several at once if there are cores for it, see `skelvid.pipeline.stretches`.
    Whatever ends this early, Ctrl-C too, what they said is in the store.

    Raises:
        VideoError: The video cannot be read.
        ConfigError, WeightsError: A detector or keypoint source cannot be had.
    """
    source, store = open_frames(video, config.video), store or Store(None)
    starts_s, frames = _starts_s(source, config), source.expected_frames
    slow_motion = _slow_motion(source, config.video)
    find = _Detector(config)
    stretches = [
        _stretch(video, config, start_s, slow_motion=slow_motion, find=find, store=store.stretch(i))
        for i, start_s in enumerate(starts_s)
    ]
    ends_s = [*(start_s + WARM_UP_S for start_s in starts_s[1:]), np.inf]

    def begin(first: int) -> None:
        if frames and len(stretches) > 1:
            for i in range(first, min(first + _at_once(), len(stretches))):
                stretches[i].begin(ends_s[i], depth=2 * frames // len(stretches))

    sightings: list[Sighting] = []
    parts: list[Part] = []
    now, since_s = 0, -np.inf
    try:
        begin(0)
        for here, sighting in join(stretches, starts_s):
            if here != now:
                parts.append(Part(stretches[now], since_s, sighting.time_s))
                for i in range(now, here):
                    # Those between were watched for nothing.
                    stretches[i].end(sighting.time_s if i == now else -np.inf)
                now, since_s = here, sighting.time_s
                begin(here)
            sightings.append(sighting)
            if progress:
                progress("finding people", _frames_seen(stretches, len(sightings), frames), frames)
        for i in range(now, len(stretches)):
            stretches[i].end(np.inf if i == now else -np.inf)
    finally:
        for stretch in stretches:
            stretch.close()
    parts.append(Part(stretches[now], since_s, np.inf))
    report = joined_report(parts, slow_motion=slow_motion)
    return Watched(source.info, sightings, joined_scene(parts), tuple(report.sentences()))


class _Detector:
    """The detector of all stretches, made when it is asked first; used by one of them at a time."""

    def __init__(self, config: RunConfig) -> None:
        self._config, self._lock = config, threading.Lock()
        self._detector: Detector | None = None

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        with self._lock:
            find = self._detector or make_source(self._config.people.detector, detector, self._config.device)
            self._detector = find
            return find(frames)


def _stretch(
    video: Path, config: RunConfig, start_s: float, *, slow_motion: float, find: Detector, store: Store
) -> Stretch:
    def open_source() -> FrameSource:
        later = {} if start_s == -np.inf else {"start_s": start_s * slow_motion}
        return open_frames(video, replace(config.video, **later))

    def make_source_of_points() -> KeypointSource:
        return make_source(config.people.keypoints, keypoint_source, config.device)

    return Stretch(open_source, find, make_source_of_points, config.people, start_s=start_s, store=store)


def _starts_s(source: FrameSource, config: RunConfig) -> tuple[float, ...]:
    """Return the times, in life, from which a film is watched by itself; the first is its beginning, as -inf."""
    info, frames, people = source.info, source.expected_frames, config.people
    makes = keypoint_source(people.keypoints.partition(":")[0])
    # Who is wanted by number or place must be known from the beginning.
    free = not people.person.isdigit() and people.at is None
    if not (getattr(makes, "beside_others", False) and free and frames and info.duration_s and info.searchable):
        return (-np.inf,)
    slow = _slow_motion(source, config.video)
    end_s = min(info.duration_s, config.video.end_s or np.inf)
    return (-np.inf, *cut((config.video.start_s or 0.0) / slow, end_s / slow, frames)[1:])


def _slow_motion(source: FrameSource, config: VideoConfig) -> float:
    return config.slow_motion or source.info.slow_motion


def _at_once() -> int:
    """Return how many stretches to watch at once; with a single core, threads would only take turns."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_AT_ONCE) if cores > 1 else 0


def _frames_seen(stretches: Sequence[Stretch], joined: int, frames: int | None) -> int:
    """Return how many frames are done, those included that wait to be joined."""
    if frames is None or len(stretches) == 1:
        return joined
    return max(joined, min(sum(len(stretch.store.sightings) for stretch in stretches), frames - 1))


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
