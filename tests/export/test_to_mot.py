"""angles.mot, read by a reader of the rules in OpenSim's description; tests/parity asks OpenSim itself."""

from pathlib import Path

import numpy as np
import pytest

from skelvid.export.to_mot import OpenSimMotion, opensim_name
from tests.made_result import KNEE_DEG, MISSED, TIMES_S, make_result


def read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    head, _, body = path.read_text().partition("\nendheader\n")
    names, *rows = body.splitlines()
    table = np.array([[float(cell) for cell in row.split("\t")] for row in rows])
    fields = dict(line.split("=") for line in head.splitlines() if "=" in line)
    return fields, dict(zip(names.split("\t"), table.T, strict=True))


def test_header_counts_rows_and_columns_with_time(tmp_path):
    OpenSimMotion()(make_result(), tmp_path / "a.mot")
    header, columns = read(tmp_path / "a.mot")
    assert header == {"version": "1", "nRows": "5", "nColumns": str(len(columns)), "inDegrees": "yes"}
    assert list(columns)[:5] == ["time", "pelvis_tx", "pelvis_ty", "pelvis_tz", "pelvis_tilt"]


def test_frames_without_the_person_are_left_out_and_times_are_kept(tmp_path):
    OpenSimMotion()(make_result(), tmp_path / "a.mot")
    columns = read(tmp_path / "a.mot")[1]
    np.testing.assert_allclose(columns["time"], np.delete(TIMES_S, MISSED))
    np.testing.assert_allclose(columns["knee_angle_r"], np.delete(KNEE_DEG, MISSED))


def test_pelvis_is_told_along_the_ground(tmp_path):
    # Facing the camera, a step to the person's right is one along z, and the floor is 1 m below.
    OpenSimMotion()(make_result(missed=()), tmp_path / "a.mot")
    columns = read(tmp_path / "a.mot")[1]
    np.testing.assert_allclose(columns["pelvis_tx"], 0.0, atol=1e-9)
    np.testing.assert_allclose(columns["pelvis_ty"], 1.0)
    np.testing.assert_allclose(columns["pelvis_tz"], 0.1 * np.arange(len(TIMES_S)), atol=1e-9)
    np.testing.assert_allclose(columns["pelvis_tilt"], 0.0, atol=1e-6)


def test_holds_the_coordinates_of_the_model_and_no_others(tmp_path):
    OpenSimMotion()(make_result(), tmp_path / "a.mot")
    sided = (
        "hip_flexion hip_adduction hip_rotation knee_angle ankle_angle subtalar_angle mtp_angle "
        "arm_flex arm_add arm_rot elbow_flex pro_sup wrist_flex wrist_dev"
    )
    wanted = {f"{name}_{side}" for name in sided.split() for side in "rl"}
    wanted |= {f"lumbar_{name}" for name in ("extension", "bending", "rotation")}
    wanted |= {f"pelvis_{name}" for name in ("tilt", "list", "rotation", "tx", "ty", "tz")}
    assert set(read(tmp_path / "a.mot")[1]) == {"time", *wanted}


@pytest.mark.parametrize(
    ("angle", "coordinate"),
    [
        ("trunk_rotation", "lumbar_rotation"),
        ("lumbar_rotation", None),
        ("shoulder_plane_r", None),
        ("head_bending", None),
    ],
)
def test_lumbar_of_opensim_is_the_whole_trunk(angle, coordinate):
    assert opensim_name(angle) == coordinate
