"""The network's arithmetic: boxes are where the distances say, and places are told apart."""

from typing import Any

import pytest
import torch

from skelvid.people.person_network import BINS, STRIDES, Attention, Head, PersonNetwork, Residual


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return PersonNetwork().eval()


def test_as_many_weights_as_the_design_has(network):
    """2,590,035 with one class, of which 16 only sum and 7,688 normalise and become biases."""
    assert sum(value.numel() for value in network.parameters()) == 2_582_331


@torch.no_grad()
@pytest.mark.parametrize("size_hw", [(96, 160), (160, 96), (32, 32)])
def test_one_box_for_each_place(network, size_hw):
    xyxy, score = network(torch.rand(2, 3, *size_hw))
    count = sum(size_hw[0] * size_hw[1] // stride**2 for stride in STRIDES)
    assert xyxy.shape == (2, count, 4)
    assert score.shape == (2, count)
    assert (xyxy[..., :2] < xyxy[..., 2:]).all()
    assert ((score > 0) & (score < 1)).all()


@torch.no_grad()
def test_boxes_reach_as_far_from_their_place_as_the_bins_say():
    """A head that is sure of bins 1, 2, 3 and 4 gives boxes of 4 by 6 strides around known places."""
    network = PersonNetwork().eval()
    for head in network.heads:
        assert isinstance(head, Head)
        last: list[Any] = [head.reach[-1], head.person[-1]]
        spread, person = (each.conv for each in last)
        for conv in (spread, person):
            torch.nn.init.zeros_(conv.weight)
            torch.nn.init.zeros_(conv.bias)
        for side, steps in enumerate((1, 2, 3, 4)):
            spread.bias[side * BINS + steps] = 50.0
    xyxy, score = network(torch.rand(1, 3, 64, 96))
    torch.testing.assert_close(score, torch.full_like(score, 0.5))
    coarse = xyxy[0, -6:].view(2, 3, 4)  # the last level: 2 rows and 3 columns of 32 px
    torch.testing.assert_close(coarse[0, 0], torch.tensor([16.0 - 32, 16 - 64, 16 + 96, 16 + 128]))
    torch.testing.assert_close(coarse[1, 2] - coarse[0, 0], torch.tensor([64.0, 32, 64, 32]))
    torch.testing.assert_close(xyxy[0, 1], torch.tensor([12.0 - 8, 4 - 16, 12 + 24, 4 + 32]))


@torch.no_grad()
def test_attention_sees_the_far_end():
    torch.manual_seed(0)
    block = Attention(128, 2).eval()
    here = torch.rand(1, 128, 8, 8)
    there = here.clone()
    there[..., 7, 7] += 5.0
    assert (block(here) - block(there))[..., 0, 0].abs().max() > 1e-5


@torch.no_grad()
def test_residual_without_weights_passes_on():
    block = Residual(8, 4)
    for value in block.parameters():
        torch.nn.init.zeros_(value)
    x = torch.rand(1, 8, 6, 6)
    torch.testing.assert_close(block(x), x)


def test_heads_say_one_score_per_place():
    reach, score = Head(64)(torch.rand(2, 64, 4, 5))
    assert reach.shape == (2, 4, 20)
    assert score.shape == (2, 20)
    assert ((reach > 0) & (reach < BINS - 1)).all()
