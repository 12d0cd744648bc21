"""angles.csv: the numbers, their units, and what is blank."""

import csv
from pathlib import Path

import numpy as np
import pytest

from skelvid.angles.table import ANGLE_NAMES
from skelvid.datatypes.motion import JointAngles
from skelvid.export.to_csv import AnglesCsv, RawAnglesCsv, write_angles_csv
from tests.made_result import TIMES_S, make_result


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert lines[: len(comments)] == comments
    return comments, list(csv.DictReader(lines[len(comments) :]))


def test_cells_are_degrees_and_a_gap_is_blank(tmp_path):
    AnglesCsv()(make_result(), tmp_path / "a.csv")
    _, rows = read(tmp_path / "a.csv")
    assert [row["knee_angle_r"] for row in rows] == ["10.000", "20.000", "", "40.000", "50.000", "60.000"]
    assert [row["knee_angle_r_sd"] for row in rows] == ["2.500", "2.500", "", "2.500", "2.500", "2.500"]
    assert [row["knee_angle_l"] for row in rows] == ["0.000", "0.000", "", "0.000", "0.000", "0.000"]
    assert [float(row["time"]) for row in rows] == TIMES_S.tolist()


def test_columns_are_time_then_each_angle_beside_its_deviation(tmp_path):
    AnglesCsv()(make_result(), tmp_path / "a.csv")
    _, rows = read(tmp_path / "a.csv")
    assert list(rows[0]) == ["time", *(column for name in ANGLE_NAMES for column in (name, f"{name}_sd"))]


def test_raw_angles_are_those_before_smoothing_and_their_deviation_is_unknown(tmp_path):
    RawAnglesCsv()(make_result(), tmp_path / "a.csv")
    comments, rows = read(tmp_path / "a.csv")
    assert [row["knee_angle_r"] for row in rows] == ["11.000", "21.000", "", "41.000", "51.000", "61.000"]
    assert {row["knee_angle_r_sd"] for row in rows} == {""}
    assert "# smoothing: none" in comments


@pytest.mark.parametrize(
    "words",
    [
        "degrees",
        "person 0 in squat.mp4",
        "not a medical device",
        "docs/conventions.md",
        "smoothing: Butterworth, zero phase, order 4, 6 Hz",
        "made with skelvid 0.1.0",
        "no height was given, the network believes 1.70 m",
        "blank: the person was not seen",
    ],
)
def test_comments_say(words, tmp_path):
    AnglesCsv()(make_result(), tmp_path / "a.csv")
    comments, _ = read(tmp_path / "a.csv")
    assert sum(words in comment for comment in comments) >= 1


def test_comments_say_what_angles_count_from(tmp_path):
    AnglesCsv()(make_result(), tmp_path / "a.csv")
    assert "# angles count from the body's own zeros" in read(tmp_path / "a.csv")[0]
    AnglesCsv()(make_result(settings={"motion": {"neutral_s": [0.5, 1.25]}}), tmp_path / "a.csv")
    assert "# angles count from how the person stood from 0.5 to 1.25 s" in read(tmp_path / "a.csv")[0]


def test_name_of_the_video_cannot_break_the_comments(tmp_path):
    AnglesCsv()(make_result(video=Path("a\n1,2,3.mp4")), tmp_path / "a.csv")
    assert len(read(tmp_path / "a.csv")[1]) == len(TIMES_S)


def test_minus_nothing_is_nothing_and_single_missing_values_are_blank(tmp_path):
    values = np.radians([[-1e-9, np.nan, -0.5]])
    write_angles_csv(JointAngles(np.array([0.1]), ("a", "b", "c"), values, np.zeros((1, 3))), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "time,a,a_sd,b,b_sd,c,c_sd\n0.100000,0.000,0.000,,,-0.500,0.000\n"
