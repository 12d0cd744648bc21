"""What light does to people and pictures: dark against it, like what is behind, pale in haze, a sun that is bright."""

import numpy as np
import pytest

from train.detector import light

PERSON = np.tile((200.0, 40.0, 40.0), (40, 40, 1))
BEHIND = np.tile((90.0, 150.0, 200.0), (40, 40, 1))
ALPHA = np.ones((40, 40))
KINDS = ("AGAINST_LIGHT", "LIKE_BEHIND", "HAZE", "SUN", "EXPOSED")


@pytest.fixture
def only(monkeypatch):
    def choose(kind):
        for name in KINDS:
            monkeypatch.setattr(light, name, 1.0 if name == kind else 0.0)

    return choose


def people(kind, only):
    only(kind)
    return np.array([light.on_person(PERSON, ALPHA, BEHIND, np.random.default_rng(n))[0, 0] for n in range(50)])


def pictures(kind, only, picture):
    only(kind)
    return np.array([light.on_picture(picture, np.random.default_rng(n)) for n in range(50)])


def test_against_the_light_people_are_dark_and_pale(only):
    plain, dark = people(None, only), people("AGAINST_LIGHT", only)
    assert plain.mean() > 1.3 * dark.mean()
    assert (dark[:, 0] < plain[:, 0]).all()
    assert np.ptp(dark, axis=1).max() < np.ptp(plain, axis=1).max()


def test_like_what_is_behind_keeps_the_contrast_within(only):
    plain, alike = people(None, only), people("LIKE_BEHIND", only)
    gap = [np.abs(values - BEHIND[0, 0]).sum(-1) for values in (plain, alike)]
    assert (gap[1] < 0.65 * gap[0]).all()


def test_who_is_not_in_the_picture_has_no_colour_to_match(only):
    only("LIKE_BEHIND")
    assert np.isfinite(light.on_person(PERSON, np.zeros((40, 40)), BEHIND, np.random.default_rng(0))).all()


def test_haze_takes_contrast_away(only):
    picture = np.where(np.arange(40)[:, None, None] < 20, PERSON, BEHIND)
    contrast = np.ptp(pictures("HAZE", only, picture), axis=1)[:, 0]
    assert (contrast < 0.95 * np.ptp(picture, axis=0)[0]).all()
    assert (contrast > 0.4 * np.ptp(picture, axis=0)[0]).all()


def test_the_sun_is_bright_in_one_place_above_the_ground(only):
    added = (pictures("SUN", only, BEHIND) - BEHIND)[..., 0]
    assert (added > -1e-9).all()
    row = added.reshape(50, -1).argmax(1) // 40
    assert row.max() <= 0.6 * 40 + 1
    assert len(set(row.tolist())) > 10
    assert (added.max((1, 2)) > 150).all()


def test_exposure_keeps_black_white_and_their_order(only):
    ramp = np.linspace(0.0, 255.0, 40)[:, None, None] * np.ones((1, 4, 3))
    exposed = pictures("EXPOSED", only, ramp)
    np.testing.assert_allclose(exposed[:, [0, -1]], ramp[None, [0, -1]].repeat(50, 0), atol=1e-6)
    assert (np.diff(exposed, axis=1) >= 0).all()
    middle = exposed[:, 20].mean((1, 2))
    assert middle.min() < 110 < 150 < middle.max()
