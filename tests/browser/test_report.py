"""The report in a real browser: it stands by itself, and one clock moves film, body and curves."""

import re

import numpy as np
import pytest

from skelvid.body.model import SkelBody
from skelvid.export import to_glb
from skelvid.report.film import make_film
from skelvid.report.page import write_report
from skelvid.report.pdf import write_pdf
from skelvid.video.writer import VideoWriter
from tests.browser.conftest import launched, watched_page
from tests.made_result import KNEE_DEG, TIMES_S, make_result

# WebGL without a graphics card.
SOFTWARE_GL = ("--enable-unsafe-swiftshader", "--use-angle=swiftshader", "--ignore-gpu-blocklist")
SIZE_HW = (96, 160)
# Mean of the picture that the film shows, which tells the frame: 20 + 30 per frame.
BRIGHTNESS = """() => {
    const c = document.createElement('canvas').getContext('2d');
    c.drawImage(video, 0, 0, 8, 8, 0, 0, 1, 1);
    return c.getImageData(0, 0, 1, 1).data[0]; }"""
NO_WEBGL = """const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind === 'webgl2' ? null : real.call(this, kind, ...rest); };"""
DISPLAY = """(name) => getComputedStyle(document.querySelector('#chart_knee_angle ' + name)).display"""
CURSORS = """() => [...document.querySelectorAll('.cursor')].map((c) => {
    const r = c.getBoundingClientRect(), p = c.closest('.plot').getBoundingClientRect();
    return ((r.left - p.left) / p.width * 1000 | 0) / 1000; })"""


@pytest.fixture(scope="module")
def webgl(driver):
    with launched(driver, *SOFTWARE_GL) as browser:
        yield browser


@pytest.fixture
def report(tmp_path, monkeypatch, toy_assets):
    """Return a report whose film tells by its brightness which frame it shows."""
    monkeypatch.setattr(to_glb, "load_body", lambda name: SkelBody(toy_assets))
    overlay = tmp_path / "overlay.mp4"
    with VideoWriter(overlay, threads=1) as film:
        for number, time_s in enumerate(TIMES_S):
            film.write(np.full((SIZE_HW[0], SIZE_HW[1] + 40, 3), 20 + 30 * number, np.uint8), time_s)
    path = tmp_path / "report.html"
    write_report(make_result(), path, film=make_film(overlay, SIZE_HW, TIMES_S[-1]), film_link=overlay.name)
    return path


def opened(page, path):
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.wait_for_function("video.readyState >= 2")


def shows(page, frame: int):
    """Wait until the film shows a frame."""
    page.wait_for_function(f"Math.abs(({BRIGHTNESS})() - {20 + 30 * frame}) < 12")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_page_stands_by_itself(webgl, report, pictures, size):
    with watched_page(webgl, size) as page:  # it complains of errors and of requests to elsewhere
        opened(page, report)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("canvas.hidden") is False
        assert page.locator("#film").is_visible()
        page.locator("#chart_hip_flexion").scroll_into_view_if_needed()
        page.wait_for_selector("#chart_hip_flexion svg")
        page.screenshot(path=pictures / f"report_{size}.png", full_page=True)


def test_cursor_moves_film_body_and_curves_together(webgl, report):
    with watched_page(webgl) as page:
        opened(page, report)
        page.wait_for_selector("#chart_hip_flexion svg")
        before = page.evaluate("canvas.toDataURL()")
        plot = page.locator("#chart_hip_flexion .plot")
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        left, right = 40 / box["width"], 1 - 8 / box["width"]
        share = left + (right - left) * 0.4 / TIMES_S[-1]
        page.mouse.click(box["x"] + share * box["width"], box["y"] + 60)
        shows(page, 4)  # the frame at 0.4 s
        assert page.inner_text("#clock") == "0.40 s"
        cursors = page.evaluate(CURSORS)
        assert len(cursors) > 1
        np.testing.assert_allclose(cursors, share, atol=0.01)
        assert page.evaluate("canvas.toDataURL()") != before
        page.locator("#chart_knee_angle").scroll_into_view_if_needed()
        page.wait_for_selector("#chart_knee_angle .values .right")
        assert page.inner_text("#chart_knee_angle .values .right") == f"{KNEE_DEG[4]:.1f}° ± 2.5"
        page.keyboard.press("ArrowRight")
        shows(page, 5)
        assert page.inner_text("#chart_knee_angle .values .right") == f"{KNEE_DEG[5]:.1f}° ± 2.5"


def test_gap_is_shaded_and_said(webgl, report):
    with watched_page(webgl) as page:
        opened(page, report)
        page.wait_for_selector("#chart_hip_flexion svg .gap")
        page.locator("#slider").fill("500")  # 0.25 s, when nobody was seen
        assert page.inner_text("#chart_hip_flexion .values .right") == "not seen"


def test_play_runs_to_the_end_and_stops(webgl, report):
    with watched_page(webgl) as page:
        opened(page, report)
        page.click("#play")
        page.wait_for_function("clock.textContent === '0.50 s' && play.textContent === '▶'")


def test_switches_and_zoom(webgl, report):
    with watched_page(webgl) as page:
        opened(page, report)
        page.locator("#chart_knee_angle").scroll_into_view_if_needed()
        curve = page.locator("#chart_knee_angle .curve.right")
        whole = curve.get_attribute("d")
        page.uncheck("[data-hide=raw]")
        page.uncheck("[data-hide=left]")
        shown = {name: page.evaluate(DISPLAY, name) != "none" for name in (".raw.right", ".curve.left", ".curve.right")}
        assert shown == {".raw.right": False, ".curve.left": False, ".curve.right": True}
        page.click("#closer")
        assert curve.get_attribute("d") != whole
        page.click("#whole")
        assert curve.get_attribute("d") == whole


def test_body_turns_and_can_be_taken_apart(webgl, report):
    with watched_page(webgl) as page:
        opened(page, report)
        seen = {page.evaluate("canvas.toDataURL()")}
        for act in ("[data-view='90']", "[data-view='180']", "#skin", "#bones"):
            page.click(act)
            seen.add(page.evaluate("canvas.toDataURL()"))
        assert len(seen) == 5


def test_without_webgl_all_else_works(page, report):
    page.add_init_script(NO_WEBGL)
    opened(page, report)
    assert "No 3D view: this browser shows no WebGL 2." in page.inner_text("#body")
    page.locator("#slider").fill("1000")
    shows(page, 5)


def test_long_film_is_played_from_beside_the_page(webgl, report):
    html = report.read_text()
    report.write_text(html.replace('"inside":true', '"inside":false'))
    with watched_page(webgl) as page:
        opened(page, report)
        page.locator("#slider").fill("1000")
        # What a file:// film shows may not be read, but where it stands may.
        page.wait_for_function(f"!video.seeking && Math.abs(video.currentTime - {TIMES_S[-1]}) < 0.01")
        assert page.evaluate("video.videoWidth") == SIZE_HW[1] + 40  # with its curves: the overlay itself


def test_page_is_printed(webgl, report, tmp_path):
    write_pdf(report, tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) >= 3
