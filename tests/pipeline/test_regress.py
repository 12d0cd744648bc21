"""A regressor beside the lifter: it is shown the person in every frame, and counts as far as it is sure."""

import sys

import numpy as np
import pytest

from skelvid.body.dofs import DOF_INDEX
from skelvid.config import load_config
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import ConfigError
from skelvid.people.track import tracks
from skelvid.pipeline import regress as module
from skelvid.pipeline.estimate import estimate, load_regressor
from skelvid.pipeline.interpret import versions
from skelvid.pipeline.regress import FrameRegressor, regress
from skelvid.pipeline.watch import open_frames, watch
from skelvid.weights import sha256
from tests.pipeline import fakes
from tests.regress.toy_regressor import write_weights

CAMERA = Camera(200.0, (80.0, 60.0), (120, 160))
KNEE = DOF_INDEX["knee_angle_r"]
FAST = load_config("fast", sets=["motion.filter=none"])


class FakeRegressor:
    """Sees everybody squat, is always as sure of it, and remembers what it was shown."""

    def __init__(self, knee_rad=0.8, sigma_rad=0.05):
        self.knee_rad, self.sigma_rad = knee_rad, sigma_rad
        self.shown = []

    def __call__(self, frames, xyxy, camera):
        self.shown += [(frame.index, *box) for frame, box in zip(frames, xyxy, strict=True)]
        assert len(frames) <= module.BATCH
        q = np.zeros((len(frames), 46))
        q[:, 0], q[:, KNEE] = np.pi, self.knee_rad
        trans_m = np.tile([0.0, 0.0, 4.0], (len(frames), 1))
        return SkelParams(q, np.zeros((len(frames), 10)), trans_m), np.full((len(frames), 46), self.sigma_rad)


@pytest.fixture
def away_film(tmp_path):
    return fakes.make_film(tmp_path / "a.mp4", 40, people=lambda i: None if 15 <= i < 25 else fakes.walk(i))


def test_is_shown_the_person_wherever_they_were_seen(quick, away_film):
    (track,) = tracks(watch(away_film, FAST).sightings)
    regressor = FakeRegressor()
    assert isinstance(regressor, FrameRegressor)
    motion = regress(open_frames(away_film, FAST.video), track, CAMERA, regressor)
    seen = (track.keypoints.score > 0).any(1)
    np.testing.assert_array_equal(motion.visible, seen)
    assert [index for index, *_ in regressor.shown] == np.flatnonzero(seen).tolist()
    for index, left, top, right, bottom in regressor.shown:
        place = fakes.walk(index)
        expected = (place[0], place[1], place[0] + fakes.WIDTH, place[1] + fakes.HEIGHT)
        assert np.abs(np.array([left, top, right, bottom]) - expected).max() < 5
    np.testing.assert_array_equal(motion.params.q[seen, KNEE], 0.8)
    assert motion.q_sigma_rad is not None
    np.testing.assert_array_equal(motion.q_sigma_rad[seen], 0.05)


@pytest.mark.parametrize("sigma_rad", [0.01, 0.4, 100.0])
@pytest.mark.parametrize("knee_rad", [-0.65, 0.8], ids=["agrees", "contradicts"])
def test_result_is_the_mean_weighted_by_what_both_are_sure_of(quick, film, knee_rad, sigma_rad):
    (lifted,) = estimate(film, FAST)
    (fused,) = estimate(film, FAST, regressor=FakeRegressor(knee_rad, sigma_rad))
    assert lifted.raw_motion.q_sigma_rad is not None
    assert fused.raw_motion.q_sigma_rad is not None
    before, variance = lifted.raw_motion.params.q[:, KNEE], lifted.raw_motion.q_sigma_rad[:, KNEE] ** 2
    # What contradicts more than both doubts allow is doubted by as much.
    own, other = 1 / variance, 1 / np.maximum(sigma_rad**2, (knee_rad - before) ** 2 - variance)
    np.testing.assert_allclose(fused.raw_motion.params.q[:, KNEE], (own * before + other * knee_rad) / (own + other))
    np.testing.assert_allclose(fused.raw_motion.q_sigma_rad[:, KNEE], (own + other) ** -0.5)


def test_settings_name_a_regressor(quick, film, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # torch is ready soonest
    path = write_weights(tmp_path / "toy.safetensors")
    config = load_config("fast", sets=["motion.filter=none", f"motion.regressor={path}", "device=cpu"])
    (lifted,), (fused,) = estimate(film, FAST), estimate(film, config)
    before, after = lifted.raw_motion.q_sigma_rad, fused.raw_motion.q_sigma_rad
    assert before is not None
    assert after is not None
    assert (after < before).all()
    again = load_regressor(config)
    assert again is not None
    (same,) = estimate(film, FAST, regressor=again)
    np.testing.assert_allclose(same.raw_motion.params.q, fused.raw_motion.params.q)


def test_result_says_which_file_it_was(tmp_path):
    path = write_weights(tmp_path / "toy.safetensors")
    assert versions(load_config(sets=[f"motion.regressor={path}"]))["regressor"] == sha256(path)[:12]
    assert "regressor" not in versions(load_config())


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skelvid.regress.regressor", None)
    with pytest.raises(ConfigError, match=r"pip install 'skelvid\[regress\]'"):
        load_regressor(load_config(sets=["motion.regressor=regressor"]))
