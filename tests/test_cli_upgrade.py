import pytest
from typer.testing import CliRunner

from skelvid.cli import app
from tests.upgrade import smpl_files
from tests.upgrade.smpl_files import make_models


@pytest.fixture
def world(tmp_path, toy_assets, monkeypatch):
    make_models(tmp_path, toy_assets)
    smpl_files.plain(tmp_path / "in" / "walk.npz", frames=20)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def skelvid(*words):
    return CliRunner().invoke(app, ["upgrade", *words])


SETTINGS = ("--models", ".", "--out", "out", "--body", "body.npz")


def test_inspect_says_what_is_there_without_models(world):
    said = skelvid("in", "--inspect")
    assert said.exit_code == 0
    assert "in-walk" in said.output
    assert "smpl neutral" in said.output
    assert not (world / "out").exists()


def test_upgrade_check_and_library(world):
    said = skelvid("in", *SETTINGS, "--npz", "clips", "--max-residual", "500", "--max-beyond-limits", "500")
    assert said.exit_code == 0, said.output
    assert "1 sequences, 20 frames; flagged: none" in said.output
    assert (world / "clips" / "index.json").is_file()
    assert skelvid("out", "--check").exit_code == 0
    shard = world / "out" / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:-1])
    said = skelvid("out", "--check")
    assert said.exit_code == 1
    assert "FAULT" in said.output


def test_exit_code_says_that_a_file_was_left_out(world):
    (world / "in" / "broken.npz").write_bytes(b"nothing")
    said = skelvid("in", *SETTINGS)
    assert said.exit_code == 1
    assert "broken.npz is damaged" in said.output
    assert (world / "out" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("in",), "--models and --out are needed"),
        (("nowhere", "--inspect"), "no SMPL motion at nowhere"),
        (("in", *SETTINGS, "--engine", "cluster"), "--engine must be local or ray"),
    ],
)
def test_slip_is_told(world, words, why):
    said = skelvid(*words)
    assert why in str(said.exception)
