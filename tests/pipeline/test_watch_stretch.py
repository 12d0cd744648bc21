"""A stretch by itself: where it begins, what is left of it for later, and the parts put together again."""

from collections.abc import Callable

import numpy as np
import pytest

from skelvid.config import RunConfig
from skelvid.errors import VideoError
from skelvid.pipeline.store import Store
from skelvid.pipeline.watch import open_frames
from skelvid.pipeline.watch_stretch import Part, Stretch, joined_report, joined_scene
from skelvid.video.decode import ReadReport
from skelvid.video.source import open_video
from skelvid.video.span import Span
from tests.pipeline import fakes

CONFIG = RunConfig()


def make_stretch(film, start_s=-np.inf, store=None, source: Callable = fakes.FakeSource):
    def open_source():
        return open_video(film, span=Span(start_s)) if start_s > -np.inf else open_frames(film, CONFIG.video)

    return Stretch(
        open_source, fakes.FakeDetector(), source, CONFIG.people, start_s=start_s, store=store or Store(None)
    )


def no_source():
    raise AssertionError("nobody is to be asked")


def test_begins_at_its_time(film):
    seen = list(make_stretch(film, 0.5))
    assert [s.time_s for s in seen] == pytest.approx(np.arange(13, 24) / fakes.RATE_HZ)
    assert [s.index for s in seen] == list(range(11))


def test_behind_the_end_there_is_nothing(film):
    stretch = make_stretch(film, 99.0)
    assert list(stretch) == []
    stretch.end(-np.inf)
    assert stretch.store.about is not None


def test_film_without_pictures_is_an_error(film):
    def open_source():
        return open_video(film, span=Span(99.0))

    stretch = Stretch(
        open_source, fakes.FakeDetector(), fakes.FakeSource, CONFIG.people, start_s=-np.inf, store=Store(None)
    )
    with pytest.raises(VideoError, match="shows no picture"):
        list(stretch)


def test_what_is_over_is_neither_asked_nor_read_again(film, tmp_path):
    stretch = make_stretch(film, store=Store(tmp_path))
    first = list(stretch)
    stretch.end(np.inf)
    again = make_stretch(tmp_path / "gone.mp4", store=Store(tmp_path), source=no_source)
    again.begin(9.0, depth=9)
    assert [s.time_s for s in again] == [s.time_s for s in first]
    again.end(np.inf)


def test_light_is_looked_at_when_an_earlier_run_saw_all_but_did_not_say_so(film, tmp_path):
    whole = make_stretch(film, store=Store(tmp_path))
    list(whole)
    whole.close()
    again = make_stretch(film, store=Store(tmp_path), source=no_source)
    assert len(again.store.sightings) == 24
    again.end(0.7)
    scene = joined_scene([Part(again, -np.inf, np.inf)])
    assert scene.time_s == pytest.approx([0.0, 0.28, 0.56])


def test_parts_together_are_the_film():
    def part(start_s, end_s, damaged_s, broken_off=None, missing_s=0.0):
        store = Store(None)
        report = {"damaged_s": damaged_s, "untimed_s": [], "broken_off": broken_off, "missing_s": missing_s}
        times = np.arange(10.0)
        scene = {"time_s": times.tolist(), "luma": [start_s] * 10, "shift": [[0.1, 0.2]] * 10}
        store.finish({"read": report, "scene": scene})
        return Part(make_stretch(None, start_s, store), start_s, end_s)

    parts = [part(0.0, 4.0, [1.0, 5.0, 12.0]), part(4.0, 20.0, [5.0, 7.0, 12.0], "lost", 2.0)]
    scene = joined_scene(parts)
    np.testing.assert_array_equal(scene.time_s, np.arange(10))
    np.testing.assert_array_equal(scene.luma, [0] * 4 + [4] * 6)
    assert scene.shift.shape == (10, 2)
    assert joined_report(parts, slow_motion=1.0) == ReadReport([1.0, 5.0, 7.0, 12.0], [], "lost", 2.0)
    # Four seconds of life are sixteen of a film that plays four times slower.
    assert joined_report(parts, slow_motion=4.0).damaged_s == [1.0, 5.0, 12.0]
