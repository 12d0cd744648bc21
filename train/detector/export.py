"""Writes the weights that ship: `python -m train.detector.export --weights BEST.pt --out FILE.safetensors`.

In: a file of the training, which holds Python objects. Out: plain arrays in 16 bits for `PersonNetwork`, for which no
code must be trusted, and the library of the training is not needed.
"""

import argparse
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from skelvid.people.person_network import PersonNetwork
from skelvid.people.ultralytics_library import yolo
from train.command import run

# Largest difference of boxes, px, and of scores that rounding may make.
NEAR_PX, NEAR_SCORE = 0.02, 1e-4
# One convolution at the end of the library's head only sums up.
_SUM = "dfl"


def export(weights: Path, out: Path) -> int:
    """Write the weights of a trained network; return how many there are.

    Raises:
        ValueError: They are those of another network, or no numbers in 16 bits.
    """
    trained = yolo(weights).model.float().eval()
    network = transferred(trained)
    small = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    if not all(torch.isfinite(value).all() for value in small.values()):
        raise ValueError(f"{weights} holds weights that are no numbers in 16 bits")
    save_file(small, out)
    return sum(value.numel() for value in small.values())


@torch.no_grad()
def transferred(trained: nn.Module) -> PersonNetwork:
    """Return our network with the weights of the library's, which it is then compared with.

    Raises:
        ValueError: It is another network.
    """
    network = PersonNetwork().eval()
    found = [(n, m) for n, m in trained.named_modules() if isinstance(m, nn.Conv2d) and _SUM not in n]
    theirs = [(_with_norm(trained, name), name) for name, _ in sorted(found, key=lambda item: _head_order(item[0]))]
    ours = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for conv, ((weight, bias), name) in zip(ours, theirs, strict=True):
        if conv.weight.shape != weight.shape:
            raise ValueError(f"{name} has the shape {tuple(weight.shape)}, not {tuple(conv.weight.shape)}")
        conv.weight.copy_(weight)
        assert conv.bias is not None
        conv.bias.copy_(bias)
    picture = torch.rand((1, 3, 96, 160), generator=torch.Generator().manual_seed(0))
    xyxy, score = network(picture)
    raw = trained(picture)[0][0]
    middle, size = raw[:2].T, raw[2:4].T
    apart = [xyxy[0] - torch.cat([middle - size / 2.0, middle + size / 2.0], 1), score[0] - raw[4]]
    if any(float(gap.abs().max()) > near for gap, near in zip(apart, (NEAR_PX, NEAR_SCORE), strict=True)):
        raise ValueError("the network does not give what the trained one gives: it is another")
    return network


def _with_norm(trained: nn.Module, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of a convolution that does also what the normalisation behind it does."""
    conv: Any = trained.get_submodule(name)
    if not name.endswith(".conv"):
        return conv.weight, conv.bias
    norm: Any = trained.get_submodule(name.removesuffix("conv") + "bn")
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


def _head_order(name: str) -> int:
    """Return 0 for what is not of the head, else its level from 1: ours goes by level, theirs by kind."""
    level = re.match(r"model\.23\.cv[23]\.(\d)", name)
    return int(level[1]) + 1 if level else 0


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    print(f"{export(given.weights, given.out)} weights")


if __name__ == "__main__":
    run(main)
