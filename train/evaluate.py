"""How good regressor weights are: `python -m train.evaluate --weights FILE --synthetic DIR --coco DIR ... [--write]`.

Always the same measures, so that every training is judged alike: synthetic pictures of people, motions and places that
the training had nothing of; people in photographs labelled by hand (COCO); a teacher's points on photographs held out
by source; joint angles of two filmed people against marker motion capture. `--write` adds a row to the table in
`docs/regressor_training.md`; what is not given is left open there.
"""

import argparse
import json
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from scipy.special import erf
from torch import Tensor

from benchmarks.estimators import angles_of_motion
from benchmarks.real_clips import RealClip, data_folder, look, real_clips
from benchmarks.scores import score
from skelvid.body.dofs import DOFS
from skelvid.body.keypoints import COCO_17
from skelvid.body.load import load_body
from skelvid.datatypes.people import KeypointTrack
from skelvid.pipeline.regress import regress
from skelvid.regress.network import RegressNetwork
from skelvid.regress.output import POINTS
from skelvid.regress.regressor import Regressor, load_weights
from skelvid.video.reader import VideoFile
from skelvid.weights import network_path, sha256
from train.command import run
from train.detector.teacher import read
from train.export import held_out, measure
from train.regress.crops import collate
from train.regress.judge import Judged, dof_table, summary
from train.regress.losses import Anatomy
from train.regress.metrics import within
from train.regress.panels import panel
from train.regress.pictures import Picture
from train.regress.teacher import Photographs, Taught, as_picture

log = logging.getLogger(__name__)
PAGE = Path(__file__).parents[1] / "docs" / "regressor_training.md"
CLIPS = ("squat", "walk_ts")
# A person labelled by hand counts with so many points, and so high.
MIN_LABELLED, MIN_HEIGHT_PX = 8, 80
_BATCH = 25
HEAD = ("date", "weights", "synthetic set", "synthetic: PA-MPJPE, MPJPE mm", "legs, root deg", "PCK.05, swaps",
        "within 1 / 2 sigma", "COCO people: PCK.1 told / projected", "swaps",
        "teacher held out: PCK.1 told / projected", "swaps",
        *(f"{clip}: legs deg raw / free" for clip in CLIPS))  # fmt: skip


def coco_people(folder: Path) -> Iterator[Picture]:
    """Give the people of a folder of COCO photographs that are labelled by hand, with many points."""
    data = json.loads((folder / "person_keypoints.json").read_text())
    files = {image["id"]: image["file_name"] for image in data["images"]}
    for one in data["annotations"]:
        x, y, width, height = one["bbox"]
        if one["iscrowd"] or one["num_keypoints"] < MIN_LABELLED or height < MIN_HEIGHT_PX:
            continue
        told = dict(zip(COCO_17, np.reshape(one["keypoints"], (-1, 3)), strict=True))
        points = np.full((len(POINTS), 2), np.nan)
        hidden = np.zeros(len(POINTS), bool)
        for name, (px, py, seen) in told.items():
            if seen:
                points[POINTS.index(name)] = px + 0.5, py + 0.5
                hidden[POINTS.index(name)] = seen == 1
        box = np.array([x, y, x + width, y + height])
        yield as_picture(read(folder / files[one["image_id"]]), Taught(points, box), hidden=hidden)


def points_of_pictures(
    network: RegressNetwork, pictures: list[Picture], anatomy: Anatomy, sheet: Path | None
) -> Judged:
    """Return the errors of points in photographs; draw some of them."""
    backbone = network.backbone
    batches = [
        collate(pictures[i : i + _BATCH], backbone.size_hw, backbone.grid) for i in range(0, len(pictures), _BATCH)
    ]
    judged = measure(network, batches, anatomy)
    if sheet is not None:
        chosen = np.linspace(0, len(pictures) - 1, min(32, len(pictures))).astype(int)
        drawn = collate([pictures[i] for i in chosen], backbone.size_hw, backbone.grid)
        cv2.imwrite(str(sheet), panel(drawn, judged.projected_px[chosen].numpy())[..., ::-1])
    return judged


def clip_errors(regressor: Regressor, clip: RealClip, cache: Path, *, every: int) -> tuple[float, float]:
    """Return the mean absolute error of ten leg angles of every n-th frame, deg, as told and without the mean error."""
    seen = look(clip, cache)
    rows = slice(None, None, every)
    track = KeypointTrack(seen.track.person_id, seen.track.time_s[rows], seen.track.keypoints[rows])
    motion = regress(VideoFile(clip.video), track, seen.camera, regressor)
    scores = score(angles_of_motion(motion), clip.truth())
    return scores.legs("raw"), scores.legs("free")


