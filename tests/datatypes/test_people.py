"""Boxes, tracks and keypoints refuse what does not fit together, and are indexed like arrays."""

import numpy as np
import pytest

from skelvid.datatypes.people import Boxes, Keypoints2D, Track, missing_keypoints

ROWS = np.array([[0.0, 0.0, 2.0, 3.0], [5.0, 5.0, 6.0, 9.0]])


def keypoints(leading=(3,)):
    xy = np.arange(np.prod(leading) * 4, dtype=float).reshape(*leading, 2, 2)
    return Keypoints2D(xy, xy[..., 0] / xy.max(), ("nose", "left_knee"))


@pytest.mark.parametrize("bad", [[0.0, 0, 0, 3], [0, 4, 2, 3], [0, 0, np.nan, 3], [-np.inf, 0, 2, 3]])
def test_box_must_have_an_area(bad):
    with pytest.raises(ValueError, match="left < right and top < bottom"):
        Boxes(np.array([bad], float), np.ones(1))
    with pytest.raises(ValueError, match="left < right and top < bottom"):
        Track(0, np.array([4]), np.array([bad], float))


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_score_is_a_share(score):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Boxes(ROWS[:1], np.array([score]))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Keypoints2D(np.zeros((1, 2)), np.array([score]), ("nose",))


def test_boxes_are_indexed_with_their_people():
    boxes = Boxes(ROWS, np.array([0.5, 0.9]), np.array([4, 2]))
    assert len(boxes) == 2
    assert boxes[1:].person_id == [2]
    np.testing.assert_array_equal(boxes[boxes.score > 0.6].xyxy, ROWS[1:])
    assert Boxes(ROWS, np.ones(2))[:1].person_id is None
    assert len(Boxes.none()) == 0


def test_boxes_of_one_person_twice():
    with pytest.raises(ValueError, match="must differ"):
        Boxes(ROWS, np.ones(2), np.array([3, 3]))


@pytest.mark.parametrize("frames", [[3, 3], [4, 3]])
def test_track_runs_forward(frames):
    with pytest.raises(ValueError, match="strictly rising"):
        Track(0, np.array(frames), ROWS)


def test_track_is_cut():
    track = Track(7, np.array([3, 9]), ROWS)[1:]
    assert (track.person_id, track.frame_index.tolist(), len(track)) == (7, [9], 1)


class TestKeypoints:
    @pytest.mark.parametrize(("index", "leading"), [
        (1, ()), (slice(1, 3), (2,)), (np.array([True, False, True]), (2,)), ([2, 0], (2,)),
    ])  # fmt: skip
    def test_index_reaches_persons_only(self, index, leading):
        some = keypoints()[index]
        assert some.xy.shape == (*leading, 2, 2)
        np.testing.assert_array_equal(some.xy, keypoints().xy[index])
        np.testing.assert_array_equal(some.score, keypoints().score[index])

    def test_index_of_two_dimensions(self):
        np.testing.assert_array_equal(keypoints((3, 4))[1, 2].xy, keypoints((3, 4)).xy[1, 2])
        with pytest.raises(IndexError):
            keypoints()[1, 1]

    def test_pick_orders_by_name_and_misses_what_is_not_there(self):
        picked = keypoints().pick(["left_knee", "left_heel", "nose"])
        assert picked.names == ("left_knee", "left_heel", "nose")
        np.testing.assert_array_equal(picked.xy[:, [2, 0]], keypoints().xy)
        np.testing.assert_array_equal(picked.score[:, [2, 0]], keypoints().score)
        assert np.isnan(picked.xy[:, 1]).all()
        assert (picked.score[:, 1] == 0).all()

    def test_pick_copies(self):
        whole = keypoints()
        whole.pick(whole.names).xy[:] = -1
        np.testing.assert_array_equal(whole.xy, keypoints().xy)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_place_of_a_scored_point_is_known(self, value):
        with pytest.raises(ValueError, match="NaN with score 0"):
            Keypoints2D(np.array([[value, 1.0]]), np.array([0.5]), ("nose",))

    @pytest.mark.parametrize("names", [("nose",), ("nose", "nose"), ("a", "b", "c")])
    def test_names_fit(self, names):
        with pytest.raises(ValueError, match="must"):
            Keypoints2D(np.zeros((3, 2, 2)), np.zeros((3, 2)), names)

    def test_missing(self):
        missing = missing_keypoints(("nose", "left_knee"), (5,))
        assert np.isnan(missing.xy).all()
        assert missing.score.shape == (5, 2)
