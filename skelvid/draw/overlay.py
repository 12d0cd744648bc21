"""Frames and the result of a run in; pictures with the skeleton over the person and live curves beside, out."""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.result import Result
from skelvid.draw.bones import draw_bones, make_bones
from skelvid.draw.ink import Picture, stroke, text_width_px, write
from skelvid.draw.panel import Panel, most_charts

DEFAULT_ANGLES = ("hip_flexion", "knee_angle", "ankle_angle", "trunk_extension", "elbow_flex")
# Sizes at 1280 x 720; others follow.
_KEYPOINT_PX, _NOTE_PX = 1.8, 20
# Below this, letters cannot be read.
_LEAST_UNIT = 0.6
_KEYPOINT, _NOTE, _NOTE_PAPER = (255, 105, 180), (255, 215, 120), (24, 26, 30)
_LEAST_SCORE = 0.3
# Frames and results tell the same times; this only forgives rounding.
_SAME_TIME_S = 1e-3


class Overlay:
    """Draws one person's result on the frames of the video, in any order.

    Pictures are wider than frames: the curves stand to the right of the video and cover nothing of it.

    Args:
        result: What to draw; its motion must have a camera.
        size_hw: Height and width of the frames, px; may be those of the camera times one factor.
        angles: Whose curves are shown, as many as find room; a name without its side shows both. With none, pictures
            are as wide as frames.
        window_s: How much of the past the curves show.
        keypoints: Also mark the keypoints that the motion was made from.

    Raises:
        ValueError: The motion has no camera, or an angle is not among the result's.
    """

    def __init__(
        self,
        result: Result,
        size_hw: tuple[int, int],
        *,
        angles: Sequence[str] = DEFAULT_ANGLES,
        window_s: float = 4.0,
        keypoints: bool = True,
    ) -> None:
        camera = result.motion.camera
        if camera is None:
            raise ValueError("a motion without a camera cannot be drawn over its video")
        self._size_hw, self._time_s, self._seen = size_hw, result.motion.time_s, result.seen
        self._zoom = size_hw[0] / camera.size_hw[0]
        self._unit = max(sqrt(size_hw[0] * size_hw[1] / (720 * 1280)), _LEAST_UNIT)
        self._bones = make_bones(result.landmark_names)
        self._points_m = self._bones.pick(result.points)
        (x, y), zoom = camera.center_px, self._zoom
        self._camera = Camera(camera.focal_px * zoom, (x * zoom, y * zoom), size_hw)
        self._keypoints = result.keypoints if keypoints else None
        shown = angles[: most_charts(size_hw[0], self._unit)]
        self._panel = None
        if shown:
            self._panel = Panel(result, shown, height_px=size_hw[0], unit=self._unit, window_s=window_s)

    def __call__(self, frame: Frame) -> Picture:
        """Return the frame, copied, with everything drawn.

        Raises:
            ValueError: The frame has another size than announced.
        """
        if frame.size_hw != self._size_hw:
            raise ValueError(f"frames must have the size {self._size_hw}, got {frame.size_hw}")
        height, width = frame.size_hw
        picture = np.empty((height, width + (self._panel.width if self._panel else 0), 3), np.uint8)
        film = picture[:, :width]
        film[:] = frame.image
        row = self._row(frame.time_s)
        if row is not None and self._seen[row]:
            draw_bones(film, self._bones, self._points_m[row], self._camera, unit=self._unit)
            self._draw_keypoints(film, row)
        else:
            self._note(film, "person not seen")
        if self._panel:
            self._panel.draw(picture[:, width:], frame.time_s, row)
        return picture

    def _row(self, time_s: float) -> int | None:
        """Return the row of the result at a time, None where there is none."""
        row = int(np.searchsorted(self._time_s, time_s - _SAME_TIME_S))
        return row if row < len(self._time_s) and self._time_s[row] <= time_s + _SAME_TIME_S else None

    def _draw_keypoints(self, film: Picture, row: int) -> None:
        if self._keypoints is None:
            return
        points = self._keypoints.keypoints[row]
        for xy in points.xy[points.score >= _LEAST_SCORE] * self._zoom:
            stroke(film, np.stack([xy, xy]), _KEYPOINT, radius_px=_KEYPOINT_PX * self._unit, edge_px=self._unit)

    def _note(self, film: Picture, text: str) -> None:
        font_px = round(_NOTE_PX * self._unit)
        inset = font_px // 2
        film[inset : inset + 2 * font_px, inset : 3 * inset + text_width_px(text, font_px)] = _NOTE_PAPER
        write(film, text, (2 * inset, inset + round(0.4 * font_px)), _NOTE, font_px=font_px)
