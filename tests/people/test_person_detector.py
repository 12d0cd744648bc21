"""The detector that ships: alone, without the network, in the pixels of the frame, and a person is found."""

import socket
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from skelvid.datatypes.frames import Frame
from skelvid.errors import AssetError, WeightsError
from skelvid.people.person_detector import SHIPPED, SIDE_PX, PersonDetector, _heads
from skelvid.weights import network_path

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def eager():
    """Boxes everywhere, however little they are trusted: what the arithmetic is tested on."""
    return PersonDetector(min_score=1e-4)


def noise(height, width, index=0):
    blocks = RNG.integers(0, 255, (height // 20, width // 20, 3), np.uint8)
    return Frame(blocks.repeat(20, 0).repeat(20, 1), index, index / 30)


def test_nothing_else_is_needed(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("ultralytics", "mediapipe", "cv2"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(PersonDetector()([noise(120, 200)])) == 1


def test_an_empty_room_is_empty():
    wall = np.full((360, 640, 3), 180, np.uint8)
    wall[240:] = (90, 70, 50)
    assert [len(boxes) for boxes in PersonDetector()([Frame(wall, 0, 0.0)])] == [0]


def test_a_batch_gives_what_single_frames_give(eager):
    frames = [noise(360, 640, index) for index in range(3)]
    for one, many in zip([eager([frame])[0] for frame in frames], eager(frames), strict=True):
        assert len(one) > 0
        np.testing.assert_allclose(one.xyxy, many.xyxy, atol=0.5)
        np.testing.assert_allclose(one.score, many.score, atol=1e-3)


@pytest.mark.parametrize("size_hw", [(360, 640), (640, 360), (400, 400), (20, 1600)])
def test_boxes_are_in_the_pixels_of_the_frame(eager, size_hw):
    frame = noise(*size_hw)
    twice = Frame(frame.image.repeat(2, 0).repeat(2, 1), 0, 0.0)
    small, large = eager([frame])[0], eager([twice])[0]
    best = small.xyxy[small.score.argmax()]
    assert (np.abs(2.0 * best - large.xyxy).max(1).min()) < 0.05 * max(size_hw)
    assert (large.xyxy >= 0).all()
    assert (large.xyxy <= np.tile(twice.size_hw[::-1], 2)).all()


def test_the_network_sees_red_as_red(eager, monkeypatch):
    seen = []
    network = eager._network
    monkeypatch.setattr(eager, "_network", lambda pictures: seen.append(pictures) or network(pictures))
    red = np.zeros((400, 640, 3), np.uint8)
    red[..., 0] = 255
    eager([Frame(red, 0, 0.0)])
    assert [pictures.shape for pictures in seen] == [(1, 3, 224, SIDE_PX)]
    torch.testing.assert_close(seen[0][0, :, :200].mean((1, 2)), torch.tensor([1.0, 0.0, 0.0]))


def test_a_head_is_nobody_else():
    """Coming in from below, a man had a box around him and a better one around his head."""
    man, head = [320, 69, 536, 432], [363, 62, 457, 180]
    beside, feet, child = [250, 60, 340, 180], [363, 310, 457, 432], [380, 220, 450, 430]
    boxes = np.array([head, man, beside, feet, child], float)
    np.testing.assert_array_equal(_heads(boxes), [True, False, False, False, False])
    assert not _heads(boxes[:1]).any()


def test_other_weights_are_refused(tmp_path):
    state = load_file(network_path(SHIPPED))
    save_file({name: value for name, value in state.items() if not name.startswith("stem")}, tmp_path / "less")
    (tmp_path / "text").write_text("no weights")
    for name in ("less", "text"):
        with pytest.raises(WeightsError, match="holds no weights of skelvid's network"):
            PersonDetector(weights=tmp_path / name)
    with pytest.raises(AssetError, match=r"no weights at .*none"):
        PersonDetector(weights=tmp_path / "none")


def test_weights_are_numbers():
    assert all(torch.isfinite(value).all() for value in load_file(network_path(SHIPPED)).values())
