"""People found by a detector of torchvision's, for those who have its weights: BSD-3 code, nothing of others' imported.

torchvision's own weights are trained on COCO; skelvid does not download them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torchvision

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import ConfigError, WeightsError

# COCO's number of a person in torchvision's networks, where 0 is the background.
PERSON = 1


class TorchvisionDetector:
    """Boxes by a detection network of torchvision's.

    Args:
        weights: Path of its state dict.
        network: A name of `torchvision.models.detection`.
        min_score: Leave out boxes that it trusts less.
        device: As torch names it.

    Raises:
        ConfigError: torchvision has no such network.
        WeightsError: There is no such file, or it is of another network.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        network: str = "fasterrcnn_mobilenet_v3_large_320_fpn",
        min_score: float = 0.5,
        device: str = "cpu",
    ) -> None:
        known = torchvision.models.list_models(torchvision.models.detection)
        if network not in known:
            raise ConfigError(f"torchvision has no detector '{network}'; it has {', '.join(known)}")
        file = Path(weights).expanduser() if weights else None
        if file is None or not file.is_file():
            raise WeightsError(
                f"no weights {f'at {file}' if file else 'given'} for torchvision's {network}: download its state dict, "
                "as its documentation says, and give its path"
            )
        self._network = torchvision.models.get_model(network, weights=None, weights_backbone=None)
        try:
            self._network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        except Exception as error:
            raise WeightsError(f"{file} holds no weights of torchvision's {network}") from error
        self._network.eval().to(device)
        self._device, self._min_score = device, min_score

    @torch.no_grad()
    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of each frame, image px."""
        images = [torch.tensor(frame.image, device=self._device).permute(2, 0, 1) / 255.0 for frame in frames]
        return [self._boxes(found) for found in self._network(images)] if images else []

    def _boxes(self, found: dict[str, torch.Tensor]) -> Boxes:
        xyxy, score, label = (found[name].cpu().numpy() for name in ("boxes", "scores", "labels"))
        sound = (xyxy[:, :2] < xyxy[:, 2:]).all(-1)
        people = (label == PERSON) & (score >= self._min_score) & sound
        return Boxes(xyxy[people].astype(float), np.clip(score[people].astype(float), 0.0, 1.0))
