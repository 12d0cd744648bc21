"""An open film goes in; its decoded pictures come out in the order shown, each with a time stamp."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from av.error import FFmpegError
from av.video.frame import VideoFrame

from skelvid.video.container import Film

_log = logging.getLogger(__name__)


@dataclass
class ReadReport:
    """What went wrong so far while a film was read.

    Attributes:
        damaged_s: About when packets, nearly always one picture each, could not be decoded and are gaps now.
        untimed_s: When pictures were left out because their time does not rise, so that they have no place.
        broken_off: Why reading stopped before the end, or None.
        missing_s: For how long the file promised pictures after the last one it had, where that is long.
    """

    damaged_s: list[float] = field(default_factory=list[float])
    untimed_s: list[float] = field(default_factory=list[float])
    broken_off: str | None = None
    missing_s: float = 0.0

    def sentences(self) -> list[str]:
        """Say it in words; nothing when all was well."""
        said: list[str] = []
        if self.damaged_s:
            said.append(f"{len(self.damaged_s)} damaged picture(s) left out")
        if self.untimed_s:
            said.append(f"{len(self.untimed_s)} picture(s) without a usable time left out")
        if self.broken_off:
            said.append(f"reading broke off before the end ({self.broken_off})")
        if self.missing_s:
            said.append(f"pictures end {self.missing_s:.2f} s before the file says that it ends; was it cut off?")
        return said


@dataclass
class _Clock:
    """Chooses between a picture's two time stamps, as players do.

    Some containers (AVI) know only when a picture is decoded; what they claim to be its time then runs backwards
    now and then. The stamp that has done so less often is believed.
    """

    period: int | None
    count: int = 0
    last: dict[str, int] = field(default_factory=dict[str, int])
    faults: dict[str, int] = field(default_factory=lambda: {"pts": 0, "dts": 0})

    def stamp(self, frame: VideoFrame) -> int | None:
        self.count += 1
        if self.period is not None:
            return (self.count - 1) * self.period
        for name, value in (("pts", frame.pts), ("dts", frame.dts)):
            if value is not None:
                self.faults[name] += value <= self.last.get(name, value - 1)
                self.last[name] = value
        if frame.pts is not None and (frame.dts is None or self.faults["pts"] <= self.faults["dts"]):
            return frame.pts
        return frame.dts


def decode(film: Film, report: ReadReport, *, first: int | None = None) -> Iterator[VideoFrame]:
    """Yield pictures whose `pts`, in `film.unit_s` from `film.origin`, rises strictly; write damage into the report.

    Args:
        film: Freshly opened.
        report: Counts what is left out.
        first: Time stamp to start at; no picture before it comes out.
    """
    if first is not None and first > 0 and film.is_searchable:
        pictures = _from_keyframe_before(film, report, first)
    else:
        pictures = _packets_to_pictures(film, report, first)
    period = None
    if not film.has_times:
        period = round(1 / (film.declared_rate_hz * film.unit_s))
        _log.warning("%s stores no times: taking %g pictures per second", film.path, film.declared_rate_hz)
    clock, last = _Clock(period), None
    for picture in pictures:
        stamp = clock.stamp(picture)
        if stamp is None or (last is not None and stamp - film.origin <= last):
            report.untimed_s.append(float((last or 0) * film.unit_s))
            continue
        last = picture.pts = stamp - film.origin
        if first is None or last >= first:
            yield picture


def _from_keyframe_before(film: Film, report: ReadReport, first: int) -> Iterator[VideoFrame]:
    """Start at a keyframe that is not shown after `first`.

    Containers look for keyframes by the time of decoding, which lies before that of showing, and pictures that lean
    on what was before the keyframe cannot be decoded: so look at the first picture, and go further back if need be.
    """
    for margin_s in (0, 2, 10, 60):
        try:
            target = first + film.origin - round(margin_s / film.unit_s)
            film.container.seek(target, stream=film.stream)
        except FFmpegError:
            break
        # What an attempt could not decode may be whole, seen from further back.
        report.damaged_s, report.broken_off = [], None
        pictures = _packets_to_pictures(film, report, first)
        picture = next(pictures, None)
        shown = None if picture is None else picture.pts
        if picture is not None and shown is not None and shown - film.origin <= first:
            return chain([picture], pictures)
    report.damaged_s, report.broken_off = [], None
    _rewind(film)
    return _packets_to_pictures(film, report, first)


def _rewind(film: Film) -> None:
    try:
        # Well before the start, for MPEG-TS lands behind what it searches for.
        film.container.seek((film.stream.start_time or 0) - round(10 / film.unit_s), stream=film.stream)
    except FFmpegError:
        _log.debug("%s cannot be searched: reading on", film.path)


def _packets_to_pictures(film: Film, report: ReadReport, first: int | None) -> Iterator[VideoFrame]:
    packets, stamp = film.container.demux(film.stream), first or 0
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError as error:
            report.broken_off = error.strerror or str(error)
            return
        stamp = stamp if packet.pts is None else packet.pts - film.origin
        try:
            pictures = packet.decode()
        except FFmpegError:
            # What lies before the start only leads up to it.
            if first is None or packet.pts is None or stamp >= first:
                report.damaged_s.append(float(stamp * film.unit_s))
            continue
        yield from pictures
