"""How well detectors find people in held-out photographs: `python -m train.detector.evaluate --set OUT --coco DIR`.

Prints a table for the model card, the shipped detector, or other weights, beside others on the same pictures.
Three sets: photographs like those of the training, with a teacher's boxes, looked through and put right by hand
(`held_out.json`, px at 352 on the longer side); people of those, pasted into pictures of the size of video frames; and
COCO's with hand labels, of which the training saw none.
"""

import argparse
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.geometry.boxes import iou
from skelvid.people.detect import Detector, detector
from train.command import run
from train.detector.composite import LONG_SIDE_PX, Labelled
from train.detector.teacher import read

CORRECTED = Path(__file__).with_name("held_out.json")
MIN_IOU = 0.5
# Least heights, as shares of the picture's.
SIZES = {1.0 / 3.0: "> 1/3", 1.0 / 6.0: "> 1/6", 0.0: "all"}
# Low enough for the whole curve.
LOWEST = 0.01


@dataclass(frozen=True)
class Quality:
    """How well people of some size are found.

    Attributes:
        ap50: Area under precision over recall.
        precision, recall: Of what the detector trusts enough.
        people: How many there were to be found.
    """

    ap50: float
    precision: float
    recall: float
    people: int


def quality(
    found: Sequence[Boxes], truth: Sequence[Labelled], *, min_share: float = 0.0, min_score: float = 0.0
) -> Quality:
    """Return how well people are found.

    Args:
        found: Boxes of each picture, also of low scores.
        truth: The pictures.
        min_share: Leave those who are lower than this share of their picture out of the account, as COCO does: they are
            neither to be found nor wrong to find.
        min_score: What `precision` and `recall` count from.
    """
    rows = [_judge(boxes, one.xyxy, min_share * one.image.shape[0]) for boxes, one in zip(found, truth, strict=True)]
    score, right = (np.concatenate([row[n] for row in rows]) for n in (0, 1))
    people = sum(int((_heights(one.xyxy) >= min_share * one.image.shape[0]).sum()) for one in truth)
    order = np.argsort(-score, kind="stable")
    hits = right[order].cumsum()
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / people
    best = np.maximum.accumulate(precision[::-1])[::-1]
    ap50 = float((best * np.diff(recall, prepend=0.0)).sum())
    trusted = int((score >= min_score).sum())
    last = (float(precision[trusted - 1]), float(recall[trusted - 1])) if trusted else (1.0, 0.0)
    return Quality(ap50, *last, people)


def _judge(
    found: Boxes, truth: Float[np.ndarray, "n 4"], min_height: float
) -> tuple[Float[np.ndarray, "m"], Bool[np.ndarray, "m"]]:
    """Return the scores of what counts among the found, and whether each is right; the surest choose first."""
    counts = _heights(truth) >= min_height
    overlap = iou(found.xyxy, truth)
    free = np.ones(len(truth), bool)
    score: list[float] = []
    right: list[bool] = []
    for row in np.argsort(-found.score, kind="stable"):
        # Those that count before those that do not, then the one that overlaps most.
        fits = np.flatnonzero(free & (overlap[row] >= MIN_IOU))
        best = max(fits, key=lambda n: (counts[n], overlap[row, n]), default=None)
        if best is not None:
            free[best] = False
        if counts[best] if best is not None else _heights(found.xyxy[row]) >= min_height:
            score.append(float(found.score[row]))
            right.append(best is not None)
    return np.array(score, float), np.array(right, bool)


def held_out_set(folder: Path, part: str = "val") -> list[Labelled]:
    """Return a part of a set that `train.detector.prepare` wrote, with the corrected boxes."""
    corrected = json.loads(CORRECTED.read_text())
    found: list[Labelled] = []
    for file in sorted((folder / "images" / part).glob("*.jpg")):
        one = _yolo(file, folder / "labels" / part / f"{file.stem}.txt")
        if file.stem in corrected:
            scale = max(one.image.shape[:2]) / LONG_SIDE_PX
            one = Labelled(one.image, np.array(corrected[file.stem], float) * scale)
        found.append(one)
    return found


def coco_set(folder: Path) -> list[Labelled]:
    """Return the pictures of a folder whose people are labelled in `labels_yolo`, as boxes or outlines."""
    files = sorted((folder / "labels_yolo").glob("*.txt"))
    return [_yolo(folder / f"{file.stem}.jpg", file) for file in files]


def _yolo(picture: Path, labels: Path) -> Labelled:
    image = read(picture)
    size = np.array(image.shape[1::-1])
    boxes: list[Float[np.ndarray, "4"]] = []
    for line in labels.read_text().splitlines():
        number, *rest = line.split()
        if number == "0":
            values = np.array(rest, float).reshape(-1, 2) * size
            low, high = (
                (values[0] - values[1] / 2, values[0] + values[1] / 2)
                if len(values) == 2
                else (values.min(0), values.max(0))
            )
            boxes.append(np.concatenate([low, high]))
    return Labelled(image, np.array(boxes).reshape(-1, 4))


def _heights(xyxy: Float[np.ndarray, "*b 4"]) -> Float[np.ndarray, "*b"]:
    return xyxy[..., 3] - xyxy[..., 1]


def unlimited(text: str) -> tuple[Detector, float]:
    """Return a detector that gives also what it hardly trusts, and the score from which it would give it."""
    name, _, weights = text.partition(":")
    maker = detector(name)
    given = inspect.signature(maker).parameters.get("min_score")
    options = {"weights": weights} if weights else {}
    return maker(**options, **({"min_score": LOWEST} if given else {})), given.default if given else 0.0


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", type=Path, help="folder that train.detector.prepare wrote")
    parser.add_argument("--coco", type=Path, help="folder of COCO pictures with labels_yolo/")
    parser.add_argument("--detectors", nargs="+", default=["skelvid", "mediapipe"], help="name or name:weights")
    given = parser.parse_args()
    parts = {"held out": "val", "pasted": "frames"} if given.set else {}
    sets = {name: held_out_set(given.set, part) for name, part in parts.items()}
    sets |= {"COCO": coco_set(given.coco)} if given.coco else {}
    print("| pictures | detector | people | AP50 | precision | recall |\n| --- | --- | --- | --- | --- | --- |")
    for name in given.detectors:
        find, min_score = unlimited(name)
        for which, pictures in sets.items():
            found = [find([Frame(one.image, n, float(n))])[0] for n, one in enumerate(pictures)]
            for share, size in SIZES.items():
                q = quality(found, pictures, min_share=share, min_score=min_score)
                values = (f"{value:.3f}" for value in (q.ap50, q.precision, q.recall))
                print(
                    "|",
                    " | ".join((f"{which}, {len(pictures)}, {size}", name, str(q.people), *values)),
                    "|",
                    flush=True,
                )


if __name__ == "__main__":
    run(main)
