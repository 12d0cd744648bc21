from dataclasses import replace

import torch

from train.synth import props
from train.synth.backdrop import PanoramaBackdrop
from train.synth.light import Light, light_of
from train.synth.render import Renderer
from train.synth.shots import SUBJECT, Shot, Thing
from train.synth.views import View
from train.synth.world import Material

SIZE = (64, 48)


def view(**change):
    rot = torch.diag(torch.tensor([-1.0, -1, 1]))  # from z < 0, looking along z
    return View(rot, torch.tensor([0.0, 1.0, -4.0]), 60.0, (24.0, 32.0), SIZE, **change)


def painted(mesh, value, **material):
    texture = torch.full((4, 4, 4), 255, dtype=torch.uint8)
    texture[..., :3] = value
    return Thing(
        props.coloured(mesh, texture, material=Material(roughness=1.0, specular=0.0, **material), kind="box"), SUBJECT
    )


def shot(*things, sky=0.0):
    dark = torch.full((64, 128, 3), sky + 1e-3)
    dark[4:8, 60:68] = 200.0  # a lamp high up, towards -z
    image = torch.full((1, 3, 64, 129), sky)
    return Shot(things, view(), PanoramaBackdrop(image, torch.eye(3), 1.6), light_of(dark), torch.tensor([0.0, 1, 0]))


def test_a_small_thing_is_drawn_where_the_camera_projects_it():
    for fine in (1.0, 1.5, 2.0):
        for place in ((0.31, 1.42, 0.2), (-0.77, 0.53, -0.4), (0.113, 0.9, 1.0)):
            ball = props.moved(props.ball(), turn_rad=0, to_m=(place[0], place[1] - 0.32, place[2]))
            light = Renderer(fine=fine)([shot(painted(ball, 255), sky=0.0)]).cover[0] >= 0
            rows, columns = torch.nonzero(light.float(), as_tuple=True)
            at = torch.stack([columns.float().mean() + 0.5, rows.float().mean() + 0.5]) / fine
            torch.testing.assert_close(at, view().project(torch.tensor([place]))[0, :2], atol=0.3, rtol=0)


def test_the_picture_and_the_fine_pixels_lie_on_each_other():
    soft = torch.zeros((9, 3))
    soft[0] = 1.0  # the same from everywhere
    even = Light(soft, torch.tensor([0.0, 1, 0]), torch.zeros(3), 0.1)
    box = painted(props.box((0.4, 1.3, 0.0), (0.5, 0.5, 0.1)), 255)
    wide = Renderer(fine=1.5)([replace(shot(box), light=even)])
    weight = wide.light[0].mean(0)
    fine = (wide.cover[0] >= 0).float()

    def centre(mask, scale):
        y, x = torch.meshgrid(torch.arange(mask.shape[0]) + 0.5, torch.arange(mask.shape[1]) + 0.5, indexing="ij")
        return torch.stack([(mask * x).sum(), (mask * y).sum()]) / mask.sum() / scale

    torch.testing.assert_close(centre(weight, 1), centre(fine, 1.5), atol=0.15, rtol=0)


def test_what_is_lit_is_brighter_than_what_lies_in_shadow_and_the_floor_darkens_below():
    floor = props.sheet(torch.tensor([-2.0, 0.02, -2.0]), torch.tensor([0.0, 0, 4]), torch.tensor([4.0, 0, 0]))
    roof = props.box((0, 1.2, 0), (1.0, 0.1, 1.0))
    free, shaded = (
        Renderer(fine=1.0)([shot(painted(floor, 200), *more)]).light[0, 0] for more in ((), (painted(roof, 200),))
    )
    middle = view().project(torch.tensor([[0.0, 0.02, 0.0]]))[0].long()
    assert shaded[middle[1], middle[0]] < 0.5 * free[middle[1], middle[0]]


def test_nothing_turns_white_paper_brighter_than_its_light():
    sheet = props.sheet(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([-2.0, 0, 0]), torch.tensor([0.0, 2, 0]))
    drawn = Renderer(fine=1.0)([shot(painted(sheet, 255), sky=0.4)])
    light = shot().light
    most = (light.soft[0] * 0.2821).max() * 3 + light.sun.max()
    assert drawn.light.max() <= most
    assert torch.isfinite(drawn.light).all()
