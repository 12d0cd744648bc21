"""A video file goes in; frames come out in the order shown, one at a time, each with its time in the container."""

import logging
from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from jaxtyping import UInt8

from skelvid.datatypes.frames import Frame
from skelvid.errors import VideoError
from skelvid.video.container import Film, open_film
from skelvid.video.decode import ReadReport, decode
from skelvid.video.probe import FileInfo, probe
from skelvid.video.span import Span
from skelvid.video.upright import Upright

_log = logging.getLogger(__name__)
# Sound often goes on a little after the last picture.
_MISSING_S = 0.5


class VideoFile:
    """A video file as frames; iterate as often as needed, each time it is read anew.

    Memory holds a few pictures, however long the video is.

    Args:
        path: The file.
        span: Which times to read, as in the file.
        max_side_px: Make larger pictures so small that no side is longer.
        slow_motion: Divide the times by this, for a file that plays so many times slower than life;
            see `FileInfo.slow_motion`.
        threads: Threads for decoding, 0 for one per core.

    Attributes:
        info: What the file says of its video; its size is that of the frames.
        report: What went wrong in the latest reading.

    Raises:
        VideoError: The file cannot be read, or holds no picture.
    """

    def __init__(
        self,
        path: Path,
        *,
        span: Span | None = None,
        max_side_px: int | None = None,
        slow_motion: float = 1.0,
        threads: int = 0,
    ) -> None:
        self.path, self.span = path, span or Span()
        self.info: FileInfo = probe(path, max_side_px=max_side_px)
        self.report = ReadReport()
        self._max_side_px, self._slow_motion, self._threads = max_side_px, slow_motion, threads
        if self.info.slow_motion != slow_motion:
            _log.warning(
                "%s says that it was recorded %.3g times faster than it plays, but is read as %.3g times",
                path, self.info.slow_motion, slow_motion,
            )  # fmt: skip

    @property
    def expected_frames(self) -> int | None:
        """Return about how many frames will come, for a progress bar; None where the file does not say."""
        return self.span.frames_of(self.info)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; `index` counts them from 0 at the start of the span.

        Raises:
            VideoError: There is no frame in the span.
        """
        self.report = report = ReadReport()
        index, time_s = -1, 0.0
        for index, (image, time_s) in enumerate(self._images(report)):
            yield Frame(image, index, time_s / self._slow_motion)
        if index < 0:
            raise VideoError(f"{self.path} shows no picture {self.span}")
        missing_s = min(self.info.duration_s or 0.0, self.span.end_s) - time_s
        report.missing_s = missing_s if missing_s > max(_MISSING_S, 3 / self.info.rate_hz) else 0.0
        for sentence in report.sentences():
            _log.warning("%s: %s", self.path, sentence)

    def _images(self, report: ReadReport) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], float]]:
        upright = None
        with open_film(self.path, threads=self._threads) as film:
            for picture in chain(self._pictures(film, report), [None]):
                if upright is None:
                    if picture is None:
                        return
                    aspect = film.stream.sample_aspect_ratio
                    upright = Upright(
                        picture, pixel_aspect=aspect, max_side_px=self._max_side_px, threads=self._threads
                    )
                yield from upright(picture)

    def _pictures(self, film: Film, report: ReadReport) -> Iterator[VideoFrame]:
        pictures = decode(film, report, first=self.span.first_stamp(film.unit_s))
        return takewhile(lambda picture: not self.span.is_over(float((picture.pts or 0) * film.unit_s)), pictures)
