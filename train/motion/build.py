"""Builds the motion library: `python -m train.motion.build --data DIR --out DIR`.

In: a folder of free motions (`sources.py`). Out: `clips/<name>.npz`, one SKEL motion of the open neutral body each,
`people/<person>.npz` with the shape and offsets of each person, and `index.json` with a row for every clip. What is
finished is not made again, unless the body or a table of ours has changed.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from skelvid.body.dofs import DOF_INDEX, DOF_NAMES
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.command import run
from train.motion.people import Person, measure_person
from train.motion.placing import height_of_person, on_floor
from train.motion.retarget import ACCELERATION, PRIOR, beyond_limits_rad, fit_clip, make_target, residuals_m
from train.motion.sources import Capture, ClipRef, Pose, find_clips
from train.motion.ties import TIES

VIOLATION_RAD = np.radians(3.0)
SEED = 0
# The arrays of a body that q, betas and the ties depend on.
POSED_BY = (
    "skin_template_m", "shapedirs_m", "skin_weight_joint", "skin_weight", "joint_weight_vertex", "joint_weight",
    "per_joint_rot", "apose_rel_transfo", "landmark_vertex", "landmark_weight",
)  # fmt: skip
FIT_EVERY = {"uiprmd": 2}  # smoothed at 10 Hz, sampled at 60


@dataclass(frozen=True)
class Job:
    """One clip to make: which, the library's folder, and the body (a name or a path)."""

    clip: ClipRef
    out: Path
    body: str

    @property
    def path(self) -> Path:
        """Where the clip goes."""
        return self.out / "clips" / f"{self.clip.name}.npz"


@dataclass(frozen=True)
class Result:
    """A clip's motion, how well it lies on the source (None for sources of angles), and what to say of it."""

    params: SkelParams
    fps: float
    residual_m: Float[ndarray, "t"] | None
    notes: dict[str, Any]


@lru_cache(maxsize=1)
def make_body(name: str) -> SkelBody:
    """Load the body once per process."""
    torch.set_num_threads(1)  # the arrays are small, and workers share the cores
    return load_body(name)


@lru_cache(maxsize=1)
def recipe_digest(body: str) -> str:
    """Identify what the library is made with: the body, but for its bones' looks and triangles, and our tables."""
    assets, digest = make_body(body).assets, hashlib.sha256(repr((TIES, PRIOR, ACCELERATION)).encode())
    for field in POSED_BY:
        digest.update(np.ascontiguousarray(getattr(assets, field)).tobytes())
    return digest.hexdigest()


