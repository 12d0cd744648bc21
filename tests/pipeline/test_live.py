from itertools import islice

import numpy as np
import pytest

from skelvid.config import RunConfig
from skelvid.datatypes.frames import Camera
from skelvid.people.track import tracks
from skelvid.pipeline.live import stream
from skelvid.pipeline.watch import watch
from skelvid.video.source import open_video
from tests.pipeline import fakes

CAMERA = Camera(112.0, (80.0, 60.0), fakes.SIZE_HW)


@pytest.fixture
def moments(quick, film):
    return list(stream(open_video(film), lifter=fakes.lifter(), camera=CAMERA))


def test_says_of_every_frame_what_a_causal_lifter_says_of_the_whole_video(moments, film):
    (track,) = tracks(watch(film, RunConfig()).sightings)
    whole = fakes.lifter()(track, CAMERA, causal=True)
    assert len(moments) == len(whole.time_s)
    live = np.concatenate([moment.raw_motion.params.q for moment in moments])
    # The pelvis's angles may differ by whole turns, which only a whole clip can tell.
    off = (live - whole.params.q + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(off).max() < 1e-4


def test_angles_are_those_of_the_smoothed_motion(moments):
    for moment in moments:
        assert moment.angles.time_s == [moment.sighting.time_s]
        assert np.isfinite(moment.angles.values_rad).all()
        knee = moment.angles["knee_angle_r"]
        assert knee == pytest.approx(moment.motion.params.q[:, 6])


def test_speaks_before_the_video_is_over(quick, film):
    asked = []

    def frames():
        for frame in open_video(film):
            asked.append(frame.index)
            yield frame

    first = list(islice(stream(frames(), lifter=fakes.lifter()), 3))
    assert [moment.sighting.index for moment in first] == [0, 1, 2]
    assert len(asked) < 8


def test_nobody_and_somebody_who_comes(quick, tmp_path):
    path = fakes.make_film(tmp_path / "a.mp4", 30, people=lambda i: None if i < 12 else (40, 20))
    moments = list(stream(open_video(path), lifter=fakes.lifter()))
    assert all(moment.motion is None and moment.angles is None for moment in moments[:12])
    assert all(moment.motion is not None for moment in moments[-8:])
