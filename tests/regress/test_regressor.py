"""The way from frames to poses: the same alone and among others, mirrored in the mirror, and only with its own file."""

import json

import numpy as np
import pytest
import torch

from skelvid.body.dofs import mirror_index_and_sign
from skelvid.body.load import load_body
from skelvid.datatypes.frames import Camera, Frame
from skelvid.errors import AssetError, WeightsError
from skelvid.pipeline.regress import FrameRegressor
from skelvid.regress.output import POINTS, mirror_point
from skelvid.regress.regressor import Regressor, load_weights
from tests.regress.toy_regressor import make_weights, write_weights

WIDTH, HEIGHT = 160, 120
CAMERA = Camera(150.0, (80.0, 60.0), (HEIGHT, WIDTH))


@pytest.fixture(scope="module")
def body():
    return load_body("neutral")


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (20, HEIGHT, WIDTH, 3), np.uint8)
    frames = [Frame(image, i, i / 30) for i, image in enumerate(images)]
    low = rng.uniform(0, 60, (20, 2))
    return frames, np.concatenate([low, low + rng.uniform(20, 60, (20, 2))], 1)


def test_is_told_alone_what_is_told_among_others(body, people):
    regressor = Regressor(make_weights(), body, engine="torch")
    assert isinstance(regressor, FrameRegressor)
    frames, boxes = people
    params, sigma_rad = regressor(frames, boxes, CAMERA)
    assert params.q.shape == (20, 46)
    for i in (0, 15, 16, 19):
        alone, alone_rad = regressor(frames[i : i + 1], boxes[i : i + 1], CAMERA)
        np.testing.assert_allclose(np.sin(alone.q[0] - params.q[i]), 0, atol=1e-3)
        np.testing.assert_allclose(alone.trans_m[0], params.trans_m[i], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(alone_rad[0], sigma_rad[i], rtol=1e-4)


def test_nobody_asked_about(body):
    with pytest.raises(ValueError, match="at least one"):
        Regressor(make_weights(), body, engine="torch").look([], np.zeros((0, 4)), CAMERA)


def test_mirrored_pictures_give_mirrored_people(body, people):
    """With the mean over both views exactly; the camera's middle is the picture's."""
    regressor = Regressor(make_weights(), body, engine="torch", flip=True)
    frames, boxes = people
    flipped = [Frame(np.ascontiguousarray(f.image[:, ::-1]), f.index, f.time_s) for f in frames]
    here = regressor.look(frames, boxes, CAMERA)
    there = regressor.look(flipped, np.array([WIDTH, 0, WIDTH, 0]) + boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1], CAMERA)
    index, sign = mirror_index_and_sign()
    off = np.sin((there.params.q - here.params.q[:, index] * sign) / 2)
    # Resampling rounds to whole bytes, and near gimbal lock a little goes a long way.
    assert np.quantile(np.abs(off), 0.98) < 2e-3
    np.testing.assert_allclose(there.params.trans_m, here.params.trans_m * [-1, 1, 1], rtol=1e-3, atol=5e-3)
    swap = [POINTS.index(mirror_point(name)) for name in POINTS]
    far = np.abs(there.keypoints.xy[..., 0] - (WIDTH - here.keypoints.xy[:, swap, 0]))
    assert np.quantile(far, 0.95) < 0.5
    np.testing.assert_allclose(there.keypoints.score, here.keypoints.score[:, swap], atol=5e-3)


def test_doubt_is_scaled_as_the_file_says(body, people):
    frames, boxes = people
    weights = make_weights()
    plain = type(weights)(weights.network, torch.ones(46), torch.ones(29))
    scaled, told = (Regressor(w, body, engine="torch").look(frames[:3], boxes[:3], CAMERA) for w in (weights, plain))
    np.testing.assert_allclose(scaled.q_sigma_rad / told.q_sigma_rad, weights.sigma_scale.expand(3, 46), rtol=1e-5)
    ratio = scaled.keypoint_sigma_px / told.keypoint_sigma_px
    np.testing.assert_allclose(ratio, weights.point_sigma_scale.expand(3, 29), rtol=1e-5)


def test_file_is_read_as_it_was_written(tmp_path, body, people):
    frames, boxes = people
    loaded = Regressor.load(write_weights(tmp_path / "r.safetensors"), engine="torch")
    made = Regressor(make_weights(), body, engine="torch")
    for mine, theirs in zip(loaded(frames, boxes, CAMERA), made(frames, boxes, CAMERA), strict=True):
        np.testing.assert_array_equal(getattr(mine, "q", mine), getattr(theirs, "q", theirs))


@pytest.mark.parametrize(
    ("change", "about", "said"),
    [
        ({}, {"format": "skelvid-lifter/1"}, "holds no regressor of format"),
        ({"decoder.leave.bias": None}, {}, "does not fit"),
        ({"another": torch.zeros(2)}, {}, "does not fit"),
        ({"sigma_scale": None}, {}, "does not fit"),
        ({}, {"settings": json.dumps({"backbone": "vit_of_nobody"})}, "does not fit"),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(tmp_path, change, about, said):
    path = write_weights(tmp_path / "r.safetensors", about=about, **change)
    with pytest.raises(WeightsError, match=said) as error:
        load_weights(path)
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_weights(tmp_path):
    (tmp_path / "r.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(tmp_path / "r.safetensors")
    with pytest.raises(AssetError, match="no weights at"):
        load_weights(tmp_path / "gone.safetensors")
