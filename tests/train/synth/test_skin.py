from dataclasses import replace

import numpy as np
import pytest

from tests.train.synth.toy_people import toy_cast
from train.synth.skin import draw_face, paint_eye, paint_skin


def _face(tone: float, **changes):
    face = draw_face(np.random.default_rng(0), sex="male", age_years=30, dark=0.2, asian=0.1)
    return replace(face, tone=tone, beard=0.0, body_hair=0.0, tan=0.0, spots=0.0, stubble_scalp=0.0, **changes)


def _paint(face) -> np.ndarray:
    return paint_skin(toy_cast().common.atlas, face, np.random.default_rng(1)).numpy()[..., :3].astype(float)


def test_tones_darken_step_by_step():
    light = [_paint(_face(tone)).mean() for tone in (1, 3, 5, 7, 9, 10)]
    assert (np.diff(light) < -5).all()


def test_palms_stay_lighter_than_dark_skin():
    bare = toy_cast().common.atlas.masks["bare"]
    if not (bare > 0.9).any():
        pytest.skip("the toy picture shows no palms")
    image = _paint(_face(9)).mean(-1)
    assert image[bare > 0.9].mean() > 1.3 * image[bare == 0].mean()


def test_beards_are_where_beards_grow():
    face = _face(3, hair=np.zeros(3))
    change = _paint(face).mean(-1) - _paint(replace(face, beard=1.0)).mean(-1)
    beard = toy_cast().common.atlas.masks["beard"]
    assert change[beard > 0.9].mean() > 20
    assert np.abs(change[beard == 0]).max() == 0


def test_every_tone_is_drawn():
    rng = np.random.default_rng(0)
    tones = [draw_face(rng, sex="female", age_years=40, dark=d, asian=0.2).tone for d in np.linspace(0, 1, 400)]
    assert np.histogram(tones, bins=9, range=(1, 10))[0].min() >= 10


def test_eyes_have_pupil_iris_and_white():
    eye = paint_eye(_face(3, eye=np.array([0.3, 0.5, 0.6]))).numpy()[..., :3].astype(float)
    assert eye[32, 32].max() < 20
    assert eye[32, 60].min() > 120
    assert eye[32, 42, 2] > eye[32, 42, 0]
