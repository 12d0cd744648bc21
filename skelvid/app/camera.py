"""Pictures from a browser's camera in; a row of numbers for each, and a recording if wanted, out.

The browser sends a picture whenever it got an answer, with two on their way, so that what is slow makes pictures rare
and never late.
"""

import io
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, UnidentifiedImageError

from skelvid.app.rows import row_of
from skelvid.config import RunConfig
from skelvid.datatypes.frames import Frame
from skelvid.draw.bones import make_bones
from skelvid.errors import VideoError
from skelvid.motion.lift import Lifter
from skelvid.pipeline.live import Moment, stream
from skelvid.pipeline.record import Recording

MAX_SIDE_PX = 1920
# Times rise by this at least, whatever the browser says.
_LEAST_STEP_S = 1e-3
_WAITING = 4
# How often those who wait look whether it is over.
_LOOK_UP_S = 0.5


class Camera:
    """One sitting: pictures are put in by one thread and worked on in another."""

    def __init__(self) -> None:
        self._pictures: queue.Queue[Frame | None] = queue.Queue(_WAITING)
        self._size_hw: tuple[int, int] | None = None
        self._count, self._last_s = 0, -1.0
        self._over = threading.Event()

    def put(self, message: bytes) -> None:
        """Take a picture: 8 bytes, its time in s as a little-endian double, then a JPEG file.

        Raises:
            VideoError: It is no such thing, too large, or of another size than the first.
        """
        if len(message) < 9:
            raise VideoError("the browser sent something that is no picture")
        time_s = float(np.frombuffer(message[:8], "<f8")[0])
        image = decode(message[8:])
        if self._size_hw not in (None, image.shape[:2]):
            raise VideoError("the camera's pictures changed their size: start it again")
        self._size_hw = image.shape[:2]
        self._last_s = max(time_s if np.isfinite(time_s) else 0.0, self._last_s + _LEAST_STEP_S)
        frame = Frame(image, self._count, self._last_s)
        self._count += 1
        self._queue(frame)

    def end(self) -> None:
        """Say that no more pictures will come."""
        self._queue(None)

    def _queue(self, frame: Frame | None) -> None:
        while not self._over.is_set():
            with suppress(queue.Full):
                return self._pictures.put(frame, timeout=_LOOK_UP_S)

    def run(
        self, config: RunConfig, lifter: Lifter, tell: Callable[[bytes], Any], *, record: Path | None = None
    ) -> Recording | None:
        """Work until the pictures end; tell the row of each at once.

        Returns:
            What was recorded, to be finished, if anything was.

        Raises:
            SkelvidError: As for `stream` and `Recording`.
        """
        bones = make_bones(lifter.body.landmark_names)
        recording = None if record is None else Recording(record, config)
        moments = cast("Generator[Moment]", stream(self._frames(), config, lifter=lifter))
        with recording or nullcontext(), closing(moments):
            try:
                for moment in moments:
                    if recording is not None:
                        recording.add(moment.frame, moment.sighting)
                    tell(row_of(moment, bones).astype("<f4").tobytes())
            finally:
                self._over.set()  # before `moments` is closed, which waits for whoever waits for a picture
        return recording if recording is not None and recording.frames else None

    def _frames(self) -> Iterator[Frame]:
        while not self._over.is_set():
            with suppress(queue.Empty):
                frame = self._pictures.get(timeout=_LOOK_UP_S)
                if frame is None:
                    return
                yield frame


def decode(picture: bytes) -> np.ndarray:
    """Return a JPEG's pixels `h w 3`.

    Raises:
        VideoError: It is none, or too large.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
            if max(image.size) > MAX_SIDE_PX:
                raise VideoError(f"pictures of {image.width}x{image.height} px are too large to be live")
            return np.array(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise VideoError("the browser sent something that is no picture") from error
