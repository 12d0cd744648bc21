"""Our own motions and pictures as SMPL data, by the open stand-in: `skelvid upgrade` can be tried without a licence.

`python -m train.body.smpl_data --out SMPL/ --library DIR --clips 20 --pictures DATASET` writes
SMPL/motions/PERSON/CLIP.npz, each of another shape, and SMPL/pictures/000000.tar: pictures in the training format, as
4D-Humans lays them out.
The models are those of `python -m train.body.stand_in`.
"""

import argparse
import io
import json
import pickle
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from skelvid.body.keypoints import keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_BETAS, SkelParams
from skelvid.upgrade.placed import LIMBS, straight_at
from skelvid.upgrade.read_hmr import KEYPOINT_ROWS, N_KEYPOINTS, SCALE_PX
from skelvid.upgrade.readers import PLAIN_FORMAT
from skelvid.upgrade.sample import PICTURES, Sample
from skelvid.upgrade.shards import read_manifest, read_samples
from train.body.stand_in import StandIn, make_stand_in, smpl_pose
from train.command import run

RATE_HZ, MOST_FRAMES = 30.0, 360
# Balls of SMPL turn where knees and elbows do not; and what people set by hand is off by this share of the person.
LOOSE_DEG, KEYPOINT_SD = 3.0, 0.01


def read_clip(library: Path, row: Mapping[str, Any], seed: int) -> SkelParams:
    """Return the beginning of a clip of a motion library at about `RATE_HZ`, on a body of a shape of its own."""
    with np.load(library / row["file"], allow_pickle=False) as clip:
        step = max(1, round(float(row["fps"]) / RATE_HZ))
        q, trans = (clip[name][::step][:MOST_FRAMES].astype(float) for name in ("q", "trans_m"))
    betas = np.random.default_rng(seed).normal(size=(1, N_BETAS)).clip(-2, 2)
    return SkelParams(q, betas, trans)


def as_smpl(body: SkelBody, stand_in: StandIn, params: SkelParams, *, seed: int, person: str) -> dict[str, Any]:
    """Return a clip in the plain form that `skelvid upgrade` reads."""
    pose, betas, trans = smpl_pose(body, stand_in, params, loose_deg=LOOSE_DEG, seed=seed)
    about = {"format": PLAIN_FORMAT, "kind": "smpl", "sex": "neutral", "axes": "y_up", "identity": person}
    return about | {"poses": pose, "betas": betas, "trans_m": trans, "time_s": np.arange(len(pose)) / RATE_HZ}


def as_person(body: SkelBody, stand_in: StandIn, labels: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return the person of a picture in the training format as 4D-Humans tells people."""
    params = SkelParams(*(np.asarray(labels[name], dtype=float)[None] for name in ("q", "betas", "trans_m")))
    view = np.array([[labels["focal_px"], *labels["center_px"]]], dtype=float)
    box = np.asarray(labels["box_xyxy"], dtype=float)
    pose, betas, _ = smpl_pose(body, stand_in, params)
    root = straight_at(box[None], view)[0].T @ Rotation.from_rotvec(pose[0, :3]).as_matrix()
    size = box[2:] - box[:2]
    return {
        "body_pose": np.concatenate([Rotation.from_matrix(root).as_rotvec(), pose[0, 3:]]),
        "betas": betas,
        "has_body_pose": 1.0,
        "has_betas": 1.0,
        "center": (box[:2] + box[2:]) / 2,
        "scale": size / SCALE_PX,
        "keypoints_2d": _keypoints(body, params, view[0], labels["size_hw"], KEYPOINT_SD * size.max(), rng),
    }


def _keypoints(
    body: SkelBody, params: SkelParams, view: Float[ndarray, "3"], size_hw: Sequence[int], sd_px: float,
    rng: np.random.Generator,
) -> Float[ndarray, "44 3"]:  # fmt: skip
    """Return limbs as OpenPose counts them, as if set by hand; nothing of what lies outside of the picture."""
    with torch.no_grad():
        at = body.skin_points(params.to_torch(), keypoint_points(body, tuple(LIMBS)))[0].double().numpy()
    xy = at[:, :2] / at[:, 2:] * view[0] + view[1:] + rng.normal(0.0, sd_px, (len(at), 2))
    inside = (at[:, 2] > 0) & (xy > 0).all(1) & (xy < np.asarray(size_hw)[::-1]).all(1)
    out = np.zeros((N_KEYPOINTS, 3))
    for i in np.flatnonzero(inside):
        out[KEYPOINT_ROWS[tuple(LIMBS)[i]][0]] = *(xy[i] - 0.5), 1.0
    return out


def write_pictures(samples: Iterable[Sample], path: Path, body: SkelBody, stand_in: StandIn) -> list[str]:
    """Write a tar of pictures with one person each; return the keys."""
    rng, keys = np.random.default_rng(0), list[str]()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for sample in samples:
            suffix = next(kind for kind in PICTURES if kind in sample.files)
            people = pickle.dumps([as_person(body, stand_in, sample.labels, rng)])
            for end, data in ((suffix, sample.files[suffix]), ("data.pyd", people)):
                member = tarfile.TarInfo(f"{sample.key}.{end}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            keys.append(sample.key)
    return keys


def choose_clips(library: Path, count: int, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return rows of a library: those named, else some spread over it, of 2 s and more."""
    rows = sorted(json.loads((library / "index.json").read_text())["clips"], key=lambda row: row["name"])
    if names:
        return [row for row in rows if row["name"] in names]
    rows = [row for row in rows if row["seconds"] >= 2.0]
    return [rows[i] for i in np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def _spread(dataset: Path, most: int) -> Iterator[Sample]:
    """Give some pictures of a data set, spread over it."""
    step = max(1, read_manifest(dataset)["samples"] // most)
    return islice(islice((sample for sample in read_samples(dataset) if sample.files), 0, None, step), most)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--library", type=Path, help="motion library (`train.motion.build`)")
    parser.add_argument("--clips", type=int, default=20, help="so many, spread over the library")
    parser.add_argument("--names", nargs="+", default=(), help="or these")
    parser.add_argument("--pictures", type=Path, help="data set of pictures in the training format")
    parser.add_argument("--most", type=int, default=1000, help="of the pictures")
    args = parser.parse_args()
    body = load_body("open-neutral")
    stand_in = make_stand_in(body.assets)
    if args.library:
        for seed, row in enumerate(choose_clips(args.library, args.clips, args.names)):
            path = args.out / "motions" / row["person"] / f"{row['name']}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            clip = read_clip(args.library, row, seed)
            np.savez(path, **as_smpl(body, stand_in, clip, seed=seed, person=row["person"]))
    if args.pictures:
        write_pictures(_spread(args.pictures, args.most), args.out / "pictures" / "000000.tar", body, stand_in)


if __name__ == "__main__":
    run(main)
