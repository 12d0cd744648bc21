"""T-posed bodies in, the 24 anatomical joint centres and the convex regressor that finds them from skin out."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.dofs import JOINT_NAMES
from train.body.landmarks import locate
from train.body.regressor import convex_weights, nearest
from train.body.regroup import mirrored_joint
from train.body.source import Rig

# Hara et al. 2016: hip centre from the midline, mm = 8 + 0.086 x leg length (ASIS to medial malleolus).
HARA_OFFSET_M, HARA_SLOPE = 0.008, 0.086
# Depth of the hip centre from the skin of the ASIS to that of the PSIS. Hara's depth (mm = 0.063 x leg length - 11) and
# a pelvis tilted 12 degrees put it 60 mm behind the ASIS, which lies 9 mm under the skin. The source's bone is 35 mm
# too far back; only its height is kept.
HIP_DEPTH = 0.41
# Mid-ASIS from mid-hips, in statures, as in the Rajagopal model: 74 mm up and 52 mm forward at 1.75 m.
PELVIS_UP, PELVIS_FRONT = 0.0424, 0.0297
# Joints at the top of each spine arc, 0.635 and 0.815 statures from the floor: about L1-L2, between the skin of the
# back and of the flanks, and T2-T3, between the skin of the back and the sternal notch. Weight of the skin of the back.
LUMBAR_BACK, THORAX_BACK = 0.53, 0.63
# C1-C2 from the midpoint of the tragi, in statures.
HEAD_DOWN, HEAD_BACK = 0.029, 0.016
# The source's shoulder bone is a little wide, its elbow a little far out, in statures.
SHOULDER_IN, ELBOW_IN = 0.004, 0.0035
# Acromioclavicular point from the glenohumeral centre (20 mm up) and radius from ulna along the epicondyles.
SCAPULA_IN, SCAPULA_UP = 0.006, 0.0114
RADIUS_OUT, RADIUS_UP = 0.008, 0.010
TOES_UP = 0.009
CANDIDATES = 600

Landmarks = dict[str, tuple[ndarray, ndarray]]


def stature(points: Float[ndarray, "n v 3"]) -> Float[ndarray, "n"]:
    """Height from the lowest to the highest vertex."""
    return np.ptp(points[..., 1], axis=1)


def anatomical_targets(
    rig: Rig, landmarks: Landmarks, points: Float[ndarray, "n v 3"], heads: Float[ndarray, "n b 3"]
) -> Float[ndarray, "n 24 3"]:
    """Place all joint centres of T-posed bodies from skin landmarks and the source's bones, symmetrically."""
    tall = stature(points)[:, None]
    joints = np.zeros((len(points), len(JOINT_NAMES), 3))
    set_joint = {name: joints[:, i] for i, name in enumerate(JOINT_NAMES)}
    for side, sign in (("r", -1.0), ("l", 1.0)):
        at = {name[:-2]: locate(points, landmarks[name]) for name in landmarks if name.endswith(f"_{side}")}
        bone = {
            name: heads[:, rig.bone(f"{name}.{side.upper()}")] for name in ("upperleg01", "upperarm01", "lowerarm01")
        }
        _leg_targets(set_joint, side, sign, at, bone, tall)
        _arm_targets(set_joint, side, sign, at, bone, tall)
    hips = (set_joint["femur_r"] + set_joint["femur_l"]) / 2
    set_joint["pelvis"][:] = hips + tall * np.array([0, PELVIS_UP, PELVIS_FRONT])
    skin = {
        name: locate(points, landmarks[name])
        for name in ("l1", "waist_r", "waist_l", "t3", "sternal_notch", "ear_r", "ear_l")
    }
    flanks = (skin["waist_r"] + skin["waist_l"]) / 2
    set_joint["lumbar_body"][:] = LUMBAR_BACK * skin["l1"] + (1 - LUMBAR_BACK) * flanks
    set_joint["thorax"][:] = THORAX_BACK * skin["t3"] + (1 - THORAX_BACK) * skin["sternal_notch"]
    set_joint["head"][:] = (skin["ear_r"] + skin["ear_l"]) / 2 - tall * np.array([0, HEAD_DOWN, HEAD_BACK])
    return (joints + joints[:, mirrored_joint()] * np.array([-1.0, 1, 1])) / 2


