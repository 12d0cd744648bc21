"""Average precision by known answers."""

import json

import numpy as np
import pytest
from PIL import Image

from skelvid.datatypes.people import Boxes
from train.detector.composite import Labelled
from train.detector.evaluate import CORRECTED, coco_set, held_out_set, quality

IMAGE = np.zeros((100, 100, 3), np.uint8)
TALL, SMALL, FAR = [10.0, 10, 40, 90], [60.0, 40, 70, 60], [80.0, 5, 95, 95]


def picture(*boxes):
    return Labelled(IMAGE, np.array(boxes, float).reshape(-1, 4))


def found(*boxes):
    return Boxes(np.array([box for box, _ in boxes], float).reshape(-1, 4), np.array([s for _, s in boxes], float))


def test_everybody_found_is_one():
    q = quality([found((TALL, 0.9), (SMALL, 0.3))], [picture(TALL, SMALL)])
    assert (q.ap50, q.precision, q.recall, q.people) == (1.0, 1.0, 1.0, 2)


def test_nobody_found_is_zero():
    q = quality([Boxes.none()], [picture(TALL)])
    assert (q.ap50, q.recall) == (0.0, 0.0)


def test_area_under_the_curve():
    # Right, wrong, right: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1.
    q = quality([found((TALL, 0.9), (FAR, 0.8), (SMALL, 0.7))], [picture(TALL, SMALL)])
    assert q.ap50 == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)
    assert (q.precision, q.recall) == (pytest.approx(2 / 3), 1.0)


def test_precision_and_recall_are_of_what_is_trusted():
    q = quality([found((TALL, 0.9), (FAR, 0.3), (SMALL, 0.2))], [picture(TALL, SMALL)], min_score=0.4)
    assert (q.precision, q.recall) == (1.0, 0.5)
    assert q.ap50 == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)


def test_a_second_box_around_one_person_is_wrong():
    q = quality([found((TALL, 0.9), (TALL, 0.8))], [picture(TALL)])
    assert (q.ap50, q.precision) == (1.0, 0.5)


def test_a_loose_box_does_not_count():
    assert quality([found(([10.0, 10, 90, 90], 0.9))], [picture(TALL)]).ap50 == 0.0


def test_small_people_are_neither_to_be_found_nor_wrong_to_find():
    with_small = quality([found((TALL, 0.9), (SMALL, 0.95))], [picture(TALL, SMALL)], min_share=1 / 3)
    assert (with_small.ap50, with_small.precision, with_small.people) == (1.0, 1.0, 1)
    # A small box where nobody is does not count either, a tall one does.
    assert quality([found((TALL, 0.9), (SMALL, 0.95))], [picture(TALL)], min_share=1 / 3).precision == 1.0
    assert quality([found((TALL, 0.9), (FAR, 0.95))], [picture(TALL)], min_share=1 / 3).precision == 0.5


def test_scores_rank_over_all_pictures():
    q = quality([found((TALL, 0.5)), found((FAR, 0.9))], [picture(TALL), picture(TALL)])
    assert q.ap50 == pytest.approx(0.5 * 0.5)


def save(folder, name, lines):
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((100, 200, 3), np.uint8)).save(folder / f"{name}.jpg")
    (folder / "labels_yolo").mkdir(exist_ok=True)
    (folder / "labels_yolo" / f"{name}.txt").write_text("\n".join(lines))


def test_boxes_and_outlines_of_people_are_read(tmp_path):
    save(tmp_path, "a", ["0 0.5 0.5 0.2 0.4", "16 0.1 0.1 0.1 0.1", "0 0.1 0.2 0.3 0.2 0.3 0.9 0.2 0.5"])
    save(tmp_path, "b", [])
    one, two = coco_set(tmp_path)
    np.testing.assert_allclose(one.xyxy, [[80, 30, 120, 70], [20, 20, 60, 90]])
    assert two.xyxy.shape == (0, 4)


def test_hand_corrections_replace_labels_at_any_size(tmp_path):
    name = "exercise_Bodyweight_Mid_Row_1"
    for part in ("images", "labels"):
        (tmp_path / part / "val").mkdir(parents=True)
    Image.fromarray(np.zeros((704, 470, 3), np.uint8)).save(tmp_path / "images" / "val" / f"{name}.jpg")
    (tmp_path / "labels" / "val" / f"{name}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (one,) = held_out_set(tmp_path)
    np.testing.assert_allclose(one.xyxy, 2.0 * np.array([[34, 29, 171, 166]]))


def test_corrected_boxes_are_boxes():
    for boxes in json.loads(CORRECTED.read_text()).values():
        xyxy = np.array(boxes)
        assert (xyxy[:, :2] < xyxy[:, 2:]).all()
        assert (xyxy >= 0).all()
        assert (xyxy <= 352).all()
