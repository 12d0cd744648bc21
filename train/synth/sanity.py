"""Can a small network learn from the pictures? `python -m train.synth.sanity DATA --backbone W --videos ... --out DIR`.

In: a data set of `train.synth.write`, real videos. It trains a decoder on frozen features for some minutes, scores it
on held-out pictures and on the videos (against MediaPipe's points, themselves not perfect), writes `scores.json` and
`overlay.png`. A frame tells left from right in a pair of points when both predictions lie nearer to their own side's
reference than to the other's.
"""

import argparse
import io
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.datatypes.people import Keypoints2D
from skelvid.people.mediapipe_source import MediaPipePose
from skelvid.upgrade.shards import read_tar
from skelvid.video.reader import VideoFile
from train.synth.labels import OUTSIDE, VISIBLE
from train.synth.sanity_net import GRID, N_FACING, Backbone, Decoder, Told, places
from train.synth.world import MIRROR_PART, PARTS

log = logging.getLogger(__name__)
# Point of the network: ours, and MediaPipe's name.
POINTS = {
    "nose": "nose", "ear_r": "right_ear", "ear_l": "left_ear",
    **{f"joint_{ours}_{side}": f"{long}_{theirs}"
       for side, long in (("r", "right"), ("l", "left"))
       for ours, theirs in (("humerus", "shoulder"), ("ulna", "elbow"), ("hand", "wrist"), ("femur", "hip"),
                            ("tibia", "knee"), ("talus", "ankle"))},
    "heel_r": "right_heel", "heel_l": "left_heel", "big_toe_r": "right_foot_index", "big_toe_l": "left_foot_index",
}  # fmt: skip
NAMES = tuple(POINTS)
MIRROR = [NAMES.index(n[:-2] + {"_r": "_l", "_l": "_r"}[n[-2:]]) if n[-2:] in ("_r", "_l") else i
          for i, n in enumerate(NAMES)]  # fmt: skip
_PAIRS = [(i, MIRROR[i]) for i, name in enumerate(NAMES) if name.startswith("joint_") and name.endswith("_r")]
_APART = 0.04  # of the box's height: nearer pairs are in one place as far as one can tell


@dataclass(frozen=True)
class Set:
    """Pictures as features, with what is wanted: xy as shares of width and height, state, facing bin, parts."""

    features: Tensor
    xy: Float[Tensor, "n k 2"]
    state: Tensor
    facing: Tensor
    parts: Tensor

    def pick(self, rows: Tensor) -> "Set":
        """Return some rows."""
        return Set(*(getattr(self, name)[rows] for name in ("features", "xy", "state", "facing", "parts")))


def read(data: Path, backbone: Backbone, names: tuple[str, ...], *, most: int) -> Set:
    """Read pictures and their mirror images; the two of one picture are neighbours."""
    index = [names.index(name) for name in NAMES]
    rows: list[list[Tensor]] = []
    images: list[Tensor] = []
    features: list[Tensor] = []
    for sample in _samples(data, most):
        image = torch.as_tensor(np.array(Image.open(io.BytesIO(sample.files["jpg"])))).movedim(2, 0)
        parts = np.asarray(Image.open(io.BytesIO(sample.files["parts.png"])))
        small = torch.as_tensor(cv2.resize(parts, GRID[::-1], interpolation=cv2.INTER_NEAREST)).long()
        xy = torch.as_tensor(sample.labels["landmarks_px"][index] / sample.labels["size_hw"][::-1]).float()
        state = torch.as_tensor(sample.labels["landmark_state"][index]).long()
        turn = _turn(sample.labels["landmarks_m"], names)
        for mirror in (False, True):
            images.append(image.flip(2) if mirror else image)
            at, kind, mask = (xy[MIRROR] * torch.tensor([-1.0, 1]) + torch.tensor([1.0, 0]), state[MIRROR],
                              torch.tensor(MIRROR_PART)[small.flip(1)]) if mirror else (xy, state, small)  # fmt: skip
            facing = torch.tensor(int((-turn if mirror else turn) / (2 * np.pi) * N_FACING) % N_FACING)
            rows.append([torch.nan_to_num(at), kind, facing, mask.flatten()])
        if len(images) >= 32:
            features.append(backbone(torch.stack(images)).half())
            images = []
            if len(rows) % 640 == 0:
                log.info("%d pictures read", len(rows))
    if images:
        features.append(backbone(torch.stack(images)).half())
    return Set(torch.cat(features), *(torch.stack(column) for column in zip(*rows, strict=True)))


def _samples(data: Path, most: int) -> Iterator:
    """Give samples of shards, or of the units of a data set that is still being written."""
    files = sorted(data.glob("shard-*.tar")) or sorted((data / "units").glob("crops-*.tar"))
    count = 0
    for path in files:
        for sample in read_tar(path):
            if "jpg" in sample.files and count < most:
                count += 1
                yield sample


