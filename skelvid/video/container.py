"""A path goes in; an open container and its video stream come out, or one sentence on why there is none."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.stream import Disposition
from av.video.stream import VideoStream

from skelvid.errors import VideoError

# FFmpeg also knows playlists, which lead to other files and never end, and formats that take any text for a picture.
_FORMATS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,mxf,h264,hevc,av1,obu,ivf,mjpeg,dv,nut,rm,wtv,gif,apng,"
    "yuv4mpegpipe,wav,mp3,aac,flac,aiff,caf,amr"
)
_MAX_RATE_HZ = 2000


@dataclass(frozen=True)
class Film:
    """An open container with the stream that holds its pictures.

    Attributes:
        path: Where it lies.
        container: The open container.
        stream: Its video stream.
    """

    path: Path
    container: InputContainer
    stream: VideoStream

    @property
    def unit_s(self) -> Fraction:
        """Return the unit of time stamps, s."""
        return self.stream.time_base or Fraction(1, 1_000_000)

    @property
    def origin(self) -> int:
        """Return the time stamp that is time 0.

        Broadcast formats (MPEG-TS, MPEG-PS) start their clock anywhere; elsewhere time stamps count from 0.
        """
        if not self.container.format.flags & Flags.ts_discont.value:
            return 0
        return round(Fraction(self.container.start_time or 0, 1_000_000) / self.unit_s)

    @property
    def duration_s(self) -> float | None:
        """Return how long the container says it lasts."""
        if self.stream.duration:
            return float(self.stream.duration * self.unit_s)
        return self.container.duration / 1e6 if self.container.duration else None

    @property
    def declared_rate_hz(self) -> float:
        """Return the frame rate that the file claims.

        Some claim the tick of their clock. What shows a single picture says how long, or nothing: then 1.
        """
        shown = 1 / self.duration_s if self.duration_s else None
        rates = (self.stream.codec_context.framerate, self.stream.average_rate, self.stream.guessed_rate, shown)
        return next((float(rate) for rate in rates if rate and rate <= _MAX_RATE_HZ), 1.0)

    @property
    def has_times(self) -> bool:
        """Return whether the format stores time stamps at all; raw streams do not."""
        return not self.container.format.flags & Flags.no_timestamps.value

    @property
    def is_searchable(self) -> bool:
        """Return whether times are the same wherever reading starts; in AVI they are guessed from what came before."""
        return self.has_times and self.container.format.name != "avi"


@contextmanager
def open_film(path: Path, *, threads: int = 0) -> Generator[Film]:
    """Open a file for decoding with so many threads, 0 for one per core.

    Raises:
        VideoError: The file is missing, cannot be read, is no video, or holds sound only.
    """
    container = _open(path)
    try:
        stream = _video_stream(container, path)
        # Without it, the decoder paints over damage and says nothing; with it, a damaged picture becomes a gap,
        # and those after it come out cleaner, too. It does not go with threads that decode several pictures at
        # once: one damaged picture then takes all later ones with it.
        stream.codec_context.options = {"err_detect": "explode"}
        stream.thread_type = "SLICE"
        stream.thread_count = threads
        yield Film(path, container, stream)
    finally:
        container.close()


def _open(path: Path) -> InputContainer:
    if not path.exists():
        raise VideoError(f"there is no file {path}")
    if not path.is_file():
        raise VideoError(f"{path} is not a file")
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path} is empty: it has 0 bytes")
        # `file:` for names with a colon.
        options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except PermissionError as error:
        raise VideoError(f"no permission to read {path}") from error
    except (FFmpegError, OSError) as error:
        raise VideoError(
            f"{path} cannot be read as a video ({error.strerror or error}): it is of another kind, "
            "or was cut off, for instance while it was copied"
        ) from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    # A cover picture of a song is stored as a video stream, too.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        found = "sound but no pictures" if container.streams.audio else "no pictures"
        raise VideoError(f"{path} holds {found}")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:  # pyright: ignore[reportUnnecessaryComparison] - it is, without a decoder
        raise VideoError(f"{path} is compressed in a way that this installation cannot read")
    return stream
