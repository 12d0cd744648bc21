"""The image points that our own regressor tells beside the pose, as a source of keypoints."""

from collections.abc import Sequence

import numpy as np

from skelvid.config import CameraConfig, Device
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.people.detect import Detector, detector
from skelvid.pipeline.estimate import open_regressor
from skelvid.pipeline.interpret import camera_of
from skelvid.video.probe import FileInfo

# Of the longer side of the box: where points are told no closer, it does not show a person.
MAX_SIGMA = 0.1
# Boxes of people who are followed have room around them, to move in; crops of the training had only what the regressor
# adds. By so much they are made smaller.
LESS_ROOM = 0.88


class OwnPoints:
    """Keypoints by skelvid's regressor, frame by frame; the score is how likely a point is visible.

    Args:
        weights: File of a regressor; else the one that ships.
        device: Where torch works.

    Raises:
        ConfigError: What the regressor runs on is not installed, or there is no such device.
        AssetError, WeightsError: The file is missing, or is no regressor.
    """

    def __init__(self, weights: str = "regressor", *, device: Device = "auto") -> None:
        self._regressor = open_regressor(weights, device=device)
        self.names: tuple[str, ...] = self._regressor.points
        self._detector: Detector | None = None

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n k` keypoints, image px, of people in boxes as `skelvid.people.follow` gives them."""
        if boxes is None:
            (boxes,) = self._find([frame])
            xyxy = boxes.xyxy
        else:
            middle = (boxes.xyxy[:, :2] + boxes.xyxy[:, 2:]) / 2
            xyxy = boxes.xyxy * LESS_ROOM + np.tile(middle, 2) * (1 - LESS_ROOM)
        told = missing_keypoints(self.names, (len(boxes),))
        if not len(boxes):
            return told
        camera, _ = camera_of(FileInfo(frame.size_hw, 1.0), CameraConfig(), file_side_px=max(frame.size_hw))
        seen = self._regressor.look([frame] * len(boxes), xyxy, camera)
        side_px = (xyxy[:, 2:] - xyxy[:, :2]).max(1)
        there = np.median(seen.keypoint_sigma_px, axis=1) < MAX_SIGMA * side_px
        told.xy[there], told.score[there] = seen.keypoints.xy[there], seen.keypoints.score[there]
        return told

    def _find(self, frames: Sequence[Frame]) -> list[Boxes]:
        self._detector = self._detector or detector("skelvid")()
        return self._detector(frames)
