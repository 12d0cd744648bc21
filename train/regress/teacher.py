"""What a teacher sees in photographs: `python -m train.regress.teacher IMAGES... --model FILE --out DIR`.

In: photographs of mostly one person whose licence allows it. The teacher (MediaPipe Pose Landmarker heavy) looks at
each and at its mirror image; points of which it is sure, and which it puts in the same place both times, are kept,
moved to where our landmarks are, as 2D points to learn: it does not know our angles. Photographs that the tests are
made with (`train.detector.prepare.held_out`) are left out. Out: `points.npz`, and beside it the photographs, smaller.
"""

import argparse
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from jaxtyping import Float
from mediapipe.tasks.python import BaseOptions, vision
from PIL import Image

from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.regress.output import POINTS, mirror_point
from train.command import run
from train.detector.prepare import held_out
from train.detector.teacher import read
from train.regress.pictures import ABSENT, OCCLUDED, VISIBLE, Picture
from train.regress.sources import Turn

log = logging.getLogger(__name__)
SURE = 0.8
# How far the two looks may differ, of the person's size.
AGREE = 0.03
LONG_SIDE_PX = 448
MIN_POINTS = 10
# The teacher's name for a point of ours, if it has one.
THEIRS = {name: name.replace("big_toe", "foot_index") for name in POINTS}
# Its hips lie 13 mm below ours and its toes 32 mm behind ours (`train.lift.offsets`, measured): as a share of the way
# from another of its points, that much is added.
SHIFTED = {"hip": ("shoulder", 0.03), "foot_index": ("heel", -0.15)}
# Field of view that is assumed: half the height over the focal length.
HALF_VIEW = 0.45


@dataclass(frozen=True)
class Taught:
    """A person in a photograph.

    Attributes:
        points_px: `k 2` where `POINTS` are, NaN where the teacher is not sure.
        xyxy: Box around all that it sees.
    """

    points_px: Float[np.ndarray, "k 2"]
    xyxy: Float[np.ndarray, "4"]


def look(landmarker: Any, image: np.ndarray) -> Taught | None:
    """Return what the teacher is sure of in a picture and in its mirror image; None where that is little."""
    one, other = _points(landmarker, image), _points(landmarker, np.ascontiguousarray(image[:, ::-1]))
    if one is None or other is None:
        return None
    swap = [BLAZEPOSE_33.index(_mirror(name)) for name in BLAZEPOSE_33]
    other = other[swap] * [-1, 1, 1] + [image.shape[1], 0, 0]
    size = float(np.ptp(one[:, :2], 0).max())
    sure = np.minimum(one[:, 2], other[:, 2]) > SURE
    same = np.linalg.norm(one[:, :2] - other[:, :2], axis=1) < AGREE * size
    mean = (one[:, :2] + other[:, :2]) / 2
    known = dict(zip(BLAZEPOSE_33, np.where((sure & same)[:, None], mean, np.nan), strict=True))
    points = np.array([ours(name, known) for name in POINTS])
    if np.isfinite(points[:, 0]).sum() < MIN_POINTS:
        return None
    return Taught(points, np.concatenate([mean.min(0), mean.max(0)]))


def ours(name: str, known: dict[str, np.ndarray]) -> np.ndarray:
    """Return where our point is, given where the teacher puts its own; NaN where it knows none."""
    theirs = THEIRS[name]
    if theirs not in known:
        return np.full(2, np.nan)
    side, _, kind = theirs.partition("_")
    if kind not in SHIFTED:
        return known[theirs]
    other, share = SHIFTED[kind]
    return known[theirs] + share * (known[f"{side}_{other}"] - known[theirs])


def _mirror(name: str) -> str:
    """Return MediaPipe's name of the point on the other side."""
    if name.startswith("mouth"):
        return {"mouth_left": "mouth_right", "mouth_right": "mouth_left"}[name]
    return mirror_point(name)


def _points(landmarker: Any, image: np.ndarray) -> Float[np.ndarray, "33 3"] | None:
    found = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)).pose_landmarks
    if len(found) != 1:
        return None
    return np.array([(p.x * image.shape[1], p.y * image.shape[0], min(p.visibility, p.presence)) for p in found[0]])


class Photographs:
    """Photographs with a teacher's points, as a source.

    Args:
        folder: Written by this module.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "points.npz") as data:
            return dict(data)

    def __len__(self) -> int:
        return len(self._rows["name"])

    def __getitem__(self, index: int) -> Picture:
        image = read(self.folder / str(self._rows["name"][index]))
        points = self._rows["points_px"][index].astype(np.float32)
        return as_picture(image, Taught(points, self._rows["xyxy"][index]))

    def draw(self, count: int, turn: Turn, rng: np.random.Generator) -> list[Picture]:
        """Return any of them."""
        del turn
        return [self[int(i)] for i in rng.integers(len(self), size=count)]


def as_picture(image: np.ndarray, taught: Taught, *, hidden: np.ndarray | None = None) -> Picture:
    """Return a picture of which points are known only; its camera is an assumed one."""
    state = np.where(np.isfinite(taught.points_px).all(1), VISIBLE, ABSENT)
    if hidden is not None:
        state = np.where(hidden & (state == VISIBLE), OCCLUDED, state)
    height, width = image.shape[:2]
    focal = max(height, width) / 2 / HALF_VIEW
    center = np.array([width / 2, height / 2], np.float32)
    return Picture(image, taught.xyxy.astype(np.float32), focal, center, taught.points_px.astype(np.float32),
                   state.astype(np.uint8))  # fmt: skip


def small(image: np.ndarray) -> np.ndarray:
    """Return a picture no larger than crops need."""
    scale = min(1.0, LONG_SIDE_PX / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def landmarker(model: Path) -> Any:
    """Return the teacher: it must be asked for more than one person, to know that there is only one."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)), running_mode=vision.RunningMode.IMAGE, num_poses=2
    )
    return vision.PoseLandmarker.create_from_options(options)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="folders of photographs")
    parser.add_argument("--model", type=Path, required=True, help="pose_landmarker_heavy.task")
    parser.add_argument("--held-out", action="store_true", help="only those that are left out else")
    parser.add_argument("--most", type=int, default=100_000, help="photographs to look at, of all folders together")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    files = [f for d in args.images for f in sorted(d.glob("*.jpg")) if held_out(f) == args.held_out]
    chosen = sorted({int(i) for i in np.linspace(0, len(files) - 1, min(args.most, len(files)))})
    args.out.mkdir(parents=True, exist_ok=True)
    found: list[tuple[str, Taught]] = []
    with landmarker(args.model) as teacher:
        for number, index in enumerate(chosen):
            image = small(read(files[index]))
            taught = look(teacher, image)
            if taught is not None:
                name = f"{files[index].parent.name}_{files[index].stem}.jpg"
                Image.fromarray(image).save(args.out / name, quality=92)
                found.append((name, taught))
            if number % 100 == 99:
                log.info("%d of %d, %d kept", number + 1, len(chosen), len(found))
                write(found, args.out)
    write(found, args.out)


def write(found: list[tuple[str, Taught]], out: Path) -> None:
    """Write what the teacher saw."""
    np.savez(
        out / "points.npz",
        name=np.array([name for name, _ in found]),
        points_px=np.array([t.points_px for _, t in found], np.float32),
        xyxy=np.array([t.xyxy for _, t in found], np.float32),
    )


if __name__ == "__main__":
    run(main)
