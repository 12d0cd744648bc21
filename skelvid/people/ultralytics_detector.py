"""People found by YOLO networks, by the path of their weights, through the user's own installation of `ultralytics`.

That package is under the AGPL-3.0, as are the weights it offers: skelvid neither ships nor installs it, and imports it
only when this detector is asked for. Whoever gives others a program that uses it has to heed its licence.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import WeightsError
from skelvid.people.keypoints import optional_library
from skelvid.people.ultralytics_source import INSTALL


class UltralyticsDetector:
    """Boxes by a YOLO network that knows a class `person`.

    Args:
        weights: Path of the network's file; names are not taken, as the library would download them.
        min_score: Leave out boxes that it trusts less.
        device: As torch names it; the library's own choice if None.

    Raises:
        ConfigError: The library is not installed.
        WeightsError: There is no such file, or its network knows no people.
    """

    def __init__(self, *, weights: str | Path | None = None, min_score: float = 0.4, device: str | None = None) -> None:
        file = Path(weights).expanduser() if weights else None
        if file is None or not file.is_file():
            raise WeightsError(f"no weights {f'at {file}' if file else 'given'} for the detector ultralytics")
        self._model = optional_library("ultralytics", INSTALL).YOLO(str(file))
        self._person = [number for number, name in dict(self._model.names).items() if name == "person"]
        if not self._person:
            raise WeightsError(f"{file} is a network without a class 'person'")
        self._min_score, self._device = min_score, device

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of each frame, image px."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Boxes:
        # The library takes arrays for blue, green, red.
        picture = frame.image[..., ::-1].copy()
        (result,) = self._model.predict(
            picture, classes=self._person, conf=self._min_score, device=self._device, verbose=False
        )
        xyxy = result.boxes.xyxy.cpu().numpy().astype(float).reshape(-1, 4)
        score = result.boxes.conf.cpu().numpy().astype(float)
        sound = (xyxy[:, :2] < xyxy[:, 2:]).all(-1)
        return Boxes(xyxy[sound], np.clip(score[sound], 0.0, 1.0))
