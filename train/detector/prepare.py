"""Writes the detector's training set: `python -m train.detector.prepare --images DIR --backgrounds DIR --out DIR ...`.

In: photographs whose licence allows it, with a teacher's boxes, photographs without people, data sets of synthetic
people to paste, and folders that are YOLO data sets already. Out: one YOLO data set, whose validation part holds real
photographs only: a tenth of them by the hash of their source's name, so that the same are held out whatever else
changes; and, as `frames`, people of those pasted into places of those, at the size of video frames.
"""

import argparse
import hashlib
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from PIL import Image
from rich.progress import track

from train.command import run
from train.detector.composite import LONG_SIDE_PX, Labelled, Person, Picture, compose
from train.detector.rendered import rendered
from train.detector.teacher import Cutout, people, read, teacher

# Folders of photographs to learn from; those of COCO, of many and unclear licences, are for evaluation only.
SOURCES = ("exercise", "street", "street_more")
HELD_OUT_SHARE = 0.1
# A cut-out for pasting must be this sure, this high, and whole.
SURE, HIGH_PX, EDGE_PX = 0.85, 140, 3
# How often people are pasted into a picture that has people already.
PEOPLED = 0.35
QUALITY = 90
# Composites that one worker makes at a time.
BATCH = 100
# Composites of held-out people and places to test on, of the size of video frames: how many, and their longer side.
FRAMES, FRAME_PX = 200, 1280


def held_out(file: Path) -> bool:
    """Return whether a photograph is for validation; those of one exercise go together.

    >>> held_out(Path("exercise/Air_Bike_0.jpg")) == held_out(Path("exercise/Air_Bike_1.jpg"))
    True
    """
    source = f"{file.parent.name}/{re.sub(r'_[0-9]$', '', file.stem)}"
    return int(hashlib.sha256(source.encode()).hexdigest()[:8], 16) / 2**32 < HELD_OUT_SHARE


def write_example(data_set: Path, part: str, name: str, example: Labelled) -> None:
    """Write a picture and its boxes as YOLO reads them: class 0, middle and size as shares of the picture's.

    Args:
        data_set: Folder of the whole.
        part: `train`, `val` or `frames`.
        name: Of the files.
        example: Picture and boxes.
    """
    height, width = example.image.shape[:2]
    middle = (example.xyxy[:, :2] + example.xyxy[:, 2:]) / 2.0 / (width, height)
    size = (example.xyxy[:, 2:] - example.xyxy[:, :2]) / (width, height)
    rows = [f"0 {' '.join(f'{value:.5f}' for value in row)}\n" for row in np.concatenate([middle, size], -1)]
    images, labels = (data_set / kind / part for kind in ("images", "labels"))
    for folder in (images, labels):
        folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(example.image).save(images / f"{name}.jpg", quality=QUALITY)
    (labels / f"{name}.txt").write_text("".join(rows))


def shrunk(example: Labelled) -> Labelled:
    """Return an example no larger than the training needs."""
    scale = min(1.0, LONG_SIDE_PX / max(example.image.shape[:2]))
    size = (np.array(example.image.shape[1::-1]) * scale).round().astype(int)
    return Labelled(cv2.resize(example.image, size.tolist(), interpolation=cv2.INTER_AREA), example.xyxy * scale)


def cut_out(image: Picture, found: Cutout) -> Person | None:
    """Return a person for pasting; None if the teacher is not sure, or they are small or not whole."""
    left, top, right, bottom = found.xyxy.astype(int)
    height, width = image.shape[:2]
    inside = min(left, top, width - right, height - bottom) >= EDGE_PX
    if not inside or found.sure < SURE or max(bottom - top, right - left) < HIGH_PX:
        return None
    part = slice(top - 2, bottom + 2), slice(left - 2, right + 2)
    # The mask is soft and a little wide: what is half background would glow.
    alpha = ((found.mask[part].astype(np.float32) / 255.0 - 0.3) / 0.5).clip(0.0, 1.0)
    return Person(image[part], alpha)


@dataclass(frozen=True)
class Order:
    """Which composites to make: a seed, where from, where to.

    Attributes:
        photographs: With people, for training.
        cache: Where the teacher's answers are.
        backgrounds: Without people.
        out: Folder of the data set.
        seed: What each is drawn from, with its number.
        synthetic: Data sets of `train.synth.write`, whose people are pasted as well.
        part: Of the data set: `train`, or `frames` to test on.
        side_px: Longer side of the composites.
    """

    photographs: tuple[Path, ...]
    cache: Path
    backgrounds: tuple[Path, ...]
    out: Path
    seed: int
    synthetic: tuple[Path, ...] = ()
    part: str = "train"
    side_px: int = LONG_SIDE_PX


