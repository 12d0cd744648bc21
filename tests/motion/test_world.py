"""Gravity, floor and scale of people placed in a known world before a camera that looks down at them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.angles.compute import compute_angles
from skelvid.body.dofs import DOF_INDEX
from skelvid.body.joint_rotation import joint_q
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.geometry.camera import project
from skelvid.geometry.ground import CAMERA_GROUND, TEMPLATE_GROUND
from skelvid.motion.world import camera_up, find_ground, scale_to_height, stature_m

CAMERA = Camera(1500.0, (960.0, 540.0), (1080, 1920))
PITCH_DEG, ROLL_DEG, CAMERA_HEIGHT_M = 14.0, 4.0, 1.6
UP = camera_up(PITCH_DEG, ROLL_DEG)
FEET_M = 0.965  # the pelvis of the neutral body above its soles


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body()


def world_to_camera() -> Rotation:
    """From the ground's axes (forward towards the camera, up, right) to the camera's."""
    x = np.array([0.0, 0.0, -1.0]) - (-UP[2]) * UP
    x /= np.linalg.norm(x)
    return Rotation.from_matrix(np.stack([x, UP, np.cross(x, UP)], axis=1))


def standing(places: np.ndarray, heading_deg: np.ndarray | float = 0.0, lean_deg: float = 0.0, **known) -> Motion:
    """People upright on the floor (x towards the camera, z to their left seen from it), heading 0 facing it."""
    frames = len(places)
    turn = Rotation.from_rotvec(np.outer(np.broadcast_to(heading_deg, frames), [0.0, 1.0, 0.0]), degrees=True)
    lean = Rotation.from_euler("z", -lean_deg, degrees=True)
    to_camera = world_to_camera()
    q = np.zeros((frames, 46))
    # Both sides in template axes, of which TEMPLATE_GROUND holds front, up and right.
    in_camera = to_camera * turn * lean * Rotation.from_matrix(TEMPLATE_GROUND.T)
    q[:, :3] = joint_q(
        Rotation.from_matrix(TEMPLATE_GROUND.T) * in_camera * Rotation.from_matrix(TEMPLATE_GROUND), "pelvis"
    )
    pelvis = np.stack([places[:, 0], np.full(frames, FEET_M - CAMERA_HEIGHT_M), places[:, 1]], axis=1)
    params = SkelParams(q, np.zeros((1, 10)), to_camera.apply(pelvis))
    return Motion(0, np.arange(frames) / 30.0, params, np.ones(frames, bool), CAMERA, **known)


def walk_around() -> tuple[np.ndarray, np.ndarray]:
    """Twelve places on 3 m by 2 m, ten frames each, all soles at rest in the middle of them."""
    spots = np.stack(np.meshgrid(np.linspace(-6.0, -3.5, 4), np.linspace(-1.5, 1.5, 3)), -1).reshape(-1, 2)
    contact = np.zeros((120, 4))
    contact.reshape(12, 10, 4)[:, 2:8] = 0.95
    return np.repeat(spots, 10, axis=0), contact


def tilted(up: np.ndarray, by_deg: float) -> np.ndarray:
    return Rotation.from_rotvec([0.0, 0.0, by_deg], degrees=True).apply(up)


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1.0, 1.0))))


class TestCameraUp:
    def test_level_camera_is_the_default_ground(self):
        np.testing.assert_allclose(camera_up(0.0), CAMERA_GROUND[:, 1], atol=1e-12)

    def test_looking_down_brings_up_towards_the_viewer(self):
        """The floor rises before a camera that looks down: what is up comes nearer, so z falls."""
        np.testing.assert_allclose(camera_up(30.0), (0.0, -np.cos(np.pi / 6), -0.5), atol=1e-12)

    def test_a_camera_turned_clockwise_sees_up_on_its_left(self):
        np.testing.assert_allclose(camera_up(0.0, 90.0), (-1.0, 0.0, 0.0), atol=1e-12)


class TestFindGround:
    def test_given_up_is_taken_and_the_floor_found(self, body):
        places, contact = walk_around()
        ground = find_ground(standing(places, contact=contact), body, up=2.0 * UP)
        np.testing.assert_allclose(ground.up, UP)
        assert ground.floor_offset_m == pytest.approx(-CAMERA_HEIGHT_M, abs=0.01)
        assert (ground.up_sigma_rad, ground.found_by) == (0.0, ("given",))
        np.testing.assert_allclose(ground.axes.T @ ground.axes, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(ground.axes[:, 1], UP)

    def test_without_contact_the_lower_sole_is_on_the_floor(self, body):
        ground = find_ground(standing(walk_around()[0]), body, up=UP)
        assert ground.floor_offset_m == pytest.approx(-CAMERA_HEIGHT_M, abs=0.01)

    def test_the_networks_gravity_leads(self, body):
        """Frames scatter by 5 degrees, some are wild; nobody walks, so the floor says little."""
        rng = np.random.default_rng(1)
        up = Rotation.from_rotvec(rng.normal(0, np.radians(5), (60, 3))).apply(UP)
        up[::9] = [1.0, 0.0, 0.0]
        motion = standing(np.tile([[-4.0, 0.0]], (60, 1)), up=up)
        ground = find_ground(motion, body)
        assert angle_deg(ground.up, UP) < 2.5
        assert np.radians(1) < ground.up_sigma_rad < np.radians(8)
        assert ground.found_by == ("level camera", "upright trunk", "network")

    def test_soles_on_a_wide_floor_overrule_a_network_that_is_off(self, body):
        places, contact = walk_around()
        motion = standing(places, contact=contact, up=np.tile(tilted(UP, 6.0), (120, 1)))
        ground = find_ground(motion, body)
        assert angle_deg(ground.up, UP) < 0.7
        assert ground.up_sigma_rad < np.radians(1)
        assert ground.floor_offset_m == pytest.approx(-CAMERA_HEIGHT_M, abs=0.03)
        assert ground.found_by[-1] == "resting soles"

    def test_a_step_on_a_box_does_not_tilt_the_floor(self, body):
        places, contact = walk_around()
        motion = standing(places, contact=contact, up=np.tile(UP, (120, 1)))
        motion.params.trans_m[:10] += 0.5 * UP
        ground = find_ground(motion, body)
        # As one sole in twelve stands half a metre high, the mean floor would be off by 4 cm and tilted.
        assert angle_deg(ground.up, UP) < 1.5
        assert ground.floor_offset_m == pytest.approx(-CAMERA_HEIGHT_M, abs=0.08)

    def test_one_stance_leaves_gravity_to_the_other_hints(self, body):
        """Two soles half a step apart know little of a tilt: 3 cm on 20 cm are 8 degrees."""
        contact = np.ones((30, 4))
        motion = standing(np.tile([[-4.0, 0.0]], (30, 1)), contact=contact, up=np.tile(UP, (30, 1)))
        assert np.radians(2) < find_ground(motion, body).up_sigma_rad < np.radians(3)

    def test_nobody_seen_is_a_level_camera(self, body):
        motion = standing(np.zeros((3, 2)))
        motion.visible[:] = False
        ground = find_ground(motion, body)
        np.testing.assert_allclose(ground.axes, CAMERA_GROUND, atol=1e-6)
        assert ground.floor_offset_m is None
        assert ground.found_by == ("level camera",)

    def test_a_moving_camera_has_no_floor(self, body):
        places, contact = walk_around()
        ground = find_ground(standing(places, contact=contact), body, static_camera=False)
        assert ground.floor_offset_m is None
        assert "resting soles" not in ground.found_by

    def test_a_mirrored_motion_has_a_mirrored_up(self, body):
        places, contact = walk_around()
        off = tilted(UP, 6.0)
        here = find_ground(standing(places[:20], contact=contact[:20], up=np.tile(off, (20, 1))), body)
        other = standing(places[:20], contact=contact[:20], up=np.tile(off * [-1, 1, 1], (20, 1)))
        flip = np.array([1.0, -1.0, -1.0])  # a pose upright in x is mirrored by its pelvis list and rotation
        other.params.q[:, :3] *= flip
        other.params.trans_m[:, 0] *= -1
        np.testing.assert_allclose(find_ground(other, body).up, here.up * [-1, 1, 1], atol=1e-4)


class TestForward:
    @pytest.mark.parametrize("heading_deg", [0.0, 90.0, -130.0])
    def test_leaning_is_tilt_seen_from_any_side_along_the_persons_facing(self, body, heading_deg):
        motion = standing(np.tile([[-4.0, 0.0]], (8, 1)), heading_deg, lean_deg=20.0)
        ground = find_ground(motion, body, up=UP, forward="person")
        assert ground.forward == "person"
        angles = np.degrees(compute_angles(motion, ground=ground.axes).values_rad[:, :3])
        np.testing.assert_allclose(angles, np.tile([-20.0, 0.0, 0.0], (8, 1)), atol=1e-3)

    def test_along_the_camera_the_heading_shows_as_rotation(self, body):
        motion = standing(np.tile([[-4.0, 0.0]], (8, 1)), 40.0)
        ground = find_ground(motion, body, up=UP)
        assert ground.forward == "camera"
        angles = np.degrees(compute_angles(motion, ground=ground.axes).values_rad[:, :3])
        np.testing.assert_allclose(angles, np.tile([0.0, 0.0, 40.0], (8, 1)), atol=1e-3)

    def test_who_turns_around_has_no_facing(self, body):
        motion = standing(np.tile([[-4.0, 0.0]], (36, 1)), np.arange(36) * 10.0)
        assert find_ground(motion, body, up=UP, forward="person").forward == "camera"

    def test_a_camera_that_looks_straight_down(self, body):
        ground = find_ground(standing(walk_around()[0]), body, up=camera_up(90.0))
        np.testing.assert_allclose(ground.axes[:, 0], (0.0, -1.0, 0.0), atol=1e-9)


class TestScale:
    @pytest.mark.parametrize("height_m", [1.50, 1.75, 1.95])
    def test_the_stature_is_exact_and_the_picture_stays(self, body, height_m):
        motion = standing(walk_around()[0][::10])
        motion.params.q[:, DOF_INDEX["knee_angle_r"]] = 0.8
        motion.params.betas[0, :3] = 0.5, -0.4, 0.8
        scaled, believed_m = scale_to_height(motion, body, height_m)
        assert believed_m == pytest.approx(stature_m(body, motion.params.betas[0]))
        assert stature_m(body, scaled.params.betas[0]) == pytest.approx(height_m, abs=1e-4)
        before, after = (body.skeleton(m.params.to_torch()).to_numpy() for m in (motion, scaled))
        off = project(after.joints_m.astype(float), CAMERA) - project(before.joints_m.astype(float), CAMERA)
        # Shapes cannot grow exactly in proportion: millimetres at 4 m.
        assert np.abs(off).max() < 3.0
        np.testing.assert_allclose(after.joints_m, before.joints_m * height_m / believed_m, atol=0.006)

    def test_without_a_height_nothing_moves(self, body):
        motion = standing(walk_around()[0][::10])
        same, believed_m = scale_to_height(motion, body, None)
        np.testing.assert_array_equal(same.params.trans_m, motion.params.trans_m)
        np.testing.assert_array_equal(same.params.betas, motion.params.betas)
        assert 1.6 < believed_m < 1.8

    def test_the_believed_height_changes_nothing(self, body):
        motion = standing(walk_around()[0][::10])
        same, _ = scale_to_height(motion, body, stature_m(body, np.zeros(10)))
        np.testing.assert_allclose(same.params.betas, motion.params.betas, atol=1e-6)
        np.testing.assert_allclose(same.params.trans_m, motion.params.trans_m, atol=1e-6)

    def test_no_height_is_refused(self, body):
        with pytest.raises(ValueError, match="height_m must be positive"):
            scale_to_height(standing(walk_around()[0][::10]), body, 0.0)
