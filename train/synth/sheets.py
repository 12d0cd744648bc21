"""Contact sheets, to be looked at: `python -m train.synth.sheets OUT ...` writes crops, seats, scenes and clip.webp.

In: the sources of a world. Out: single pictures (points drawn on a second copy), those in which somebody has a seat,
whole scenes with other people, and every third frame of two clips.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from train.command import run
from train.synth.labels import VISIBLE, Taken
from train.synth.options import add_sources, make_world, sources_of
from train.synth.render import Renderer
from train.synth.scenes import World
from train.synth.stream import BATCH, clip, seen
from train.synth.studio import Studio

_QUALITY = 82
_PALETTE = np.array(
    [(0, 0, 0), (250, 220, 60), (150, 150, 150), *[(200, 60 + 30 * i, 40) for i in range(6)],
     *[(40, 60 + 30 * i, 210) for i in range(6)]], np.uint8,
)  # fmt: skip


def grid(images: Sequence[UInt8[np.ndarray, "h w 3"]], columns: int) -> UInt8[np.ndarray, "_ _ 3"]:
    """Put pictures of one size into rows; what is left over is dropped."""
    rows = [np.hstack(images[i : i + columns]) for i in range(0, len(images) - columns + 1, columns)]
    return np.vstack(rows)


def marked(taken: Taken) -> UInt8[np.ndarray, "h w 3"]:
    """Return the picture with its parts (right red, left blue) and points (seen green, hidden white) over it."""
    out = (0.45 * taken.image + 0.55 * _PALETTE[taken.parts]).astype(np.uint8)
    state = taken.labels["landmark_state"]
    for (x, y), kind in zip(taken.labels["landmarks_px"], state, strict=True):
        if np.isfinite(x) and 0 <= x < out.shape[1] and 0 <= y < out.shape[0] and kind:
            out[int(y), int(x)] = (60, 255, 60) if kind == VISIBLE else (255, 255, 255)
    return out


def crops(
    world: World, studio: Studio, *, seed: int, count: int, size_hw: tuple[int, int], seated: bool = False
) -> list[Taken]:
    """Draw pictures with a few people; seated: only those with somebody on a seat, or before one."""
    out: list[Taken] = []
    start = 0
    while len(out) < count:
        troupe = world.troupe((seed, start), 6)
        takes = [troupe.crop((seed, i), size_hw) for i in range(start, start + BATCH)]
        takes = [t for t in takes if not seated or any(thing.surface.kind == "seat" for thing in t.shot.things)]
        out += [taken for taken in studio(takes, seed=(seed, start)) if seen(taken)] if takes else []
        start += BATCH
    return out[:count]


def main() -> None:
    """Draw the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--held-out", action="store_true")
    add_sources(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    world = make_world(sources_of(args), "held_out" if args.held_out else "train")
    studio = Studio(Renderer())
    single = crops(world, studio, seed=args.seed, count=32, size_hw=(256, 192))
    save(
        args.out / "crops.webp",
        np.vstack([grid([one.image for one in single], 8), grid([marked(one) for one in single[:8]], 8)]),
    )
    sitting = crops(world, studio, seed=args.seed + 1, count=16, size_hw=(256, 192), seated=True)
    save(args.out / "seats.webp", grid([one.image for one in sitting], 8))
    # Whole scenes: what the camera saw, of which the crops above are cut.
    frames: list[Taken] = []
    for i in range(8):
        take = world.troupe((args.seed, i), 4).clip((args.seed, i, 1), frames=1, size_hw=(288, 384))
        frames += studio(take, seed=(args.seed, i))
    save(args.out / "scenes.webp", grid([one.image for one in frames], 4))
    films = [clip(world, studio, seed=args.seed, number=number, frames=24, size_hw=(256, 192)) for number in (2, 3)]
    save(args.out / "clip.webp", grid([one.image for film in films for one in film[::3]], 8))


def save(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write a sheet, small."""
    Image.fromarray(image).save(path, "WEBP", quality=_QUALITY, method=6)


if __name__ == "__main__":
    run(main)
