import numpy as np

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.skel import BodyPoints
from skelvid.draw.bones import draw_bones, make_bones
from skelvid.draw.chart import BRIGHT

CAMERA = Camera(1000.0, (320.0, 240.0), (480, 640))


def test_strokes_join_what_they_name_and_mirror_each_other():
    bones = make_bones(("head_top", "heel_r", "heel_l"))
    names = [*JOINT_NAMES, "head_top", "heel_r", "heel_l"]
    pairs = {
        tuple(names[bones.points[end]] for end in ends): side
        for ends, side in zip(bones.ends, bones.sides, strict=True)
    }
    assert pairs["femur_r", "tibia_r"] == "right"
    assert pairs["talus_l", "heel_l"] == "left"
    assert pairs["head", "head_top"] == "middle"
    assert not any("tip" in end for pair in pairs for end in pair)
    other = {"_r": "_l", "_l": "_r"}
    mirrored = {tuple(end[:-2] + other.get(end[-2:], end[-2:]) for end in pair) for pair in pairs}
    assert mirrored == set(pairs)


def test_nearer_bones_cover_farther_ones():
    bones = make_bones(())
    joints_m = np.full((24, 3), np.nan)
    for side, depth_m in (("r", 2.0), ("l", 3.0)):
        ends = [JOINT_NAMES.index(f"femur_{side}"), JOINT_NAMES.index(f"tibia_{side}")]
        joints_m[ends] = [[0.0, -0.1 * depth_m, depth_m], [0.0, 0.1 * depth_m, depth_m]]
    body = BodyPoints(joints_m, np.zeros((24, 3, 3)), np.zeros((0, 3)))
    picture = np.zeros((480, 640, 3), np.uint8)
    draw_bones(picture, bones, bones.pick(body), CAMERA, unit=1.0)
    assert tuple(picture[240, 320]) == BRIGHT["right"]
