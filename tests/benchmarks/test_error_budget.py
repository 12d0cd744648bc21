import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from benchmarks.error_budget import Bodies, perfect, solve_camera, trial_of, with_pelvis
from benchmarks.estimators import angles_of_motion
from benchmarks.real_clips import Seen
from skelvid.angles.compute import TEMPLATE_GROUND
from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_INDEX
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.body.start import joint_angles
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import SkelParams

BONES = {"pelvis": "pelvis", "torso": "thorax"} | {
    f"{bone}_{side}": f"{bone}_{side}"
    for bone in ("femur", "tibia", "talus", "calcn", "toes", "humerus", "ulna", "hand") for side in "rl"
}  # fmt: skip
TIME_S = np.arange(0.0, 1.5, 0.02)
CLOCK_S, FOCAL_PX = 0.04, 800.0


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body("neutral")


def squats() -> SkelParams:
    q, bend = np.zeros((len(TIME_S), len(DOFS))), 0.5 - 0.5 * np.cos(4.0 * TIME_S)
    for name, most in {"hip_flexion": 1.2, "knee_angle": 1.3, "ankle_angle": 0.4}.items():
        for side in "rl":
            q[:, DOF_INDEX[f"{name}_{side}"]] = most * bend
    q[:, DOF_INDEX["pelvis_tilt"]], q[:, DOF_INDEX["pelvis_rotation"]] = -0.4 * bend, 0.6
    place = np.stack([0.2 * np.sin(TIME_S), 1.0 - 0.3 * bend, 0.1 * TIME_S], 1)
    return SkelParams(q, np.zeros((1, 10)), place).to_torch()


def bodies_of(body: SkelBody, params: SkelParams) -> Bodies:
    points = body.skeleton(params).to_numpy()
    turned = {
        a: Rotation.from_matrix(TEMPLATE_GROUND.T @ points.joint_rot[:, JOINT_INDEX[b]]) for a, b in BONES.items()
    }
    return Bodies(TIME_S, turned, {a: points.joints_m[:, JOINT_INDEX[b]] @ TEMPLATE_GROUND for a, b in BONES.items()})


def filmed(body: SkelBody, params: SkelParams, rot: np.ndarray) -> Seen:
    """See the body by a camera whose clock is late, and whose focal length is taken for another."""
    at = body.skin_points(params, keypoint_points(body, BLAZEPOSE_33)).double().numpy() @ rot.T + [0.0, 1.0, 3.6]
    xy = at[..., :2] / at[..., 2:] * FOCAL_PX + [360.0, 640.0]
    track = KeypointTrack(0, TIME_S - CLOCK_S, Keypoints2D(xy, np.ones(xy.shape[:2]), BLAZEPOSE_33))
    return Seen(track, np.zeros((len(TIME_S), 33, 3)), Camera(900.0, (360.0, 640.0), (1280, 720)))


def test_angles_of_bodies_become_those_of_the_body(body: SkelBody) -> None:
    params = squats()
    trial = trial_of(bodies_of(body, params))
    legs = [i for name, i in DOF_INDEX.items() if name.startswith(("pelvis", "hip", "knee", "ankle"))]
    np.testing.assert_allclose(trial.q[:, legs], params.q.numpy()[:, legs], atol=np.radians(2.0))


def test_camera_clock_and_focal_length_are_found(body: SkelBody) -> None:
    params, rot = squats(), (Rotation.from_euler("x", 175, degrees=True) * Rotation.from_euler("y", 0.7)).as_matrix()
    seen = filmed(body, params, rot)
    solved = solve_camera(body, bodies_of(body, params), seen)
    assert solved.shift_s == pytest.approx(CLOCK_S, abs=0.005)
    assert solved.focal_px == pytest.approx(FOCAL_PX, rel=0.05)
    assert np.degrees(Rotation.from_matrix(solved.rot @ rot.T).magnitude()) < 2.0
    assert solved.error_px < 2.0
    inside = TIME_S[-1] - CLOCK_S > TIME_S
    off_px = np.linalg.norm(perfect(seen, solved).track.keypoints.xy - seen.track.keypoints.xy, axis=-1)[inside]
    assert np.median(off_px) < 15.0  # the mean offsets, about 1.5 cm at 3.6 m, and little else
    # In the camera's frame only the pelvis is told wrongly, the thighs are right: its truth rights the hips.
    world = body.skeleton(params).joint_rot[:, 0]
    tip = torch.as_tensor(Rotation.from_euler("z", 15, degrees=True).as_matrix()).float()
    rest = body.bone_orientation(params.betas)[:, 0]
    wrong = params.q.clone()
    wrong[:, :3] = joint_angles(body, 0, torch.as_tensor(rot).float() @ world @ tip @ rest.mT)
    for side in "rl":
        wrong[:, DOF_INDEX[f"hip_flexion_{side}"]] -= np.radians(15)
    place = np.zeros((len(TIME_S), 3))
    motion = Motion(0, seen.track.time_s, SkelParams(wrong.double().numpy(), np.zeros((1, 10)), place), inside)
    for hip in ("hip_flexion_r", "hip_flexion_l"):
        true = params.q[:, DOF_INDEX[hip]].double().numpy()
        shifted = np.interp(seen.track.time_s + CLOCK_S, TIME_S, true)
        error_deg = [
            np.degrees(told[hip] - shifted)[inside]
            for told in (angles_of_motion(motion), with_pelvis(body, motion, solved))
        ]
        assert np.abs(error_deg[0]).mean() == pytest.approx(15.0, abs=1.0)
        assert np.abs(error_deg[1]).mean() < 2.0
