"""What standing still at first is worth (`--neutral`): `python -m benchmarks.neutral --library DIR ... --data DIR`.

Films that begin with somebody standing, simulated ones of held-out people and real ones: errors of the angles as they
are, and counted from how the person stood, both in the estimate and in the truth. `--write` puts the table into
`docs/evaluation.md`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from benchmarks.estimators import run
from benchmarks.evaluate import COLUMNS, markdown_table, write_part
from benchmarks.held_out import CAMERA, errors_of, tracks_of
from benchmarks.real_clips import data_folder, look, real_clips
from benchmarks.scores import LEGS, errors_deg
from skelvid.body.dofs import DOF_INDEX
from skelvid.config import RunConfig
from skelvid.motion.lift import Lifter
from skelvid.motion.refine import refine
from train.lift.library import Library, load_library
from train.lift.offsets import offset_m
from train.lift.scene import Film, Scenes

STANDING_S = 0.5
# Who moves hips or knees more, bends them further or tilts the pelvis further, deg, does not stand still and upright.
STILL_DEG, STRAIGHT_DEG = 3.0, 25.0
# Who stands all the time tells nothing.
MOVING_DEG = 20.0
WAYS = ("as it is", "from standing")
FRAMES, DRAWN_AT_ONCE, MOST_DRAWN = 120, 40, 2000
NAMES = [*LEGS, "pelvis_tilt"]
BEND = [i for i, name in enumerate(NAMES) if "flexion" in name or "knee" in name]
SHOWN = [name for name in COLUMNS if set(COLUMNS[name]) <= set(NAMES)]


def begins_standing(angles_deg: Float[ndarray, "t 11"], time_s: Float[ndarray, "t"]) -> bool:
    """Say whether somebody with these angles (`NAMES`) stands upright and still at first, and then moves."""
    first, later = angles_deg[time_s <= STANDING_S], angles_deg[time_s > STANDING_S]
    if len(first) < 2 or len(later) < 2:
        return False
    still = np.ptp(first[:, BEND], axis=0).max() < STILL_DEG
    upright = np.abs(first[:, [*BEND, NAMES.index("pelvis_tilt")]]).max() < STRAIGHT_DEG
    return bool(still and upright and np.ptp(later[:, BEND], axis=0).max() > MOVING_DEG)


def both_ways(errors: Float[ndarray, "t 11"], time_s: Float[ndarray, "t"]) -> Float[ndarray, "2 11"]:
    """Return mean absolute errors after the standing, as they are and counted from it."""
    first = time_s <= STANDING_S
    from_standing = errors - np.median(errors[first], axis=0)
    return np.abs(np.stack([errors[~first], from_standing[~first]])).mean(1)


def simulated(library: Library, lifter: Lifter, windows: int) -> Iterator[Float[ndarray, "2 11"]]:
    """Yield the errors of windows of held-out people, lifted and fitted."""
    dofs = [DOF_INDEX[name] for name in NAMES]
    scenes, chance = Scenes(lifter.body, library, offset_m, vary=False), torch.Generator().manual_seed(0)
    found = 0
    for _ in range(MOST_DRAWN // DRAWN_AT_ONCE):
        film = scenes.film(DRAWN_AT_ONCE, FRAMES, chance)
        for i, track in enumerate(tracks_of(film)):
            if found == windows or not _stands(film, i, dofs):
                continue
            motion = lifter(track, CAMERA)
            errors = errors_of(lifter.body, refine(lifter.body, motion, track), film, i).angles_deg[:, dofs]
            time_s = (track.time_s - track.time_s[0])[motion.visible & film.truth.inside[i].numpy()]
            if (time_s <= STANDING_S).any():
                found += 1
                yield both_ways(errors, time_s)


def _stands(film: Film, i: int, dofs: list[int]) -> bool:
    inside = film.truth.inside[i]
    time_s = film.time_s[i][inside].double().numpy()
    return begins_standing(np.degrees(film.truth.q[i][inside][:, dofs].double().numpy()), time_s - time_s[0])


def real(data: Path, cache: Path, lifter: Lifter) -> Iterator[tuple[str, Float[ndarray, "2 11"]]]:
    """Yield the errors of the real clips that begin with somebody standing, as `skelvid run` tells them."""
    for clip in real_clips(data):
        estimate, truth = run(lifter, RunConfig(), clip, look(clip, cache)), clip.truth()
        errors, told = errors_deg(estimate, truth, NAMES, shift_s=clip.clock_s or 0.0)
        time_s = estimate.time_s[told] - estimate.time_s[told][0]
        if begins_standing(np.degrees(np.column_stack([estimate[name][told] for name in NAMES])), time_s):
            yield clip.name, both_ways(errors[told], time_s)


def row(name: str, way: str, errors: Float[ndarray, "11"]) -> list[str]:
    """Return a row of the table: legs, then each angle of both sides."""
    of = dict(zip(NAMES, errors, strict=True))
    parts = [LEGS, *(COLUMNS[column] for column in SHOWN)]
    return [name, way, *(f"{np.mean([of[angle] for angle in part]):.1f}" for part in parts)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", nargs="+", type=Path, required=True, help="motion libraries (train.motion)")
    parser.add_argument("--data", type=Path, help="folder with the reference clips; else SKELVID_DATA")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--write", action="store_true", help="write the table into docs/evaluation.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    lifter, library = Lifter.load(), load_library(args.library, split="val", shares=[1.0] * len(args.library))
    long_enough = library.frames / library.fps > 2 * STANDING_S
    errors = list(simulated(replace(library, weight=library.weight * long_enough), lifter, args.windows))
    rows = {f"{len(errors)} simulated films": np.mean(errors, axis=0)}
    rows |= dict(real(data_folder(args.data), args.cache, lifter))
    table = [row(name, way, e) for name, both in rows.items() for way, e in zip(WAYS, both, strict=True)]
    head = ["film", "angles", "legs", *SHOWN]
    text = markdown_table(head, table)
    print(text)
    if args.write:
        write_part("neutral", text, "benchmarks.neutral")


if __name__ == "__main__":
    main()
