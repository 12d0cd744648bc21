"""YOLO pose networks, by the path of their weights, through the user's own installation of `ultralytics`.

That package is under the AGPL-3.0, as are the weights it offers: skelvid neither ships nor installs it, and imports it
only when this source is asked for. Whoever gives others a program that uses it has to heed its licence.
"""

from pathlib import Path

import numpy as np

from skelvid.body.keypoints import COCO_17
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.errors import WeightsError
from skelvid.people.keypoints import give_to_boxes, optional_library

INSTALL = "pip install ultralytics (AGPL-3.0)"


class UltralyticsPose:
    """Keypoints by a YOLO pose network with COCO's 17 points, frame by frame.

    Args:
        weights: Path of the network's file; names are not taken, as the library would download them.
        device: As torch names it; the library's own choice if None.

    Raises:
        ConfigError: The library is not installed.
        WeightsError: There is no such file, or it holds no network with these points.
    """

    names = COCO_17

    def __init__(self, *, weights: str | Path, device: str | None = None) -> None:
        file = Path(weights).expanduser()
        if not file.is_file():
            raise WeightsError(f"no weights at {file}")
        self._model = optional_library("ultralytics", INSTALL).YOLO(str(file))
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
