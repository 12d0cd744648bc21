"""Stretches joined to a film: every frame once, the same people under the same numbers, whatever each stretch saw."""

import numpy as np
import pytest

from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.people.sighting import Doubt, Sighting
from skelvid.pipeline.stretches import WARM_UP_S, cut, join, renumbered, same_poses

RATE_HZ = 10.0
FRAMES = 100


def sighting(number, people, doubts=()):
    """A look at a frame; people: number -> left edge, px, or (left edge, is followed)."""
    places = [place if isinstance(place, tuple) else (place, True) for place in people.values()]
    xyxy = np.array([[x, 0.0, x + 40.0, 100.0] for x, _ in places]).reshape(-1, 4)
    points = missing_keypoints(("nose", "left_hip"), (len(places),))
    for row, (x, followed) in enumerate(places):
        if followed:
            points.xy[row], points.score[row] = [[x + 20.0, 5.0], [x + 25.0, 50.0]], 0.9
    boxes = Boxes(xyxy, np.ones(len(places)), np.array(list(people), int))
    return Sighting(number, number / RATE_HZ, (200, 400), boxes, points, doubts)


class Seen:
    """A stretch of a film of ten seconds that was seen so; counts how far it was asked."""

    def __init__(self, start_s, people, frames=FRAMES):
        self.asked = self.first = round(start_s * RATE_HZ)
        self._people, self._frames = people, frames

    def __iter__(self):
        return self

    def __next__(self):
        if self.asked >= self._frames:
            raise StopIteration
        number, self.asked = self.asked, self.asked + 1
        return sighting(number, self._people(number))


def told(*stretches):
    """Join stretches: the number of the stretch that each frame came from, and the sightings."""
    starts_s = [stretch.first / RATE_HZ for stretch in stretches]
    rows = list(join(stretches, starts_s))
    assert [s.index for _, s in rows] == list(range(len(rows)))
    return [here for here, _ in rows], [s for _, s in rows]


def ids(seen):
    return [s.boxes.person_id.tolist() for s in seen]


class TestCut:
    def test_even_shares_and_nothing_left_over(self):
        for length_s in (6.0, 12.0, 29.0, 31.0, 600.0):
            starts = cut(2.0, 2.0 + length_s, 100_000)
            assert starts[0] == 2.0
            assert len(starts) % 2 == 0
            np.testing.assert_allclose(np.diff([*starts, 2.0 + length_s]), length_s / len(starts))

    @pytest.mark.parametrize(("length_s", "frames"), [(5.9, 1000), (100.0, 300)])
    def test_too_short_to_be_worth_it(self, length_s, frames):
        assert cut(0.0, length_s, frames) == (0.0,)


