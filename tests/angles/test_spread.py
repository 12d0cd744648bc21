"""Doubt about angles: exact where it can be, as random draws have it elsewhere, honest near gimbal lock."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.angles.compute import TEMPLATE_GROUND, angles_from_q, compute_angles
from skelvid.angles.spread import UNKNOWN_RAD, unseen
from skelvid.angles.table import ANGLE_NAMES, ANGLE_TABLE, Single
from skelvid.body.dofs import DOF_INDEX, DOFS, joint_dofs, limits_rad
from skelvid.body.joint_rotation import joint_q, joint_rotation
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.skel import SkelParams

GROUND = Rotation.from_euler("xyz", [5.0, 20.0, -4.0], degrees=True).as_matrix() @ TEMPLATE_GROUND


def motion(q: np.ndarray, sigma: np.ndarray | None, visible: np.ndarray | None = None) -> Motion:
    seen = np.ones(len(q), bool) if visible is None else visible
    time_s = np.arange(len(q)) / 30.0
    return Motion(0, time_s, SkelParams(q, np.zeros((1, 10)), np.zeros((len(q), 3))), seen, q_sigma_rad=sigma)


def sigma_of(q: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    found = compute_angles(motion(q, sigma), ground=GROUND).sigma_rad
    assert found is not None
    return found


def poses(rng: np.random.Generator, count: int) -> np.ndarray:
    lower, upper = limits_rad()
    return 0.5 * rng.uniform(np.maximum(lower, -1.5), np.minimum(upper, 1.5), (count, 46))


def test_a_degree_of_freedom_keeps_its_sigma(rng):
    q, sigma = poses(rng, 5), rng.uniform(0.01, 0.3, (5, 46))
    found = sigma_of(q, sigma)
    singles = [entry for entry in ANGLE_TABLE if isinstance(entry, Single)]
    assert len(singles) > 20
    for entry in singles:
        np.testing.assert_allclose(
            found[:, ANGLE_NAMES.index(entry.angle.name)], sigma[:, DOF_INDEX[entry.dof]], rtol=1e-6
        )


def test_it_is_the_spread_of_random_draws(rng):
    """20000 draws of q with small errors: the spread of what is read agrees within its own sampling error of 2 %."""
    q, sigma = poses(rng, 1), rng.uniform(0.002, 0.01, (1, 46))
    error = rng.normal(size=(20_000, 46)) * sigma
    drawn = q + error
    turn = np.zeros((20_000, 3))
    for index in joint_dofs("pelvis"):  # its sigma is about its own axes
        turn += error[:, [index]] * np.array(DOFS[index].axis)
    drawn[:, :3] = joint_q(joint_rotation(q, "pelvis") * Rotation.from_rotvec(turn), "pelvis")
    spread = angles_from_q(drawn, ground=GROUND).std(0)
    np.testing.assert_allclose(sigma_of(q, sigma)[0], spread, rtol=0.04)


def test_the_pelvis_is_as_sure_whatever_way_it_faces(rng):
    """Leaning by a tilt of sigma 5 deg is 5 deg about the body's own axis, also for a person seen from the side."""
    q, sigma = np.zeros((1, 46)), np.full((1, 46), 1e-9)
    sigma[0, DOF_INDEX["pelvis_tilt"]] = np.radians(5)
    q[0, DOF_INDEX["pelvis_rotation"]] = np.pi / 2
    found = compute_angles(motion(q, sigma), ground=TEMPLATE_GROUND).sigma_rad
    assert found is not None
    # In Z-X-Y about the ground's axes, the tilt of a person who faces sideways is read as list.
    np.testing.assert_allclose(np.degrees(found[0, :3]), (0, 5, 0), atol=1e-4)


def test_near_gimbal_lock_little_is_known(rng):
    """In the T-pose `arm_flex` and `arm_rot` are not determined, and `arm_add` is."""
    q, sigma = np.zeros((1, 46)), np.full((1, 46), 0.05)
    q[0, DOF_INDEX["shoulder_r_x"]] = 0.002
    found = sigma_of(q, sigma)[0]
    assert found[ANGLE_NAMES.index("arm_flex_r")] == pytest.approx(UNKNOWN_RAD)
    assert found[ANGLE_NAMES.index("arm_rot_r")] == pytest.approx(UNKNOWN_RAD)
    assert 0.04 < found[ANGLE_NAMES.index("arm_add_r")] < 0.1


def test_rows_without_a_person_have_no_sigma(rng):
    visible = np.array([True, False, True])
    q, sigma = poses(rng, 3), np.full((3, 46), 0.1)
    sigma[1] = np.nan
    angles = compute_angles(motion(q, sigma, visible))
    assert angles.sigma_rad is not None
    np.testing.assert_array_equal(np.isnan(angles.sigma_rad).all(1), ~visible)
    np.testing.assert_array_equal(np.isnan(angles.sigma_rad).any(1), ~visible)


def test_unknown_stays_unknown(rng):
    assert compute_angles(motion(poses(rng, 2), None)).sigma_rad is None


def test_unseen_marks_doubtful_and_missing_values():
    values = np.array([[0.1, 0.2, np.nan]])
    sigma = np.radians([[5.0, 16.0, np.nan]])
    time_s, names = np.zeros(1), ("a", "b", "c")
    assert unseen(JointAngles(time_s, names, values, sigma)).tolist() == [[False, True, True]]
    assert unseen(JointAngles(time_s, names, values, sigma), limit_deg=20.0).tolist() == [[False, False, True]]
    assert unseen(JointAngles(time_s, names, values)).tolist() == [[False, False, True]]
