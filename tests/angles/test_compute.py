"""Clinical angles of SKEL poses: known numbers, the way back, and rows without a person."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skelvid.angles.compute import (
    CAMERA_GROUND,
    TEMPLATE_GROUND,
    angles_from_q,
    compute_angles,
    ground_axes,
    q_from_angles,
)
from skelvid.angles.table import ANGLE_NAMES
from skelvid.body.dofs import DOF_INDEX, DOFS, joint_dofs, limits_rad, mirror_index_and_sign, other_side
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.skel import SkelParams

BALL_JOINTS = ("pelvis", "femur_r", "femur_l", "lumbar_body", "thorax", "head", "humerus_r", "humerus_l")


def pose(**degrees: float) -> np.ndarray:
    q = np.zeros((1, 46))
    for name, value in degrees.items():
        q[0, DOF_INDEX[name]] = np.radians(value)
    return q


def read(q: np.ndarray, *names: str) -> np.ndarray:
    angles = np.degrees(angles_from_q(q, ground=TEMPLATE_GROUND))[0]
    return angles[[ANGLE_NAMES.index(name) for name in names]]


def motion(q: np.ndarray, visible: np.ndarray | None = None) -> Motion:
    frames = len(q)
    seen = np.ones(frames, bool) if visible is None else visible
    return Motion(0, np.arange(frames) / 30.0, SkelParams(q, np.zeros((1, 10)), np.zeros((frames, 3))), seen)


def joint_matrix(q_row: np.ndarray, joint: str) -> np.ndarray:
    """The definition, written with matrices: fixed axes, first DoF first, each later one on the left."""
    matrix = np.eye(3)
    for index in joint_dofs(joint):
        matrix = Rotation.from_rotvec(np.array(DOFS[index].axis) * q_row[index]).as_matrix() @ matrix
    return matrix


class TestKnownNumbers:
    """Worked examples: what SKEL's numbers are in OpenSim's order."""

    @pytest.mark.parametrize("side", ["r", "l"])
    @pytest.mark.parametrize(
        ("skel", "opensim"),
        [((90, -20, 20), (90, 20, 20)), ((60, -10, 10), (60.4, 3.7, 13.6)), ((30, -5, 5), (30.3, -1.8, 6.8))],
    )
    def test_hip(self, side, skel, opensim):
        names = [f"hip_{kind}_{side}" for kind in ("flexion", "adduction", "rotation")]
        np.testing.assert_allclose(read(pose(**dict(zip(names, skel, strict=True))), *names), opensim, atol=0.05)

    def test_pelvis_at_heading_90(self):
        q = pose(pelvis_tilt=5, pelvis_list=3, pelvis_rotation=90)
        angles = read(q, "pelvis_tilt", "pelvis_list", "pelvis_rotation")
        np.testing.assert_allclose(angles, (-3, 5, 90), atol=1e-9)

    def test_lumbar(self):
        q = pose(lumbar_bending=20, lumbar_extension=-20, lumbar_twist=20)
        angles = read(q, "lumbar_extension", "lumbar_bending", "lumbar_rotation")
        np.testing.assert_allclose(angles, (-25.4, 12.2, 19.2), atol=0.05)

    def test_trunk_adds_up_about_one_axis(self):
        q = pose(lumbar_extension=-20, thorax_extension=-15)
        np.testing.assert_allclose(
            read(q, "trunk_extension", "trunk_bending", "trunk_rotation"), (-35, 0, 0), atol=1e-9
        )

    @pytest.mark.parametrize("side", ["r", "l"])
    def test_t_pose_is_90_degrees_of_abduction_palm_down(self, side):
        names = (
            "arm_flex",
            "arm_add",
            "arm_rot",
            "shoulder_plane",
            "shoulder_elevation",
            "shoulder_rotation",
        )
        angles = read(pose(), *(f"{name}_{side}" for name in (*names, "pro_sup")))
        np.testing.assert_allclose(angles, (0, -90, 0, 0, 90, 0, 90), atol=1e-9)

    @pytest.mark.parametrize(("side", "sign"), [("r", 1), ("l", -1)])
    def test_hanging_arm_reads_zero(self, side, sign):
        q = pose(**{f"shoulder_{side}_x": 90 * sign})
        names = (
            "arm_flex",
            "arm_add",
            "arm_rot",
            "shoulder_plane",
            "shoulder_elevation",
            "shoulder_rotation",
        )
        np.testing.assert_allclose(read(q, *(f"{name}_{side}" for name in names)), 0, atol=1e-6)

    @pytest.mark.parametrize(("side", "sign"), [("r", 1), ("l", -1)])
    def test_shoulder_blade_carries_the_arm(self, side, sign):
        """30 deg of upward rotation of the blade raise the arm by 30 deg relative to the thorax."""
        q = pose(**{f"shoulder_{side}_x": 60 * sign, f"scapula_upward_rot_{side}": 30})
        np.testing.assert_allclose(read(q, f"shoulder_elevation_{side}"), 60, atol=1e-6)


class TestWayBack:
    @settings(max_examples=25)  # each is several random poses
    @given(st.integers(0, 2**32 - 1))
    def test_q_to_angles_to_the_same_rotations(self, seed):
        rng = np.random.default_rng(seed)
        lower, upper = limits_rad()
        q = rng.uniform(np.maximum(lower, -np.pi), np.minimum(upper, np.pi), (4, 46))
        ground = Rotation.random(rng=rng).as_matrix()
        again = q_from_angles(compute_angles(motion(q), ground=ground), ground=ground)
        hinges = [i for i, dof in enumerate(DOFS) if dof.joint not in BALL_JOINTS]
        np.testing.assert_allclose(again[:, hinges], q[:, hinges], atol=1e-9)
        for joint in BALL_JOINTS:
            for row, row_again in zip(q, again, strict=True):
                np.testing.assert_allclose(joint_matrix(row_again, joint), joint_matrix(row, joint), atol=1e-5)

    @pytest.mark.parametrize("joint", BALL_JOINTS)
    @pytest.mark.parametrize("off_rad", [0.0, 1e-9, 1e-7, 1e-5, 1e-3])
    def test_near_gimbal_lock(self, joint, off_rad):
        """Every ball joint turned by all combinations of quarter turns, and slightly off them."""
        quarters = np.stack(np.meshgrid(*[np.arange(-2, 3) * np.pi / 2] * 3), -1).reshape(-1, 3)
        q = np.zeros((len(quarters), 46))
        q[:, joint_dofs(joint)] = quarters + off_rad
        angles = compute_angles(motion(q), ground=TEMPLATE_GROUND)
        assert np.isfinite(angles.values_rad).all()
        again = q_from_angles(angles, ground=TEMPLATE_GROUND)
        for row, row_again in zip(q, again, strict=True):
            np.testing.assert_allclose(joint_matrix(row_again, joint), joint_matrix(row, joint), atol=1e-5)


class TestMirror:
    @settings(max_examples=25)  # each is several random poses
    @given(st.integers(0, 2**32 - 1))
    def test_the_mirrored_pose_swaps_the_sides(self, seed):
        lower, upper = limits_rad()
        q = np.random.default_rng(seed).uniform(np.maximum(lower, -1), np.minimum(upper, 1), (3, 46)) * 0.8
        index, sign = mirror_index_and_sign()
        angles = angles_from_q(q, ground=TEMPLATE_GROUND)
        mirrored = angles_from_q(q[:, index] * sign, ground=TEMPLATE_GROUND)
        for column, name in enumerate(ANGLE_NAMES):
            other = ANGLE_NAMES.index(other_side(name))
            to_the_side = column == other and name.endswith(("list", "bending", "rotation"))
            expected = angles[:, other] * (-1 if to_the_side else 1)
            np.testing.assert_allclose(mirrored[:, column], expected, atol=1e-7, err_msg=name)


class TestGround:
    def test_upright_person_facing_the_camera_reads_zero(self):
        """In a camera's frame (y down, z away) facing it upright is a half turn about x."""
        q = pose(pelvis_tilt=180)
        angles = angles_from_q(q)[0, :3]
        np.testing.assert_allclose(angles, 0, atol=1e-9)

    def test_turning_left_in_front_of_the_camera(self):
        upright_then_turned = CAMERA_GROUND @ Rotation.from_euler("y", 30, degrees=True).as_matrix()
        rotation = upright_then_turned @ TEMPLATE_GROUND.T  # acts on template axes
        in_pelvis_axes = TEMPLATE_GROUND.T @ rotation @ TEMPLATE_GROUND
        q = np.zeros((1, 46))
        q[0, :3] = Rotation.from_matrix(in_pelvis_axes).as_euler("zxy")
        np.testing.assert_allclose(np.degrees(angles_from_q(q)[0, :3]), (0, 0, 30), atol=1e-9)

    def test_axes_are_a_right_handed_frame_with_forward_made_level(self):
        axes = ground_axes(np.array([0.0, -2.0, 0.0]), np.array([0.0, 5.0, -1.0]))
        np.testing.assert_allclose(axes, CAMERA_GROUND, atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1.0)

    def test_forward_along_up_is_refused(self):
        with pytest.raises(ValueError, match="must not be parallel"):
            ground_axes(np.array([0.0, 1.0, 0.0]), np.array([0.0, -3.0, 0.0]))


