"""What the keypoints of image networks mean on the body: named sets go in, compiled points come out.

Each keypoint is a weighted sum of joint centres and skin landmarks. The choice says where annotators and networks put
the point on average, as read from the sets' own definitions (COCO keypoints, Lin et al. 2014; Halpe full body, Fang et
al. 2022; BlazePose, Bazarevsky et al. 2020); networks differ from it by centimetres, which is measured per source and
kept beside the source, not here.

Adding a new set: (1) add its names in its own order to `KEYPOINT_SETS`, (2) say in `_MEANING` what each new name means,
(3) `tests/body/test_keypoints.py` checks that left mirrors right and that every name resolves.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints, join_points, mix_points

COCO_17 = (
    "nose",
    *(f"{side}_{part}" for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
      for side in ("left", "right")),
)  # fmt: skip
HALPE_26 = (
    *COCO_17,
    "head",
    "neck",
    "hip",
    "left_big_toe",
    "right_big_toe",
    "left_small_toe",
    "right_small_toe",
    "left_heel",
    "right_heel",
)
BLAZEPOSE_33 = (
    "nose",
    *(f"{side}_{part}" for side in ("left", "right") for part in ("eye_inner", "eye", "eye_outer")),
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    *(f"{side}_{part}" for part in ("shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle",
                                    "heel", "foot_index") for side in ("left", "right")),
)  # fmt: skip
KEYPOINT_SETS: dict[str, tuple[str, ...]] = {
    "coco17": COCO_17,
    "halpe26": HALPE_26,
    "blazepose33": BLAZEPOSE_33,
}

# Without side: "left_knee" looks up "knee". Joints and landmarks in braces of their own side.
_MEANING: dict[str, dict[str, float]] = {
    "nose": {"nose": 1.0},
    "head": {"head_top": 1.0},
    "neck": {"humerus_r": 0.5, "humerus_l": 0.5},
    "hip": {"femur_{}": 1.0},
    "eye": {"eye_{}": 1.0},
    "eye_inner": {"eye_inner_{}": 1.0},
    "eye_outer": {"eye_outer_{}": 1.0},
    "ear": {"ear_{}": 1.0},
    "mouth": {"mouth_{}": 1.0},
    "shoulder": {"humerus_{}": 1.0},
    "elbow": {"elbow_lat_{}": 0.5, "elbow_med_{}": 0.5},
    "wrist": {"wrist_rad_{}": 0.5, "wrist_uln_{}": 0.5},
    "pinky": {"pinky_mcp_{}": 1.0},
    "index": {"index_mcp_{}": 1.0},
    "thumb": {"thumb_mcp_{}": 0.5, "thumb_tip_{}": 0.5},
    "knee": {"knee_lat_{}": 0.5, "knee_med_{}": 0.5},
    "ankle": {"ankle_lat_{}": 0.5, "ankle_med_{}": 0.5},
    "heel": {"heel_{}": 1.0},
    "big_toe": {"big_toe_{}": 1.0},
    "small_toe": {"small_toe_{}": 1.0},
    "foot_index": {"big_toe_{}": 1.0},
}
_MID_HIP = {"femur_r": 0.5, "femur_l": 0.5}


def keypoint_points(body: SkelBody, names: str | Sequence[str]) -> SkinnedPoints:
    """Compile the points of the body that a set of keypoints means.

    Args:
        body: A body with landmarks.
        names: A set of `KEYPOINT_SETS`, or keypoint names of any of the sets (all 3 share their names).

    Raises:
        ValueError: A name is unknown, or the body lacks a landmark that one needs.
    """
    wanted = KEYPOINT_SETS.get(names) if isinstance(names, str) else tuple(names)
    if wanted is None:
        raise ValueError(f"unknown keypoint set {names!r}; known: {', '.join(KEYPOINT_SETS)}")
    return named_points(body, [keypoint_meaning(name) for name in wanted])


def named_points(body: SkelBody, mixes: Sequence[Mapping[str, float]]) -> SkinnedPoints:
    """Compile weighted sums of joint centres and landmarks, given by their names.

    Raises:
        ValueError: The body has no such joint or landmark.
    """
    index = dict(JOINT_INDEX) | {name: len(JOINT_INDEX) + i for i, name in enumerate(body.landmark_names)}
    if missing := sorted({part for mix in mixes for part in mix if part not in index}):
        raise ValueError(f"this body has no landmark {', '.join(missing)}")
    weight = np.zeros((len(mixes), len(index)))
    for row, mix in zip(weight, mixes, strict=True):
        row[[index[part] for part in mix]] = list(mix.values())
    everything = join_points(body.joints, body.landmarks)
    return mix_points(everything, torch.as_tensor(weight, dtype=body.dtype, device=body.device))


def keypoint_meaning(name: str) -> dict[str, float]:
    """Return the joints and landmarks, with weights, whose sum is a keypoint.

    >>> keypoint_meaning("left_knee")
    {'knee_lat_l': 0.5, 'knee_med_l': 0.5}

    Raises:
        ValueError: The name belongs to none of the sets.
    """
    if name == "hip":
        return _MID_HIP
    words = name.split("_")
    side = next((word for word in words if word in ("left", "right")), None)
    part = "_".join(word for word in words if word != side)
    if part not in _MEANING:
        raise ValueError(f"unknown keypoint {name!r}")
    return {point.format(side[0] if side else ""): share for point, share in _MEANING[part].items()}
