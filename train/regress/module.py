"""The training of the regressor, as Lightning wants it."""

from dataclasses import dataclass, replace
from math import cos, pi
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from skelvid.body.load import load_body
from train.regress.crops import Batch
from train.regress.judge import Judged, joined, judge, summary
from train.regress.looks import Looks, change
from train.regress.losses import Anatomy, loss_terms
from train.regress.start import Design, go_on_from

# What the network's first weights were made to see takes smaller steps.
BACKBONE_SHARE = 0.05


@dataclass(frozen=True)
class Learning:
    """How the weights move (AdamW, Loshchilov and Hutter 2019; half a cosine after a rise).

    Attributes:
        peak: Highest learning rate; decay: of weights that are matrices; warm: share of the steps that it rises.
        blocks: So many of the backbone's last blocks learn too, at a twentieth of the rate; -1 = all of it.
    """

    peak: float = 1e-3
    decay: float = 0.05
    warm: float = 0.03
    blocks: int = 0


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
        if self.learning.blocks < 0:
            vit.requires_grad_(True)
        elif self.learning.blocks:
            for part in (*vit.blocks[-self.learning.blocks :], vit.norm):
                part.requires_grad_(True)

    def forward(self, batch: Batch) -> Any:
        """Return what the network says of a batch, of its pictures or of the tokens that were kept."""
        tokens = self.network.backbone(batch.images) if batch.tokens is None else batch.tokens
        return self.network.decoder(tokens, batch.crop.features)

    def on_fit_start(self) -> None:
        """Bring the body to where the network is."""
        self.anatomy = Anatomy.of(load_body(self._body, device=self.device))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Change how training pictures look; the same step always sees the same."""
        del dataloader_idx
        if self.looks is None or batch.tokens is not None or not (self.trainer and self.trainer.training):
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
        peak, decay = self.learning.peak, self.learning.decay
        given = [
            {"params": values, "lr": peak * (BACKBONE_SHARE if back else 1.0), "weight_decay": decay if matrix else 0.0}
            for (back, matrix), values in groups.items()
        ]
        optimizer = torch.optim.AdamW(given, betas=(0.9, 0.98))
        steps = self.trainer.estimated_stepping_batches
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self._share(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _share(self, done: float) -> float:
        """Return the learning rate after a share of the training, as a share of its peak."""
        warm = self.learning.warm
        if done < warm:
            return (done + 1e-3) / (warm + 1e-3)
        return 0.01 + 0.99 * 0.5 * (1 + cos(pi * min(1.0, (done - warm) / (1 - warm))))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the network is built from."""
        checkpoint["settings"] = self.network.settings
