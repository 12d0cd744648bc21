"""The overlay of a run goes in; a film small enough to travel inside a page comes out, and some pictures of it."""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from skelvid.video.source import open_video
from skelvid.video.span import Span
from skelvid.video.writer import VideoWriter

KEY_FRAMES = 6
# A page with a longer film is too large for a mail; it then plays the overlay that lies beside it.
MAX_S = 90.0
# What a phone shows.
_SIDE_PX, _KEY_SIDE_PX = 640, 200
_CRF, _JPEG_QUALITY = 29, 70


@dataclass(frozen=True)
class Film:
    """The person with the skeleton drawn over; times count from the first picture.

    Attributes:
        mp4: The film itself, or None where it is too long and only its key frames are here.
        key_frames: Times, s, and pictures as JPEG, evenly spread.
    """

    mp4: bytes | None
    key_frames: tuple[tuple[float, bytes], ...]


def make_film(overlay: Path, size_hw: tuple[int, int], duration_s: float) -> Film:
    """Cut the curves beside the pictures off an overlay, and make it small.

    Args:
        overlay: As `skelvid.draw.overlay` draws it: the curves to the right of the picture.
        size_hw: Of the picture without the curves.
        duration_s: From its first to its last picture.

    Raises:
        VideoError: It cannot be read, or there is no encoder.
    """
    wanted_s = (np.arange(KEY_FRAMES) + 0.5) * duration_s / KEY_FRAMES
    share = min(1.0, _SIDE_PX / max(size_hw))
    # The reader shrinks faster than we would.
    side_px = max(round(share * max(open_video(overlay).info.size_hw)), 1)
    columns = round(share * size_hw[1])
    if duration_s > MAX_S:
        firsts = (next(iter(open_video(overlay, span=Span(start_s=float(t)), max_side_px=side_px))) for t in wanted_s)
        return Film(None, tuple((frame.time_s, _jpeg(frame.image[:, :columns])) for frame in firsts))
    keys: list[tuple[float, bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        with VideoWriter(path, crf=_CRF) as film:
            for frame in open_video(overlay, max_side_px=side_px):
                picture = frame.image[:, :columns]
                film.write(picture, frame.time_s)
                while len(keys) < KEY_FRAMES and frame.time_s >= wanted_s[len(keys)]:
                    keys.append((frame.time_s, _jpeg(picture)))
        return Film(path.read_bytes(), tuple(keys))


def _jpeg(picture: UInt8[np.ndarray, "h w 3"]) -> bytes:
    small = Image.fromarray(np.ascontiguousarray(picture))
    small.thumbnail((_KEY_SIDE_PX, _KEY_SIDE_PX))
    file = io.BytesIO()
    small.save(file, format="JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
