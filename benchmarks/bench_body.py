"""The body on CPU: ours beside `body-models`, in one process, on the same file; ratios above 1 mean ours is faster.

Run by `make bench`, or: python benchmarks/bench_body.py [--body male] [--threads 2]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from body_models.skel.torch import SKEL
from rich.console import Console
from rich.table import Table

from skelvid.body.dofs import limits_rad
from skelvid.body.fit import LimitTerm, fit_points
from skelvid.body.load import load_body_assets
from skelvid.body.model import SkelBody
from skelvid.body.official import write_official
from skelvid.datatypes.skel import SkelParams

N_FIT_POINTS = 597


def median_ms(call: Callable[[], object], *, seconds: float = 1.5) -> float:
    for _ in range(3):
        call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def random_params(batch: int, rng: np.random.Generator) -> SkelParams:
    lower, upper = limits_rad()
    q = 0.7 * rng.uniform(np.maximum(lower, -2), np.minimum(upper, 2), (batch, 46))
    return SkelParams(q, rng.normal(0, 1, (batch, 10)), rng.normal(0, 1, (batch, 3))).to_torch()


def theirs_takes(params: SkelParams) -> tuple[tuple[torch.Tensor, torch.Tensor], dict[str, torch.Tensor]]:
    return (torch.cat([params.q[:, :23], params.q[:, 26:]], -1), params.q[:, 23:26]), {
        "global_translation": params.trans_m
    }


def landmark_mapping(body: SkelBody) -> torch.Tensor:
    mapping = torch.zeros(len(body.landmark_names), len(body.assets.skin_template_m))
    rows = torch.arange(len(mapping))[:, None]
    weight = torch.as_tensor(body.assets.landmark_weight, dtype=torch.float32)
    return mapping.index_put((rows, torch.as_tensor(body.assets.landmark_vertex).long()), weight, accumulate=True)


def forward_rows(body: SkelBody, theirs: Any, rng: np.random.Generator) -> list[tuple[str, float, float]]:
    rows = []
    regressor = theirs.prepare_point_regressor(landmark_mapping(body))
    for batch in (1, 64):
        params = random_params(batch, rng)
        pose, rest = theirs_takes(params)
        shape = {"shape": params.betas}

        def their_points(pose=pose, rest=rest, shape=shape):
            joints = theirs.forward_skeleton(*pose, **shape, **rest)
            return joints, theirs.forward_points(*pose, point_regressor=regressor, **shape, **rest)

        def their_joints(pose=pose, rest=rest, shape=shape):
            return theirs.forward_skeleton(*pose, **shape, **rest)

        def their_mesh(pose=pose, rest=rest, shape=shape):
            return theirs.forward_vertices(*pose, **shape, **rest)

        ours = median_ms(lambda params=params: body.skeleton(params))
        rows.append((f"joints + landmarks, batch {batch}", ours, median_ms(their_points)))
        rows.append((f"the same, theirs joints only, batch {batch}", ours, median_ms(their_joints)))
        rows.append((f"skin mesh, batch {batch}", median_ms(lambda params=params: body(params)), median_ms(their_mesh)))
    return rows


def fit_ours(body: SkelBody, batch: int, rng: np.random.Generator) -> tuple[float, float]:
    params = random_params(batch, rng)
    vertex = rng.choice(len(body.assets.skin_template_m), N_FIT_POINTS, replace=False)[:, None]
    points = body.points(vertex, np.ones_like(vertex, dtype=float))
    target = body.skin_points(params, points)
    fit_points(body, target[:2], points)
    start = time.perf_counter()
    fit = fit_points(body, target, points, terms=[LimitTerm()])
    seconds = time.perf_counter() - start
    return seconds, float(torch.rad2deg((fit.params.q - params.q).abs().max()))


def fit_theirs(body: SkelBody, theirs: Any, batch: int, rng: np.random.Generator) -> tuple[float, float]:
    """L-BFGS through their forward pass, 10 x 20 iterations per batch, as SKEL's aligner steps."""
    params = random_params(batch, rng)
    vertex = rng.choice(len(body.assets.skin_template_m), N_FIT_POINTS, replace=False)
    mapping = torch.zeros(N_FIT_POINTS, len(body.assets.skin_template_m))
    mapping[torch.arange(N_FIT_POINTS), torch.as_tensor(vertex)] = 1
    regressor = theirs.prepare_point_regressor(mapping)

    def forward(p: SkelParams) -> torch.Tensor:
        pose, rest = theirs_takes(p)
        return theirs.forward_points(*pose, shape=p.betas, point_regressor=regressor, **rest)

    target = forward(params).detach()
    free = [torch.zeros_like(v, requires_grad=True) for v in (params.q, params.betas, params.trans_m)]
    optimiser = torch.optim.LBFGS(free, max_iter=20, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = ((forward(SkelParams(*free)) - target) ** 2).sum()
        value.backward()
        return value

    start = time.perf_counter()
    for _ in range(10):
        optimiser.step(loss)
    return time.perf_counter() - start, float(torch.rad2deg((free[0] - params.q).abs().max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--body", default="open-male")
    parser.add_argument("--threads", type=int, default=1, help="both lose with more: the arrays of a body are small")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    started = time.perf_counter()
    assets = load_body_assets(args.body)
    load_s = time.perf_counter() - started
    body = SkelBody(assets)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "skel_male.pkl"
        write_official(assets, path)
        theirs = SKEL(model_path=path, gender="male")
    console = Console(width=110)
    console.print(f"{args.body}: {len(assets.skin_template_m)} vertices, load {load_s:.2f} s, {args.threads} thread(s)")
    table = Table("CPU, median", "ours ms", "body-models ms", "ratio")
    with torch.no_grad():
        for name, ours, other in forward_rows(body, theirs, np.random.default_rng(0)):
            table.add_row(name, f"{ours:.2f}", f"{other:.2f}", f"{other / ours:.1f}x")
    console.print(table)
    seconds, error = fit_ours(body, 64, np.random.default_rng(1))
    their_s, their_error = fit_theirs(body, theirs, 8, np.random.default_rng(1))
    console.print(
        f"fit {N_FIT_POINTS} vertices: ours {64 / seconds:.1f} frames/s (64 bodies, worst angle {error:.4f} deg off); "
        f"L-BFGS through body-models {8 / their_s:.2f} frames/s (8 bodies, worst {their_error:.1f} deg): "
        f"{64 / seconds / (8 / their_s):.0f}x"
    )


if __name__ == "__main__":
    main()
