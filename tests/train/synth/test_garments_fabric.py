import numpy as np
import pytest

from train.synth import garments_fabric
from train.synth.garments_fabric import cloud, draw_colour, draw_fabric


@pytest.mark.parametrize("name", list(garments_fabric._PAINTERS))
def test_prints_have_two_shares_between_0_and_1(name: str):
    mask = garments_fabric._PAINTERS[name](np.random.default_rng(2))
    assert mask.shape[-1] == 2
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert (mask.max() > 0.3) == (name != "plain")


def test_fabrics_repeat_without_a_seam():
    field = cloud(np.random.default_rng(0), 6)
    inner = np.abs(np.diff(field, axis=0)).max()
    assert np.abs(field[0] - field[-1]).max() < 1.5 * inner


def test_same_seed_same_cloth_and_others_differ():
    a, b, c = (draw_fabric(np.random.default_rng(s)).numpy() for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()
    assert (a[..., 3] == 255).all()


def test_colours_are_dark_light_grey_and_strong(rng):
    colours = np.array([draw_colour(rng) for _ in range(300)])
    light, strong = colours.mean(1), np.ptp(colours, axis=1)
    assert (light < 0.15).mean() > 0.08
    assert (light > 0.75).mean() > 0.05
    assert (strong > 0.4).mean() > 0.2
