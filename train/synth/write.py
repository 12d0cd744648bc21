"""Writes shards of synthetic pictures: `python -m train.synth.write OUT --crops 2000 --clips 40 --held-out ...`.

In: the sources of a world. Out: a data set in the training format (docs/training_format.md), one unit per block of
pictures and per clip. It goes on where an earlier run broke off, and several processes may write at once
(`--share 0/2`, `--share 1/2`; then once more without to finish).
"""

import argparse
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from skelvid.upgrade.sample import Sample
from skelvid.upgrade.shards import About, begin, finish, write_unit
from skelvid.weights import body_path, sha256
from train.command import run
from train.synth.labels import Taken, point_names
from train.synth.options import add_sources, make_world, sources_of
from train.synth.render import Renderer
from train.synth.stream import BLOCK, clip, crops_of_block
from train.synth.studio import Studio
from train.synth.world import PARTS

log = logging.getLogger(__name__)
BODY = "open-neutral"
SOURCE = "skelvid-synth"
LICENCE = "CC0 but for the backgrounds it was given"
RECIPE = 5
_QUALITY = 92


def samples(unit: str, taken: list[Taken]) -> Iterator[Sample]:
    """Give pictures the form of the training format."""
    for i, one in enumerate(taken):
        about = {"body": BODY, "source": SOURCE, "licence": LICENCE, "axes": "camera"}
        files = {"jpg": _jpg(one.image), "parts.png": _png(one.parts)}
        yield Sample(f"{unit}-{i:04d}", {**about, **one.labels}, files)


def _jpg(image: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=_QUALITY, subsampling=0)
    return data.getvalue()


def _png(mask: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "PNG")
    return data.getvalue()


def _notes(taken: list[Taken]) -> dict[str, object]:
    """Say in the manifest what the format has no label for."""
    return {"looks": json.loads(json.dumps([dict(one.notes) for one in taken]))}


def main() -> None:
    """Write what is missing, then pack it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--crops", type=int, default=2000, help="single pictures")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--frames", type=int, default=24, help="of a clip")
    parser.add_argument("--clip-size", type=int, nargs=2, default=(256, 192), metavar=("H", "W"))
    parser.add_argument("--held-out", action="store_true", help="people, motions and places never used in training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", default="0/1", help="I/N: do every N-th unit, from the I-th on, and do not pack")
    add_sources(parser)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    world = make_world(sources_of(args), "held_out" if args.held_out else "train")
    studio = Studio(Renderer())
    person = world.cast(world.identities[0]).pose(torch.zeros(46), torch.zeros(3))
    recipe = {"recipe": RECIPE, "seed": args.seed, "held_out": args.held_out, "frames": args.frames,
              "clip_size_hw": list(args.clip_size)}  # fmt: skip
    about = About(
        "skelvid-synth", recipe, {BODY: sha256(body_path(BODY))}, {SOURCE: LICENCE}, point_names(person), PARTS
    )
    done = begin(args.out, about)
    units = [f"crops-{i:05d}" for i in range(-(-args.crops // BLOCK))] + [f"clip-{i:05d}" for i in range(args.clips)]
    part, parts = (int(v) for v in args.share.split("/"))
    for unit in units[part::parts]:
        if unit in done:
            continue
        kind, number = unit.split("-")
        if kind == "crops":
            count = min(BLOCK, args.crops - BLOCK * int(number))
            taken = list(crops_of_block(world, studio, seed=args.seed, block=int(number), count=count))
        else:
            taken = clip(world, studio, seed=args.seed, number=int(number), frames=args.frames,
                         size_hw=tuple(args.clip_size))  # fmt: skip
        write_unit(args.out, unit, samples(unit, taken), notes=_notes(taken))
        log.info("%s: %d pictures", unit, len(taken))
    if parts == 1:
        log.info("%s", finish(args.out)["samples"])


if __name__ == "__main__":
    run(main)
