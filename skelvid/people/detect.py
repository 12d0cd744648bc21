"""Detectors: frames in, a box around every person of each frame out.

Adding a new detector: (1) write a class with `__call__` as in `Detector`, in a file of its own, that imports its
library by `optional_library` when it is made; (2) put "module:Class" into `DETECTORS`, or, from another package, into
the entry-point group `skelvid.detectors`; (3) add a maker to `tests/contracts/test_detectors.py`, which fails until
every detector has one.
"""

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float, Integer

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes
from skelvid.errors import ConfigError
from skelvid.geometry.boxes import shared

ENTRY_POINTS = "skelvid.detectors"
SUFFIX = ".pt"


@runtime_checkable
class Detector(Protocol):
    """Finds the people of frames, each frame by itself."""

    def __call__(self, frames: Sequence[Frame]) -> list[Boxes]:
        """Return one `Boxes` per frame, image px, without `person_id`."""
        ...


DETECTORS: dict[str, str] = {
    "mediapipe": "skelvid.people.mediapipe_detector:MediaPipeDetector",
    "skelvid": "skelvid.people.person_detector:PersonDetector",
    "torchvision": "skelvid.people.torchvision_detector:TorchvisionDetector",
    "ultralytics": "skelvid.people.ultralytics_detector:UltralyticsDetector",
}


def list_detectors() -> list[str]:
    """Return the names of all detectors, ours and those of other packages."""
    return sorted({*DETECTORS, *entry_points(group=ENTRY_POINTS).names})


def detector(name: str) -> Callable[..., Detector]:
    """Return what makes a detector; each takes its own arguments.

    The name of a file of YOLO weights stands for the detector that runs it.

    Raises:
        ConfigError: No detector has this name.
    """
    if name.endswith(SUFFIX):
        return partial(detector("ultralytics"), weights=name)
    if name in DETECTORS:
        module, _, attribute = DETECTORS[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Callable[..., Detector]", entry.load())
    raise ConfigError(f"no detector is called '{name}'; known are {', '.join(list_detectors())}")


def keep_best(
    xyxy: Float[np.ndarray, "n 4"], score: Float[np.ndarray, "n"], *, max_shared: float
) -> Integer[np.ndarray, "m"]:
    """Return the rows of those boxes of which no better one covers a larger share than `max_shared` of either.

    >>> keep_best(np.array([[0.0, 0, 9, 9], [0, 0, 9, 5], [8, 0, 20, 9]]), np.array([0.9, 0.8, 0.7]), max_shared=0.5)
    array([0, 2])
    """
    kept: list[int] = []
    overlap = shared(xyxy, xyxy)
    for row in np.argsort(-score, kind="stable"):
        if not (overlap[row, kept] > max_shared).any():
            kept.append(int(row))
    return np.array(sorted(kept), int)
