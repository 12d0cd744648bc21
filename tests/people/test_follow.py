"""Who is followed, when the detector looks, and that numbers stay with people; by plays of coloured rectangles."""

import numpy as np
import pytest

from skelvid.errors import ConfigError
from skelvid.people import follow as follow_module
from skelvid.people.follow import CONTESTED_EVERY_S, EMPTY_EVERY_S, EVERY_S, SETTLED_S, follow
from skelvid.people.track import REMEMBER_S, tracks
from tests.crowd_fakes import RATE_HZ, Play, stand, whose


class Source:
    def __init__(self, play):
        self.names, self._play = play.names, play

    def __call__(self, frame, boxes=None):
        return self._play.source(frame, boxes)


def watch(play, **options):
    return list(follow(play.frames(), detector=play.detector, source=Source(play), **options))


def actors(play, sightings):
    """For each number, the actors its keypoints were on."""
    seen: dict[int, set[str]] = {}
    for sighting in sightings:
        for person_id, actor in whose(play, sighting).items():
            seen.setdefault(person_id, set()).add(actor)
    return seen


def walk(start, step, count):
    return [stand(start + step * i) for i in range(count)]


class TestOne:
    def test_is_there_in_every_frame_and_looked_for_now_and_then(self):
        play = Play([{"red": box} for box in walk(10, 2, 120)])
        sightings = watch(play)
        assert [s.index for s in sightings] == list(range(120))
        assert all(whose(play, s) == {0: "red"} for s in sightings)
        # And once more soon after they came.
        assert len(play.looks) == 2 + int((120 / RATE_HZ - CONTESTED_EVERY_S) / EVERY_S - 1e-9)
        np.testing.assert_allclose(sightings[100].boxes.xyxy[0, [0, 2]], play.scenes[100]["red"][::2], atol=4)

    def test_box_given_to_the_source_stays_while_the_person_does(self):
        given = []
        play = Play([{"red": stand(50 + i % 2)} for i in range(30)])

        class Watched(Source):
            def __call__(self, frame, boxes=None):
                assert boxes is not None
                given.append(boxes.xyxy.copy())
                return super().__call__(frame, boxes)

        list(follow(play.frames(), detector=play.detector, source=Watched(play)))
        assert len(np.unique(np.concatenate(given), axis=0)) == 1

    @pytest.mark.parametrize("live", [False, True])
    def test_is_followed_from_a_late_entrance_on(self, live):
        play = Play([{}] * 50 + [{"red": stand(100)}] * 30)
        sightings = watch(play, read_ahead=not live)
        assert [s.index for s in sightings] == list(range(80))
        first = next(s.index for s in sightings if whose(play, s))
        # A camera's frames are not waited with.
        assert 50 < first <= 50 + EMPTY_EVERY_S * RATE_HZ + 1 if live else first == 50
        (track,) = tracks(sightings)
        assert len(track) == 80
        np.testing.assert_array_equal(track.keypoints.score.any(-1), np.arange(80) >= first)

    @pytest.mark.parametrize("live", [False, True])
    def test_gap_is_bridged_but_its_rows_are_missing(self, live):
        hidden = range(40, 70)
        play = Play([{} if i in hidden else {"red": stand(50 + i)} for i in range(120)])
        (track,) = tracks(watch(play, read_ahead=not live))
        seen = np.any(track.keypoints.score, axis=-1)
        assert not seen[hidden].any()
        assert np.isnan(track.keypoints.xy[hidden]).all()
        assert seen[:40].all()
        # Live, found again within the longest wait between two looks.
        assert seen[70 + (int(follow_module.LAST_RETRY_S * RATE_HZ) + 1 if live else 0) :].all()

    def test_who_comes_back_after_long_is_somebody_new(self):
        away = int((REMEMBER_S + 0.5) * RATE_HZ)
        play = Play([{"red": stand(50)}] * 20 + [{}] * away + [{"red": stand(50)}] * 20)
        assert [track.person_id for track in tracks(watch(play))] == [0, 1]

    def test_source_that_fails_for_a_frame(self):
        play = Play([{"red": stand(50)}] * 30, blind=[10])
        (track,) = tracks(watch(play))
        np.testing.assert_array_equal(np.flatnonzero(~track.keypoints.score.any(-1)), [10])

    @pytest.mark.parametrize("shrunk", [(60, 40, 62, 44), (61, 60, 61.01, 60.01)])
    def test_collapsed_keypoints_are_not_a_person(self, shrunk):
        play = Play([{"red": stand(50)}] * 10)
        source = Source(play)
        real = play.source

        def collapse(frame, boxes=None):
            found = real(frame, boxes)
            if frame.index >= 5:
                found.xy[:] = np.array(shrunk[:2]) + (found.xy - found.xy.min(1, keepdims=True)) * 0.01
            return found

        play.source = collapse
        (track,) = tracks(list(follow(play.frames(), detector=play.detector, source=source)))
        np.testing.assert_array_equal(track.keypoints.score.any(-1), [True] * 5 + [False] * 5)

    def test_keypoints_of_low_score_are_not_a_person(self):
        play = Play([{"red": stand(50)}] * 10, score=0.1)
        assert tracks(watch(play)) == []

    def test_sudden_jump_is_not_the_same_person(self):
        play = Play([{"red": stand(50)}] * 20)
        real = play.source

        def jump(frame, boxes=None):
            found = real(frame, boxes)
            found.xy[:] += 80 * (frame.index >= 10)
            return found

        play.source = jump
        (track,) = tracks(watch(play))
        np.testing.assert_array_equal(track.keypoints.score.any(-1), [True] * 10 + [False] * 10)


