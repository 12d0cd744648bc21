"""Keypoints that another program wrote: OpenPose folders and Sports2D's files in, keypoints by frame out."""

import json
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from skelvid.body.keypoints import COCO_17, HALPE_26, KEYPOINT_SETS
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.errors import ConfigError
from skelvid.people.keypoints import give_to_boxes

# Sides in the order in which OpenPose writes them.
_RIGHT_LEFT = tuple(f"{side}_{part}" for side in ("right", "left") for part in ("shoulder", "elbow", "wrist"))
_LEGS = tuple(f"{side}_{part}" for side in ("right", "left") for part in ("hip", "knee", "ankle"))
_FACE = ("right_eye", "left_eye", "right_ear", "left_ear")
_FEET = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel"))
OPENPOSE_18 = ("nose", "neck", *_RIGHT_LEFT, *_LEGS, *_FACE)
OPENPOSE_25 = ("nose", "neck", *_RIGHT_LEFT, "hip", *_LEGS, *_FACE, *_FEET)
# By number of points: OpenPose writes 25 or 18; Sports2D and Pose2Sim the sets of their networks in the same format.
LAYOUTS = {len(names): names for names in (OPENPOSE_25, OPENPOSE_18, HALPE_26, COCO_17)}

_NAMES = {name for names in KEYPOINT_SETS.values() for name in names}
TRC_HEADER_LINES = 5
# Sports2D's files in metres look just the same, but nobody walks that far.
MIN_REACH_PX = 50.0


class OpenPoseFolder:
    """A folder with one `.json` file per frame, whose name ends in the frame's number.

    Raises:
        ConfigError: There are no such files, or none of a known layout.
    """

    def __init__(self, folder: Path) -> None:
        numbered = ((re.search(r"(\d+)(?:_keypoints)?$", file.stem), file) for file in sorted(folder.glob("*.json")))
        self._files = {int(number[1]): file for number, file in numbered if number}
        if not self._files:
            raise ConfigError(f"{folder} holds no .json files numbered by frame, as OpenPose writes them")
        found = (read_openpose(file) for file in self._files.values())
        first = next((keypoints for keypoints in found if len(keypoints.xy)), None)
        if first is None:
            raise ConfigError(f"the .json files of {folder} hold no people")
        self.names = first.names

    def at(self, frame: Frame) -> Keypoints2D:
        """Return the people of a frame, `n k`."""
        file = self._files.get(frame.index)
        people = read_openpose(file) if file else None
        if people is None or not len(people.xy):
            return missing_keypoints(self.names, (0,))
        return people.pick(self.names)


class TrcTracks:
    """Files of Sports2D with the points of one person each in pixels, `..._px_person00.trc`.

    Raises:
        ConfigError: A file cannot be read.
    """

    def __init__(self, files: list[Path]) -> None:
        self._tracks = [read_trc_px(file) for file in files]
        self.names = self._tracks[0][1].names

    def at(self, frame: Frame) -> Keypoints2D:
        """Return everybody at a frame's time, `n k`; the file's frames may be counted otherwise."""
        people = missing_keypoints(self.names, (len(self._tracks),))
        for row, (time_s, track) in enumerate(self._tracks):
            nearest = int(np.abs(time_s - frame.time_s).argmin())
            step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else np.inf
            if abs(time_s[nearest] - frame.time_s) <= step_s / 2.0 + 1e-6:
                here = track[nearest].pick(self.names)
                people.xy[row], people.score[row] = here.xy, here.score
        return people


