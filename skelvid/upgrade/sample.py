"""One training sample: a picture of a person, or a sequence without pictures, with its labels; to bytes and back.

`FIELDS` is THE table of labels; docs/training_format.md is made from it.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skelvid.datatypes.motion import CONTACT_POINTS
from skelvid.datatypes.skel import N_BETAS, N_DOFS

LANDMARK_STATES = ("absent", "visible", "occluded", "outside")  # `landmark_state` counts from 0
VERDICTS = ("residual", "limits", "jump", "source")  # bits of `verdict`, from 1; 0 = nothing against the frame
PICTURES = ("jpg", "png")
PART_MASK = "parts.png"
LABELS = "npz"


@dataclass(frozen=True)
class LabelField:
    """One label: shape of one frame, NumPy type, whether a sequence has a row for each frame, its meaning.

    A letter in the shape is the number of names that the manifest lists.
    """

    shape: tuple[int | str, ...]
    dtype: str
    per_frame: bool
    meaning: str


def _of(meaning: str, *shape: int | str, dtype: str = "<f4", per_frame: bool = True) -> LabelField:
    return LabelField(shape, dtype, per_frame, meaning)


def _text(meaning: str) -> LabelField:
    return LabelField((), "U", False, meaning)


REQUIRED = ("body", "source", "licence", "axes", "q", "betas")
FIELDS: dict[str, LabelField] = {
    "body": _text("the body that q and betas belong to: a key of `bodies` in the manifest"),
    "source": _text("where the sample comes from: a key of `sources` in the manifest"),
    "licence": _text("what may be done with it"),
    "axes": _text('"camera": x right, y down, z forward; "world": x left, y up, z front of the template'),
    "identity": _text("who: the same text for the same person; people are never split over training and test"),
    "motion": _text("what clip or pose"),
    "q": _of("SKEL's angles, rad, in the order of docs/conventions.md; the first three turn the root", N_DOFS),
    "q_sigma_rad": _of("standard deviation of q, rad; infinite where nothing is known", N_DOFS),
    "betas": _of("shape, in standard deviations of the body's own space; one for a sequence", N_BETAS, per_frame=False),
    "trans_m": _of("translation added to every point, m", 3),
    "up": _of("unit vector against gravity", 3),
    "time_s": _of("time in the film or motion, s; rising", dtype="<f8"),
    "frame": _of("number of the frame in the source, from 0", dtype="<i4"),
    "focal_px": _of("focal length of the picture, px; square pixels, no distortion", per_frame=False),
    "center_px": _of("principal point (x, y), px; (0, 0) is the outer corner of the first pixel", 2, per_frame=False),
    "size_hw": _of("height and width of the picture, px", 2, dtype="<i4", per_frame=False),
    "box_xyxy": _of("box around the person, also what is hidden or outside, px", 4),
    "landmarks_px": _of("landmarks in the picture, px", "landmarks", 2),
    "landmarks_m": _of("the same in 3D, m, in the axes of the sample, translation included", "landmarks", 3),
    "landmark_state": _of(" ".join(f"{i} {name}" for i, name in enumerate(LANDMARK_STATES)), "landmarks", dtype="|u1"),
    "contact": _of(f"probability that {', '.join(CONTACT_POINTS)} rest on the ground", len(CONTACT_POINTS)),
    "residual_mm": _of("mean distance of the fitted surface from the source's, mm"),
    "beyond_limits_deg": _of("how far the worst angle lies beyond its soft limit, degrees"),
    "verdict": _of("bits: " + ", ".join(f"{1 << i} {name}" for i, name in enumerate(VERDICTS)) + "; 0 good",
                   dtype="|u1"),
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """One picture with labels, or one sequence of labels (`q` then is `t 46`).

    What is not known is absent. Values are converted to the types of `FIELDS`.

    Attributes:
        key: Name, unique in the data set: letters, digits, `_` and `-`.
        labels: By the names of `FIELDS`.
        files: Encoded pictures: `jpg` or `png`, and `parts.png`, whose values the manifest names.

    Raises:
        ValueError: A label is unknown, missing, not finite or of the wrong shape; says which.
    """

    key: str
    labels: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.key)
        unknown = sorted({*self.labels} - {*FIELDS}) + sorted({*self.files} - {*PICTURES, PART_MASK})
        missing = sorted({*REQUIRED} - {*self.labels})
        if unknown or missing:
            raise ValueError(
                f"{self.key}: unknown {', '.join(unknown) or 'none'}; missing {', '.join(missing) or 'none'}"
            )
        labels = {name: np.asarray(self.labels[name]) for name in FIELDS if name in self.labels}
        frames = labels["q"].shape[:-1]
        if len(frames) > 1:
            raise ValueError(f"{self.key}: q must have shape [46] or [t, 46], got {labels['q'].shape}")
        sizes: dict[str, int] = {}
        for name, value in labels.items():
            labels[name] = _checked(f"{self.key}: {name}", value, FIELDS[name], frames, sizes)
        if str(labels["axes"]) not in ("camera", "world"):
            raise ValueError(f"{self.key}: axes must be camera or world, got {labels['axes']}")
        object.__setattr__(self, "labels", labels)

    @property
    def frames(self) -> int | None:
        """Number of frames of a sequence, or None for a picture."""
        return None if self.labels["q"].ndim == 1 else len(self.labels["q"])


def check_name(name: str) -> None:
    """Refuse names that WebDataset would cut in two or a file system would not keep.

    Raises:
        ValueError: The name has other characters than letters, digits, `_` and `-`.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"a name is made of letters, digits, '_' and '-', got {name!r}")


def _checked(name: str, value: np.ndarray, known: LabelField, frames: tuple[int, ...], sizes: dict[str, int]) -> Any:
    if known.dtype == "U":
        if value.dtype.kind != "U" or value.shape != () or not str(value):
            raise ValueError(f"{name} must be a text, got {value!r}")
        return value
    expected = (*(frames if known.per_frame else ()), *known.shape)
    if len(value.shape) == len(expected):
        for size, dim in zip(value.shape, expected, strict=True):
            if isinstance(dim, str):
                sizes.setdefault(dim, size)
    expected = tuple(sizes.get(dim, -1) if isinstance(dim, str) else dim for dim in expected)
    if value.shape != expected or value.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be numbers of shape {expected}, got {value.dtype} {value.shape}")
    value = value.astype(known.dtype)
    # A point that is absent, or behind the camera, has no place in the picture.
    if not name.endswith(("landmarks_px", "landmarks_m", "q_sigma_rad")) and not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite: leave out what is not known")
    return value


def verdict_bit(name: str) -> int:
    """Return the bit that one of `VERDICTS` sets.

    >>> verdict_bit("limits")
    2
    """
    return 1 << VERDICTS.index(name)


def encode(sample: Sample) -> dict[str, bytes]:
    """Return the files of a sample by their suffix; the same sample gives the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **sample.labels)
    return {**dict(sorted(sample.files.items())), LABELS: buffer.getvalue()}


def decode(key: str, files: Mapping[str, bytes]) -> Sample:
    """Undo `encode`.

    Raises:
        ValueError: The labels are missing, damaged, or not such as `Sample` takes.
    """
    if LABELS not in files:
        raise ValueError(f"{key}: no labels")
    try:
        with np.load(io.BytesIO(files[LABELS]), allow_pickle=False) as archive:
            labels = {name: archive[name] for name in archive.files}
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{key}: labels cannot be read ({error})") from error
    return Sample(key, labels, {suffix: data for suffix, data in files.items() if suffix != LABELS})
