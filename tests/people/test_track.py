"""Boxes given to people, and sightings made into tracks."""

import numpy as np
import pytest

from skelvid.datatypes.people import Boxes, missing_keypoints
from skelvid.people.sighting import Sighting
from skelvid.people.track import REMEMBER_S, YOUNG_S, Crowd, assign, tracks

PLAIN = {"red": np.array([1.0, 0, 0]), "blue": np.array([0, 1.0, 0])}


def look(crowd, time_s, **people):
    boxes = Boxes(np.array([(x, 0, x + 20, 60) for x in people.values()], float), np.full(len(people), 0.9))
    crowd.meet(time_s)
    return crowd.look(boxes, np.array([PLAIN[name] for name in people]), time_s)


def place(crowd):
    return {person.person_id: float(person.xyxy[0]) for person in crowd.people}


def test_assign_prefers_the_best_total():
    affinity = np.array([[0.9, 0.8, -np.inf], [0.8, 0.1, -np.inf]])
    np.testing.assert_array_equal(assign(affinity), [1, 0])


def test_assign_leaves_out_what_cannot_be():
    np.testing.assert_array_equal(assign(np.array([[-np.inf], [0.1], [-np.inf]])), [-1, 0, -1])
    assert assign(np.zeros((2, 0))).tolist() == [-1, -1]


def test_numbers_stay_whatever_the_order_of_boxes():
    crowd = Crowd()
    look(crowd, 0.0, red=0, blue=100)
    look(crowd, 0.5, blue=105, red=3)
    assert place(crowd) == {0: 3, 1: 105}


def test_walkers_are_expected_where_they_walk_to():
    crowd = Crowd()
    for i in range(3):
        look(crowd, i / 2, red=40 * i)
    np.testing.assert_allclose(crowd.people[0].at(1.5), [120, 0, 140, 60])
    np.testing.assert_allclose(crowd.people[0].at(0.5), [40, 0, 60, 60])


def test_who_passes_between_looks_is_known_by_colour():
    """By place alone, each would be nearest to where the other one was."""
    crowd = Crowd()
    look(crowd, 0.0, red=100, blue=140)
    look(crowd, 0.4, red=115, blue=125)
    look(crowd, 0.8, red=140, blue=100)
    assert place(crowd) == {0: 140, 1: 100}


def test_too_far_is_somebody_new():
    crowd = Crowd()
    look(crowd, 0.0, red=0)
    look(crowd, 0.1, red=100)
    assert set(place(crowd)) == {0, 1}


def test_forgets_in_time():
    crowd = Crowd()
    look(crowd, 0.0, red=0)
    crowd.forget(REMEMBER_S)
    assert place(crowd) == {0: 0}
    crowd.forget(REMEMBER_S + 0.1)
    assert place(crowd) == {}
    look(crowd, 3.0, red=0)
    assert set(place(crowd)) == {1}


def test_old_finding_does_not_move_who_was_seen_since():
    crowd = Crowd()
    look(crowd, 0.0, red=0)
    crowd.people[0].move(np.array([8.0, 0, 28, 60]), 0.3)
    look(crowd, 0.1, red=1)
    assert place(crowd) == {0: 8}


def test_who_was_mistaken_is_put_right_and_reported():
    """Whoever follows the red one has gone over to the blue one as they met."""
    crowd = Crowd()
    look(crowd, 0.0, red=80, blue=120)
    for i in range(1, 11):
        red, blue = 80 + 4 * i, 120 - 4 * i
        crowd.people[0].move(np.array([red if i < 5 else blue, 0, (red if i < 5 else blue) + 20, 60], float), i / 10)
        crowd.people[1].move(np.array([blue, 0, blue + 20, 60], float), i / 10)
        crowd.meet(i / 10)
    doubts = look(crowd, 1.0, red=120, blue=80)
    assert place(crowd) == {0: 120, 1: 80}
    assert [(doubt.person_ids, doubt.time_s) for doubt in doubts] == [((0,), 1.0)]


def pass_each_other(crowd, *, gone_over):
    """Red from the left, blue from the right; for a second both numbers follow blue, who is in front."""
    look(crowd, 0.0, red=80, blue=120)
    for i in range(1, 11):
        red, blue = 80 + 4 * i, 120 - 4 * i
        follows = blue if gone_over and i >= 5 else red
        crowd.people[0].move(np.array([follows, 0, follows + 20, 60], float), i / 10)
        crowd.people[1].move(np.array([blue, 0, blue + 20, 60], float), i / 10)
        crowd.meet(i / 10)


