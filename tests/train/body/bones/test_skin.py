import numpy as np
import pytest

from train.body.bones import sdf
from train.body.bones.mesh import polygonise
from train.body.bones.skin import Skin, digit_tracks, fill_slits, settle


def sphere(radius_m: float, at=(0, 0, 0)):
    mesh = polygonise(lambda p: sdf.ball(p, (0, 0, 0), 100.0), (-104,) * 3, (104,) * 3, 8.0, 1000)
    return mesh.moved(mesh.vertices * radius_m / 100 + np.array(at))


@pytest.fixture(scope="module")
def ball():
    mesh = sphere(0.1)
    return Skin(mesh.vertices, mesh.faces)


def test_depth_is_signed(ball):
    points = np.array([(0.09, 0, 0), (0, 0.12, 0), (0, 0, 0.05)])
    depth, normal = ball.shell.depth(points)
    assert depth == pytest.approx([0.01, -0.02, 0.05], abs=1e-3)
    assert (normal * points).sum(1) / np.linalg.norm(points, axis=1) == pytest.approx(1, abs=0.01)


def test_section_of_a_sphere_is_a_circle(ball):
    loops = ball.section(np.array([0, 0.06, 0]), np.array([0, 1.0, 0]))
    assert len(loops) == 1
    assert loops[0].area == pytest.approx(np.pi * 0.08**2, rel=0.01)
    assert loops[0].centre == pytest.approx([0, 0.06, 0], abs=1e-3)
    assert ball.section(np.array([0, 0.2, 0]), np.array([0, 1.0, 0])) == []


def test_settle_pulls_a_bulge_under_the_skin(ball):
    bone = sphere(0.06, at=(0, 0, 0.05))  # reaches 1 cm out of the skin
    settled = settle(bone, ball.shell, 0.004)
    depth, _ = ball.shell.depth(settled.vertices)
    assert depth.min() > 0.0035
    far = bone.vertices[:, 2] < 0.03
    assert settled.vertices[far] == pytest.approx(bone.vertices[far], abs=5e-4)


def test_rigid_settle_keeps_the_shape(ball):
    bone = sphere(0.02, at=(0, 0.09, 0))
    settled = settle(bone, ball.shell, 0.004, rigid=True)
    moved = settled.vertices - bone.vertices
    assert moved == pytest.approx(np.broadcast_to(moved[0], moved.shape))
    assert ball.shell.depth(settled.vertices)[0].min() > 0.0035


def test_fill_slits_closes_a_mouth():
    def field(p):
        mouth = sdf.box(p, (0, 0, 45), (15, 3, 30))
        return sdf.cut(sdf.ellipsoid(p, (0, 0, 0), (45, 60, 50)), mouth)

    mesh = polygonise(field, (-47, -62, -52), (47, 62, 52), 2.5, 6000)
    shell = Skin(mesh.vertices / 1e3, mesh.faces).shell
    tooth = np.array([(0, 0, 0.04)])
    assert shell.depth(tooth)[0][0] < 0
    solid = fill_slits(shell, np.array([-0.045, -0.06, -0.05]), np.array([0.045, 0.06, 0.05]))
    assert solid.depth(tooth)[0][0] == pytest.approx(0.01, abs=0.005)
    assert solid.depth(np.array([(0, 0, 0.065)]))[0][0] < -0.01


def test_digit_tracks_follow_five_fingers():
    tips = np.array([(150, 0, z) for z in (-48, -24, 0, 24, 48)]) - np.array(
        [(20, 10, 0), (5, 5, 0), (0, 0, 0), (5, 5, 0), (30, 20, 0)]
    )

    def field(p):
        palm = sdf.box(p, (40, 0, 0), (40, 14, 58), 10)
        fingers = [
            sdf.tube(p, np.array([(60, 0, z), tip]), 8.0) for z, tip in zip((-48, -24, 0, 24, 48), tips, strict=True)
        ]
        return sdf.union(palm, *fingers)

    mesh = polygonise(field, (-6, -40, -70), (170, 30, 70), 2.0, 2500)
    skin = Skin(mesh.vertices / 1e3, mesh.faces)
    digits = sorted(digit_tracks(skin, skin.vertices[:, 0] > 0.01, 0), key=lambda digit: digit.path[0, 2])
    ends = np.array([digit.path[0] for digit in digits]) * 1e3
    assert np.linalg.norm(ends - tips, axis=1) == pytest.approx(8, abs=3)  # a radius beyond the axis
    assert all(digit.path[-1, 0] < 0.09 for digit in digits)
    assert np.array([np.median(digit.radius) for digit in digits]) == pytest.approx(0.008, abs=0.001)


def test_too_few_digits_is_an_error(ball):
    with pytest.raises(ValueError, match="expected 5 separate digits in this part of the skin, found 1"):
        digit_tracks(ball, np.ones(len(ball.vertices), bool), 0)
