"""People in pictures: boxes around them, one person's boxes over time, and their keypoints.

Image coordinates are pixels, x right and y down, from the outer corner of the upper left pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Integer


@dataclass(frozen=True)
class Boxes:
    """Boxes around the people of one frame.

    Attributes:
        xyxy: `n 4` left, top, right, bottom, image px; may reach beyond the image.
        score: `n` in [0, 1].
        person_id: `n` numbers that stay with a person over the frames, or None before anyone was tracked.
    """

    xyxy: Float[np.ndarray, "n 4"]
    score: Float[np.ndarray, "n"]
    person_id: Integer[np.ndarray, "n"] | None = None

    def __post_init__(self) -> None:
        _check_boxes(self.xyxy)
        _check_scores(self.score)
        if self.score.shape != (len(self),):
            raise ValueError(f"score must have shape {(len(self),)}, one per box, got {self.score.shape}")
        if self.person_id is not None:
            if self.person_id.shape != (len(self),):
                raise ValueError(f"person_id must have shape {(len(self),)}, got {self.person_id.shape}")
            if len(np.unique(self.person_id)) < len(self):
                raise ValueError(f"person_id must differ within a frame, got {self.person_id}")

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: slice | np.ndarray) -> "Boxes":
        """Return some of the boxes."""
        person_id = None if self.person_id is None else self.person_id[index]
        return Boxes(self.xyxy[index], self.score[index], person_id)

    @classmethod
    def none(cls) -> "Boxes":
        """Return the boxes of a frame without people."""
        return cls(np.zeros((0, 4)), np.zeros(0))


@dataclass(frozen=True)
class Track:
    """One person's boxes over a video, in the frames where there is one.

    Attributes:
        person_id: Number of the person in the video.
        frame_index: `t` frames, strictly rising.
        xyxy: `t 4` boxes, image px.
    """

    person_id: int
    frame_index: Integer[np.ndarray, "t"]
    xyxy: Float[np.ndarray, "t 4"]

    def __post_init__(self) -> None:
        _check_boxes(self.xyxy)
        if self.frame_index.shape != (len(self),):
            raise ValueError(f"frame_index must have shape {(len(self),)}, got {self.frame_index.shape}")
        if not (np.diff(self.frame_index) > 0).all():
            raise ValueError("frame_index must be strictly rising")

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: slice | np.ndarray) -> "Track":
        """Return part of the track."""
        return Track(self.person_id, self.frame_index[index], self.xyxy[index])


@dataclass(frozen=True)
class Keypoints2D:
    """Named points of people in images; `*b` is the persons of a frame, or the frames of a person.

    Attributes:
        xy: `*b k 2` image px, NaN where a point is missing.
        score: `*b k` in [0, 1], how far the source trusts the point; 0 where it is missing.
        names: k names, as in `skelvid.body.keypoints`.
    """

    xy: Float[np.ndarray, "*b k 2"]
    score: Float[np.ndarray, "*b k"]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.xy.shape[-2:] != (len(self.names), 2) or self.score.shape != self.xy.shape[:-1]:
            raise ValueError(
                f"xy must have shape [..., {len(self.names)}, 2] and score the same without the 2, "
                f"got {self.xy.shape} and {self.score.shape}"
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names must differ, got {self.names}")
        _check_scores(self.score)
        if np.isinf(self.xy).any() or (self.score[np.isnan(self.xy).any(-1)] > 0.0).any():
            raise ValueError("xy must be finite, or NaN with score 0 where a point is missing")

    def __getitem__(self, index: Any) -> "Keypoints2D":
        """Index the leading dimensions, persons or frames."""
        # The dots keep an index meant for persons from reaching into the points.
        index = index if isinstance(index, tuple) else (index,)
        return Keypoints2D(self.xy[*index, ..., :, :], self.score[*index, ..., :], self.names)

    def pick(self, names: Sequence[str]) -> "Keypoints2D":
        """Return the points of these names in this order; those that are not among ours are missing."""
        column = {name: i for i, name in enumerate(self.names)}
        here = [i for i, name in enumerate(names) if name in column]
        picked = missing_keypoints(tuple(names), self.score.shape[:-1])
        picked.xy[..., here, :] = self.xy[..., [column[names[i]] for i in here], :]
        picked.score[..., here] = self.score[..., [column[names[i]] for i in here]]
        return picked


@dataclass(frozen=True)
class KeypointTrack:
    """One person's keypoints over a video: a row for every frame of it, missing where the person was not seen.

    Attributes:
        person_id: Number of the person in the video.
        time_s: `t` times of the frames, strictly rising.
        keypoints: `t k`.
    """

    person_id: int
    time_s: Float[np.ndarray, "t"]
    keypoints: Keypoints2D

    def __post_init__(self) -> None:
        if self.keypoints.score.shape[:-1] != self.time_s.shape:
            raise ValueError(
                f"keypoints must have a row for each of the {len(self.time_s)} times, got {self.keypoints.score.shape}"
            )
        if not (np.diff(self.time_s) > 0.0).all():
            raise ValueError("time_s must be strictly rising")

    def __len__(self) -> int:
        return len(self.time_s)


def missing_keypoints(names: tuple[str, ...], leading: tuple[int, ...]) -> Keypoints2D:
    """Return keypoints of which none was found.

    >>> missing_keypoints(("nose",), (1,)).xy
    array([[[nan, nan]]])
    """
    shape = (*leading, len(names))
    return Keypoints2D(np.full((*shape, 2), np.nan), np.zeros(shape), names)


def _check_boxes(xyxy: Float[np.ndarray, "n 4"]) -> None:
    if xyxy.ndim != 2 or xyxy.shape[1] != 4:
        raise ValueError(f"xyxy must have shape [n, 4], got {xyxy.shape}")
    if not (np.isfinite(xyxy).all() and (xyxy[:, :2] < xyxy[:, 2:]).all()):
        raise ValueError(f"boxes must be finite with left < right and top < bottom, got {xyxy}")


def _check_scores(score: Float[np.ndarray, "*b"]) -> None:
    if not ((score >= 0.0) & (score <= 1.0)).all():
        raise ValueError("scores must lie in [0, 1]")
