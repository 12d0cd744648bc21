"""The page of a report, taken apart again."""

import base64
import gzip
import json
import re
from html import unescape

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from skelvid.angles.gait import Stride
from skelvid.angles.table import ANGLES
from skelvid.body.model import SkelBody
from skelvid.export import to_glb
from skelvid.export.to_glb import MotionGlb
from skelvid.report import page
from skelvid.report.film import Film
from tests.made_result import KNEE_DEG, MISSED, TIMES_S, make_result


@pytest.fixture(autouse=True)
def small_body(monkeypatch, toy_assets):
    monkeypatch.setattr(to_glb, "load_body", lambda name: SkelBody(toy_assets))


def lump(html: str, name: str) -> bytes:
    (text,) = re.findall(rf'id="lump-{name}">([^<]*)<', html)
    return base64.b64decode(text)


def scene_of(html: str):
    (text,) = re.findall(r'id="scene">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


def series(numbers: bytes, place) -> np.ndarray:
    values = np.frombuffer(numbers, "<i2", place["count"], place["at"]).astype(float)
    return np.where(values == -32768, np.nan, values * place["step"])


def test_numbers_in_the_page_are_those_of_the_result():
    result = make_result()
    html = page.render(result)
    scene, numbers = scene_of(html), gzip.decompress(lump(html, "numbers"))
    np.testing.assert_array_equal(np.frombuffer(numbers, "<f8", 6, scene["times"]["at"]), TIMES_S)
    right, left = scene["charts"]["knee_angle"]
    assert (right["side"], left["side"]) == ("right", "left")
    for name, angles in (("smooth", result.angles), ("raw", result.raw_angles)):
        told = series(numbers, right[name])
        np.testing.assert_allclose(told, np.degrees(angles["knee_angle_r"]), atol=0.005)
        assert np.isnan(told[MISSED]) == np.isnan(angles["knee_angle_r"][MISSED])
    np.testing.assert_allclose(series(numbers, right["sd"]), 2.5, atol=0.005)
    assert scene["gaps"] == [[TIMES_S[MISSED - 1], TIMES_S[MISSED + 1]]]
    assert scene["bodyStart"] == 0.0


def test_a_turn_of_many_rounds_is_told_more_coarsely():
    pack = page._Pack()
    place = pack.degrees(np.radians([0.0, 2000.0, np.nan]))
    told = series(gzip.decompress(base64.b64decode(pack.text())), place)
    np.testing.assert_allclose(told, [0.0, 2000.0, np.nan], atol=0.05)


def test_body_in_the_page_is_the_glb_of_the_run(tmp_path):
    result = make_result()
    MotionGlb()(result, tmp_path / "motion.glb")
    assert gzip.decompress(lump(page.render(result), "body")) == (tmp_path / "motion.glb").read_bytes()


def test_film_is_inside_or_linked():
    keys = ((0.2, b"jpeg"),)
    html = page.render(make_result(), film=Film(b"mp4", keys), film_link="overlay.mp4")
    assert lump(html, "film") == b"mp4"
    assert scene_of(html)["film"] == {"inside": True, "link": "overlay.mp4"}
    assert base64.b64encode(b"jpeg").decode() in html
    assert (
        scene_of(page.render(make_result(), film=Film(None, keys), film_link="overlay.mp4"))["film"]["inside"] is False
    )
    assert scene_of(page.render(make_result()))["film"] is None


def test_nothing_in_the_page_points_outside():
    html = page.render(make_result(), film=Film(b"mp4", ((0.2, b"jpeg"),)), film_link="overlay.mp4")
    addresses = set(re.findall(r"https?://[^\"'\s<]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name of a language, which no browser asks for
    assert not re.findall(r"<(link|iframe|img)\b[^>]*(?:href|src)=\"(?!data:)", html)


def test_names_and_warnings_cannot_break_the_page():
    evil = "</script><script>alert(1)</script>.mp4"
    html = page.render(make_result(warnings=(evil,), settings={"a": evil}, smoothing=evil))
    assert "<script>alert" not in html
    assert html.count("</script>") == 5


def test_what_everybody_must_read_is_there():
    result = make_result()
    html = page.render(result)
    text = unescape(html)
    assert "not a medical device" in text
    assert result.warnings[0][1:] in text
    for angle in ANGLES:
        if not angle.name.endswith("_l"):
            assert angle.positive in text
            assert angle.zero in text


def test_gait_stands_there_only_when_somebody_walks(monkeypatch):
    assert 'id="gait"' not in page.render(make_result())
    strides = (Stride("r", 0.0, 0.05, 0.1, 0.15, 0.2), Stride("l", 0.1, 0.15, 0.2, 0.25, 0.3))
    monkeypatch.setattr(page, "find_strides", lambda result: strides)
    result = make_result(missed=())
    html = page.render(result)
    assert 'id="gait"' in html
    assert "Zeni" in html
    right = scene_of(html)["cycles"]["knee_angle"][0]
    expected = CubicSpline(TIMES_S, KNEE_DEG)(np.linspace(0.0, 0.2, 101))
    np.testing.assert_allclose(right["mean"], expected, atol=0.006)
    assert right["toeOff"] == 75.0


def test_one_frame_and_nobody_make_a_page():
    for result in (make_result(frames=1, missed=()), make_result(missed=tuple(range(6)))):
        assert "Range of motion" in page.render(result)


def test_same_result_gives_the_same_page(tmp_path):
    result = make_result()
    page.write_report(result, tmp_path / "a.html")
    page.write_report(result, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