@lru_cache(maxsize=1)
def _stock(order: Order) -> tuple[list[Person], list[Picture]]:
    """Return the people, photographed and drawn, and the photographs without people, in memory."""
    stock = [
        person
        for file in order.photographs
        for found in people(None, file, order.cache)  # the teacher was asked before
        if (person := cut_out(read(file), found)) is not None
    ]
    drawn = [person for folder in order.synthetic for person in rendered(folder)]
    return stock + drawn, [read(file) for file in order.backgrounds]


def make_composites(order: Order, numbers: Sequence[int]) -> int:
    """Write composites; return how many people are in them."""
    persons, scenery = _stock(order)
    count = 0
    for number in numbers:
        rng = np.random.default_rng((order.seed, number))
        host = Labelled(scenery[int(rng.integers(len(scenery)))], np.zeros((0, 4)))
        if rng.random() < PEOPLED:
            file = order.photographs[int(rng.integers(len(order.photographs)))]
            host = Labelled(read(file), _boxes(people(None, file, order.cache)))
        example = compose(host, persons, scenery, rng, side_px=order.side_px)
        write_example(order.out, order.part, f"composite_{number:06d}", example)
        count += len(example.xyxy)
    return count


def _boxes(found: Sequence[Cutout]) -> Float[np.ndarray, "n 4"]:
    return np.array([person.xyxy for person in found]).reshape(-1, 4)


def write_photographs(images: Path, model: Path, cache: Path, out: Path) -> tuple[Path, ...]:
    """Write the photographs in which the teacher sees somebody; return which they are.

    Nobody found says nothing: somebody may well be there.
    """
    kept: list[Path] = []
    files = [file for source in SOURCES for file in sorted((images / source).glob("*.jpg"))]
    with teacher(model) as landmarker:
        for file in track(files, "teacher"):
            if found := people(landmarker, file, cache):
                example = shrunk(Labelled(read(file), _boxes(found)))
                write_example(out, _part(file), f"{file.parent.name}_{file.stem}", example)
                kept.append(file)
    return tuple(kept)


def write_scenery(backgrounds: Path, out: Path) -> tuple[Path, ...]:
    """Write the photographs without people, in which nobody is to be found; return which they are."""
    files = sorted(backgrounds.glob("*.jpg"))
    for file in files:
        write_example(out, _part(file), f"empty_{file.stem}", shrunk(Labelled(read(file), np.zeros((0, 4)))))
    return tuple(files)


def _part(file: Path) -> str:
    return "val" if held_out(file) else "train"


def main() -> None:
    """Read the arguments and write the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help=f"folder with {', '.join(SOURCES)}")
    parser.add_argument("--backgrounds", type=Path, required=True, help="folder of photographs without people")
    parser.add_argument("--model", type=Path, required=True, help="pose_landmarker_heavy.task, the teacher")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the teacher's answers")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--composites", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--synthetic", type=Path, nargs="*", default=[], help="data sets of train.synth.write")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="folders of YOLO data sets to train on too")
    given = parser.parse_args()

    photographs = write_photographs(given.images, given.model, given.cache, given.out)
    scenery = write_scenery(given.backgrounds, given.out)
    known, new = ([tuple(f for f in files if held_out(f) == of) for files in (photographs, scenery)] for of in (0, 1))
    order = Order(known[0], given.cache, known[1], given.out, given.seed, tuple(given.synthetic))
    make_composites(Order(new[0], given.cache, new[1], given.out, 0, (), "frames", FRAME_PX), range(FRAMES))
    with ProcessPoolExecutor(given.workers) as pool:
        batches = [range(n, min(n + BATCH, given.composites)) for n in range(0, given.composites, BATCH)]
        for _ in track(pool.map(partial(make_composites, order), batches), "composites", total=len(batches)):
            pass
    train = ["images/train", *(str(folder.resolve() / "images") for folder in given.extra)]
    lines = [f"path: {given.out.resolve()}", f"train: {train}", "val: images/val", "names: {0: person}"]
    (given.out / "data.yaml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    run(main)
