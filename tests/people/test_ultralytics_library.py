"""What is asked of the library `ultralytics`, and what users are told when it cannot be had."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from skelvid.errors import ConfigError, WeightsError
from skelvid.people.ultralytics_library import ultralytics, yolo


@pytest.fixture
def made(monkeypatch):
    names = []

    def make(name):
        names.append(name)
        if "unknown" in name:
            raise FileNotFoundError(f"{name} does not exist\nand more")
        return SimpleNamespace(name=name)

    monkeypatch.setitem(sys.modules, "ultralytics", SimpleNamespace(YOLO=make))
    return names


def test_it_is_told_to_keep_to_itself_before_it_is_imported(made, monkeypatch):
    monkeypatch.delenv("YOLO_OFFLINE", raising=False)
    monkeypatch.setenv("YOLO_VERBOSE", "true")
    ultralytics()
    assert os.environ["YOLO_OFFLINE"] == "true"
    assert os.environ["YOLO_VERBOSE"] == "true"  # the user's own wish


def test_nothing_else_is_changed_by_it():
    """Its import sets how all arrays print and how PIL opens pictures."""
    code = (
        "import numpy, torch; from PIL import Image; from skelvid.people.ultralytics_library import ultralytics;"
        "before = Image.open, torch.save, numpy.get_printoptions(), repr(torch.ones(40));"
        "ultralytics();"
        "assert before == (Image.open, torch.save, numpy.get_printoptions(), repr(torch.ones(40)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if "ConfigError" in done.stderr:
        pytest.skip("ultralytics is not installed")
    assert done.returncode == 0, done.stderr


def test_without_it_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(ConfigError, match=r"pip install 'skelvid\[yolo\]'.*AGPL-3.0"):
        ultralytics()


def test_names_are_the_librarys_to_find_and_paths_ours(made, tmp_path):
    file = tmp_path / "own.pt"
    file.touch()
    assert yolo("yolo11x.pt").name == "yolo11x.pt"
    assert yolo(file).name == str(file)
    for absent in (tmp_path / "absent.pt", "absent.safetensors"):
        with pytest.raises(WeightsError, match="no weights at"):
            yolo(absent)
    assert made == ["yolo11x.pt", str(file)]


def test_names_it_does_not_know_are_said_in_one_line(made):
    with pytest.raises(
        WeightsError, match=r"^unknown\.pt is no file and could not be downloaded: unknown\.pt does not"
    ):
        yolo("unknown.pt")
