"""How a network to be trained is made: its design in, the network with DINOv2's weights in its backbone out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor

from skelvid.regress.network import DEFAULT_BACKBONE, RegressNetwork
from train.synth.world import PARTS


@dataclass(frozen=True)
class Design:
    """A network to be trained.

    Attributes:
        pretrained: Weights of the backbone, with timm's names (`train.pretrained`); None = random ones.
        backbone, size_hw, layers, options, decoder: See `RegressNetwork`.
        seed: Of what is random.
    """

    pretrained: Path | None = None
    backbone: str = DEFAULT_BACKBONE
    size_hw: tuple[int, int] = (168, 126)
    layers: tuple[int, ...] = (5, 8)
    options: Mapping[str, Any] = field(default_factory=dict)
    decoder: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """Return what the features of a frozen backbone depend on."""
        names = ("backbone", "size_hw", "layers", "options")
        return {name: getattr(self, name) for name in names} | {"pretrained": str(self.pretrained)}

    def network(self) -> RegressNetwork:
        """Make the network, which also tells body parts apart."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = RegressNetwork(
                self.backbone,
                size_hw=(self.size_hw[0], self.size_hw[1]),
                layers=tuple(self.layers),
                options=self.options,
                decoder={"parts": len(PARTS), **self.decoder},
            )
        set_places(network)
        if self.pretrained is not None:
            fill_backbone(network, load_file(self.pretrained))
        return network


def trained(saved: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the weights of a training's checkpoint, averaged where they are."""
    state = {name: value for name, value in saved["state_dict"].items() if name.startswith("network.")}
    state |= saved["averaged"]
    return {name.removeprefix("network."): value for name, value in state.items()}


def go_on_from(network: RegressNetwork, checkpoint: Path) -> None:
    """Fill a network with what an earlier one has learnt; parts that it did not have stay as they are.

    Raises:
        RuntimeError: Some weight is too much, or of another shape.
    """
    state = trained(torch.load(checkpoint, map_location="cpu", weights_only=True))
    network.load_state_dict({**network.state_dict(), **state}, strict=True)


@torch.no_grad()
def set_places(network: RegressNetwork) -> None:
    """Let the decoder's places of patches begin as waves over rows and columns (Vaswani et al. 2017).

    From noise, queries take thousands of steps to find out where a patch is that they look at.
    """
    place = network.decoder.place
    rows, columns = network.backbone.grid
    waves = place.shape[1] // 4
    speed = torch.pi * 0.02 ** (torch.arange(waves) / waves)
    at = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    phase = at[:, :, None] * speed
    place.zero_()
    place[:, : 4 * waves] = 0.5 * torch.cat([phase.sin(), phase.cos()], 2).flatten(1)


def fill_backbone(network: RegressNetwork, state: Mapping[str, Tensor]) -> None:
    """Put weights of the whole ViT into a backbone that may have fewer blocks and another grid.

    Raises:
        RuntimeError: Some weight is missing, too much, or of another shape.
    """
    vit = network.backbone.vit
    blocks = len(vit.blocks)
    kept = {name: value for name, value in state.items() if not _later(name, blocks)}
    kept["pos_embed"] = resample_abs_pos_embed(
        kept["pos_embed"], list(network.backbone.grid), num_prefix_tokens=vit.num_prefix_tokens
    )
    vit.load_state_dict(kept, strict=True)


def _later(name: str, blocks: int) -> bool:
    head, _, rest = name.partition(".")
    return head == "blocks" and int(rest.partition(".")[0]) >= blocks
