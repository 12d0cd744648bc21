"""Videos of a scene that tells its time are read at the right times, upright, in the right colours."""

import logging
from fractions import Fraction

import numpy as np
import pytest

from skelvid.datatypes.frames import Frame
from skelvid.errors import VideoError
from skelvid.video.reader import VideoFile
from skelvid.video.span import Span
from tests.factories import BLUE, GREEN, GREY, draw_scene, make_video, read_time_s

# Compression moves the centre of the red square by a few hundredths of a second; pictures lie 1/30 s apart.
SEEN_S = 0.015


def times(frames: list[Frame]) -> np.ndarray:
    return np.array([frame.time_s for frame in frames])


def assert_tells_its_times(frames: list[Frame], times_s, *, offset_s: float = 0.0):
    assert len(frames) == len(times_s)
    np.testing.assert_allclose(times(frames), times_s, atol=1e-9)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    for frame in frames:
        assert abs(read_time_s(frame.image) - frame.time_s - offset_s) < SEEN_S


def assert_upright(image: np.ndarray, tolerance: int = 6):
    corners = image[3, 3], image[-4, -4], image[3, -4], image[-4, 3]
    for corner, colour in zip(corners, (GREEN, BLUE, GREY, GREY), strict=True):
        np.testing.assert_allclose(corner.astype(int), colour, atol=tolerance)


STEADY = [number / 30 for number in range(30)]
IRREGULAR = np.cumsum([0, 0.03, 0.05, 0.03, 0.2, 0.01, 0.04, 0.04, 0.3, 0.03, 0.03]).tolist()
SLOW_MOTION = [number / 240 for number in range(120)]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "ts"])
@pytest.mark.parametrize("times_s", [STEADY, IRREGULAR, SLOW_MOTION], ids=["30 Hz", "irregular", "240 Hz"])
def test_times_are_those_of_the_container(tmp_path, suffix, times_s):
    path = make_video(tmp_path / f"a.{suffix}", times_s=times_s, b_frames=2)
    source = VideoFile(path)
    assert_tells_its_times(list(source), times_s)
    assert source.report.sentences() == []
    # The index holds decoding times, which begin and end a little elsewhere.
    assert source.info.rate_hz == pytest.approx((len(times_s) - 1) / times_s[-1], rel=0.05)
    # MPEG-TS does not say how many there are; probing extrapolates from the first hundred.
    assert source.expected_frames == pytest.approx(len(times_s), abs=0 if suffix != "ts" else 5)


def test_matroska_rounds_times_to_its_milliseconds(tmp_path):
    frames = list(VideoFile(make_video(tmp_path / "a.mkv")))
    np.testing.assert_allclose(times(frames), STEADY, atol=5.01e-4)


def test_edit_list_cuts_what_lies_before_0(tmp_path):
    path = make_video(tmp_path / "a.mp4", times_s=[number / 30 for number in range(-10, 20)])
    frames = list(VideoFile(path))
    np.testing.assert_allclose(times(frames), np.arange(20) / 30, atol=1e-9)
    for frame in frames[5:]:
        assert abs(read_time_s(frame.image) - frame.time_s) < SEEN_S


def test_late_start_is_kept(tmp_path):
    times_s = [0.5 + number / 30 for number in range(10)]
    assert_tells_its_times(list(VideoFile(make_video(tmp_path / "a.mp4", times_s=times_s))), times_s)


def test_avi_with_b_frames_runs_forward(tmp_path):
    """AVI stores decoding times only; FFmpeg's guess at showing times runs 20, 60, 80, 40."""
    frames = list(VideoFile(make_video(tmp_path / "a.avi", unit_s=Fraction(1, 30))))
    assert len(frames) >= 29
    assert (np.diff(times(frames)) > 0).all()
    offset_s = times(frames)[5] - read_time_s(frames[5].image)
    for frame in frames[2:]:
        assert abs(frame.time_s - read_time_s(frame.image) - offset_s) < SEEN_S


