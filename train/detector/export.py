"""Writes the weights that ship: `python -m train.detector.export --weights BEST.pt --out FILE.safetensors`.

In: a file of the training, which holds Python objects. Out: plain arrays in 16 bits, for which no code must be trusted.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from skelvid.people.ultralytics_library import yolo


def export(weights: Path, out: Path) -> int:
    """Write the weights of a trained network; return how many there are."""
    state = yolo(weights).model.state_dict()
    small = {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in state.items()}
    if not all(torch.isfinite(value).all() for value in small.values()):
        raise ValueError(f"{weights} holds weights that are no numbers in 16 bits")
    save_file(small, out)
    return sum(value.numel() for value in small.values())


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    print(f"{export(given.weights, given.out)} weights")


if __name__ == "__main__":
    main()