def _turn(points_m: np.ndarray, names: tuple[str, ...]) -> float:
    """Return which way the hips face about the vertical: 0 = to the camera, in (0, 2 pi)."""
    right, left = (points_m[names.index(f"joint_femur_{side}")] for side in "rl")
    across = left - right
    return float(np.arctan2(-across[2], across[0])) % (2 * np.pi)


def loss_of(told: Told, want: Set) -> Tensor:
    """Return the loss: bins of visible points fully, of hidden ones a little; facing; parts of patches."""
    weight = torch.where(want.state == VISIBLE, 1.0, 0.3) * (want.state != OUTSIDE)
    points = torch.zeros(())
    for axis, logits in enumerate((told.x, told.y)):
        bins = torch.arange(logits.shape[2]) + 0.5
        near = torch.exp(-0.5 * ((bins - want.xy[..., axis, None] * logits.shape[2]) / 1.2) ** 2) + 1e-9
        soft = near / near.sum(2, keepdim=True)
        points = points - ((soft * logits.log_softmax(2)).sum(2) * weight).sum() / weight.sum()
    return points + 0.4 * cross_entropy(told.facing, want.facing) + 0.6 * cross_entropy(
        told.parts.flatten(0, 1), want.parts.flatten()
    )  # fmt: skip


def fit(data: Set, *, minutes: float, whole: bool, seed: int = 0) -> Decoder:
    """Train a decoder for some minutes of processor time."""
    torch.manual_seed(seed)
    net = Decoder(points=len(NAMES), parts=len(PARTS), whole=whole)
    best = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.05)
    start, step, seen = time.process_time(), 0, 0
    while (spent := (time.process_time() - start) / 60) < minutes:
        share = spent / minutes
        for group in best.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 50) * (0.02 + 0.98 * (1 + np.cos(np.pi * share)) / 2)
        want = data.pick(torch.randint(len(data.xy), (48,)))
        loss = loss_of(net(want.features.float()), want)
        best.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        best.step()
        step, seen = step + 1, seen + len(want.xy)
        if step % 50 == 0:
            log.info("%.1f min, %d seen, loss %.3f", spent, seen, float(loss))
    return net.eval()


def score(at: Float[Tensor, "n k 2"], true: Float[Tensor, "n k 2"], there: Tensor, height: Tensor) -> dict[str, float]:
    """Return shares of points within a tenth of the box, also with sides exchanged freely, and of pairs told apart.

    Args:
        at: Where points are said to be, px.
        true: Where they are.
        there: Which of them count.
        height: Of the boxes, px.
    """
    miss = (at - true).norm(dim=2) / height[:, None]
    swapped = torch.minimum(miss, (at - true[:, MIRROR]).norm(dim=2) / height[:, None])
    right, count, joined = 0, 0, 0
    for r, left in _PAIRS:
        apart = (true[:, r] - true[:, left]).norm(dim=1) / height
        rows = there[:, r] & there[:, left] & (apart > _APART)
        own = (at[rows, r] - true[rows, r]).norm(dim=1) + (at[rows, left] - true[rows, left]).norm(dim=1)
        other = (at[rows, r] - true[rows, left]).norm(dim=1) + (at[rows, left] - true[rows, r]).norm(dim=1)
        together = (at[rows, r] - at[rows, left]).norm(dim=1) / height[rows] < 0.3 * apart[rows]
        right, count = right + int(((own < other) & ~together).sum()), count + int(rows.sum())
        joined += int(together.sum())
    return {"pck_0.1": float((miss < 0.1)[there].float().mean()),
            "pck_0.1_sides_free": float((swapped < 0.1)[there].float().mean()),
            "pairs_told_apart": right / max(count, 1), "pairs_in_one_place": joined / max(count, 1),
            "pairs": count}  # fmt: skip


@torch.inference_mode()
def score_set(net: Decoder, data: Set) -> dict[str, float]:
    """Score synthetic pictures, also by whether the facing was seen right: within a quarter turn."""
    told = [net(chunk.float()) for chunk in data.features.split(64)]
    at = torch.cat([places(t)[0] for t in told])
    scale = torch.tensor([0.75, 1.0])
    there, ones = data.state == VISIBLE, torch.ones(len(at))
    facing = torch.cat([t.facing for t in told]).argmax(1)
    off = (facing - data.facing).remainder(N_FACING)
    turned = torch.minimum(off, N_FACING - off) > N_FACING // 4
    out = score(at * scale, data.xy * scale, there, ones)
    out["facing_wrong"] = float(turned.float().mean())
    for name, rows in (("facing_right", ~turned), ("facing_wrong", turned)):
        part = score(at[rows] * scale, data.xy[rows] * scale, there[rows], ones[rows])
        out[f"told_apart_where_{name}"] = part["pairs_told_apart"]
    return out


