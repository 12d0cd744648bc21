import numpy as np
import pytest

from train.body import zeros

SIDES = (("r", -1.0), ("l", 1.0))


def rotated(point, angle, sign):
    """Turn a point about the vertical outward by an angle."""
    c, s = np.cos(angle), sign * np.sin(angle)
    return np.array([c * point[0] + s * point[2], point[1], -s * point[0] + c * point[2]])


def body(*, knee=0.0, patella=0.0, foot=0.0, pelvis=0.0, shoulders_back_m=0.0):
    """One body of landmarks only: knees, kneecaps, feet turned outward, pelvis tilted forward by given angles."""
    marks, joints = {}, {}
    for side, sign in SIDES:
        centre = np.array([sign * 0.09, -0.5, -0.05])
        joints[f"tibia_{side}"] = centre[None]
        joints[f"femur_{side}"] = np.array([[sign * 0.08, -0.1, -0.05]])
        joints[f"humerus_{side}"] = np.array([[sign * 0.17, 0.4, -0.05 - shoulders_back_m]])
        out = np.array([sign * 0.06, 0, 0])
        marks[f"knee_lat_{side}"] = centre + rotated(out, knee, sign)
        marks[f"knee_med_{side}"] = centre - rotated(out, knee, sign)
        marks[f"patella_{side}"] = centre + rotated(np.array([0, 0, 0.06]), patella, sign)
        marks[f"psis_{side}"] = np.array([sign * 0.05, 0.0, -0.17])
        marks[f"asis_{side}"] = np.array([sign * 0.12, -0.2 * np.sin(pelvis), -0.17 + 0.2 * np.cos(pelvis)])
        heel = np.array([sign * 0.1, -0.95, -0.1])
        marks[f"heel_{side}"] = heel
        second = np.array([0, 0, 0.17])
        spread = np.array([sign * 0.1, 0, 0])
        for name, share in (("mtp1", -zeros.SECOND_TOE), ("mtp5", 1 - zeros.SECOND_TOE)):
            marks[f"{name}_{side}"] = heel + rotated(second + share * spread, foot, sign)
    points = np.stack(list(marks.values()))[None]
    one = np.array([1.0, 0, 0])
    landmarks = {name: (np.array([i, i, i]), one) for i, name in enumerate(marks)}
    return points, landmarks, joints


@pytest.mark.parametrize("side", ["r", "l"])
def test_knees_and_feet_are_turned_by_what_they_lack(side):
    turns = zeros.turns_to_zero(*body(knee=0.10, patella=0.20, foot=-0.05))
    assert turns.knee[side] == pytest.approx([zeros.KNEE_OUT_RAD - 0.15])
    assert turns.foot[side] == pytest.approx([zeros.FOOT_OUT_RAD + 0.05])


def test_a_body_at_zero_is_left_alone():
    height = 0.5
    out = zeros.KNEE_OUT_RAD
    back = height * np.tan(zeros.SHOULDERS_BACK_RAD)
    at_zero = body(knee=out, patella=out, foot=zeros.FOOT_OUT_RAD, pelvis=zeros.PELVIS_DOWN_RAD, shoulders_back_m=back)
    turns = zeros.turns_to_zero(*at_zero)
    for turn in (*turns.knee.values(), *turns.foot.values(), turns.pelvis_forward, turns.shoulders_back_m):
        np.testing.assert_allclose(turn, 0, atol=1e-12)


def test_shoulders_too_far_in_front_are_moved_backward():
    assert zeros.turns_to_zero(*body(shoulders_back_m=-0.02)).shoulders_back_m > 0.02


def test_a_level_pelvis_is_tilted_forward():
    assert zeros.turns_to_zero(*body(pelvis=0.05)).pelvis_forward == pytest.approx(zeros.PELVIS_DOWN_RAD - 0.05)
