"""The renderer against scenes whose picture is known by hand."""

import numpy as np
import pytest

from skelvid.draw.raster import render
from skelvid.draw.scene import Mesh, View, look_at

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
HEAD_ON = look_at((0, 0, 0), (0, 0, 1), height_m=2.0, size_hw=(64, 64), orthographic=True)


def square(z: float, half: float, color, alpha: float = 1.0) -> Mesh:
    corners = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]])
    return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), color, alpha)


def sphere(radius: float) -> Mesh:
    """A ball of 96 x 192 quads between circles of latitude."""
    rings, sectors = 97, 192
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings), np.arange(sectors) * 2 * np.pi / sectors, indexing="ij")
    points = np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], -1)
    index = np.arange(rings * sectors).reshape(rings, sectors)
    here, right = index[:-1].ravel(), np.roll(index, -1, 1)[:-1].ravel()
    faces = np.concatenate(
        [np.stack([here, here + sectors, right], 1), np.stack([right, here + sectors, right + sectors], 1)]
    )
    return Mesh(radius * points.reshape(-1, 3), faces, (0.8, 0.8, 0.8))


class TestSilhouette:
    def test_orthographic_sphere_covers_its_disc(self):
        view = look_at((0, 0, 0), (1, 0.5, 1), height_m=2.0, size_hw=(200, 200), orthographic=True)
        mask = (render([sphere(0.8)], view, supersample=1) < 255).any(2)
        assert mask.mean() == pytest.approx(np.pi * 0.8**2 / 4, rel=2e-3)

    def test_perspective_sphere_covers_the_cone_that_touches_it(self):
        radius, distance = 0.5, 2.0
        view = look_at((0, 0, 0), (0, 0, 1), height_m=2.0, size_hw=(200, 200), distance_m=distance)
        mask = (render([sphere(radius)], view, supersample=1) < 255).any(2)
        outline = distance * radius / np.sqrt(distance**2 - radius**2)
        assert mask.mean() == pytest.approx(np.pi * outline**2 / 4, rel=3e-3)

    def test_shared_edges_leave_no_pinholes(self):
        image = render([square(0.0, 5.0, RED), sphere(0.7)], HEAD_ON, background=(0.0, 1.0, 0.0))
        assert not (image[..., 1] > 240).any()

    def test_antialiased_edge_pixel_is_mixed_by_area(self):
        half_pixel = 1.0 / 64  # a pixel is 2 m / 64 wide; the square ends in the middle of one
        image = render([square(0.0, 0.5 + half_pixel, RED)], HEAD_ON, background=(1.0, 1.0, 1.0))
        inside, edge, outside = image[32, 32, 1], image[32, 15, 1], image[32, 14, 1]
        assert (inside, outside) == (0, 255)
        assert edge == pytest.approx(127.5, abs=1)


class TestDepth:
    @pytest.mark.parametrize("orthographic", [True, False])
    @pytest.mark.parametrize("order", [1, -1])
    def test_nearer_square_wins_whatever_the_order(self, orthographic, order):
        view = look_at((0, 0, 0), (0, 0, 1), height_m=2.0, size_hw=(64, 64), orthographic=orthographic)
        meshes = [square(0.2, 0.4, RED), square(-0.2, 0.8, BLUE)][::order]
        image = render(meshes, view)
        assert image[32, 32, 0] > 0
        assert image[32, 32, 2] == 0
        assert image[32, 10, 0] == 0
        assert image[32, 10, 2] > 0

    def test_intersecting_planes_split_where_they_meet_under_perspective(self):
        slope = np.array([[-1, -1, -1], [1, -1, 1], [1, 1, 1], [-1, 1, -1]]) * np.array([1.0, 1.0, 0.5])
        tilted = Mesh(slope, np.array([[0, 1, 2], [0, 2, 3]]), BLUE)
        view = look_at((0, 0, 0), (0, 0, 1), height_m=1.6, size_hw=(64, 64), distance_m=2.0)
        row = render([square(0.0, 1.5, RED), tilted], view, supersample=1)[32]
        assert (row[:32, 0] > 0).all()
        assert (row[32:, 2] > 0).all()

    def test_triangles_behind_the_eye_are_left_out(self):
        view = View(focal_px=8.0, center_px=(4.0, 4.0), size_hw=(8, 8))
        assert (render([square(0.5, 1.0, RED)], view) < 255).any()
        for z in (-0.5, 0.0):
            assert (render([square(z, 1.0, RED)], view) == 255).all()


class TestTranslucency:
    def test_mixes_by_alpha_from_far_to_near_whatever_the_order(self):
        far, near = square(-0.2, 0.8, BLUE, alpha=0.5), square(0.2, 0.8, RED, alpha=0.25)
        lit = render([square(0.0, 0.8, RED)], HEAD_ON)[32, 32, 0] / 255
        expected = 0.25 * lit * np.array(RED) + 0.75 * (0.5 * lit * np.array(BLUE) + 0.5)
        for meshes in ([far, near], [near, far]):
            np.testing.assert_allclose(render(meshes, HEAD_ON)[32, 32] / 255, expected, atol=1.5 / 255)

    def test_skin_shows_the_bone_inside_but_not_through_a_wall_in_front(self):
        skin, bone = square(0.2, 0.8, RED, alpha=0.5), square(0.0, 0.4, BLUE)
        assert render([skin, bone], HEAD_ON)[32, 32, 2] > 50
        assert render([skin, square(0.5, 0.9, BLUE)], HEAD_ON)[32, 32, 0] == 0


class TestInputs:
    def test_background_picture_stays_where_nothing_is_drawn(self):
        picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        image = render([square(0.0, 0.25, RED)], HEAD_ON, background=picture)
        np.testing.assert_array_equal(image[:16], picture[:16])
        assert (image[32, 32, 1:] == 0).all()

    def test_empty_scene_is_background(self):
        assert (render([], HEAD_ON, background=(0.0, 0.0, 0.0)) == 0).all()

    def test_faces_outside_the_vertices_are_refused(self):
        with pytest.raises(ValueError, match="must index the 2 vertices"):
            Mesh(np.zeros((2, 3)), np.array([[0, 1, 2]]), RED)

    def test_alpha_is_a_share(self):
        with pytest.raises(ValueError, match="alpha"):
            square(0.0, 1.0, RED, alpha=1.5)


class TestView:
    def test_projection_agrees_with_the_picture(self):
        view = look_at((0.1, 0.2, 0.3), (1, 0.4, -0.5), height_m=2.0, size_hw=(101, 101))
        spot = np.array([0.25, 0.1, 0.5])
        dot = sphere(0.02)
        image = render([Mesh(dot.vertices_m + spot, dot.faces, RED)], view, background=(0.0, 0.0, 0.0))
        rows, columns = np.nonzero(image[..., 0])
        np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], view.project(spot), atol=0.2)

    def test_up_is_up_and_the_left_of_a_body_seen_from_the_front_is_right_in_the_picture(self):
        up, left = HEAD_ON.project(np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.0]]))
        assert up[1] < 32
        assert left[0] > 32
