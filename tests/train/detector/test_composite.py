"""Pasted people: boxes are around what can be seen of them, and nothing else."""

import numpy as np
import pytest

from train.detector import composite, light
from train.detector.composite import LEAST_SEEN, Labelled, Person, compose, crop

GREY, RED = (90, 90, 90), (230, 20, 20)
SCENERY = np.full((300, 400, 3), GREY, np.uint8)


def red_person(height=200, width=80):
    return Person(np.full((height, width, 3), RED, np.uint8), np.ones((height, width)))


@pytest.fixture
def clear(monkeypatch):
    """No blur, noise, light or things in front, so that what is red is a person."""
    monkeypatch.setattr(composite, "OCCLUDED", 0.0)
    monkeypatch.setattr(light, "AGAINST_LIGHT", 0.0)
    monkeypatch.setattr(light, "LIKE_BEHIND", 0.0)
    monkeypatch.setattr(composite, "_camera", lambda image, rng: image.clip(0, 255).astype(np.uint8))


def red_box(image):
    # Every light leaves red the strongest colour by far.
    red = image[..., 0].astype(int) > 2 * image[..., 1].astype(int) + 20
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    assert len(rows)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def test_box_of_one_person_is_around_the_pixels_of_them(clear, monkeypatch):
    monkeypatch.setattr(composite, "COUNTS", (1,))
    monkeypatch.setattr(composite, "SHARES", (1.0,))
    boxes = 0
    for seed in range(40):
        example = compose(Labelled(SCENERY, np.zeros((0, 4))), [red_person()], [SCENERY], np.random.default_rng(seed))
        assert len(example.xyxy) <= 1
        for box in example.xyxy:
            np.testing.assert_allclose(box, red_box(example.image), atol=3)
            boxes += 1
    assert boxes > 30  # the others are mostly out of the picture


def test_boxes_lie_in_the_picture_and_have_a_size():
    for seed in range(30):
        example = compose(Labelled(SCENERY, np.zeros((0, 4))), [red_person()], [SCENERY], np.random.default_rng(seed))
        height, width = example.image.shape[:2]
        assert (example.xyxy >= 0).all()
        assert (example.xyxy <= [width, height, width, height]).all()
        assert ((example.xyxy[:, 2:] - example.xyxy[:, :2]) >= composite.LEAST_PX).all()
        assert max(height, width) == composite.LONG_SIDE_PX


def test_who_is_hidden_has_no_box(clear, monkeypatch):
    """A host who fills the picture is lost behind a nearer one who fills it too."""
    monkeypatch.setattr(composite, "COUNTS", (1,))
    monkeypatch.setattr(composite, "SHARES", (1.0,))
    monkeypatch.setattr(composite, "SMALLEST", 10.0)
    monkeypatch.setattr(composite, "LARGEST", 10.1)
    host = Labelled(SCENERY, np.array([[100.0, 50.0, 300.0, 250.0]]))
    example = compose(host, [red_person(200, 200)], [SCENERY], np.random.default_rng(3))
    height, width = example.image.shape[:2]
    np.testing.assert_allclose(example.xyxy, [[0, 0, width, height]])


def test_a_crop_moves_boxes_with_the_picture():
    image = SCENERY.copy()
    image[100:200, 150:200] = RED
    host = Labelled(image, np.array([[150.0, 100.0, 200.0, 200.0]]))
    kept = 0
    for seed in range(30):
        part = crop(host, np.random.default_rng(seed))
        for box in part.xyxy:
            np.testing.assert_allclose(box, red_box(part.image), atol=2)
            kept += 1
    assert kept > 20


def test_a_crop_drops_whom_it_cuts_off():
    host = Labelled(SCENERY, np.array([[0.0, 0.0, 4.0, 300.0]]))
    seen = [crop(host, np.random.default_rng(seed)).xyxy for seed in range(40)]
    assert any(len(boxes) == 0 for boxes in seen)
    for boxes in seen:
        assert ((boxes[:, 2:] - boxes[:, :2]).prod(-1) > LEAST_SEEN * 4).all()


def test_who_stands_alone_is_whole_and_fills_the_picture(clear, monkeypatch):
    monkeypatch.setattr(composite, "FILLING", 1.0)
    monkeypatch.setattr(composite, "WHOLE", 1.0)
    for seed in range(20):
        example = compose(Labelled(SCENERY, np.zeros((0, 4))), [red_person()], [SCENERY], np.random.default_rng(seed))
        (box,) = example.xyxy
        assert box[3] - box[1] > 0.75 * example.image.shape[0]


def test_the_same_seed_gives_the_same_picture():
    host = Labelled(SCENERY, np.zeros((0, 4)))
    one, two = (compose(host, [red_person()], [SCENERY], np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.xyxy, two.xyxy)
