"""Motion and JointAngles refuse what does not fit together."""

import numpy as np
import pytest

from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.skel import SkelParams

PARAMS = SkelParams(np.zeros((3, 46)), np.zeros((1, 10)), np.zeros((3, 3)))


def test_motion_needs_one_row_per_time():
    with pytest.raises(ValueError, match=r"\[2, 46\]"):
        Motion(0, np.array([0.0, 0.1]), PARAMS, np.ones(2, bool))


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.1], [0.0, 0.2, 0.1], [0.0, np.nan, 0.1]])
def test_time_must_rise(times):
    with pytest.raises(ValueError, match="strictly rising"):
        Motion(0, np.array(times), PARAMS, np.ones(3, bool))


def test_joint_angles_columns_are_named():
    angles = JointAngles(np.array([0.0, 0.5]), ("a", "b"), np.array([[1.0, 2.0], [3.0, np.nan]]))
    np.testing.assert_array_equal(angles["b"], [2.0, np.nan])


@pytest.mark.parametrize(("names", "message"), [(("a",), "must have shape"), (("a", "a"), "must differ")])
def test_joint_angles_names_must_fit(names, message):
    with pytest.raises(ValueError, match=message):
        JointAngles(np.array([0.0]), names, np.zeros((1, 2)))
