import numpy as np

from skelvid.body.dofs import DOFS, JOINT_NAMES, JOINT_PARENTS
from train.body import assemble


def test_frames_are_rotations_and_mirror():
    frames = assemble.bone_frames()
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.tile(np.eye(3), (24, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(frames), 1)
    # Mirroring a right-handed frame across x = 0 flips its z axis in the bone.
    flip = np.diag([-1.0, 1, 1])
    for name in JOINT_NAMES:
        if name.endswith("_r"):
            right, left = (frames[JOINT_NAMES.index(n)] for n in (name, f"{name[:-1]}l"))
            np.testing.assert_allclose(flip @ right @ np.diag([1, 1, -1]), left, atol=1e-12)


def test_repaired_axes_are_mirror_images():
    axis = {dof.joint: np.array(dof.axis) for dof in DOFS if dof.joint.startswith(("talus", "radius"))}
    turn = assemble.axis_repairs()
    effective = {joint: turn.get(joint, np.eye(3)).T @ value for joint, value in axis.items()}
    for joint in ("talus", "radius"):
        np.testing.assert_allclose(effective[f"{joint}_l"], effective[f"{joint}_r"] * [-1, -1, 1], atol=1e-6)
    np.testing.assert_allclose(effective["talus_r"], axis["talus_r"])


def test_pronation_axis_runs_from_radial_to_ulnar_head():
    axis = np.array(assemble.PRONATION_AXIS_R)
    # From 17 mm lateral at the elbow, 250 mm down the forearm: behind the wrist centre (ulnar side), under 20 mm away.
    at_wrist = np.array([0, 0, 0.017]) - 0.25 / axis[1] * axis
    assert -0.02 < at_wrist[0] < -0.005
    assert abs(at_wrist[2]) < 0.005


def test_rest_transforms_lead_from_joint_to_joint():
    joints = np.random.default_rng(0).standard_normal((24, 3))
    frames = assemble.bone_frames()
    relative = assemble.rest_transforms(joints, frames)
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent >= 0 and JOINT_NAMES[joint] != "head":
            np.testing.assert_allclose(joints[parent] + frames[parent] @ relative[joint, :3, 3], joints[joint])
    lumbar, thorax, head = (JOINT_NAMES.index(n) for n in ("lumbar_body", "thorax", "head"))
    vector, spine = frames[thorax] @ relative[head, :3, 3], joints[thorax] - joints[lumbar]
    np.testing.assert_allclose(np.cross(vector, spine), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(vector), np.linalg.norm(joints[head] - joints[thorax]))


def test_packed_regressor_is_the_same_sum():
    rng = np.random.default_rng(1)
    dense = rng.random((24, 50)) * (rng.random((24, 50)) > 0.7)
    dense /= dense.sum(axis=1, keepdims=True)
    vertex, weight = assemble.pack_regressor(dense)
    points = rng.standard_normal((50, 3))
    np.testing.assert_allclose(np.einsum("jm,jmc->jc", weight, points[vertex]), dense @ points, atol=1e-6)
