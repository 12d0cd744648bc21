"""The page in a real browser: a camera that shows a red figure, and stand-ins for the networks that know it."""

import csv
import re

import numpy as np
import pytest
from av import VideoFrame
from playwright.sync_api import expect

from skelvid.app.server import make_app
from skelvid.config import load_config
from skelvid.pipeline.folder import run_video
from tests.app.serving import served
from tests.browser.conftest import launched, watched_page
from tests.pipeline import fakes

SIZE_HW = 240, 320
CAMERA = "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"
BRIEF = ("export.files=[csv, raw_csv]", "export.plots=false", "export.report=false")


@pytest.fixture
def address(monkeypatch, tmp_path):
    """Give the address of a page whose networks are stand-ins."""
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    with served(make_app(folder=tmp_path / "jobs", sets=BRIEF, max_upload_bytes=1_000_000)) as port:
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def camera(driver, tmp_path_factory):
    """Give a Chromium whose camera shows somebody who walks to and fro, two seconds long, over and over."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{SIZE_HW[1]} H{SIZE_HW[0]} F30:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(60):
            image = fakes.draw([(140 + 60 * np.sin(2 * np.pi * number / 60), 60)], SIZE_HW)
            planes = VideoFrame.from_ndarray(image).reformat(format="yuvj420p").to_ndarray()
            file.write(b"FRAME\n" + planes.tobytes())
    with launched(driver, *CAMERA, f"--use-file-for-fake-video-capture={path}") as browser:
        yield browser


def ready(page, address):
    page.goto(address)
    page.wait_for_selector("html[data-ready=yes]")


INK = """selector => {
  const canvas = document.querySelector(selector);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.filter((value, i) => i % 4 === 3 && value).length;
}"""

DIFFERENT = """([selector, count]) => {
  window.texts ??= new Set();
  return texts.add(document.querySelector(selector).innerText).size >= count;
}"""


def says(page, text):
    """Wait until the page says something."""
    expect(page.locator("#status")).to_have_text(text, timeout=120_000)


def table(path):
    return list(csv.reader(line for line in path.read_text().splitlines() if not line.startswith("#")))


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_page_stands_by_itself(chromium, address, pictures, size):
    with watched_page(chromium, size) as page:
        ready(page, address)
        assert page.locator(".chart").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click("#options summary")
        page.screenshot(path=pictures / f"app_{size}.png", full_page=True)


def test_camera_gives_moving_curves_and_a_recording(camera, address, pictures):
    with watched_page(camera) as page:
        ready(page, address)
        page.click("#options summary")
        page.check("#record")
        page.click("#start")
        says(page, "Recording.")
        page.wait_for_function(DIFFERENT, arg=[".chart .values", 5], timeout=120_000)
        assert page.evaluate(INK, "#skeleton") > 1000
        assert "pictures/s" in page.inner_text("#pace")
        page.screenshot(path=pictures / "app_live.png", full_page=True)
        page.click("#start")
        page.wait_for_selector("#files li")
        names = page.locator("#files a[download]").all_inner_texts()
        assert {"angles.csv", "video.mp4", "overlay.mp4"} <= set(names)


def test_no_camera_is_said_in_one_sentence(page, address):
    ready(page, address)
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('it is not there') } }")
    page.click("#start")
    page.wait_for_selector("#status.wrong")
    assert page.inner_text("#status") == "The camera cannot be used: it is not there"
    assert page.inner_text("#start") == "Start the camera"


def test_video_gives_the_same_table_as_run_and_is_deleted(page, address, tmp_path, pictures):
    film = fakes.make_film(tmp_path / "walk 1.mp4", 40)
    ready(page, address)
    page.set_input_files("#file", film)
    page.wait_for_selector("#files li")
    with page.expect_download() as download:
        page.click("text=angles.csv >> nth=0")
    download.value.save_as(tmp_path / "there.csv")
    run_video(film, tmp_path / "here", load_config(sets=BRIEF))
    here, there = table(tmp_path / "here" / "angles.csv"), table(tmp_path / "there.csv")
    assert len(here) == 41
    assert here == there
    assert not list((tmp_path / "jobs").glob("*/upload"))
    page.screenshot(path=pictures / "app_results.png", full_page=True)
    page.click("#remove")
    says(page, "Deleted.")
    assert not list((tmp_path / "jobs").iterdir())


def test_cursor_moves_curves_skeleton_and_film_together(page, address, tmp_path):
    film = fakes.make_film(tmp_path / "walk.mp4", 40)
    ready(page, address)
    page.set_input_files("#file", film)
    page.wait_for_selector("#files li")
    values = page.inner_text(".chart .values")
    page.locator("#cursor").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".chart .values").first).not_to_have_text(values, use_inner_text=True, timeout=120_000)
    assert page.inner_text("#time") == "1.20 s"
    assert page.evaluate("document.querySelector('#overlay').currentTime") == pytest.approx(1.2, abs=0.01)


def test_what_is_no_video_or_too_large_is_said_in_one_sentence(page, address, tmp_path):
    (tmp_path / "letter.mp4").write_text("Dear Sir or Madam")
    (tmp_path / "large.mp4").write_bytes(bytes(1_000_001))
    ready(page, address)
    page.set_input_files("#file", tmp_path / "letter.mp4")
    page.wait_for_selector("#status.wrong")
    assert "letter.mp4" in page.inner_text("#status")
    page.set_input_files("#file", tmp_path / "large.mp4")
    says(page, re.compile("MB"))
    assert not list((tmp_path / "jobs").glob("*/upload"))
