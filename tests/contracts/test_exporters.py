"""What every exporter must do."""

import os
import resource
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelvid.body.model import SkelBody
from skelvid.errors import ConfigError, SkelvidError
from skelvid.export import catalogue, to_glb
from skelvid.export.catalogue import EXPORTERS, exporter, list_exporters
from tests.made_result import TIMES_S, make_result

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
RESULTS: dict[str, dict[str, Any]] = {
    "one gap": {},
    "no gap": {"missed": ()},
    "gaps at both ends": {"missed": (0, len(TIMES_S) - 1)},
    "one frame": {"frames": 1},
    "one frame left": {"missed": tuple(range(1, len(TIMES_S)))},
    "typed height": {"typed_height_m": 1.8},
    "foreign name": {"video": Path("Übung\n1.mp4")},
}


@contextmanager
def small_disk(bytes_left: int):
    """Let no file of this process grow beyond some bytes: what a full disk is like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(autouse=True)
def small_body(monkeypatch, toy_assets):
    monkeypatch.setattr(to_glb, "load_body", lambda name: SkelBody(toy_assets))


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("case", RESULTS)
def test_writes_one_whole_file_and_leaves_the_result_alone(name, case, tmp_path):
    write, result = exporter(name), make_result(**RESULTS[case])
    before = result.angles.values_rad.copy(), result.points.joints_m.copy()
    path = tmp_path / "folder" / write.file_name
    write(result, path)
    assert os.listdir(path.parent) == [write.file_name]
    first = path.read_bytes()
    write(result, path)
    assert path.read_bytes() == first
    np.testing.assert_array_equal(result.angles.values_rad, before[0])
    np.testing.assert_array_equal(result.points.joints_m, before[1])


@pytest.mark.parametrize("name", EXPORTERS)
def test_full_disk_leaves_the_earlier_file(name, tmp_path):
    write = exporter(name)
    path = tmp_path / write.file_name
    path.write_text("old")
    with small_disk(1000), pytest.raises(SkelvidError, match=f"{write.file_name} cannot be written"):
        write(make_result(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [write.file_name]


@pytest.mark.parametrize("name", EXPORTERS)
def test_file_is_described(name):
    assert f"`{exporter(name).file_name}`" in PAGE.read_text()


def test_names_of_files_differ():
    assert len({exporter(name).file_name for name in EXPORTERS}) == len(EXPORTERS)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"'c3d'; known are csv, .*trc"):
        exporter("c3d")


def test_exporter_of_another_package(monkeypatch):
    group = [EntryPoint("bvh", "skelvid.export.to_csv:AnglesCsv", catalogue.ENTRY_POINTS)]

    class Found(list):
        names = frozenset({"bvh"})

    monkeypatch.setattr(catalogue, "entry_points", lambda **_: Found(group))
    assert exporter("bvh").file_name == "angles.csv"
    assert "bvh" in list_exporters()
