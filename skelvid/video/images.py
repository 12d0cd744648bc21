"""A folder of pictures, or a single one, goes in; frames come out in the natural order of their names."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from skelvid.datatypes.frames import Frame
from skelvid.errors import ConfigError, VideoError
from skelvid.video.decode import ReadReport
from skelvid.video.probe import FileInfo
from skelvid.video.span import Span

_log = logging.getLogger(__name__)
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_EXIF_IFD, _EXIF_FOCAL_35MM, _EXIF_CREATED, _EXIF_MODEL = 0x8769, 41989, 306, 272


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Return a sort key that puts `frame2` before `frame10`.

    >>> sorted([Path("f10.png"), Path("f2.png")], key=natural_key)[0].name
    'f2.png'
    """
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def list_images(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order, without hidden ones.

    Raises:
        VideoError: The folder cannot be read or holds no picture.
    """
    try:
        files = [file for file in folder.iterdir() if not file.name.startswith(".")]
    except OSError as error:
        raise VideoError(f"the folder {folder} cannot be read ({error.strerror})") from error
    images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        raise VideoError(f"the folder {folder} holds no pictures ({suffixes})")
    return sorted(images, key=natural_key)


class ImageSequence:
    """Pictures at a steady rate as frames; turned upright as their EXIF data say.

    Args:
        paths: The pictures, in order.
        rate_hz: How many were taken per second; a single picture needs none.
        span: Which times to read.
        max_side_px: Make larger pictures so small that no side is longer.

    Attributes:
        info: What is known from the first picture and the number of pictures.
        report: What went wrong in the latest reading.

    Raises:
        ConfigError: There are several pictures and no rate.
        VideoError: The first picture cannot be read.
    """

    def __init__(
        self, paths: Sequence[Path], *, rate_hz: float | None, span: Span | None = None, max_side_px: int | None = None
    ) -> None:
        if rate_hz is None and len(paths) > 1:
            raise ConfigError(f"the pictures in {paths[0].parent} tell no time: say how many were taken per second")
        if rate_hz is not None and not rate_hz > 0:
            raise ConfigError(f"the number of pictures per second must be positive, got {rate_hz:g}")
        self.paths, self.span = paths, span or Span()
        self._max_side_px = max_side_px
        self.report = ReadReport()
        self.info: FileInfo = self._look(rate_hz or 1.0)

    def _look(self, rate_hz: float) -> FileInfo:
        image = self._read(self.paths[0])
        with Image.open(self.paths[0]) as file:
            exif, codec = file.getexif(), (file.format or "").lower()
        focal = exif.get_ifd(_EXIF_IFD).get(_EXIF_FOCAL_35MM)
        return FileInfo(
            image.shape[:2],
            rate_hz,
            len(self.paths),
            len(self.paths) / rate_hz,
            codec=codec,
            focal_35mm=float(focal) if focal else None,
            created=exif.get(_EXIF_CREATED),
            device=exif.get(_EXIF_MODEL),
        )

    @property
    def expected_frames(self) -> int:
        """Return how many frames will come, for a progress bar."""
        return len(list(self._in_span()))

    def _in_span(self) -> Iterator[tuple[float, Path]]:
        times_s = (number / self.info.rate_hz for number in range(len(self.paths)))
        return ((time_s, path) for time_s, path in zip(times_s, self.paths, strict=True) if time_s in self.span)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; `index` counts them from 0 at the start of the span.

        Raises:
            VideoError: A picture differs in size from the first, or there is none in the span.
        """
        self.report = report = ReadReport()
        index = 0
        for time_s, path in self._in_span():
            try:
                image = self._read(path)
            except VideoError as error:
                _log.warning("%s", error)
                report.damaged_s.append(time_s)
                continue
            if image.shape[:2] != self.info.size_hw:
                (height, width), (first_height, first_width) = image.shape[:2], self.info.size_hw
                raise VideoError(
                    f"{path} is {width}x{height} px, but {self.paths[0].name} is {first_width}x{first_height} px: "
                    "pictures of one video must have one size"
                )
            yield Frame(image, index, time_s)
            index += 1
        if not index:
            raise VideoError(f"{self.paths[0].parent} shows no picture {self.span}")

    def _read(self, path: Path) -> UInt8[np.ndarray, "h w 3"]:
        try:
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file)
                if image.mode.startswith("I;16"):
                    image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
                image = image.convert("RGB")
        except UnidentifiedImageError as error:
            raise VideoError(f"{path} is not a picture") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise VideoError(f"{path} cannot be read as a picture ({error})") from error
        if self._max_side_px:
            image.thumbnail((self._max_side_px, self._max_side_px))
        return np.array(image)
