import torch

from train.synth.labels import person_box
from train.synth.movement import shifts_in_torch, shifts_on_processor
from train.synth.render import Renderer


def test_compiled_loops_and_torch_see_the_same_movement(world):
    takes = [world.crop((13, i), (64, 48)) for i in range(2)]
    drawn = Renderer(fine=1.0)([take.shot for take in takes])
    moved = 0.0
    for i, take in enumerate(takes):
        fast, slow = (f(drawn, i, take.shot.view, take.before) for f in (shifts_on_processor, shifts_in_torch))
        near = slow.abs().amax(0) < 200  # what is further off is cut
        torch.testing.assert_close(fast[:, near], slow[:, near], atol=2e-2, rtol=1e-3)
        moved = max(moved, float(fast.abs().max()))
    assert moved > 0.1


def test_rays_and_boxes_are_those_that_the_camera_projects(world):
    take = world.crop((13, 0), (64, 48))
    view, person = take.shot.view, take.person
    points = view.position_m + 3.0 * view.rays().reshape(-1, 3)
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(48) + 0.5, indexing="ij")
    torch.testing.assert_close(view.project(points)[:, :2], torch.stack([x, y], -1).view(-1, 2), atol=2e-2, rtol=0)
    at = torch.cat([view.project(surface.vertices_m) for surface in person.surfaces])
    at = at[at[:, 2] > 0.05, :2]
    torch.testing.assert_close(person_box(person, view), torch.cat([at.amin(0), at.amax(0)]), atol=1e-2, rtol=1e-4)
