import csv
import logging
import os
import subprocess
from contextlib import contextmanager

import numpy as np
import pytest

from skelvid.config import RunConfig, load_config
from skelvid.errors import ConfigError, SkelvidError, VideoError
from skelvid.export.catalogue import exporter
from skelvid.pipeline.folder import run_video
from skelvid.video.source import open_video
from tests.pipeline import fakes

FILES = {"angles.csv", "raw_angles.csv", "angles.mot", "landmarks.trc", "motion.npz", "summary.json", "overlay.mp4",
         "config.yaml", "log.txt", "angles_legs.png", "angles_trunk.png", "angles_arms.png",
         "report.html"}  # fmt: skip
BRIEF = load_config(sets=["export.files=[csv]", "export.plots=false", "export.report=false", "export.overlay=false"])


def visible(folder):
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@contextmanager
def mounted(path, options):
    """A small disk of its own, where this is allowed."""
    path.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True).returncode
    ):
        pytest.skip("only root may mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


class TestFiles:
    def test_everything_is_there(self, quick, film, tmp_path):
        (result,) = run_video(film, tmp_path / "new" / "out", RunConfig())
        out = tmp_path / "new" / "out"
        assert visible(out) == FILES
        assert load_config(out / "config.yaml") == RunConfig()
        table = rows(out / "angles.csv")
        assert len(table) == 24
        knee = np.degrees(result.angles["knee_angle_r"])
        np.testing.assert_allclose([float(row["knee_angle_r"]) for row in table], knee, atol=6e-4)
        drawn = [frame.time_s for frame in open_video(out / "overlay.mp4")]
        assert drawn == pytest.approx(result.motion.time_s)
        log = (out / "log.txt").read_text()
        assert all(warning in log for warning in result.warnings)
        assert log.rstrip().endswith("done")

    def test_second_run_changes_what_was_asked_and_asks_no_network(self, quick, film, tmp_path):
        run_video(film, tmp_path / "out", BRIEF)
        asked, before = fakes.FakeSource.asked, (tmp_path / "out" / "angles.csv").read_text()
        changed = load_config(
            sets=[
                "export.files=[csv]",
                "export.plots=false",
                "export.report=false",
                "export.overlay=false",
                "motion.cutoff_hz=2",
            ]
        )
        run_video(film, tmp_path / "out", changed)
        assert fakes.FakeSource.asked == asked
        assert (tmp_path / "out" / "angles.csv").read_text() != before
        assert load_config(tmp_path / "out" / "config.yaml") == changed

    def test_several_people_get_folders_by_their_numbers(self, quick, tmp_path):
        film = fakes.make_film(tmp_path / "two.mp4", people=lambda i: [(5 + i, 20), (110, 30)])
        config = load_config(
            sets=["people.person=all", "export.files=[csv]", "export.plots=false", "export.report=false"]
        )
        run_video(film, tmp_path / "out", config)
        assert visible(tmp_path / "out") == {"person00", "person01", "config.yaml", "log.txt"}
        for name in ("person00", "person01"):
            assert visible(tmp_path / "out" / name) == {"angles.csv", "overlay.mp4"}

    def test_progress_names_its_stages(self, quick, film, tmp_path):
        stages = []
        config = load_config(sets=["export.files=[]", "export.plots=false", "export.report=false"])
        run_video(film, tmp_path, config, progress=lambda stage, done, total: stages.append((stage, done, total)))
        assert list(dict.fromkeys(s for s, _, _ in stages)) == [
            "finding people",
            "lifting to 3D",
            "fitting the body to the keypoints",
            "smoothing",
            "drawing",
        ]
        assert stages[-1] == ("drawing", 24, 24)

    def test_log_is_closed_and_its_level_put_back(self, quick, film, tmp_path):
        logger = logging.getLogger("skelvid")
        before = logger.level, list(logger.handlers)
        with pytest.raises(VideoError):
            run_video(fakes.make_film(tmp_path / "empty.mp4", people=None), tmp_path / "out", BRIEF)
        assert (logger.level, logger.handlers) == before
        assert "nobody was found" in (tmp_path / "out" / "log.txt").read_text()


class TestFailure:
    def test_nothing_is_made_for_what_cannot_be_read(self, quick, tmp_path):
        with pytest.raises(VideoError, match="no file"):
            run_video(tmp_path / "missing.mp4", tmp_path / "out", BRIEF)
        assert not (tmp_path / "out").exists()

    def test_unknown_file_is_found_before_the_work(self, quick, film, tmp_path):
        with pytest.raises(ConfigError, match="csw"):
            run_video(film, tmp_path / "out", load_config(sets=["export.files=[csw]"]))
        assert fakes.FakeSource.asked == 0

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug"), SkelvidError("full")])
    def test_what_is_finished_stays(self, quick, film, tmp_path, monkeypatch, error):
        out = tmp_path / "out"
        config = load_config(
            sets=["export.files=[csv, npz]", "export.plots=false", "export.report=false", "export.overlay=false"]
        )

        def fail(*_):
            raise error

        monkeypatch.setattr(type(exporter("npz")), "__call__", fail)
        with pytest.raises(type(error)):
            run_video(film, out, config)
        assert visible(out) == {"angles.csv", "config.yaml", "log.txt"}
        assert len(rows(out / "angles.csv")) == 24
        monkeypatch.undo()
        fakes.install(monkeypatch.setattr, monkeypatch.setitem)
        run_video(film, out, config)
        assert visible(out) == {"angles.csv", "motion.npz", "config.yaml", "log.txt"}
        assert fakes.FakeSource.asked == 0

    def test_interrupted_drawing_leaves_no_half_film(self, quick, film, tmp_path, monkeypatch):
        def stop(stage, done, total):
            if stage == "drawing" and done == 10:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_video(
                film, tmp_path / "out", load_config(sets=["export.plots=false", "export.report=false"]), progress=stop
            )
        assert "overlay.mp4" not in {path.name.removesuffix(".part") for path in (tmp_path / "out").iterdir()}
        assert "angles.csv" in visible(tmp_path / "out")

    def test_folder_that_cannot_be_written(self, quick, film, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(SkelvidError, match="file/out cannot be written to: Not a directory"):
            run_video(film, tmp_path / "file" / "out", BRIEF)

    def test_read_only_folder(self, quick, film, tmp_path):
        with (
            mounted(tmp_path / "ro", "ro") as folder,
            pytest.raises(SkelvidError, match="ro cannot be written to: Read-only file system"),
        ):
            run_video(film, folder, BRIEF)

    @pytest.mark.parametrize("size_k", [4, 60, 300])
    def test_full_disk(self, quick, film, tmp_path, size_k):
        config = load_config(sets=["export.files=[csv, raw_csv, npz]", "export.plots=true", "export.report=false"])
        with mounted(tmp_path / "small", f"size={size_k}k") as folder:
            with pytest.raises(SkelvidError, match="No space left on device"):
                run_video(film, folder, config)
            assert not [path for path in folder.rglob("*.part")]
            if (folder / "angles.csv").exists():
                assert len(rows(folder / "angles.csv")) == 24

    def test_module_knows_the_default_files(self):
        for name in RunConfig().export.files:
            assert exporter(name).file_name in FILES
