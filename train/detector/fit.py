"""Trains the detector: `python -m train.detector.fit --data OUT/data.yaml --out RUN --minutes 90`.

By the trainer of ultralytics (AGPL-3.0), from its description of the network and random weights, at few pixels,
which shows it the most pictures in a time: first small and with mosaics of four, then as it will see them.
"""

import argparse
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

# Before the import, which would else ask the network whether it is there, and tell its makers of the training.
os.environ["YOLO_OFFLINE"] = "true"
os.environ["YOLO_AUTOINSTALL"] = "false"

from ultralytics import YOLO
from ultralytics.models.yolo.detect import DetectionTrainer

from train.command import run

NETWORK = "yolo11n.yaml"
SEED = 1


@dataclass(frozen=True)
class Stage:
    """A part of the training.

    Attributes:
        size_px: Side of the pictures.
        share: Of the time.
        rate: Highest learning rate.
        mosaic: Share of pictures that are put together of four.
        scale: By which share pictures are made larger or smaller at random.
    """

    size_px: int
    share: float
    rate: float
    mosaic: float
    scale: float


STAGES = (Stage(256, 0.5, 2e-3, 0.4, 0.5), Stage(320, 0.5, 1.5e-3, 0.0, 0.4))
# Share of the learning rate that is left at the end of a stage, and steps until it is all there.
LAST, WARM_UP = 0.01, 200


class Trainer(DetectionTrainer):
    """Ultralytics' trainer, with a learning rate that falls with time, however few the epochs are.

    It also uses the memory layout in which processors convolve a sixth faster.
    """

    steps = 0

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        """Return the network."""
        return super().get_model(cfg, weights, verbose).to(memory_format=torch.channels_last)  # pyright: ignore

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the batch as the network takes it."""
        batch = super().preprocess_batch(batch)
        return batch | {"img": batch["img"].contiguous(memory_format=torch.channels_last)}

    def optimizer_step(self) -> None:
        """Make a step at the rate of its time."""
        self.steps += 1
        share = min((time.time() - self.train_time_start) / (self.args.time * 3600.0), 1.0)
        rate = self.args.lr0 * (LAST + (1.0 - LAST) * (1.0 + math.cos(math.pi * share)) / 2.0)
        assert self.optimizer is not None
        for group in self.optimizer.param_groups:
            group["lr"] = rate * min(self.steps / WARM_UP, 1.0)
        super().optimizer_step()


def fit(data: Path, out: Path, *, minutes: float, batch: int, device: str, start: Path | None, first: int) -> Path:
    """Train; return the path of the last stage's best weights.

    Args:
        data: `data.yaml` of a YOLO data set with one class.
        out: Folder for the runs, one per stage.
        minutes: For all stages together.
        batch: Pictures per step.
        device: As torch names it.
        start: Weights to go on from; random ones if None.
        first: Number of the stage to begin with.
    """
    for number, stage in list(enumerate(STAGES))[first:]:
        model = YOLO(str(start) if start else NETWORK, task="detect")
        model.train(
            trainer=Trainer,
            data=str(data),
            project=str(out.resolve()),
            name=f"stage{number}",
            exist_ok=True,
            time=stage.share * minutes / 60.0,
            imgsz=stage.size_px,
            batch=batch,
            nbs=batch,
            device=device,
            cache="ram",
            workers=0 if device == "cpu" else 8,
            optimizer="AdamW",
            lr0=stage.rate,
            momentum=0.9,
            weight_decay=5e-3,
            warmup_epochs=0.0,
            mosaic=stage.mosaic,
            close_mosaic=0,
            scale=stage.scale,
            degrees=8.0,
            hsv_h=0.03,
            pretrained=start is not None,
            amp=device != "cpu",
            plots=False,
            seed=SEED,
            verbose=False,
        )
        start = out / f"stage{number}" / "weights" / "best.pt"
    assert start is not None
    return start


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=Path, help="weights of an earlier run to go on from")
    parser.add_argument("--first", type=int, default=0, help="number of the stage to begin with")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    fit(
        given.data,
        given.out,
        minutes=given.minutes,
        batch=given.batch,
        device=given.device,
        start=given.start,
        first=given.first,
    )


if __name__ == "__main__":
    run(main)
