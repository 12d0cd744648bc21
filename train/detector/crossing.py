"""Two films of one person each in, a film in which they walk past each other out: a trial for tracking.

`python -m train.detector.crossing LEFT RIGHT --background PICTURE --model TASK --out FILM.mp4` cuts both out with the
teacher and shows them over a photograph, the first from the left and in front. `FILM.npz` says where both are.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from skelvid.video.source import open_video
from skelvid.video.writer import VideoWriter
from train.command import run
from train.detector.composite import Picture
from train.detector.teacher import Cutout, look, read, teacher

SIZE_HW = (720, 1280)
HEIGHT_PX, FLOOR_PX = 480, 680
# Where each is in the first and in the last picture, as a share of the width.
FROM, TO = 0.18, 0.82
RATE_HZ = 30.0
# Longer side of what the teacher is shown, px.
SHOWN_PX = 800


def cutouts(film: Path, landmarker: Any, count: int, every: int) -> Iterator[tuple[Picture, Cutout]]:
    """Yield pictures of a film and the surest person in each; the last again where the teacher sees nobody."""
    last: tuple[Picture, Cutout] | None = None
    for frame in open_video(film, max_side_px=SHOWN_PX):
        if frame.index % every == 0:
            found = look(landmarker, frame.image)
            if found:
                last = frame.image, max(found, key=lambda person: person.sure)
            if last:
                yield last
                count -= 1
        if not count:
            return


def paste(canvas: Picture, taken: tuple[Picture, Cutout], middle_px: float, scale: float) -> Float[np.ndarray, "4"]:
    """Put a person out of another picture into one, standing on the floor; return their box there, px."""
    image, person = taken
    box = person.xyxy
    shift = np.array([middle_px - scale * (box[0] + box[2]) / 2.0, FLOOR_PX - scale * box[3]])
    affine = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    size = SIZE_HW[::-1]
    alpha: Any = cv2.warpAffine(person.mask.astype(np.float32) / 255.0, affine, size)
    colour: Any = cv2.warpAffine(image.astype(np.float32), affine, size, borderMode=cv2.BORDER_REPLICATE)
    canvas[:] = (alpha[..., None] * colour + (1.0 - alpha[..., None]) * canvas).round().astype(np.uint8)
    return box * scale + np.tile(shift, 2)


def main() -> None:
    """Read the arguments and write the film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", type=Path, nargs=2)
    parser.add_argument("--background", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="pose_landmarker_heavy.task, the teacher")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--every", type=int, nargs=2, default=(1, 1), help="take every so many pictures of each film")
    given = parser.parse_args()
    scenery = np.array(cv2.resize(read(given.background), SIZE_HW[::-1]))
    taken: list[list[tuple[Picture, Cutout]]] = []
    for film, every in zip(given.films, given.every, strict=True):
        with teacher(given.model) as landmarker:
            taken.append(list(cutouts(film, landmarker, given.frames, every)))
    scales = [HEIGHT_PX / np.median([p.xyxy[3] - p.xyxy[1] for _, p in people]) for people in taken]
    boxes: list[list[Float[np.ndarray, "4"]]] = []
    with VideoWriter(given.out) as writer:
        for n, pair in enumerate(zip(*taken, strict=False)):
            share = FROM + (TO - FROM) * n / (given.frames - 1)
            canvas = scenery.copy()
            # The second one first: the first one is in front.
            behind = paste(canvas, pair[1], SIZE_HW[1] * (1.0 - share), scales[1])
            front = paste(canvas, pair[0], SIZE_HW[1] * share, scales[0])
            boxes.append([front, behind])
            writer.write(canvas, n / RATE_HZ)
    np.savez(given.out.with_suffix(".npz"), xyxy=np.array(boxes))


if __name__ == "__main__":
    run(main)
