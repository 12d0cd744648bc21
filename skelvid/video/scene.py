"""Frames in, as they go by; out: how bright the film is, and whether its camera moved."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Frame

LOOK_EVERY_S = 0.25
_THUMBNAIL_PX = 160
# Height of the peak of phase correlation under which two pictures have too little in common to say.
_MIN_PEAK = 0.04
# Of the picture's longer side; of the times looked at.
_MIN_TRAVEL, _MIN_MOVED = 0.02, 0.1

Thumbnail = Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class Scene:
    """A film's light and camera at a few times.

    Attributes:
        time_s: `t` times looked at.
        luma: `t` mean brightness, 0 black to 255 white.
        shift: `t 2` how far the background moved to the right and down since it was last seen to move, in shares of
            the picture's longer side; NaN where that cannot be told, as at the first time.
    """

    time_s: Float[np.ndarray, "t"]
    luma: Float[np.ndarray, "t"]
    shift: Float[np.ndarray, "t 2"]

    @property
    def moving(self) -> bool:
        """Return whether the camera moved: often, and far; something large that walks by does not do both."""
        moved = np.nan_to_num(self.shift)
        path = moved.cumsum(0)
        far = len(path) > 0 and np.ptp(path, axis=0).max() > _MIN_TRAVEL
        return bool(far and moved.any(1).mean() > _MIN_MOVED)


@dataclass
class SceneWatch:
    """Looks at a frame every `LOOK_EVERY_S`, and keeps a few numbers of each."""

    _rows: list[tuple[float, float, float, float]] = field(default_factory=list[tuple[float, float, float, float]])
    _reference: Thumbnail | None = None

    def look(self, frame: Frame) -> None:
        """Take note of a frame; frames come in order of time."""
        if self._rows and frame.time_s < self._rows[-1][0] + LOOK_EVERY_S:
            return
        small = thumbnail(frame)
        shift = (np.nan, np.nan) if self._reference is None else background_shift(self._reference, small)
        self._rows.append((frame.time_s, float(small.mean()), *shift))
        # A slow turn of the camera shows only against a picture from a while ago.
        if any(shift):
            self._reference = small

    def scene(self) -> Scene:
        """Return what was seen so far."""
        rows = np.array(self._rows).reshape(-1, 4)
        return Scene(rows[:, 0], rows[:, 1], rows[:, 2:])


def thumbnail(frame: Frame) -> Thumbnail:
    """Return the green of a frame, means of square blocks, about 160 px on the longer side."""
    block = max(1, round(max(frame.size_hw) / _THUMBNAIL_PX))
    height, width = (max(1, side // block) for side in frame.size_hw)
    green = frame.image[: height * block, : width * block, 1]
    rows, columns = (len(range(0, side, block)) for side in green.shape)
    # Every second row and column of a block is enough, and four times cheaper.
    step = max(1, block // 2)
    parts = [green[i::block, j::block][:rows, :columns] for i in range(0, block, step) for j in range(0, block, step)]
    rows, columns = min(p.shape[0] for p in parts), min(p.shape[1] for p in parts)
    return np.mean([p[:rows, :columns] for p in parts], axis=0)


def background_shift(before: Thumbnail, after: Thumbnail) -> tuple[float, float]:
    """Return how far most of the picture moved to the right and down, in shares of its longer side.

    By phase correlation, to the whole pixel of the thumbnail; NaN where the two have too little in common.
    """
    window = np.hanning(before.shape[0])[:, None] * np.hanning(before.shape[1])
    first, second = (np.fft.rfft2((small - small.mean()) * window) for small in (before, after))
    cross = second * first.conj()
    power = np.abs(cross)
    if not power.max(initial=0.0) > 1e-6:
        return np.nan, np.nan
    match = np.fft.irfft2(cross / np.maximum(power, 1e-3 * power.max()), s=before.shape)
    down, right = np.unravel_index(int(match.argmax()), match.shape)
    if match[down, right] < _MIN_PEAK:
        return np.nan, np.nan
    height, width = before.shape
    signed = [(int(v) + side // 2) % side - side // 2 for v, side in ((right, width), (down, height))]
    longer = max(before.shape)
    return signed[0] / longer, signed[1] / longer
