"""What is judged by: people labelled by hand, and a table that keeps its history."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from skelvid.regress.output import POINTS
from train.evaluate import HEAD, coco_people, row, write_row
from train.regress.pictures import OCCLUDED, VISIBLE


def test_people_with_many_points_count(tmp_path: Path):
    Image.fromarray(np.zeros((300, 200, 3), np.uint8)).save(tmp_path / "a.jpg")
    points = np.array([[10 + i, 20 + i, 2] for i in range(17)])
    points[5], points[6, 2] = 0, 1  # left shoulder unknown, right one hidden
    whole = {"image_id": 1, "iscrowd": 0, "num_keypoints": 16, "bbox": [5, 10, 100, 200],
             "keypoints": points.flatten().tolist()}  # fmt: skip
    others = [whole | {"num_keypoints": 3}, whole | {"iscrowd": 1}, whole | {"bbox": [5, 10, 20, 40]}]
    data = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [*others, whole]}
    (tmp_path / "person_keypoints.json").write_text(json.dumps(data))
    (one,) = coco_people(tmp_path)
    assert one.xyxy.tolist() == [5, 10, 105, 210]
    at = POINTS.index("right_shoulder")
    assert one.points_px[at].tolist() == [16.5, 26.5]
    assert one.state[at] == OCCLUDED
    assert one.state[POINTS.index("nose")] == VISIBLE
    assert np.isnan(one.points_px[POINTS.index("left_shoulder")]).all()


def test_rows_are_added_and_what_was_not_measured_is_left_open(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- history -->\n<!-- end history -->\nb\n")
    write_row(row("first", "-", {}, {"squat": (4.0, 3.0)}), page)
    write_row(row("second", "331a5e29", {}, {}), page)
    head, line, first, second = page.read_text().split("<!-- history -->\n")[1].split("<!-- end")[0].splitlines()
    assert head.count("|") == line.count("|") == first.count("|") == len(HEAD) + 1
    assert "| first |" in first
    assert "| 4.0 / 3.0 | - |" in first
    assert "| second |" in second
    assert page.read_text().startswith("a\n")
    assert page.read_text().endswith("b\n")