class TestOverTime:
    def test_unseen_rows_are_nan_and_do_not_disturb_others(self):
        q = np.random.default_rng(1).uniform(-0.3, 0.3, (5, 46))
        q[3] = np.nan
        visible = np.array([True, False, True, True, True])
        angles = compute_angles(motion(q, visible), ground=TEMPLATE_GROUND)
        gone = np.array([False, True, False, True, False])
        assert np.isnan(angles.values_rad[gone]).all()
        np.testing.assert_allclose(angles.values_rad[~gone], angles_from_q(q[~gone], ground=TEMPLATE_GROUND))
        again = q_from_angles(angles, ground=TEMPLATE_GROUND)
        assert np.isnan(again[gone]).all()
        np.testing.assert_allclose(again[~gone], q[~gone], atol=1e-9)

    def test_nobody_visible(self):
        angles = compute_angles(motion(np.zeros((3, 46)), np.zeros(3, bool)))
        assert np.isnan(angles.values_rad).all()

    def test_turning_on_the_spot_runs_on_past_half_a_turn(self):
        q = np.zeros((40, 46))
        q[:, DOF_INDEX["pelvis_rotation"]] = np.linspace(0, 4 * np.pi, 40)
        angles = compute_angles(motion(q), ground=TEMPLATE_GROUND)
        np.testing.assert_allclose(angles["pelvis_rotation"], np.linspace(0, 4 * np.pi, 40), atol=1e-9)

    def test_angles_by_name(self):
        angles = compute_angles(motion(pose(knee_angle_l=60)))
        assert np.degrees(angles["knee_angle_l"]) == pytest.approx([60.0])
        with pytest.raises(KeyError, match="no angle 'knee'"):
            angles["knee"]


def test_q_from_angles_reads_only_what_does_not_repeat():
    angles = compute_angles(motion(pose(thorax_twist=10)))
    values = angles.values_rad.copy()
    values[:, ANGLE_NAMES.index("trunk_rotation")] = 1.0
    again = q_from_angles(JointAngles(angles.time_s, angles.names, values))
    assert again[0, DOF_INDEX["thorax_twist"]] == pytest.approx(np.radians(10))
