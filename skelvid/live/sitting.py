"""A camera's frames in; the picture of each shown at once, how long that took, and why it ended, out."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol, cast, runtime_checkable

import numpy as np

from skelvid.angles.table import ANGLE_NAMES
from skelvid.config import RunConfig
from skelvid.datatypes.frames import Frame
from skelvid.draw.bones import make_bones
from skelvid.draw.live import LiveView
from skelvid.draw.overlay import DEFAULT_ANGLES
from skelvid.motion.lift import Lifter
from skelvid.pipeline.live import Moment, stream
from skelvid.pipeline.record import Recording

HELP = ("q or Esc: end", "c: curves of other angles", "h: hide these lines")
PAGES = (
    DEFAULT_ANGLES,
    ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle"),
    ("pelvis_tilt", "pelvis_list", "trunk_extension", "trunk_bending", "trunk_rotation"),
    ("shoulder_elevation", "shoulder_plane", "elbow_flex", "pro_sup", "wrist_flex"),
)
_OF_LATE_S = 2.0


@runtime_checkable
class Camera(Protocol):
    """Gives its newest frame whenever one is asked for, as `skelvid.video.webcam.Webcam` does."""

    def __iter__(self) -> Iterator[Frame]: ...

    @property
    def ended(self) -> str | None:
        """Why no more frames come; None while they do."""
        ...

    def age_s(self, index: int) -> float:
        """Return how long ago a frame came, s."""
        ...


@runtime_checkable
class Screen(Protocol):
    """Shows pictures and hears keys, as `skelvid.live.window.Window` does."""

    closed: bool

    def show(self, picture: np.ndarray) -> None:
        """Show a picture `h w 3`, red green blue."""
        ...

    def keys(self) -> list[str]:
        """Return which keys were pressed since this was last asked."""
        ...


@dataclass
class Pace:
    """How fast frames are dealt with: of the last seconds, and over all."""

    frames: int = 0
    seen: int = 0
    _start_s: float = field(default_factory=time.monotonic)
    _late: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])
    # Latencies of all frames, 10 ms each, the last one of whatever is longer.
    _counts: np.ndarray = field(default_factory=lambda: np.zeros(200, int))

    def note(self, latency_s: float, *, seen: bool) -> None:
        """Note that a frame is done with, so long after it came."""
        now_s = time.monotonic()
        if not self.frames:
            self._start_s = now_s
        self.frames += 1
        self.seen += seen
        self._counts[min(int(latency_s * 100.0), 199)] += 1
        self._late.append((now_s, latency_s))
        while self._late[0][0] < now_s - _OF_LATE_S:
            self._late.popleft()

    @property
    def rate_hz(self) -> float:
        """Frames per second of late."""
        return (len(self._late) - 1) / max(self._late[-1][0] - self._late[0][0], 1e-3) if self._late else 0.0

    @property
    def latency_s(self) -> float:
        """Median time from a frame's coming to its being done with, of late."""
        return float(np.median([latency_s for _, latency_s in self._late])) if self._late else 0.0

    @property
    def mean_rate_hz(self) -> float:
        """Frames per second over all."""
        return (self.frames - 1) / max(time.monotonic() - self._start_s, 1e-3) if self.frames else 0.0

    @property
    def median_latency_s(self) -> float:
        """The same over all, within 10 ms."""
        return (int(np.searchsorted(self._counts.cumsum(), self.frames / 2)) + 0.5) / 100.0 if self.frames else 0.0


@dataclass(frozen=True)
class Ended:
    """How a sitting went: its pace, and why it ended, in words."""

    pace: Pace
    reason: str


def sit(
    camera: Camera,
    config: RunConfig,
    *,
    lifter: Lifter,
    screen: Screen | None = None,
    recording: Recording | None = None,
    seconds: float | None = None,
    said: Callable[[Moment, Pace], None] | None = None,
) -> Ended:
    """Show and record what a camera sees, until the user, the camera or the time ends it.

    Args:
        camera: Where frames come from.
        config: Settings.
        lifter: Loaded already.
        screen: Where pictures go; None draws none.
        recording: Where frames go.
        seconds: How long at most, counted from the first frame.
        said: Called with each moment when all else is done.

    Raises:
        SkelvidError: As for `stream`; or the recording cannot go on.
    """
    pace, view = Pace(), _View(lifter, recording is not None)
    with closing(cast("Generator[Moment]", stream(camera, config, lifter=lifter))) as moments:
        first_s: float | None = None
        for moment in moments:
            first_s = moment.frame.time_s if first_s is None else first_s
            if recording is not None:
                recording.add(moment.frame, moment.sighting)
            if screen is not None:
                screen.show(view(moment, pace))
            pace.note(camera.age_s(moment.frame.index), seen=moment.motion is not None)
            if said:
                said(moment, pace)
            if seconds is not None and moment.frame.time_s - first_s >= seconds:
                return Ended(pace, f"{seconds:g} s are over")
            if screen is not None and (screen.closed or view.heed(screen.keys())):
                return Ended(pace, "you ended it")
    return Ended(pace, f"the camera stopped: {camera.ended}")


class _View:
    """The picture of a moment, and what keys change in it."""

    def __init__(self, lifter: Lifter, recording: bool) -> None:
        self._bones, self._recording = make_bones(lifter.body.landmark_names), recording
        self._page, self._help = 0, True
        self._draw: LiveView | None = None

    def heed(self, keys: Sequence[str]) -> bool:
        """Do what keys ask for; return whether they ask to end."""
        for key in keys:
            if key == "h":
                self._help = not self._help
            if key == "c":
                self._page, self._draw = (self._page + 1) % len(PAGES), None
        return bool({"q", "escape"} & set(keys))

    def __call__(self, moment: Moment, pace: Pace) -> np.ndarray:
        if self._draw is None:
            self._draw = LiveView(moment.frame.size_hw, self._bones, ANGLE_NAMES, shown=PAGES[self._page])
        points_m = None if moment.points is None else self._bones.pick(moment.points)[0]
        camera = None if moment.motion is None else moment.motion.camera
        return self._draw(moment.frame, points_m, camera, moment.angles, notes=self._notes(moment, pace))

    def _notes(self, moment: Moment, pace: Pace) -> list[str]:
        here = "" if moment.motion is not None else "   person not seen"
        recording = "   recording" if self._recording else ""
        line = f"{pace.rate_hz:4.1f} frames/s   {1000 * pace.latency_s:3.0f} ms behind{recording}{here}"
        return [line, *(HELP if self._help else ())]
