"""Programs of training end with one sentence where a user can mend it, and with a traceback where only we can."""

import sys

import pytest

from skelvid.errors import ConfigError
from train.command import run
from train.synth import write


def failing(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ConfigError("no such folder: x"), 2, "no such folder: x"),
        (FileNotFoundError(2, "No such file or directory", "a.hdr"), 2, "No such file or directory: a.hdr"),
        (OSError("disk full"), 2, "disk full"),
        (ModuleNotFoundError("No module named 'anny'", name="anny"), 2, "anny is not installed; pip install"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_one_sentence_and_a_code(error, code, said, capsys):
    with pytest.raises(SystemExit) as ended:
        run(failing(error))
    assert ended.value.code == code
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_our_own_faults_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_what_succeeds_just_ends():
    assert run(lambda: 7) is None


def test_program_without_its_folders_says_so(monkeypatch, capsys, tmp_path):
    nowhere = [f"--{name}={tmp_path / 'nowhere'}" for name in ("motions", "panoramas", "photos", "tiles")]
    monkeypatch.setattr(sys, "argv", ["write", str(tmp_path / "out"), *nowhere])
    with pytest.raises(SystemExit, match="2"):
        run(write.main)
    assert "no such folder" in capsys.readouterr().err
