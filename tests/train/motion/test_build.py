"""The library: what is written, that finished work is kept, that broken-off or outdated work is made again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.train.motion.captures import deepmimic_frame, write_deepmimic, write_mot
from train.motion import build
from train.motion.opensim import TRIALS
from train.motion.sources import find_clips


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("made")
    angles = {"hip_flexion_r": [20.0, 30.0, 40.0], "knee_angle_r": [10.0, 30.0, 60.0]}
    table = {"time": [0.0, 0.05, 0.1], "pelvis_ty": [0.95] * 3} | angles
    write_mot(tmp_path / "data" / "opensim" / f"x_{next(iter(TRIALS))}.mot", table)
    frames = [deepmimic_frame(knee_rad=-0.1 * i) for i in range(6)]
    write_deepmimic(tmp_path / "data" / "deepmimic" / "humanoid3d_bend.txt.gz", frames)
    build.build(jobs(tmp_path / "data", tmp_path / "library"))
    return tmp_path


@pytest.fixture
def data(made):
    return made / "data"


def jobs(data, library):
    return [build.Job(clip, library, "neutral") for clip in find_clips(data)]


@pytest.fixture
def library(made, tmp_path):
    return Path(shutil.copytree(made / "library", tmp_path / "library"))


def stamps(library):
    return {path.name: path.stat().st_mtime_ns for path in library.glob("*/*.npz")}


def test_clips_hold_motion_person_licence_and_fit(library):
    with np.load(library / "clips" / "deepmimic_bend.npz", allow_pickle=False) as clip:
        assert clip["q"].shape == (11, 46)
        assert clip["trans_m"].shape == (11, 3)
        assert clip["betas"].shape == (10,)
        np.testing.assert_allclose(np.diff(clip["time_s"]), 1 / 60)
        assert float(clip["fps"]) == 60
        assert (str(clip["person"]), str(clip["split"])) == ("deepmimic", "train")
        assert str(clip["licence"]).startswith("MIT")
        assert float(clip["residual_mm"].max()) < 30
        assert np.degrees(clip["q"][-1, 6]) == pytest.approx(np.degrees(0.5), abs=8)


def test_the_index_lists_every_clip(library):
    index = json.loads((library / "index.json").read_text())
    rows = {row["name"]: row for row in index["clips"]}
    assert set(rows) == {"deepmimic_bend", "opensim_subject01_walk"}
    assert "shoulder_r_x" in rows["opensim_subject01_walk"]["unobserved"]
    assert rows["deepmimic_bend"]["violation_share"] == 0
    assert len(build.report(index["clips"])) == 2
    for row in rows.values():
        assert (library / row["file"]).is_file()


def test_a_jump_of_the_source_is_told():
    points = np.zeros((4, 2, 3))
    points[2:, 1] = [0.0, 0.5, 0.0]
    assert build._fastest(points, 60.0) == {"source_fastest_m_s": 30.0, "source_fastest_at_s": pytest.approx(0.017)}
    assert build._fastest(points[:1], 60.0)["source_fastest_m_s"] == 0


def test_finished_clips_are_kept_and_missing_ones_made(data, library):
    before = stamps(library)
    (library / "clips" / "opensim_subject01_walk.npz").unlink()
    build.build(jobs(data, library))
    after = stamps(library)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"opensim_subject01_walk.npz"}


def test_an_interrupted_write_leaves_no_half_file(tmp_path, monkeypatch):
    def fail(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(KeyboardInterrupt):
        build.save(tmp_path / "a.npz", q=np.zeros(3))
    assert not (tmp_path / "a.npz").exists()


def test_another_body_makes_clips_anew(data, library, monkeypatch):
    before = stamps(library)
    monkeypatch.setattr(build, "recipe_digest", lambda body: "other")
    build.build(jobs(data, library), only="opensim")
    changed = {name for name, stamp in stamps(library).items() if before[name] != stamp}
    assert changed == {"opensim_subject01_walk.npz"}
