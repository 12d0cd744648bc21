"""What reaches a YOLO network and what is made of its answer, with a stand-in for the library."""

import numpy as np
import pytest

from skelvid.errors import WeightsError
from skelvid.people.ultralytics_source import UltralyticsPose
from tests.keypoint_fakes import draw_people, fake_ultralytics

PERSON = (20, 20, 40, 90)


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "yolo-pose.pt"
    file.touch()
    return file


def test_colours_are_turned_round_and_missing_points_marked(monkeypatch, weights):
    fake_ultralytics(monkeypatch)
    found = UltralyticsPose(weights=weights)(draw_people([PERSON]))
    assert found.xy.shape == (1, 17, 2)
    np.testing.assert_allclose(found.score[0, :-1], 0.8)
    assert found.score[0, -1] == 0
    assert np.isnan(found.xy[0, -1]).all()


def test_network_without_scores(monkeypatch, weights):
    fake_ultralytics(monkeypatch, conf=None)
    np.testing.assert_array_equal(UltralyticsPose(weights=weights)(draw_people([PERSON])).score, [[1] * 16 + [0]])


def test_network_of_other_points(monkeypatch, weights):
    fake_ultralytics(monkeypatch, points=21)
    with pytest.raises(WeightsError, match="17 keypoints of COCO"):
        UltralyticsPose(weights=weights)(draw_people([PERSON]))


def test_missing_file(monkeypatch, tmp_path):
    fake_ultralytics(monkeypatch)
    with pytest.raises(WeightsError, match=r"no weights at .*yolo11n-pose\.pt"):
        UltralyticsPose(weights=tmp_path / "yolo11n-pose.pt")
