"""A backbone in two halves: what its first blocks say, which may be kept, and what the others, which learn, make of it.

For timm's `VisionTransformer` and its kin.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from skelvid.regress.network import Backbone
from train.regress.crops import Batch


def begin(
    backbone: Backbone, images: Float[Tensor, "b 3 h w"] | UInt8[Tensor, "b 3 h w"], blocks: int
) -> Float[Tensor, "b m c"]:
    """Return what the first `blocks` say, at least one: all tokens of those layers that are used and of the last."""
    vit = backbone.vit
    x = vit.norm_pre(vit._pos_embed(vit.patch_embed(backbone.prepared(images))))
    said = []
    for i, block in enumerate(vit.blocks[:blocks]):
        x = block(x)
        if i in backbone.layers or i == blocks - 1:
            said.append(x)
    return torch.cat(said, dim=2)


def go_on(backbone: Backbone, begun: Float[Tensor, "b m c"], blocks: int) -> Float[Tensor, "b n d"]:
    """Return what the backbone says of pictures of which its first `blocks` have said `begun`."""
    vit = backbone.vit
    said = list(begun.split(vit.embed_dim, dim=2))
    x = said[-1]
    if blocks - 1 not in backbone.layers:
        said.pop()
    for i, block in enumerate(vit.blocks[blocks:], blocks):
        x = block(x)
        if i in backbone.layers:
            said.append(x)
    return torch.cat([vit.norm(x)[:, vit.num_prefix_tokens :] for x in said], dim=2)


def tokens_of(backbone: Backbone, batch: Batch) -> Float[Tensor, "b n c"]:
    """Return what a backbone says of a batch, from its pictures or from where it was begun."""
    return backbone(batch.images) if batch.begun is None else go_on(backbone, batch.begun, batch.begun_blocks)
