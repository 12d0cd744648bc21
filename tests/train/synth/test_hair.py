import numpy as np

from tests.train.synth.test_dress import _naked
from tests.train.synth.toy_people import toy_cast
from train.synth.hair import PROXY_STYLES, draw_style, put_hair


def test_old_men_are_bald_more_often(rng):
    young, old = ([draw_style("male", age, rng) for _ in range(300)].count("bald") for age in (25, 75))
    assert old > 1.5 * young
    assert {draw_style("female", 40, rng) for _ in range(300)} <= {*PROXY_STYLES, "crop", "bald"}


def test_cropped_hair_covers_the_scalp_only():
    naked, wardrobe = _naked(), toy_cast().common.wardrobe
    (piece,) = put_hair(naked, wardrobe, "crop", np.array([0.2, 0.1, 0.1]), np.random.default_rng(0)).worn
    layer = piece.layer
    chin = naked.places.marks["chin"][1]
    assert float(layer.rest_m[:, 1].min()) > chin - 0.05
    assert float(layer.rest_m[:, 1].max()) > naked.points[:, 1].max()
    assert put_hair(naked, wardrobe, "bald", np.zeros(3), np.random.default_rng(0)).worn == ()


def test_hair_takes_the_colour_asked_for():
    naked, wardrobe = _naked(), toy_cast().common.wardrobe
    red = np.array([0.5, 0.2, 0.1])
    (piece,) = put_hair(naked, wardrobe, PROXY_STYLES[0], red, np.random.default_rng(0)).worn
    mean = piece.layer.texture.numpy()[..., :3].reshape(-1, 3).mean(0) / 255
    np.testing.assert_allclose(mean / mean[0], red / red[0], atol=0.05)
