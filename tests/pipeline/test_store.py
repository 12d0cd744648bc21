import os

import numpy as np
import pytest

from skelvid.config import RunConfig, load_config
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.errors import SkelvidError
from skelvid.people.sighting import Doubt, Sighting
from skelvid.pipeline.store import FRAMES_PER_PART, Store, question

NAMES = ("nose", "left_hip")


def make_sighting(index, people=1):
    rng = np.random.default_rng(index)
    low = rng.uniform(0, 50, (people, 2))
    xy, score = rng.uniform(0, 99, (people, 2, 2)), rng.uniform(0.1, 1, (people, 2))
    xy[:, 1], score[:, 1] = np.nan, 0.0
    boxes = Boxes(np.concatenate([low, low + 9], 1), rng.uniform(0, 1, people), np.arange(people) + index)
    doubts = (Doubt(index / 30, (0, 1), "who is who?"),) if index % 7 == 0 else ()
    return Sighting(index, index / 30, (90, 160), boxes, Keypoints2D(xy, score, NAMES), doubts)


def same(first, second):
    assert (first.index, first.time_s, first.size_hw, first.doubts) == (
        second.index, second.time_s, second.size_hw, second.doubts,
    )  # fmt: skip
    assert first.keypoints.names == second.keypoints.names
    for room, name in (("boxes", "xyxy"), ("boxes", "score"), ("boxes", "person_id"), ("keypoints", "xy"),
                       ("keypoints", "score")):  # fmt: skip
        np.testing.assert_array_equal(getattr(getattr(first, room), name), getattr(getattr(second, room), name))


def fill(folder, count):
    store = Store(folder)
    for index in range(len(store.sightings), count):
        store.add(make_sighting(index, people=index % 3))
    return store


def test_comes_back_bit_by_bit(tmp_path):
    store = fill(tmp_path, 2 * FRAMES_PER_PART + 5)
    store.finish({"read": ["1 damaged"]})
    again = Store(tmp_path)
    assert again.about == {"read": ["1 damaged"]}
    assert len(again.sightings) == len(store.sightings)
    for one, other in zip(again.sightings, store.sightings, strict=True):
        same(one, other)


def test_broken_off_run_keeps_all_but_the_latest(tmp_path):
    fill(tmp_path, FRAMES_PER_PART + 5)
    again = Store(tmp_path)
    assert len(again.sightings) == FRAMES_PER_PART
    assert again.about is None
    store = fill(tmp_path, 2 * FRAMES_PER_PART)
    assert [s.index for s in store.sightings] == list(range(2 * FRAMES_PER_PART))
    assert len(Store(tmp_path).sightings) == 2 * FRAMES_PER_PART


def test_flush_keeps_everything(tmp_path):
    fill(tmp_path, 5).flush()
    assert len(Store(tmp_path).sightings) == 5


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(path.read_bytes()[:100]), lambda path: path.unlink()])
def test_what_follows_a_damaged_part_is_asked_again(tmp_path, harm):
    store = fill(tmp_path, 3 * FRAMES_PER_PART)
    store.finish({})
    harm(tmp_path / "part_00001.npz")
    again = Store(tmp_path)
    assert len(again.sightings) == FRAMES_PER_PART
    assert again.about is None


def test_new_folder_is_empty_and_not_made(tmp_path):
    store = Store(tmp_path / "new")
    assert (store.sightings, store.about) == ([], None)
    store.flush()
    assert not (tmp_path / "new").exists()


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SkelvidError, match="cannot be written"):
        fill(tmp_path / "file" / "cache", FRAMES_PER_PART)


class TestQuestion:
    @pytest.fixture
    def video(self, tmp_path):
        path = tmp_path / "a.mp4"
        path.write_bytes(b"x" * 1000)
        return path

    def test_same_video_and_settings(self, video):
        assert question(video, RunConfig()) == question(video, RunConfig())

    @pytest.mark.parametrize(
        ("change", "other"),
        [
            ("video.end_s=3", True),
            ("video.max_side_px=640", True),
            ("people.keypoints=files:a", True),
            ("people.detector=torchvision", True),
            ("people.person=all", True),
            ("motion.cutoff_hz=3", False),
            ("motion.refine=false", False),
            ("export.overlay=false", False),
            ("camera.focal_px=900", False),
        ],
    )
    def test_only_what_networks_see_counts(self, video, change, other):
        assert (question(video, RunConfig()) != question(video, load_config(sets=[change]))) == other

    def test_changed_video(self, video):
        before = question(video, RunConfig())
        about = video.stat()
        video.write_bytes(b"y" * 1000)
        os.utime(video, ns=(about.st_atime_ns, about.st_mtime_ns))
        assert question(video, RunConfig()) != before

    def test_folder_of_pictures(self, tmp_path):
        (tmp_path / "0.png").write_bytes(b"x")
        before = question(tmp_path, RunConfig())
        (tmp_path / "1.png").write_bytes(b"x")
        assert question(tmp_path, RunConfig()) != before
