import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_NAMES
from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from train.lift.measure_offsets import PhoneCamera
from train.lift.reference import Posed, Trial, fit_reference, kinds, pose, solve_offset, view

FRAMES = 12


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body("neutral")


def moving(rng: np.random.Generator) -> SkelParams:
    q = rng.normal(0.0, 0.3, (FRAMES, len(DOFS)))
    q[:, [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]] = rng.uniform(0.2, 1.5, (FRAMES, 2))
    return SkelParams(q, np.zeros((FRAMES, 10)), np.tile([0.0, 1.0, 0.0], (FRAMES, 1))).to_torch()


def seen(posed: Posed, offset_m: np.ndarray, rot: np.ndarray, trans_m: np.ndarray) -> np.ndarray:
    at = (posed.points_m + posed.segment_rot @ offset_m) @ rot.T + trans_m
    return at[..., :2] / at[..., 2:]


def test_two_cameras_tell_an_offset_that_both_sides_share(body: SkelBody) -> None:
    posed, offset = pose(body, moving(np.random.default_rng(0))), np.array([0.02, -0.01, 0.03])
    trans_m = np.array([0.0, 0.9, 4.0])
    upright = Rotation.from_euler("x", np.pi)
    rots = [(upright * Rotation.from_euler("y", yaw)).as_matrix() for yaw in (0.3, 1.5)]
    views = [view(posed, seen(posed, offset, rot, trans_m), rot=rot, trans_m=trans_m) for rot in rots]
    for kind in ("knee", "hip", "foot_index"):
        found, sd = solve_offset(views, kinds()[kind], rate_hz=1.0)
        # Pulled a little towards zero by what is expected of offsets; the rest is the curvature of projection.
        np.testing.assert_allclose(found, offset, atol=4e-3)
        assert (sd < 0.01).all()


def test_points_that_are_not_seen_say_nothing(body: SkelBody) -> None:
    posed, rot = pose(body, moving(np.random.default_rng(1))), Rotation.from_euler("x", np.pi).as_matrix()
    rays = seen(posed, np.zeros(3), rot, np.array([0.0, 0.9, 4.0]))
    rays[: FRAMES // 2] = np.nan
    looked = view(posed, rays, rot=rot, trans_m=np.array([0.0, 0.9, 4.0]))
    assert looked.seen[FRAMES // 2 :].all()
    assert not looked.seen[: FRAMES // 2].any()
    np.testing.assert_allclose(solve_offset([looked], kinds()["knee"], rate_hz=60.0)[0], 0.0, atol=1e-6)


def test_height_of_the_world_moves_what_is_seen_as_told(body: SkelBody) -> None:
    posed, rot, trans_m = (
        pose(body, moving(np.random.default_rng(2))),
        np.diag([1.0, -1.0, -1.0]),
        np.array([0, 0.9, 4.0]),
    )
    rays = seen(posed, np.zeros(3), rot, trans_m + 0.001 * rot[:, 1])
    looked = view(posed, rays, rot=rot, trans_m=trans_m)
    np.testing.assert_allclose(looked.left_m, 0.001 * looked.up, atol=1e-6)


def test_the_body_takes_a_references_motion(body: SkelBody) -> None:
    params = moving(np.random.default_rng(3))
    names = [n for n in JOINT_NAMES if n.startswith(("femur", "tibia", "talus", "humerus", "ulna"))]
    joints = body.skeleton(params).joints_m[:, [JOINT_NAMES.index(n) for n in names]]
    off = params.q.numpy() + np.random.default_rng(4).normal(0.0, np.radians(1.0), params.q.shape)
    trial = Trial(off, params.trans_m.numpy().astype(float) + 0.05, joints.numpy().astype(float))
    fitted = fit_reference(body, {"a": trial}, [{n: 1.0} for n in names], [0.01] * len(names))["a"]
    found = body.skeleton(fitted).joints_m[:, [JOINT_NAMES.index(n) for n in names]]
    assert (found - joints).norm(dim=-1).mean() < 0.006
    legs = [DOF_INDEX[n] for n in ("hip_flexion_r", "knee_angle_r", "hip_flexion_l", "knee_angle_l")]
    assert torch.rad2deg((fitted.q - params.q)[:, legs]).abs().mean() < 1.0


def test_distortion_is_undone() -> None:
    intrinsic = np.array([[900.0, 0.0, 360.0], [0.0, 900.0, 640.0], [0.0, 0.0, 1.0]])
    lens = np.array([0.12, -0.28, 3e-4, 7e-5, 0.2])
    camera = PhoneCamera(np.eye(3), np.zeros(3), intrinsic, lens, 1280.0)
    rays = np.random.default_rng(0).uniform(-0.4, 0.4, (50, 2))
    half_size_px = (camera.distorted(rays) * 900.0 + [360.0, 640.0]) / 2
    np.testing.assert_allclose(camera.rays(half_size_px, 640), rays, atol=1e-6)
    assert np.abs(camera.distorted(rays) - rays).max() > 1e-3


def test_kinds_hold_every_point_once() -> None:
    assert sorted(column for columns in kinds().values() for column in columns) == list(range(len(BLAZEPOSE_33)))
