"""Nearly T-posed bodies in; how far knees, feet and trunk are from the posture that reads zero in OpenSim out.

Angles read zero in the T-pose, so the T-pose must be the zero posture of Rajagopal's model (2016). What that is, is
read off the model's bones, joints and usual markers in their segments' frames, of the generic model and of one scaled
to a man; where they differ, something between. What is right without being asked for:

* thigh and shank: hip, knee and ankle in one upright line (joints of the model: 0.6 and 0.3 degrees off);
* ankle: sole square to the shank;
* ribs: sternum 18 degrees, axis of the ribcage (ISB) 4 degrees back; here 19 and 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.joints import Landmarks
from train.body.landmarks import locate

# Where the knee faces, outward: mean of what the patella (-1 to -3 degrees in the model) and the normal of the line
# through the epicondyles (bones 7, markers 2, scaled 3 and 6) say. The source's women's knees face 6 degrees inward,
# its men's 9 outward.
KNEE_OUT_RAD = np.deg2rad(1.3)
# From heel to second metatarsal head, outward (bones 2.0, markers 4.3, scaled 4.6 and 2.9).
FOOT_OUT_RAD = np.deg2rad(4.0)
# The second metatarsal head lies here on the way from the first to the fifth.
SECOND_TOE = 0.41
# From PSIS to ASIS, downward (bones 15, markers 5, scaled 3; both with the hip centres, as a body fits them: 11 to 12).
# People are said to stand with 11 to 13 (recalled, unverified).
PELVIS_DOWN_RAD = np.deg2rad(11.5)
# From mid-hips to mid-shoulders, backward (generic 4.4, scaled 5.0).
SHOULDERS_BACK_RAD = np.deg2rad(4.5)


@dataclass(frozen=True)
class Turns:
    """What brings bodies to zero: knees and feet turned outward, pelvis tilted forward, rad; shoulders backward, m."""

    knee: dict[str, Float[ndarray, "n"]]
    foot: dict[str, Float[ndarray, "n"]]
    pelvis_forward: Float[ndarray, "n"]
    shoulders_back_m: Float[ndarray, "n"]


def turns_to_zero(
    points: Float[ndarray, "n v 3"], landmarks: Landmarks, joints: Mapping[str, Float[ndarray, "n 3"]]
) -> Turns:
    """Compare bodies with the zero posture; joints by name, `femur_r`, `tibia_r`, `humerus_r` and their left ones."""
    knee, foot = {}, {}
    for side, sign in (("r", -1.0), ("l", 1.0)):
        at = {name[:-2]: locate(points, mark) for name, mark in landmarks.items() if name.endswith(f"_{side}")}
        across = at["knee_lat"] - at["knee_med"]
        normal = np.stack([-sign * across[:, 2], np.zeros(len(across)), sign * across[:, 0]], axis=-1)
        facing = (outward(normal, sign) + outward(at["patella"] - joints[f"tibia_{side}"], sign)) / 2
        toe = at["mtp1"] + SECOND_TOE * (at["mtp5"] - at["mtp1"])
        knee[side] = KNEE_OUT_RAD - facing
        foot[side] = FOOT_OUT_RAD - outward(toe - at["heel"], sign)
    spines = locate(points, landmarks["asis_r"]) - locate(points, landmarks["psis_r"])
    down = np.arctan2(-spines[:, 1], spines[:, 2])
    trunk = (joints["humerus_r"] + joints["humerus_l"] - joints["femur_r"] - joints["femur_l"]) / 2
    return Turns(knee, foot, PELVIS_DOWN_RAD - down, np.tan(SHOULDERS_BACK_RAD) * trunk[:, 1] + trunk[:, 2])


def outward(direction: Float[ndarray, "n 3"], sign: float) -> Float[ndarray, "n"]:
    """Angle from the front to the side that `sign` gives (+1: left), seen from above, rad."""
    return np.arctan2(sign * direction[:, 0], direction[:, 2])
