"""The angle table is symmetric, complete and refers only to what the body has."""

from skelvid.angles.table import ANGLE_NAMES, ANGLE_TABLE, ANGLES, Decomposed, Single
from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, JOINT_NAMES, other_side


def test_names_are_unique_and_come_in_pairs():
    assert len(set(ANGLE_NAMES)) == len(ANGLE_NAMES) == len(ANGLES)
    assert {other_side(name) for name in ANGLE_NAMES} == set(ANGLE_NAMES)


def test_both_sides_say_the_same():
    by_name = {angle.name: angle for angle in ANGLES}
    for angle in ANGLES:
        other = by_name[other_side(angle.name)]
        assert (angle.positive, angle.zero, angle.source) == (other.positive, other.zero, other.source)


def test_every_degree_of_freedom_is_read_exactly_once():
    singles = [entry.dof for entry in ANGLE_TABLE if isinstance(entry, Single)]
    turned = [e.joints[-1] for e in ANGLE_TABLE if isinstance(e, Decomposed) and not e.repeats]
    assert set(turned) <= set(JOINT_NAMES)
    from_balls = [name for name in DOF_NAMES for joint in turned if name in _ball_dofs(joint)]
    assert sorted(singles + from_balls, key=DOF_INDEX.__getitem__) == list(DOF_NAMES)


def _ball_dofs(joint: str) -> set[str]:
    from skelvid.body.dofs import DOFS

    return {dof.name for dof in DOFS if dof.joint == joint}
