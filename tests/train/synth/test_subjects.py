import numpy as np

from skelvid.body.load import load_body_assets
from train.synth.subjects import (
    BMI_RANGE,
    STATURE_RANGE_M,
    agreeing,
    fingerprint,
    fit_betas,
    spread_bmi,
    spread_stature,
)


def test_betas_of_a_body_of_the_space_are_its_own(rng):
    assets = load_body_assets("neutral")
    betas = rng.normal(size=(3, 10))
    bodies = assets.skin_template_m + np.einsum("vck,nk->nvc", assets.shapedirs_m.astype(float), betas)
    np.testing.assert_allclose(fit_betas(assets, bodies), betas, atol=1e-6)


def test_agreeing_skin_is_the_labels_at_landmarks_and_the_persons_elsewhere(rng):
    assets = load_body_assets("neutral")
    betas = rng.normal(size=10)
    label = assets.skin_template_m + assets.shapedirs_m @ betas
    own = label + np.array([0.0, 0.004, -0.003])
    skin = agreeing(assets, own, betas)
    at = np.unique(assets.landmark_vertex)
    np.testing.assert_array_equal(skin[at], label[at])
    kept = np.linalg.norm(skin - label, axis=1)
    far = np.linalg.norm(assets.skin_template_m[:, None] - assets.skin_template_m[at], axis=-1).min(1) > 0.07
    np.testing.assert_allclose(kept[far], 0.005, rtol=0.25)  # sums of bumps reach a little further than one
    assert far.sum() > 300
    assert kept.max() < 0.012


def test_bmi_reaches_from_thin_to_very_heavy_with_no_empty_region():
    drawn = spread_bmi(400, np.random.default_rng(0))
    assert drawn.min() >= BMI_RANGE[0]
    assert drawn.max() <= BMI_RANGE[1]
    assert np.histogram(drawn, bins=13, range=BMI_RANGE)[0].min() >= 6


def test_stature_reaches_from_short_to_tall_with_no_empty_region():
    for sex, (low, high) in STATURE_RANGE_M.items():
        drawn = spread_stature(sex, 400, np.random.default_rng(0))
        assert low <= drawn.min() < low + 0.03
        assert high - 0.03 < drawn.max() <= high
        assert np.histogram(drawn, bins=10, range=(low, high))[0].min() >= 6


def test_fingerprints_tell_bodies_apart():
    assert len({fingerprint(load_body_assets(sex)) for sex in ("female", "male", "neutral")}) == 3
