"""A small network for the sanity run: pictures go in; points, facing and left and right parts come out.

A frozen DINOv2 ViT-S/14 gives features; a decoder of a few layers, in which each patch and each point may ask all
patches, is trained on them. Which limb is the left one depends on which way the person faces, and that is written in
head and feet: a decoder that only looks near the limb cannot know.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, layer_norm, linear, scaled_dot_product_attention

GRID = (16, 12)
PATCH = 14
SIZE_HW = (GRID[0] * PATCH, GRID[1] * PATCH)
LAYERS = (8, 11)  # blocks whose output is used, from 0
FEATURES = 384 * len(LAYERS)
BINS_PER_PATCH = 7
N_FACING = 16
_MEAN, _SD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class Backbone:
    """DINOv2 ViT-S/14, frozen.

    Args:
        path: safetensors with the names of timm's `vit_small_patch14_dinov2`.
    """

    def __init__(self, path: Path) -> None:
        self._w = {name: value.bfloat16() for name, value in load_file(path).items()}
        grid = self._w["pos_embed"][:, 1:].float().unflatten(1, (37, 37)).movedim(3, 1)
        grid = interpolate(grid, GRID, mode="bicubic", align_corners=False)
        self._place = torch.cat([self._w["pos_embed"][:, :1], grid.flatten(2).mT.bfloat16()], 1)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Float[Tensor, "b n c"]:
        """Return features of uint8 pictures `b 3 h w`, resized to `SIZE_HW`."""
        x = interpolate(images.float() / 255, SIZE_HW, mode="bilinear", antialias=True, align_corners=False)
        x = ((x - _MEAN[:, None, None]) / _SD[:, None, None]).bfloat16()
        w = self._w
        x = torch.nn.functional.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=PATCH)
        x = torch.cat([w["cls_token"].expand(len(x), -1, -1), x.flatten(2).mT], 1) + self._place
        kept = []
        for i in range(12):
            x = self._block(x, f"blocks.{i}.")
            if i in LAYERS:
                kept.append(layer_norm(x, (384,), w["norm.weight"], w["norm.bias"], 1e-6)[:, 1:])
        return torch.cat(kept, 2)

    def _block(self, x: Tensor, name: str) -> Tensor:
        w = self._w

        def norm(which: int) -> Tensor:
            return layer_norm(x, (384,), w[f"{name}norm{which}.weight"], w[f"{name}norm{which}.bias"], 1e-6)

        def layer(value: Tensor, which: str) -> Tensor:
            return linear(value, w[f"{name}{which}.weight"], w[f"{name}{which}.bias"])

        q, k, v = layer(norm(1), "attn.qkv").unflatten(2, (3, 6, 64)).permute(2, 0, 3, 1, 4)
        x = x + w[f"{name}ls1.gamma"] * layer(
            scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2), "attn.proj"
        )
        return x + w[f"{name}ls2.gamma"] * layer(gelu(layer(norm(2), "mlp.fc1")), "mlp.fc2")


@dataclass(frozen=True)
class Told:
    """What the decoder says, as logits.

    Attributes:
        x, y: `b k bins` along either side of the picture. facing: `b 16` directions around the vertical.
        parts: `b n c` of each patch.
    """

    x: Float[Tensor, "b k _"]
    y: Float[Tensor, "b k _"]
    facing: Float[Tensor, "b 16"]
    parts: Float[Tensor, "b n c"]


class Decoder(nn.Module):
    """From features to points.

    Args:
        points: How many.
        parts: How many kinds of parts.
        whole: Let patches ask each other; without, only points ask patches.
        width: Of its layers.
    """

    def __init__(self, *, points: int, parts: int, whole: bool = True, width: int = 192) -> None:
        super().__init__()
        self.inward = nn.Sequential(nn.LayerNorm(FEATURES), nn.Linear(FEATURES, width))
        self.place = nn.Parameter(0.02 * torch.randn(GRID[0] * GRID[1], width))
        self.query = nn.Parameter(0.02 * torch.randn(points, width))
        layer = nn.TransformerEncoderLayer(width, 6, 2 * width, batch_first=True, norm_first=True)
        self.ask = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False) if whole else None
        pick = nn.TransformerDecoderLayer(width, 6, 2 * width, batch_first=True, norm_first=True)
        self.collect = nn.TransformerDecoder(pick, 2)
        self.x = nn.Linear(width, GRID[1] * BINS_PER_PATCH)
        self.y = nn.Linear(width, GRID[0] * BINS_PER_PATCH)
        self.facing = nn.Linear(width, N_FACING)
        self.parts = nn.Linear(width, parts)

    def forward(self, features: Float[Tensor, "b n c"]) -> Told:
        """Return logits."""
        x = self.inward(features) + self.place
        if self.ask is not None:
            x = self.ask(x)
        point = self.collect(self.query.expand(len(x), -1, -1), x)
        return Told(self.x(point), self.y(point), self.facing(x.mean(1)), self.parts(x))


def places(told: Told) -> tuple[Float[Tensor, "b k 2"], Float[Tensor, "b k"]]:
    """Return the likeliest places, as shares of width and height, and how sure they are."""
    x, y = told.x.softmax(2), told.y.softmax(2)
    at = torch.stack([(x.argmax(2) + 0.5) / x.shape[2], (y.argmax(2) + 0.5) / y.shape[2]], 2)
    return at, (x.amax(2) * y.amax(2)).sqrt()
