"""A regressor so small that tests can afford it, with random weights that make it say something."""

import json

import torch
from safetensors.torch import save_file

from skelvid.regress.network import RegressNetwork
from skelvid.regress.regressor import FORMAT, Weights

SIZE_HW = (64, 48)


def make_network(**decoder):
    torch.manual_seed(4)
    network = RegressNetwork(
        "vit_tiny_patch16_224",
        size_hw=SIZE_HW,
        layers=(0, 1),
        options={"embed_dim": 32, "num_heads": 2},
        decoder={"width": 24, "heads": 2, "mixing": 1, "depth": 1, **decoder},
    )
    with torch.no_grad():  # else all crops look alike to it
        network.decoder.tell_person.weight.mul_(10.0)
        network.decoder.tell_joint.mul_(10.0)
        network.decoder.tell_point.weight.mul_(10.0)
    return network.eval()


def make_weights():
    network = make_network()
    return Weights(network, torch.linspace(0.5, 2.0, 46), torch.linspace(0.5, 2.0, len(network.decoder.points)))


def write_weights(path, *, about=None, **changes):
    weights = make_weights()
    state = weights.network.state_dict()
    state |= {"sigma_scale": weights.sigma_scale, "point_sigma_scale": weights.point_sigma_scale, **changes}
    known = {"format": FORMAT, "settings": json.dumps(weights.network.settings)}
    save_file({name: value for name, value in state.items() if value is not None}, path, {**known, **(about or {})})
    return path
