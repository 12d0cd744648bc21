"""Printing: what is said when there is no browser, or a bad one. A real one is tried in tests/browser."""

import os
import stat

import pytest

from skelvid.errors import SkelvidError
from skelvid.report import pdf


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """Return a function that makes a browser of a shell script, the only one on this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(pdf, "BROWSERS", ("chromium",))

    def make(script: str) -> None:
        path = folder / "chromium"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)

    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return make


def test_no_browser_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "BROWSERS", ())
    with pytest.raises(SkelvidError, match=r"report\.pdf needs Chromium, Chrome or Edge"):
        pdf.write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")


@pytest.mark.parametrize("script", ["exit 1", "exit 0"])
def test_browser_that_prints_nothing_is_said_and_an_old_file_stays(tmp_path, browser, script):
    browser(script)
    (tmp_path / "report.pdf").write_text("old")
    with pytest.raises(SkelvidError, match="gave no file"):
        pdf.write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_text() == "old"


def test_browser_that_hangs_is_stopped(tmp_path, browser, monkeypatch):
    browser("exec sleep 60")
    monkeypatch.setattr(pdf, "_LIMIT_S", 0.2)
    with pytest.raises(SkelvidError, match="did not finish"):
        pdf.write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")


def test_what_it_prints_is_the_file(tmp_path, browser):
    browser('for a in "$@"; do case $a in --print-to-pdf=*) echo "%PDF $#" > "${a#--print-to-pdf=}";; esac; done')
    pdf.write_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_text().startswith("%PDF")
