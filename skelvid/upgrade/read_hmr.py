"""Tars of pictures with a list of people each, as 4D-Humans is trained on: `KEY.jpg` and `KEY.data.pyd`.

Every person is fitted for themselves. Their turn is taken to be the one that a camera sees which looks straight at
their box, as 4D-Humans takes it. Where they stand these files do not say: their 2D keypoints do, once a focal length is
assumed.
"""

import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skelvid.body.unpickle import NumbersUnpickler
from skelvid.upgrade.placed import LIMBS, straight_at
from skelvid.upgrade.sample import verdict_bit
from skelvid.upgrade.sequence import Entry, SmplSequence, body_rotations, named_after

LICENCE = "as the owners of the pictures say; labels of 4D-Humans are for research only"
_PEOPLE = ".data.pyd"
_PICTURES = ("jpg", "png")
_TOGETHER = 128  # pictures of one sequence: so many are in memory at once
SCALE_PX = 200.0  # boxes are told in units of this
ASSUMED_FOCAL = 0.7  # of the longer side of a picture, as for films
N_KEYPOINTS = 44
# Rows of their keypoints, as OpenPose counts them, then again as SPIN does: the surer of the two counts.
KEYPOINT_ROWS = {
    "right_shoulder": (2, 33), "right_elbow": (3, 32), "right_wrist": (4, 31), "left_shoulder": (5, 34),
    "left_elbow": (6, 35), "left_wrist": (7, 36), "right_hip": (9, 27), "right_knee": (10, 26), "right_ankle": (11, 25),
    "left_hip": (12, 28), "left_knee": (13, 29), "left_ankle": (14, 30),
}  # fmt: skip


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
    boxes, view = np.stack([_box(person) for person in people]), np.stack([_view(data) for _, data in pictures])
    return SmplSequence(
        name,
        "smpl",
        "neutral",
        rotvec=body_rotations(pose),
        betas=np.where(shaped[:, None], betas, 0.0),
        trans_m=None,
        time_s=None,
        axes="camera",
        to_axes=straight_at(boxes, view),
        labels={"box_xyxy": boxes, "verdict": np.where(shaped, 0, verdict_bit("source"))},
        view=view,
        keypoints_px=np.stack([_keypoints(person) for person in people]),
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
    half = np.broadcast_to(np.asarray(person["scale"], dtype=float) * SCALE_PX / 2, (2,))
    return np.concatenate([center - half, center + half])


def _view(picture: bytes) -> np.ndarray:
    """Return the assumed focal length and the middle of a picture, px."""
    with Image.open(BytesIO(picture)) as opened:
        width, height = opened.size
    return np.array([ASSUMED_FOCAL * max(width, height), width / 2, height / 2])


def _keypoints(person: Mapping[str, Any]) -> np.ndarray:
    """Return x, y, px, and confidence of the limbs."""
    out = np.zeros((len(LIMBS), 3))
    if "keypoints_2d" in person:
        known = np.nan_to_num(np.asarray(person["keypoints_2d"], dtype=float).reshape(-1, 3))
        for place, name in enumerate(LIMBS):
            row = max((r for r in KEYPOINT_ROWS[name] if r < len(known)), key=lambda r: known[r, 2])
            out[place] = known[row] + [0.5, 0.5, 0.0]  # their pixel centres lie at whole numbers
    return out
