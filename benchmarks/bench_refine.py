"""Fitting a clip to keypoints on CPU: ours beside L-BFGS and Adam through autograd on the same cost, in one process.

The rivals run until their cost is within 1 % of ours, or the time is up; all times are CPU time. Run by `make bench`,
or: python benchmarks/bench_refine.py [--frames 300 800] [--limit 60]
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter1d

from skelvid.body.clip_solver import derivative_stencil
from skelvid.body.dofs import DOF_INDEX, limits_rad
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.geometry.camera import project
from skelvid.motion.clip_cost import BETAS, LIMIT_SIGMA_RAD, OFFSETS, ClipCost, RefineOptions
from skelvid.motion.refine import compile_clip, fit_clip, refine
from skelvid.motion.reproject import NEAREST_M, frame_time_s

CAMERA = Camera(1344.0, (540.0, 960.0), (1920, 1080))
OPTIONS = RefineOptions(static_camera=False)  # planted feet are left out: one more thing to write for autograd


def slow_noise(rng: np.random.Generator, frames: int, width: int) -> np.ndarray:
    noise = gaussian_filter1d(rng.normal(size=(frames + 200, width)), 12, axis=0)[100:-100]
    return noise / noise.std(0)


def make_clip(body: SkelBody, frames: int, rng: np.random.Generator) -> tuple[Motion, KeypointTrack, np.ndarray]:
    """A walker on the spot at 60 Hz, the same with slow errors of 5 degrees, and what a camera sees, 12 mm off."""
    time_s = np.arange(frames) / 60
    swing = 0.2 * np.sin(2 * np.pi * 0.9 * time_s[:, None] + rng.uniform(0, 2 * np.pi, N_DOFS))
    swing[:, DOF_INDEX["pelvis_tilt"]] += np.pi
    trans = np.stack([0.2 * np.sin(time_s), 0 * time_s, 3.5 + 0.3 * np.sin(0.7 * time_s)], axis=1)
    truth = SkelParams(swing, np.zeros((1, N_BETAS)), trans)
    points = body.skin_points(truth.to_torch(), keypoint_points(body, BLAZEPOSE_33)).double().numpy()
    xy = project(points + 0.012 * rng.normal(size=points.shape[1:]), CAMERA) + rng.normal(size=(*points.shape[:2], 2))
    start = SkelParams(swing + np.radians(5) * slow_noise(rng, frames, N_DOFS), truth.betas, trans * 1.08)
    sigma = np.full((frames, N_DOFS), np.radians(5))
    motion = Motion(0, time_s, start, np.ones(frames, bool), CAMERA, sigma)
    return motion, KeypointTrack(0, time_s, Keypoints2D(xy, np.ones(xy.shape[:2]), BLAZEPOSE_33)), swing


def autograd_cost(clip: ClipCost) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Write the cost of `ClipCost.model` once more, for autograd; x is the correction."""
    layout, prior, seen = clip.layout, clip.prior, clip.seen

    def constant(value: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(value, dtype=torch.float32)

    dofs = layout.own[layout.own < N_DOFS]
    lower, upper = (constant(limit[dofs]) for limit in limits_rad())
    counts = constant(np.minimum(frame_time_s(clip.time_s) / clip.options.keypoint_time_s, 1.0))[:, None]
    rate, precision = prior.rate_hz, prior.sigma**-2.0
    step = np.diff(clip.time_s)[:, None]
    zeroth = frame_time_s(clip.time_s)[:, None] * precision * rate / 4
    zeroth[[0, -1]] += precision[[0, -1]] / 2
    weights = [
        zeroth,
        step * (precision[1:] + precision[:-1]) / 2 / (2 * rate),
        (step[1:] + step[:-1]) / 2 * precision[1:-1] / (4 * rate**3),
    ]
    differences = [
        (constant(derivative_stencil(clip.time_s, order=i)), constant(weight)) for i, weight in enumerate(weights)
    ]
    mean, shared_mean, shared_sigma = constant(prior.mean), constant(clip.shared_mean), constant(clip.shared_sigma)
    center = torch.tensor(clip.camera.center_px)
    robust = clip.options.robust_sigmas

    def cost(moved: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        rows = clip.rows.index_copy(1, torch.as_tensor(layout.own), mean + moved)
        params = SkelParams(rows[:, :N_DOFS], y[None, layout.part(BETAS)], rows[:, -3:])
        points = clip.body.skin_points(params, clip.points.moved(y[layout.part(OFFSETS)].view(-1, 3)))
        image = points[..., :2] / points[..., 2:].clamp_min(NEAREST_M) * clip.camera.focal_px + center
        square = ((image - seen.xy_px) / seen.sigma_px[..., None]).square().sum(-1)
        total = (seen.weight * square * robust**2 / (robust**2 + square)).sum()
        q = rows[:, dofs]
        outside = (q - upper).clamp_min(0) + (q - lower).clamp_max(0)
        total = total + (counts * outside.square()).sum() / LIMIT_SIGMA_RAD**2
        for stencil, weight in differences:
            count, width = stencil.shape
            value = sum(stencil[:, i, None] * moved[i : count + i] for i in range(width))
            total = total + (weight * torch.as_tensor(value).square()).sum()
        return 0.5 * (total + ((y - shared_mean) / shared_sigma).square().sum())

    return cost


def descend(clip: ClipCost, goal: float, name: str, limit_s: float) -> tuple[float, float]:
    """Run an optimiser from the start of ours until the goal or the limit; returns seconds and the cost."""
    cost = autograd_cost(clip)
    moved = torch.zeros(clip.prior.mean.shape, requires_grad=True)
    y = torch.as_tensor(clip.shared_mean, dtype=torch.float32).clone().requires_grad_()
    if name == "L-BFGS":
        optimiser = torch.optim.LBFGS([moved, y], max_iter=10, history_size=20, line_search_fn="strong_wolfe")
    else:
        optimiser = torch.optim.Adam([moved, y], lr=0.01)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = cost(moved, y)
        value.backward()
        return value

    def costs() -> Iterator[float]:
        while True:
            optimiser.step(closure)
            with torch.no_grad():
                yield float(cost(moved, y))

    start = time.process_time()
    best = np.inf
    for value in costs():
        best = min(best, value)
        if best <= goal or time.process_time() - start > limit_s:
            break
    return time.process_time() - start, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[300, 800])
    parser.add_argument("--limit", type=float, default=60.0, help="CPU seconds for each rival")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    body = load_body("neutral")
    table = Table("33 keypoints, CPU", "frames/s", "final cost", "ours is faster")
    for frames in args.frames:
        motion, track, truth = make_clip(body, frames, np.random.default_rng(0))
        refine(body, motion, track, options=OPTIONS)
        start = time.process_time()
        fit = refine(body, motion, track, options=OPTIONS)
        seconds = time.process_time() - start
        error = [float(np.degrees(np.abs(m.params.q - truth)[:, 3:17].mean())) for m in (motion, fit)]
        clip = compile_clip(body, motion, track, replace(OPTIONS, max_frames=frames), None)
        goal = fit_clip(clip).model.cost
        table.add_row(
            f"{frames} frames, whole: legs {error[0]:.1f} -> {error[1]:.1f} deg",
            f"{frames / seconds:.0f}",
            f"{goal:.1f}",
            "",
        )
        for name in ("L-BFGS", "Adam"):
            taken, cost = descend(clip, 1.01 * goal, name, args.limit)
            reached = "" if cost <= 1.01 * goal else ">"
            table.add_row(
                f"{frames} frames, {name}", f"{frames / taken:.1f}", f"{cost:.1f}", f"{reached}{taken / seconds:.0f}x"
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
