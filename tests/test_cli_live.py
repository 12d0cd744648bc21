import sys

import pytest

from skelvid import cli
from tests.pipeline import fakes

OFF = ("plots", "overlay", "report")
BRIEF = ("--set", "export.files=[csv]", *(word for name in OFF for word in ("--set", f"export.{name}=false")))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line with quick stand-ins for networks: (exit code, stdout, stderr)."""
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["skelvid", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capsys.readouterr()

    return call


def test_file_in_place_of_a_camera_until_it_ends(run, tmp_path):
    film = fakes.make_film(tmp_path / "walk.mp4", 40)
    code, out, err = run("webcam", film, "--no-window", "--record", tmp_path / "rec", *BRIEF)
    assert (code, err) == (0, "")
    assert "the camera stopped: it gives no more pictures" in out
    assert f"results are in {tmp_path / 'rec'}" in out
    assert (tmp_path / "rec" / "angles.csv").is_file()
    assert (tmp_path / "rec" / "video.mp4").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("99",), "the camera /dev/video99 cannot be opened"),
        (("rtsp://127.0.0.1:1/x",), "the camera rtsp://127.0.0.1:1/x cannot be opened"),
        (("0", "--size", "large"), "--size takes width x height"),
        (("FILM", "--set", "people.person=all"), "one person is followed"),
    ],
)
def test_slips_are_one_sentence(run, tmp_path, words, said):
    film = fakes.make_film(tmp_path / "walk.mp4", 4)
    code, _, err = run("webcam", *(str(film) if word == "FILM" else word for word in words), "--no-window")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_no_screen_is_one_sentence(run, tmp_path):
    film = fakes.make_film(tmp_path / "walk.mp4", 4)
    code, _, err = run("webcam", film)
    assert code == 2
    assert "window" in err
    assert "skelvid app" in err


def test_port_that_is_taken_is_one_sentence(run):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("app", "--no-browser", "--port", taken.getsockname()[1])
    assert code == 2
    assert "name another by --port" in err
