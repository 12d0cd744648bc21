"""Pictures of people with what is known of them: labels of the training format in, and out in the mirror too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from skelvid.body.dofs import mirror_index_and_sign
from skelvid.body.keypoints import keypoint_meaning, keypoint_points
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.regress.output import POINTS, mirror_point
from skelvid.upgrade.sample import LANDMARK_STATES
from train.synth.world import MIRROR_PART

ABSENT, VISIBLE, OCCLUDED, OUTSIDE = range(len(LANDMARK_STATES))
MIRRORED_POINTS = [POINTS.index(mirror_point(name)) for name in POINTS]
_NEAR_M = 0.05


@dataclass(frozen=True)
class Picture:
    """A person in a picture.

    Attributes:
        image: `h w 3` sRGB.
        xyxy: Box around the whole person, px.
        focal_px, center_px: Of the camera.
        points_px: `k 2` where `POINTS` are; NaN where unknown. state: `k` as `LANDMARK_STATES` counts.
        parts: `h w` body parts, or None.
        q, betas, trans_m: SKEL's parameters in the camera's axes, or None.
    """

    image: UInt8[np.ndarray, "h w 3"]
    xyxy: Float[np.ndarray, "4"]
    focal_px: float
    center_px: Float[np.ndarray, "2"]
    points_px: Float[np.ndarray, "k 2"]
    state: UInt8[np.ndarray, "k"]
    parts: UInt8[np.ndarray, "h w"] | None = None
    q: Float[np.ndarray, "46"] | None = None
    betas: Float[np.ndarray, "10"] | None = None
    trans_m: Float[np.ndarray, "3"] | None = None


def decoded(data: bytes, *, grey: bool = False) -> np.ndarray:
    """Return an encoded picture as RGB `h w 3`, or `h w` as it is."""
    flags = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None:
        raise ValueError("not a picture")
    return image


def labelled(
    image: np.ndarray, parts: np.ndarray | None, labels: Mapping[str, Any], names: Sequence[str], body: SkelBody
) -> Picture:
    """Return a picture of the training format.

    Args:
        image: `h w 3`.
        parts: `h w` or None.
        labels: Of one moment, by the names of `skelvid.upgrade.sample.FIELDS`.
        names: Of its landmarks, as the manifest tells; joints as `joint_NAME`.
        body: The body that q and betas are of, for pictures without landmarks.

    Raises:
        ValueError: Camera or box are not known: such a picture cannot be learnt from.
    """
    missing = [name for name in ("focal_px", "center_px", "box_xyxy", "trans_m") if name not in labels]
    if missing or str(labels.get("axes", "camera")) != "camera":
        raise ValueError(f"a picture needs labels in the camera's axes and {', '.join(missing) or 'nothing else'}")
    focal, center = float(labels["focal_px"]), np.asarray(labels["center_px"], np.float32)
    if "landmarks_m" in labels:
        weight = _mixes(tuple(names))
        known, state = np.asarray(labels["landmarks_m"]), np.asarray(labels["landmark_state"])
        points = weight @ np.nan_to_num(known).astype(np.float32)
        seen, absent = weight @ (state == VISIBLE) > 0.49, weight @ (state == ABSENT) > 0
    else:
        tensors = (torch.as_tensor(np.asarray(labels[name]))[None] for name in ("q", "betas", "trans_m"))
        points = body.skin_points(SkelParams(*tensors), keypoint_points(body, POINTS))[0].numpy()
        seen, absent = np.ones(len(POINTS), bool), np.zeros(len(POINTS), bool)
    before = points[:, 2] > _NEAR_M
    at = points[:, :2] / np.maximum(points[:, 2:], _NEAR_M) * focal + center
    inside = before & (at >= 0).all(1) & (at < image.shape[1::-1]).all(1)
    state = np.select([absent, ~inside, ~seen], [ABSENT, OUTSIDE, OCCLUDED], VISIBLE).astype(np.uint8)
    at = np.where((before & ~absent)[:, None], at, np.nan).astype(np.float32)
    pose = (np.asarray(labels[name], np.float32) for name in ("q", "betas", "trans_m"))
    return Picture(image, np.asarray(labels["box_xyxy"], np.float32), focal, center, at, state, parts, *pose)


_KNOWN_MIXES: dict[tuple[str, ...], Float[np.ndarray, "k n"]] = {}


def _mixes(names: tuple[str, ...]) -> Float[np.ndarray, "k n"]:
    """Return of which landmarks each of `POINTS` is the sum."""
    if names not in _KNOWN_MIXES:
        index = {name.removeprefix("joint_"): i for i, name in enumerate(names)}
        weight = np.zeros((len(POINTS), len(names)), np.float32)
        for row, point in zip(weight, POINTS, strict=True):
            for part, share in keypoint_meaning(point).items():
                row[index[part]] = share
        _KNOWN_MIXES[names] = weight
    return _KNOWN_MIXES[names]


def mirrored(picture: Picture) -> Picture:
    """Return the picture in the mirror, with what is known of the person seen there."""
    index, sign = mirror_index_and_sign()
    width = picture.image.shape[1]
    flip = np.array([-1, 1, 1], np.float32)
    points = picture.points_px[MIRRORED_POINTS] * flip[:2] + np.array([width, 0], np.float32)
    out = replace(
        picture,
        image=np.ascontiguousarray(picture.image[:, ::-1]),
        xyxy=(picture.xyxy[[2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]).astype(np.float32),
        center_px=picture.center_px * flip[:2] + np.array([width, 0], np.float32),
        points_px=points,
        state=picture.state[MIRRORED_POINTS],
    )
    if picture.parts is not None:
        out = replace(out, parts=np.array(MIRROR_PART, np.uint8)[picture.parts[:, ::-1]])
    if picture.q is not None and picture.trans_m is not None:
        out = replace(out, q=(picture.q[index] * sign).astype(np.float32), trans_m=picture.trans_m * flip)
    return out
