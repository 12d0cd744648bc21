"""A folder of results, read back: the page made from it is the page of the run."""

import json
import re

import numpy as np
import pytest

from skelvid.config import load_config
from skelvid.errors import AssetError
from skelvid.export.catalogue import exporter
from skelvid.pipeline import stored
from skelvid.pipeline.folder import run_video
from skelvid.pipeline.stored import load_result, result_places, write_page
from tests.made_result import make_result

CONFIG = load_config(sets=["export.files=[csv, raw_csv, npz, summary]", "export.plots=false", "motion.height_m=1.8"])


@pytest.fixture
def run(quick, film, tmp_path):
    (result,) = run_video(film, tmp_path / "out", CONFIG)
    return result, tmp_path / "out"


def write_files(result, place, *names):
    for name in names or ("csv", "raw_csv", "npz", "summary"):
        write = exporter(name)
        write(result, place / write.file_name)
    return place


def test_result_comes_back(run):
    result, place = run
    back = load_result(place)
    for name in ("angles", "raw_angles"):
        mine, theirs = getattr(back, name), getattr(result, name)
        assert mine.names == theirs.names
        np.testing.assert_array_equal(mine.time_s, theirs.time_s)
        np.testing.assert_allclose(np.degrees(mine.values_rad), np.degrees(theirs.values_rad), atol=6e-4)
    assert back.angles.sigma_rad is not None
    assert result.angles.sigma_rad is not None
    np.testing.assert_allclose(np.degrees(back.angles.sigma_rad), np.degrees(result.angles.sigma_rad), atol=6e-4)
    np.testing.assert_allclose(back.points.landmarks_m, result.points.landmarks_m, atol=1e-6)
    np.testing.assert_allclose(back.ground, result.ground)
    np.testing.assert_allclose(back.ground_origin_m, result.ground_origin_m)
    assert back.warnings == result.warnings
    assert back.settings == result.settings
    assert (back.typed_height_m, back.smoothing, back.versions) == (1.8, result.smoothing, result.versions)


def test_page_made_again_says_the_same(run):
    _, place = run
    first = (place / "report.html").read_text()
    assert write_page(load_result(place), place) == [place / "report.html"]
    again = (place / "report.html").read_text()

    def text(page: str) -> str:
        return re.sub(r"<script.*?</script>|<video.*?</video>|<img[^>]*>", "", page, flags=re.DOTALL)

    assert text(again) == text(first)
    assert len(again) == pytest.approx(len(first), rel=0.05)


def test_film_of_an_earlier_run_is_not_shown(run):
    _, place = run
    result = make_result(settings={"export": {"overlay": False}})
    assert (place / "overlay.mp4").is_file()
    (page,) = write_page(result, place)
    assert '"film":null' in page.read_text()


def test_places_of_several_people(tmp_path):
    for name in ("person00", "person01"):
        write_files(make_result(), tmp_path / name, "summary")
    assert result_places(tmp_path) == [tmp_path / "person00", tmp_path / "person01"]


def test_folder_without_results_is_said(tmp_path):
    with pytest.raises(AssetError, match=r"holds no results of `skelvid run`"):
        result_places(tmp_path)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("summary", "summary.json"), ("npz", "motion.npz"), ("csv", "angles.csv"), ("raw_csv", "raw_angles.csv")],
)
def test_missing_file_is_named(tmp_path, monkeypatch, missing, said):
    place = write_files(make_result(), tmp_path)
    (place / exporter(missing).file_name).unlink()
    with pytest.raises(AssetError, match=said):
        load_result(place)


def test_summary_of_an_older_skelvid_is_said(tmp_path):
    place = write_files(make_result(), tmp_path)
    told = json.loads((place / "summary.json").read_text())
    del told["ground"]
    (place / "summary.json").write_text(json.dumps(told))
    with pytest.raises(AssetError, match="run the video again"):
        load_result(place)


def test_files_of_two_runs_are_said(tmp_path):
    place = write_files(make_result(), tmp_path)
    write_files(make_result(frames=4), place, "csv")
    with pytest.raises(AssetError, match="different runs"):
        load_result(place)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "time,knee,knee_sd\n0.0,x,\n", "time,knee\n0.0,1.0\n"])
def test_damaged_table_is_said(tmp_path, text):
    place = write_files(make_result(), tmp_path)
    (place / "angles.csv").write_text(text)
    with pytest.raises(AssetError, match=r"angles\.csv is not a table of angles"):
        load_result(place)


def test_a_pdf_that_is_wanted_is_printed(tmp_path, monkeypatch):
    printed = []
    monkeypatch.setattr(stored, "write_pdf", lambda page, path: printed.append((page, path)))
    assert write_page(make_result(), tmp_path, pdf=True) == [tmp_path / "report.html", tmp_path / "report.pdf"]
    assert printed == [(tmp_path / "report.html", tmp_path / "report.pdf")]
