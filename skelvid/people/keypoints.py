"""Sources of 2D keypoints: a frame and the boxes of its people in, named image points out.

Adding a new source: (1) write a class with `names` and `__call__` as in `KeypointSource`, in a file of its own, that
imports its library by `optional_library` when it is made; (2) put "module:Class" into `KEYPOINT_SOURCES`, or, from
another package, into the entry-point group `skelvid.keypoints`; (3) where its points differ from those of
`skelvid.body.keypoints`, add its set there; (4) add a maker to `tests/contracts/test_keypoint_sources.py`, which fails
until every source has one.
"""

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.errors import ConfigError
from skelvid.geometry.boxes import match, pad

ENTRY_POINTS = "skelvid.keypoints"
MIN_IOU = 0.3
# Keypoints lie inside the outline of the body that a box goes around.
BODY_MARGIN = 0.04


@runtime_checkable
class KeypointSource(Protocol):
    """Gives the keypoints of the people in frames that come in order of time, one video per source.

    Somebody may be asked for in frames that go backwards, then under a number of their own, below 0;
    `forget(person_id)`, if a class has it, is called when nobody will ask for that number again.

    A class whose `beside_others` is true says that several sources may work at once, each on another stretch of the
    video: it looks at the times of frames, and not at their numbers.

    With boxes, there is one row per box in their order, missing where the person was not found; without, the source
    finds people by itself and there is one row for each.
    """

    names: tuple[str, ...]

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n k` keypoints, image px."""
        ...


KEYPOINT_SOURCES: dict[str, str] = {
    "files": "skelvid.people.keypoint_files:KeypointFiles",
    "mediapipe": "skelvid.people.mediapipe_source:MediaPipePose",
    "skelvid": "skelvid.pipeline.own_points:OwnPoints",
    "ultralytics": "skelvid.people.ultralytics_source:UltralyticsPose",
}


def list_keypoint_sources() -> list[str]:
    """Return the names of all sources, ours and those of other packages."""
    return sorted({*KEYPOINT_SOURCES, *entry_points(group=ENTRY_POINTS).names})


def keypoint_source(name: str) -> Callable[..., KeypointSource]:
    """Return what makes a source; each takes its own arguments.

    Raises:
        ConfigError: No source has this name.
    """
    if name in KEYPOINT_SOURCES:
        module, _, attribute = KEYPOINT_SOURCES[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Callable[..., KeypointSource]", entry.load())
    raise ConfigError(f"no keypoint source is called '{name}'; known are {', '.join(list_keypoint_sources())}")


def optional_library(module: str, install: str) -> Any:
    """Import a library that only one source needs.

    Raises:
        ConfigError: It is not installed; `install` says what the user types to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"{module} cannot be imported ({error}): {install}") from error


def extent(keypoints: Keypoints2D) -> Float[np.ndarray, "n 4"]:
    """Return the boxes just around each person's points, image px; NaN where a person has fewer than two."""
    there = ~np.isnan(keypoints.xy)
    low = np.where(there, keypoints.xy, np.inf).min(-2)
    high = np.where(there, keypoints.xy, -np.inf).max(-2)
    return np.where((low < high).all(-1, keepdims=True), np.concatenate([low, high], -1), np.nan)


def give_to_boxes(found: Keypoints2D, boxes: Boxes) -> Keypoints2D:
    """Return one row per box: the found person whose points overlap it best, else missing."""
    around = extent(found)
    whole = ~np.isnan(around).any(-1)
    owner = match(boxes.xyxy, pad(around[whole], BODY_MARGIN), min_iou=MIN_IOU)
    given = missing_keypoints(found.names, (len(boxes),))
    rows = np.flatnonzero(whole)[owner[owner >= 0]]
    given.xy[owner >= 0], given.score[owner >= 0] = found.xy[rows], found.score[rows]
    return given
