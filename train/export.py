"""Makes the file that ships: `python -m train.export --checkpoint C --held-out DIR --out FILE`.

In: a checkpoint of `train.regress.fit`. Out: its averaged weights in 16 bits without what only the training needs, with
the factors, measured on held-out pictures, that make 68 % of the errors fall within their standard deviations; and the
errors on those pictures with exactly these weights. The file is read back and must give the same.
"""

import argparse
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from skelvid.body.load import load_body
from skelvid.regress.network import RegressNetwork
from skelvid.regress.regressor import FORMAT
from skelvid.weights import sha256
from train.command import run
from train.regress.crops import Batch, collate
from train.regress.features import Features
from train.regress.halfway import tokens_of
from train.regress.judge import Judged, joined, judge, summary
from train.regress.losses import Anatomy
from train.regress.metrics import sigma_factors
from train.regress.sources import Shards
from train.regress.start import trained

log = logging.getLogger(__name__)
_ONLY_TRAINING = "decoder.tell_part."
# Of both coordinates of a normal error, 68.3 % lie within this many standard deviations of one.
_RADIUS = 1.515
_BATCH = 32


def load_checkpoint(path: Path) -> tuple[RegressNetwork, dict[str, Any]]:
    """Return the averaged network of a training, and the checkpoint."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    network = RegressNetwork(**saved["settings"])
    network.load_state_dict(trained(saved), strict=True)
    return network.eval(), saved


def shipped(network: RegressNetwork) -> RegressNetwork:
    """Return the network as it ships: rounded to 16 bits, without the parts."""
    settings: dict[str, Any] = {**network.settings, "decoder": {**network.settings["decoder"], "parts": 0}}
    out = RegressNetwork(**settings)
    out.load_state_dict(rounded(network), strict=True)
    return out.eval()


def rounded(network: RegressNetwork) -> dict[str, Tensor]:
    """Return the weights that ship."""
    state = network.state_dict()
    return {name: value.half().float() for name, value in state.items() if not name.startswith(_ONLY_TRAINING)}


def held_out(folder: Path, network: RegressNetwork, *, most: int) -> Iterator[Batch]:
    """Give batches of at most so many pictures, spread over a data set, or what features hold out, as they are."""
    kept = Features(folder, part="val") if any(folder.glob("chunk-*.pt")) else None
    shards = None if kept else Shards(folder)
    total = len(kept or shards or ())
    rows = np.linspace(0, total - 1, min(most, total)).astype(int)
    for some in np.array_split(rows, -(-len(rows) // _BATCH)):
        if kept is not None:
            yield kept[some]
        elif shards is not None:
            yield collate([shards[int(row)] for row in some], network.backbone.size_hw, network.backbone.grid)


@torch.inference_mode()
def measure(network: RegressNetwork, batches: Iterable[Batch], anatomy: Anatomy) -> Judged:
    """Return the errors of a network on pictures, or on what its backbone began to say of them."""

    def told(batch: Batch):
        return network.decoder(tokens_of(network.backbone, batch), batch.crop.features)

    return joined(judge(anatomy, told(batch), batch) for batch in batches)


def point_factors(judged: Judged) -> Float[Tensor, "k"]:
    """Return by what the standard deviation of each point must be multiplied; 1 where too few were seen."""
    ratio = (judged.told_px - judged.points_px).norm(dim=-1) / judged.point_sigma_px
    out = torch.ones(ratio.shape[1])
    for k in range(len(out)):
        seen = ratio[judged.visible[:, k], k]
        if len(seen) >= 20:
            out[k] = (seen.quantile(0.683) / _RADIUS).clamp(0.2, 5.0)
    return out


def export(network: RegressNetwork, judged: Judged, path: Path, *, about: dict[str, str]) -> None:
    """Write the weights that `skelvid.regress` reads.

    Args:
        network: As it ships.
        judged: Its errors on held-out pictures, which the standard deviations are corrected by.
        path: The file.
        about: What else to say in its header.
    """
    posed = judged.posed
    state = {name: value.half() for name, value in network.state_dict().items()}
    state["sigma_scale"] = sigma_factors(judged.error_rad[posed], judged.sigma_rad[posed])
    state["point_sigma_scale"] = point_factors(judged)
    header = {"format": FORMAT, "settings": json.dumps(network.settings), **about}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written by our own hand, since `save_file` leaves a file that only its owner may read.
    path.write_bytes(save({n: v.contiguous() for n, v in state.items()}, metadata=header))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, required=True, help="pictures in the training format, or features")
    parser.add_argument("--most", type=int, default=1000, help="pictures to measure on")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    network, saved = load_checkpoint(args.checkpoint)
    final, anatomy = shipped(network), Anatomy.of(load_body("open-neutral"))
    judged = measure(final, held_out(args.held_out, final, most=args.most), anatomy)
    export(final, judged, args.out, about={"steps": str(saved["global_step"])})
    log.info("%s", json.dumps({"sha256": sha256(args.out), **summary(judged)}, indent=1))


if __name__ == "__main__":
    run(main)