class TestSeveral:
    def test_only_the_most_wanted_costs_keypoints(self):
        play = Play([{"red": stand(20), "blue": stand(200, top=50, height=50)}] * 40)
        sightings = watch(play)
        assert {tuple(ids) for _, ids in play.asked} == {(0,)}
        assert actors(play, sightings) == {0: {"red"}}
        # The other is a box all the same.
        assert all(len(s.boxes) == 2 for s in sightings)

    def test_all_at_once_if_asked_for(self):
        play = Play([{"red": stand(20), "blue": stand(200)}] * 20)
        sightings = watch(play, max_people=2)
        assert all(whose(play, s) == {0: "red", 1: "blue"} for s in sightings)

    @pytest.mark.parametrize("max_people", [1, 2])
    @pytest.mark.parametrize("front", ["red", "blue"])
    def test_crossing_people_keep_their_numbers_or_are_cut(self, front, max_people):
        back = "blue" if front == "red" else "red"
        right, left = walk(20, 2.5, 100), walk(270, -2.5, 100)
        place = {"red": right, "blue": left}
        play = Play([{back: place[back][i], front: place[front][i]} for i in range(100)])
        sightings = watch(play, max_people=max_people, at=(*np.reshape(right[0], (2, 2)).mean(0), 0.0))
        before = actors(play, sightings[:35])
        after = actors(play, sightings[-20:])
        assert all(len(names) == 1 for names in (before | after).values())
        assert all(before[i] == after[i] for i in before.keys() & after.keys())
        assert {"red"} in after.values()
        if max_people == 2:
            assert len(before.keys() & after.keys()) == 2

    @pytest.mark.parametrize("max_people", [1, 2])
    @pytest.mark.parametrize("front", ["red", "blue"])
    def test_nobody_is_seen_while_somebody_else_hides_them(self, front, max_people):
        """The keypoints of the one behind went over to the one in front, for as long as it lasted, without a word."""
        back = "blue" if front == "red" else "red"
        place = {"red": walk(90, 0.8, 100), "blue": walk(170, -0.8, 100)}
        play = Play([{back: place[back][i], front: place[front][i]} for i in range(100)])
        sightings = watch(play, max_people=max_people)
        hidden = [s for s in sightings if back not in play.visible(s.index)]
        assert len(hidden) > 5
        who = {actor: number for number, actor in whose(play, sightings[0]).items()}
        for s in hidden:
            assert who.get(back) not in whose(play, s)
        said = [doubt for s in sightings for doubt in s.doubts]
        if back in who:
            assert [(d.person_ids, d.what) for d in said] == [
                ((who[back],), "was hidden by another: left out meanwhile")
            ]
            assert back in whose(play, sightings[-1]).values()

    def test_look_alikes_who_cross_are_reported(self):
        right, left = walk(20, 2.5, 100), walk(270, -2.5, 100)
        play = Play([{"crimson": left[i], "red": right[i]} for i in range(100)])
        sightings = watch(play, max_people=2)
        doubts = [doubt for s in sightings for doubt in s.doubts]
        assert any(set(doubt.person_ids) == {0, 1} for doubt in doubts)
        assert all(35 / RATE_HZ < doubt.time_s < 90 / RATE_HZ for doubt in doubts)

    def test_people_who_never_meet_raise_no_doubt(self):
        play = Play([{"red": stand(20 + i), "crimson": stand(200 + i)} for i in range(60)])
        assert not any(s.doubts for s in watch(play, max_people=2))

    def test_passer_by_is_not_taken_for_the_one_who_left(self):
        """The red one goes out of the picture as the blue one comes by."""
        out, by = walk(40, -2, 80), walk(150, -1.5, 80)
        play = Play([{"red": out[i], "blue": by[i]} if i < 30 else {"blue": by[i]} for i in range(80)])
        seen = actors(play, watch(play))
        assert all(len(names) == 1 for names in seen.values())

    def test_a_larger_one_who_comes_later_takes_over(self):
        small, large = stand(20, top=60, height=40), stand(200)
        play = Play([{"red": small}] * 30 + [{"red": small, "blue": large}] * 150)
        sightings = watch(play)
        assert set(whose(play, sightings[20]).values()) == {"red"}
        assert set(whose(play, sightings[-1]).values()) == {"blue"}

    def test_click_decides_from_its_time_on(self):
        play = Play([{"red": stand(20), "blue": stand(200, top=60, height=40)}] * 60)
        sightings = watch(play, at=(212.0, 80.0, 1.0))
        assert set(whose(play, sightings[20]).values()) == {"red"}
        assert all(set(whose(play, s).values()) == {"blue"} for s in sightings[31:])

    def test_number_as_rule(self):
        play = Play([{"red": stand(20), "blue": stand(200, top=60, height=40)}] * 10)
        assert actors(play, watch(play, rule="1")) == {1: {"blue"}}

    def test_center_as_rule(self):
        play = Play([{"red": stand(20), "blue": stand(148, top=60, height=40)}] * 10)
        assert set().union(*actors(play, watch(play, rule="center")).values()) == {"blue"}


