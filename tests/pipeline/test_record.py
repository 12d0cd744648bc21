import os
import tracemalloc

import numpy as np
import pytest

from skelvid.config import load_config
from skelvid.errors import ConfigError, SkelvidError, VideoError
from skelvid.pipeline.folder import run_video
from skelvid.pipeline.live import stream
from skelvid.pipeline.record import Recording
from skelvid.video.source import open_video
from tests.pipeline import fakes

BRIEF = load_config(sets=["export.files=[csv, raw_csv]", "export.plots=false", "export.report=false"])


def record(film, folder, *, config=BRIEF, most=None):
    """Record what a film shows as if it came from a camera, later by 100 s."""
    with Recording(folder, config) as recording:
        for number, moment in enumerate(stream(open_video(film), config, lifter=fakes.lifter())):
            if number == most:
                break
            recording.add(moment.frame, moment.sighting)
    return recording


def angles(folder):
    lines = [line for line in (folder / "angles.csv").read_text().splitlines() if not line.startswith("#")]
    return np.array([[float(cell or "nan") for cell in line.split(",")] for line in lines[1:]])


def test_gives_what_run_gives_without_asking_the_networks_again(quick, film, tmp_path):
    recording = record(film, tmp_path / "rec")
    asked = fakes.FakeSource.asked
    (result,) = recording.finish(lifter=fakes.lifter())
    assert fakes.FakeSource.asked == asked
    assert result.motion.visible.all()
    run_video(recording.video, tmp_path / "again", BRIEF)
    assert fakes.FakeSource.asked == asked + 24
    here, again = angles(tmp_path / "rec"), angles(tmp_path / "again")
    assert here.shape == again.shape
    np.testing.assert_array_equal(here[:, 0], again[:, 0])
    # The video was compressed meanwhile, which moves the stand-in's boxes by a pixel here and there.
    assert np.nanmedian(np.abs(here - again)) < 0.5
    files = {path.name for path in (tmp_path / "rec").iterdir()}
    assert {"video.mp4", "overlay.mp4", "angles.csv", "config.yaml", "log.txt"} <= files


def test_ctrl_c_keeps_what_was_filmed(quick, film, tmp_path):
    recording = Recording(tmp_path / "rec", BRIEF)

    def interrupted():
        with recording:
            for moment in stream(open_video(film), BRIEF, lifter=fakes.lifter()):
                recording.add(moment.frame, moment.sighting)
                if moment.frame.index == 15:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (result,) = recording.finish(lifter=fakes.lifter())
    assert len(result.motion.time_s) == 16


def test_nothing_came(tmp_path):
    with Recording(tmp_path / "rec", BRIEF) as recording:
        pass
    assert not recording.frames
    assert not recording.video.exists()


def test_nobody_was_there_and_the_video_stays(quick, tmp_path):
    film = fakes.make_film(tmp_path / "a.mp4", people=None)
    recording = record(film, tmp_path / "rec")
    with pytest.raises(VideoError, match="nobody was found"):
        recording.finish(lifter=fakes.lifter())
    assert len(list(open_video(recording.video))) == 24


def test_a_recording_is_never_written_over(quick, film, tmp_path):
    record(film, tmp_path / "rec", most=3)
    with pytest.raises(ConfigError, match="holds a recording already"):
        Recording(tmp_path / "rec", BRIEF)


def test_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SkelvidError, match="cannot be written"):
        Recording(tmp_path / "file" / "rec", BRIEF)


def test_memory_does_not_grow(quick, film, tmp_path):
    moments = list(stream(open_video(film), BRIEF, lifter=fakes.lifter()))
    kept = []
    with Recording(tmp_path / "rec", BRIEF) as recording:
        tracemalloc.start()
        try:
            for number in range(360):
                moment = moments[number % 24]
                object.__setattr__(moment.frame, "time_s", number / 25.0)
                recording.add(moment.frame, moment.sighting)
                if number % 60 == 59:
                    kept.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    # 300 sightings held would be 500 kB.
    assert kept[-1] - kept[0] < 100_000
    assert len(list((tmp_path / "rec" / ".cache" / "recording").glob("part_*.npz"))) == 360 // 60
    assert os.path.getsize(recording.video) > 0
