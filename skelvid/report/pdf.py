"""A page goes in, the same on paper comes out, printed by a browser of the Chromium family if there is one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from skelvid.errors import SkelvidError
from skelvid.files import whole_file

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_LIMIT_S = 180
# Time of the page, which runs as fast as the machine can: its drawing waits for nothing else.
_PAGE_MS = 10_000


def find_browser() -> str | None:
    """Return a browser that prints, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def write_pdf(page: Path, path: Path) -> None:
    """Print a page.

    Raises:
        SkelvidError: There is no browser, or it fails.
    """
    browser = find_browser()
    if browser is None:
        raise SkelvidError(f"{path} needs Chromium, Chrome or Edge to print it, and none is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "report.pdf"
        options = [
            *(
                "--headless",
                "--disable-gpu",
                "--enable-unsafe-swiftshader",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={printed}",
            *("--no-pdf-header-footer", f"--virtual-time-budget={_PAGE_MS}"),
            # Chromium refuses to run as root with its sandbox; the page is ours and asks nothing of the network.
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        ]
        try:
            subprocess.run(
                [browser, *options, page.absolute().as_uri()],
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SkelvidError(f"{path} was not printed: {browser} did not finish ({type(error).__name__})") from error
        if not printed.is_file():
            raise SkelvidError(f"{path} was not printed: {browser} gave no file")
        with whole_file(path) as part:
            shutil.copyfile(printed, part)