@torch.inference_mode()
def score_video(
    net: Decoder, backbone: Backbone, video: Path, *, frames: int
) -> tuple[dict[str, float], list[np.ndarray]]:
    """Score some frames of a video against MediaPipe, and draw a few."""
    source = MediaPipePose()
    found: list[tuple[np.ndarray, Keypoints2D]] = []
    total = VideoFile(video).expected_frames or 300
    try:
        for i, frame in enumerate(VideoFile(video)):
            if i % max(1, total // frames) == 0 and len((points := source(frame)).xy):
                found.append((frame.image, points))
    finally:
        source.close()
    index = [BLAZEPOSE_33.index(name) for name in POINTS.values()]
    results, pictures = [], []
    for image, points in found:
        xy, sure = points.xy[0][index], points.score[0][index]
        if (sure > 0.5).sum() < 8:
            continue
        crop, corner, scale = cut_out(image, xy[sure > 0.3])
        told = net(backbone(torch.as_tensor(crop).movedim(2, 0)[None]).float())
        at = places(told)[0][0] * torch.tensor([crop.shape[1], crop.shape[0]])
        true = torch.as_tensor((xy - corner) * scale).float()
        results.append((at, true, torch.as_tensor(sure > 0.5), float(crop.shape[0]) / 1.25))
        pictures.append(draw(crop, at.numpy()))
    if not results:
        return {"frames": 0}, []
    at, true, there = (torch.stack(column) for column in list(zip(*results, strict=True))[:3])
    out = score(at, true, there, torch.tensor([r[3] for r in results]))
    return {"frames": len(results), **out}, pictures[:: max(1, len(pictures) // 8)][:8]


def cut_out(image: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the part of a picture around points, 256x192, its corner and its scale."""
    low, high = xy.min(0), xy.max(0)
    middle = (low + high) / 2
    tall = max(high[1] - low[1], (high[0] - low[0]) * 4 / 3) * 1.25
    corner, scale = middle - np.array([tall * 0.375, tall / 2]), 256 / tall
    warp = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    return cv2.warpAffine(image, warp, (192, 256), flags=cv2.INTER_AREA), corner, scale


def draw(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Draw the limbs: right red, left blue."""
    out = np.ascontiguousarray(image).copy()
    for side, colour in (("r", (230, 40, 40)), ("l", (50, 90, 255))):
        for chain in (("humerus", "ulna", "hand"), ("humerus", "femur", "tibia", "talus")):
            path = [at[NAMES.index(f"joint_{name}_{side}")] for name in chain]
            for a, b in pairwise(path):
                cv2.line(out, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), colour, 2, cv2.LINE_AA)
    return out


def main() -> None:
    """Train, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--backbone", type=Path, required=True, help="DINOv2 ViT-S/14, safetensors, names as in timm")
    parser.add_argument("--videos", type=Path, nargs="*", default=[])
    parser.add_argument("--frames", type=int, default=60, help="scored of each video")
    parser.add_argument("--minutes", type=float, default=30, help="processor time of one core")
    parser.add_argument("--most", type=int, default=6000, help="pictures to read")
    parser.add_argument("--held-out", type=int, default=300, help="of these, the last are for scoring")
    parser.add_argument("--alone", action="store_true", help="the decoder's patches do not ask each other")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    about = next(path for path in (args.data / "manifest.json", args.data / "units" / "about.json") if path.is_file())
    names = tuple(json.loads(about.read_text())["landmarks"])
    backbone = Backbone(args.backbone)
    data = read(args.data, backbone, names, most=args.most)
    rows, held = torch.arange(len(data.xy)), 2 * args.held_out
    net = fit(data.pick(rows[:-held]), minutes=args.minutes, whole=not args.alone)
    scores = {"pictures": len(rows) // 2, "synthetic": score_set(net, data.pick(rows[-held:]))}
    sheet = []
    for video in args.videos:
        scores[video.stem], pictures = score_video(net, backbone, video, frames=args.frames)
        if pictures:
            blank = [np.zeros_like(pictures[0])] * (8 - len(pictures))
            sheet.append(np.hstack([*pictures, *blank]))
    (args.out / "scores.json").write_text(json.dumps(scores, indent=1))
    if sheet:
        Image.fromarray(np.vstack(sheet)).save(args.out / "overlay.png")
    torch.save(net.state_dict(), args.out / "decoder.pt")
    log.info("%s", json.dumps(scores, indent=1))


if __name__ == "__main__":
    main()
