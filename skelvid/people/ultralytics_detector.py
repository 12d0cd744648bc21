"""People found by YOLO networks of `ultralytics` (AGPL-3.0), see `skelvid/people/ultralytics_library.py`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import WeightsError
from skelvid.people.ultralytics_library import yolo

# Two boxes that overlap more are around the same person.
MAX_IOU = 0.6


class UltralyticsDetector:
    """Boxes by a YOLO network that knows a class `person`.

    Args:
        weights: Path of the network's file, or a name that the library downloads, such as `yolo11x.pt`.
        min_score: Leave out boxes that it trusts less.
        side_px: Longer side at which it sees a frame; the network's own if None.
        device: As torch names it; the library's own choice if None.

    Raises:
        ConfigError: The library is not installed.
        WeightsError: There is no such file, or its network knows no people.
    """

    def __init__(
        self,
        *,
        weights: str | Path,
        min_score: float = 0.3,
        side_px: int | None = None,
        device: str | None = None,
    ) -> None:
        self._model = yolo(weights)
        self._person = [number for number, name in dict(self._model.names).items() if name == "person"]
        if not self._person:
            raise WeightsError(f"{weights} is a network without a class 'person'")
        self._options: dict[str, Any] = {"imgsz": side_px} if side_px else {}
        self._options |= {"conf": min_score, "device": device, "iou": MAX_IOU, "classes": self._person}

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of each frame, image px."""
        # The library takes arrays for blue, green, red.
        pictures = [np.ascontiguousarray(frame.image[..., ::-1]) for frame in frames]
        return (
            [_boxes(found) for found in self._model.predict(pictures, verbose=False, **self._options)] if frames else []
        )


def _boxes(found: Any) -> Boxes:
    xyxy = found.boxes.xyxy.cpu().numpy().astype(float).reshape(-1, 4)
    score = found.boxes.conf.cpu().numpy().astype(float)
    sound = (xyxy[:, :2] < xyxy[:, 2:]).all(-1)
    return Boxes(xyxy[sound], np.clip(score[sound], 0.0, 1.0))
