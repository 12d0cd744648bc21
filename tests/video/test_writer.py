"""What is written plays in browsers, at the times of the source; what is not finished leaves nothing behind."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from skelvid.errors import VideoError
from skelvid.video import writer
from skelvid.video.reader import VideoFile
from skelvid.video.writer import VideoWriter
from tests.factories import BLUE, GREEN, draw_scene, read_time_s
from tests.video.test_reader import IRREGULAR, SLOW_MOTION, STEADY


def break_off(path: Path, error: type[BaseException]):
    with VideoWriter(path) as video:
        video.write(draw_scene(0.0), 0.0)
        raise error


def write_noise(path: Path, sizes_hw: list[tuple[int, int]], rng: np.random.Generator):
    with VideoWriter(path) as video:
        for number, (height, width) in enumerate(sizes_hw):
            video.write(rng.integers(0, 255, (height, width, 3), np.uint8), number / 30)


def write(path: Path, times_s, size_hw=(96, 128), **options) -> Path:
    with VideoWriter(path, **options) as video:
        for time_s in times_s:
            video.write(draw_scene(time_s, size_hw), time_s)
    return path


@pytest.mark.parametrize("times_s", [STEADY, IRREGULAR, SLOW_MOTION], ids=["30 Hz", "irregular", "240 Hz"])
def test_times_and_pictures_come_back(tmp_path, times_s):
    frames = list(VideoFile(write(tmp_path / "a.mp4", times_s)))
    np.testing.assert_allclose([frame.time_s for frame in frames], times_s, atol=1e-9)
    for frame in frames:
        assert abs(read_time_s(frame.image) - frame.time_s) < 0.015
    np.testing.assert_allclose(frames[0].image[3, 3].astype(int), GREEN, atol=6)
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_times_of_the_source_are_kept_to_the_digit(tmp_path):
    unit_s = Fraction(1, 15_360)
    times_s = [float(stamp * unit_s) for stamp in (0, 511, 1025, 1536, 5000)]
    frames = list(VideoFile(write(tmp_path / "a.mp4", times_s, unit_s=unit_s)))
    assert [frame.time_s for frame in frames] == times_s


def test_a_part_begins_at_0(tmp_path):
    frames = list(VideoFile(write(tmp_path / "a.mp4", [1.0, 1.5, 1.75])))
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 0.75]


def test_what_browsers_need(tmp_path):
    path = write(tmp_path / "a.mp4", STEADY, (97, 131))
    data = path.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (1, 1)
        assert (stream.height, stream.width) == (98, 132)
        assert stream.start_time == 0
    image = next(iter(VideoFile(path))).image
    np.testing.assert_allclose(image[-1, -1].astype(int), BLUE, atol=12)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_when_it_breaks_off(tmp_path, error):
    with pytest.raises(error):
        break_off(tmp_path / "a.mp4", error)
    assert os.listdir(tmp_path) == []


def test_a_finished_file_survives_a_later_failure(tmp_path):
    path = write(tmp_path / "a.mp4", STEADY)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        break_off(path, KeyboardInterrupt)
    assert path.read_bytes() == before


def test_no_picture_is_an_error(tmp_path):
    with pytest.raises(VideoError, match="there was no picture to write"), VideoWriter(tmp_path / "a.mp4"):
        pass
    assert os.listdir(tmp_path) == []


def test_misuse(tmp_path, rng):
    with pytest.raises(ValueError, match="times must rise"):
        write(tmp_path / "a.mp4", [0.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="size of the first"):
        write_noise(tmp_path / "a.mp4", [(96, 128), (50, 60)], rng)


def test_missing_folder(tmp_path):
    with pytest.raises(VideoError, match="cannot be written: No such file or directory"):
        VideoWriter(tmp_path / "none" / "a.mp4")


def test_missing_codec(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_CODEC", "libnone264")
    with pytest.raises(VideoError, match="has no libnone264"):
        VideoWriter(tmp_path / "a.mp4")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk(tmp_path, rng):
    (tmp_path / "a.mp4.part").symlink_to("/dev/full")
    with pytest.raises(VideoError, match="cannot be written: No space left"):
        write_noise(tmp_path / "a.mp4", [(96, 128)] * 100, rng)
    assert os.listdir(tmp_path) == []
