import subprocess
import sys
from dataclasses import replace

import pytest

from skelvid import __version__, cli, weights
from skelvid.body.assets import save_assets
from skelvid.body.official import load_official, write_official
from skelvid.findings import Finding


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["skelvid", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def toy_npz(tmp_path, toy_assets):
    path = tmp_path / "toy.npz"
    save_assets(toy_assets, path)
    return path


def test_version(run):
    assert run("--version") == (0, f"skelvid {__version__}\n", "")


@pytest.mark.parametrize("words", [["models", "check", "femle"], ["models", "add", "nothing.pkl"]])
def test_slip_is_one_sentence_and_code_2(words):
    result = subprocess.run([sys.executable, "-m", "skelvid", *words], capture_output=True, text=True)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("skelvid: no ")
    assert result.stderr.count("\n") == 1


def test_unknown_command_is_code_2(run):
    assert run("sing")[0] == 2


class TestList:
    def test_says_what_is_there_and_where_to_get_the_rest(self, run):
        code, out, _ = run("models", "list")
        assert code == 0
        for sex in weights.SEXES:
            (line,) = (line for line in out.splitlines() if f"open-{sex}" in line)
            assert "ready" in line
        assert "get skel_male.pkl at https://skel.is.tue.mpg.de" in out

    def test_shows_what_the_user_added(self, run, toy_npz):
        run("models", "add", toy_npz, "--name", "tiny")
        assert "tiny" in run("models", "list")[1]


class TestAdd:
    def test_official_file(self, run, tmp_path, toy_assets, skelvid_home):
        path = tmp_path / "skel_female.pkl"
        write_official(replace(toy_assets, sex="female"), path)
        code, out, _ = run("models", "add", path)
        assert code == 0
        assert str(skelvid_home / "skel_female.pkl") in out
        assert weights.body_path("female") == skelvid_home / "skel_female.pkl"

    def test_unsound_file_is_not_added(self, run, tmp_path, skelvid_home):
        path = tmp_path / "skel_female.pkl"
        path.write_bytes(b"nonsense")
        code, _, err = run("models", "add", path)
        assert code == 2
        assert "not a readable pickle" in err
        assert not skelvid_home.exists()


class TestCheck:
    def test_sound_body(self, run, toy_npz):
        code, out, _ = run("models", "check", toy_npz)
        assert code == 0
        assert "q = 0 gives the template" in out
        assert "FAULT" not in out

    def test_unsound_body_is_code_1(self, run, tmp_path, toy_assets):
        far = replace(toy_assets, per_joint_rot=2 * toy_assets.per_joint_rot)
        save_assets(far, tmp_path / "far.npz")
        code, out, _ = run("models", "check", tmp_path / "far.npz")
        assert code == 1
        assert "FAULT" in out

    def test_all_installed(self, run, toy_npz):
        run("models", "add", toy_npz, "--name", "tiny")
        code, out, _ = run("models", "check")
        assert code == 0
        for name in ("open-female", "open-male", "open-neutral", "tiny"):
            assert name in out


class TestExport:
    def test_into_a_new_folder(self, run, tmp_path):
        code, out, _ = run("models", "export-skel", "male", tmp_path / "new")
        assert code == 0
        assert str(tmp_path / "new" / "skel_male.pkl") in out
        assert load_official(tmp_path / "new" / "skel_male.pkl").sex == "male"

    def test_where_nothing_can_be_written(self, run, toy_npz):
        code, _, err = run("models", "export-skel", toy_npz, toy_npz / "out.pkl")
        assert code == 2
        assert "cannot write" in err

    def test_any_body_to_any_file(self, run, toy_npz, tmp_path):
        assert run("models", "export-skel", toy_npz, tmp_path / "out.pkl")[0] == 0
        assert len(load_official(tmp_path / "out.pkl").skin_template_m) == 96


class TestDoctor:
    def test_this_machine_is_well(self, run):
        code, out, _ = run("doctor")
        assert code == 0, out
        for what in ("python", "torchvision", "cores", "open-neutral", "user folder", "extra 'train'"):
            assert what in out

    def test_fault_is_code_1(self, run, monkeypatch):
        monkeypatch.setattr("skelvid.doctor.examine", lambda: [Finding("torch", "[gone]", False)])
        code, out, _ = run("doctor")
        assert code == 1
        assert "[gone]" in out
