"""Whoever is seen is followed back into the frames before, and no further than they are there."""

import numpy as np
import pytest

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, missing_keypoints
from skelvid.people.back import HOLD_BYTES, HOLD_S, have_waited
from skelvid.people.follow import follow
from skelvid.people.sighting import Sighting
from tests.crowd_fakes import RATE_HZ, Play, stand, whose


class Source:
    """Finds somebody in a first frame only if they are to be seen as a whole; whom it has, it keeps."""

    def __init__(self, play, whole=()):
        self.names, self.asked, self.forgotten = play.names, {}, []
        self._play, self._whole = play, whole

    def __call__(self, frame, boxes=None):
        assert boxes is not None
        found = self._play.source(frame, boxes)
        for row, person_id in enumerate(boxes.person_id.tolist()):
            if person_id not in self.asked and self._whole and frame.index not in self._whole:
                found.xy[row], found.score[row] = np.nan, 0.0
            elif found.score[row].any():
                self.asked.setdefault(person_id, []).append(frame.index)
        return found

    def forget(self, person_id):
        self.forgotten.append(person_id)


def seen(play, sightings):
    return [s.index for s in sightings if whose(play, s)]


def test_who_is_known_only_as_a_whole_is_followed_back_to_where_they_came_in():
    play = Play([{}] * 20 + [{"red": stand(50 + i)} for i in range(60)])
    source = Source(play, whole=range(24, 80))
    sightings = list(follow(play.frames(), detector=play.detector, source=source))
    assert [s.index for s in sightings] == list(range(80))
    assert seen(play, sightings) == list(range(20, 80))
    # To the source it was somebody else, whose frames came backwards, and who is not asked for again.
    assert source.asked[-1] == sorted(source.asked[-1], reverse=True)
    assert source.forgotten == [-1]


def test_nobody_is_seen_in_what_was_behind_them():
    """A source that has somebody goes on to see them where they are not: the colours there are others."""
    play = Play([{}] * 20 + [{"red": stand(50)}] * 40)
    real = play.source

    def ghost(frame, boxes=None):
        assert boxes is not None
        assert boxes.person_id is not None
        if frame.index >= 20 or boxes.person_id[0] >= 0:
            return real(frame, boxes)
        play.scenes, scenes = [{"red": stand(50)}] * 60, play.scenes
        found = real(frame, boxes)
        play.scenes = scenes
        return found

    play.source = ghost
    assert seen(play, list(follow(play.frames(), detector=play.detector, source=Source(play)))) == list(range(20, 60))


def test_points_in_the_head_give_way_to_those_of_the_whole():
    """Coming in from below, a man was all in his head for half a second; then he was somebody new."""
    box = stand(50, top=10, height=100, width=40)
    head = (60, 10, 80, 45)
    play = Play([{"red": box}] * 60)
    play.detector = lambda frames: [
        Boxes(np.array([head if frame.index < 5 else box], float), np.array([0.8])) for frame in frames
    ]
    real = play.visible

    def visible(index):
        return real(index) if asked[0] or index >= 12 else {"red": np.array(head, float)}

    asked = [False]
    play.visible = visible
    source = Source(play)
    call = source.__call__

    class Either(Source):
        def __call__(self, frame, boxes=None):
            asked[0] = bool(boxes is not None and boxes.person_id[0] < 0)
            return call(frame, boxes)

    sightings = list(follow(play.frames(), detector=play.detector, source=Either(play)))
    assert {i for s in sightings if s.boxes.person_id is not None for i in s.boxes.person_id.tolist()} == {0}
    heights = [np.ptp(s.keypoints.xy[0, :, 1]) for s in sightings if s.keypoints.score.any()]
    assert len(heights) >= 58
    assert min(heights) > 80


@pytest.mark.parametrize(("frames", "size_hw"), [(int(HOLD_S * RATE_HZ) + 2, (10, 10)), (17, (1080, 1920))])
def test_frames_wait_for_a_while_and_in_a_bounded_memory(frames, size_hw):
    image = np.zeros((*size_hw, 3), np.uint8)
    nobody = missing_keypoints(("nose",), (0,))
    none = Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    waiting = [(Frame(image, i, i / RATE_HZ), Sighting(i, i / RATE_HZ, size_hw, none, nobody)) for i in range(frames)]
    assert have_waited(waiting)
    assert not have_waited(waiting[: frames - 2])
    assert len(waiting[: frames - 2]) * image.nbytes <= HOLD_BYTES
