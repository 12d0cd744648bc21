"""OpenSim's tables: units by range, knee signs by family, the trunk shared by two joints."""

import numpy as np
import pytest

from skelvid.body.dofs import DOF_INDEX
from skelvid.errors import ConfigError
from tests.train.motion.captures import write_mot
from train.motion.opensim import TRIALS, known_files, read_pose, read_table

TIMES = [0.0, 0.05, 0.1]
LEGS = {"hip_flexion_r": [20.0, 30.0, 40.0], "knee_angle_r": [-10.0, -30.0, -60.0], "knee_angle_l": [-5.0, -5.0, -5.0]}
TRUNK = {"pelvis_rotation": [90.0] * 3, "lumbar_extension": [-20.0] * 3}
PLACE = {"pelvis_tx": [1.0, 1.5, 2.0], "pelvis_ty": [0.9] * 3, "pelvis_tz": [0.25] * 3}


def last(q, name):
    return q[-1, DOF_INDEX[name]]


def test_degrees_with_knees_counted_negative(tmp_path):
    write_mot(tmp_path / "a.mot", {"time": TIMES} | LEGS | TRUNK | PLACE)
    q, trans, fps, unobserved = read_pose(tmp_path / "a.mot")
    assert q.shape == (7, 46)
    assert fps == 60.0
    assert np.degrees(last(q, "hip_flexion_r")) == pytest.approx(40)
    assert np.degrees(last(q, "knee_angle_r")) == pytest.approx(60)
    assert np.degrees(last(q, "knee_angle_l")) == pytest.approx(5)
    assert np.degrees(last(q, "pelvis_rotation")) == pytest.approx(90)
    for part in ("lumbar", "thorax"):
        assert np.degrees(last(q, f"{part}_extension")) == pytest.approx(-10)
    # OpenSim's x (forward) is our z, its z (right) our -x.
    np.testing.assert_allclose(trans[-1], [-0.25, 0.9, 2.0])
    assert {"shoulder_r_x", "head_twist", "mtp_angle_l"} <= set(unobserved)
    assert "knee_angle_r" not in unobserved


def test_radians_give_the_same_pose(tmp_path):
    angles = LEGS | TRUNK
    write_mot(tmp_path / "deg.mot", {"time": TIMES} | angles)
    radians = {name: list(np.radians(values)) for name, values in angles.items()}
    write_mot(tmp_path / "rad.mot", {"time": TIMES} | radians)
    np.testing.assert_allclose(read_pose(tmp_path / "deg.mot")[0], read_pose(tmp_path / "rad.mot")[0], atol=1e-5)


def test_a_table_without_column_names_is_refused(tmp_path):
    (tmp_path / "a.mot").write_text("endheader\n0 1 2\n")
    with pytest.raises(ConfigError, match="'time'"):
        read_table(tmp_path / "a.mot")


def test_only_known_trials_are_listed(tmp_path):
    for stem in ("models_crouch_unknown", f"x_{next(iter(TRIALS))}", "nimble_osim_LaiArnoldSubject5_DJ1"):
        write_mot(tmp_path / f"{stem}.mot", {"time": TIMES})
    assert [trial.name for _, trial in known_files(tmp_path)] == ["subject01_walk"]