def hip_centre(bone: Float[ndarray, "n 3"], at: dict[str, ndarray], sign: float) -> Float[ndarray, "n 3"]:
    """Place a hip: width and depth from skin landmarks `at`, height of the source's bone."""
    leg = np.linalg.norm(at["asis"] - at["ankle_med"], axis=-1)
    depth = at["asis"][:, 2] + HIP_DEPTH * (at["psis"][:, 2] - at["asis"][:, 2])
    return np.stack([sign * (HARA_OFFSET_M + HARA_SLOPE * leg), bone[:, 1], depth], axis=-1)


def _leg_targets(joint: dict, side: str, sign: float, at: dict, bone: dict, tall: ndarray) -> None:
    joint[f"femur_{side}"][:] = hip_centre(bone["upperleg01"], at, sign)
    joint[f"tibia_{side}"][:] = (at["knee_lat"] + at["knee_med"]) / 2
    ankle = (at["ankle_lat"] + at["ankle_med"]) / 2
    joint[f"talus_{side}"][:] = ankle
    joint[f"calcn_{side}"][:] = 0.3 * ankle + 0.45 * at["heel"] + 0.25 * at["heel_sole"]
    joint[f"toes_{side}"][:] = (at["mtp1"] + at["mtp5"]) / 2 + tall * np.array([0, TOES_UP, 0])


def _arm_targets(joint: dict, side: str, sign: float, at: dict, bone: dict, tall: ndarray) -> None:
    shoulder = bone["upperarm01"] - tall * np.array([sign * SHOULDER_IN, 0, 0])
    joint[f"humerus_{side}"][:] = shoulder
    joint[f"scapula_{side}"][:] = shoulder + tall * np.array([-sign * SCAPULA_IN, SCAPULA_UP, 0])
    elbow = bone["lowerarm01"] - tall * np.array([sign * ELBOW_IN, 0, 0])
    elbow[:, 1:] = (elbow[:, 1:] + (at["elbow_lat"] + at["elbow_med"])[:, 1:] / 2) / 2
    joint[f"ulna_{side}"][:] = elbow
    joint[f"radius_{side}"][:] = elbow + tall * np.array([sign * RADIUS_OUT, RADIUS_UP, 0])
    joint[f"hand_{side}"][:] = (at["wrist_rad"] + at["wrist_uln"]) / 2


def fit_regressor(
    rig: Rig, points: Float[ndarray, "n v 3"], targets: Float[ndarray, "n 24 3"]
) -> Float[ndarray, "24 v"]:
    """Solve convex vertex weights for every joint; left rows are exact mirrors of right ones."""
    mean, centre = points.mean(axis=0), targets.mean(axis=0)
    out, partner = np.zeros((len(JOINT_NAMES), points.shape[1])), mirrored_joint()
    for joint, name in enumerate(JOINT_NAMES):
        if name.endswith("_l"):
            continue
        chosen = candidates(rig, mean, centre[joint], name)
        out[joint, chosen] = convex_weights(points[:, chosen], targets[:, joint])
        if partner[joint] == joint:
            out[joint] = (out[joint] + out[joint][rig.mirror]) / 2
        else:
            out[partner[joint]] = out[joint][rig.mirror]
    return out


def candidates(rig: Rig, mean: Float[ndarray, "v 3"], centre: Float[ndarray, "3"], name: str) -> Int[ndarray, "c"]:
    """Vertices a joint may use: the nearest ones, both sides for midline joints, its own side otherwise."""
    if name.endswith("_r"):
        own = np.flatnonzero(mean[:, 0] < 0.02)
        return own[nearest(mean[own], centre, CANDIDATES)]
    chosen = nearest(mean, centre, CANDIDATES)
    return np.unique(np.concatenate([chosen, rig.mirror[chosen]]))


def regress(regressor: Float[ndarray, "j v"], points: Float[ndarray, "n v 3"]) -> Float[ndarray, "n j 3"]:
    """Apply the regressor to bodies."""
    return np.einsum("jv,nvc->njc", regressor, points, optimize=True)
