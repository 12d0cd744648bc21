import dataclasses

import numpy as np
import pytest
import torch

from skelvid.errors import ConfigError
from train.synth.backdrop import RoomBackdrop
from train.synth.options import make_world
from train.synth.rooms import draw_stage
from train.synth.stock import load_stock
from train.synth.views import draw_lens, draw_views


def test_tiles_are_cut_from_their_sheets_whole(world):
    for tile in world.stock.tile_images:
        assert tile.shape == (128, 128, 4)
        assert tile[..., :3].max() < 230  # nothing of the white between them
    assert world.stock.floors
    assert world.stock.grounds
    assert world.stock.walls
    assert world.stock.cloths


def test_says_what_is_missing(tmp_path):
    with pytest.raises(ConfigError, match="panoramas"):
        load_stock(panoramas=[tmp_path], photos=[tmp_path], tiles=[tmp_path], split="train")


def test_each_library_needs_a_share(sources):
    with pytest.raises(ConfigError, match="shares"):
        make_world(dataclasses.replace(sources, shares=(1.0, 2.0)), "train")


def test_rooms_hold_camera_and_person_and_furniture_stays_out_of_the_way(world):
    rng = np.random.default_rng(0)
    path = torch.tensor([[-1.0, 0.9, 0.0], [1.0, 0.9, 0.2]])
    kinds = set()
    for _ in range(40):
        camera = torch.as_tensor(rng.uniform([-6, 0.3, -6], [6, 2.5, 6], (1, 3)), dtype=torch.float32)
        stage = draw_stage(world.stock, path, camera, rng)
        kinds.add(stage.kind)
        if isinstance(stage.backdrop, RoomBackdrop):
            for points in (path, camera):
                assert (points > stage.backdrop.low_m).all()
                assert (points < stage.backdrop.high_m).all()
        towards = torch.nn.functional.normalize(path[0] - camera[0], dim=0)
        level = torch.nn.functional.normalize(torch.tensor([1.0, -0.2, -1e-7]), dim=0)
        seen = stage.backdrop(camera[0], torch.stack([towards, level, -torch.eye(3)[1]])[None], 0.01)
        assert torch.isfinite(seen.colour).all()
        assert (seen.colour >= 0).all()
        assert torch.isfinite(stage.light.soft).all()
    assert kinds == {"room", "panorama", "photo"}


def test_cameras_see_their_person_from_everywhere_a_phone_may_be():
    rng = np.random.default_rng(1)
    path = torch.tensor([[0.0, 0.9, 0.0]] * 3)
    seen, heights, rolls, distances = 0, [], [], []
    for _ in range(300):
        lens = draw_lens(rng)
        view = draw_views(path, torch.tensor([0.0, 0.03, 0.07]), rng, lens)[1]
        torch.testing.assert_close(view.rot @ view.rot.mT, torch.eye(3), atol=1e-5, rtol=0)
        assert torch.linalg.det(view.rot) > 0.99
        x, y, depth = view.project(path[1]).tolist()
        seen += depth > 0 and 0 < x < view.size_hw[1] and 0 < y < view.size_hw[0]
        heights.append(float(view.position_m[1]))
        rolls.append(float(torch.atan2(view.rot[0, 1], -view.rot[1, 1]).rad2deg()))
        distances.append(lens.distance_m)
    assert seen > 280
    assert 0.29 < min(heights) < 0.6
    assert 2.2 < max(heights) < 2.55
    assert -27 < min(rolls) < -15
    assert 15 < max(rolls) < 27
    assert 1.5 <= min(distances) < 2
    assert 9 < max(distances) <= 12


def test_a_cut_view_shows_the_same_points_scaled():
    rng = np.random.default_rng(2)
    path = torch.tensor([[0.0, 0.9, 0.0]] * 2)
    view = draw_views(path, torch.tensor([0.0, 0.03]), rng, draw_lens(rng))[0]
    part = view.cut((100.0, 50.0, 100.0 + 150.0, 50.0 + 200.0), (256, 192))
    point = torch.tensor([[0.3, 1.2, 0.1]])
    whole, small = view.project(point)[0], part.project(point)[0]
    torch.testing.assert_close(small[:2], (whole[:2] - torch.tensor([100.0, 50])) * 1.28, atol=1e-2, rtol=1e-4)
    ray = part.rays()[10, 20]
    at = part.project((part.position_m + 3 * ray)[None])[0]
    torch.testing.assert_close(at[:2], torch.tensor([20.5, 10.5]), atol=1e-2, rtol=0)
