"""The network that ships, run by the real library: alone, without the network, and as what it is."""

import socket
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from skelvid.datatypes.frames import Frame
from skelvid.errors import WeightsError
from skelvid.people import ultralytics_detector
from skelvid.people.ultralytics_detector import SHIPPED, UltralyticsDetector
from skelvid.weights import network_path

pytestmark = pytest.mark.skipif(not find_spec("ultralytics"), reason="ultralytics is not installed")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def find():
    return UltralyticsDetector()


@pytest.fixture(scope="module")
def eager():
    """Boxes everywhere, however little they are trusted: what the arithmetic is tested on."""
    return UltralyticsDetector(min_score=1e-4)


def noise(height, width, index=0):
    blocks = RNG.integers(0, 255, (height // 20, width // 20, 3), np.uint8)
    return Frame(blocks.repeat(20, 0).repeat(20, 1), index, index / 30)


def test_no_one_is_asked_on_the_network(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert UltralyticsDetector()([noise(120, 200)]) is not None


def test_an_empty_room_is_empty(find):
    wall = np.full((360, 640, 3), 180, np.uint8)
    wall[240:] = (90, 70, 50)
    assert [len(boxes) for boxes in find([Frame(wall, 0, 0.0)])] == [0]


def test_a_batch_gives_what_single_frames_give(eager):
    frames = [noise(360, 640, index) for index in range(3)]
    for one, many in zip([eager([frame])[0] for frame in frames], eager(frames), strict=True):
        assert len(one) > 0
        np.testing.assert_allclose(one.xyxy, many.xyxy, atol=0.5)
        np.testing.assert_allclose(one.score, many.score, atol=1e-3)


@pytest.mark.parametrize("size_hw", [(360, 640), (640, 360), (400, 400)])
def test_boxes_are_in_the_pixels_of_the_frame(eager, size_hw):
    frame = noise(*size_hw)
    twice = Frame(frame.image.repeat(2, 0).repeat(2, 1), 0, 0.0)
    small, large = eager([frame])[0], eager([twice])[0]
    best = small.xyxy[small.score.argmax()]
    assert (np.abs(2.0 * best - large.xyxy).max(1).min()) < 0.05 * max(size_hw)
    assert (large.xyxy >= 0).all()
    assert (large.xyxy <= np.tile(twice.size_hw[::-1], 2)).all()


def test_colours_are_not_swapped(eager, monkeypatch):
    """The network is trained on red, green, blue; the library swaps what it is given, so it must get the reverse."""
    seen = []
    model = eager._model
    monkeypatch.setattr(model, "predict", lambda pictures, **options: seen.extend(pictures) or [])
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 255
    eager([Frame(red, 0, 0.0)])
    np.testing.assert_array_equal(seen[0][0, 0], [0, 0, 255])


def test_other_weights_under_its_name_are_refused(tmp_path, monkeypatch):
    state = load_file(network_path(SHIPPED))
    del state["model.0.conv.weight"]
    save_file(state, tmp_path / "less.safetensors")
    monkeypatch.setattr(ultralytics_detector, "network_path", lambda name: tmp_path / "less.safetensors")
    with pytest.raises(WeightsError, match="not those of yolo11n"):
        UltralyticsDetector()


def test_weights_are_numbers():
    assert all(torch.isfinite(value).all() for value in load_file(network_path(SHIPPED)).values())
