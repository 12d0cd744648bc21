"""What every detector must do; `MAKERS` has one entry for each, or the first test fails."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision

from skelvid.errors import ConfigError, WeightsError
from skelvid.people import mediapipe_detector, person_detector
from skelvid.people.detect import DETECTORS, Detector, detector
from tests.keypoint_fakes import draw_people, fake_mediapipe, find_people

LEFT, MIDDLE, RIGHT = (10, 20, 35, 80), (100, 30, 125, 95), (190, 15, 215, 85)
SIZE_HW = (120, 240)
FRAMES = [draw_people(people, SIZE_HW, index=i) for i, people in enumerate([[], [MIDDLE], [LEFT, MIDDLE, RIGHT]])]


def mediapipe(tmp_path, monkeypatch):
    fake_mediapipe(monkeypatch)
    monkeypatch.setattr(mediapipe_detector, "model_path", lambda name, path: tmp_path / "model.task")
    return detector("mediapipe")()


class Network(torch.nn.Module):
    """As torchvision's: finds red rectangles, and what is no person beside each."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images):
        def one(image):
            picture = (image.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
            people = torch.tensor(find_people(picture), dtype=torch.float32).reshape(-1, 4)
            n = len(people)
            xyxy = torch.cat([people, people + 3, people, people[:1, [0, 1, 0, 3]]])
            scores = torch.tensor([0.9] * n + [0.9] * n + [0.2] * n + [0.9] * min(n, 1))
            labels = torch.tensor([1] * n + [18] * n + [1] * n + [1] * min(n, 1))
            return {"boxes": xyxy, "scores": scores, "labels": labels}

        return [one(image) for image in images]


def torchvision_(tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, **options: Network())
    torch.save(Network().state_dict(), tmp_path / "weights.pth")
    return detector("torchvision")(weights=tmp_path / "weights.pth")


def fake_yolo(monkeypatch, names):
    class Tensor(SimpleNamespace):
        def cpu(self):
            return self

        def numpy(self):
            return self.values

    class Yolo:
        def __init__(self, weights):
            self.names = names

        def predict(self, images, *, classes, conf, iou, device, verbose):
            assert [self.names[c] for c in classes] == ["person"]
            return [self.one(image) for image in images]

        def one(self, image):
            people = find_people(image[..., ::-1]).astype(np.float32)
            boxes = SimpleNamespace(xyxy=Tensor(values=people), conf=Tensor(values=np.full(len(people), 0.8)))
            return SimpleNamespace(boxes=boxes)

    monkeypatch.setitem(sys.modules, "ultralytics", SimpleNamespace(YOLO=Yolo))


class Places(torch.nn.Module):
    """As the network that ships: finds red rectangles, each twice, in pictures that were made smaller."""

    def load_state_dict(self, state_dict, strict=True, assign=False):
        return torch.nn.modules.module._IncompatibleKeys([], [])

    def forward(self, pictures):
        def one(picture):
            people = find_people((picture.permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)).astype(np.float32)
            xyxy = torch.tensor(people).reshape(-1, 4)
            rest = 4 - len(xyxy)
            xyxy = torch.cat([xyxy, xyxy + 1.0, torch.zeros(2 * rest, 4)])
            return xyxy, torch.tensor([0.9] * (4 - rest) + [0.8] * (4 - rest) + [0.0] * 2 * rest)

        return tuple(torch.stack(values) for values in zip(*map(one, pictures), strict=True))


def skelvid(tmp_path, monkeypatch):
    monkeypatch.setattr(person_detector, "PersonNetwork", Places)
    return detector("skelvid")()


def ultralytics(tmp_path, monkeypatch):
    fake_yolo(monkeypatch, {0: "bicycle", 1: "person"})
    (tmp_path / "yolo.pt").touch()
    return detector("ultralytics")(weights=tmp_path / "yolo.pt")


MAKERS = {"mediapipe": mediapipe, "skelvid": skelvid, "torchvision": torchvision_, "ultralytics": ultralytics}


@pytest.fixture(params=sorted(MAKERS))
def find(request, tmp_path, monkeypatch):
    return MAKERS[request.param](tmp_path, monkeypatch)


def assert_same_people(boxes, people):
    assert len(boxes) == len(people)
    order = np.argsort(boxes.xyxy[:, 0])
    np.testing.assert_allclose(boxes.xyxy[order], np.reshape(people, (-1, 4)), atol=4)
    assert boxes.person_id is None
    assert (boxes.score > 0.3).all()


def test_every_detector_is_held_to_this_contract():
    assert sorted(MAKERS) == sorted(DETECTORS)


def test_is_a_detector(find):
    assert isinstance(find, Detector)


def test_no_frames(find):
    assert find([]) == []


def test_nobody_one_and_three_in_one_batch(find):
    for found, people in zip(find(FRAMES), [[], [MIDDLE], [LEFT, MIDDLE, RIGHT]], strict=True):
        assert_same_people(found, people)


def test_frames_do_not_depend_on_each_other(find):
    for found, again in zip(find(FRAMES[::-1])[::-1], [find([frame])[0] for frame in FRAMES], strict=True):
        np.testing.assert_array_equal(found.xyxy, again.xyxy)


def test_frame_is_left_as_it_was(find):
    before = FRAMES[2].image.copy()
    find([FRAMES[2]])
    np.testing.assert_array_equal(FRAMES[2].image, before)


@pytest.mark.parametrize("name", ["torchvision", "ultralytics"])
def test_missing_weights_are_said(name, tmp_path):
    with pytest.raises(WeightsError, match=r"no weights at .*none\.pt"):
        detector(name)(weights=tmp_path / "none.pt")


def test_torchvision_ships_no_weights():
    with pytest.raises(WeightsError, match="no weights given"):
        detector("torchvision")()


def test_torchvision_itself_runs(tmp_path):
    network = "ssdlite320_mobilenet_v3_large"
    torch.manual_seed(0)
    state = torchvision.models.get_model(network, weights=None, weights_backbone=None).state_dict()
    for name, bias in state.items():
        if "classification_head" in name and name.endswith("bias") and bias.numel() % 91 == 0:
            bias.view(-1, 91)[:, 1] += 5.0  # random, but it sees people everywhere
    torch.save(state, tmp_path / "random.pth")
    (found,) = detector("torchvision")(weights=tmp_path / "random.pth", network=network)([FRAMES[2]])
    assert len(found) > 10
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= np.tile(SIZE_HW[::-1], 2)).all()
    assert (found.score >= 0.5).all()


def test_wrong_weights_are_said(tmp_path, monkeypatch):
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.pth")
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, **options: Network())
    with pytest.raises(WeightsError, match="holds no weights of torchvision's"):
        detector("torchvision")(weights=tmp_path / "other.pth")
    fake_yolo(monkeypatch, {0: "cat"})
    with pytest.raises(WeightsError, match="without a class 'person'"):
        detector("ultralytics")(weights=tmp_path / "other.pth")


def test_unknown_network_and_missing_library_are_said(tmp_path, monkeypatch):
    (tmp_path / "yolo.pt").touch()
    with pytest.raises(ConfigError, match="no detector 'yolo'; it has fasterrcnn"):
        detector("torchvision")(network="yolo")
    monkeypatch.setitem(sys.modules, "ultralytics", None)
    with pytest.raises(ConfigError, match=r"pip install .*AGPL-3.0"):
        detector("ultralytics")(weights=tmp_path / "yolo.pt")
