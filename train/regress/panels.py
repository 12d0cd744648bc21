"""Pictures of how a training goes: crops with the points as told, and the true ones, for TensorBoard and as files."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from lightning import Callback, LightningModule, Trainer

from skelvid.regress.output import POINTS
from train.regress.crops import Batch
from train.regress.module import Training

RIGHT, LEFT, MIDDLE = (230, 60, 50), (60, 110, 255), (60, 200, 90)
_LIMBS = (("shoulder", "elbow", "wrist"), ("shoulder", "hip", "knee", "ankle", "heel", "big_toe"))
_ZOOM = 2


class Panels(Callback):
    """Writes a panel after each validation: thin lines are the truth, thick ones the projected body.

    Args:
        most: Crops in a panel.
    """

    def __init__(self, most: int = 16) -> None:
        self.most = most
        self._batch: Batch | None = None

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first batch."""
        del trainer, pl_module, dataloader_idx
        if batch_idx == 0:
            self._batch = batch.pick(slice(0, self.most))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw it."""
        if self._batch is None or not trainer.is_global_zero or trainer.log_dir is None:
            return
        assert isinstance(pl_module, Training)
        with torch.inference_mode():
            judged = pl_module.judged(self._batch)
        drawn = panel(self._batch, judged.projected_px.cpu().numpy())
        folder = Path(trainer.log_dir) / "panels"
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{trainer.global_step:07d}.png"), drawn[..., ::-1])
        for logger in trainer.loggers:
            add = getattr(getattr(logger, "experiment", None), "add_image", None)
            if add is not None:
                add("val/projected", drawn, trainer.global_step, dataformats="HWC")


def panel(batch: Batch, at_px: Float[np.ndarray, "b k 2"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return crops side by side, eight in a row; black where only tokens were kept."""
    size_hw = batch.size_hw
    tiles = []
    true, state = batch.points_px.cpu().numpy(), batch.state.cpu().numpy()
    for i in range(len(batch)):
        image = np.zeros((*size_hw, 3), np.uint8)
        if batch.images.numel():
            image = batch.images[i].movedim(0, 2).cpu().numpy()
        big = cv2.resize(image, (size_hw[1] * _ZOOM, size_hw[0] * _ZOOM), interpolation=cv2.INTER_LINEAR)
        draw_limbs(big, np.where(state[i, :, None] > 0, true[i], np.nan) * _ZOOM, width=1)
        draw_limbs(big, at_px[i] * _ZOOM, width=3)
        tiles.append(big)
    blank = [np.zeros_like(tiles[0])] * (-len(tiles) % min(8, len(tiles)))
    tiles += blank
    row = min(8, len(tiles))
    return np.vstack([np.hstack(tiles[i : i + row]) for i in range(0, len(tiles), row)])


def draw_limbs(image: UInt8[np.ndarray, "h w 3"], at_px: Float[np.ndarray, "k 2"], *, width: int) -> None:
    """Draw the limbs into a picture: right red, left blue; what has no place is left out."""
    for side, colour in (("right", RIGHT), ("left", LEFT)):
        for limb in _LIMBS:
            _chain(image, [at_px[POINTS.index(f"{side}_{part}")] for part in limb], colour, width)
    _chain(image, [at_px[POINTS.index(name)] for name in ("nose", "neck")], MIDDLE, width)
    for part in ("shoulder", "hip"):
        _chain(image, [at_px[POINTS.index(f"{side}_{part}")] for side in ("right", "left")], MIDDLE, width)


def _chain(image: np.ndarray, places: Sequence[np.ndarray], colour: tuple[int, int, int], width: int) -> None:
    for a, b in pairwise(places):
        if np.isfinite([a, b]).all() and np.abs([a, b]).max() < 1e4:
            cv2.line(image, (round(a[0]), round(a[1])), (round(b[0]), round(b[1])), colour, width, cv2.LINE_AA)
