"""The rate falls with time, and a training ends in weights that the shipped detector's place takes."""

# ruff: noqa: E402
import time
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from skelvid.datatypes.frames import Frame
from skelvid.people.ultralytics_library import ultralytics

if not find_spec("ultralytics"):
    pytest.skip("ultralytics is not installed", allow_module_level=True)
ultralytics()

from ultralytics.models.yolo.detect import DetectionTrainer

from skelvid.people.person_detector import PersonDetector
from train.detector.composite import Labelled
from train.detector.export import export
from train.detector.fit import LAST, WARM_UP, Trainer, fit
from train.detector.prepare import write_example


@pytest.mark.parametrize(
    ("share", "steps", "part"), [(0.0, WARM_UP, 1.0), (0.0, 1, 1 / WARM_UP), (0.5, 999, 0.505), (2.0, 999, LAST)]
)
def test_rate_warms_up_by_steps_and_falls_by_time(monkeypatch, share, steps, part):
    monkeypatch.setattr(DetectionTrainer, "optimizer_step", lambda self: None)
    monkeypatch.setattr(DetectionTrainer, "__init__", lambda self: None)
    trainer = Trainer()
    trainer.args = SimpleNamespace(time=1.0, lr0=0.4)
    trainer.train_time_start = time.time() - share * 3600.0
    trainer.optimizer = SimpleNamespace(param_groups=[{"lr": 0.0}, {"lr": 7.0}])
    trainer.steps = steps - 1
    trainer.optimizer_step()
    np.testing.assert_allclose([group["lr"] for group in trainer.optimizer.param_groups], 0.4 * part, rtol=1e-3)


@pytest.mark.slow
def test_a_short_training_gives_weights_for_the_detector_that_ships(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(8):
            image = rng.integers(0, 80, (96, 96, 3), np.uint8)
            left = int(rng.integers(0, 60))
            image[20:90, left : left + 30] = (220, 180, 160)
            write_example(tmp_path, part, f"{number}", Labelled(image, np.array([[left, 20.0, left + 30, 90]])))
    (tmp_path / "data.yaml").write_text(
        f"path: {tmp_path}\ntrain: images/train\nval: images/val\nnames: {{0: person}}\n"
    )
    data, out = tmp_path / "data.yaml", tmp_path / "run"
    best = fit(data, out, minutes=0.2, batch=4, device="cpu", start=None, first=0)
    assert best.parts[-3:] == ("stage1", "weights", "best.pt")
    assert export(best, tmp_path / "out.safetensors") > 2e6
    find = PersonDetector(weights=tmp_path / "out.safetensors", min_score=0.0)
    assert len(find([Frame(np.zeros((96, 96, 3), np.uint8), 0, 0.0)])) == 1
