"""Readers: names, axes, units and signs of every format, and who is held out."""

import numpy as np
import pytest

from skelvid.errors import ConfigError
from tests.train.motion.captures import deepmimic_frame, write_deepmimic, write_joints
from train.motion import deepmimic, sources
from train.motion.sources import Capture, ClipRef, find_clips, read_cmu
from train.motion.ties import TIES


@pytest.fixture
def folder(tmp_path):
    write_joints(tmp_path / "cmu_60hz.npz", ["walking_1", "walking_1_test"])
    write_joints(tmp_path / "cmu_s01_s03_60hz.npz", ["cmu01_02_playground"])
    write_joints(tmp_path / "uiprmd_60hz.npz", ["deepsquat_s01_e01", "deepsquat_s08_e01"])
    for name in ("humanoid3d_kick", "sie_sie_humanoid3d_run_left00"):
        write_deepmimic(tmp_path / "deepmimic" / f"{name}.txt.gz", [deepmimic_frame()] * 3)
    return tmp_path


def test_every_clip_is_found_once_and_whole_people_are_held_out(folder):
    clips = {clip.name: clip for clip in find_clips(folder)}
    assert {name: (clip.person, clip.split) for name, clip in clips.items()} == {
        "cmu01_02_playground": ("cmu01", "train"),
        "cmu60_walking_1": ("cmu60_train", "train"),
        "cmu60_walking_1_test": ("cmu60_test", "val"),
        "deepmimic_kick": ("deepmimic", "train"),
        "uiprmd_deepsquat_s01_e01": ("uiprmd_s01", "train"),
        "uiprmd_deepsquat_s08_e01": ("uiprmd_s08", "val"),
    }


def test_motions_that_are_not_free_are_left_out(folder):
    assert not any("sie" in clip.name for clip in find_clips(folder))


def test_an_empty_folder_says_what_it_expected(tmp_path):
    with pytest.raises(ConfigError, match=r"uiprmd_60hz\.npz"):
        find_clips(tmp_path)


def test_a_person_on_both_sides_of_the_split_is_refused(tmp_path, monkeypatch):
    def torn(data):
        for split in ("train", "val"):
            yield ClipRef(
                f"a_{split}", "cmu", "CMU", "same", split, "free", lambda: Capture((), np.zeros((0, 0, 3)), 60.0)
            )

    monkeypatch.setattr(sources, "SOURCES", (torn,))
    with pytest.raises(ConfigError, match="both train and val: same"):
        find_clips(tmp_path)


def test_cmu_is_read_in_metres_with_points_that_turn_with_its_segments(folder):
    capture = read_cmu(folder / "cmu_60hz.npz", "walking_1")
    at = {name: capture.points_m[0, i] for i, name in enumerate(capture.names)}
    np.testing.assert_allclose(at["l_knee"], [0.003, 0.006, 0.009])
    # All segments are turned 90 degrees to the left: their front is where the body's left was.
    np.testing.assert_allclose(at["root_front"] - at["root"], [0.1, 0, 0], atol=1e-4)
    # At rest the left foot leans 20 degrees outward with its leg: its side rises.
    outward = [0, 0.1 * np.sin(np.radians(20)), -0.1 * np.cos(np.radians(20))]
    np.testing.assert_allclose(at["l_foot_side"] - at["l_ankle"], outward, atol=1e-4)
    np.testing.assert_allclose(at["r_true_wrist"], (at["r_wrist"] + at["r_hand"]) / 2)


def test_ties_name_points_that_their_source_has(folder):
    clips = {clip.kind: clip.read() for clip in find_clips(folder) if clip.kind in ("cmu", "deepmimic")}
    for kind, capture in clips.items():
        assert isinstance(capture, Capture)
        assert {tie.source for tie in TIES[kind]} <= set(capture.names)


@pytest.mark.parametrize("kind", TIES)
def test_left_ties_mirror_right_ones(kind):
    def key(tie, swap):
        def other(name):
            table = {"l": "r", "L": "R"} if swap else {}
            head, tail = name[:2], name[-2:]
            name = f"{table.get(head[0], head[0])}{name[1:]}" if head[1] == "_" or head[0] in "LR" else name
            return f"{name[:-2]}_r" if swap and tail == "_l" else name

        anchor = {tie.anchor: 1.0} if isinstance(tie.anchor, str) else tie.anchor
        x, y, z = tie.offset_m
        return other(tie.source), {other(a): w for a, w in anchor.items()}, (-x if swap else x, y, z), tie.sigma_m

    sides = [[tie for tie in TIES[kind] if tie.source.startswith(s)] for s in (("l_", "L"), ("r_", "R"))]
    assert len(sides[0]) == len(sides[1]) > 0
    assert [key(tie, True) for tie in sides[0]] == [key(tie, False) for tie in sides[1]]


class TestDeepMimic:
    def read(self, tmp_path, frames):
        write_deepmimic(tmp_path / "a.txt.gz", frames)
        names, points, fps = deepmimic.read_points(tmp_path / "a.txt.gz")
        return {name: points[:, i] for i, name in enumerate(names)}, fps

    def test_upright_humanoid_stands_in_template_axes(self, tmp_path):
        at, fps = self.read(tmp_path, [deepmimic_frame()] * 4)
        assert fps == 60.0
        assert len(at["root"]) == 7  # three steps of 1/30 s
        np.testing.assert_allclose(at["root"][0], [0, 0.9, 0], atol=1e-9)
        np.testing.assert_allclose(at["l_hip"][0], [0.084887, 0.9, 0], atol=1e-9)
        np.testing.assert_allclose(at["l_ankle"][0] - at["l_hip"][0], [0, -0.421546 - 0.409870, 0], atol=1e-9)
        assert at["l_toes"][0, 2] > 0.1
        assert at["head_front"][0, 2] > 0.1

    def test_forward_is_z_and_negative_knees_flex(self, tmp_path):
        frames = [deepmimic_frame(knee_rad=-0.5, elbow_rad=0.5, forward_m=0.1 * i) for i in range(4)]
        at, _ = self.read(tmp_path, frames)
        np.testing.assert_allclose(at["root"][-1], [0, 0.9, 0.3], atol=1e-9)
        assert (at["r_ankle"] - at["r_knee"])[0, 2] == pytest.approx(-0.409870 * np.sin(0.5))
        assert (at["l_wrist"] - at["l_elbow"])[0, 2] == pytest.approx(0.258947 * np.sin(0.5))

    def test_frames_of_another_humanoid_are_refused(self, tmp_path):
        with pytest.raises(ConfigError, match="44 numbers"):
            self.read(tmp_path, [[0.1] * 30] * 3)
