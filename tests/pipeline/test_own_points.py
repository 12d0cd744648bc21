"""Keypoints of our own network are told from crops like those that it learnt from."""

import numpy as np
import pytest

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.datatypes.skel import SkelParams
from skelvid.geometry.boxes import pad
from skelvid.people.follow import ROOM, ROOM_PER_S
from skelvid.people.keypoints import BODY_MARGIN
from skelvid.pipeline import own_points
from skelvid.pipeline.own_points import OwnPoints
from skelvid.regress.regressor import Seen

AROUND = np.array([40.0, 20.0, 70.0, 110.0])  # the points of a person who stands
FRAME = Frame(np.zeros((120, 160, 3), np.uint8), 0, 0.0)


class FakeRegressor:
    """Tells one point, in the middle of the box, and remembers the boxes."""

    points = ("nose",)

    def __init__(self, sigma_px):
        self.sigma_px, self.xyxy = sigma_px, None

    def look(self, frames, xyxy, camera):
        n, self.xyxy = len(frames), xyxy
        middle = (xyxy[:, None, :2] + xyxy[:, None, 2:]) / 2
        params = SkelParams(np.zeros((n, 46)), np.zeros((n, 10)), np.zeros((n, 3)))
        points = Keypoints2D(middle, np.ones((n, 1)), self.points)
        return Seen(params, np.ones((n, 46)), points, np.full((n, 1), self.sigma_px))


@pytest.fixture
def regressor(monkeypatch):
    regressor = FakeRegressor(2.0)
    monkeypatch.setattr(own_points, "open_regressor", lambda weights, device: regressor)
    return regressor


@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_room_of_those_who_are_followed_is_taken_off(regressor, fps):
    told = OwnPoints()(FRAME, Boxes(pad(AROUND, ROOM + ROOM_PER_S / fps)[None], np.ones(1)))
    learnt, shown = pad(AROUND, BODY_MARGIN), regressor.xyxy[0]
    np.testing.assert_allclose(shown[:2] + shown[2:], learnt[:2] + learnt[2:])
    # Crops of the training varied by a tenth.
    assert (shown[3] - shown[1]) / (learnt[3] - learnt[1]) == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(told.xy[0, 0], (AROUND[:2] + AROUND[2:]) / 2)


def test_who_is_not_sure_at_all_tells_nothing(regressor):
    regressor.sigma_px = 20.0
    told = OwnPoints()(FRAME, Boxes(AROUND[None], np.ones(1)))
    assert told.score[0, 0] == 0.0


def test_nobody_is_told_nothing(regressor):
    assert OwnPoints()(FRAME, Boxes.none()).xy.shape == (0, 1, 2)
    assert regressor.xyxy is None
