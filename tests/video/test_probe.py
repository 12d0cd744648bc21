"""What files say of themselves."""

from fractions import Fraction

import pytest

from skelvid.video.probe import probe
from tests.factories import make_video

APPLE = "com.apple.quicktime"


def test_size_is_that_of_the_frames(tmp_path):
    path = make_video(tmp_path / "a.mp4", size_hw=(128, 96), turn_deg=90)
    info = probe(path)
    assert (info.size_hw, info.codec, info.unit_s) == ((128, 96), "h264", Fraction(1, 90_000))
    assert (info.frame_count, info.rate_hz) == (30, pytest.approx(30.0))
    assert info.duration_s == pytest.approx(1.0)
    assert probe(path, max_side_px=64).size_hw == (64, 48)


def test_edited_away_pictures_do_not_count(tmp_path):
    info = probe(make_video(tmp_path / "a.mp4", times_s=[n / 30 for n in range(-10, 20)]))
    assert info.frame_count == 20
    assert info.duration_s == pytest.approx(20 / 30, abs=1e-3)


def test_what_the_camera_wrote(tmp_path):
    metadata = {
        f"{APPLE}.camera.focal_length.35mm_equivalent": "26",
        f"{APPLE}.creationdate": "2024-05-06T07:08:09+0200",
        f"{APPLE}.model": "iPhone 14",
    }
    info = probe(make_video(tmp_path / "a.mov", metadata=metadata, file_options={"movflags": "use_metadata_tags"}))
    assert (info.focal_35mm, info.created, info.device) == (26.0, "2024-05-06T07:08:09+0200", "iPhone 14")
    assert info.slow_motion == 1.0


@pytest.mark.parametrize(("said", "factor"), [("30.1", 1.0), ("120", 4.0), ("nonsense", 1.0), ("-1", 1.0), ("10", 1.0)])
def test_slow_motion(tmp_path, said, factor):
    path = make_video(
        tmp_path / "a.mp4",
        metadata={"com.android.capture.fps": said},
        file_options={"movflags": "use_metadata_tags"},
    )
    assert probe(path).slow_motion == pytest.approx(factor)


@pytest.mark.parametrize("suffix", ["mkv", "ts", "avi", "h264"])
def test_containers_without_a_full_index(tmp_path, suffix):
    unit_s = Fraction(1, 30) if suffix == "avi" else Fraction(1, 90_000)
    info = probe(make_video(tmp_path / f"a.{suffix}", times_s=[n / 30 for n in range(150)], unit_s=unit_s))
    if suffix == "h264":  # it has neither clock nor length
        assert (info.rate_hz, info.duration_s, info.frame_count, info.unit_s) == (25.0, None, None, None)
    else:
        assert info.rate_hz == pytest.approx(30.0, rel=0.02)
        assert info.frame_count == pytest.approx(150, abs=4)
        assert info.duration_s == pytest.approx(5.0, rel=0.02)
