"""A path goes in; what is known of its video before the work begins comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

from av.error import FFmpegError

from skelvid.datatypes.frames import VideoInfo
from skelvid.errors import VideoError
from skelvid.video.container import Film, open_film
from skelvid.video.decode import ReadReport, decode
from skelvid.video.upright import Upright

_LOOK_AT = 100
_RECORDED_RATE = ("com.android.capture.fps",)
_FOCAL_35MM = ("com.apple.quicktime.camera.focal_length.35mm_equivalent",)
_CREATED = ("com.apple.quicktime.creationdate", "creation_time")
_DEVICE = ("com.apple.quicktime.model", "com.android.model", "model")


@dataclass(frozen=True)
class FileInfo(VideoInfo):
    """What a file says of its video.

    Attributes:
        codec: How the pictures are compressed, such as "h264".
        unit_s: Unit in which the file counts time, s; None where it has no clock.
        searchable: Whether pictures have the same times wherever reading starts.
        slow_motion: How many times slower than in life the file plays, as phones write it: recorded at 240 pictures
            per second, shown at 30 is 8. Nearly always 1.
        focal_35mm: Focal length that would give the same view on 35 mm film, mm, where the camera wrote it.
        created: When it was recorded, as the camera wrote it.
        device: The camera's model.
    """

    codec: str = ""
    unit_s: Fraction | None = None
    searchable: bool = True
    slow_motion: float = 1.0
    focal_35mm: float | None = None
    created: str | None = None
    device: str | None = None


def probe(path: Path, *, max_side_px: int | None = None) -> FileInfo:
    """Look at a video file, and decode its first picture, which alone shows that it can be read.

    Raises:
        VideoError: It cannot be read, or holds no picture.
    """
    with open_film(path) as film:
        times_s, count = _times(film)
        duration_s, rate_hz = film.duration_s, _rate_hz(film, times_s)
        metadata = {**film.container.metadata, **film.stream.metadata}
        codec = film.stream.codec_context.name
    # Anew, because searching for times has used packets up.
    with open_film(path, threads=1) as film:
        picture = next(decode(film, ReadReport()), None)
        if picture is None:
            raise VideoError(f"{path} holds no picture that can be decoded")
        aspect = film.stream.sample_aspect_ratio
        size_hw = Upright(picture, pixel_aspect=aspect, max_side_px=max_side_px).size_hw
    recorded_hz = _number(metadata, _RECORDED_RATE) or rate_hz
    return FileInfo(
        size_hw,
        rate_hz,
        count or (round(duration_s * rate_hz) if duration_s else None),
        duration_s,
        codec=codec,
        unit_s=film.unit_s if film.has_times else None,
        searchable=film.is_searchable,
        # A phone's real rate strays from its nominal one, by far less than slow motion is slow.
        slow_motion=recorded_hz / rate_hz if recorded_hz > 1.5 * rate_hz else 1.0,
        focal_35mm=_number(metadata, _FOCAL_35MM),
        created=_first(metadata, _CREATED),
        device=_first(metadata, _DEVICE),
    )


def _times(film: Film) -> tuple[list[float], int | None]:
    """Return time stamps, s, and how many pictures there are, where it is known.

    The index of MP4 and MOV holds them all; elsewhere look at the first packets.
    """
    unit_s = float(film.unit_s)
    index = film.stream.index_entries
    if "mp4" in film.container.format.name and film.stream.frames and len(index) == film.stream.frames:
        shown = [entry.timestamp * unit_s for entry in index if not entry.is_discard]
        return shown, len(shown)
    stamps: list[int | None] = []
    try:
        for packet in islice(film.container.demux(film.stream), _LOOK_AT):
            stamps += [packet.pts if packet.pts is not None else packet.dts] if packet.size else []
    except FFmpegError:
        pass  # damaged so early: the declared rate must do
    complete = len(stamps) < _LOOK_AT
    return sorted(stamp * unit_s for stamp in stamps if stamp is not None), len(stamps) if complete else None


def _rate_hz(film: Film, times_s: list[float]) -> float:
    if film.has_times and len(times_s) > 1 and times_s[-1] > times_s[0]:
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])
    return film.declared_rate_hz


def _first(metadata: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((metadata[key] for key in keys if metadata.get(key)), None)


def _number(metadata: Mapping[str, str], keys: tuple[str, ...]) -> float | None:
    try:
        value = float(_first(metadata, keys) or "")
    except ValueError:
        return None
    return value if 0 < value < 1e6 else None
