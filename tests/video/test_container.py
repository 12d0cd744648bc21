"""What is no video ends in one clear sentence."""

import os
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.error import PermissionError as Refused

from skelvid.errors import VideoError
from skelvid.video import container
from skelvid.video.source import open_video
from tests.factories import make_video


def make_sound(path: Path, codec: Literal["pcm_s16le", "aac"]) -> Path:
    samples = np.zeros((1, 8000), np.int16) if codec == "pcm_s16le" else np.zeros((1, 8000), np.float32)
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=8000)
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(samples, format="s16" if codec == "pcm_s16le" else "fltp", layout="mono")
        frame.rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def assert_one_sentence(path, words: str):
    with pytest.raises(VideoError, match=words) as caught:
        open_video(path, rate_hz=30.0)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    assert_one_sentence(tmp_path / "none.mp4", "there is no file")


def test_empty_file(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert_one_sentence(tmp_path / "a.mp4", "is empty: it has 0 bytes")


def test_special_file():
    with pytest.raises(VideoError, match="is not a file"):
        open_video(Path(os.devnull))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.bin"])
def test_noise(tmp_path, name, rng):
    (tmp_path / name).write_bytes(rng.bytes(50_000))
    assert_one_sentence(tmp_path / name, "cannot be read as a video")


@pytest.mark.parametrize("name", ["a.mp4", "a.txt", "a.csv", "a.lrc", "a.srt", "a.html"])
def test_text(tmp_path, name):
    (tmp_path / name).write_text("1\n00:00:00,000 --> 00:00:01,000\nhello world\n\n" * 30)
    assert_one_sentence(tmp_path / name, "cannot be read as a video")


def test_playlist_does_not_reach_the_network(tmp_path):
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n")
    assert_one_sentence(tmp_path / "a.m3u8", "cannot be read as a video")


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac")])
def test_sound_only(tmp_path, name, codec):
    assert_one_sentence(make_sound(tmp_path / name, codec), "holds sound but no pictures")


def test_cut_off_before_the_index(tmp_path):
    path = make_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert_one_sentence(path, "was cut off")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_no_picture_at_all(tmp_path, name):
    path = make_video(tmp_path / name, times_s=[])
    assert_one_sentence(path, "no pictures|no picture that can be decoded|cannot be read as a video")


def test_no_permission(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read anything, so let FFmpeg say what it says to others

        def refuse(*_args: object, **_options: object):
            raise Refused(13, "Permission denied")

        monkeypatch.setattr(container.av, "open", refuse)
    assert_one_sentence(path, "no permission to read")


@pytest.mark.parametrize("name", ["take 1:30.mp4", "größe.mp4", "-x.mp4", "50%d.mp4"])
def test_strange_names_are_names(tmp_path, name):
    assert len(list(open_video(make_video(tmp_path / name)))) == 30


def test_text_in_a_foreign_encoding_does_no_harm(tmp_path):
    path = make_video(tmp_path / "a.mp4", metadata={"title": "Kniebeuge ÄÖÜ"})
    path.write_bytes(path.read_bytes().replace("ÄÖÜ".encode(), b"\xc4\xd6\xdc\xc4\xd6\xdc"))
    assert len(list(open_video(path))) == 30
