"""The sign of every angle, verified by moving a body: which way does a point on the bone go?

Points are given on a bone in its own axes (x front, y up or towards the body, z right), and directions as
words, for the right side; on the left "inward" is to the right and "outward" to the left.
"""

import numpy as np
import pytest
import torch

from skelvid.angles.compute import TEMPLATE_GROUND, compute_angles, q_from_angles
from skelvid.angles.table import ANGLE_TABLE, Decomposed
from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, DOFS, JOINT_INDEX
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.skel import SkelParams
from tests.toy_skel import make_toy_assets

WAYS = {
    "left": (1, 0, 0),
    "right": (-1, 0, 0),
    "up": (0, 1, 0),
    "down": (0, -1, 0),
    "front": (0, 0, 1),
    "back": (0, 0, -1),
}
FRONT, TOP, TIP, CENTER = (0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.0, -0.1, 0.0), (0.0, 0.0, 0.0)
T_POSE, HANGING = "T-pose", "hanging"

# angle: (start, bone, point on it, the way it goes)
CENTRAL = {
    "pelvis_tilt": (T_POSE, "pelvis", TOP, "back"),
    "pelvis_list": (T_POSE, "pelvis", TOP, "right"),
    "pelvis_rotation": (T_POSE, "pelvis", FRONT, "left"),
    "lumbar_extension": (T_POSE, "thorax", CENTER, "back"),
    "lumbar_bending": (T_POSE, "thorax", CENTER, "right"),
    "lumbar_rotation": (T_POSE, "thorax", FRONT, "left"),
    "thorax_extension": (T_POSE, "head", CENTER, "back"),
    "thorax_bending": (T_POSE, "head", CENTER, "right"),
    "thorax_rotation": (T_POSE, "head", FRONT, "left"),
    "head_extension": (T_POSE, "head", TOP, "back"),
    "head_bending": (T_POSE, "head", TOP, "right"),
    "head_rotation": (T_POSE, "head", FRONT, "left"),
}
PAIRED = {
    "hip_flexion": (T_POSE, "tibia", CENTER, "front"),
    "hip_adduction": (T_POSE, "tibia", CENTER, "inward"),
    "hip_rotation": (T_POSE, "toes", FRONT, "inward"),
    "knee_angle": (T_POSE, "talus", CENTER, "back"),
    "ankle_angle": (T_POSE, "toes", CENTER, "up"),
    "subtalar_angle": (T_POSE, "calcn", TIP, "inward"),
    "mtp_angle": (T_POSE, "toes", FRONT, "down"),
    "scapula_abduction": (T_POSE, "humerus", CENTER, "front"),
    "scapula_elevation": (T_POSE, "humerus", CENTER, "up"),
    "scapula_upward_rot": (T_POSE, "scapula", TIP, "outward"),
    "arm_flex": (HANGING, "ulna", CENTER, "front"),
    "arm_add": (HANGING, "ulna", CENTER, "inward"),
    "arm_rot": (HANGING, "humerus", FRONT, "inward"),
    "elbow_flex": (HANGING, "hand", CENTER, "front"),
    "pro_sup": (T_POSE, "radius", FRONT, "down"),
    "wrist_flex": (T_POSE, "hand", TIP, "down"),
    "wrist_dev": (T_POSE, "hand", TIP, "back"),
}
# Degrees of freedom of the shoulder itself, which are no angles of the table: + on the right, + on the left, and the
# words of the table of degrees of freedom for them. An arm held sideways turns inward when its front goes down.
RAW_SHOULDER = {
    "x": ("ulna", CENTER, ("down", "lowers"), ("up", "raises")),
    "y": ("humerus", FRONT, ("down", "internal"), ("up", "external")),
    "z": ("ulna", CENTER, ("front", "forward"), ("front", "forward")),
}
REPEATED = [angle.name for e in ANGLE_TABLE if isinstance(e, Decomposed) and e.repeats for angle in e.angles]


@pytest.fixture(scope="module", params=["toy", "open-female", "open-male"])
def body(request) -> SkelBody:
    if request.param == "toy":
        return SkelBody(make_toy_assets(np.random.default_rng(0)), dtype=torch.float64)
    return load_body(request.param, dtype=torch.float64)


def start_pose(start: str) -> np.ndarray:
    q = np.zeros((1, 46))
    if start == HANGING:
        q[0, [DOF_INDEX["shoulder_r_x"], DOF_INDEX["shoulder_l_x"]]] = np.pi / 2, -np.pi / 2
    return q


def read(q: np.ndarray) -> JointAngles:
    params = SkelParams(q, np.zeros((1, 10)), np.zeros((len(q), 3)))
    return compute_angles(Motion(0, np.arange(len(q)) / 30, params, np.ones(len(q), bool)), ground=TEMPLATE_GROUND)


