"""Makes the file that ships: `python -m train.lift.export --run DIR --library DIR ... --out FILE`.

In: the averaged weights of a training. Out: the weights in 16 bits, beside the factors, measured on held-out people,
that make 68 % of the errors of each degree of freedom fall within its standard deviation.
"""

import argparse
import json
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from skelvid.body.load import load_body
from skelvid.motion.lift import FORMAT
from skelvid.motion.lift_network import LiftNetwork
from train.command import run
from train.lift.fit import FRAMES
from train.lift.library import load_library
from train.lift.losses import errors_rad
from train.lift.offsets import offset_m
from train.lift.scene import Scenes


def load_run(run: Path) -> tuple[LiftNetwork, dict]:
    """Return the averaged network of a training, and what was saved with it."""
    saved = torch.load(run / "last.pt", weights_only=True)
    network = LiftNetwork(**saved["settings"])
    network.load_state_dict(saved["averaged"])
    return network.eval(), saved


def calibrate(network: LiftNetwork, scenes: Scenes, *, batches: int = 60) -> Float[Tensor, "46"]:
    """Return the factors by which the network's standard deviations are too small."""
    g = torch.Generator().manual_seed(11)
    ratios = []
    with torch.inference_mode():
        for _ in range(batches):
            given, target = scenes.draw(32, FRAMES, g)
            lifted = network(given)
            ratio = errors_rad(lifted, target).abs() / torch.exp(lifted.log_sigma)
            ratios.append(ratio[target.inside][::7])
    return torch.cat(ratios).quantile(0.683, dim=0).clamp(0.3, 3.0)


def export(network: LiftNetwork, sigma_scale: Float[Tensor, "46"], path: Path, *, about: dict[str, str]) -> None:
    """Write the weights that `skelvid.motion.lift.Lifter.load` reads."""
    state = {name: value.half() for name, value in network.state_dict().items()}
    state["sigma_scale"] = sigma_scale
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written by our own hand, since `save_file` leaves a file that only its owner may read.
    path.write_bytes(save(state, metadata={"format": FORMAT, "settings": json.dumps(network.settings), **about}))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--library", nargs="+", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    network, saved = load_run(args.run)
    library = load_library(args.library, split="val", shares=[1.0] * len(args.library))
    scale = calibrate(network, Scenes(load_body("open-neutral"), library, offset_m, vary=False))
    about = {"steps": str(saved["step"]), "minutes": f"{saved['spent_s'] / 60:.0f}"}
    export(network, scale, args.out, about=about)


if __name__ == "__main__":
    run(main)
