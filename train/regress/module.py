"""The training of the regressor, as Lightning wants it."""

from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from skelvid.body.load import load_body
from skelvid.errors import ConfigError
from train.regress.crops import Batch
from train.regress.halfway import tokens_of
from train.regress.judge import Judged, joined, judge, summary
from train.regress.looks import Looks, change
from train.regress.losses import Anatomy, loss_terms
from train.regress.start import Design, go_on_from


@dataclass(frozen=True)
class Learning:
    """How the weights move (AdamW, Loshchilov and Hutter 2019; a rise, then half a cosine).

    Attributes:
        peak: Highest learning rate; decay: of weights that are matrices; warm: share of the steps that it rises.
        fall: Share of the steps, at the end, over which it falls; before, it stays, so that a training can be made
            longer and end at any time (Hu et al. 2024, MiniCPM); 1 = all of them.
        blocks: So many of the backbone's last blocks learn too; -1 = all of it.
        backbone: Their rate, as a share: what they were made to see before takes smaller steps.
    """

    peak: float = 1e-3
    decay: float = 0.05
    warm: float = 0.03
    fall: float = 1.0
    blocks: int = 0
    backbone: float = 0.05

    def share(self, done: float) -> float:
        """Return the rate after a share of the training, as a share of its peak.

        >>> [round(Learning(warm=0.1, fall=0.4).share(done), 2) for done in (0, 0.05, 0.1, 0.6, 0.8, 1)]
        [0.01, 0.5, 1.0, 1.0, 0.5, 0.01]
        """
        if done < self.warm:
            return (done + 1e-3) / (self.warm + 1e-3)
        fall = min(self.fall, 1 - self.warm)
        fallen = min(1.0, max(0.0, done - 1 + fall) / fall) if fall else 0.0
        return 0.01 + 0.99 * 0.5 * (1 + cos(pi * fallen))


class Training(lightning.LightningModule):
    """A network, its losses and its optimiser.

    Args:
        design: The network.
        learning: How it learns.
        looks: How pictures are changed; None = not at all.
        body: The body that is learnt.
        start: Checkpoint of an earlier training, to learn on from with other data or another schedule.
    """

    def __init__(
        self,
        design: Design | None = None,
        learning: Learning | None = None,
        looks: Looks | None = None,
        body: str = "open-neutral",
        start: Path | None = None,
    ) -> None:
        super().__init__()
        self.network = (design or Design()).network()
        if start is not None:
            go_on_from(self.network, start)
        self.learning, self.looks = learning or Learning(), looks
        self._body = body
        self.anatomy = Anatomy.of(load_body(body))
        self._judged: list[Judged] = []
        self.network.backbone.requires_grad_(False)
        vit = self.network.backbone.vit
        self._frozen = 0 if self.learning.blocks < 0 else len(vit.blocks) - self.learning.blocks
        if self.learning.blocks < 0:
            vit.requires_grad_(True)
        elif self.learning.blocks:
            for part in (*vit.blocks[self._frozen :], vit.norm):
                part.requires_grad_(True)

    def forward(self, batch: Batch) -> Any:
        """Return what the network says of a batch, of its pictures or from where its backbone was begun.

        Raises:
            ConfigError: Blocks that are to learn have already spoken.
        """
        if batch.begun_blocks > self._frozen:
            raise ConfigError("more blocks are to learn than the features leave; make them with more `--learn`")
        return self.network.decoder(tokens_of(self.network.backbone, batch), batch.crop.features)

    def on_fit_start(self) -> None:
        """Bring the body to where the network is."""
        self.anatomy = Anatomy.of(load_body(self._body, device=self.device))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Change how training pictures look; the same step always sees the same."""
        del dataloader_idx
        if self.looks is None or batch.begun is not None or not (self.trainer and self.trainer.training):
            return batch
        number = self.trainer.fit_loop.epoch_loop.total_batch_idx
        generator = torch.Generator().manual_seed(number * self.trainer.world_size + self.trainer.global_rank)
        return replace(batch, images=change(batch.images, self.looks, generator))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss."""
        del batch_idx
        output = self(batch)
        with torch.autocast(self.device.type, enabled=False):  # angles and projections need all their digits
            terms = loss_terms(self.anatomy, output, batch)
        loss = torch.stack(list(terms.values())).sum()
        self.log("loss", loss.detach(), prog_bar=True, batch_size=len(batch))
        self.log_dict({f"loss/{name}": value.detach() for name, value in terms.items()}, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Compare with the truth."""
        del batch_idx
        self._judged.append(self.judged(batch))

    def judged(self, batch: Batch) -> Judged:
        """Return how wrong the network is about a batch."""
        output = self(batch)
        with torch.autocast(self.device.type, enabled=False):
            return judge(self.anatomy, output, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the errors."""
        if self._judged:
            self.log_dict({f"val/{name}": value for name, value in summary(joined(self._judged)).items()})
        self._judged = []

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Leave out what is not a number, as may come of a pose in which a joint's angles break."""
        del optimizer
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0)

    def configure_optimizers(self) -> Any:
        """Return optimiser and schedule."""
        groups: dict[tuple[bool, bool], list[Tensor]] = {}
        for name, value in self.named_parameters():
            if value.requires_grad:
                groups.setdefault((name.startswith("network.backbone"), value.ndim > 1), []).append(value)
        peak, back_peak = self.learning.peak, self.learning.peak * self.learning.backbone
        given = [
            {"params": values, "lr": back_peak if back else peak, "weight_decay": self.learning.decay * matrix}
            for (back, matrix), values in groups.items()
        ]
        optimizer = torch.optim.AdamW(given, betas=(0.9, 0.98))
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.learning.share(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the network is built from."""
        checkpoint["settings"] = self.network.settings
