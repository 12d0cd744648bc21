import torch

from train.synth.render import shade_floor_in_torch, shade_floor_on_processor
from train.synth.shadow import cast, splat_in_torch, splat_on_processor


def test_compiled_loops_and_torch_cast_alike():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand((4000, 3), generator=generator) * torch.tensor([2.0, 1.8, 2.0]) - torch.tensor([1.0, 0, 1])
    picture, middle = torch.arange(2).repeat_interleave(2000), torch.tensor([[0.0, 0.9, 0.0], [0.3, 0.9, 0.1]])
    sun = torch.nn.functional.normalize(torch.tensor([[0.3, 1.0, 0.2], [-0.8, 0.5, 0.1]]), dim=1)
    axes = cast(points, picture, middle, sun_dir=sun, sun_size_rad=torch.tensor([0.05, 0.3])).axes
    for fast, slow in zip(
        *(f(points, picture, axes, middle) for f in (splat_on_processor, splat_in_torch)), strict=True
    ):
        assert (fast > 0).sum() > 500
        # A point on the border of two cells may go either way.
        assert ((fast - slow).abs() < 1e-4).float().mean() > 0.999


def test_compiled_loops_and_torch_darken_the_same_floor(world):
    shot = world.crop((11, 1), (64, 48)).shot
    things = torch.cat([thing.surface.vertices_m for thing in shot.things])
    shadows = cast(
        things, torch.zeros(len(things), dtype=torch.long), shot.focus_m[None], sun_dir=shot.light.sun_dir[None],
        sun_size_rad=torch.tensor([shot.light.sun_size_rad]),
    )  # fmt: skip
    seen = shot.backdrop(shot.view.position_m, shot.view.rays(), 1 / shot.view.focal_px)
    fast, slow = (f(seen, 0, shot.light, shadows) for f in (shade_floor_on_processor, shade_floor_in_torch))
    torch.testing.assert_close(fast, slow, atol=1e-3, rtol=1e-3)
