"""Frames go in; an H.264 video that browsers play comes out, each picture at its own time."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from jaxtyping import UInt8

from skelvid.errors import VideoError

_CODEC = "libx264"
# Each of these rates is a whole number of ticks per picture: 24, 25, 30, 30000/1001, 50, 60, 120, 240.
CLOCK_S = Fraction(1, 90_000)


class VideoWriter:
    """Writes a video under a temporary name, and gives it its own name once it is complete.

    Use it in a `with` statement: if that ends by an error or Ctrl-C, what was written is removed.

    Times keep the distances they have in the source; the first picture is at 0. Odd sizes grow by one pixel, which
    repeats the edge, because H.264 for browsers knows even ones only.

    Args:
        path: The `.mp4` to write; replaced if it exists.
        crf: Quality, lower is better and larger; 18 can hardly be told from the source.
        preset: Effort of x264: "ultrafast" to "veryslow".
        unit_s: Unit of the time stamps; that of the source (`FileInfo.unit_s`) keeps them exactly.
        threads: Threads for encoding, 0 for one per core.

    Raises:
        VideoError: The folder cannot be written to, or this installation has no H.264 encoder.
    """

    def __init__(
        self,
        path: Path,
        *,
        crf: int = 20,
        preset: str = "veryfast",
        unit_s: Fraction | None = None,
        threads: int = 0,
    ) -> None:
        if _CODEC not in av.codecs_available:
            raise VideoError(f"this installation of PyAV has no {_CODEC}, which writes H.264: pip install --upgrade av")
        self.path, self._part = path, path.with_name(f"{path.name}.part")
        self._options = {"crf": str(crf), "preset": preset}
        self._unit_s, self._threads = unit_s or CLOCK_S, threads
        self._stream: VideoStream | None = None
        self._size_hw: tuple[int, int] | None = None
        self._origin_s = 0.0
        self._last = -1
        try:
            self._part.touch()  # the container is not opened before the first picture
            # `faststart` puts the index first, so that a browser can play before it has everything.
            self._container: OutputContainer = av.open(
                f"file:{self._part}", "w", format="mp4", options={"movflags": "+faststart"}
            )
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def write(self, image: UInt8[np.ndarray, "h w 3"], time_s: float) -> None:
        """Append a picture, red green blue, at a later time than the one before.

        Raises:
            ValueError: The time does not rise, or the size differs from that of the first picture.
            VideoError: The disk is full, or fails otherwise.
        """
        if self._stream is None:
            self._stream, self._size_hw, self._origin_s = self._add_stream(image), image.shape[:2], time_s
        if image.shape[:2] != self._size_hw:
            raise ValueError(f"image must have the size of the first, {self._size_hw}, got {image.shape[:2]}")
        stamp = round(Fraction(time_s - self._origin_s) / self._unit_s)
        if stamp <= self._last:
            raise ValueError(f"times must rise by {float(self._unit_s):g} s at least, got {time_s} s")
        self._last = stamp
        picture = av.VideoFrame.from_ndarray(_even(image)).reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
        )
        picture.pts, picture.time_base = stamp, self._unit_s
        self._mux(picture)

    def _add_stream(self, image: UInt8[np.ndarray, "h w 3"]) -> VideoStream:
        stream = self._container.add_stream(_CODEC, rate=30, options=self._options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = _even(image).shape[:2]
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        stream.time_base = codec.time_base = self._unit_s
        codec.thread_count = self._threads
        codec.gop_size, codec.max_b_frames = 60, 0  # B-frames would need an edit list to begin at 0
        codec.colorspace, codec.color_range = 1, ColorRange.MPEG.value  # 1 is BT.709, as for all of HD
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709.value, ColorTrc.BT709.value
        return stream

    def _mux(self, picture: av.VideoFrame | None) -> None:
        assert self._stream is not None
        try:
            self._container.mux(self._stream.encode(picture))
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            # Also after Ctrl-C in the middle of finishing: closing writes what it can, and may fail again.
            try:
                self._container.close()
            except (FFmpegError, OSError) as failure:
                if kind is None:
                    raise self._failed(failure) from failure
            finally:
                self._part.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._stream is None:
            raise VideoError(f"there was no picture to write to {self.path}")
        self._mux(None)
        try:
            self._container.close()
            self._part.replace(self.path)
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> VideoError:
        reason = getattr(error, "strerror", None) or str(error)
        return VideoError(f"the video {self.path} cannot be written: {reason}")


def _even(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "even_h even_w 3"]:
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") if height % 2 or width % 2 else image