def add_to_angle(q: np.ndarray, name: str, add_rad: float) -> np.ndarray:
    angles = read(q)
    values = angles.values_rad.copy()
    values[:, angles.names.index(name)] += add_rad
    return q_from_angles(JointAngles(angles.time_s, angles.names, values), ground=TEMPLATE_GROUND)


def travel(body: SkelBody, before: np.ndarray, after: np.ndarray, bone: str, point) -> np.ndarray:
    index, place = JOINT_INDEX[bone], []
    for q in (before, after):
        params = SkelParams(q, np.zeros(10), np.zeros(3)).to_torch(dtype=torch.float64)
        posed = body.skeleton(params).to_numpy()
        place.append(posed.joints_m[0, index] + posed.joint_rot[0, index] @ point)
    return place[1] - place[0]


def assert_goes(moved: np.ndarray, way: str, *, least_m: float) -> None:
    along = moved @ np.array(WAYS[way], float)
    assert along > least_m, f"moved {moved.round(4)} m, should go {way}"
    # Nothing sideways as large: the way named is the main one.
    assert along > 0.75 * np.linalg.norm(moved), f"moved {moved.round(4)} m, mainly not {way}"


@pytest.mark.parametrize("name", CENTRAL)
def test_central(body, name):
    start, bone, point, way = CENTRAL[name]
    before = start_pose(start)
    after = add_to_angle(before, name, np.radians(10))
    assert_goes(travel(body, before, after, bone, point), way, least_m=0.01)


@pytest.mark.parametrize("side", ["r", "l"])
@pytest.mark.parametrize("name", PAIRED)
def test_paired(body, name, side):
    start, bone, point, way = PAIRED[name]
    before = start_pose(start)
    after = add_to_angle(before, f"{name}_{side}", np.radians(10))
    outward, inward = ("right", "left") if side == "r" else ("left", "right")
    way = {"inward": inward, "outward": outward}.get(way, way)
    assert_goes(travel(body, before, after, f"{bone}_{side}", np.array(point)), way, least_m=0.003)


@pytest.mark.parametrize("side", ["r", "l"])
@pytest.mark.parametrize("axis", RAW_SHOULDER)
def test_shoulder_degrees_of_freedom(body, axis, side):
    bone, point, *sides = RAW_SHOULDER[axis]
    way, word = sides["rl".index(side)]
    before, after = np.zeros((1, 46)), np.zeros((1, 46))
    after[0, DOF_INDEX[f"shoulder_{side}_{axis}"]] = np.radians(10)
    assert_goes(travel(body, before, after, f"{bone}_{side}", np.array(point)), way, least_m=0.01)
    assert word in DOFS[DOF_INDEX[f"shoulder_{side}_{axis}"]].positive


def test_every_angle_is_verified():
    paired = {f"{name}_{side}" for name in PAIRED for side in "rl"}
    assert set(CENTRAL) | paired | set(REPEATED) == set(read(np.zeros((1, 46))).names)


def test_every_degree_of_freedom_is_verified():
    """All 46 turn an angle that is verified above, or are the shoulder's."""
    base = np.full((1, 46), 0.05)
    start = read(base)
    verified = np.array([name not in REPEATED for name in start.names])
    for index, name in enumerate(DOF_NAMES):
        moved = base.copy()
        moved[0, index] += 0.1
        change = np.abs(read(moved).values_rad - start.values_rad)[0]
        assert (change[verified] > 0.05).any(), name


class TestRepeatedAngles:
    """The same move read in the second convention."""

    def test_trunk_follows_lumbar_and_thorax(self):
        for way in ("extension", "bending", "rotation"):
            q = add_to_angle(np.zeros((1, 46)), f"lumbar_{way}", 0.2)
            assert read(q)[f"trunk_{way}"] == pytest.approx([0.2])

    @pytest.mark.parametrize("side", ["r", "l"])
    def test_arm_to_the_front_then_across(self, side):
        q = add_to_angle(start_pose(HANGING), f"arm_flex_{side}", np.radians(60))
        angles = read(q)
        assert np.degrees(angles[f"shoulder_elevation_{side}"]) == pytest.approx([60.0])
        assert np.degrees(angles[f"shoulder_plane_{side}"]) == pytest.approx([90.0])
        across = read(add_to_angle(q, f"arm_add_{side}", np.radians(20)))
        assert np.degrees(across[f"shoulder_plane_{side}"])[0] > 95

    @pytest.mark.parametrize("side", ["r", "l"])
    def test_internal_rotation_in_both(self, side):
        q = add_to_angle(np.zeros((1, 46)), f"arm_rot_{side}", np.radians(25))
        assert np.degrees(read(q)[f"shoulder_rotation_{side}"]) == pytest.approx([25.0])
