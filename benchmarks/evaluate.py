"""Joint angles of real videos beside their reference: `python -m benchmarks.evaluate --data DIR [--weights FILE]`.

Prints a table for each clip. `--only lifter --clips squat walk_ts` is quick; `--plots DIR` draws all curves over the
reference; `--write` puts the tables into `docs/evaluation.md`. Keypoints are detected once and kept in a cache.
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.curves import draw
from benchmarks.estimators import estimators
from benchmarks.real_clips import RealClip, data_folder, look, real_clips
from benchmarks.scores import LEGS, OTHERS, Scores, best_shift, score
from skelvid.datatypes.motion import JointAngles
from skelvid.errors import SkelvidError

PAGE = Path(__file__).parents[1] / "docs" / "evaluation.md"
# Angles of both sides share a column.
COLUMNS = {
    "hip flexion": ("hip_flexion_r", "hip_flexion_l"),
    "hip adduction": ("hip_adduction_r", "hip_adduction_l"),
    "hip rotation": ("hip_rotation_r", "hip_rotation_l"),
    "knee": ("knee_angle_r", "knee_angle_l"),
    "ankle": ("ankle_angle_r", "ankle_angle_l"),
    "pelvis tilt": ("pelvis_tilt",),
    "pelvis list": ("pelvis_list",),
    "lumbar extension": ("trunk_extension",),
    "lumbar bending": ("trunk_bending",),
    "lumbar rotation": ("trunk_rotation",),
}
assert {name for names in COLUMNS.values() for name in names} == {*LEGS, *OTHERS}
Estimates = dict[str, JointAngles]


def estimate_all(
    clip: RealClip, weights: Path | None, *, cache: Path, only: Sequence[str]
) -> tuple[Estimates, dict[str, str]]:
    """Return what each estimator says of a clip, and why the others say nothing."""
    seen = look(clip, cache)
    estimates = {name: read() for name, read in clip.published.items()}
    failed: dict[str, str] = {}
    for name, estimator in estimators(weights).items():
        if only and name not in only:
            continue
        try:
            estimates[name] = estimator(clip, seen)
        except SkelvidError as error:
            failed[name] = str(error)
    return estimates, failed


@dataclass(frozen=True)
class Row:
    """Scores of an estimate at its own clock, at that of the pixels (None: not told, or not its clock), at the best."""

    own: Scores
    pixels: Scores | None
    best: Scores


def rows(clip: RealClip, estimates: Estimates, truth: JointAngles) -> dict[str, Row]:
    """Return the scores of each estimate; what others published has a time of its own."""
    out = {}
    for name, angles in estimates.items():
        told = clip.clock_s is not None and name not in clip.published
        pixels = score(angles, truth, shift_s=clip.clock_s or 0.0) if told else None
        out[name] = Row(score(angles, truth), pixels, best_shift(angles, truth))
    return out


def cells(scores: Scores) -> list[str]:
    """Return raw and offset-removed errors of each column, deg; a dash where nothing is told."""
    out = []
    for names in COLUMNS.values():
        told = [name for name in names if name in scores.raw]
        pair = [sum(errors[n] for n in told) / len(told) for errors in (scores.raw, scores.free)] if told else []
        out.append(" / ".join(f"{value:.1f}" for value in pair) or "-")
    return out


HEAD = ("method", "legs", "legs, pixels' clock", "legs, best clock", "shift ms", *COLUMNS)


def lines(scored: dict[str, Row]) -> Iterable[list[str]]:
    """Yield the rows of a clip's table; the angles are at the pixels' clock where it is told."""
    for name, row in scored.items():
        told = sum(leg in row.own.raw for leg in LEGS)
        note = "" if told == len(LEGS) else f" ({told} angles)"
        legs = ["-" if s is None else f"{s.legs('raw'):.1f} / {s.legs('free'):.1f}" for s in vars(row).values()]
        yield [name + note, *legs, f"{1000 * row.best.shift_s:+.0f}", *cells(row.pixels or row.own)]


def markdown(clip: RealClip, scored: dict[str, Row]) -> str:
    """Return the table of a clip for the page."""
    title = f"**{clip.name}**, against {clip.reference}, {next(iter(scored.values())).own.frames} frames"
    if clip.clock_s is not None:
        title += f", clock of the pixels {1000 * clip.clock_s:+.0f} ms"
    return f"{title}\n\n{markdown_table(list(HEAD), list(lines(scored)))}\n"


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table as the page has them."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def write_part(name: str, text: str, command: str) -> None:
    """Replace a measured part of the page, and date it."""
    start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    before, rest = PAGE.read_text().split(start)
    made = f"Measured on {date.today()} by `{command}`."
    PAGE.write_text(f"{before}{start}\n{made}\n\n{text.strip()}\n{end}{rest.split(end)[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the reference clips; else SKELVID_DATA")
    parser.add_argument("--weights", type=Path, help="a lifter's checkpoint; else the one that ships")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    parser.add_argument("--clips", nargs="*", default=[], help="only these clips")
    parser.add_argument("--only", nargs="*", default=[], help="only these of the table of estimators")
    parser.add_argument("--plots", type=Path, help="folder for a drawing of each clip")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/evaluation.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    console, tables = Console(width=230), []
    try:
        clips = real_clips(data_folder(args.data))
        for clip in [c for c in clips if not args.clips or c.name in args.clips]:
            begin = time.monotonic()
            truth = clip.truth()
            estimates, failed = estimate_all(clip, args.weights, cache=args.cache, only=args.only)
            scored = rows(clip, estimates, truth)
            table = Table(*HEAD, title=f"{clip.name}: mean absolute error, deg, raw / offset removed")
            for row in lines(scored):
                table.add_row(*row)
            console.print(table)
            for name, why in failed.items():
                console.print(f"{name}: {why}")
            console.print(f"{time.monotonic() - begin:.0f} s")
            tables.append(markdown(clip, scored))
            if args.plots:
                draw(clip, truth, estimates, args.plots / f"{clip.name}.png")
    except SkelvidError as error:
        sys.exit(f"error: {error}")
    if args.write:
        write_part("measured", "\n".join(tables), "make eval")


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main()
