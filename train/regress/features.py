"""What a backbone's frozen blocks say of crops, kept on disk: `python -m train.regress.features DATA ... --out DIR`.

The backbone is by far the most of the work. Where there is no GPU it looks at each picture only a few times, cropped,
mirrored, coloured and blurred differently; the last blocks and the decoder are then trained on what was kept,
many times faster. Goes on where it was broken off.
"""

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from skelvid.errors import ConfigError
from train.command import run
from train.regress.crops import Batch, Wobble, collate
from train.regress.halfway import begin
from train.regress.looks import Looks, change
from train.regress.pictures import mirrored
from train.regress.sources import Shards
from train.regress.start import Design
from train.regress.teacher import Photographs

log = logging.getLogger(__name__)
CHUNK = 240
HELD_OUT_EVERY = 14
WOBBLE = Wobble()


class Features:
    """What was kept of a data set: any rows of it as a batch.

    Args:
        folder: Written by this module.
        part: All, or what is for training or for validation: the same pictures in every look at them.

    Raises:
        ConfigError: There is nothing.
    """

    def __init__(self, folder: Path, *, part: Literal["all", "train", "val"] = "all") -> None:
        files = sorted(folder.glob("chunk-*.pt"))
        # Not the first of them: a small set may have no other.
        held = {file: int(file.stem.rpartition("-")[2]) // CHUNK % HELD_OUT_EVERY == 1 for file in files}
        self._files = [file for file in files if part == "all" or held[file] == (part == "val")]
        if not self._files:
            raise ConfigError(f"{folder} holds no features for this")
        self._chunks = [torch.load(file, mmap=True, weights_only=True) for file in self._files]
        design = json.loads((folder / "design.json").read_text())
        self._size_hw, self._blocks = tuple(design["size_hw"]), int(design["blocks"])
        self._start = np.cumsum([0, *(len(chunk["q"]) for chunk in self._chunks)])

    def __len__(self) -> int:
        return int(self._start[-1])

    def __getitem__(self, rows: np.ndarray) -> Batch:
        """Return some rows, begun, in this order."""
        chunk = np.searchsorted(self._start, rows, side="right") - 1
        picked = [
            {name: value[int(row - self._start[c])] for name, value in self._chunks[c].items()}
            for row, c in zip(rows, chunk, strict=True)
        ]
        columns = {name: torch.stack([row[name] for row in picked]) for name in picked[0]}
        columns["begun"] = columns["begun"].float()
        images = torch.zeros((len(rows), 3, 0, 0), dtype=torch.uint8)
        return Batch(images=images, size_hw=self._size_hw, begun_blocks=self._blocks, **columns)  # type: ignore[arg-type]


def keep(
    source: Any, design: Design, out: Path, *, times: int, learn: int = 0, seed: int = 0, varied: bool = True
) -> None:
    """Write what the frozen blocks say of each picture, `times` times over.

    Args:
        source: Pictures by number; each time they are cut out and coloured anew, every second time mirrored.
        design: The network.
        out: Folder of the chunks; those that are there stay.
        times: How often each picture is looked at.
        learn: So many of the backbone's last blocks are left out, since they will still learn.
        seed: Of the variation.
        varied: Vary crops and colours; without, each picture is taken as it is.
    """
    out.mkdir(parents=True, exist_ok=True)
    backbone = design.network().backbone.eval()
    blocks = len(backbone.vit.blocks) - learn
    (out / "design.json").write_text(json.dumps(design.settings() | {"blocks": blocks}))
    for name, rows, time in _orders(len(source), times):
        path = out / name
        if path.is_file():
            continue
        rng = np.random.default_rng((seed, time, int(rows[0])))
        pictures = [source[int(row)] for row in rows]
        if varied:
            pictures = [mirrored(p) if (time + int(row)) % 2 else p for p, row in zip(pictures, rows, strict=True)]
        batch = collate(pictures, design.size_hw, backbone.grid, wobble=WOBBLE if varied else None, rng=rng)
        images = batch.images
        if varied:
            generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
            images = (change(images, Looks(), generator) * 255).round().byte()
        with torch.inference_mode():
            begun = torch.cat([begin(backbone, part, blocks).half() for part in images.split(24)])
        kept = replace(batch, begun=begun).tensors()
        del kept["images"]
        torch.save(kept, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
        log.info("%s: %d", name, len(rows))


def _orders(pictures: int, times: int) -> Iterator[tuple[str, np.ndarray, int]]:
    """Give the chunks: all pictures once, then all of them again."""
    for time in range(times):
        for first in range(0, pictures - pictures % CHUNK or pictures, CHUNK):
            rows = np.arange(first, min(first + CHUNK, pictures))
            yield f"chunk-{time:02d}-{first:07d}.pt", rows, time


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data set in the training format, or of train.regress.teacher")
    parser.add_argument("--pretrained", type=Path, required=True, help="written by train.pretrained")
    parser.add_argument("--size", type=int, nargs=2, default=(168, 126), metavar=("H", "W"))
    parser.add_argument("--layers", type=int, nargs="+", default=(5, 8))
    parser.add_argument("--learn", type=int, default=0, help="so many of its last blocks will still learn")
    parser.add_argument("--times", type=int, default=2, help="how often each picture is looked at")
    parser.add_argument("--as-they-are", action="store_true", help="for measuring: neither mirrored nor varied")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    design = Design(pretrained=args.pretrained, size_hw=tuple(args.size), layers=tuple(args.layers))
    source = Photographs(args.data) if (args.data / "points.npz").is_file() else Shards(args.data)
    keep(source, design, args.out, times=args.times, learn=args.learn, varied=not args.as_they_are)


if __name__ == "__main__":
    run(main)
