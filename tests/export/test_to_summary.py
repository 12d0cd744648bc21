"""summary.json: what was seen, how well, and with what."""

import json

import numpy as np
import pytest

from skelvid.export.to_summary import Summary, gaps
from tests.made_result import make_result


@pytest.fixture
def summary(tmp_path):
    Summary()(make_result(), tmp_path / "summary.json")
    return json.loads((tmp_path / "summary.json").read_text())


def test_quality(summary):
    assert summary["quality"]["seen_share"] == pytest.approx(5 / 6)
    assert summary["quality"]["gaps"] == [{"start_s": 0.25, "end_s": 0.25}]
    knee = summary["quality"]["angles"]["knee_angle_r"]
    assert knee == {"least_deg": 10.0, "greatest_deg": 60.0, "mean_sd_deg": 2.5}


def test_says_with_what_and_that_it_is_no_medical_device(summary):
    assert summary["settings"] == {"motion": {"cutoff_hz": 6.0}}
    assert summary["versions"] == {"skelvid": "0.1.0"}
    assert summary["warnings"] == ["the feet are cut off by the picture's edge in 20 % of the frames"]
    assert "not a medical device" in summary["note"]
    assert summary["lengths"]["typed_height_m"] is None
    assert "not scaled" in summary["lengths"]["note"]


def test_typed_height_stands_beside_the_believed_one(tmp_path):
    Summary()(make_result(typed_height_m=1.87), tmp_path / "summary.json")
    lengths = json.loads((tmp_path / "summary.json").read_text())["lengths"]
    assert (lengths["typed_height_m"], lengths["believed_height_m"]) == (1.87, 1.7)
    assert "scaled to the height given, 1.87 m; the network believes 1.70 m" in lengths["note"]


def test_nobody_seen_is_null_not_nan(tmp_path):
    Summary()(make_result(missed=tuple(range(6))), tmp_path / "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    assert summary["quality"]["angles"]["knee_angle_r"]["least_deg"] is None
    assert summary["quality"]["gaps"] == [{"start_s": 0.0, "end_s": 0.5}]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [("1111", []), ("0110", [(0.0, 0.0), (3.0, 3.0)]), ("1001", [(1.0, 2.0)]), ("0000", [(0.0, 3.0)]), ("", [])],
)
def test_gaps(seen, wanted):
    assert gaps(np.arange(len(seen), dtype=float), np.array([c == "1" for c in seen], bool)) == wanted
