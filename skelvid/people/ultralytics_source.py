"""YOLO pose networks of `ultralytics` (AGPL-3.0, see `skelvid/people/ultralytics_library.py`)."""

from pathlib import Path

import numpy as np

from skelvid.body.keypoints import COCO_17
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.errors import WeightsError
from skelvid.people.keypoints import give_to_boxes
from skelvid.people.ultralytics_library import yolo


class UltralyticsPose:
    """Keypoints by a YOLO pose network with COCO's 17 points, frame by frame.

    Args:
        weights: Path of the network's file, or a name that the library downloads, such as `yolo11x-pose.pt`.
        device: As torch names it; the library's own choice if None.

    Raises:
        ConfigError: The library is not installed.
        WeightsError: There is no such file, or it holds no network with these points.
    """

    names = COCO_17

    def __init__(self, *, weights: str | Path, device: str | None = None) -> None:
        self._model = yolo(weights)
        self._device = device

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n 17` keypoints, image px."""
        # The library takes arrays for blue, green, red.
        (result,) = self._model.predict(frame.image[..., ::-1].copy(), device=self._device, verbose=False)
        points = result.keypoints
        if points is None or points.xy.shape[1:] != (len(self.names), 2):
            raise WeightsError("the ultralytics network does not give the 17 keypoints of COCO: is it a pose network?")
        xy = points.xy.cpu().numpy().astype(float)
        there = (xy != 0.0).any(-1)
        score = there if points.conf is None else np.where(there, points.conf.cpu().numpy(), 0.0)
        found = Keypoints2D(np.where(there[..., None], xy, np.nan), score.astype(float).clip(0.0, 1.0), self.names)
        return found if boxes is None else give_to_boxes(found, boxes)
