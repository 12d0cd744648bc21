"""Does a network trained on the pictures tell left from right on real people? `python -m train.synth.sanity NET ...`.

In: weights of `skelvid.regress`, real films. It is asked for the limbs in some frames of each, beside MediaPipe. Out:
`scores.json` and the sheet `overlay.webp`, right limbs red, left ones blue. Left and right of a pair of joints are told
apart where both, taken together, lie nearer to their own places than to each other's, and not in one place.

What is counted: pairs of which MediaPipe is sure that both are visible, which it sees well apart and within the
picture, and which it finds again in the film's mirror image: this takes out most of what it only makes up.
"""

import argparse
import json
import logging
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from benchmarks.real_clips import RealClip, look
from skelvid.geometry.boxes import apply_affine, crop_affine, pad
from skelvid.people.keypoints import BODY_MARGIN, extent
from skelvid.people.mediapipe_source import MediaPipePose
from skelvid.regress.output import mirror_point
from skelvid.regress.regressor import Regressor
from skelvid.video.reader import VideoFile
from train.command import run
from train.synth.sheets import grid, save

log = logging.getLogger(__name__)
PAIRS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
NAMES = tuple(f"{side}_{name}" for name in PAIRS for side in ("left", "right"))
_CHAINS = (("shoulder", "elbow", "wrist"), ("shoulder", "hip", "knee", "ankle"))
_SURE, _SIZE_HW, _SHOWN = 0.5, (256, 192), 8
# In heights of the box: nearer pairs are in one place as far as one can tell; and in shares of their distance.
_APART, _TOGETHER = 0.04, 0.3
_SAME = 0.05  # how far a point may be off in the mirror, in heights of the box


def score(
    at: Float[np.ndarray, "n k 2"],
    true: Float[np.ndarray, "n k 2"],
    there: Bool[np.ndarray, "n k"],
    height: Float[np.ndarray, "n"],
) -> dict[str, float]:
    """Return shares of joints within a tenth of the box, also with sides exchanged freely, and of pairs told apart.

    Args:
        at: Where the joints `NAMES` are said to be, px.
        true: Where they are.
        there: Which of them count.
        height: Of the boxes, px.
    """

    def miss(wanted: np.ndarray) -> np.ndarray:
        return np.linalg.norm(at - wanted, axis=2) / height[:, None]

    def sides(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(values), len(PAIRS), 2, *values.shape[2:])

    other = sides(true)[:, :, ::-1].reshape(true.shape)
    apart, told = (np.linalg.norm(np.diff(sides(v), axis=2)[:, :, 0], axis=2) / height[:, None] for v in (true, at))
    count = sides(there).all(2) & (apart > _APART)
    together = told < _TOGETHER * apart
    right = (sides(miss(true)).sum(2) < sides(miss(other)).sum(2)) & ~together
    each = {name: float(right[count[:, i], i].mean()) for i, name in enumerate(PAIRS) if count[:, i].any()}
    pairs = max(int(count.sum()), 1)
    return {
        "frames": len(at), "pairs": int(count.sum()), "told_apart": float(right[count].sum() / pairs),
        "in_one_place": float(together[count].sum() / pairs), "pck_0.1": float((miss(true) < 0.1)[there].mean()),
        "pck_0.1_sides_free": float((np.minimum(miss(true), miss(other)) < 0.1)[there].mean()),
        **{f"told_apart_{name}": value for name, value in each.items()},
    }  # fmt: skip


