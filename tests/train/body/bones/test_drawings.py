"""Each bone as drawn: closed, outward, near its vertex budget, of a textbook size (millimetres)."""

import numpy as np
import pytest

from tests.train.body.bones.closed import assert_closed
from train.body.bones import arm, foot, hand, leg, pelvis, skull, spine

DRAWN = {
    "patella": (lambda: leg.draw_patella(90), 90, (44, 48, 18)),
    "fibula": (lambda: leg.draw_fibula(160), 160, (27, 397, 38)),
    "tibia": (lambda: leg.draw_tibia(380), 380, (78, 398, 55)),
    "ulna": (lambda: arm.draw_ulna(260), 260, (28, 274, 52)),
    "sacrum": (lambda: pelvis.draw_sacrum(480), 480, (114, 141, 78)),
    "teeth_lower": (lambda: skull.draw_teeth(False, 300), 300, (65, 12, 53)),
    "lumbar": (lambda: spine._draw("lumbar", 200), 200, (93, 54, 87)),
    "carpus": (lambda: hand._draw_carpus(240), 240, (41, 30, 21)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_bone(name):
    draw, budget, size = DRAWN[name]
    mesh = draw()
    assert_closed(mesh.vertices, mesh.faces)
    assert len(mesh.vertices) == pytest.approx(budget, rel=0.1)
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx(size, rel=0.1)


def test_tarsals_are_closed_and_lie_in_a_row():
    bones = foot._draw_tarsals({"talus": 100, "calcaneus": 100, "small": 40})
    for mesh in bones.values():
        assert_closed(mesh.vertices, mesh.faces)
    middle = {name: mesh.vertices[:, 2].mean() for name, mesh in bones.items()}
    assert middle["calcaneus"] < middle["talus"] < middle["navicular"] < middle["medial_cuneiform"]


def test_column_is_strung_from_sacrum_to_skull():
    sacrum, skull_base = np.array([0, 0, -0.05]), np.array([0, 0.58, -0.02])
    knots = np.array([(0, 0.15, -0.03), (0, 0.35, -0.07)])
    column = spine.string_column(sacrum, skull_base, knots, 1.0)
    assert (np.diff(column.centre[:, 1]) > 0).all()
    assert 0 < column.centre[0, 1] < 0.04
    assert 0.54 < column.centre[-1, 1] < 0.58
    assert np.einsum("nij,nik->njk", column.frame, column.frame) == pytest.approx(
        np.broadcast_to(np.eye(3), (24, 3, 3))
    )
