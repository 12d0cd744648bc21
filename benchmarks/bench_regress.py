"""Crops per second of the image regressor, by each engine, beside a ViT-H/16 of HSMR's size with random weights.

Run by `make bench`, or: python benchmarks/bench_regress.py [--weights FILE] [--crops DATASET] [--threads 2]. Without
weights, those that ship, else random ones of the same size. With crops (training format, docs/training_format.md) the
engines' answers are compared on them, else on noise. Peak is what this machine reaches in products of large matrices,
in the same numbers and with as many threads. Ratios above 1 mean that ours is faster.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from skelvid.errors import ConfigError, SkelvidError
from skelvid.regress.engines import ENGINES, Engine, make_engine
from skelvid.regress.network import RegressNetwork
from skelvid.regress.output import Output
from skelvid.regress.regressor import BATCH, load_weights
from skelvid.upgrade.shards import read_samples
from skelvid.weights import NETWORKS

SIZE_HW, LAYERS = (168, 126), (5, 8)
# HSMR's backbone: 32 blocks of 1280 channels, 16 x 12 patches; its decoder adds less than a hundredth.
HUGE: dict[str, Any] = {
    "backbone": "vit_huge_patch14_224",
    "size_hw": (256, 192),
    "layers": (31,),
    "options": {"patch_size": 16},
}
SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--crops", type=Path, help="data set in the training format")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", nargs="+", default=[n for n in ENGINES if n not in ("auto", "compiled")])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-huge", action="store_true", help="leave out the ViT-H/16")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    console = Console()
    try:
        shipped = "regressor" if "regressor" in NETWORKS else None
        name = args.weights or shipped
        network = load_weights(name).network if name else _random()
    except SkelvidError as error:
        sys.exit(str(error))
    crops = _crops(args.crops, network.backbone.size_hw)
    flops, own = _flops(network), {}
    console.print(
        f"{name or 'random weights'}: {flops / 1e9:.2f} GFLOP a crop, {network.backbone.size_hw}, {args.device}"
    )
    table = Table("engine", "crops/s", "of its peak", "ready after", "differs from torch: mean", "95 %", "most")
    exact = make_engine(network, "torch")(*crops)
    for engine in args.engines if args.device == "cpu" else ("torch", "compiled"):
        begun = time.perf_counter()
        try:
            run = make_engine(network, engine, device=args.device, threads=args.threads)
        except ConfigError as error:
            console.print(f"{engine}: {error}")
            continue
        off_deg = _degrees(run(*crops), exact)
        ready_s = time.perf_counter() - begun
        own[engine] = _rate(run, crops)
        numbers = torch.bfloat16 if "bf16" in engine or args.device != "cpu" else torch.float32
        peak = own[engine] * flops / _peak(numbers, args.device)
        said = (f"{v:.3f} deg" for v in (off_deg.mean(), np.quantile(off_deg, 0.95), off_deg.max()))
        table.add_row(engine, f"{own[engine]:.1f}", f"{peak:.0%}", f"{ready_s:.1f} s", *said)
    console.print(table)
    if not args.no_huge:
        huge = _huge()
        rate = _rate(make_engine(huge, "torch", device=args.device), _crops(None, huge.backbone.size_hw, 2))
        console.print(f"ViT-H/16, torch: {rate:.2f} crops/s, {_flops(huge) / 1e9:.0f} GFLOP a crop")
        console.print("ratios: " + ", ".join(f"{engine} {value / rate:.0f}" for engine, value in own.items()))


def _random() -> RegressNetwork:
    torch.manual_seed(0)
    return RegressNetwork(size_hw=SIZE_HW, layers=LAYERS).eval()


def _huge() -> RegressNetwork:
    """Return the large network, made without waiting for good random numbers."""
    with torch.device("meta"):
        network = RegressNetwork(**HUGE)
    network = network.to_empty(device="cpu").eval()
    for tensor in network.state_dict(keep_vars=True).values():
        tensor.data.fill_(0.01)
    network.backbone.mean.fill_(0.5)
    network.backbone.sd.fill_(0.25)
    return network


def _crops(folder: Path | None, size_hw: tuple[int, int], count: int = BATCH) -> tuple[np.ndarray, np.ndarray]:
    """Return crops `b 3 h w` and what is told of their cameras."""
    rng = np.random.default_rng(0)
    camera = rng.normal(0.0, 0.2, (count, 3)).astype(np.float32)
    if folder is None:
        return rng.integers(0, 256, (count, 3, *size_hw), np.uint8), camera
    files = (sample.files["jpg"] for sample in islice(read_samples(folder), count))
    images = [np.asarray(Image.open(io.BytesIO(file)).resize((size_hw[1], size_hw[0]))) for file in files]
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)), camera


def _rate(run: Engine, crops: tuple[np.ndarray, np.ndarray]) -> float:
    """Return crops per second, the best of three spells."""
    run(*crops)
    best = 0.0
    for _ in range(3):
        begun, done = time.perf_counter(), 0
        while (spent := time.perf_counter() - begun) < SECONDS / 3 or not done:
            run(*crops)
            done += len(crops[0])
        best = max(best, done / spent)
    return best


def _degrees(told: Output, exact: Output) -> np.ndarray:
    """Return by how much answers differ: angles, and rotations by the angle between them."""
    rots = [torch.cat([output.root_rot[:, None], output.ball_rot], 1) for output in (told, exact)]
    turned = 2 * ((rots[0] - rots[1]).flatten(2).norm(dim=2) / 8**0.5).clamp_max(1.0).asin()
    plain = torch.remainder(told.angles - exact.angles + torch.pi, 2 * torch.pi) - torch.pi
    return torch.cat([turned, plain.abs()], 1).rad2deg().numpy()


def _flops(network: RegressNetwork) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, *network.backbone.size_hw), torch.zeros(1, 3))
    return float(counter.get_total_flops())


@cache
def _peak(numbers: torch.dtype, device: str) -> float:
    """Return operations per second in products of matrices."""
    n = 1536 if device == "cpu" else 8192
    a = torch.ones(n, n, dtype=numbers, device=device)

    def product() -> None:
        torch.mm(a, a)
        if device != "cpu":
            torch.cuda.synchronize()

    return 2 * n**3 / _best_s(product)


def _best_s(work: Callable[[], None]) -> float:
    spent = []
    for _ in range(20):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return min(spent)


if __name__ == "__main__":
    main()
