"""A path of any kind goes in; something that gives frames comes out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from skelvid.datatypes.frames import Frame
from skelvid.video.decode import ReadReport
from skelvid.video.images import IMAGE_SUFFIXES, ImageSequence, list_images
from skelvid.video.probe import FileInfo
from skelvid.video.reader import VideoFile
from skelvid.video.span import Span


@runtime_checkable
class FrameSource(Protocol):
    """Frames in the order shown, at strictly rising times; may be iterated again, and then reads anew."""

    @property
    def info(self) -> FileInfo:
        """What the file says; its size is that of the frames."""
        ...

    @property
    def report(self) -> ReadReport:
        """What went wrong in the latest reading."""
        ...

    @property
    def expected_frames(self) -> int | None:
        """About how many frames will come."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...


def open_video(
    path: Path,
    *,
    span: Span | None = None,
    max_side_px: int | None = None,
    rate_hz: float | None = None,
    slow_motion: float = 1.0,
    threads: int = 0,
) -> FrameSource:
    """Open a video file, a folder of pictures or one picture.

    Args:
        path: Where it lies.
        span: Which times to read.
        max_side_px: Make larger pictures so small that no side is longer.
        rate_hz: Pictures per second of a folder, which it cannot say itself; a video's own times are never overruled.
        slow_motion: How many times slower than life a video file plays, see `FileInfo.slow_motion`.
        threads: Threads for decoding a video file, 0 for one per core.

    Raises:
        VideoError: There is nothing that can be read.
        ConfigError: A folder of pictures comes without a rate.
    """
    if path.is_dir():
        return ImageSequence(list_images(path), rate_hz=rate_hz, span=span, max_side_px=max_side_px)
    if path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageSequence([path], rate_hz=rate_hz, span=span, max_side_px=max_side_px)
    return VideoFile(path, span=span, max_side_px=max_side_px, slow_motion=slow_motion, threads=threads)
