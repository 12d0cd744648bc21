"""Lifting on the CPU, in frames/s: the lifter, the lifter and the fit, and single frames fitted without a network.

Keypoints are those of simulated walking. Times are of the clock on the wall: keep the machine quiet. Run by
`make bench`, or: python benchmarks/bench_lift.py [--frames 1800] [--threads 2]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.bench_refine import CAMERA as FILMED_BY
from benchmarks.bench_refine import make_clip
from benchmarks.held_out import CAMERA, Poses, fit_alone
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import N_DOFS
from skelvid.motion.lift import Lifter
from skelvid.motion.lift_input import SLOTS
from skelvid.motion.refine import refine

FEW = 60  # frames for what is slow


def frames_per_s(work: Callable[[KeypointTrack], object], track: KeypointTrack) -> float:
    """Return the better of two runs."""
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        work(track)
        taken.append(time.perf_counter() - start)
    return len(track) / min(taken)


def walker(lifter: Lifter, frames: int) -> KeypointTrack:
    """Return the lifter's own points of somebody walking, as the camera of `benchmarks.held_out` sees them."""
    _, track, _ = make_clip(lifter.body, frames, np.random.default_rng(0))
    points = track.keypoints.pick(SLOTS)
    rays = (points.xy - np.array(FILMED_BY.center_px)) / FILMED_BY.focal_px
    xy = rays * CAMERA.focal_px + np.array(CAMERA.center_px)
    return KeypointTrack(0, track.time_s, Keypoints2D(xy, points.score, SLOTS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1800)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    lifter, single = Lifter.load(), Lifter.load(mirror=False)
    track = walker(lifter, args.frames)
    few = KeypointTrack(0, track.time_s[:FEW], track.keypoints[:FEW])
    poses = Poses(np.zeros(N_DOFS), np.full(N_DOFS, 0.4))
    speed = {
        "lifter": frames_per_s(lambda t: lifter(t, CAMERA), track),
        "lifter, not in the mirror too": frames_per_s(lambda t: single(t, CAMERA), track),
        "lifter + fit": frames_per_s(lambda t: refine(lifter.body, lifter(t, CAMERA), t), track),
        "single frames fitted, no network": frames_per_s(lambda t: fit_alone(lifter.body, poses, t), few),
    }
    table = Table(f"{args.frames} frames of 33 keypoints, {args.threads} threads", "frames/s", "times the last")
    for name, value in speed.items():
        table.add_row(name, f"{value:.0f}", f"{value / speed['single frames fitted, no network']:.0f}x")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
