"""Frames, video facts and cameras refuse what cannot be."""

from typing import Any

import numpy as np
import pytest

from skelvid.datatypes.frames import Camera, Frame, VideoInfo

IMAGE = np.zeros((4, 6, 3), np.uint8)


def test_size_is_height_and_width():
    assert Frame(IMAGE, 0, 0.0).size_hw == (4, 6)


@pytest.mark.parametrize(("index", "time_s"), [(-1, 0.0), (0, np.nan), (0, np.inf)])
def test_frame_needs_an_index_and_a_time(index, time_s):
    with pytest.raises(ValueError, match="index must be >= 0 and time_s finite"):
        Frame(IMAGE, index, time_s)


def test_frame_needs_pixels():
    with pytest.raises(ValueError, match=r"shape \[h, w, 3\]"):
        Frame(IMAGE[:0], 0, 0.0)


@pytest.mark.parametrize(("change", "message"), [
    ({"focal_px": 0.0}, "focal_px"), ({"focal_px": np.nan}, "focal_px"), ({"center_px": (1.0, np.inf)}, "center_px"),
    ({"size_hw": (0, 5)}, "size_hw"),
])  # fmt: skip
def test_camera_refuses(change, message):
    good: dict[str, Any] = {"focal_px": 500.0, "center_px": (320.0, 240.0), "size_hw": (480, 640)}
    Camera(**good)
    with pytest.raises(ValueError, match=message):
        Camera(**good | change)


@pytest.mark.parametrize("change", [{"size_hw": (0, 640)}, {"rate_hz": 0.0}, {"rate_hz": np.inf}])
def test_video_info_refuses(change):
    good: dict[str, Any] = {"size_hw": (480, 640), "rate_hz": 30.0}
    with pytest.raises(ValueError, match=next(iter(change))):
        VideoInfo(**good | change)
