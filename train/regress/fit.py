"""Trains the regressor: `python -m train.regress.fit fit --config configs/train/base.yaml ...` (LightningCLI).

Everything is in the configuration; what it resolves to is written beside the result. Go on with a training that was
broken off by `--ckpt_path .../last.ckpt`: it ends where it would have ended. More GPUs, FSDP, gradient accumulation,
precision and time limits are Lightning's flags of `trainer`.
"""

import warnings

import torch
from lightning.pytorch.cli import LightningCLI

from train.command import run
from train.regress.data import Data
from train.regress.module import Training


def main(args: list[str] | None = None) -> LightningCLI:
    """Run a sub-command of Lightning: fit, validate."""
    torch.set_float32_matmul_precision("high")
    # Endless data has no epochs, and workers are counted by the configuration.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    return LightningCLI(Training, Data, seed_everything_default=0, args=args, save_config_kwargs={"overwrite": True})


if __name__ == "__main__":
    run(main)
