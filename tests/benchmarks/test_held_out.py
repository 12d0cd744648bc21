"""Errors on simulated people: none for the truth, and single frames fitted without a network find who stands how."""

import numpy as np
import pytest
import torch

from benchmarks.held_out import CAMERA, KINDS, Poses, errors_of, fit_alone, of_kind, report, tracks_of
from skelvid.body.dofs import DOF_INDEX
from skelvid.body.keypoints import keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.body.start import joint_angles
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.lift_input import SLOTS
from skelvid.motion.lift_network import BALLS
from train.lift.library import Library
from train.lift.scene import Film, Scenes, Target, joint_rotation

HEADING_RAD = 2.2


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body("neutral")


@pytest.fixture(scope="module")
def truth(body: SkelBody) -> Motion:
    """Someone with a bent right knee who looks away from the camera, three frames long."""
    cos, sin = np.cos(HEADING_RAD), np.sin(HEADING_RAD)
    rot = torch.tensor([[[cos, 0.0, sin], [0.0, -1.0, 0.0], [sin, 0.0, -cos]]]).float()
    q = np.zeros((3, 46))
    q[:, :3] = joint_angles(body, 0, rot)[0].double().numpy()
    q[:, DOF_INDEX["hip_flexion_r"]], q[:, DOF_INDEX["knee_angle_r"]] = 0.5, 0.8
    trans = np.tile([0.2, -0.1, 3.5], (3, 1))
    seen = np.ones(3, bool)
    sigma = np.full_like(q, 0.1)
    return Motion(0, np.arange(3) / 30, SkelParams(q, np.zeros((1, 10)), trans), seen, camera=CAMERA, q_sigma_rad=sigma)


@pytest.fixture(scope="module")
def film(body: SkelBody, truth: Motion) -> Film:
    """What a source without errors tells of it."""
    params = truth.params.to_torch(dtype=body.dtype)
    with torch.no_grad():
        points = body.skin_points(params, keypoint_points(body, SLOTS)).float()[None]
        joints = body.skeleton(params)
    q = torch.as_tensor(truth.params.q).float()[None]
    frame = Scenes.pelvis_frame(body)
    balls = [frame @ joint_rotation(q, "pelvis") @ frame.mT, *(joint_rotation(q, ball) for ball in BALLS[1:])]
    inside = torch.ones(1, 3, dtype=torch.bool)
    target = Target(
        q, torch.zeros(1, 10), torch.stack(balls, 2), joints.joints_m[None], joints.joint_rot[None],
        torch.zeros(1, 3, 4), torch.zeros(1, 3, 3), inside,
    )  # fmt: skip
    time_s = torch.as_tensor(truth.time_s).float()[None]
    rays = points[..., :2] / points[..., 2:]
    return Film(rays, torch.ones(rays.shape[:-1]), time_s, joints.joints_m[None, :, 0].float(), target)


def test_the_truth_has_no_error(body: SkelBody, truth: Motion, film: Film) -> None:
    errors = errors_of(body, truth, film, 0)
    assert np.abs(errors.angles_deg).max() < 0.01
    assert errors.turn_deg.max() < 0.1
    assert np.abs(errors.depth).max() < 1e-4


def test_an_error_is_told_in_degrees_and_in_sigmas(body: SkelBody, truth: Motion, film: Film) -> None:
    truth.params.q[:, DOF_INDEX["knee_angle_r"]] += 0.2
    errors = errors_of(body, truth, film, 0)
    truth.params.q[:, DOF_INDEX["knee_angle_r"]] -= 0.2
    assert errors.angles_deg[:, DOF_INDEX["knee_angle_r"]] == pytest.approx(np.degrees(0.2), abs=0.01)
    assert errors.z[:, DOF_INDEX["knee_angle_r"]] == pytest.approx(2.0, abs=0.01)
    rows = dict(
        line.strip("| ").split(" | ") for line in report({"all": {"one": [errors]}}).splitlines() if "|" in line
    )
    assert rows["knee_angle"] == f"{np.degrees(0.2) / 2:.1f}"


def test_single_frames_without_errors_are_fitted(body: SkelBody, film: Film) -> None:
    poses = Poses(np.zeros(46), np.full(46, 0.4))
    motion = fit_alone(body, poses, tracks_of(film)[0])
    errors = errors_of(body, motion, film, 0)
    assert errors.turn_deg.max() < 15
    assert np.abs(errors.angles_deg[:, DOF_INDEX["knee_angle_r"]]).max() < 15


def test_windows_are_drawn_by_kind() -> None:
    names = ("cmu60_walking_7_test", "uiprmd_deepsquat_s08_e01", "uiprmd_deepsquat_s09_e01", "cmu60_soccer_1_test")
    some, count = torch.ones(4), torch.tensor([300, 300, 30, 300])
    library = Library(
        torch.zeros(930, 46), torch.zeros(930, 3), torch.cumsum(count, 0) - count, count, 60 * some,
        torch.zeros(4, 10), 2 * some, torch.zeros(4, 2), names,
    )  # fmt: skip
    drawn = {kind: of_kind(library, kind).weight.tolist() for kind in KINDS}
    assert drawn == {"walking": [2, 0, 0, 0], "squat, lunge, sit-to-stand": [0, 2, 0, 0], "other": [0, 0, 0, 2]}
