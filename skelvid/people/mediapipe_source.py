"""MediaPipe Pose Landmarker: 33 points, with a temporal filter, on each person's part of the frame.

The landmarker follows one person from frame to frame in the coordinates of its picture, so that picture must not move:
cutting out the moving box makes the points jitter 3 to 9 times more. Everyone has a landmarker of their own, that sees
the frame with all but their box blacked out; or, who is too small to be found in it, a window which stays where it is
until they leave it.
"""

import contextlib
import ctypes
import os
import sys
import threading
import weakref
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.downloads import model_path
from skelvid.errors import WeightsError
from skelvid.geometry.boxes import cut, pad
from skelvid.people.keypoints import optional_library

INSTALL = "pip install 'skelvid[mediapipe]'"
INSTEAD = "or do without it, less exactly: --keypoints skelvid (pip install 'skelvid[regress]')"
MODEL = "mediapipe-heavy"
# Shares of a box's longer side. To find somebody, it needs them as high as a quarter of its picture.
MARGIN = 0.25
CLOSE_MARGINS = (1.25, 0.5)
FORGET_AFTER_S = 1.0
_QUIET = threading.Lock()

Box = Float[np.ndarray, "4"]
Window = tuple[slice, slice]


@dataclass
class _Person:
    """The landmarker of one person.

    Attributes:
        window: The part of the frame that it sees.
        first_s, last_s: The times of the first and the last frame that it saw; they may come backwards.
        time_ms: Its own last time, which has to rise.
        found: Whether it has them.
    """

    landmarker: Any
    window: Window
    first_s: float
    last_s: float
    time_ms: int = -1
    found: bool = False