def test_raw_stream_without_times_says_so(tmp_path, caplog):
    frames = list(VideoFile(make_video(tmp_path / "a.h264")))
    assert len(frames) == 30
    np.testing.assert_allclose(np.diff(times(frames)), 1 / 25, atol=1e-6)
    assert "stores no times: taking 25 pictures per second" in caplog.text


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_display_matrix_is_honoured(tmp_path, turn_deg, mirrored):
    path = make_video(tmp_path / "a.mp4", turn_deg=turn_deg, mirrored=mirrored)
    source = VideoFile(path)
    frames = list(source)
    assert source.info.size_hw == frames[0].size_hw == (96, 128)
    assert_upright(frames[0].image)
    assert_tells_its_times(frames, STEADY)


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix", "options"),
    [
        ("libx264", "yuv420p10le", "mp4", {}),
        ("libx265", "yuv420p10le", "mp4", {"x265-params": "log-level=none"}),
        ("libx264", "yuv422p", "mp4", {}),
        ("libx264", "yuv444p", "mov", {}),
        ("prores_ks", "yuv422p10le", "mov", {}),
        ("mjpeg", "yuvj420p", "mov", {}),
        ("libvpx-vp9", "yuv420p", "webm", {}),
        ("png", "rgb24", "mov", {}),
        ("png", "gray16be", "mov", {}),
    ],
)
@pytest.mark.parametrize("turn_deg", [0, 90])
def test_any_codec_and_pixel_format(tmp_path, codec, pixels, suffix, options, turn_deg):
    from av import codecs_available

    if codec not in codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    path = make_video(
        tmp_path / f"a.{suffix}", codec=codec, pixels=pixels, options=options, b_frames=0, turn_deg=turn_deg
    )
    frames = list(VideoFile(path))
    assert len(frames) == 30
    # WebM cannot hold a display matrix: the stored picture is what is shown.
    if pixels.startswith("gray"):
        assert (np.ptp(frames[0].image.astype(int), -1) <= 1).all()
    elif frames[0].size_hw == (96, 128):
        assert_upright(frames[0].image, tolerance=10)
    else:
        assert suffix == "webm"


@pytest.mark.parametrize("turn_deg", [0, 90])
def test_odd_sizes_keep_their_last_row_and_column(tmp_path, turn_deg):
    path = make_video(
        tmp_path / "a.mp4", size_hw=(97, 131), codec="libvpx-vp9", b_frames=0, turn_deg=turn_deg, times_s=STEADY[:3]
    )
    image = next(iter(VideoFile(path))).image
    assert image.shape == (97, 131, 3)
    np.testing.assert_allclose(image[-1, -9:].astype(int), [BLUE] * 9, atol=12)
    np.testing.assert_allclose(image[-9:, -1].astype(int), [BLUE] * 9, atol=12)
    np.testing.assert_allclose(image[0, -1].astype(int), GREY, atol=12)


def test_pixels_that_are_not_square_become_square(tmp_path):
    frames = list(VideoFile(make_video(tmp_path / "a.mp4", pixel_aspect=Fraction(4, 3))))
    assert frames[0].size_hw == (96, 171)
    assert_tells_its_times(frames, STEADY)


@pytest.mark.parametrize(("colorspace", "height"), [("bt709", 96), ("bt2020nc", 96)])
def test_colours_follow_the_matrix_of_the_file(tmp_path, colorspace, height):
    path = make_video(tmp_path / "a.mp4", options={"colorspace": colorspace}, times_s=[0.0])
    plain = make_video(tmp_path / "b.mp4", times_s=[0.0])
    image, usual = (next(iter(VideoFile(p))).image.astype(int) for p in (path, plain))
    # The same luma and chroma read by another matrix give another green.
    assert np.abs(image[3, 3] - usual[3, 3]).max() > 5


def test_interlaced_pictures_come_out_once_each(tmp_path):
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    frames = list(VideoFile(make_video(tmp_path / "a.mp4", options=options)))
    assert_tells_its_times(frames, STEADY)


def test_huge_pictures_can_be_made_smaller(tmp_path):
    path = make_video(tmp_path / "a.mp4", size_hw=(360, 640), times_s=STEADY[:4], turn_deg=90)
    source = VideoFile(path, max_side_px=128)
    frames = list(source)
    assert source.info.size_hw == frames[0].size_hw == (72, 128)
    assert_upright(frames[0].image)
    assert VideoFile(path, max_side_px=5000).info.size_hw == (360, 640)


@pytest.mark.slow
def test_8k_is_read(tmp_path):
    options = {"preset": "ultrafast"}
    path = make_video(tmp_path / "a.mp4", size_hw=(4320, 7680), times_s=[0.0, 0.5], options=options, b_frames=0)
    assert [frame.size_hw for frame in VideoFile(path)] == [(4320, 7680)] * 2
    assert [frame.size_hw for frame in VideoFile(path, max_side_px=1920)] == [(1080, 1920)] * 2


@pytest.mark.parametrize("size_hw", [(16, 16), (2, 2)])
def test_tiny_pictures_are_read(tmp_path, size_hw):
    frames = list(VideoFile(make_video(tmp_path / "a.mp4", size_hw=size_hw)))
    assert [frame.size_hw for frame in frames] == [size_hw] * 30


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_one_picture_is_enough(tmp_path, suffix):
    source = VideoFile(make_video(tmp_path / f"a.{suffix}", times_s=[0.0]))
    assert [frame.time_s for frame in source] == [0.0]
    assert source.expected_frames == 1


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("keyframe_every", [7, 1000])
def test_span_gives_what_reading_it_all_gives(tmp_path, suffix, keyframe_every):
    unit_s = Fraction(1, 30) if suffix == "avi" else Fraction(1, 90_000)
    path = make_video(
        tmp_path / f"a.{suffix}",
        times_s=[number / 30 for number in range(60)],
        keyframe_every=keyframe_every,
        unit_s=unit_s,
    )
    whole = list(VideoFile(path))
    for start_s, end_s in [(0.5, 1.0), (whole[20].time_s, whole[30].time_s), (1.234, 99.0), (-1.0, 0.2)]:
        span = Span(start_s, end_s)
        part = list(VideoFile(path, span=span))
        expected = [frame for frame in whole if frame.time_s in span]
        assert times(part).tolist() == times(expected).tolist()
        for ours, theirs in zip(part, expected, strict=True):
            np.testing.assert_array_equal(ours.image, theirs.image)
        assert part[0].index == 0


