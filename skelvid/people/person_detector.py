"""People found by the network that ships with skelvid: nothing but PyTorch is needed, and nothing is downloaded.

We trained it (`train/detector`) with the trainer of Ultralytics, whose makers hold that such weights are under the
AGPL-3.0; see its card. None of their code runs here.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor
from torchvision.ops import nms

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import WeightsError
from skelvid.geometry.boxes import shared
from skelvid.people.person_network import STRIDES, PersonNetwork
from skelvid.weights import network_path

SHIPPED = "detector"
# Longer side at which it sees a frame.
SIDE_PX = 320
# Two boxes that overlap more are around the same person.
MAX_IOU = 0.6
# A box inside another to that share, at its upper end and no higher than that share of it, is around the head, unless
# it is narrower than that share of its height.
HEAD_INSIDE, HEAD_HEIGHT, HEAD_WIDTH = 0.9, 0.35, 0.6
# What is beside a picture that is not as wide as others, or no multiple of what the network needs.
GREY = 114 / 255


class PersonDetector:
    """Boxes around what is visible of people.

    Args:
        weights: File of the network's weights, as `train.detector.export` writes it; those that ship if None.
        min_score: Leave out boxes that it trusts less.
        side_px: Longer side at which it sees a frame.
        device: As torch names it.

    Raises:
        AssetError: There is no such file, or the one that ships is damaged.
        WeightsError: The file holds the weights of another network.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        min_score: float = 0.3,
        side_px: int = SIDE_PX,
        device: str = "cpu",
    ) -> None:
        file = network_path(weights or SHIPPED)
        self._network = PersonNetwork()
        try:
            self._network.load_state_dict(load_file(file))
        except Exception as error:
            raise WeightsError(f"{file} holds no weights of skelvid's network for people") from error
        self._network.eval().to(device)
        self._min_score, self._side_px, self._device = min_score, side_px, device

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return the boxes of each frame, image px."""
        if not frames:
            return []
        small = [_shrunk(frame.image, self._side_px) for frame in frames]
        xyxy, score = self._network(_stack(small).to(self._device))
        found = [self._best(boxes, trust) for boxes, trust in zip(xyxy.cpu(), score.cpu(), strict=True)]
        return [_in_frame(*one, p.shape[:2], f.size_hw) for one, p, f in zip(found, small, frames, strict=True)]

    def _best(self, xyxy: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
        """Return one box for each person who is trusted enough."""
        trusted = score >= self._min_score
        xyxy, score = xyxy[trusted], score[trusted]
        rows = nms(xyxy, score, MAX_IOU)
        return xyxy[rows], score[rows]


def _in_frame(xyxy: Tensor, score: Tensor, seen_hw: tuple[int, ...], size_hw: tuple[int, int]) -> Boxes:
    """Return boxes of the picture that the network saw in the pixels of the frame."""
    size, seen = np.tile(size_hw[::-1], 2), np.tile(seen_hw[::-1], 2)
    inside = (xyxy.double().numpy() * size / seen).clip(0.0, size)
    sound = np.flatnonzero((inside[:, :2] < inside[:, 2:]).all(-1))
    sound = sound[~_heads(inside[sound])]
    return Boxes(inside[sound], score.double().numpy()[sound])


def _heads(xyxy: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, "n"]:
    """Return which boxes are around the head of somebody who has a box."""
    width, height = (xyxy[:, 2:] - xyxy[:, :2]).T
    round_ = width > HEAD_WIDTH * height
    within = round_[:, None] & (shared(xyxy, xyxy) > HEAD_INSIDE) & (height[:, None] < HEAD_HEIGHT * height)
    return np.asarray((within & (xyxy[:, None, 1] < xyxy[:, 1] + 0.5 * HEAD_HEIGHT * height)).any(1))


def _shrunk(image: UInt8[np.ndarray, "h w 3"], side_px: int) -> UInt8[np.ndarray, "y x 3"]:
    """Return a picture of which the longer side is `side_px`."""
    scale = side_px / max(image.shape[:2])
    height, width = (max(round(side * scale), 1) for side in image.shape[:2])
    # Reduced by whole numbers first, which is faster.
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _stack(pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float[Tensor, "b 3 h w"]:
    """Return pictures as the network takes them, each in the upper left corner of as much as all need."""
    height, width = (-(-max(p.shape[axis] for p in pictures) // STRIDES[-1]) * STRIDES[-1] for axis in (0, 1))
    stack = torch.full((len(pictures), 3, height, width), GREY)
    for row, picture in zip(stack, pictures, strict=True):
        row[:, : picture.shape[0], : picture.shape[1]] = torch.tensor(picture).permute(2, 0, 1) / 255.0
    return stack
