"""Furniture is solid, stands at the walls, and is in nobody's way."""

import numpy as np
import pytest
import torch

from train.synth.furnish import along_walls
from train.synth.props_rooms import ALONG_WALLS, COLOURS, ON_FLOORS, at_wall, mesh_of


@pytest.mark.parametrize("draw", dict.fromkeys([*ALONG_WALLS, *ON_FLOORS]), ids=lambda draw: draw.__name__)
def test_things_are_boxes_seen_from_outside_that_stand_on_the_floor(draw):
    for number in range(5):
        table = draw(np.random.default_rng(number))
        assert (table[:, 3:6] > 0).all()
        mesh = mesh_of(table)
        a, b, c = mesh.vertices_m[mesh.faces].double().unbind(1)
        volume = (torch.linalg.cross(a, b) * c).sum() / 6
        assert float(volume) == pytest.approx(table[:, 3:6].prod(1).sum(), rel=1e-3)
        low = (table[:, 1] - table[:, 4] / 2).min()
        assert -0.01 < low < 0.15
        assert ((mesh.uv * 4 - 0.5 - (mesh.uv * 4 - 0.5).round()).abs() < 1e-5).all()


@pytest.mark.parametrize("draw", dict.fromkeys(ALONG_WALLS), ids=lambda draw: draw.__name__)
def test_things_stand_before_any_wall(draw):
    table = draw(np.random.default_rng(0))
    for axis in (0, 2):
        for side, wall_m in ((False, -2.0), (True, 3.0)):
            placed = at_wall(table, axis, side, wall_m, 1.0)
            half = placed[:, 3 + axis] / 2
            into = (wall_m - placed[:, axis] if side else placed[:, axis] - wall_m) - half
            assert into.min() > -0.03
            np.testing.assert_allclose(placed[:, 3:6].prod(1), table[:, 3:6].prod(1))
            np.testing.assert_allclose(placed[:, 1], table[:, 1])


def test_full_rooms_are_furnished_and_leave_people_and_camera_free():
    low, high = torch.tensor([-4.0, 0.0, -3.0]), torch.tensor([3.0, 2.8, 4.0])
    path, camera = torch.tensor([[-1.0, 0.9, 0.0], [2.6, 0.9, 0.5]]), torch.tensor([[1.5, 1.2, 3.4]])
    kinds = []
    for number in range(20):
        rng = np.random.default_rng(number)
        found = along_walls(path, camera, rng, within_m=(low, high), fullness=1.0)
        kinds += [surface.kind for surface in found]
        for surface in found:
            tall = surface.faces[surface.vertices_m[surface.faces, 1].amax(1) > 0.05]
            corners = surface.vertices_m[tall].amin(1), surface.vertices_m[tall].amax(1)
            for keep, away in ((path[0], 0.55), (path[1], 0.55), (camera[0], 0.8)):
                nearest = torch.maximum(torch.minimum(keep, corners[1]), corners[0])
                assert ((nearest - keep)[:, [0, 2]].norm(dim=1) > away).all()
            assert (surface.vertices_m > low - 1.0).all()
            assert surface.texture.view(-1, 4).unique(dim=0).shape[0] > COLOURS // 2
    assert kinds == ["furniture"] * 20
    assert along_walls(path, camera, np.random.default_rng(0), within_m=(low, high), fullness=0.0) == ()


def test_nothing_is_made_that_the_camera_cannot_see():
    within = torch.tensor([-9.0, 0.0, -9.0]), torch.tensor([9.0, 2.8, 9.0])
    path, camera = torch.zeros((1, 3)), torch.tensor([[0.0, 1.2, -3.0]])
    off_rad = {0.4: 0.0, np.pi: 0.0}
    for number in range(10):
        for sight in off_rad:
            rng = np.random.default_rng(number)
            for one in along_walls(path, camera, rng, within_m=within, fullness=1.0, sight_rad=sight):
                x, _, z = (one.vertices_m - camera[0]).unbind(1)
                off_rad[sight] = max(off_rad[sight], float(torch.atan2(x, z)[torch.hypot(x, z) > 3.0].abs().max()))
    assert off_rad[0.4] < 1.2
    assert off_rad[np.pi] > 2.0