def score_film(
    regressor: Regressor, film: Path, cache: Path, *, frames: int
) -> tuple[dict[str, float], list[UInt8[np.ndarray, "h w 3"]]]:
    """Score some frames of a film, evenly spread over those with somebody, and draw a few; keypoints are cached."""
    seen = look(RealClip(_name(film), film), cache)
    around = extent(seen.track.keypoints)
    index, ours = ([names.index(name) for name in NAMES] for names in (seen.track.keypoints.names, regressor.points))
    rows = np.flatnonzero(~np.isnan(around).any(1))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, frames).round().astype(int))]
    row_of = {float(seen.track.time_s[row]): int(row) for row in rows}
    at, pictures = [], []
    for frame in VideoFile(film):
        if (row := row_of.get(frame.time_s)) is not None:
            box = pad(around[row], BODY_MARGIN)
            at.append(regressor.look([frame], box[None], seen.camera).keypoints.xy[0, ours])
            affine = crop_affine(box, _SIZE_HW, share=0.1)
            image = cv2.warpAffine(frame.image, affine, _SIZE_HW[::-1], flags=cv2.INTER_AREA)
            pictures.append(draw(image, apply_affine(affine, at[-1])))
    points, height = seen.track.keypoints, (around[:, 3] - around[:, 1])[rows]
    true, sure = points.xy[rows][:, index], points.score[rows][:, index] > _SURE
    there = sure & trusted(true, in_the_mirror(film, cache)[rows], height, seen.camera.size_hw)
    return score(np.stack(at), true, there, height), [
        pictures[i] for i in np.linspace(0, len(pictures) - 1, _SHOWN).round().astype(int)
    ]


def trusted(
    true: Float[np.ndarray, "n k 2"],
    again: Float[np.ndarray, "n k 2"],
    height: Float[np.ndarray, "n"],
    size_hw: tuple[int, int],
) -> Bool[np.ndarray, "n k"]:
    """Say which points lie within the picture, and nearly where they were found a second time (NaN: were not)."""
    inside = ((true >= 0) & (true < size_hw[::-1])).all(2)
    return inside & (np.linalg.norm(true - again, axis=2) < _SAME * height[:, None])


def in_the_mirror(film: Path, cache: Path) -> Float[np.ndarray, "t k 2"]:
    """Return where MediaPipe sees the joints `NAMES` in a film's mirror image, turned back; NaN = nobody; cached."""
    path = cache / f"{_name(film)}_mirror.npz"
    if not path.is_file():
        source, rows = MediaPipePose(), []
        for frame in VideoFile(film):
            told = source(replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])))
            xy = told.xy[0] if len(told.score) else np.full((len(source.names), 2), np.nan)
            rows.append(xy * [-1, 1] + [frame.image.shape[1], 0])
        source.close()
        np.savez_compressed(path, xy=np.stack(rows)[:, [source.names.index(mirror_point(name)) for name in NAMES]])
    with np.load(path) as arrays:
        return arrays["xy"]


def _name(film: Path) -> str:
    """Return what a film is called here: many are a `video` in a folder of their own."""
    return f"{film.parent.name}_{film.stem}"


def draw(image: UInt8[np.ndarray, "h w 3"], at: Float[np.ndarray, "k 2"]) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the limbs: right red, left blue."""
    out = np.ascontiguousarray(image).copy()
    for side, colour in (("right", (230, 40, 40)), ("left", (50, 90, 255))):
        for chain in _CHAINS:
            for a, b in pairwise([at[NAMES.index(f"{side}_{name}")].round().astype(int).tolist() for name in chain]):
                cv2.line(out, a, b, colour, 2, cv2.LINE_AA)
    return out


def main() -> None:
    """Ask, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--films", type=Path, nargs="+", required=True)
    parser.add_argument("--frames", type=int, default=60, help="scored of each film")
    parser.add_argument("--cache", type=Path, required=True, help="folder of MediaPipe's keypoints; filled where empty")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    regressor = Regressor.load(args.weights, engine="torch", flip=True)
    scores, shown = {}, []
    for film in args.films:
        scores[_name(film)], pictures = score_film(regressor, film, args.cache, frames=args.frames)
        shown += pictures
    (args.out / "scores.json").write_text(json.dumps(scores, indent=1))
    save(args.out / "overlay.webp", grid(shown, _SHOWN))
    log.info("%s", json.dumps(scores, indent=1))


if __name__ == "__main__":
    run(main)
