"""Weights of the library's network give the same in ours, and those of another are refused."""

# ruff: noqa: E402
from importlib.util import find_spec

import pytest
import torch

from skelvid.people.ultralytics_library import ultralytics

if not find_spec("ultralytics"):
    pytest.skip("ultralytics is not installed", allow_module_level=True)
ultralytics()

from ultralytics.nn.tasks import DetectionModel

from train.detector.export import transferred
from train.detector.fit import NETWORK


def trained(network=NETWORK):
    """A network as after a training: what normalises has seen something."""
    torch.manual_seed(0)
    model = DetectionModel(network, nc=1, verbose=False).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for value in module.state_dict().values():
                if value.is_floating_point():
                    value.uniform_(0.8, 1.2)
    return model


@torch.no_grad()
def test_ours_gives_what_theirs_gives():
    model = trained()
    ours = transferred(model)
    picture = torch.rand(2, 3, 64, 128)
    xyxy, score = ours(picture)
    theirs = model(picture)[0].transpose(1, 2)
    middle, size = theirs[..., :2], theirs[..., 2:4]
    torch.testing.assert_close(xyxy, torch.cat([middle - size / 2, middle + size / 2], -1), atol=5e-3, rtol=0)
    torch.testing.assert_close(score, theirs[..., 4], atol=1e-5, rtol=0)
    assert score.std() > 0


def test_another_network_is_refused():
    with pytest.raises(ValueError, match=r"has the shape \(32, 3, 3, 3\), not \(16, 3, 3, 3\)"):
        transferred(trained("yolo11s.yaml"))