class TestStream:
    def test_live_what_is_said_of_a_frame_depends_on_earlier_ones_only(self):
        right, left = walk(20, 2.5, 100), walk(270, -2.5, 100)
        scenes = [{"blue": left[i], "red": right[i]} for i in range(100)]
        whole, part = Play(scenes), Play(scenes[:60])
        seen = (watch(play, max_people=2, read_ahead=False) for play in (whole, part))
        for a, b in zip(*seen, strict=False):
            np.testing.assert_array_equal(a.boxes.xyxy, b.boxes.xyxy)
            np.testing.assert_array_equal(a.keypoints.xy, b.keypoints.xy)
            assert a.doubts == b.doubts

    def test_reads_one_frame_ahead_at_most(self):
        play = Play([{"red": stand(20)}] * 30)
        given = []

        def frames():
            for frame in play.frames():
                given.append(frame.index)
                yield frame

        for sighting in follow(frames(), detector=play.detector, source=Source(play)):
            # At first until it is sure of who is there.
            assert max(given) <= max(sighting.index, int(2 * SETTLED_S * RATE_HZ)) + 1
            if sighting.index == 10:
                break

    def test_empty_video(self):
        assert watch(Play([])) == []
        assert tracks([]) == []

    def test_one_frame(self):
        play = Play([{"red": stand(20)}])
        (track,) = tracks(watch(play))
        assert track.keypoints.score.all()

    def test_nobody_at_all(self):
        sightings = watch(Play([{}] * 20))
        assert len(sightings) == 20
        assert tracks(sightings) == []

    def test_unknown_rule(self):
        with pytest.raises(ConfigError, match="'tallest': use largest, longest, center, all or a person's number"):
            watch(Play([]), rule="tallest")

    def test_error_in_the_detector_comes_through(self):
        def broken(frames):
            raise RuntimeError("no")

        play = Play([{"red": stand(20)}] * 3)
        with pytest.raises(RuntimeError, match="no"):
            list(follow(play.frames(), detector=broken, source=Source(play)))
