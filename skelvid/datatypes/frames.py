"""Pictures on their way in: one frame, what is known of its film, and the camera that took it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        image: `h w 3` colours, always in the order red, green, blue.
        index: Number of the frame in its video, from 0.
        time_s: When it is shown, s, as the container says (not index / rate).
    """

    image: UInt8[np.ndarray, "h w 3"]
    index: int
    time_s: float

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8 or not self.image.size:
            raise ValueError(f"image must be uint8 of shape [h, w, 3], got {self.image.dtype} {self.image.shape}")
        if self.index < 0 or not np.isfinite(self.time_s):
            raise ValueError(f"index must be >= 0 and time_s finite, got {self.index} and {self.time_s}")

    @property
    def size_hw(self) -> tuple[int, int]:
        """Return height and width, px."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True)
class VideoInfo:
    """What a container says of its video before a frame is decoded.

    Attributes:
        size_hw: Height and width as shown, after the rotation in the metadata, px.
        rate_hz: Mean frame rate.
        frame_count: Number of frames, or None where the container does not say; an estimate, as files err.
        duration_s: Length, or None where the container does not say.
    """

    size_hw: tuple[int, int]
    rate_hz: float
    frame_count: int | None = None
    duration_s: float | None = None

    def __post_init__(self) -> None:
        _check_size(self.size_hw)
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0.0):
            raise ValueError(f"rate_hz must be positive, got {self.rate_hz}")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels and no distortion; x right, y down, z forward.

    Attributes:
        focal_px: Focal length, px.
        center_px: Principal point (x, y), px; pixel centres lie at whole numbers plus a half.
        size_hw: Height and width of its pictures, px.
    """

    focal_px: float
    center_px: tuple[float, float]
    size_hw: tuple[int, int]

    def __post_init__(self) -> None:
        _check_size(self.size_hw)
        if not (np.isfinite(self.focal_px) and self.focal_px > 0.0):
            raise ValueError(f"focal_px must be positive, got {self.focal_px}")
        if len(self.center_px) != 2 or not np.isfinite(self.center_px).all():
            raise ValueError(f"center_px must be two finite numbers, got {self.center_px}")


def _check_size(size_hw: tuple[int, int]) -> None:
    if len(size_hw) != 2 or min(size_hw) < 1:
        raise ValueError(f"size_hw must be two positive numbers of pixels, got {size_hw}")
