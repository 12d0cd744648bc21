"""Where keypoint sources put their points, relative to `skelvid.body.keypoints`: one table, with its provenance.

An offset is fixed to the segment that carries the point, in that segment's OpenSim axes (x front, y proximal, z right;
the left side mirrored), so a source's point lies at `ours + joint_rot @ offset`. People differ from the mean by the SD.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.dofs import JOINT_INDEX

SOURCES = ("mediapipe", "coco", "halpe")
DEFAULT_SD_MM = 15.0
Millimetres = tuple[float, float, float]

# Segment of each kind of point; {} stands for the side. The first that occurs in the name counts.
_CARRIER = (
    ("shoulder", "thorax"), ("neck", "thorax"), ("elbow", "humerus_{}"), ("wrist", "radius_{}"),
    ("pinky", "hand_{}"), ("index", "hand_{}"), ("thumb", "hand_{}"), ("hip", "pelvis"), ("knee", "femur_{}"),
    ("ankle", "tibia_{}"), ("heel", "calcn_{}"), ("toe", "calcn_{}"), ("", "head"),
)  # fmt: skip
_FOOT_INDEX = "calcn_{}"  # holds "index", but is no finger

# Source -> kind of point, without side -> mean and SD, mm, on the right side.
#
# "mediapipe" (Pose Landmarker heavy, VIDEO mode): ONE man (1.79 m, T-shirt, shorts, shoes), squats and jumps, two
# calibrated phones 27 degrees apart, in front of him: opencap_cmbbe2024, measured on 2026-11-22 by
# `train.lift.measure_offsets`, which prints these rows. The reference is itself made from the two videos (OpenCap).
# What was measured is behind each row; the mean is that, shrunk towards zero by what one person can tell of the others:
# spread of the means 25 mm, of people 10, of the reference 10 (feet, in dark shoes, 20), and between cameras, trials
# and sides as found. Face and hands keep the default: the session does not tell how head and hands were turned.
# Nothing was measured for "coco" and "halpe": nobody in a video at hand has both their points and a reference.
_TABLE_MM: dict[str, dict[str, tuple[Millimetres, Millimetres]]] = {
    "mediapipe": {
        "shoulder": ((5.0, 9.0, -1.0), (18.0, 17.0, 17.0)),  # 8, 14, -1
        "elbow": ((13.0, 8.0, 2.0), (17.0, 17.0, 16.0)),  # 18, 12, 3
        "wrist": ((-6.0, -6.0, 2.0), (16.0, 17.0, 16.0)),  # -8, -9, 3
        "hip": ((2.0, -13.0, 10.0), (16.0, 17.0, 16.0)),  # 2, -18, 14
        "knee": ((10.0, -5.0, 13.0), (16.0, 17.0, 16.0)),  # 14, -7, 18
        "ankle": ((9.0, 6.0, -3.0), (16.0, 18.0, 17.0)),  # 12, 9, -5
        "heel": ((10.0, -14.0, -13.0), (20.0, 17.0, 20.0)),  # 19, -20, -25
        "foot_index": ((-32.0, -4.0, -11.0), (21.0, 17.0, 20.0)),  # -65, -5, -21; our big toe is some 15 mm long
    },
}


def kind_of(name: str) -> str:
    """Return a keypoint's name without its side.

    >>> kind_of("mouth_left"), kind_of("right_knee")
    ('mouth', 'knee')
    """
    return "_".join(word for word in name.split("_") if word not in ("left", "right"))


def carrier_joint(name: str) -> str:
    """Return the joint in whose frame the offset of a keypoint lives.

    >>> carrier_joint("left_foot_index")
    'calcn_l'
    """
    side = "l" if "left" in name else "r"
    if "foot_index" in name:
        return _FOOT_INDEX.format(side)
    return next(joint for part, joint in _CARRIER if part in name).format(side)


def offset_m(source: str, names: Sequence[str]) -> tuple[Float[Tensor, "k 3"], Float[Tensor, "k 3"], Int[Tensor, "k"]]:
    """Return the mean offset, m, its SD between people, m, and the index of the joint in whose frame they live.

    Raises:
        ValueError: The source has no table.
    """
    if source not in SOURCES:
        raise ValueError(f"unknown source {source!r}; known: {', '.join(SOURCES)}")
    table = _TABLE_MM.get(source, {})
    mean, sd = np.zeros((len(names), 3)), np.full((len(names), 3), DEFAULT_SD_MM)
    for row, name in enumerate(names):
        # A mid-point, such as "hip" of Halpe, has the names of no side: nothing is known of it.
        kind = kind_of(name)
        if kind in table and kind != name:
            mean[row], sd[row] = table[kind]
            mean[row, 2] *= -1.0 if "left" in name else 1.0
    joint = torch.tensor([JOINT_INDEX[carrier_joint(name)] for name in names])
    return torch.as_tensor(mean / 1000.0).float(), torch.as_tensor(sd / 1000.0).float(), joint