def save(path: Path, **arrays: Any) -> None:
    """Write a compressed .npz in one stroke, so that an interrupted run leaves no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    part.replace(path)


def finished(path: Path, body: str) -> bool:
    """Say whether a file is there and was made with this body and our tables as they are."""
    if not path.is_file():
        return False
    with np.load(path, allow_pickle=False) as archive:
        return str(archive["recipe_sha256"]) == recipe_digest(body)


def make_person(jobs: Sequence[Job]) -> None:
    """Measure the person of some clips, all of one kind, and write the result."""
    clip, path = jobs[0].clip, _person_path(jobs[0])
    if finished(path, jobs[0].body):
        return
    captures = [capture for job in jobs if isinstance(capture := job.clip.read(), Capture)]
    person = measure_person(make_body(jobs[0].body), clip.kind, captures, SEED)
    save(path, betas=person.betas, offsets_m=person.offsets_m, recipe_sha256=recipe_digest(jobs[0].body))


def _person_path(job: Job) -> Path:
    return job.out / "people" / f"{job.clip.person}.npz"


def make_clip(job: Job) -> None:
    """Retarget one clip and write the result."""
    if finished(job.path, job.body):
        return
    body = make_body(job.body)
    source = job.clip.read()
    if isinstance(source, Pose):
        result = _from_pose(body, source)
    else:
        with np.load(_person_path(job), allow_pickle=False) as archive:
            person = Person(archive["betas"], archive["offsets_m"])
        result = _from_capture(body, source, job.clip.kind, person)
    write_clip(job.path, _about(job.clip), result, recipe_digest(job.body))


def write_clip(path: Path, about: Mapping[str, str], result: Result, recipe: str, **arrays: Any) -> None:
    """Write a clip with its summary: the common form of everything in the library.

    Args:
        path: Where to.
        about: name, source, person, split and licence.
        result: The motion.
        recipe: What it was made with, see `recipe_digest`.
        arrays: Further arrays, a row per frame.
    """
    q = result.params.q
    summary = {**about, "fps": result.fps, "frames": len(q), "seconds": round(len(q) / result.fps, 3)}
    summary |= _violations(q) | result.notes
    residual = np.full(len(q), np.nan) if result.residual_m is None else result.residual_m
    save(
        path,
        q=q.astype(np.float32),
        trans_m=result.params.trans_m.astype(np.float32),
        betas=result.params.betas.reshape(N_BETAS).astype(np.float32),
        time_s=np.arange(len(q)) / result.fps,
        fps=result.fps,
        residual_mm=(1000 * residual).astype(np.float32),
        recipe_sha256=recipe,
        **about,
        summary=json.dumps(summary),
        **arrays,
    )


def _about(clip: ClipRef) -> dict[str, str]:
    return {key: getattr(clip, key) for key in ("name", "source", "person", "split", "licence")}


def _from_capture(body: SkelBody, capture: Capture, kind: str, person: Person) -> Result:
    target = make_target(body, TIES[kind], capture, person.offsets_m)
    fitted = fit_clip(body, target, person.betas, capture.fps, every=FIT_EVERY.get(kind, 1))
    left = residuals_m(body, target, fitted)
    with torch.no_grad():
        shaking = [
            _shaking(points, capture.fps) for points in (body.skin_points(fitted, target.points), target.target_m)
        ]
    params, lifted_m = on_floor(body, fitted.to_numpy())
    by_tie = {tie.source: round(1000 * float(mean), 1) for tie, mean in zip(TIES[kind], left.mean(0), strict=True)}
    notes = {
        "residual_mean_mm": round(1000 * float(left.mean()), 2),
        "residual_p95_mm": round(1000 * float(np.percentile(left, 95)), 2),
        "residual_by_point_mm": by_tie,
        "acceleration_m_s2": [round(value, 2) for value in shaking],
        "lifted_m": round(lifted_m, 4),
        **_fastest(target.target_m.numpy(), capture.fps),
    }
    return Result(params, capture.fps, left.mean(1), notes)


def _from_pose(body: SkelBody, pose: Pose) -> Result:
    betas = height_of_person(body, pose)
    params = SkelParams(pose.q, betas[None], pose.trans_m)
    params, lifted_m = on_floor(body, params)
    return Result(params, pose.fps, None, {"lifted_m": round(lifted_m, 4), "unobserved": list(pose.unobserved)})


def _shaking(points_m: torch.Tensor, fps: float) -> float:
    """Return the mean acceleration of points over time, m/s^2: jitter shows in it first."""
    if len(points_m) < 3:
        return 0.0
    return float((points_m[2:] - 2 * points_m[1:-1] + points_m[:-2]).norm(dim=-1).mean() * fps**2)


def _fastest(points_m: Float[ndarray, "t k 3"], fps: float) -> dict[str, float]:
    """Say when a point of the source was fastest: beyond some 20 m/s it is no motion but a jump of the capture."""
    speed = np.linalg.norm(np.diff(points_m, axis=0), axis=2).max(1, initial=0.0) * fps
    at = int(speed.argmax()) if len(speed) else 0
    return {"source_fastest_m_s": round(float(speed.max(initial=0.0)), 1), "source_fastest_at_s": round(at / fps, 3)}


def _violations(q: Float[ndarray, "t 46"]) -> dict[str, Any]:
    beyond = beyond_limits_rad(q)
    worst = np.unravel_index(beyond.argmax(), beyond.shape)[1]
    knees = q[:, [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]]
    return {
        "violation_share": round(float((beyond > VIOLATION_RAD).mean()), 5),
        "violation_worst_deg": round(float(np.degrees(beyond.max())), 1),
        "violation_worst_dof": DOF_NAMES[worst] if beyond.max() > 0 else "",
        "knee_least_deg": round(float(np.degrees(knees.min())), 1),
    }


def write_index(out: Path, paths: Sequence[Path], recipe: str) -> list[dict]:
    """Collect the summaries of finished clips."""
    rows = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            rows.append({"file": str(path.relative_to(out)), **json.loads(str(archive["summary"]))})
    index = {"format": "skelvid-motion/1", "recipe_sha256": recipe, "clips": rows}
    (out / "index.json").write_text(json.dumps(index, indent=1))
    return rows


def build(jobs: Sequence[Job], *, only: str = "", workers: int = 1, track: Callable | None = None) -> list[dict]:
    """Make what is not finished, people first, then clips; returns the rows of the index.

    Args:
        jobs: All clips there are: people are measured on all of theirs.
        only: Make clips only whose names start so.
        workers: Processes; 1 works in this one.
        track: Wraps (iterable, description, total) to show progress.
    """
    show = track or (lambda items, **_: items)
    todo = [job for job in jobs if job.clip.name.startswith(only) and not finished(job.path, job.body)]
    needed = sorted({job.clip.person for job in todo if job.clip.kind != "angles"})
    people = [[job for job in jobs if job.clip.person == name] for name in needed]
    for description, function, items in (("people", make_person, people), ("clips", make_clip, todo)):
        for _ in show(_run(function, items, workers), description=description, total=len(items)):
            pass
    done = [job.path for job in jobs if finished(job.path, job.body)]
    return write_index(jobs[0].out, done, recipe_digest(jobs[0].body))


def _run(function: Callable, items: Sequence, workers: int) -> Iterator[None]:
    if workers <= 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(function, items)


def report(rows: Sequence[dict]) -> list[str]:
    """Say per source how much there is and how well it fits."""
    lines = []
    for source in sorted({row["source"] for row in rows}):
        mine = [row for row in rows if row["source"] == source]
        minutes = {s: sum(row["seconds"] for row in mine if row["split"] == s) / 60 for s in ("train", "val")}
        line = f"{source}: {len(mine)} clips, {minutes['train']:.1f} min train, {minutes['val']:.1f} min val"
        if residual := [row["residual_mean_mm"] for row in mine if "residual_mean_mm" in row]:
            line += f", residual mean {np.mean(residual):.1f} mm (worst clip {max(residual):.1f})"
        share = np.average([row["violation_share"] for row in mine], weights=[row["frames"] for row in mine])
        lines.append(f"{line}, {100 * share:.2f} % of angles more than 3 degrees outside their limits")
    return lines


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of free motions")
    parser.add_argument("--out", type=Path, required=True, help="folder of the library")
    parser.add_argument("--body", default="open-neutral", help="name or file of the body")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument(
        "--only", default="", help="make only clips whose name starts so, such as cmu or uiprmd_deepsquat"
    )
    args = parser.parse_args()
    jobs = [Job(clip, args.out, args.body) for clip in find_clips(args.data)]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        rows = build(jobs, only=args.only, workers=args.workers, track=progress.track)
        for line in report(rows):
            progress.console.print(line)


if __name__ == "__main__":
    run(main)
