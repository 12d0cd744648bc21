"""A camera gives its newest picture; here FFmpeg's test pattern in real time, or a file, stands in for it."""

import math
import time

import pytest

from skelvid.errors import VideoError
from skelvid.video import webcam
from skelvid.video.webcam import Webcam, camera_address
from tests.factories import make_video

PATTERN = "testsrc=size=64x48:rate=50,realtime"


def test_slow_user_gets_new_pictures_and_no_lag():
    with Webcam(PATTERN, kind="lavfi") as camera:
        frames = []
        for frame in camera:
            frames.append(frame)
            if len(frames) == 6:
                break
            time.sleep(0.15)
    assert frames[0].size_hw == (48, 64)
    # Five times 0.15 s are 37 pictures; all but five were dropped, not queued. A busy machine may shift them.
    assert frames[-1].index - frames[0].index >= 25
    for frame in frames:
        assert frame.time_s == pytest.approx(frame.index / 50, abs=1e-3)


def test_fast_user_gets_each_picture_once():
    with Webcam(PATTERN, kind="lavfi") as camera:
        indices = [frame.index for frame, _ in zip(camera, range(10), strict=False)]
    assert indices == sorted(set(indices))


def test_camera_that_ends_ends_the_loop(tmp_path):
    with Webcam(str(make_video(tmp_path / "a.mp4")), kind=None) as camera:
        frames = list(camera)
    assert 1 <= len(frames) <= 30
    assert frames[-1].index == 29


def test_two_cameras_and_many_reopenings_do_not_disturb_each_other():
    for _ in range(3):
        with Webcam(PATTERN, kind="lavfi") as one, Webcam(PATTERN, kind="lavfi") as other:
            assert next(iter(one)).index >= 0
            assert next(iter(other)).index >= 0


@pytest.mark.parametrize(("device", "kind"), [("/dev/video99", "v4l2"), ("nonsense", "lavfi"), ("x", "no-such-kind")])
def test_camera_that_is_not_there(device, kind):
    with pytest.raises(VideoError, match=f"the camera {device} cannot be opened"):
        Webcam(device, kind=kind)


def test_addresses():
    assert camera_address(2, system="linux") == ("v4l2", "/dev/video2")
    assert camera_address("/dev/video-front", system="linux") == ("v4l2", "/dev/video-front")
    assert camera_address(0, system="darwin") == ("avfoundation", "0")
    assert camera_address("USB Camera", system="win32") == ("dshow", "video=USB Camera")
    with pytest.raises(VideoError, match="not supported on plan9"):
        camera_address(0, system="plan9")


def test_file_in_place_of_a_camera_keeps_its_own_pace(tmp_path):
    film = make_video(tmp_path / "a.mp4")
    with Webcam(str(film), kind=None, paced=True) as camera:
        time.sleep(0.3)  # it waits for whoever is to see it
        started_s, index = time.monotonic(), -1
        for frame in camera:
            index = frame.index
            assert frame.time_s <= time.monotonic() - started_s + 0.02
            assert 0.0 <= camera.age_s(index) < 30.0
    assert index == 29
    assert camera.ended == "it gives no more pictures"
    assert math.isnan(camera.age_s(1000))


def test_camera_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(webcam, "STALL_S", 0.2)
    pattern = "testsrc=size=64x48:rate=50:duration=1.5,realtime,select='lt(n,20)'"
    with Webcam(pattern, kind="lavfi") as camera:
        assert 1 <= len(list(camera)) <= 20
        assert camera.ended == "it gave no picture for 0.2 s"
