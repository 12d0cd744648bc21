import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import JOINT_NAMES
from train.body import proportions, tpose
from train.body.anthropometry import Subjects
from train.body.source import Rig

# An invented rest body: name -> (parent, head of the left or midline bone), arms down and bent, legs apart.
BONES = {
    "root": (None, (0, 0, 0)),
    "spine01": ("root", (0, 0.3, 0)),
    "clavicle": ("spine01", (0.02, 0.5, 0.02)),
    "shoulder01": ("clavicle", (0.1, 0.51, 0)),
    "upperarm01": ("shoulder01", (0.17, 0.5, 0)),
    "upperarm02": ("upperarm01", (0.22, 0.43, 0.01)),
    "lowerarm01": ("upperarm02", (0.33, 0.28, 0.01)),
    "lowerarm02": ("lowerarm01", (0.39, 0.22, 0.08)),
    "wrist": ("lowerarm02", (0.45, 0.16, 0.15)),
    "finger2-1": ("wrist", (0.48, 0.11, 0.21)),
    "finger3-1": ("wrist", (0.49, 0.10, 0.19)),
    "finger5-1": ("wrist", (0.49, 0.09, 0.15)),
    "pelvis": ("root", (0, 0, 0)),
    "upperleg01": ("pelvis", (0.09, -0.05, 0.01)),
    "upperleg02": ("upperleg01", (0.1, -0.2, 0.02)),
    "lowerleg01": ("upperleg02", (0.13, -0.45, 0.04)),
    "lowerleg02": ("lowerleg01", (0.15, -0.6, 0.02)),
    "foot": ("lowerleg02", (0.17, -0.87, 0.0)),
    "toe2-1": ("foot", (0.18, -0.92, 0.13)),
    "toe3-1": ("foot", (0.2, -0.92, 0.12)),
}


@pytest.fixture(scope="module")
def toy():
    """Rig and bone heads (1, b, 3); its only skin vertices are the heads, each moved by its parent bone."""
    names, parents, heads = [], [], []
    for stem, (parent, head) in BONES.items():
        sides = [("", 1)] if stem in ("root", "spine01") else [(".L", 1), (".R", -1)]
        for side, sign in sides:
            names.append(stem + side)
            up = parent if parent in ("root", "spine01", None) else f"{parent}{side}"
            parents.append(-1 if up is None else names.index(up))
            heads.append(np.array(head) * [sign, 1, 1])
    weights = np.eye(len(names))[[max(p, 0) for p in parents]]
    empty = np.zeros(len(names), int)
    rig = Rig(empty, np.zeros((0, 3), int), tuple(names), tuple(parents), weights, empty)
    return rig, np.array(heads)[None]


def posed_at(rig, pose, name):
    return pose.posed[0, rig.bone(name)]


@pytest.mark.parametrize(("side", "sign"), [("L", 1), ("R", -1)])
def test_arms_lie_along_x_with_the_palm_down(toy, side, sign):
    rig, heads = toy
    pose = tpose.tpose(rig, heads, {})
    shoulder, elbow, wrist, middle, index, pinky = (
        posed_at(rig, pose, f"{n}.{side}")
        for n in ("upperarm01", "lowerarm01", "wrist", "finger3-1", "finger2-1", "finger5-1")
    )
    for segment in (elbow - shoulder, wrist - elbow, middle - wrist):
        np.testing.assert_allclose(segment / np.linalg.norm(segment), [sign, 0, 0], atol=1e-9)
    across = np.cross([sign, 0, 0], pinky - index)
    assert abs(across[2]) < 1e-9
    assert (index - pinky)[2] > 0
    clavicle = posed_at(rig, pose, f"shoulder01.{side}") - posed_at(rig, pose, f"clavicle.{side}")
    rest = np.array([0.08, 0.01])
    rise = np.arctan2(clavicle[1], sign * clavicle[0]) - np.arctan2(rest[1], rest[0])
    assert rise == pytest.approx(tpose.CLAVICLE_RISE_RAD)


