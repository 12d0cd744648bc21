"""The average of a training's weights (Polyak and Juditsky 1992), corrected for its start, as a Lightning callback."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor


class Average(Callback):
    """Keeps an exponential average of the module's weights, and measures with it.

    The average of `n` steps is a true mean over the first of them, since its keep is at most (1 + n) / (10 + n).
    Validation sees the averaged weights; checkpoints hold them as `averaged` beside those that are trained.

    Args:
        keep: Share of the average that stays at each step.
    """

    def __init__(self, keep: float = 0.999) -> None:
        self.keep, self.steps = keep, 0
        self.averaged: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the weights as they are, unless a checkpoint brought an average."""
        del trainer
        if not self.averaged:
            self.averaged = {name: value.detach().clone() for name, value in _learnt(pl_module).items()}
        self.averaged = {name: value.to(pl_module.device) for name, value in self.averaged.items()}

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on, once for each step of the optimiser."""
        del outputs, batch, batch_idx
        if trainer.global_step == self.steps:
            return
        self.steps = trainer.global_step
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps))
        for name, value in _learnt(pl_module).items():
            self.averaged[name].lerp_(value.detach().to(self.averaged[name].dtype), 1 - keep)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average in place of the trained weights."""
        del trainer
        if self.averaged and self._trained is None:
            self._trained = {name: value.detach().clone() for name, value in _learnt(pl_module).items()}
            _put(pl_module, self.averaged)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the trained weights back."""
        del trainer
        if self._trained is not None:
            _put(pl_module, self._trained)
            self._trained = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the average; a checkpoint made while measuring still holds the trained weights as such."""
        del trainer, pl_module
        checkpoint["averaged"], checkpoint["averaged_steps"] = self.averaged, self.steps
        if self._trained is not None:
            checkpoint["state_dict"] |= self._trained

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take up the average."""
        del trainer, pl_module
        self.averaged, self.steps = checkpoint["averaged"], checkpoint["averaged_steps"]


def _learnt(module: LightningModule) -> dict[str, Tensor]:
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


@torch.no_grad()
def _put(module: LightningModule, values: Mapping[str, Tensor]) -> None:
    for name, value in _learnt(module).items():
        value.copy_(values[name])