class TestJoin:
    def test_one_stretch_is_the_film(self):
        here, seen = told(Seen(0.0, lambda number: {3: number}))
        assert set(here) == {0}
        assert ids(seen) == [[3]] * FRAMES

    def test_numbers_stay_and_each_frame_comes_once(self):
        def walk(who):
            return lambda number: {who: float(number), who + 1: 200.0}

        later = [Seen(start_s, walk(who)) for start_s, who in ((3.0, 0), (6.0, 5))]
        here, seen = told(Seen(0.0, walk(2)), *later)
        assert [s.time_s for s in seen] == [n / RATE_HZ for n in range(FRAMES)]
        assert ids(seen) == [[2, 3]] * FRAMES
        changes = [here.index(1) / RATE_HZ, here.index(2) / RATE_HZ]
        np.testing.assert_allclose(changes, [3.1 + WARM_UP_S, 6.1 + WARM_UP_S])

    def test_an_earlier_stretch_is_asked_no_further_than_needed(self):
        first = Seen(0.0, lambda number: {0: 0.0})
        rows = join([first, later := Seen(5.0, lambda number: {0: 0.0})], [0.0, 5.0])
        for _ in range(50):
            next(rows)
        assert later.asked == later.first
        list(rows)
        assert first.asked == round((5.1 + WARM_UP_S) * RATE_HZ)

    def test_who_follows_somebody_else_is_waited_for(self):
        def wrong_at_first(number):
            return {0: (0.0, number >= 80), 1: (200.0, number < 80)}

        here, seen = told(Seen(0.0, lambda number: {7: 0.0}), Seen(5.0, wrong_at_first))
        assert here.index(1) == 81
        assert [7 in who for who in ids(seen)] == [True] * FRAMES
        nose = [s.keypoints.xy[who.index(7), 0, 0] for s, who in zip(seen, ids(seen), strict=True)]
        assert nose == [20.0] * FRAMES

    def test_who_always_follows_somebody_else_is_left_out(self):
        first = Seen(0.0, lambda number: {7: 0.0})
        here, seen = told(first, Seen(3.0, lambda n: {0: 200.0}), Seen(6.0, lambda n: {0: 0.0}))
        assert 1 not in here
        assert here.index(2) == round((6.1 + WARM_UP_S) * RATE_HZ)
        assert ids(seen) == [[7]] * FRAMES

    def test_other_points_of_the_same_person_do_not_do(self):
        near, far = sighting(0, {0: 0.0}), sighting(0, {0: 2.0})
        assert same_poses(near, sighting(0, {4: 0.5}))
        assert not same_poses(near, far)
        assert same_poses(sighting(0, {}), sighting(0, {}))
        assert not same_poses(near, sighting(0, {}))
        assert not same_poses(sighting(0, {}), near)

    def test_nobody_is_forgotten_who_is_away_for_a_moment(self):
        def away(who):
            return lambda number: {} if 48 <= number < 62 else {who: 0.0}

        here, seen = told(Seen(0.0, away(1)), Seen(5.0, lambda number: away(0 if number < 62 else 9)(number)))
        # Nobody is in either at 5.5 s, but only the first knows who comes back.
        assert here.index(1) == 63
        assert {i for who in ids(seen) for i in who} == {1}

    def test_an_empty_room_is_joined_and_newcomers_are_new(self):
        here, seen = told(
            Seen(0.0, lambda number: {0: 0.0, 1: 99.0} if number < 20 else {}),
            Seen(5.0, lambda number: {0: 0.0} if number > 70 else {}),
        )
        assert here.index(1) == round((5.1 + WARM_UP_S) * RATE_HZ)
        assert {i for who in ids(seen[70:]) for i in who} == {2}

    def test_goes_on_behind_damage(self):
        here, seen = told(Seen(0.0, lambda n: {0: 0.0}, frames=30), Seen(5.0, lambda n: {0: 0.0}))
        assert [round(s.time_s * RATE_HZ) for s in seen] == [*range(30), *range(50, 100)]
        assert ids(seen) == [[0]] * 30 + [[1]] * 50
        assert here[30:] == [1] * 50

    def test_film_that_ends_before_it_says(self):
        _, seen = told(Seen(0.0, lambda n: {0: 0.0}, frames=30), Seen(5.0, lambda n: {}, frames=30))
        assert len(seen) == 30


class TestRenumbered:
    def test_people_keep_the_numbers_they_had_and_newcomers_get_others(self):
        known = [sighting(4, {2: 0.0, 7: 50.0})]
        doubt = Doubt(0.2, (0, 1), "?")
        again = [sighting(4, {0: 51.0, 1: 1.0}), sighting(5, {0: 52.0, 1: 2.0, 2: 130.0}, doubts=(doubt,))]
        (told,) = renumbered(again, known)
        assert ids([told]) == [[7, 2, 8]]
        assert told.doubts[0].person_ids == (7, 2)

    def test_nobody_gets_the_number_of_somebody_who_left(self):
        (told,) = renumbered([sighting(4, {0: 0.0}), sighting(5, {0: 0.0, 1: 99.0})], [sighting(4, {2: 0.0})], taken=5)
        assert ids([told]) == [[2, 6]]

    def test_nothing_known(self):
        (told,) = renumbered([sighting(0, {3: 0.0})], [])
        assert ids([told]) == [[3]]


def test_points_that_only_one_sees_do_not_count():
    one, other = sighting(0, {0: 0.0}), sighting(0, {0: 0.0})
    xy, score = other.keypoints.xy.copy(), other.keypoints.score.copy()
    xy[0, 1], score[0, 1] = np.nan, 0.0
    assert same_poses(one, Sighting(0, 0.0, (200, 400), other.boxes, Keypoints2D(xy, score, other.keypoints.names)))
