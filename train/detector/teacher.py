"""A photograph in, the people that MediaPipe Pose Landmarker heavy sees in it out: boxes and cut-out masks, cached.

The teacher is slow and alone: it sees at most a few people who are high in its picture. What it does not see must be
pasted in (`train/detector/composite.py`), and pictures of crowds are not for it.
"""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from jaxtyping import Bool, Float, UInt8
from mediapipe.tasks.python import BaseOptions, vision
from PIL import Image
from scipy import ndimage

from skelvid.people.detect import keep_best

MAX_PEOPLE = 4
# Of the points that count, of a person to be believed, and of a mask to be inside it.
VISIBLE, PRESENT, INSIDE = 0.5, 0.6, 0.5
# What a mask may reach beyond the points, in sizes of the person: hair, hands, skirts.
BEYOND = 0.12
# Share of the smaller box in the larger one from which on both are around one person.
SAME = 0.8
# Turns of the picture to try while nobody is found, as for those who hang or lie head down.
TURNS = (0, 1, 3, 2)


@dataclass(frozen=True)
class Cutout:
    """A person in a photograph.

    Attributes:
        xyxy: Box around what is visible of them, image px.
        mask: Where they are, 0 to 255, of the picture's size.
        sure: Mean presence of their points.
    """

    xyxy: Float[np.ndarray, "4"]
    mask: UInt8[np.ndarray, "h w"]
    sure: float


@contextlib.contextmanager
def teacher(model: Path) -> Generator[Any]:
    """Give the landmarker; `model` is the path of `pose_landmarker_heavy.task`."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        running_mode=vision.RunningMode.IMAGE,
        num_poses=MAX_PEOPLE,
        output_segmentation_masks=True,
    )
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        yield landmarker


def people(landmarker: Any, file: Path, cache: Path) -> list[Cutout]:
    """Return the people in a photograph, from the folder `cache` if they are there, else they are put there."""
    kept = cache / f"{file.parent.name}_{file.stem}.npz"
    if not kept.is_file():
        found = look(landmarker, read(file))
        cache.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            kept,
            xyxy=np.array([person.xyxy for person in found]).reshape(-1, 4),
            mask=np.array([person.mask for person in found], np.uint8),
            sure=np.array([person.sure for person in found]),
        )
    with np.load(kept) as data:
        # It may see one person twice.
        rows = keep_best(data["xyxy"], data["sure"], max_shared=SAME)
        return [Cutout(data["xyxy"][row], data["mask"][row], float(data["sure"][row])) for row in rows]


def read(file: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture as RGB."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).copy()


def look(landmarker: Any, image: UInt8[np.ndarray, "h w 3"]) -> list[Cutout]:
    """Return the people in a picture, found in the first of `TURNS` that shows any."""
    for turn in TURNS:
        turned = _whole_blocks(np.rot90(image, turn))
        found = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=turned))
        people = [
            person
            for points, mask in zip(found.pose_landmarks, found.segmentation_masks or [], strict=False)
            if (person := _cutout(points, mask.numpy_view().reshape(turned.shape[:2]), image.shape[:2], turn))
        ]
        if people:
            return people
    return []


def _whole_blocks(image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "y x 3"]:
    """Return the picture with its sides continued to multiples of 16: MediaPipe aborts on the masks of others."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, -height % 16), (0, -width % 16), (0, 0)), mode="edge")


def _cutout(points: Any, mask: Float[np.ndarray, "y x"], size_hw: tuple[int, int], turn: int) -> Cutout | None:
    """Return a person in the picture as it was before the turn; None where points and mask do not agree."""
    values = np.array([(point.x, point.y, point.visibility, point.presence) for point in points])
    sure = float(values[:, 3].mean())
    if sure < PRESENT:
        return None
    xy = values[:, :2] * mask.shape[::-1]
    height, width = size_hw if turn % 2 == 0 else size_hw[::-1]
    mask = mask[:height, :width]
    beyond = BEYOND * (xy.max(0) - xy.min(0)).max()
    low, high = np.floor(xy.min(0) - beyond), np.ceil(xy.max(0) + beyond)
    columns, rows = np.arange(width), np.arange(height)
    near = ((rows >= low[1]) & (rows <= high[1]))[:, None] & ((columns >= low[0]) & (columns <= high[0]))
    own = _main_part((mask > INSIDE) & near)
    seen = (values[:, 2] > VISIBLE) & (xy >= 0).all(-1) & (xy < (width, height)).all(-1)
    # A mask that misses many of the points is somebody else's.
    hits = own[tuple(xy[seen].astype(int).T[::-1])] if seen.any() else np.zeros(0, bool)
    if not own.any() or len(hits) < 8 or hits.mean() < 0.6:
        return None
    soft = np.rot90(np.where(ndimage.binary_dilation(own, iterations=2), mask.clip(0.0, 1.0) * 255.0, 0.0), -turn)
    return Cutout(_box(np.rot90(own, -turn)), soft.astype(np.uint8), sure)


def _main_part(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Return the parts of a mask that are not small beside its largest."""
    labelled: Any = ndimage.label(mask)
    parts, count = labelled
    if not count:
        return mask
    size = np.bincount(parts.ravel())
    size[0] = 0
    return np.isin(parts, np.flatnonzero(size > 0.05 * size.max()))


def _box(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "4"]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
