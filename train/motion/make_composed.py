"""Writes composed motions in the form of the library: `python -m train.motion.make_composed --out DIR --clips N`.

Every clip is a person (shape and habits; four clips in a row share one) doing one task of the catalogue. The same seed
gives the same clips, whatever the number of workers.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress

from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from train.command import run
from train.motion.build import Result, recipe_digest, report, write_clip, write_index
from train.motion.compose import Take, perform
from train.motion.floor import FLOOR
from train.motion.gait_families import FAMILIES, compose_gait
from train.motion.score import Person, draw_person
from train.motion.steps import STEPS
from train.motion.tasks import TASKS as LEGS
from train.motion.upright import UPRIGHT

TASKS = LEGS | UPRIGHT | STEPS | FLOOR
# How often each is drawn: as much walking as all the rest.
_GAIT_SHARE = sum(share for _, share in TASKS.values()) / sum(family[-1] for family in FAMILIES.values())
SHARES = {name: share for name, (_, share) in TASKS.items()} | {
    f"gait_{name}": _GAIT_SHARE * family[-1] for name, family in FAMILIES.items()
}
FPS = 60.0
CLIPS_PER_PERSON = 4
LICENCE = "CC0"
BODY = "open-neutral"
ATTEMPTS, MOST_RAD_S2 = 20, 300.0  # jumping people reach 250


@dataclass(frozen=True)
class Order:
    """One clip to make: its number, what all clips of the run are drawn from, where to, and which tasks there are."""

    index: int
    seed: int
    out: Path
    tasks: tuple[str, ...]


@lru_cache(maxsize=1)
def _body() -> SkelBody:
    torch.set_num_threads(1)  # the arrays are small, and workers share the cores
    return load_body(BODY, dtype=torch.float64)


def make(order: Order) -> Path:
    """Compose one clip and write it."""
    person = draw_person(order.seed, order.index // CLIPS_PER_PERSON)
    for attempt in range(ATTEMPTS):
        task, take = _draw(order, person, attempt)
        # Gait is solved in closed form, which does not jump, and strikes the floor harder than this.
        if task not in TASKS or _hardest_turn(take) < MOST_RAD_S2:
            break
    else:
        raise RuntimeError(f"no clip {order.index} without jumps in {ATTEMPTS} attempts")
    name = f"composed_{task}_{order.seed}_{order.index:05d}"
    about = {"name": name, "source": "composed", "person": person.name, "split": person.split, "licence": LICENCE}
    path = order.out / "clips" / f"{name}.npz"
    result = Result(take.params, FPS, None, {"task": task})
    write_clip(path, about, result, recipe_digest(BODY), contact=take.contact)
    return path


def _draw(order: Order, person: Person, attempt: int) -> tuple[str, Take]:
    rng = np.random.default_rng([order.seed, 1, order.index, attempt])
    share = np.array([SHARES[name] for name in order.tasks])
    task = order.tasks[rng.choice(len(share), p=share / share.sum())]
    if task not in TASKS:
        return task, compose_gait(_body(), person, task.removeprefix("gait_"), rng)
    score = TASKS[task][0](person, rng)
    time_s = np.arange(0, score.now, 1 / FPS)
    return task, perform(_body(), person, score.sample(time_s), time_s, rng)


def _hardest_turn(take: Take) -> float:
    """Return the greatest angular acceleration, rad/s^2: where wishes contradict, the solver may jump."""
    return float(np.abs(np.diff(take.params.q, 2, axis=0)).max() * FPS**2)


def make_all(out: Path, clips: int, seed: int, workers: int, tasks: Sequence[str] = ()) -> list[dict]:
    """Compose clips and write their index; returns its rows."""
    orders = [Order(i, seed, out, tuple(tasks or SHARES)) for i in range(clips)]
    with Progress() as progress:
        if workers <= 1:
            paths = list(progress.track(map(make, orders), total=clips))
        else:
            with ProcessPoolExecutor(workers) as pool:
                paths = list(progress.track(pool.map(make, orders), total=clips))
        rows = write_index(out, paths, recipe_digest(BODY))
        for line in report(rows):
            progress.console.print(line)
    return rows


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--clips", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--tasks", nargs="*", default=(), choices=sorted(SHARES), help="only these")
    args = parser.parse_args()
    make_all(args.out, args.clips, args.seed, args.workers, args.tasks)


if __name__ == "__main__":
    run(main)
