"""A camera goes in; its newest frame comes out whenever one is asked for, so that lag never grows.

A file can stand in for a camera: its pictures then come, and are dropped, as they would in life.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

import av
from av.container import InputContainer
from av.error import BlockingIOError as NothingYet
from av.error import FFmpegError
from av.video.frame import VideoFrame

from skelvid.datatypes.frames import Frame
from skelvid.errors import VideoError
from skelvid.video.upright import Upright

# A camera that gives nothing for this long has gone without saying so, as those over a network do.
STALL_S = 10.0
# Per platform: FFmpeg's input format, and the name of the first camera.
_SYSTEMS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "")}


def camera_address(camera: int | str, *, system: str = sys.platform) -> tuple[str, str]:
    """Return FFmpeg's input format and device for a camera's number, or for its name as the system knows it.

    >>> camera_address(0, system="linux")
    ('v4l2', '/dev/video0')

    Raises:
        VideoError: No such camera, or an unknown system.
    """
    if system not in _SYSTEMS:
        raise VideoError(f"cameras are not supported on {system}")
    kind, pattern = _SYSTEMS[system]
    if system != "win32":
        return kind, pattern.format(camera) if isinstance(camera, int) else camera
    if isinstance(camera, int):  # Windows knows cameras by name only
        names = [d.name for d in av.enumerate_input_devices(kind) if "video" in d.media_types]
        if not 0 <= camera < len(names):
            raise VideoError(f"there is no camera {camera}; found: {', '.join(names) or 'none'}")
        camera = names[camera]
    return kind, f"video={camera}"


@dataclass(frozen=True)
class _Picture:
    """A picture, its time on the camera's clock, and on this machine's."""

    index: int
    time_s: float
    came_s: float
    picture: VideoFrame


class Webcam:
    """The latest frames of a camera; use it in a `with` statement.

    A thread of its own reads all the time and keeps the newest picture only. Iterating gives each picture at most once,
    and waits for the next where it is faster than the camera. `index` counts what the camera gave, so a jump shows
    how many pictures were dropped; `time_s` is the camera's clock, from its first picture on.

    Args:
        device: What to open, in the words of the format.
        kind: FFmpeg's input format; None guesses, as for a file. See `camera_address`.
        options: Options of the format, such as `{"video_size": "1280x720", "framerate": "30"}`.
        max_side_px: Make larger pictures so small that no side is longer.
        paced: Give pictures at their own times, where they would come as fast as they can be read: from a file.

    Raises:
        VideoError: The camera cannot be opened.
    """

    def __init__(
        self,
        device: str,
        *,
        kind: str | None,
        options: Mapping[str, str] | None = None,
        max_side_px: int | None = None,
        paced: bool = False,
    ) -> None:
        try:
            self._container: InputContainer = av.open(device, format=kind, options=dict(options or {}))
        except (FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise VideoError(f"the camera {device} cannot be opened: {reason}") from error
        if not self._container.streams.video:
            self._container.close()
            raise VideoError(f"{device} gives no pictures")
        self._device, self._max_side_px, self._paced = device, max_side_px, paced
        self._changed = threading.Condition()
        self._latest: _Picture | None = None
        self._over: str | None = None
        self._closing = threading.Event()
        # When the pictures that were given last came.
        self._came_s: deque[tuple[int, float]] = deque(maxlen=64)
        # A daemon: a camera that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._read, name=f"camera {device}", daemon=True)
        if not paced:  # a file waits for whoever is to see it
            self._thread.start()

    @property
    def ended(self) -> str | None:
        """Why no more pictures come; None while they do."""
        return self._over

    def age_s(self, index: int) -> float:
        """Return how long ago a picture came from the camera, s; NaN if it is none of the last that were given."""
        with self._changed:
            came_s = dict(self._came_s).get(index, float("nan"))
        return time.monotonic() - came_s

    def _read(self) -> None:
        over = "it gives no more pictures"
        try:
            stream = self._container.streams.video[0]
            stream.thread_type = "SLICE"  # decoding several pictures at once would delay them
            origin_s: float | None = None
            started_s, count = 0.0, 0
            while not self._closing.is_set():
                try:
                    packet = next(self._container.demux(stream))
                except NothingYet:
                    time.sleep(0.001)
                    continue
                for picture in packet.decode():
                    now_s = time.monotonic() if picture.time is None else picture.time  # pyright: ignore
                    came_s = time.monotonic()
                    if origin_s is None:
                        origin_s, started_s = now_s, came_s
                    if self._paced:
                        came_s = started_s + now_s - origin_s
                        if self._closing.wait(max(0.0, came_s - time.monotonic())):
                            return
                    with self._changed:
                        self._latest = _Picture(count, now_s - origin_s, came_s, picture)
                        self._changed.notify_all()
                    count += 1
                if not packet.size:
                    break
        except StopIteration:
            pass
        except (FFmpegError, OSError) as error:
            over = getattr(error, "strerror", None) or str(error)
        with self._changed:
            self._over = over
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame, again and again, until the camera ends.

        Raises:
            VideoError: The camera ended without ever giving a picture.
        """
        if self._thread.ident is None:
            self._thread.start()
        upright, shown = None, -1
        while (latest := self._next(shown)) is not None:
            shown, picture = latest.index, latest.picture
            upright = upright or Upright(picture, pixel_aspect=Fraction(1), max_side_px=self._max_side_px, threads=1)
            for image, _ in upright(picture):
                yield Frame(image, shown, latest.time_s)
        if shown < 0 and not self._closing.is_set():
            raise VideoError(f"the camera {self._device} gave no picture: {self._over}")

    def _next(self, shown: int) -> "_Picture | None":
        with self._changed:
            came = self._changed.wait_for(lambda: self._over or self._is_newer(shown), timeout=STALL_S)
            if not came:
                self._over = f"it gave no picture for {STALL_S:g} s"
            if self._latest is None or not self._is_newer(shown):
                return None
            self._came_s.append((self._latest.index, self._latest.came_s))
            return self._latest

    def _is_newer(self, shown: int) -> bool:
        return self._latest is not None and self._latest.index > shown

    def close(self) -> None:
        """Let go of the camera."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=2.0)
        if not self._thread.is_alive():  # else it is in use in there, and goes with the program
            self._container.close()

    def __enter__(self) -> "Webcam":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