def test_open_gop_is_entered_before_the_span(tmp_path):
    """Pictures just before a keyframe in time, but after it in the file, lean on what came before it."""
    options = {"x264-params": "open-gop=1"}
    path = make_video(tmp_path / "a.mp4", times_s=[n / 30 for n in range(60)], keyframe_every=20, options=options)
    part = list(VideoFile(path, span=Span(19 / 30, 1.0)))
    assert_tells_its_times(part, [n / 30 for n in range(19, 30)])


def test_span_after_the_end_is_said(tmp_path):
    source = VideoFile(make_video(tmp_path / "a.mp4"), span=Span(5.0))
    assert source.expected_frames == 0
    with pytest.raises(VideoError, match=r"a\.mp4 shows no picture from 5 s on"):
        list(source)


def test_source_can_be_read_again(tmp_path):
    source = VideoFile(make_video(tmp_path / "a.mp4"))
    next(iter(source))
    assert times(list(source)).tolist() == times(list(source)).tolist()


def test_frames_are_not_overwritten_by_later_ones(tmp_path):
    frames = list(VideoFile(make_video(tmp_path / "a.mp4", turn_deg=90)))
    assert len({frame.image.tobytes() for frame in frames}) == 30


def test_slow_motion_is_told_and_undone_on_request(tmp_path, caplog):
    """Android writes 240 pictures per second as 30, and says so in the metadata."""
    path = make_video(
        tmp_path / "a.mp4",
        metadata={"com.android.capture.fps": "240.000000"},
        file_options={"movflags": "use_metadata_tags"},
    )
    source = VideoFile(path)
    assert source.info.slow_motion == pytest.approx(8.0)
    assert "was recorded 8 times faster than it plays" in caplog.text
    assert list(source)[-1].time_s == pytest.approx(29 / 30)
    caplog.clear()
    assert list(VideoFile(path, slow_motion=8.0))[-1].time_s == pytest.approx(29 / 240)
    assert not caplog.text


class TestDamage:
    @staticmethod
    def damaged(tmp_path, packets: range):
        import av

        path = make_video(tmp_path / "a.mp4", times_s=[n / 30 for n in range(60)], size_hw=(240, 320))
        data = bytearray(path.read_bytes())
        with av.open(path) as container:
            places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
        for number in packets:
            start, size = places[number]
            assert start is not None
            data[start + 8 : start + size] = bytes(255 - b for b in data[start + 8 : start + size])
        path.write_bytes(data)
        return path

    @pytest.mark.parametrize("packets", [range(25, 28), range(30, 31), range(1)], ids=["middle", "keyframe", "first"])
    def test_leaves_a_gap_and_is_counted(self, tmp_path, caplog, packets):
        source = VideoFile(self.damaged(tmp_path, packets))
        frames = list(source)
        assert len(source.report.damaged_s) >= len(packets)
        assert "damaged picture(s) left out" in caplog.text
        assert 45 <= len(frames) <= 60 - len(packets)
        assert frames[-1].time_s == pytest.approx(59 / 30)
        for frame in frames:
            assert abs(read_time_s(frame.image) - frame.time_s) < 4 / 30

    def test_is_not_counted_where_it_is_not_asked_for(self, tmp_path):
        path = self.damaged(tmp_path, range(3, 5))
        source = VideoFile(path, span=Span(1.0))
        assert len(list(source)) == 30
        assert source.report.damaged_s == []

    @pytest.mark.parametrize("suffix", ["mp4", "mkv"])
    def test_cut_off_after_the_index_is_told(self, tmp_path, caplog, suffix):
        options = {"movflags": "+faststart"} if suffix == "mp4" else {}
        times_s = [n / 30 for n in range(60)]
        path = make_video(tmp_path / f"a.{suffix}", times_s=times_s, size_hw=(240, 320), file_options=options)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        caplog.set_level(logging.WARNING)
        source = VideoFile(path)
        frames = list(source)
        assert 5 < len(frames) < 50
        assert 0.5 < source.report.missing_s < 2.0
        assert "was it cut off?" in caplog.text

    def test_of_everything_is_an_error(self, tmp_path):
        with pytest.raises(VideoError, match="holds no picture that can be decoded"):
            VideoFile(self.damaged(tmp_path, range(60)))


def test_scene_tells_its_time():
    for time_s in np.linspace(0, 2, 21):
        assert read_time_s(draw_scene(time_s)) == pytest.approx(time_s, abs=0.003)
