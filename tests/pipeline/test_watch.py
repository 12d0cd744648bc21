import numpy as np
import pytest

from skelvid.config import RunConfig, load_config
from skelvid.datatypes.people import Boxes, missing_keypoints
from skelvid.errors import ConfigError, VideoError
from skelvid.people.sighting import Doubt, Sighting
from skelvid.pipeline.store import Store
from skelvid.pipeline.watch import _ids, make_source, open_frames, renumbered, watch
from tests.pipeline import fakes


def places(watched):
    """Where everybody's nose is, by frame."""
    return [s.keypoints.xy[:, 0].tolist() for s in watched.sightings]


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
        store = Store(tmp_path / "c")
        assert len(store.sightings) == 15
        asked = []
        monkeypatch.setattr("skelvid.pipeline.watch._OVERLAP_S", 0.1)
        real = fakes.FakeSource.__call__
        monkeypatch.setattr(
            fakes.FakeSource, "__call__", lambda self, f, b=None: asked.append(f.index) or real(self, f, b)
        )
        watched = watch(film, RunConfig(), store=store)
        assert min(asked) == 12
        assert places(watched) == places(whole)
        assert {int(i) for s in watched.sightings for i in _ids(s)} == {0}

    def test_somebody_wanted_by_number_is_looked_for_from_the_start(self, quick, film, tmp_path, monkeypatch):
        config = load_config(sets=["people.person='0'"])
        repair = stop_at(monkeypatch, 15, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            watch(film, config, store=Store(tmp_path / "c"))
        repair()
        fakes.FakeSource.asked = 0
        assert len(watch(film, config, store=Store(tmp_path / "c")).sightings) == 24
        assert fakes.FakeSource.asked >= 24


class TestRenumbered:
    @staticmethod
    def sighting(index, *people, doubts=()):
        xyxy = np.array([[x, 0.0, x + 10.0, 30.0] for x, _ in people]).reshape(-1, 4)
        boxes = Boxes(xyxy, np.ones(len(people)), np.array([i for _, i in people], int))
        return Sighting(index, index / 30, (50, 100), boxes, missing_keypoints(("nose",), (len(people),)), doubts)

    def test_people_keep_the_numbers_they_had_and_newcomers_get_others(self):
        known = [self.sighting(4, (0.0, 2), (50.0, 7))]
        doubt = Doubt(0.2, (0, 1), "?")
        again = [
            self.sighting(4, (51.0, 0), (1.0, 1)),
            self.sighting(5, (52.0, 0), (2.0, 1), (80.0, 2), doubts=(doubt,)),
        ]
        (told,) = renumbered(again, known)
        assert _ids(told).tolist() == [7, 2, 8]
        assert told.doubts[0].person_ids == (7, 2)

    def test_nothing_known(self):
        told = list(renumbered([self.sighting(0, (0.0, 3))], []))
        assert _ids(told[0]).tolist() == [3]


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
