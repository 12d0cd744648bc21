"""People found by YOLO networks of `ultralytics` (AGPL-3.0): by the one that ships with skelvid, or any other.

The shipped one was trained by us (`train/detector`) with that library, whose makers hold that such weights are under
its licence. See `skelvid/people/ultralytics_library.py`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import WeightsError
from skelvid.people.ultralytics_library import ultralytics, yolo
from skelvid.weights import network_path

SHIPPED = "detector"
# The shipped network: its description in the library, and the longer side at which it sees a frame.
NETWORK, SIDE_PX = "yolo11n.yaml", 320
# Two boxes that overlap more are around the same person.
MAX_IOU = 0.6


class UltralyticsDetector:
    """Boxes by a YOLO network that knows a class `person`.

    Args:
        weights: Path of the network's file, or a name that the library downloads; the one that ships if None.
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
        weights: str | Path | None = None,
        min_score: float = 0.3,
        side_px: int | None = None,
        device: str | None = None,
    ) -> None:
        self._model = yolo(weights) if weights else _shipped()
        self._person = [number for number, name in dict(self._model.names).items() if name == "person"]
        if not self._person:
            raise WeightsError(f"{weights} is a network without a class 'person'")
        side_px = side_px or (None if weights else SIDE_PX)
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


def _shipped() -> Any:
    """Return the network that ships: the library's description of it, with our weights."""
    model, file = ultralytics().YOLO(NETWORK, task="detect"), network_path(SHIPPED)
    model.model = type(model.model)(NETWORK, nc=1, verbose=False)
    try:
        model.model.load_state_dict(load_file(file), strict=True)
    except RuntimeError as error:
        raise WeightsError(f"the weights in {file} are not those of {NETWORK} as this ultralytics builds it") from error
    model.model.names = {0: "person"}
    return model
