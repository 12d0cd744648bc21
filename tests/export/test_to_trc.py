"""landmarks.trc, read by the rules of the format; tests/parity asks OpenSim itself."""

from pathlib import Path

import numpy as np

from skelvid.body.dofs import JOINT_NAMES
from skelvid.export.to_trc import Trajectories
from tests.made_result import MISSED, TIMES_S, make_result


def read(path: Path) -> tuple[dict[str, str], list[str], np.ndarray]:
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert lines[0][:3] == ["PathFileType", "4", "(X/Y/Z)"]
    assert lines[3][:2] == ["Frame#", "Time"]
    assert lines[5] == [""]
    return dict(zip(lines[1], lines[2], strict=True)), lines[3][2::3], np.array(lines[6:], float)


def test_header(tmp_path):
    Trajectories()(make_result(), tmp_path / "a.trc")
    header, names, _ = read(tmp_path / "a.trc")
    assert header == {
        "DataRate": "10",  # the mean of the times: five steps in half a second
        "CameraRate": "10",
        "NumFrames": "6",
        "NumMarkers": str(len(names)),
        "Units": "m",
        "OrigDataRate": "10",
        "OrigDataStartFrame": "1",
        "OrigNumFrames": "6",
    }
    assert names == [*(f"{name}_joint" for name in JOINT_NAMES), "nose", "chin"]


def test_points_along_the_ground_in_m_and_nan_where_nobody_was_seen(tmp_path):
    Trajectories()(make_result(), tmp_path / "a.trc")
    _, names, table = read(tmp_path / "a.trc")
    np.testing.assert_array_equal(table[:, 0], np.arange(1, len(TIMES_S) + 1))
    np.testing.assert_allclose(table[:, 1], TIMES_S)
    nose = table[:, 2 + 3 * names.index("nose") :][:, :3]
    wanted = np.column_stack([np.zeros(6), np.full(6, 1.5), 0.1 * np.arange(6)])
    wanted[MISSED] = np.nan
    np.testing.assert_allclose(nose, wanted, atol=1e-9)
    assert np.isnan(table[MISSED, 2:]).all()


def test_one_frame_has_the_rate_of_the_video(tmp_path):
    Trajectories()(make_result(frames=1), tmp_path / "a.trc")
    assert read(tmp_path / "a.trc")[0]["DataRate"] == "10"
