import numpy as np
import pytest
import torch

from train.synth.fast_raster import shrink, tents
from train.synth.raster import Holes, in_torch, rasterise


@pytest.fixture(params=[rasterise, in_torch], ids=["compiled", "torch"])
def draw(request):
    return request.param


def slow(screen, faces, size):
    """Look at every pixel and triangle; 1 / depth is linear on the screen."""
    _, height, width = size
    nearest = np.full((height, width), np.inf)
    winner = np.full((height, width), -1)
    for number, face in enumerate(faces):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = screen[face]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        for y in range(height):
            for x in range(width):
                px, py = x + 0.5, y + 0.5
                u = ((bx - px) * (cy - py) - (cx - px) * (by - py)) / area
                v = ((cx - px) * (ay - py) - (ax - px) * (cy - py)) / area
                w = 1 - u - v
                if min(u, v, w) < 0:
                    continue
                depth = 1 / (u / az + v / bz + w / cz)
                if depth < nearest[y, x]:
                    nearest[y, x], winner[y, x] = depth, number
    return nearest, winner


def random_triangles(count, size):
    rng = np.random.default_rng(3)
    screen = rng.uniform(-4, [size[2] + 4, size[1] + 4, 0], (count * 3, 3))
    screen[:, 2] = rng.uniform(1, 4, count * 3)
    return screen, np.arange(count * 3).reshape(-1, 3)


def test_agrees_with_looking_at_every_pixel(draw):
    size = (1, 24, 30)
    screen, faces = random_triangles(25, size)
    nearest, winner = slow(screen, faces, size)

    seen = draw(torch.as_tensor(screen).float(), torch.as_tensor(faces), torch.zeros(25, dtype=torch.long), size=size)
    shown = np.full(size[1] * size[2], -1)
    shown[seen.pixel] = seen.face
    # A centre on an edge may go either way; there are few of them.
    assert (shown == winner.ravel()).mean() > 0.99
    same = shown[seen.pixel] == winner.ravel()[seen.pixel]
    np.testing.assert_allclose(seen.depth_m[same], nearest.ravel()[seen.pixel][same], rtol=1e-4)
    np.testing.assert_allclose(seen.weight.sum(1), 1, atol=1e-5)


def test_weights_give_back_the_pixel_centre_in_space(draw):
    corners = torch.tensor([[-1.0, -1, 2], [1.5, -0.8, 5], [0.2, 1.4, 3]])
    screen = torch.cat([corners[:, :2] / corners[:, 2:] * 40 + 32, corners[:, 2:]], 1)
    seen = draw(screen, torch.tensor([[0, 1, 2]]), torch.zeros(1, dtype=torch.long), size=(1, 64, 64))
    point = seen.weight @ corners
    centre = torch.stack([seen.pixel % 64, seen.pixel // 64], 1) + 0.5
    torch.testing.assert_close(point[:, :2] / point[:, 2:] * 40 + 32, centre.float(), atol=2e-3, rtol=0)


def test_a_fine_mesh_has_no_cracks_and_pictures_do_not_mix(draw):
    n = 60
    y, x = torch.meshgrid(torch.linspace(0, 20, n), torch.linspace(0, 20, n), indexing="ij")
    screen = torch.stack([x + 0.013 * y, y, torch.full_like(x, 2.0)], -1).view(-1, 3)
    first = (torch.arange(n - 1)[:, None] * n + torch.arange(n - 1)).flatten()
    faces = torch.cat(
        [torch.stack([first, first + 1, first + n], 1), torch.stack([first + 1, first + n + 1, first + n], 1)]
    )
    seen = draw(screen, faces, torch.ones(len(faces), dtype=torch.long), size=(2, 24, 24))
    cover = torch.zeros(2 * 24 * 24)
    cover[seen.pixel] = 1
    assert cover.view(2, 24, 24)[0].sum() == 0
    assert cover.view(2, 24, 24)[1, :20, 1:20].all()


def test_faces_that_look_away_vanish_and_holes_show_what_is_behind(draw):
    square = torch.tensor([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    screen = torch.cat([torch.cat([square, torch.full((4, 1), z)], 1) for z in (2.0, 3.0)])
    front = torch.tensor([[0, 2, 1], [0, 3, 2]])  # counter-clockwise with y up
    faces, picture = torch.cat([front, front + 4]), torch.zeros(4, dtype=torch.long)
    one_sided = torch.ones(4, dtype=torch.bool)

    def depths(faces, **options):
        seen = draw(screen, faces, picture, size=(1, 10, 10), **options)
        return seen.depth_m.round(decimals=3).unique().tolist()

    assert depths(faces, one_sided=one_sided) == [2.0]
    assert depths(faces.flip(1), one_sided=one_sided) == []
    assert depths(faces.flip(1)) == [2.0]
    left = Holes(torch.tensor([True, True, False, False]), lambda _, weight, __: weight[:, 0] > 0.5)
    assert depths(faces, holes=left) == [2.0, 3.0]


def test_compiled_loops_and_torch_draw_alike():
    size = (1, 120, 90)
    rng = np.random.default_rng(5)
    middle = rng.uniform([0, 0, 1], [size[2], size[1], 4], (3000, 1, 3))
    screen = middle + rng.normal(0, [2.5, 2.5, 0.05], (3000, 3, 3))  # many small triangles and some slivers
    screen[0] = [[-300, -200, 5], [500, -200, 5], [40, 700, 5]]  # and one larger than the picture, behind all others
    faces = torch.arange(9000).view(-1, 3)
    screen, picture = torch.as_tensor(screen).float().view(-1, 3), torch.zeros(3000, dtype=torch.long)
    holes = Holes(torch.arange(3000) % 3 == 1, lambda face, weight, _: weight[:, 0] > 0.4)
    fast, slow = (f(screen, faces, picture, size=size, holes=holes) for f in (rasterise, in_torch))
    assert len(fast.pixel) == len(slow.pixel) == size[1] * size[2]
    same = fast.face == slow.face
    assert same.float().mean() > 0.995  # a centre on an edge may go either way
    torch.testing.assert_close(fast.depth_m[same], slow.depth_m[same], rtol=1e-4, atol=0)
    torch.testing.assert_close(fast.weight[same], slow.weight[same], rtol=0, atol=5e-3)


@pytest.mark.parametrize("fine", [(48, 36), (72, 54), (96, 72)])
def test_fine_pixels_are_averaged_as_torch_does(fine):
    rng = np.random.default_rng(2)
    pixel = np.flatnonzero(rng.random(2 * fine[0] * fine[1]) < 0.6)
    colour = rng.uniform(0, 3, (len(pixel), 3)).astype(np.float32)
    ours = shrink(pixel, colour, (2, *fine), tents(fine[0], 48), tents(fine[1], 36))
    whole = torch.zeros((2 * fine[0] * fine[1], 4))
    whole[pixel] = torch.as_tensor(np.concatenate([colour, np.ones((len(pixel), 1), np.float32)], 1))
    whole = whole.view(2, *fine, 4).movedim(3, 1)
    theirs = torch.nn.functional.interpolate(whole, (48, 36), mode="bilinear", antialias=True, align_corners=False)
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)
