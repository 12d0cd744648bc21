"""Chromium, driven by Playwright; tests that need it are skipped, with the reason, where it is not installed."""

import contextlib
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright, which drives the browser, is not installed")

# What a page may load: itself, from the disk or from this machine.
LOCAL = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
# No sandbox, as tests may run as root in a container; /dev/shm is small there.
_ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio")


def chromium_path() -> str:
    """Return where Chromium lies; skip the test if it is nowhere."""
    names = (
        os.environ.get("SKELVID_CHROMIUM"),
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    )
    for name in names:
        if name and (found := shutil.which(name)):
            return found
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")


@contextlib.contextmanager
def launched(driver: "Playwright", *arguments: str) -> Generator["Browser"]:
    """Run a Chromium of one's own, with arguments for its command line."""
    path = chromium_path()
    browser = driver.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *arguments], timeout=180_000)
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def watched_page(browser: "Browser", size: str = "desktop") -> Generator["Page"]:
    """Open a page of a size in `SIZES`; complain at the end of errors in its console and of requests to elsewhere."""
    width, height = SIZES[size]
    phone = size == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2 if phone else 1, has_touch=phone
    )
    context.set_default_timeout(120_000)
    page = context.new_page()
    faults: list[str] = []
    # The last is about reading back what WebGL drew, which only tests and screenshots do.
    bad = lambda m: m.type in ("error", "warning") and "GL Driver Message" not in m.text  # noqa: E731
    page.on("console", lambda message: faults.append(message.text) if bad(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(LOCAL) else faults.append(f"asks {request.url}"))
    try:
        yield page
    finally:
        context.close()
    assert not faults, faults


@pytest.fixture(scope="session")
def driver() -> Iterator["Playwright"]:
    """Return what starts browsers; there can be only one."""
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(driver: "Playwright") -> Iterator["Browser"]:
    """Return a Chromium without a camera, for all tests of a session."""
    with launched(driver) as browser:
        yield browser


@pytest.fixture
def page(chromium: "Browser") -> Iterator["Page"]:
    """Return a page of desktop size whose console must stay silent, and which must ask nothing of the network."""
    with watched_page(chromium) as page:
        yield page


@pytest.fixture
def phone_page(chromium: "Browser") -> Iterator["Page"]:
    """Return the same, of the size of a phone."""
    with watched_page(chromium, "phone") as page:
        yield page


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where screenshots go: `SKELVID_PICTURES`, to look at them, else a folder that is thrown away."""
    folder = Path(os.environ.get("SKELVID_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
