"""OpenSim itself reads angles.mot and landmarks.trc, by each of the two readers that its tools use.

`pip install opensim` where there are wheels for it; left out otherwise.
"""

import numpy as np
import pytest

from skelvid.export.to_mot import OpenSimMotion
from skelvid.export.to_trc import Trajectories
from tests.made_result import KNEE_DEG, MISSED, TIMES_S, make_result

opensim = pytest.importorskip("opensim")
opensim.Logger.removeFileSink()  # else it leaves a log where the tests are started


def test_motion(tmp_path):
    path = tmp_path / "angles.mot"
    OpenSimMotion()(make_result(), path)
    table, storage, column = opensim.TimeSeriesTable(str(path)), opensim.Storage(str(path)), opensim.ArrayDouble()
    assert table.getTableMetaDataAsString("inDegrees") == "yes"
    assert storage.isInDegrees()
    np.testing.assert_allclose(table.getIndependentColumn(), np.delete(TIMES_S, MISSED))
    np.testing.assert_allclose(table.getDependentColumn("knee_angle_r").to_numpy(), np.delete(KNEE_DEG, MISSED))
    storage.getDataColumn("knee_angle_r", column)
    assert [column.get(i) for i in range(column.getSize())] == np.delete(KNEE_DEG, MISSED).tolist()


def test_trajectories(tmp_path):
    path = tmp_path / "landmarks.trc"
    Trajectories()(make_result(), path)
    wanted = np.column_stack([np.zeros(6), np.full(6, 1.5), 0.1 * np.arange(6)])
    wanted[MISSED] = np.nan
    table, markers = opensim.TimeSeriesTableVec3(str(path)), opensim.MarkerData(str(path))
    np.testing.assert_allclose(table.getIndependentColumn(), TIMES_S)
    nose = table.getDependentColumn("nose")
    np.testing.assert_allclose([[nose[i][axis] for axis in range(3)] for i in range(6)], wanted, atol=1e-9)
    assert (markers.getUnits().getLabel(), markers.getDataRate()) == ("meters", 10.0)
    index = markers.getMarkerIndex("nose")
    frames = [markers.getFrame(i).getMarker(index) for i in range(6)]
    np.testing.assert_allclose([[frame[axis] for axis in range(3)] for frame in frames], wanted, atol=1e-9)
