"""One person's SMPL motion, whatever file it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from skelvid.upgrade.models import N_BODY_JOINTS, Kind
from skelvid.upgrade.sample import FIELDS

# Most motion capture counts z as up; SKEL's template y.
Z_UP = Rotation.from_euler("x", -90, degrees=True).as_matrix()


@dataclass(frozen=True)
class Entry:
    """One sequence of a file: its name there, number of frames (or pictures), whose parameters, frames per second."""

    name: str
    frames: int
    kind: Kind
    sex: str
    rate_hz: float | None


@dataclass(frozen=True)
class SmplSequence:
    """SMPL parameters of one person over time, or of one or more people in pictures.

    Attributes:
        name: Of the sequence: letters, digits, `_` and `-`.
        kind, sex: Whose parameters they are.
        rotvec: `t 22 3` rotation vectors of the body's joints, the root's first; hands are left out.
        betas: `n` shape, or `t n` where each frame is another person.
        trans_m: `t 3`, or None if unknown.
        time_s: `t` strictly rising; None where frames are not consecutive.
        axes: "camera" or "world": in which of these axes `to_axes` and `place_m` lay the body.
        to_axes: `t 3 3` or `1 3 3` turns the file's world into those axes; place_m: `t 3` or `1 3` is added then.
        identity: Who, if known.
        frame: `t` numbers of the frames in the source.
        labels: Further labels of the training format, without or with a row per frame.
        view: `t 3` or `1 3` focal length and principal point of the pictures, px, where known or assumed.
        keypoints_px: `t 12 3` x, y and confidence of `placed.LIMBS`; they place a person who has no `trans_m`.
        pictures: `t` encoded pictures and their suffix, where they come with the file.
        picture_files: `t` names of picture files, relative to a folder that the user names.
    """

    name: str
    kind: Kind
    sex: str
    rotvec: Float[np.ndarray, "t 22 3"]
    betas: Float[np.ndarray, "*b n"]
    trans_m: Float[np.ndarray, "t 3"] | None
    time_s: Float[np.ndarray, "t"] | None
    axes: str
    to_axes: Float[np.ndarray, "#t 3 3"] = field(default_factory=lambda: np.eye(3)[None])
    place_m: Float[np.ndarray, "#t 3"] = field(default_factory=lambda: np.zeros((1, 3)))
    identity: str | None = None
    frame: np.ndarray | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    view: Float[np.ndarray, "#t 3"] | None = None
    keypoints_px: Float[np.ndarray, "t 12 3"] | None = None
    pictures: tuple[tuple[str, bytes], ...] | None = None
    picture_files: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        t = len(self.rotvec)
        if self.rotvec.shape != (t, N_BODY_JOINTS, 3) or not t:
            raise ValueError(f"{self.name}: rotations must have shape [t, 22, 3], got {self.rotvec.shape}")
        arrays = {"rotations": self.rotvec, "betas": self.betas, "translations": self.trans_m, "times": self.time_s}
        for name, value in arrays.items():
            if value is not None and not np.isfinite(value).all():
                raise ValueError(f"{self.name}: {name} are not finite")
        for name in ("trans_m", "time_s", "frame", "keypoints_px", "pictures", "picture_files"):
            value = getattr(self, name)
            if value is not None and len(value) != t:
                raise ValueError(f"{self.name}: {len(value)} {name} for {t} frames")
        if self.time_s is not None and not (np.diff(self.time_s) > 0).all():
            raise ValueError(f"{self.name}: times do not rise")

    def __len__(self) -> int:
        return len(self.rotvec)


def clean_name(text: str) -> str:
    """Return a text as a name of the training format: other characters than letters, digits, `_` and `-` give way.

    >>> clean_name("01/01 walk.v2")
    '01_01_walk_v2'
    """
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in text)


def named_after(path: Path) -> str:
    """Return what a sequence is called after its file and the folder it lies in."""
    return clean_name("-".join([*path.parts[-2:-1], path.stem]))


def body_rotations(poses: np.ndarray) -> Float[np.ndarray, "t 22 3"]:
    """Return the rotation vectors of the body's joints out of flat or shaped poses of any SMPL.

    Raises:
        ValueError: There are fewer than 22.
    """
    flat = np.asarray(poses, dtype=np.float64).reshape(len(poses), -1)
    if flat.shape[1] < 3 * N_BODY_JOINTS or flat.shape[1] % 3:
        raise ValueError(f"poses must have at least {3 * N_BODY_JOINTS} numbers a frame, got {flat.shape[1]}")
    return flat[:, : 3 * N_BODY_JOINTS].reshape(-1, N_BODY_JOINTS, 3)


def thinned(sequence: SmplSequence, rate_hz: float) -> SmplSequence:
    """Return every n-th frame of a faster sequence, so that about `rate_hz` are left; others stay as they are."""
    if sequence.time_s is None or len(sequence) < 2:
        return sequence
    step = max(1, round(float(1.0 / np.median(np.diff(sequence.time_s)) / rate_hz)))
    names = ("rotvec", "trans_m", "time_s", "frame", "keypoints_px", "pictures", "picture_files")
    cut = {name: value[::step] for name in names if (value := getattr(sequence, name)) is not None}
    # One row may stand for all frames.
    rows = {name: getattr(sequence, name) for name in ("to_axes", "place_m", "view")}
    both = {name: value[::step] for name, value in rows.items() if value is not None and len(value) > 1}
    labels = {n: np.asarray(v)[::step] if FIELDS[n].per_frame else v for n, v in sequence.labels.items()}
    return replace(sequence, **cut, **both, labels=labels)
