"""What every keypoint source must do; `MAKERS` has one entry for each, or the first test fails."""

import numpy as np
import pytest

from skelvid.body.keypoints import keypoint_meaning
from skelvid.datatypes.people import Boxes
from skelvid.people import mediapipe_source
from skelvid.people.keypoints import KEYPOINT_SOURCES, keypoint_source
from skelvid.pipeline import own_points
from tests.keypoint_fakes import (
    FakeDetector,
    FakeRegressor,
    draw_people,
    fake_mediapipe,
    fake_ultralytics,
    write_openpose,
)

LEFT, MIDDLE, RIGHT = (10, 20, 35, 80), (100, 30, 125, 95), (190, 15, 215, 85)
FRAMES = [
    draw_people([], index=0),
    draw_people([MIDDLE], index=1),
    draw_people([LEFT, MIDDLE, RIGHT], index=2),
    draw_people([LEFT, MIDDLE, RIGHT], index=3),
]


def mediapipe(tmp_path, monkeypatch):
    fake_mediapipe(monkeypatch)
    monkeypatch.setattr(mediapipe_source, "model_path", lambda name, path: tmp_path / "model.task")
    return keypoint_source("mediapipe")()


def ultralytics(tmp_path, monkeypatch):
    fake_ultralytics(monkeypatch)
    weights = tmp_path / "pose.pt"
    weights.touch()
    return keypoint_source("ultralytics")(weights=weights)


def files(tmp_path, monkeypatch):
    return keypoint_source("files")(path=write_openpose(tmp_path / "json", FRAMES))


def own(tmp_path, monkeypatch):
    monkeypatch.setattr(own_points, "open_regressor", lambda weights, device: FakeRegressor())
    monkeypatch.setattr(own_points, "detector", lambda name: FakeDetector)
    return keypoint_source("skelvid")()


MAKERS = {"files": files, "mediapipe": mediapipe, "skelvid": own, "ultralytics": ultralytics}


@pytest.fixture(params=sorted(MAKERS))
def source(request, tmp_path, monkeypatch):
    return MAKERS[request.param](tmp_path, monkeypatch)


def boxes(*rows):
    return Boxes(np.array(rows, float).reshape(-1, 4), np.ones(len(rows)))


def assert_is_in(keypoints, box):
    there = keypoints.xy[keypoints.score > 0]
    assert len(there) >= 16
    np.testing.assert_allclose([there.min(0), there.max(0)], np.reshape(box, (2, 2)), atol=3)


def test_every_source_is_held_to_this_contract():
    assert sorted(MAKERS) == sorted(KEYPOINT_SOURCES)


def test_names_are_known_to_the_body(source):
    assert len(set(source.names)) == len(source.names)
    assert all(keypoint_meaning(name) for name in source.names)


def test_no_boxes_no_rows(source):
    for frame in FRAMES:
        found = source(frame, Boxes.none())
        assert found.xy.shape == (0, len(source.names), 2)
        assert found.names == source.names


def test_nobody_there(source):
    assert len(source(FRAMES[0]).xy) == 0
    found = source(FRAMES[0], boxes(MIDDLE))
    assert found.xy.shape == (1, len(source.names), 2)
    assert (found.score == 0).all()


def test_one_person_with_and_without_a_box(source):
    assert_is_in(source(FRAMES[1])[0], MIDDLE)
    assert_is_in(source(FRAMES[1], boxes(MIDDLE))[0], MIDDLE)


def test_three_people_come_in_the_order_of_their_boxes(source):
    order = [RIGHT, LEFT, MIDDLE]
    for frame in FRAMES[2:]:
        found = source(frame, boxes(*order))
        assert len(found.xy) == 3
        for row, box in zip(found, order, strict=True):
            assert_is_in(row, box)


def test_one_of_the_boxes_is_empty(source):
    found = source(FRAMES[1], boxes(LEFT, MIDDLE))
    assert (found.score[0] == 0).all()
    assert_is_in(found[1], MIDDLE)


def test_frame_is_left_as_it_was(source):
    before = FRAMES[2].image.copy()
    source(FRAMES[2], boxes(LEFT))
    np.testing.assert_array_equal(FRAMES[2].image, before)
