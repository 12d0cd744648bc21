"""Small known things for tests, made in code: videos whose pictures tell their time."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import UInt8

Image = UInt8[np.ndarray, "h w 3"]
GREY, RED, GREEN, BLUE = (90, 90, 90), (230, 20, 20), (20, 200, 40), (30, 40, 230)
SPAN_S = 2.0
MARGIN = 0.15


def draw_scene(time_s: float, size_hw: tuple[int, int] = (96, 128)) -> Image:
    """A red square that crosses the picture in SPAN_S, green in the upper left corner, blue in the lower right."""
    height, width = size_hw
    image = np.full((height, width, 3), GREY, np.uint8)
    side = max(2, min(size_hw) // 6)
    image[:side, :side] = GREEN
    image[-side:, -side:] = BLUE
    # Drawn at twice the resolution sideways, so that slow movements show, too.
    left = (MARGIN + (1 - 2 * MARGIN) * time_s / SPAN_S) * width - side / 2
    columns = np.arange(width)
    cover = np.clip(np.minimum(columns + 1, left + side) - np.maximum(columns, left), 0, 1)[None, :, None]
    rows = slice(height // 2 - side // 2, height // 2 - side // 2 + side)
    image[rows] = np.rint((1 - cover) * image[rows] + cover * np.array(RED)).astype(np.uint8)
    return image


def read_time_s(image: Image) -> float:
    """Return the time at which the scene was drawn, from where the red square is."""
    height, width = image.shape[:2]
    middle = image[height // 2 - height // 12 : height // 2 + height // 12].astype(float)
    red = np.clip(middle[..., 0] - middle[..., 1:].max(-1) - 60, 0, None).sum(0)
    center = (red * (np.arange(width) + 0.5)).sum() / red.sum() / width
    return float((center - MARGIN) / (1 - 2 * MARGIN) * SPAN_S)


def make_video(
    path: Path,
    *,
    times_s: Sequence[float] | None = None,
    size_hw: tuple[int, int] = (96, 128),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    turn_deg: int = 0,
    mirrored: bool = False,
    keyframe_every: int = 10,
    b_frames: int = 2,
    unit_s: Fraction = Fraction(1, 90_000),
    options: Mapping[str, str] | None = None,
    file_options: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Write a video of the scene; `size_hw`, with the scene upright, is what a player shows.

    Args:
        path: Where to; the suffix says the container.
        times_s: When each picture is shown; 30 pictures at 30 per second if left out.
        turn_deg: The file stores the pictures turned, and a display matrix that turns them by this, clockwise.
        mirrored: The same with left and right swapped.
    """
    times_s = [number / 30 for number in range(30)] if times_s is None else times_s
    with av.open(path, "w", options=dict(file_options or {})) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=30)
        assert isinstance(stream, VideoStream)
        stored_hw = size_hw if turn_deg % 180 == 0 else size_hw[::-1]
        stream.height, stream.width = stored_hw
        stream.pix_fmt, stream.options = pixels, dict(options or {})
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = keyframe_every, b_frames
        stream.time_base = stream.codec_context.time_base = unit_s
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if turn_deg or mirrored:
            stream.set_display_rotation(-turn_deg, hflip=mirrored)
        container.start_encoding()
        for time_s in times_s:
            image = draw_scene(time_s, size_hw)
            image = np.rot90(image[:, ::-1] if mirrored else image, turn_deg // 90)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
            frame.time_base, frame.pts = unit_s, round(Fraction(time_s) / unit_s)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
