import dataclasses

import numpy as np
import pytest
import torch

from train.synth.backdrop import PanoramaBackdrop, RoomBackdrop
from train.synth.rooms import draw_stage

KINDS = {"room": RoomBackdrop, "panorama": PanoramaBackdrop}


def looks(world, kind, count):
    """Give places of a kind and rays into all directions, of the size of a picture."""
    rng = np.random.default_rng(2)
    rays = torch.nn.functional.normalize(torch.randn((48, 36, 3), generator=torch.Generator().manual_seed(0)), dim=2)
    found = []
    while len(found) < count:
        eye = torch.tensor([0.4, 1.4, 2.0])
        stage = draw_stage(world.stock, torch.zeros((2, 3)), eye.expand(2, 3), rng)
        if stage.kind == kind:
            found.append((stage.backdrop, eye, rays))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_loops_and_torch_see_the_same(world, kind):
    for backdrop, eye, rays in looks(world, kind, 6):
        assert isinstance(backdrop, KINDS[kind])
        fast, slow = backdrop.on_processor(eye, rays, 0.01), backdrop.in_torch(eye, rays, 0.01)
        assert torch.equal(fast.floor, slow.floor)
        torch.testing.assert_close(fast.point_m, slow.point_m, atol=1e-4, rtol=1e-5)
        close = (fast.colour - slow.colour).abs() < 1e-3 + 1e-3 * slow.colour.abs()
        assert close.all(2).float().mean() > 0.998


def test_floors_of_rooms_lie_at_zero_and_walls_where_they_were_put(world):
    for room, eye, rays in looks(world, "room", 2):
        seen = room(eye, rays, 0.01)
        assert seen.point_m[seen.floor][:, 1].abs().max() < 1e-4
        assert (seen.point_m >= room.low_m - 1e-3).all()
        assert (seen.point_m <= room.high_m + 1e-3).all()


def test_a_panoramas_floor_lies_under_people_however_far_the_camera_is(world):
    """It ends in a circle around them, where its picture has become that of the panorama: nobody sees an edge."""
    for backdrop, _, _ in looks(world, "panorama", 3):
        for away in (2.0, 6.0, 12.0):
            eye = torch.tensor([0.0, 1.0, -away])
            turn = torch.linspace(0, 2 * torch.pi, 40)
            circle = torch.stack([turn.sin(), torch.zeros(40), turn.cos()], 1)
            for radius, floor in ((1.0, True), (8.99, True), (9.01, False)):
                rays = torch.nn.functional.normalize(circle * radius - eye, dim=1)[None]
                assert (backdrop(eye, rays, 0.01).floor == floor).all()
            inner, outer = (
                backdrop(eye, torch.nn.functional.normalize(circle * radius - eye, dim=1)[None], 0.01).colour
                for radius in (8.99, 9.01)
            )
            assert ((inner - outer).abs() < 0.02 + 0.1 * outer).float().mean() > 0.9


def test_a_panoramas_floor_has_grain_near_the_people_and_none_where_it_ends(world):
    for backdrop, _, _ in looks(world, "panorama", 3):
        grain = dataclasses.replace(backdrop.grain, depth=0.8)
        eye, place = torch.tensor([0.0, 1.5, 0.0]), torch.rand((1, 4000, 3), generator=torch.Generator().manual_seed(0))
        near = (place - 0.5) * torch.tensor([2.0, 0.0, 2.0])
        turn = place[..., 0] * 2 * torch.pi
        far = 8.95 * torch.stack([turn.sin(), torch.zeros_like(turn), turn.cos()], -1)
        change = []
        for points, px_rad in ((near, 1e-4), (near, 10.0), (far, 1e-4)):
            rays = torch.nn.functional.normalize(points - eye, dim=-1)
            rough, plain = (dataclasses.replace(backdrop, grain=g)(eye, rays, px_rad).colour for g in (grain, None))
            change.append(rough / plain.clamp_min(1e-4) - 1)
        assert change[0].std() > 0.05
        assert change[1].abs().max() < 0.01  # a pixel shows all of it at once
        assert change[2].abs().max() < 0.05
