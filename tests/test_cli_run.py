import os
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from skelvid import cli, cli_run
from skelvid.cli_run import find_videos, result_folders
from skelvid.config import load_config
from skelvid.motion.smooth import CUTOFFS_HZ
from skelvid.people.choose import RULES
from tests.factories import make_video
from tests.pipeline import fakes

ROOT = Path(__file__).parents[1]
BRIEF = ("--exports", "csv", "--no-overlay", "--no-report", "--set", "export.plots=false")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `skelvid run` with quick stand-ins for networks: (exit code, stdout, stderr)."""
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["skelvid", "run", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.setenv("TERM", "dumb")
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def film(tmp_path):
    return fakes.make_film(tmp_path / "walk.mp4")


class TestRun:
    def test_says_where_results_are_and_what_to_beware_of(self, run, film):
        code, out, err = run(film, *BRIEF)
        assert (code, err) == (0, "")
        assert f"walk.mp4: results are in {film.parent / 'walk_skelvid'}" in out
        assert "! lengths are not scaled" in out
        assert "Not a medical device" in out
        assert (film.parent / "walk_skelvid" / "angles.csv").is_file()

    def test_quiet(self, run, film, tmp_path):
        assert run(film, "--out", tmp_path / "o", "-q", *BRIEF) == (0, "", "")

    def test_verbose_tells_the_log(self, run, film):
        assert "going on after" not in run(film, *BRIEF)[1]
        (done,) = (film.parent / "walk_skelvid").glob(".cache/*/*/done.json")
        done.unlink()
        assert "going on after 24 frames" in run(film, "--verbose", *BRIEF)[1]

    def test_words_become_settings(self, run, film):
        words = ["--start", "0.1", "--end", "0.9", "--focal", "60deg", "--person-at", "30,60", "--height", "1.8"]
        words += ["--neutral", "0.2-0.4", "--cutoff", "5", "--filter", "kalman", "--no-refine", "--device", "cpu"]
        assert run(film, *words, *BRIEF)[0] == 0
        got = load_config(film.parent / "walk_skelvid" / "config.yaml")
        assert (got.video.start_s, got.video.end_s, got.camera.fov_deg, got.people.at) == (0.1, 0.9, 60.0, (30, 60, 0))
        assert (got.motion.height_m, got.motion.neutral_s, got.motion.cutoff_hz) == (1.8, (0.2, 0.4), 5.0)
        assert (got.motion.filter, got.motion.refine, got.device) == ("kalman", False, "cpu")
        assert (got.export.files, got.export.overlay, got.export.plots) == (("csv",), False, False)

    def test_pictures(self, run, tmp_path):
        folder = fakes.write_pictures(tmp_path / "pictures")
        code, _, err = run(folder, *BRIEF)
        assert code == 2
        assert "say how many were taken per second: --rate" in err
        assert run(folder, "--rate", "25", *BRIEF)[0] == 0
        assert (tmp_path / "pictures_skelvid" / "angles.csv").is_file()


class TestHelp:
    def test_reads_like_documentation(self, run):
        out = run("--help")[1]
        for panel in ("What is read", "Who", "How", "What is written", "Settings", "Examples"):
            assert panel in out
        for word in (*RULES, *CUTOFFS_HZ):
            assert re.search(rf"\b{word}\b", out), word
        assert not re.search(r"\b[A-Z]+_[A-Z]+\b", out), "a word that was to be filled in"

    def test_is_quick(self):
        code = "import sys, skelvid.cli; print({'torch', 'scipy', 'numpy', 'yaml'} & sys.modules.keys())"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


class TestBatch:
    def test_one_that_fails_does_not_stop_the_rest(self, run, tmp_path):
        clips = tmp_path / "clips"
        clips.mkdir()
        fakes.make_film(clips / "a.mp4")
        (clips / "b.mp4").write_bytes(b"no video")
        fakes.make_film(clips / "c.mov").rename(clips / "c.mp4")
        fakes.make_film(clips / "d.mp4", people=None)
        (clips / "notes.txt").touch()
        code, out, err = run(clips, "--out", tmp_path / "out", *BRIEF)
        assert code == 2
        assert "b.mp4 cannot be read as a video" in err
        assert "nobody was found" in err
        assert "2 of 4 videos failed" in err
        assert {p.name for p in (tmp_path / "out").iterdir()} == {"a_skelvid", "c_skelvid", "d_skelvid"}
        assert out.count("results are in") == 2

    def test_even_a_fault_of_ours_does_not(self, run, tmp_path, monkeypatch):
        films = [fakes.make_film(tmp_path / f"{name}.mp4") for name in "ab"]
        real = fakes.FakeSource.__call__

        def fail_once(self, frame, boxes=None):
            monkeypatch.setattr(fakes.FakeSource, "__call__", real)
            raise RuntimeError("bug")

        monkeypatch.setattr(fakes.FakeSource, "__call__", fail_once)
        code, out, err = run(*films, *BRIEF)
        assert code == 1
        assert "RuntimeError: bug" in err
        assert "b.mp4: results are in" in out

    def test_number_of_failures_is_capped(self, run, tmp_path):
        missing = [tmp_path / f"{number}.mp4" for number in range(101)]
        assert run(*missing)[0] == cli_run.MAX_FAILED == 100

    def test_folders(self, tmp_path):
        a, b, c = (tmp_path / name for name in ("a.mp4", "sub/a.mp4", "a.mov"))
        assert result_folders([a], None) == {a: tmp_path / "a_skelvid"}
        assert result_folders([a], Path("o")) == {a: Path("o")}
        assert result_folders([a, b], None) == {a: tmp_path / "a_skelvid", b: tmp_path / "sub" / "a_skelvid"}
        assert result_folders([a, c], None) == {a: tmp_path / "a.mp4_skelvid", c: tmp_path / "a.mov_skelvid"}
        places = result_folders([a, b], Path("o"))
        assert len(set(places.values())) == 2

    def test_each_video_once(self, tmp_path):
        for name in ("b.MP4", "a.mov", "a.png"):
            (tmp_path / name).touch()
        videos = [tmp_path / "a.mov", tmp_path / "b.MP4"]
        assert find_videos([tmp_path, tmp_path / "a.mov"]) == videos
        assert find_videos([tmp_path / "gone"]) == [tmp_path / "gone"]


def truncated(path):
    # Cameras write the index last.
    whole = make_video(path.with_name("whole.mp4"))
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def audio_only(path):
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(np.zeros(800, np.int16).tobytes())


def zero_frames(path):
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        film.start_encoding()


BAD = {
    "missing": (lambda path: None, "there is no file"),
    "directory without images": (lambda path: path.mkdir(), "holds no pictures"),
    "audio only": (audio_only, "holds sound but no pictures"),
    "truncated mp4": (truncated, "was cut off"),
    "empty": (lambda path: path.touch(), "is empty: it has 0 bytes"),
    "zero frames": (zero_frames, "holds no picture"),
    "text": (lambda path: path.write_text("hello\n" * 99), "cannot be read as a video"),
    "one frame": (lambda path: fakes.make_film(path, 1), "shows a single picture"),
    "no person": (lambda path: fakes.make_film(path, people=None), "nobody was found"),
    "16x16 px": (lambda path: fakes.make_film(path, people=None, size_hw=(16, 16)), "is 16x16 px: too small"),
}


class TestBadInput:
    @pytest.mark.parametrize("kind", BAD)
    def test_video(self, run, tmp_path, kind):
        make, words = BAD[kind]
        path = tmp_path / ("clip.wav" if kind == "audio only" else "clip.mp4")
        make(path)
        code, out, err = run(path, *BRIEF)
        assert (code, out) == (2, "")
        assert err.startswith("skelvid: ")
        assert err.count("\n") == 1
        assert words in err

    def test_corrupt_middle_is_survived_and_said(self, run, tmp_path):
        path = fakes.make_film(tmp_path / "clip.mp4", 60)
        content = bytearray(path.read_bytes())
        start = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2
        content[start : start + 300] = os.urandom(300)
        path.write_bytes(content)
        code, out, _ = run(path, *BRIEF)
        assert code == 0
        assert "damaged picture(s) left out" in out

    def test_cut_off_behind_its_index_is_survived_and_said(self, run, tmp_path):
        path = fakes.make_film(tmp_path / "clip.mp4", 60)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        code, out, _ = run(path, *BRIEF)
        assert code == 0
        assert "was it cut off?" in out

    @pytest.mark.slow
    def test_8k(self, run, tmp_path):
        path = fakes.make_film(tmp_path / "clip.mp4", 3, zoom=48)
        assert run(path, "--exports", "csv")[0] == 0

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (
                ["--set", "motion.cutof_hz=8"],
                "no setting is called 'motion.cutof_hz': did you mean 'motion.cutoff_hz'?",
            ),
            (["--config", "acurate"], "no settings at acurate: give the path of a YAML file, or one of accurate"),
            (["--focal", "wide"], "--focal takes pixels, such as 1500, or an angle of view, such as 60deg, got 'wide'"),
            (["--neutral", "1"], "--neutral start-end, such as 0.5-1.5, takes 2 number(s), got '1'"),
            (["--person-at", "left"], "--person-at x,y or x,y,seconds takes"),
            (["--person", "tallest"], "there is no choice of person 'tallest': use largest"),
            (["--height", "180"], "motion.height_m is in metres"),
            (["--keypoints", "mediapip"], "no keypoint source is called 'mediapip'"),
            (["--detector", "yolo"], "no detector is called 'yolo'"),
            (["--exports", "csv,xls"], "no exporter is called 'xls'"),
            (["--activity", "swim"], "no activity is called 'swim'"),
            (["--start", "5", "--end", "2"], "the start must lie before the end"),
            (["--start", "50"], "shows no picture from 50 s on"),
            (["--device", "tpu"], "device must be one of auto, cpu, cuda, mps, got 'tpu'"),
            (["--set", "motion.lifter=gone.safetensors"], "no weights at gone.safetensors"),
            (["--regressor", "gone.safetensors"], "no weights at gone.safetensors"),
        ],
    )
    def test_words(self, run, film, words, sentence):
        code, out, err = run(film, *BRIEF, *words)
        assert (code, out) == (2, "")
        assert err.startswith("skelvid: ")
        assert sentence in err
        assert err.count("\n") == 1


class TestInterrupt:
    @pytest.mark.parametrize("stage", ["finding", "starting"])
    def test_keeps_what_is_there_and_says_how_to_go_on(self, film, tmp_path, stage):
        command = [sys.executable, "-m", "tests.pipeline.fakes", "run", str(film), *BRIEF, "-v"]
        mark, folder = tmp_path / "mark", film.parent / "walk_skelvid"
        environment = {**os.environ, "COLUMNS": "200", "SKELVID_HOME": str(tmp_path / "home"), "FAKES_MARK": str(mark)}
        command += ["--keypoints", "mediapipe:0.15"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What was started in the background by a shell ignores Ctrl-C, and so do its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        patience_s = time.monotonic() + 100
        wanted = folder / "log.txt" if stage == "starting" else mark
        while time.monotonic() < patience_s and not (
            # More frames than wait until it is clear who is there.
            wanted.exists() and (stage == "starting" or int(wanted.read_text() or 0) > 12)
        ):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == cli_run.INTERRUPTED
        assert "Traceback" not in err
        assert f"stopped: what is finished stays in {folder}; the same command goes on from there." in err
        if stage == "finding":
            assert list(folder.glob(".cache/*/*/part_*.npz"))
            again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            assert again.returncode == 0, again.stderr
            assert re.search(r"going on after \d+ frames", again.stdout)

    # Ctrl-C may come while Python runs what it must not raise from (a weak reference dies); the run ends all the same.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.parametrize("runs", [3, pytest.param(20, marks=pytest.mark.slow)])
    def test_at_any_moment(self, run, film, tmp_path, runs):
        words = ("--exports", "csv,npz", "--no-report", "--set", "export.plots=false")
        start_s = time.monotonic()
        run(film, "--out", tmp_path / "whole", *words)
        took_s = time.monotonic() - start_s
        rng = np.random.default_rng(runs)
        codes, before = [], threading.active_count()
        for number in range(runs):
            folder = tmp_path / str(number)
            timer = threading.Timer(rng.uniform(0.0, took_s), os.kill, (os.getpid(), signal.SIGINT))
            try:
                timer.start()
                code, _, err = run(film, "--out", folder, *words)
            except KeyboardInterrupt:
                continue  # it came outside of the run
            finally:
                timer.cancel()
            codes.append(code)
            assert code in (0, cli_run.INTERRUPTED)
            assert ("goes on from there" in err) == (code != 0)
            assert "Traceback" not in err
            assert threading.active_count() <= before + 1  # the timer
            assert not list(folder.rglob("*.part"))
            assert run(film, "--out", folder, *words)[0] == 0
            for name in ("angles.csv", "motion.npz"):
                assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        assert cli_run.INTERRUPTED in codes

    def test_at_any_later_stage(self, run, film, monkeypatch):
        for place in ("estimate.interpret", "folder.exporter", "folder.write_overlay"):
            with monkeypatch.context() as patch:

                def stop(*_, **__):
                    raise KeyboardInterrupt

                patch.setattr(f"skelvid.pipeline.{place}", stop)
                code, _, err = run(film, "--exports", "csv", "--set", "export.plots=false")
            assert code == cli_run.INTERRUPTED
            assert "stopped: what is finished stays in" in err