@pytest.mark.parametrize(("side", "sign"), [("L", 1), ("R", -1)])
def test_legs_are_straight_and_feet_point_to_the_front(toy, side, sign):
    rig, heads = toy
    knee = heads[:, rig.bone(f"lowerleg01.{side}")] + [0.0, -0.02, -0.01]
    pose = tpose.tpose(rig, heads, {f"lowerleg01.{side}": knee})
    hip, knee, ankle, toe = (posed_at(rig, pose, f"{n}.{side}") for n in ("upperleg01", "lowerleg01", "foot", "toe2-1"))
    thigh, shank = tpose.unit(knee - hip), tpose.unit(ankle - knee)
    np.testing.assert_allclose(thigh, shank, atol=1e-9)
    assert thigh[2] == pytest.approx(0)
    assert knee[0] == pytest.approx(tpose.KNEE_OVER_HIP_OFFSET * hip[0])
    forward = toe - ankle
    assert forward[0] == pytest.approx(0)
    assert forward[2] > 0


def test_the_pose_is_mirrored_and_lengths_stay(toy):
    rig, heads = toy
    pose = tpose.tpose(rig, heads, {})
    for name in rig.bone_names:
        if name.endswith(".L"):
            left, right = posed_at(rig, pose, name), posed_at(rig, pose, f"{name[:-1]}R")
            np.testing.assert_allclose(left, right * [-1, 1, 1], atol=1e-12)
    # lowerarm02's pivot is moved onto the forearm's axis; skin of rigid parts keeps its distances.
    skin = pose.apply(rig, heads)[0]
    np.testing.assert_allclose(
        np.linalg.norm(skin[rig.bone("lowerleg01.L")] - skin[rig.bone("upperleg02.L")]),
        np.linalg.norm(heads[0, rig.bone("lowerleg01.L")] - heads[0, rig.bone("upperleg02.L")]),
    )


def test_rotation_about_turns_the_right_way():
    axis = np.array([0.0, 0.6, 0.8])
    angle = np.array([0.3, -2.0])
    np.testing.assert_allclose(
        tpose.rotation_about(axis, angle), Rotation.from_rotvec(angle[:, None] * axis).as_matrix(), atol=1e-12
    )


def test_shortest_turns_one_direction_into_the_other():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 20, 3))
    turn = tpose.shortest(a, b)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", turn, tpose.unit(a)), tpose.unit(b), atol=1e-12)
    angle = Rotation.from_matrix(turn).magnitude()
    np.testing.assert_allclose(np.cos(angle), (tpose.unit(a) * tpose.unit(b)).sum(-1), atol=1e-9)


def test_stretching_gives_the_proportions_asked_for():
    joints = np.zeros((1, 24, 3))
    for side, sign in (("r", -1), ("l", 1)):
        for name, (x, y) in {
            "femur": (0.09, -0.05), "tibia": (0.1, -0.46), "talus": (0.1, -0.86),
            "humerus": (0.17, 0.4), "ulna": (0.43, 0.4), "hand": (0.66, 0.4),
        }.items():  # fmt: skip
            joints[0, JOINT_NAMES.index(f"{name}_{side}")] = sign * x, y, 0
    low, high = np.array([-0.95]), np.array([0.75])
    ratios = {"hip_height": 0.53, "knee_height": 0.28, "upper_arm": 0.16, "forearm": 0.15}
    wanted = Subjects(
        np.zeros((1, 11)), np.array([1.8]), np.array([22.0]), {k: np.array([v]) for k, v in ratios.items()}
    )
    ends = np.array([[[0, -0.95, 0], [0, 0.75, 0]]])
    on_arm = np.array([n.startswith(("humerus", "ulna", "hand")) for n in JOINT_NAMES] + [False] * 2, float)
    out = proportions.stretch(np.concatenate([joints, ends], axis=1), joints, on_arm, wanted, (low, high))[0]
    at = dict(zip((*JOINT_NAMES, "floor", "top"), out, strict=True))
    assert at["top"][1] - at["floor"][1] == pytest.approx(1.8)
    assert at["femur_l"][1] - at["floor"][1] == pytest.approx(0.53 * 1.8)
    assert at["tibia_r"][1] - at["floor"][1] == pytest.approx(0.28 * 1.8)
    assert at["ulna_l"][0] - at["humerus_l"][0] == pytest.approx(0.16 * 1.8)
    assert at["ulna_r"][0] - at["hand_r"][0] == pytest.approx(0.15 * 1.8)
