import torch

from train.synth.textures import Shelf, make_pool, to_linear, to_srgb


def two_pictures():
    a = torch.full((8, 8, 4), 255, dtype=torch.uint8)
    a[:4, :, :3] = 0  # upper half black
    b = torch.full((4, 16, 4), 128, dtype=torch.uint8)
    return make_pool([a, b])


def test_finds_the_texel_with_v_upwards_and_repeats():
    pool = two_pictures()
    uv = torch.tensor([[0.5, 0.9], [0.5, 0.1], [3.5, -0.9], [0.2, 0.2]])
    got = pool.nearest(torch.tensor([0, 0, 0, 1]), uv, torch.ones(4))
    assert got[:3, 0].tolist() == [0.0, 1.0, 1.0]
    torch.testing.assert_close(got[3], torch.tensor([*[to_linear(torch.tensor(128 / 255)).item()] * 3, 128 / 255]))


def test_far_away_gives_the_mean_and_smooth_is_between():
    pool = two_pictures()
    far = pool.nearest(torch.tensor([0]), torch.tensor([[0.3, 0.3]]), torch.tensor([100.0]))
    assert 0.2 < far[0, 0] < 0.23  # the mean is taken of sRGB values: grey 128
    edge = pool.smooth(torch.tensor([0]), torch.tensor([[0.5, 0.5]]), torch.ones(1))
    torch.testing.assert_close(edge[0, :3], torch.full((3,), 0.5))


def test_linear_light_and_back():
    values = torch.linspace(0, 1, 50)
    torch.testing.assert_close(to_srgb(to_linear(values)), values, atol=1e-6, rtol=1e-5)


def test_a_full_shelf_forgets_and_what_it_then_gives_is_right():
    shelf, pictures = Shelf(room=100), [torch.full((6, 6, 4), 10 * n, dtype=torch.uint8) for n in range(8)]
    for wanted in (pictures[:2], pictures[1:4], pictures):  # the last do not fit however empty it is
        pool = shelf(wanted)
        got = pool.nearest(torch.arange(len(wanted)), torch.full((len(wanted), 2), 0.5), torch.ones(len(wanted)))
        torch.testing.assert_close(got[:, 3] * 255, torch.tensor([float(p[0, 0, 3]) for p in wanted]))
