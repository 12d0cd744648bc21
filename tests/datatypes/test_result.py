"""A result is checked at birth."""

from dataclasses import replace

import numpy as np
import pytest

from skelvid.datatypes.skel import BodyPoints
from tests.made_result import MISSED, make_result


@pytest.mark.parametrize("name", ["raw_motion", "angles", "raw_angles"])
def test_all_series_have_the_same_times(name):
    result = make_result()
    series = getattr(result, name)
    with pytest.raises(ValueError, match=f"{name} must have the times"):
        replace(result, **{name: replace(series, time_s=series.time_s + 0.01)})


def test_raw_and_smoothed_angles_have_the_same_names():
    result = make_result()
    with pytest.raises(ValueError, match="same names"):
        replace(result, raw_angles=replace(result.raw_angles, names=result.angles.names[::-1]))


@pytest.mark.parametrize("part", ["joints_m", "landmarks_m"])
def test_points_have_a_row_per_time(part):
    result = make_result()
    points = {name: getattr(result.points, name) for name in ("joints_m", "joint_rot", "landmarks_m")}
    with pytest.raises(ValueError, match="points must have shapes"):
        replace(result, points=BodyPoints(**points | {part: points[part][1:]}))


def test_unseen_rows_and_rows_without_numbers_say_nothing():
    result = make_result()
    q = result.motion.params.q.copy()
    q[0, 3] = np.nan
    motion = replace(result.motion, params=replace(result.motion.params, q=q))
    seen = replace(result, motion=motion).seen
    assert np.flatnonzero(~seen).tolist() == [0, MISSED]
