"""The catalogue of sources, and giving people to boxes."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.errors import ConfigError
from skelvid.people import keypoints
from skelvid.people.keypoints import give_to_boxes, keypoint_source, list_keypoint_sources, optional_library
from tests.keypoint_fakes import points_in


def people(*boxes, count=8):
    xy = np.array([points_in(box, count) for box in boxes]).reshape(-1, count, 2)
    return Keypoints2D(xy, np.ones(xy.shape[:2]), tuple(f"p{i}" for i in range(count)))


def test_unknown_name_tells_the_known_ones():
    with pytest.raises(ConfigError, match=r"'mediapip'; known are files, mediapipe, skelvid, ultralytics"):
        keypoint_source("mediapip")


def test_other_packages_add_sources(monkeypatch):
    entry = EntryPoint("mine", "tests.people.test_keypoints:people", keypoints.ENTRY_POINTS)

    class Found(list):
        names = ("mine",)

    monkeypatch.setattr(keypoints, "entry_points", lambda group, name="mine": Found([entry] * (name == "mine")))
    assert list_keypoint_sources() == ["files", "mediapipe", "mine", "skelvid", "ultralytics"]
    assert keypoint_source("mine").__name__ == "people"


def test_missing_library_tells_what_to_install():
    with pytest.raises(ConfigError, match=r"no_such_library.*: pip install this"):
        optional_library("no_such_library", "pip install this")


LEFT, RIGHT = (0.0, 0.0, 20.0, 60.0), (50.0, 0.0, 70.0, 60.0)


@pytest.mark.parametrize("order", [[LEFT, RIGHT], [RIGHT, LEFT]])
def test_people_go_to_their_boxes(order):
    given = give_to_boxes(people(LEFT, RIGHT), Boxes(np.array(order), np.ones(2)))
    np.testing.assert_allclose(given.xy, people(*order).xy)


def test_one_person_goes_to_one_box_only():
    boxes = Boxes(np.array([LEFT, LEFT]) + np.array([[3.0], [0.5]]), np.ones(2))
    given = give_to_boxes(people(LEFT), boxes)
    np.testing.assert_array_equal(given.score.any(-1), [False, True])


def test_a_person_elsewhere_is_nobodys():
    assert not give_to_boxes(people(LEFT), Boxes(np.array([RIGHT]), np.ones(1))).score.any()


def test_people_of_missing_points_are_passed_over():
    found = people(LEFT, RIGHT)
    found.xy[0], found.score[0] = np.nan, 0.0
    found.xy[1, :3], found.score[1, :3] = np.nan, 0.0
    given = give_to_boxes(found, Boxes(np.array([LEFT, RIGHT]), np.ones(2)))
    assert not given.score[0].any()
    np.testing.assert_array_equal(given.score[1], found.score[1])


def test_nobody_and_no_boxes():
    assert give_to_boxes(people(), Boxes(np.array([LEFT]), np.ones(1))).xy.shape == (1, 8, 2)
    assert give_to_boxes(people(LEFT), Boxes.none()).xy.shape == (0, 8, 2)
