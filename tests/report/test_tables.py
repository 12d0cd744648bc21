"""Tables of a report, from results whose numbers are known."""

from dataclasses import replace

import numpy as np
import pytest

from skelvid.angles.gait import Stride
from skelvid.angles.table import ANGLE_NAMES
from skelvid.datatypes.motion import JointAngles
from skelvid.report import tables
from tests.made_result import KNEE_DEG, make_result


def angles_of(**columns_deg: list[float]) -> JointAngles:
    values = np.radians(np.array(list(columns_deg.values()), float).T)
    return JointAngles(np.arange(len(values)) / 10, tuple(columns_deg), values)


class TestRanges:
    def test_of_the_bent_knee(self):
        rows = tables.range_table(make_result(missed=()).angles)["Legs"]
        knee = next(row for row in rows if row.label == "knee angle")
        right, left = knee.sides
        assert right is not None
        assert left is not None
        assert (right.least_deg, right.greatest_deg) == pytest.approx((KNEE_DEG[0], KNEE_DEG[-1]))
        assert right.range_deg == pytest.approx(50.0)
        assert right.sigma_deg == pytest.approx(2.5)
        assert left.range_deg == pytest.approx(0.0, abs=1e-9)
        assert knee.difference_deg == pytest.approx(50.0)
        assert knee.alike_percent == pytest.approx(0.0, abs=1e-9)

    def test_symmetry_is_a_hundred_percent_and_mirrors(self):
        both = tables.range_table(angles_of(knee_angle_r=[0, 60], knee_angle_l=[10, 70]))["Legs"][0]
        assert (both.difference_deg, both.alike_percent) == pytest.approx((0.0, 100.0))
        one, other = (
            tables.range_table(angles_of(knee_angle_r=[0, right], knee_angle_l=[0, left]))["Legs"][0]
            for right, left in ((60, 45), (45, 60))
        )
        assert (one.difference_deg, other.difference_deg) == pytest.approx((15.0, -15.0))
        assert one.alike_percent == other.alike_percent == pytest.approx(75.0)

    def test_a_difference_is_sure_only_beyond_the_doubt(self):
        angles = angles_of(knee_angle_r=[0, 60], knee_angle_l=[0, 50])
        for sigma_deg, sure in ((2.4, True), (2.6, False)):  # 2 * sqrt(4 * sigma^2) = 10
            doubted = replace(angles, sigma_rad=np.full((2, 2), np.radians(sigma_deg)))
            assert tables.range_table(doubted)["Legs"][0].sure == sure
        assert not tables.range_table(angles)["Legs"][0].sure

    def test_an_angle_that_leaves_its_scale_has_not_turned_around(self):
        row = tables.range_table(angles_of(pelvis_tilt=[-100, -115, 235, 225, 235, -115]))["Trunk and head"][0]
        assert row.sides[0] is not None
        assert row.sides[0].range_deg == pytest.approx(35.0)

    def test_never_seen_is_said(self):
        row = tables.range_table(angles_of(knee_angle_r=[np.nan, np.nan], knee_angle_l=[0, 1]))["Legs"][0]
        assert row.sides[0] is None
        assert row.difference_deg is None
        assert row.alike_percent is None
        assert not row.sure


def test_every_angle_is_in_one_group_and_has_its_convention():
    angles = make_result().angles
    grouped = [name for names in tables.groups(angles).values() for name in names]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {name.removesuffix("_r").removesuffix("_l") for name in ANGLE_NAMES}
    rows = tables.conventions(angles)
    assert len(rows) == len(grouped)
    assert all(all(row) for row in rows)


def test_quality_tells_gaps_smoothing_and_versions():
    said = dict(tables.quality(make_result()))
    assert said["Seen"] == "in 83 % of the pictures; not seen 0.25 to 0.25 s"
    assert "6 Hz" in said["Smoothing"]
    assert "skelvid 0.1.0" in said["Made with"]
    assert "no gap" in dict(tables.quality(make_result(missed=())))["Seen"]


def test_many_gaps_are_counted():
    spans = [(float(i), i + 0.5) for i in range(11)]
    assert tables._describe_gaps(spans).endswith("7.00 to 7.50 s and 3 more")


def test_settings_have_the_names_that_the_command_takes():
    assert list(tables.settings({"motion": {"cutoff_hz": 6.0, "height_m": None}, "device": "cpu"})) == [
        ("motion.cutoff_hz", "6.0"),
        ("motion.height_m", "not given"),
        ("device", "cpu"),
    ]


def test_gait_table_of_known_strides():
    strides = [Stride("r", t, t + 0.1, t + 0.5, t + 0.6, t + d) for t, d in ((0.0, 1.0), (1.0, 1.2))]
    rows = {row.label: row.sides for row in tables.gait_table(strides)}
    assert rows["Cadence"][0][0] == pytest.approx(2 * 60 / 1.1)
    assert rows["Stride time"][0] == pytest.approx((1.1, 0.2 / 2**0.5))
    assert rows["Step time"][0][0] == pytest.approx(0.6)
    assert rows["Stance"][0][0] == pytest.approx(100 * (0.6 + 0.5) / 2)
    assert rows["Both feet down"][0][0] == pytest.approx(100 * (0.2 + 0.2 / 1.2) / 2)
    assert np.isnan(rows["Stance"][1]).all()
