import itertools
import threading

import numpy as np
import pytest

from skelvid.config import RunConfig, load_config
from skelvid.errors import ConfigError, VideoError
from skelvid.pipeline import stretches
from skelvid.pipeline import watch as module
from skelvid.pipeline.store import Store
from skelvid.pipeline.watch import make_source, open_frames, watch
from tests.pipeline import fakes


def places(watched):
    """Where everybody's nose is, by frame."""
    return [s.keypoints.xy[:, 0].tolist() for s in watched.sightings]


def numbers(watched):
    """The numbers of all people."""
    return {int(i) for s in watched.sightings for i in s.boxes.person_id}


def stop_at(monkeypatch, frame, error):
    """Let the source fail when it is asked about a frame."""
    real = fakes.FakeSource.__call__

    def call(self, asked, boxes=None):
        if asked.index == frame:
            raise error
        return real(self, asked, boxes)

    monkeypatch.setattr(fakes.FakeSource, "__call__", call)
    return lambda: monkeypatch.setattr(fakes.FakeSource, "__call__", real)


class TestWatch:
    def test_tells_every_frame(self, quick, film):
        told = []
        watched = watch(film, RunConfig(), progress=lambda *words: told.append(words))
        assert [s.index for s in watched.sightings] == list(range(24))
        assert [s.time_s for s in watched.sightings] == pytest.approx(np.arange(24) / fakes.RATE_HZ)
        nose_px = np.array(places(watched))[:, 0, 0]
        # The figure walks one pixel a frame; H.264 blurs its edge.
        np.testing.assert_allclose(np.diff(nose_px), 1.0, atol=1.01)
        assert told[-1] == ("finding people", 24, 24)
        assert watched.read == ()
        assert not watched.scene.moving

    def test_second_run_asks_nobody(self, quick, film, tmp_path):
        first = watch(film, RunConfig(), store=Store(tmp_path / "c"))
        asked = fakes.FakeSource.asked
        second = watch(film, RunConfig(), store=Store(tmp_path / "c"))
        assert fakes.FakeSource.asked == asked > 0
        assert places(second) == places(first)
        np.testing.assert_array_equal(second.scene.luma, first.scene.luma)

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug")])
    def test_goes_on_where_it_was_broken_off(self, quick, film, tmp_path, monkeypatch, error):
        whole = watch(film, RunConfig())
        repair = stop_at(monkeypatch, 15, error)
        with pytest.raises(type(error)):
            watch(film, RunConfig(), store=Store(tmp_path / "c"))
        repair()
        assert len(Store(tmp_path / "c").stretch(0).sightings) == 15
        asked = []
        monkeypatch.setattr("skelvid.pipeline.watch_stretch._OVERLAP_S", 0.1)
        real = fakes.FakeSource.__call__
        monkeypatch.setattr(
            fakes.FakeSource, "__call__", lambda self, f, b=None: asked.append(f.index) or real(self, f, b)
        )
        watched = watch(film, RunConfig(), store=Store(tmp_path / "c"))
        assert min(asked) == 12
        assert places(watched) == places(whole)
        assert numbers(watched) == {0}

    def test_somebody_wanted_by_number_is_looked_for_from_the_start(self, quick, film, tmp_path, monkeypatch):
        config = load_config(sets=["people.person='0'"])
        repair = stop_at(monkeypatch, 15, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            watch(film, config, store=Store(tmp_path / "c"))
        repair()
        fakes.FakeSource.asked = 0
        assert len(watch(film, config, store=Store(tmp_path / "c")).sightings) == 24
        assert fakes.FakeSource.asked >= 24


class TestInStretches:
    """Fifty frames of two people, watched in two stretches of a second that begin anew in the middle."""

    @pytest.fixture
    def long_film(self, tmp_path):
        return fakes.make_film(tmp_path / "long.mp4", 50, people=lambda i: [(5 + i, 20), (110, 30)])

    @pytest.fixture
    def config(self):
        return load_config(sets=["people.person=all"])

    @pytest.fixture(autouse=True)
    def no_thread_is_left(self):
        before = threading.active_count()  # other tests leave some, such as a browser's
        yield
        assert threading.active_count() == before

    @pytest.fixture
    def whole(self, quick, long_film, config):
        """What is seen when it is watched from beginning to end."""
        return watch(long_film, config)

    @pytest.fixture
    def cut_short(self, whole, monkeypatch):
        """Cut films into stretches, even short ones; on so many cores."""
        monkeypatch.setattr(fakes.FakeSource, "beside_others", True, raising=False)
        for name, value in (("LENGTH_S", 1.0), ("MIN_LENGTH_S", 0.5), ("MIN_FRAMES", 5)):
            monkeypatch.setattr(stretches, name, value)
        fakes.FakeSource.asked = 0
        return lambda cores: monkeypatch.setattr(module, "_at_once", lambda: cores)

    @pytest.mark.parametrize("cores", [0, 2, 4])
    def test_the_same_is_seen_on_any_number_of_cores(self, whole, cut_short, long_film, config, tmp_path, cores):
        cut_short(cores)
        watched = watch(long_film, config, store=Store(tmp_path / "c"))
        assert [s.index for s in watched.sightings] == list(range(50))
        assert [s.time_s for s in watched.sightings] == [s.time_s for s in whole.sightings]
        assert places(watched) == places(whole)
        assert numbers(watched) == numbers(whole) == {0, 1}
        looked_s = watched.scene.time_s
        assert looked_s[0] == 0.0
        assert looked_s[-1] > 1.7
        assert 0.1 < np.diff(looked_s).min() < np.diff(looked_s).max() < 0.5
        # A second begins the next stretch, and one frame behind half a second more they are joined.
        assert fakes.FakeSource.asked >= 50 + 13

    def test_second_run_asks_nobody(self, cut_short, long_film, config, tmp_path):
        cut_short(2)
        first = watch(long_film, config, store=Store(tmp_path / "c"))
        asked = fakes.FakeSource.asked
        second = watch(long_film, config, store=Store(tmp_path / "c"))
        assert fakes.FakeSource.asked == asked
        assert places(second) == places(first)
        np.testing.assert_array_equal(second.scene.shift, first.scene.shift)

    @pytest.mark.parametrize("frame", [5, 20, 45])
    def test_goes_on_in_both_where_it_was_broken_off(self, whole, cut_short, long_film, config, tmp_path, frame):
        cut_short(2)

        def stop(stage, done, total):
            if done > frame:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            watch(long_film, config, store=Store(tmp_path / "c"), progress=stop)
        kept = sum(len(Store(tmp_path / "c").stretch(i).sightings) for i in range(2))
        assert kept > frame
        watched = watch(long_film, config, store=Store(tmp_path / "c"))
        assert places(watched) == places(whole)
        assert numbers(watched) == {0, 1}
        assert np.diff(watched.scene.time_s).max() < 0.5

    def test_progress_rises_to_all_of_it(self, cut_short, long_film, config):
        cut_short(2)
        told = []
        watch(long_film, config, progress=lambda *words: told.append(words))
        assert told[-1] == ("finding people", 50, 50)
        assert all(b[1] >= a[1] for a, b in itertools.pairwise(told))

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug")])
    def test_error_in_a_later_stretch_comes_out_and_ends_all_threads(
        self, cut_short, long_film, config, monkeypatch, error
    ):
        cut_short(2)
        real = fakes.FakeSource.__call__

        def call(self, frame, boxes=None):
            if frame.time_s > 1.5:
                raise error
            return real(self, frame, boxes)

        monkeypatch.setattr(fakes.FakeSource, "__call__", call)
        with pytest.raises(type(error)):
            watch(long_film, config)

    def test_damage_is_counted_once(self, cut_short, long_film, config, monkeypatch):
        from skelvid.video import reader

        real = reader.decode

        def damaged(film, report, *, first=None):
            report.damaged_s.append(1.2)  # where the two overlap
            report.damaged_s.append(0.1)
            return real(film, report, first=first)

        cut_short(2)
        monkeypatch.setattr(reader, "decode", damaged)
        assert watch(long_film, config).read == ("2 damaged picture(s) left out",)

    def test_nobody_is_looked_for_by_number_in_the_middle(self, cut_short, long_film):
        cut_short(2)
        for words in ("people.person='0'", "people.at=[20, 50, 0]"):
            fakes.FakeSource.asked = 0
            watch(long_film, load_config(sets=[words]))
            assert 50 <= fakes.FakeSource.asked < 55

    def test_slow_motion_is_cut_by_the_time_of_life(self, cut_short, long_film, whole):
        cut_short(2)
        config = load_config(sets=["people.person=all", "video.slow_motion=0.5"])
        watched = watch(long_film, config)
        assert [s.time_s for s in watched.sightings] == [s.time_s * 2 for s in whole.sightings]
        assert fakes.FakeSource.asked > 50


class TestSource:
    def test_what_follows_a_colon_is_the_first_argument(self):
        calls = []

        def maker(*, path=None, device="cpu"):
            calls.append((path, device))

        make_source("files", lambda name: maker, "auto")
        make_source("files:C:/clips", lambda name: maker, "cuda")
        assert calls == [(None, "cpu"), ("C:/clips", "cuda")]

    def test_who_knows_no_device_is_told_none(self):
        assert make_source("any", lambda name: lambda: name, "cuda") == "any"

    def test_what_is_missing_or_too_much_is_said(self):
        from skelvid.people.keypoints import keypoint_source

        with pytest.raises(ConfigError, match="keypoint source 'files' needs a path: write files:PATH"):
            make_source("files", keypoint_source, "auto")
        with pytest.raises(ConfigError, match="no keypoint source is called 'fiels'"):
            make_source("fiels", keypoint_source, "auto")


class TestOpen:
    def test_too_small(self, tmp_path):
        path = fakes.make_film(tmp_path / "tiny.mp4", people=None, size_hw=(16, 16))
        with pytest.raises(VideoError, match=r"tiny.mp4 is 16x16 px: too small to show anybody"):
            open_frames(path, RunConfig().video)

    def test_huge_is_made_smaller(self, tmp_path):
        path = fakes.make_film(tmp_path / "8k.mp4", 1, people=None, size_hw=(4320, 7680))
        assert open_frames(path, RunConfig().video).info.size_hw == (1080, 1920)

    def test_start_and_end(self, film):
        config = load_config(sets=["video.start_s=0.2", "video.end_s=0.4"]).video
        assert [f.time_s for f in open_frames(film, config)] == pytest.approx([0.2, 0.24, 0.28, 0.32, 0.36])

    def test_slow_motion_is_told_in_the_time_of_life(self, film, monkeypatch):
        from dataclasses import replace

        from skelvid.video import reader

        real = reader.probe
        monkeypatch.setattr(reader, "probe", lambda path, **o: replace(real(path, **o), slow_motion=4.0))
        frames = list(open_frames(film, RunConfig().video))
        assert frames[-1].time_s == pytest.approx(23 / fakes.RATE_HZ / 4)
        as_it_plays = load_config(sets=["video.slow_motion=1"]).video
        assert list(open_frames(film, as_it_plays))[-1].time_s == pytest.approx(23 / fakes.RATE_HZ)
