"""How good upgraded motion is: a data set of sequences beside the SMPL motion it was made of.

`python -m benchmarks.upgraded SET --source DIR --models DIR --picture worst.png` prints the table of docs/upgrade.md.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from PIL import Image

from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import look_at
from skelvid.upgrade.models import SmplModel, find_model, load_model
from skelvid.upgrade.readers import read_sequence
from skelvid.upgrade.register import vertex_mix
from skelvid.upgrade.run import find_jobs
from skelvid.upgrade.sample import Sample
from skelvid.upgrade.sequence import SmplSequence
from skelvid.upgrade.shards import read_samples
from train.body.quality import winding_inside

EXPLODED_MM = 50.0  # no skin is so far off but by a fit that went astray
POSES, BONE_POINTS = 1000, 60  # that are looked at for what lies inside
SIZE_HW, VIEWS = (380, 300), ((0.5, 0.2, 1.0), (-1.0, 0.2, -0.3))
SOURCE, OURS, BONE = (0.35, 0.55, 0.85), (0.95, 0.6, 0.3), (0.93, 0.9, 0.8)


@dataclass(frozen=True)
class Judged:
    """One sequence, frame by frame: distance of skins, joints regressed from both, and what the set itself says."""

    sample: Sample
    source: SmplSequence
    model: SmplModel
    joint_mm: Float[ndarray, "t"]
    jitter_m_s2: tuple[float, float]

    @property
    def residual_mm(self) -> ndarray:
        """Mean distance of the skins."""
        return self.sample.labels["residual_mm"]


def source_mesh(source: SmplSequence, model: SmplModel, rows: slice) -> Float[ndarray, "t v 3"]:
    """Pose SMPL in its own world."""
    assert source.trans_m is not None
    skin, _ = model.pose(source.betas[None], source.rotvec[rows])
    turned = skin.double().numpy() + source.trans_m[rows, None]
    return turned @ source.to_axes.swapaxes(1, 2)


def params_of(sample: Sample, rows: slice) -> SkelParams:
    """Return what was fitted."""
    return SkelParams(sample.labels["q"][rows], sample.labels["betas"][None], sample.labels["trans_m"][rows])


def judge(sample: Sample, source: SmplSequence, body: SkelBody, model: SmplModel) -> Judged:
    """Compare the joints of SMPL, taken from its skin and from ours by its own regressor."""
    to_joints = model.regressor @ vertex_mix(body, model)
    theirs, ours = [], []
    for start in range(0, len(source), 64):
        rows = slice(start, start + 64)
        theirs.append(model.regressor @ source_mesh(source, model, rows))
        with torch.no_grad():
            skin = np.asarray(body(params_of(sample, rows).to_torch()).to_numpy().skin_m)
        ours.append(to_joints @ skin.astype(float))
    a, b = np.concatenate(theirs), np.concatenate(ours)
    rate = 1.0 / float(np.median(np.diff(sample.labels["time_s"])))
    jitter = [float(np.linalg.norm(np.diff(j, 2, axis=0), axis=-1).mean() * rate**2) for j in (a, b)]
    return Judged(sample, source, model, 1e3 * np.linalg.norm(a - b, axis=-1).mean(1), (jitter[0], jitter[1]))


def inside(judged: list[Judged], body: SkelBody) -> dict[str, float]:
    """Return which share of bones and joints lies inside SMPL's skin, over some frames spread over all sequences."""
    rng, found = np.random.default_rng(0), {"SKEL's bones": [], "SKEL's joints": [], "SMPL's joints": []}
    step = max(1, sum(len(one.source) for one in judged) // POSES)
    for one in judged:
        for row in range(0, len(one.source), step):
            rows = slice(row, row + 1)
            mesh = source_mesh(one.source, one.model, rows)[0]
            with torch.no_grad():
                posed = body(params_of(one.sample, rows).to_torch(), bones=True).to_numpy()
            bones = rng.choice(np.asarray(posed.bones_m)[0], BONE_POINTS, replace=False)
            _, theirs = one.model.pose(one.source.betas[None], one.source.rotvec[rows])
            assert one.source.trans_m is not None
            smpl = (theirs[0].numpy() + one.source.trans_m[row]) @ one.source.to_axes[0].T
            for name, points in zip(found, (bones, posed.joints_m[0], smpl), strict=True):
                found[name].append(winding_inside(points.astype(float), mesh, one.model.faces).mean())
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def table(judged: list[Judged]) -> Iterator[str]:
    """Give the lines of the table."""
    yield "| sequence | frames | skin, mm | worst frame | joints, mm | beyond limits, worst | shake | flagged |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for one in judged:
        labels, shake = one.sample.labels, one.jitter_m_s2[1] / one.jitter_m_s2[0]
        yield (
            f"| {one.sample.key} | {one.sample.frames} | {one.residual_mm.mean():.1f} | {one.residual_mm.max():.1f} | "
            f"{one.joint_mm.mean():.1f} | {labels['beyond_limits_deg'].max():.1f} | {shake:.2f} | "
            f"{int((labels['verdict'] > 0).sum())} |"
        )
    residual, joint = (np.concatenate([getattr(one, name) for one in judged]) for name in ("residual_mm", "joint_mm"))
    beyond, verdict = (
        np.concatenate([one.sample.labels[n] for one in judged]) for n in ("beyond_limits_deg", "verdict")
    )
    shake = np.divide(*np.sum([one.jitter_m_s2 for one in judged], axis=0)[::-1])
    yield (
        f"| all | {len(residual)} | {residual.mean():.1f} | {residual.max():.1f} | {joint.mean():.1f} | "
        f"{beyond.max():.1f} | {shake:.2f} | {int((verdict > 0).sum())} |"
    )
    yield f"\nframes off by more than {EXPLODED_MM:.0f} mm: {int((residual > EXPLODED_MM).sum())}; "
    yield f"more than 1 degree beyond a limit: {100 * (beyond > 1).mean():.1f} % of the frames"


def worst(judged: list[Judged], count: int = 5) -> list[tuple[Judged, int]]:
    """Return the frames whose skin is farthest off, no two within 20 frames of each other."""
    frames = [(one, i) for one in judged for i in range(len(one.residual_mm))]
    chosen: list[tuple[Judged, int]] = []
    for one, i in sorted(frames, key=lambda pair: -pair[0].residual_mm[pair[1]]):
        if all(one is not other or abs(i - j) > 20 for other, j in chosen):
            chosen.append((one, i))
        if len(chosen) == count:
            break
    return chosen


def draw(one: Judged, row: int, body: SkelBody) -> ndarray:
    """Draw a frame from two sides: the source, our skin, our bones in the source."""
    rows = slice(row, row + 1)
    theirs = source_mesh(one.source, one.model, rows)[0]
    with torch.no_grad():
        posed = body(params_of(one.sample, rows).to_torch(), bones=True).to_numpy()
    assets = body.assets
    assert assets.bones is not None
    skin, bones = (np.asarray(v, dtype=float)[0] for v in (posed.skin_m, posed.bones_m))
    size = max(float(np.ptp(theirs, axis=0).max()) * 1.15, 1.2)
    tiles = []
    for side in VIEWS:
        view = look_at(theirs.mean(0), side, height_m=size, size_hw=SIZE_HW)
        for meshes in (
            [Mesh(theirs, one.model.faces, SOURCE)],
            [Mesh(skin, assets.skin_faces, OURS)],
            [Mesh(bones, assets.bones.faces, BONE), Mesh(theirs, one.model.faces, SOURCE, 0.25)],
        ):
            tiles.append(np.asarray(render(meshes, view))[..., :3])
    return np.concatenate(tiles, axis=1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("--source", type=Path, required=True, help="folder of the SMPL motion")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="where to draw the worst five frames")
    args = parser.parse_args()
    body = load_body("open-neutral")
    jobs = {job.unit: job for job in find_jobs([args.source])[0]}
    judged: list[Judged] = []
    for sample in read_samples(args.set):
        job = jobs[sample.key]
        model = load_model(find_model(args.models, job.entry.kind, job.entry.sex), job.entry.kind, job.entry.sex)
        judged.append(judge(sample, read_sequence(job.path, job.entry.name), body, model))
    print(*table(judged), sep="\n")
    print("; ".join(f"{name} inside: {100 * share:.1f} %" for name, share in inside(judged, body).items()))
    if args.picture:
        rows = worst(judged)
        print("worst:", ", ".join(f"{one.sample.key} {i} ({one.residual_mm[i]:.1f} mm)" for one, i in rows))
        Image.fromarray(np.concatenate([draw(one, i, body) for one, i in rows])).save(args.picture)


if __name__ == "__main__":
    main()