def draw_calibration(error_rad: Float[Tensor, "n 46"], sigma_rad: Float[Tensor, "n 46"], path: Path) -> None:
    """Draw which share of the errors lies within so many standard deviations: of all, and of each degree of freedom."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sigmas = np.linspace(0.0, 3.0, 31)
    inside = np.stack([within(error_rad, sigma_rad, sigmas=float(n)).numpy() for n in sigmas])
    figure, (curve, bars) = plt.subplots(1, 2, figsize=(12, 4.2), width_ratios=(1, 2.4), layout="constrained")
    curve.plot(sigmas, erf(sigmas / np.sqrt(2.0)), "k--", label="normal distribution")
    curve.plot(sigmas, inside.mean(1), "C0", label="mean of all degrees of freedom")
    curve.fill_between(sigmas, *np.quantile(inside, (0.1, 0.9), axis=1), alpha=0.25, label="80 % of them")
    curve.set(xlabel="standard deviations", ylabel="share of errors within", xlim=(0, 3), ylim=(0, 1))
    curve.legend(loc="lower right", fontsize=8)
    bars.bar(np.arange(len(DOFS)), within(error_rad, sigma_rad).numpy(), color="C0")
    bars.axhspan(0.60, 0.76, color="C2", alpha=0.2)
    bars.axhline(0.683, color="k", linestyle="--", linewidth=1)
    bars.set_xticks(np.arange(len(DOFS)), [dof.name for dof in DOFS], rotation=90, fontsize=7)
    bars.set(ylabel="share of errors within one", ylim=(0, 1), xlim=(-0.7, len(DOFS) - 0.3))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def row(
    name: str, pictures: str, results: dict[str, dict[str, float]], clips: dict[str, tuple[float, float]]
) -> list[str]:
    """Return the cells of one row of the table; `pictures` names the synthetic set."""

    def cell(of: str, names: tuple[str, ...], form: str) -> str:
        told = results.get(of)
        return "-" if told is None else " / ".join(form.format(told[n]) for n in names)

    points = [
        cell(of, names, "{:.3f}") for of in ("coco", "teacher")
        for names in (("pck0.1_told", "pck0.1_projected"), ("swaps_told", "swaps_projected"))
    ]  # fmt: skip
    return [
        str(date.today()), name, pictures, cell("synthetic", ("pa_mpjpe_mm", "mpjpe_mm"), "{:.0f}"),
        cell("synthetic", ("legs_deg", "root_deg"), "{:.1f}"),
        cell("synthetic", ("pck0.05_projected", "swaps_projected"), "{:.3f}"),
        cell("synthetic", ("within_1_sigma", "within_2_sigma"), "{:.3f}"), *points,
        *(" / ".join(f"{v:.1f}" for v in clips[c]) if c in clips else "-" for c in CLIPS),
    ]  # fmt: skip


def write_row(cells: list[str], page: Path = PAGE) -> None:
    """Add a row to the table of the page; earlier rows stay."""
    before, rest = page.read_text().split("<!-- history -->\n")
    table, after = rest.split("<!-- end history -->")
    if not table.strip():
        table = f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}\n"
    line = f"| {' | '.join(cells)} |\n"
    page.write_text(f"{before}<!-- history -->\n{table}{line}<!-- end history -->{after}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="regressor", help="the file, or the name of what ships")
    parser.add_argument("--name", help="what to call it in the table; else the start of the file's SHA-256")
    parser.add_argument("--synthetic", type=Path, help="held-out data set in the training format")
    parser.add_argument("--most", type=int, default=2000, help="pictures of it")
    parser.add_argument("--coco", type=Path, help="folder with person_keypoints.json and its photographs")
    parser.add_argument("--taught", type=Path, help="folder that train.regress.teacher --held-out wrote")
    parser.add_argument("--clips", type=Path, help="folder of reference clips, see benchmarks.evaluate")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints of the clips are kept")
    parser.add_argument("--every", type=int, default=4, help="look at every n-th frame of the clips")
    parser.add_argument("--sheets", type=Path, help="folder for drawings of the photographs")
    parser.add_argument("--write", action="store_true", help="add a row to docs/regressor_training.md")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    weights, anatomy = load_weights(args.weights), Anatomy.of(load_body("open-neutral"))
    network, results = weights.network, {}
    if args.sheets:
        args.sheets.mkdir(parents=True, exist_ok=True)
    if args.synthetic:
        judged = measure(network, held_out(args.synthetic, network, most=args.most), anatomy)
        sigma = judged.sigma_rad * weights.sigma_scale
        inside = {f"within_{n}_sigma": float(within(judged.error_rad, sigma, sigmas=n).mean()) for n in (1, 2)}
        results["synthetic"] = summary(judged) | inside
        log.info("%s", "\n".join(f"{k}: {v[0]:.1f} deg" for k, v in dof_table(judged).items()))
        if args.sheets:
            draw_calibration(judged.error_rad, sigma, args.sheets / "calibration.png")
    photographs = {"coco": list(coco_people(args.coco))} if args.coco else {}
    if args.taught:
        kept = Photographs(args.taught)
        photographs["teacher"] = [kept[i] for i in range(len(kept))]
    for kind, pictures in photographs.items():
        sheet = args.sheets / f"{kind}.png" if args.sheets else None
        results[kind] = summary(points_of_pictures(network, pictures, anatomy, sheet)) | {"people": len(pictures)}
    clips: dict[str, tuple[float, float]] = {}
    if args.clips:
        regressor = Regressor.load(args.weights)
        for clip in real_clips(data_folder(args.clips)):
            if clip.name in CLIPS:
                clips[clip.name] = clip_errors(regressor, clip, args.cache, every=args.every)
    log.info("%s", json.dumps(results | {"clips": clips}, indent=1))
    pictures = sha256(args.synthetic / "manifest.json")[:8] if args.synthetic else "-"
    cells = row(args.name or sha256(network_path(args.weights))[:8], pictures, results, clips)
    log.info("| %s |\n| %s |", " | ".join(HEAD), " | ".join(cells))
    if args.write:
        write_row(cells)


if __name__ == "__main__":
    run(main)
