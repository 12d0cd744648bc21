"""People found by MediaPipe Pose Landmarker in single frames: in the whole, and in squares, for those who are small.

It finds people who are at least about a quarter of its picture's longer side high.
"""

import math
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.downloads import model_path
from skelvid.geometry.boxes import pad
from skelvid.people.detect import keep_best
from skelvid.people.keypoints import BODY_MARGIN, optional_library
from skelvid.people.mediapipe_source import INSTALL, MODEL, Window, quiet

MAX_IN_VIEW = 4
# Below these shares of a picture's longer side, of the points, and of the smaller box, it is table legs, cut-off
# bodies, and the same person again.
MIN_SIZE = 0.15
MIN_PRESENCE = 0.5
MAX_SHARED = 0.6


class MediaPipeDetector:
    """Boxes around the people that MediaPipe Pose Landmarker heavy finds; score is the mean visibility of their points.

    Args:
        model: Path of `pose_landmarker_heavy.task`; else the user's folder, else it is fetched.

    Raises:
        ConfigError: MediaPipe is not installed.
        WeightsError: The model is not to be had, or is another one.
    """

    def __init__(self, *, model: str | Path | None = None) -> None:
        self._mediapipe = optional_library("mediapipe", INSTALL)
        tasks = optional_library("mediapipe.tasks.python", INSTALL)
        base = tasks.BaseOptions(model_asset_path=str(model_path(MODEL, model)))
        mode = tasks.vision.RunningMode.IMAGE
        options = tasks.vision.PoseLandmarkerOptions(base_options=base, running_mode=mode, num_poses=MAX_IN_VIEW)
        with quiet():
            self._landmarker = tasks.vision.PoseLandmarker.create_from_options(options)
        self._finalizer = weakref.finalize(self, self._landmarker.close)

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of each frame, image px."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Boxes:
        found = [person for view in views(frame.size_hw) for person in self._people(frame, view)]
        if not found:
            return Boxes.none()
        xyxy = pad(np.stack([box for box, _, _ in found]), BODY_MARGIN)
        visible, present = np.array([scores for _, *scores in found]).T
        # Who is cut off by a view is less visible and present there than in another.
        rows = keep_best(xyxy, visible * present, max_shared=MAX_SHARED)
        return Boxes(xyxy[rows], visible[rows])

    def _people(self, frame: Frame, view: Window) -> list[tuple[Float[np.ndarray, "4"], float, float]]:
        """Return box, mean visibility and mean presence of the people in a part of the frame."""
        part = np.ascontiguousarray(frame.image[view])
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=part)
        height, width = part.shape[:2]
        found: list[tuple[Float[np.ndarray, "4"], float, float]] = []
        with quiet():
            result = self._landmarker.detect(image)
        for points in result.pose_landmarks:
            values = np.array([(point.x, point.y, point.visibility, point.presence) for point in points])
            xy = values[:, :2] * (width, height)
            low, high = xy.min(0), xy.max(0)
            visible, present = _mean_share(values[:, 2]), _mean_share(values[:, 3])
            if (high - low).max() >= MIN_SIZE * max(height, width) and present >= MIN_PRESENCE:
                corner = (view[1].start, view[0].start)
                found.append((np.concatenate([low + corner, high + corner]), visible, present))
        return found


def views(size_hw: tuple[int, int]) -> list[Window]:
    """Return the parts of a frame to look at: all of it, and squares side by side that overlap by half.

    >>> [(rows.stop, columns.start, columns.stop) for rows, columns in views((100, 190))]
    [(100, 0, 190), (100, 0, 100), (100, 45, 145), (100, 90, 190)]
    """
    height, width = size_hw
    side, rest = min(size_hw), abs(height - width)
    whole = (slice(0, height), slice(0, width))
    if not rest:
        return [whole]
    count = math.ceil(rest / (side / 2)) + 1
    starts = [round(i * rest / (count - 1)) for i in range(count)]
    across, fixed = [slice(start, start + side) for start in starts], slice(0, side)
    return [whole, *((fixed, part) if width > height else (part, fixed) for part in across)]


def _mean_share(values: Any) -> float:
    return float(np.mean(np.clip(values, 0.0, 1.0)))