def test_a_mixed_box_settles_nothing_while_one_hides_the_other():
    """In a film of two who pass, the one look at both in one box ended the meeting, and they stayed exchanged."""
    crowd = Crowd()
    pass_each_other(crowd, gone_over=True)
    crowd.people[1].missing = True
    both = Boxes(np.array([[78.0, 0, 102, 60]]), np.array([0.9]))
    assert crowd.look(both, np.array([[0.5, 0.5, 0.0]]), 1.05) == []
    doubts = look(crowd, 1.1, red=124, blue=76)
    assert place(crowd) == {0: 124, 1: 76}
    assert [doubt.person_ids for doubt in doubts] == [(0,)]


def test_a_meeting_whose_other_is_not_seen_again_ends_by_itself():
    crowd = Crowd()
    pass_each_other(crowd, gone_over=False)
    for i in range(1, 6):
        look(crowd, 1.0 + 0.3 * i, red=120 + 12 * i)
    assert not crowd.people[0].met


def test_who_is_forgotten_is_not_waited_for():
    crowd = Crowd()
    pass_each_other(crowd, gone_over=False)
    crowd.people[0].time_s += REMEMBER_S
    crowd.forget(1.0 + REMEMBER_S)
    crowd.forget(1.1 + REMEMBER_S)
    assert [(person.person_id, person.met) for person in crowd.people] == [(0, {})]


def test_who_comes_in_is_the_same_when_more_of_them_is_seen():
    """A man's head came in, was half a second later a man, and somebody new."""

    def grow(time_s):
        crowd = Crowd()
        crowd.look(Boxes(np.array([[40.0, 70, 60, 90]]), np.array([0.9])), PLAIN["red"][None], 0.0)
        crowd.look(Boxes(np.array([[30.0, 65, 70, 190]]), np.array([0.9])), PLAIN["red"][None], time_s)
        return [(person.person_id, person.size) for person in crowd.people]

    assert grow(0.4) == [(0, 125.0)]
    assert grow(YOUNG_S + 0.1) == [(0, 20.0)]


def test_who_looks_like_somebody_else_at_that_place_is_mistaken():
    crowd = Crowd()
    for i in range(5):
        look(crowd, i / 10, red=80, blue=90)
    red, blue = crowd.people
    around = np.array([88.0, 0, 108, 60])
    assert crowd.mistaken(red, around, PLAIN["blue"][None], 0.4)
    assert not crowd.mistaken(red, around, PLAIN["red"][None], 0.4)
    assert not crowd.mistaken(blue, around, PLAIN["blue"][None], 0.4)
    assert not crowd.mistaken(
        red, around + np.array([100.0, 0, 100, 0]), PLAIN["blue"][None], 0.4
    )  # the other is not there
    red.missing, red.hidden_s = True, 0.4
    assert [(d.person_ids, d.sentence) for d in crowd.hidden(0.4)] == [
        ((0,), "person 0 was hidden by another: left out meanwhile")
    ]
    red.hidden_s = 0.5
    assert crowd.hidden(0.5) == []


def test_tracks_have_a_row_per_frame():
    names = ("a", "b")

    def sighting(index, ids, seen):
        keypoints = missing_keypoints(names, (len(ids),))
        for row, person_id in enumerate(ids):
            if person_id in seen:
                keypoints.xy[row], keypoints.score[row] = person_id, 0.5
        boxes = Boxes(np.tile([0.0, 0, 1, 1], (len(ids), 1)), np.ones(len(ids)), np.array(ids, int))
        return Sighting(index, index / 10, (10, 10), boxes, keypoints)

    found = tracks([sighting(0, [], []), sighting(1, [4, 2], [2]), sighting(2, [2, 4, 7], [2, 4])])
    assert [track.person_id for track in found] == [2, 4]
    np.testing.assert_array_equal(found[0].keypoints.xy[:, 0, 0], [np.nan, 2, 2])
    np.testing.assert_array_equal(found[1].keypoints.score[:, 0], [0, 0, 0.5])
    np.testing.assert_array_equal(found[0].time_s, [0.0, 0.1, 0.2])


def test_sighting_needs_numbers():
    with pytest.raises(ValueError, match="person_id"):
        Sighting(0, 0.0, (1, 1), Boxes.none(), missing_keypoints(("a",), (0,)))
