"""The catalogue of detectors, and keeping the best of overlapping boxes."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from skelvid.errors import ConfigError
from skelvid.people import detect
from skelvid.people.detect import detector, keep_best, list_detectors


def test_unknown_name_tells_the_known_ones():
    with pytest.raises(ConfigError, match="'yolo'; known are mediapipe, skelvid, torchvision, ultralytics"):
        detector("yolo")


def test_a_file_of_weights_is_run_by_the_library_that_reads_it(monkeypatch):
    monkeypatch.setitem(detect.DETECTORS, "ultralytics", "builtins:dict")
    assert detector("models/yolo11x.pt")() == {"weights": "models/yolo11x.pt"}


def test_other_packages_add_detectors(monkeypatch):
    entry = EntryPoint("mine", "tests.people.test_detect:test_other_packages_add_detectors", detect.ENTRY_POINTS)

    class Found(list):
        names = ("mine",)

    monkeypatch.setattr(detect, "entry_points", lambda group, name="mine": Found([entry] * (name == "mine")))
    assert list_detectors() == ["mediapipe", "mine", "skelvid", "torchvision", "ultralytics"]
    assert detector("mine").__name__ == "test_other_packages_add_detectors"


def test_of_boxes_inside_each_other_the_best_is_kept():
    xyxy = np.array([[0.0, 0, 10, 40], [1, 0, 9, 20], [30, 0, 40, 40]])
    np.testing.assert_array_equal(keep_best(xyxy, np.array([0.5, 0.9, 0.1]), max_shared=0.6), [1, 2])
    np.testing.assert_array_equal(keep_best(xyxy, np.array([0.9, 0.5, 0.1]), max_shared=0.6), [0, 2])


def test_no_boxes():
    assert keep_best(np.zeros((0, 4)), np.zeros(0), max_shared=0.5).shape == (0,)
