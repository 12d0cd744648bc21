import numpy as np

from tests.train.synth.test_dress import _naked
from tests.train.synth.toy_people import toy_cast
from train.synth import hair
from train.synth.hair import PROXY_STYLES, draw_dye, draw_style, put_hair


def test_old_men_are_bald_more_often(rng):
    young, old = ([draw_style("male", age, rng) for _ in range(300)].count("bald") for age in (25, 75))
    assert old > 1.5 * young
    assert {draw_style("female", 40, rng) for _ in range(300)} <= {*PROXY_STYLES, "crop", "bald"}


def test_long_loose_hair_and_dyed_hair_are_common_in_women(rng):
    assert 60 < [draw_style("female", 40, rng) for _ in range(300)].count("long01") < 100
    own = np.array([0.1, 0.08, 0.07])
    dyed = {sex: sum((draw_dye(own, sex, rng) != own).any() for _ in range(300)) for sex in ("female", "male")}
    assert dyed["female"] > 90 > 60 > dyed["male"] > 0


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


def test_light_hair_shows_less_of_the_gaps_between_its_strands():
    gaps = np.full((16, 16, 4), 255, np.uint8)
    gaps[::2, :, :3] = 40

    def contrast(shade):
        value = hair._coloured(gaps, np.full(3, shade), np.random.default_rng(0)).numpy()[..., 0].astype(float)
        return value.std() / value.mean()

    assert contrast(0.5) < 0.8 * contrast(0.05)