class MediaPipePose:
    """Keypoints by MediaPipe Pose Landmarker heavy; score is its visibility.

    Frames must come in order of time, for each person forwards or backwards. `Boxes.person_id` tells whom a box belongs
    to; boxes without it are taken to keep their order. Without boxes the most prominent person of the whole frame is
    followed.

    Args:
        model: Path of `pose_landmarker_heavy.task`; else the user's folder, else it is fetched.

    Raises:
        ConfigError: MediaPipe is not installed.
        WeightsError: The model is not to be had, or is another one.
    """

    names = BLAZEPOSE_33
    # One keeps a single core busy.
    beside_others = True

    def __init__(self, *, model: str | Path | None = None) -> None:
        self._mediapipe = optional_library("mediapipe", f"{INSTALL}, {INSTEAD}")
        self._tasks = optional_library("mediapipe.tasks.python", INSTALL)
        try:
            self._model = model_path(MODEL, model)
        except WeightsError as error:
            raise WeightsError(f"{error}; {INSTEAD}") from error
        self._people: dict[int | None, _Person] = {}
        # The library complains when a landmarker outlives it, which happens at the interpreter's end.
        self._finalizer = weakref.finalize(self, _close, self._people)

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n 33` keypoints, image px."""
        return self.with_world(frame, boxes)[0]

    def with_world(self, frame: Frame, boxes: Boxes | None = None) -> tuple[Keypoints2D, Float[np.ndarray, "n 33 3"]]:
        """Return the keypoints and MediaPipe's own guess at the same points in space.

        The latter are in metres about the middle of the hips; x right, y down, z away from the camera; NaN where the
        person was not found.
        """
        self._forget(frame.time_s)
        if boxes is None:
            rows = [row for row in [self._look(frame, None, None)] if not np.isnan(row).any()]
        else:
            ids = range(len(boxes)) if boxes.person_id is None else map(int, boxes.person_id)
            # The landmarkers run side by side, as they let go of Python's lock while they work.
            with ThreadPoolExecutor() as pool:
                rows = list(pool.map(partial(self._look, frame), ids, boxes.xyxy))
        found = np.stack(rows) if rows else np.zeros((0, len(self.names), 6))
        return Keypoints2D(found[..., :2], np.nan_to_num(found[..., 2]), self.names), found[..., 3:]

    def forget(self, person_id: int) -> None:
        """Free a person's landmarker."""
        if person_id in self._people:
            self._drop(person_id)

    def close(self) -> None:
        """Free the landmarkers; the source can be used anew, as for another video."""
        _close(self._people)

    def _look(self, frame: Frame, who: int | None, box: Box | None) -> Float[np.ndarray, "33 6"]:
        """Return x, y, visibility, world x, y, z of one person's points; NaN where not found."""
        nothing = np.full((len(self.names), 6), np.nan)
        seen = _whole(frame) if box is None else cut(pad(box, MARGIN), frame.size_hw)
        if seen is None:
            return nothing
        for window in self._windows(frame, who, box, seen):
            points = self._detect(frame, who, window, seen)
            if points is None:
                continue
            if box is None or _inside(np.median(points[:, :2], 0), box):
                return points
            # It went over to somebody else, and would stay there.
            self._drop(who)
            break
        return nothing

    def _windows(self, frame: Frame, who: int | None, box: Box | None, seen: Window) -> list[Window]:
        """Return where to look, in this order: where the person is followed, in the whole frame, closer and closer."""
        tries = [_whole(frame)]
        if box is not None:
            closer = (cut(pad(box, margin), frame.size_hw) for margin in CLOSE_MARGINS)
            tries.extend(window for window in closer if window is not None)
        person = self._people.get(who)
        if person is not None and person.found:
            if _holds(person.window, seen):
                return [person.window, *tries]
            self._drop(who)
        return tries

    def _detect(self, frame: Frame, who: int | None, window: Window, seen: Window) -> Float[np.ndarray, "33 6"] | None:
        """Return the points that a person's landmarker finds in a window, if any."""
        person = self._people.get(who)
        if person is None:
            person = self._people[who] = _Person(self._landmarker(), window, frame.time_s, frame.time_s)
        person.window, person.last_s = window, frame.time_s
        # Two looks may fall into one millisecond.
        since_ms = abs(round(frame.time_s * 1000.0) - round(person.first_s * 1000.0))
        person.time_ms = max(since_ms, person.time_ms + 1)
        picture = _picture(frame.image, window, seen)
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=picture)
        # Its log lines come until it has found somebody.
        with contextlib.nullcontext() if person.found else quiet():
            result = person.landmarker.detect_for_video(image, person.time_ms)
        points = _points(result, window)
        person.found = points is not None
        return points

    def _landmarker(self) -> Any:
        base = self._tasks.BaseOptions(model_asset_path=str(self._model))
        vision = self._tasks.vision
        options = vision.PoseLandmarkerOptions(base_options=base, running_mode=vision.RunningMode.VIDEO)
        with quiet():
            return vision.PoseLandmarker.create_from_options(options)

    def _forget(self, time_s: float) -> None:
        """Free the landmarkers of people who have been away."""
        for who in [who for who, p in self._people.items() if abs(time_s - p.last_s) > FORGET_AFTER_S]:
            self._drop(who)

    def _drop(self, who: int | None) -> None:
        _free(self._people.pop(who))


def _close(people: dict[int | None, _Person]) -> None:
    while people:
        _free(people.popitem()[1])


def _free(person: _Person) -> None:
    """Close a landmarker, and have its memory given back: glibc keeps 100 MB of each for the thread that made it."""
    person.landmarker.close()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _whole(frame: Frame) -> Window:
    height, width = frame.size_hw
    return slice(0, height), slice(0, width)


def _holds(outer: Window, inner: Window) -> bool:
    return all(o.start <= i.start and i.stop <= o.stop for o, i in zip(outer, inner, strict=True))


def _inside(xy: Float[np.ndarray, "2"], box: Box) -> bool:
    return bool((box[:2] <= xy).all() and (xy <= box[2:]).all())


def _picture(image: UInt8[np.ndarray, "h w 3"], window: Window, seen: Window) -> UInt8[np.ndarray, "y x 3"]:
    """Return the window of an image, black outside of what is to be seen."""
    if seen == window:
        return np.ascontiguousarray(image[window])
    picture = np.zeros_like(image[window], order="C")
    rows, columns = (slice(s.start - w.start, s.stop - w.start) for s, w in zip(seen, window, strict=True))
    picture[rows, columns] = image[seen]
    return picture


def _points(result: Any, window: Window) -> Float[np.ndarray, "33 6"] | None:
    """Return x, y in the image, visibility, and world x, y, z, if there is a person."""
    if not result.pose_landmarks:
        return None
    rows, columns = window
    size = (columns.stop - columns.start, rows.stop - rows.start)
    share = np.array([(point.x, point.y, point.visibility) for point in result.pose_landmarks[0]])
    world = np.array([(point.x, point.y, point.z) for point in result.pose_world_landmarks[0]])
    xy = share[:, :2] * size + (columns.start, rows.start)
    return np.concatenate([xy, share[:, 2:].clip(0.0, 1.0), world], 1)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Send what native code writes to standard error nowhere: the library has no switch for it."""
    # Two at once would restore each other's nowhere.
    with _QUIET:
        sys.stderr.flush()
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
