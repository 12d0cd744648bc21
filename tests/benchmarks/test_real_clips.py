import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.estimators import level, mediapipe_world
from benchmarks.real_clips import (
    VARIABLE,
    RealClip,
    Seen,
    angles_of_segments,
    data_folder,
    pelvis_angles,
    read_bodies,
    read_mot,
)
from skelvid.angles.compute import TEMPLATE_GROUND, angles_from_q, ground_axes
from skelvid.angles.table import ANGLE_NAMES
from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_INDEX
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points
from skelvid.body.load import load_body
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.people import KeypointTrack, missing_keypoints
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import ConfigError

BONES = {"pelvis": "pelvis", "torso": "thorax"} | {
    f"{b}_{s}": f"{b}_{s}" for b in ("femur", "tibia", "talus") for s in "rl"
}


def posed(count: int, seed: int = 0) -> tuple[SkelParams, dict[str, Rotation]]:
    """Return poses of the open body, and how its bones are turned in ground axes (x forward, y up, z right)."""
    rng = np.random.default_rng(seed)
    q = rng.normal(0.0, 0.25, (count, len(DOFS)))
    q[:, [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]] = rng.uniform(0.1, 1.5, (count, 2))
    params = SkelParams(q, np.zeros((count, 10)), np.zeros((count, 3))).to_torch()
    rot = load_body("neutral").skeleton(params).joint_rot.double().numpy()
    turned = {a: Rotation.from_matrix(TEMPLATE_GROUND.T @ rot[:, JOINT_INDEX[b]]) for a, b in BONES.items()}
    return params, turned


def test_angles_between_segments_are_those_of_the_package() -> None:
    params, rot = posed(40)
    ours, theirs = angles_from_q(params.q.double().numpy(), ground=TEMPLATE_GROUND), angles_of_segments(rot)
    for name in theirs:
        if name in ("pelvis_tilt", "pelvis_list"):
            continue
        error_deg = np.degrees(np.abs(theirs[name] - ours[:, ANGLE_NAMES.index(name)])).mean()
        # Knee and ankle turn about slanted axes in SKEL; their angle about z of the bone differs a little.
        assert error_deg < (2.5 if name.startswith(("knee", "ankle")) else 0.05), (name, error_deg)


def test_pelvis_against_gravity_does_not_mind_where_it_faces() -> None:
    rot = Rotation.from_euler("ZXY", [[-20.0, 7.0, 0.0]], degrees=True)
    for heading in (0.0, 45.0, 160.0, -100.0):
        up = (Rotation.from_euler("y", heading, degrees=True) * rot).inv().apply([0.0, 1.0, 0.0])
        told = pelvis_angles(up)
        assert np.degrees([told["pelvis_tilt"][0], told["pelvis_list"][0]]) == pytest.approx([-20.0, 7.0])


def test_level_reads_the_same_pelvis_from_any_ground() -> None:
    q = posed(5)[0].q.double().numpy()
    time_s = np.arange(5.0)
    straight = level(JointAngles(time_s, ANGLE_NAMES, angles_from_q(q, ground=TEMPLATE_GROUND)), None)
    tilted = ground_axes(np.array([0.3, 0.8, -0.2]), np.array([1.0, 0.0, 0.2]))
    up = np.tile([0.0, 1.0, 0.0], (5, 1)) @ tilted
    other = level(JointAngles(time_s, ANGLE_NAMES, angles_from_q(q, ground=tilted)), up)
    for name in ("pelvis_tilt", "pelvis_list"):
        np.testing.assert_allclose(other[name], straight[name], atol=1e-9)


def test_lines_through_points_bend_as_the_body_does() -> None:
    q = np.zeros((1, len(DOFS)))
    for name, deg in {
        "hip_flexion_r": 40,
        "knee_angle_r": 70,
        "ankle_angle_r": 10,
        "hip_flexion_l": -15,
        "hip_adduction_l": -20,
    }.items():
        q[0, DOF_INDEX[name]] = np.radians(deg)
    body, still = load_body("neutral"), np.zeros((1, len(DOFS)))
    told = []
    for pose in (q, still):
        params = SkelParams(pose, np.zeros((1, 10)), np.zeros((1, 3))).to_torch()
        world = body.skin_points(params, keypoint_points(body, BLAZEPOSE_33)).numpy() * np.array([1.0, -1.0, -1.0])
        track = KeypointTrack(0, np.zeros(1), missing_keypoints(BLAZEPOSE_33, (1,)))
        seen = Seen(track, world.astype(float), Camera(1000.0, (0.0, 0.0), (2, 2)))
        told.append(mediapipe_world(RealClip("", Path()), seen))
    bent = {name: float(np.degrees(told[0][name] - told[1][name])[0]) for name in told[0].names}
    assert bent["hip_flexion_r"] == pytest.approx(40, abs=4)
    assert bent["knee_angle_r"] == pytest.approx(70, abs=6)
    assert bent["ankle_angle_r"] == pytest.approx(10, abs=4)
    assert bent["hip_flexion_l"] == pytest.approx(-15, abs=4)
    assert bent["hip_adduction_l"] == pytest.approx(-20, abs=4)


def test_body_transforms_file(tmp_path: Path) -> None:
    rot = posed(3)[1]
    bodies = {name: {"rotation": r.as_euler("XYZ").tolist()} for name, r in rot.items()}
    (tmp_path / "a.json").write_text(json.dumps({"time": [0.0, 0.01, 0.02], "bodies": bodies}))
    read, expected = read_bodies(tmp_path / "a.json"), angles_of_segments(rot)
    for name in expected:
        np.testing.assert_allclose(read[name], expected[name], atol=1e-9)


def test_mot_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mot"
    columns = "time\tpelvis_tilt\tpelvis_list\tpelvis_rotation\tpelvis_tx\tknee_angle_r\tlumbar_bending"
    path.write_text(f"x\ninDegrees=yes\nendheader\n{columns}\n0.0\t-9\t0\t0\t0.5\t60\t4\n0.1\t-9\t0\t0\t0.5\t62\t4\n")
    read = read_mot(path)
    assert set(read.names) == {"pelvis_tilt", "pelvis_list", "knee_angle_r", "trunk_bending"}
    np.testing.assert_allclose(np.degrees(read["knee_angle_r"]), [60.0, 62.0])
    np.testing.assert_allclose(np.degrees(read["pelvis_tilt"]), -9.0)
    path.write_text(path.read_text().replace("inDegrees=yes", "inDegrees=no"))
    with pytest.raises(ConfigError, match="inDegrees"):
        read_mot(path)


def test_missing_data_is_a_users_slip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=VARIABLE):
        data_folder(None)
    with pytest.raises(ConfigError, match="opencap_labval_squat"):
        data_folder(tmp_path)
    (tmp_path / "gt" / "opencap_labval_squat").mkdir(parents=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert data_folder(None) == tmp_path / "gt"
