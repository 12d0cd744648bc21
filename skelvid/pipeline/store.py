"""What networks said of a video, kept piece by piece in a folder, so that no second run has to ask them again.

Each stretch of a film has a folder of its own in it. A run that is broken off loses a second or two of each; the next
one goes on from there. Everything that the networks' answers depend on is in the name of the folder, so answers to
other questions are never taken for those.
"""

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from skelvid import __version__
from skelvid.config import RunConfig
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.files import whole_file
from skelvid.people.sighting import Doubt, Sighting

FORMAT = 3
FRAMES_PER_PART = 60
_HASHED_BYTES = 1 << 20
_DONE = "done.json"


def question(video: Path, config: RunConfig) -> str:
    """Return a short text that differs whenever the networks' answers may.

    Two files count as one if name, size, time of change and the first megabyte are the same.
    """
    asked = [FORMAT, __version__, asdict(config.video), asdict(config.people)]
    digest = hashlib.sha256(json.dumps(asked).encode())
    for file in sorted(video.iterdir()) if video.is_dir() else [video]:
        about = file.stat()
        digest.update(f"{file.name} {about.st_size} {about.st_mtime_ns}".encode())
    if video.is_file():
        with video.open("rb") as opened:
            digest.update(opened.read(_HASHED_BYTES))
    given = Path(config.people.keypoints.partition(":")[2]).expanduser()
    if given.name and given.exists():
        digest.update(str(given.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


class Store:
    """The sightings of one video, or of one stretch of it, under one set of questions.

    Args:
        folder: Where they lie; made when there is something to keep. None keeps nothing.

    Attributes:
        sightings: Those that were kept before, and those added.
        about: What `finish` was told, or None while there is more to see.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.sightings: list[Sighting] = []
        self.about: dict[str, Any] | None = None
        self._parts = self._kept = 0
        if folder is not None:
            self._load(folder)

    def stretch(self, number: int) -> "Store":
        """Return what is kept of a stretch."""
        return Store(None if self._folder is None else self._folder / f"stretch_{number:03d}")

    def _load(self, folder: Path) -> None:
        for path in sorted(folder.glob("part_*.npz")):
            part = _read(path)
            # What comes after a damaged part has lost its place.
            if part is None or path.name != _part_name(self._parts):
                break
            self.sightings += part
            self._parts += 1
        else:
            self.about = _read_about(folder / _DONE)
        self._kept = len(self.sightings)

    def add(self, sighting: Sighting) -> None:
        """Take the next frame's sighting, and write a part every so often."""
        self.sightings.append(sighting)
        if len(self.sightings) - self._kept >= FRAMES_PER_PART:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet.

        Raises:
            SkelvidError: The folder cannot be written to.
        """
        fresh = self.sightings[self._kept :]
        if not fresh or self._folder is None:
            return
        with whole_file(self._folder / _part_name(self._parts)) as part, part.open("wb") as file:
            np.savez(file, **_to_arrays(fresh))  # pyright: ignore[reportArgumentType]
        self._parts, self._kept = self._parts + 1, len(self.sightings)

    def forget(self) -> None:
        """Write what is not written yet, and hold it in memory no longer."""
        self.flush()
        self.sightings, self._kept = [], 0

    def finish(self, about: dict[str, Any]) -> None:
        """Say that these are all, and what else is to be remembered; numbers, text and lists only."""
        self.flush()
        self.about = about
        if self._folder is not None:
            with whole_file(self._folder / _DONE) as part:
                part.write_text(json.dumps(about))

    def clear(self) -> None:
        """Forget everything; parts in the folder are written over."""
        self.sightings, self.about = [], None
        self._parts = self._kept = 0


def _part_name(number: int) -> str:
    return f"part_{number:05d}.npz"


def _read_about(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _to_arrays(sightings: Sequence[Sighting]) -> dict[str, np.ndarray]:
    boxes, keypoints = [s.boxes for s in sightings], [s.keypoints for s in sightings]
    doubts = [asdict(doubt) | {"index": s.index} for s in sightings for doubt in s.doubts]
    return {
        "index": np.array([s.index for s in sightings]),
        "time_s": np.array([s.time_s for s in sightings]),
        "size_hw": np.array([s.size_hw for s in sightings]),
        "count": np.array([len(b) for b in boxes]),
        "xyxy": np.concatenate([b.xyxy for b in boxes]),
        "box_score": np.concatenate([b.score for b in boxes]),
        "person_id": np.concatenate([np.zeros(0, int) if b.person_id is None else b.person_id for b in boxes]),
        "xy": np.concatenate([k.xy for k in keypoints]),
        "score": np.concatenate([k.score for k in keypoints]),
        "names": np.array(keypoints[0].names),
        "doubts": np.array(json.dumps(doubts)),
    }


def _read(path: Path) -> list[Sighting] | None:
    """Return the sightings of a part, or None if it is damaged."""
    try:
        # Opened here, since `np.load` leaves a damaged file open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            values: dict[str, np.ndarray] = dict(file)
        return _from_arrays(values)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _from_arrays(values: dict[str, np.ndarray]) -> list[Sighting]:
    names = tuple(map(str, values["names"]))
    doubts: dict[int, list[Doubt]] = {}
    for doubt in json.loads(str(values["doubts"])):
        said = Doubt(doubt["time_s"], tuple(doubt["person_ids"]), doubt["what"])
        doubts.setdefault(doubt["index"], []).append(said)
    sightings: list[Sighting] = []
    end = 0
    for index, time_s, (height, width), count in zip(
        *(values[name].tolist() for name in ("index", "time_s", "size_hw", "count")), strict=True
    ):
        row, end = slice(end, end + count), end + count
        boxes = Boxes(values["xyxy"][row], values["box_score"][row], values["person_id"][row])
        keypoints = Keypoints2D(values["xy"][row], values["score"][row], names)
        sightings.append(Sighting(index, time_s, (height, width), boxes, keypoints, tuple(doubts.get(index, ()))))
    return sightings
