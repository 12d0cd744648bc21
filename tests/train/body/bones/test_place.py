import numpy as np
import pytest

from train.body.bones.mesh import Mesh
from train.body.bones.place import MM, limb_frame, smoothstep, stretch, twist, warp

NO_FACES = np.zeros((0, 3), int)


def test_limb_frame_is_right_handed_along_the_limb():
    frame = limb_frame(np.array([0.1, 1.0, 0.0]), np.array([0.2, 0.5, 0.1]), np.array([0, 0, 1.0]))
    assert frame.T @ frame == pytest.approx(np.eye(3))
    assert np.linalg.det(frame) == pytest.approx(1)
    assert frame[:, 1] @ np.array([-0.1, 0.5, -0.1]) == pytest.approx(np.linalg.norm([0.1, 0.5, 0.1]))


def test_left_arm_in_the_t_pose_has_its_lateral_side_up():
    frame = limb_frame(np.array([0.2, 1.4, 0]), np.array([0.5, 1.4, 0]), np.array([0, 0, 1.0]))
    assert frame[:, 0] == pytest.approx([0, 1, 0])


@pytest.mark.parametrize("length_mm", [300, 520])
def test_stretch_puts_both_joints_and_keeps_the_ends(length_mm):
    start, end = np.array([0.1, 1.0, 0]), np.array([0.1, 1.0 - length_mm * MM, 0])
    drawn = np.array([(0, 0, 0), (0, -400, 0), (0, -10, 0), (0, -390, 0), (0, 20, 0), (7, 0, 3)], float)
    placed = stretch(Mesh(drawn, NO_FACES), 400.0, start, end, np.eye(3), 0.9).vertices
    assert placed[:2] == pytest.approx(np.array([start, end]))
    assert placed[2] == pytest.approx(start - np.array([0, 9 * MM, 0]))
    assert placed[3] == pytest.approx(end + np.array([0, 9 * MM, 0]))
    assert placed[4] == pytest.approx(start + np.array([0, 18 * MM, 0]))
    assert placed[5] == pytest.approx(start + 0.9 * MM * np.array([7, 0, 3]))


def test_twist_turns_the_wrist_but_not_the_elbow():
    bone = Mesh(np.array([(10.0, 0, 0), (10, -240, 0)]), NO_FACES)
    assert twist(bone, 240.0, np.pi / 2).vertices == pytest.approx(np.array([(10, 0, 0), (0, -240, 10)]))


def test_warp_hits_its_landmarks():
    drawn = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], float)
    wanted = drawn * 2 + np.array([(0, 0, 0), (0.3, 0, 0), (0, 0, 0), (0, 0.1, 0), (0, 0, 0)])
    assert warp(Mesh(drawn, NO_FACES), drawn, wanted).vertices == pytest.approx(wanted)


def test_smoothstep_rises_from_0_to_1():
    assert smoothstep(np.array([-1.0, 0, 1, 2, 3]), 0.0, 2.0) == pytest.approx([0, 0, 0.5, 1, 1])
