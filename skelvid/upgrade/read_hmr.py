"""Tars of pictures with a list of people each, as 4D-Humans is trained on: `KEY.jpg` and `KEY.data.pyd`.

Every person is fitted for themselves; where they stand before the camera these files do not say.
"""

import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.body.unpickle import NumbersUnpickler
from skelvid.upgrade.sample import verdict_bit
from skelvid.upgrade.sequence import Entry, SmplSequence, body_rotations, named_after

LICENCE = "as the owners of the pictures say; labels of 4D-Humans are for research only"
_PEOPLE = ".data.pyd"
_PICTURES = ("jpg", "png")
_TOGETHER = 128  # pictures of one sequence: so many are in memory at once
_SCALE_PX = 200.0  # boxes are told in units of this


def hmr_entries(path: Path) -> list[Entry]:
    """Cut a tar into some pictures each."""
    count = len(_keys(path))
    starts = range(0, count, _TOGETHER)
    return [Entry(f"{named_after(path)}-{s:06d}", min(_TOGETHER, count - s), "smpl", "neutral", None) for s in starts]


def read_hmr(path: Path, name: str) -> SmplSequence:
    """Read the people of some pictures of a tar.

    Raises:
        ValueError: There is nobody with a pose in these pictures.
    """
    start = int(name.rpartition("-")[2])
    people: list[Mapping[str, Any]] = []
    pictures: list[tuple[str, bytes]] = []
    with tarfile.open(path, "r:*") as tar:
        members = {member.name: member for member in tar.getmembers()}
        for key in _keys(path)[start : start + _TOGETHER]:
            suffix = next((s for s in _PICTURES if f"{key}.{s}" in members), None)
            if suffix is None:
                raise ValueError(f"{key} has no picture")
            picture, listed = (_content(tar, members[f"{key}{end}"]) for end in (f".{suffix}", _PEOPLE))
            for person in _unpickled(listed):
                if person.get("has_body_pose", 1):
                    people.append(person)
                    pictures.append((suffix, picture))
    if not people:
        raise ValueError(f"{name}: no person in these pictures has a pose")
    shaped = np.array([bool(person.get("has_betas", 1)) for person in people])
    betas = np.stack([np.asarray(person["betas"], dtype=float).reshape(-1)[:10] for person in people])
    pose = np.stack([np.asarray(person["body_pose"], dtype=float).reshape(-1) for person in people])
    return SmplSequence(
        name,
        "smpl",
        "neutral",
        rotvec=body_rotations(pose),
        betas=np.where(shaped[:, None], betas, 0.0),
        trans_m=None,
        time_s=None,
        axes="camera",
        labels={
            "box_xyxy": np.stack([_box(person) for person in people]),
            "verdict": np.where(shaped, 0, verdict_bit("source")),
        },
        pictures=tuple(pictures),
    )


def _keys(path: Path) -> list[str]:
    with tarfile.open(path, "r:*") as tar:
        return [name.removesuffix(_PEOPLE) for name in tar.getnames() if name.endswith(_PEOPLE)]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is no file")
    return file.read()


def _unpickled(data: bytes) -> list[Mapping[str, Any]]:
    people = NumbersUnpickler(BytesIO(data), encoding="latin1").load()
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ValueError("a list of people is expected with each picture")
    return people


def _box(person: Mapping[str, Any]) -> np.ndarray:
    center = np.asarray(person["center"], dtype=float).reshape(2)
    half = np.broadcast_to(np.asarray(person["scale"], dtype=float) * _SCALE_PX / 2, (2,))
    return np.concatenate([center - half, center + half])
