import numpy as np
import pytest

from tests.train.synth.test_dress import _naked
from train.synth import markers
from train.synth.dress_outfits import EXTRAS


@pytest.mark.parametrize("name", list(markers._MAKERS))
def test_every_gadget_sits_on_the_body(name: str):
    naked = _naked()
    layers = [piece.layer for piece in markers._MAKERS[name](naked, np.random.default_rng(5)).worn]
    skin = naked.points[np.unique(naked.base.groups["skin"].base)]
    assert name in EXTRAS
    assert layers
    for layer in layers:
        some = layer.rest_m.numpy()[:: max(1, len(layer.rest_m) // 40)]
        gap = np.linalg.norm(some[:, None] - skin, axis=-1).min(1)
        assert gap.max() < (0.13 if name == "cap" else 0.06)  # a visor stands out
        assert float((layer.weight.sum(1) - 1).abs().max()) < 1e-5


def test_markers_are_balls_just_outside_the_skin():
    naked = _naked()
    (piece,) = markers._MAKERS["markers"](naked, np.random.default_rng(1)).worn
    layer = piece.layer
    balls = layer.rest_m.numpy().reshape(-1, 42, 3)
    centre = balls.mean(1)
    radius = np.linalg.norm(balls - centre[:, None], axis=-1)
    assert len(balls) > 10
    assert np.ptp(radius) < 1e-6
    assert min(markers._RADII_M) - 1e-6 < radius.mean() < max(markers._RADII_M) + 1e-6
    outward = np.einsum("fc,fc->f", layer.normal.numpy(), (balls - centre[:, None]).reshape(-1, 3))
    assert (outward > 0).all()  # faces look outward


def test_boxes_look_outward():
    corner, faces = markers._cube()
    tri = corner[faces]
    normal = np.cross(tri[:, 1] - tri[:, 0], tri[:, 2] - tri[:, 0])
    assert (np.einsum("fc,fc->f", normal, tri.mean(1)) > 0).all()