class KeypointFiles:
    """Keypoints from files, given to the boxes that they overlap.

    Args:
        path: A folder of OpenPose's or Sports2D's `.json` files, a `.trc` file of Sports2D in pixels, or a folder with
            several of them, `*_px_person*.trc`.

    Raises:
        ConfigError: There is nothing of that kind.
    """

    def __init__(self, *, path: str | Path) -> None:
        place = Path(path).expanduser()
        tracks = [place] if place.suffix == ".trc" else sorted(place.glob("*_px_person*.trc"))
        if not place.exists():
            raise ConfigError(f"no keypoints at {place}")
        self._people = TrcTracks(tracks) if tracks else OpenPoseFolder(place)
        self.names = self._people.names

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n k` keypoints, image px."""
        found = self._people.at(frame)
        if boxes is not None:
            return give_to_boxes(found, boxes)
        return found[(found.score > 0.0).any(-1)]


def read_openpose(file: Path) -> Keypoints2D:
    """Return the people in one `.json` file of OpenPose's, `n k`; those without points are left out.

    Raises:
        ConfigError: The file is damaged or its layout unknown.
    """
    try:
        people = [person["pose_keypoints_2d"] for person in json.loads(file.read_text())["people"]]
        flat = [np.asarray(person, float) for person in people if person]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ConfigError(f"{file} is not keypoints as OpenPose writes them ({error!r})") from error
    if not flat:
        return missing_keypoints(OPENPOSE_25, (0,))
    layout = LAYOUTS.get(len(flat[0]) // 3)
    if layout is None or any(len(person) != 3 * len(layout) for person in flat):
        counts = sorted({len(person) / 3 for person in flat})
        known = ", ".join(map(str, LAYOUTS))
        raise ConfigError(f"{file} holds people of {counts} points; known layouts have {known}")
    points = np.stack(flat).reshape(len(flat), -1, 3)
    return _keypoints(points[..., :2], points[..., 2], layout)


def read_trc_px(file: Path) -> tuple[Float[np.ndarray, "t"], Keypoints2D]:
    """Return the times, s, and one person's points, `t k`, of a `.trc` file in pixels.

    Sports2D writes x right and y down, the unit as metres all the same, and no scores: points that are there get 1.

    Raises:
        ConfigError: The file is damaged, in metres, or none of its points is known.
    """
    try:
        lines = file.read_text().splitlines()
        markers = [name for name in lines[3].split("\t")[2:] if name.strip()]
        width = 2 + 3 * len(markers)
        rows = [(line.split("\t") + [""] * width)[:width] for line in lines[TRC_HEADER_LINES:] if line.strip()]
        values = np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in rows])
        time_s, points = values[:, 1], values[:, 2:].reshape(len(rows), -1, 3)
    except (ValueError, IndexError, OSError) as error:
        raise ConfigError(f"{file} is not a .trc file ({error})") from error
    ours = [our_name(marker) for marker in markers]
    known = [i for i, name in enumerate(ours) if name in _NAMES]
    if not known:
        raise ConfigError(f"{file} holds none of the points that skelvid knows, only {', '.join(markers)}")
    xy = points[:, known, :2]
    if not (np.abs(xy[~np.isnan(xy)]).max(initial=0.0) > MIN_REACH_PX):
        raise ConfigError(f"{file} does not seem to be in pixels: give the _px file of Sports2D")
    return time_s, _keypoints(xy, np.ones(xy.shape[:-1]), tuple(ours[i] for i in known))


def our_name(marker: str) -> str:
    """Return what skelvid calls a marker of Sports2D's or Pose2Sim's.

    >>> our_name("RBigToe"), our_name("Neck"), our_name("left_heel")
    ('right_big_toe', 'neck', 'left_heel')
    """
    side = {"R": "right_", "L": "left_"}.get(marker[0]) if re.match("[RL][A-Z]", marker) else None
    part = marker[1:] if side else marker
    return (side or "") + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", part).lower()


def _keypoints(
    xy: Float[np.ndarray, "*b k 2"], score: Float[np.ndarray, "*b k"], names: tuple[str, ...]
) -> Keypoints2D:
    """Return keypoints, missing where a coordinate is or where both are zero, as those programs write it."""
    gone = np.isnan(xy).any(-1) | (xy == 0.0).all(-1) | ~(score > 0.0)
    return Keypoints2D(np.where(gone[..., None], np.nan, xy), np.where(gone, 0.0, score.clip(0.0, 1.0)), names)
