"""Folders of pictures come in natural order, upright, at the rate that was said."""

import numpy as np
import pytest
from PIL import Image

from skelvid.errors import ConfigError, VideoError
from skelvid.video.source import open_video
from skelvid.video.span import Span
from tests.factories import draw_scene, read_time_s


@pytest.fixture
def folder(tmp_path):
    for number in range(12):
        Image.fromarray(draw_scene(number / 10)).save(tmp_path / f"frame{number}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not a picture")
    return tmp_path


def test_natural_order_and_times(folder):
    source = open_video(folder, rate_hz=10.0)
    frames = list(source)
    assert source.expected_frames == source.info.frame_count == len(frames) == 12
    assert source.info.duration_s == pytest.approx(1.2)
    assert [frame.index for frame in frames] == list(range(12))
    for number, frame in enumerate(frames):
        assert frame.time_s == pytest.approx(number / 10)
        assert read_time_s(frame.image) == pytest.approx(number / 10, abs=0.003)


def test_span(folder):
    source = open_video(folder, rate_hz=10.0, span=Span(0.3, 0.6))
    assert [frame.time_s for frame in source] == pytest.approx([0.3, 0.4, 0.5])
    assert source.expected_frames == 3
    with pytest.raises(VideoError, match="shows no picture from 9 s on"):
        list(open_video(folder, rate_hz=10.0, span=Span(9.0)))


def test_rate_is_asked_for_and_must_be_positive(folder):
    with pytest.raises(ConfigError, match="how many were taken per second"):
        open_video(folder)
    with pytest.raises(ConfigError, match="must be positive, got 0"):
        open_video(folder, rate_hz=0.0)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_exif_orientation(tmp_path, orientation, turns):
    """6 means: turn the stored picture a quarter clockwise to see it upright."""
    exif = Image.Exif()
    exif[274] = orientation
    scene = draw_scene(0.4, (97, 128))
    Image.fromarray(np.rot90(scene, turns)).save(tmp_path / "a.png", exif=exif)
    (frame,) = open_video(tmp_path / "a.png")
    np.testing.assert_array_equal(frame.image, scene)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1"])
def test_any_kind_of_picture_becomes_rgb(tmp_path, mode):
    grey = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else Image.fromarray(grey).convert(mode)
    picture.save(tmp_path / "a.tif")
    (frame,) = open_video(tmp_path / "a.tif")
    assert frame.image.shape == (48, 64, 3)
    tolerance = 255 if mode == "1" else 8
    np.testing.assert_allclose(frame.image[..., 1].astype(int), grey, atol=tolerance)
    assert frame.image[0, 0, 0] < 10 < 245 < frame.image[0, -1, 0]


def test_made_smaller(folder):
    source = open_video(folder, rate_hz=10.0, max_side_px=64)
    assert source.info.size_hw == next(iter(source)).size_hw == (48, 64)


def test_metadata_of_the_camera(tmp_path):
    exif = Image.Exif()
    exif[272], exif[306] = "Phone 1", "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[41989] = 26
    Image.fromarray(draw_scene(0.0)).save(tmp_path / "a.jpg", exif=exif)
    info = open_video(tmp_path / "a.jpg").info
    assert (info.focal_35mm, info.device, info.created) == (26.0, "Phone 1", "2024:05:06 07:08:09")


def test_damaged_picture_is_a_gap(folder, caplog):
    broken = folder / "frame4.png"
    broken.write_bytes(broken.read_bytes()[:60])
    source = open_video(folder, rate_hz=10.0)
    frames = list(source)
    assert [round(frame.time_s * 10) for frame in frames] == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    assert len(source.report.damaged_s) == 1
    assert "frame4.png cannot be read as a picture" in caplog.text


def test_sizes_must_agree(folder):
    Image.fromarray(draw_scene(0.0, (50, 60))).save(folder / "frame7.png")
    with pytest.raises(VideoError, match=r"frame7\.png is 60x50 px, but frame0\.png is 128x96 px"):
        list(open_video(folder, rate_hz=10.0))


def test_folder_without_pictures(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(VideoError, match="holds no pictures"):
        open_video(tmp_path, rate_hz=30.0)


def test_not_a_picture(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(VideoError, match=r"a\.png is not a picture"):
        open_video(tmp_path / "a.png")
