import torch

from train.synth import film
from train.synth.film import Film, develop

PLAIN = Film(defocus_px=0.2, sharpen=0.0, coarseness=0.0)


def take(light, film, move=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return develop(light, [film] * len(light), move_px=move, generator=generator).float()


def scene():
    light = torch.full((1, 3, 64, 48), 0.2)
    light[..., 30:34, 20:24] = 1.0
    return light


def test_exposure_does_not_depend_on_how_bright_the_scene_is():
    assert torch.equal(take(scene(), PLAIN), take(100 * scene(), PLAIN))


def test_smear_lies_along_the_movement_and_has_its_length():
    move = torch.zeros((1, 2, 64, 48))
    move[:, 0] = 12.0  # everything moves to the right
    still, moved = (take(scene(), PLAIN, move=m)[0, 0] for m in (None, move * 1.0))
    dark = still[0, 0]

    def extent(image, dim):
        return int(((image - dark).abs().amax(dim) > 6).sum())

    smeared = Film(shutter=1.0, defocus_px=0.2, sharpen=0.0, coarseness=0.0)
    moved = take(scene(), smeared, move=move)[0, 0]
    assert 12 <= extent(moved, 0) - extent(still, 0) + 2 <= 16
    assert extent(moved, 1) == extent(still, 1)


def test_each_fault_moves_the_picture_the_way_it_should():
    light = scene() + 0.1 * torch.rand((1, 3, 64, 48), generator=torch.Generator().manual_seed(1))
    base = take(light, PLAIN)

    def with_(**change):
        return take(light, Film(**{"defocus_px": 0.2, "sharpen": 0.0, "coarseness": 0.0, **change}))

    def rough(image):
        return image.diff(dim=3).abs().mean()

    assert rough(with_(defocus_px=1.5)) < 0.6 * rough(base)
    assert rough(with_(small=0.4)) < 0.7 * rough(base)
    assert rough(with_(sharpen=0.8)) > 1.1 * rough(base)
    assert rough(with_(read_noise=0.05)) > 1.1 * rough(base)
    assert with_(red=1.3)[:, 0].mean() > base[:, 0].mean() + 5
    assert with_(saturation=0.0).std(1).max() < 1
    assert with_(vignette=0.4)[..., 0, 0].mean() < base[..., 0, 0].mean()
    assert rough(with_(veil=0.4)) < 0.8 * rough(base)
    coarse = with_(coarseness=0.8)
    assert 0.5 < (coarse - base).abs().mean() < 20


def test_fine_compression_gives_the_picture_back():
    light = torch.rand((2, 3, 40, 56), generator=torch.Generator().manual_seed(2))  # not a multiple of 16
    smooth = torch.nn.functional.avg_pool2d(light, 9, 1, 4)
    nearly, none = (take(smooth, Film(defocus_px=0.2, sharpen=0, coarseness=c)) for c in (0.02, 0.0))
    assert (nearly - none).abs().max() <= 3


def test_noise_comes_from_the_seed_alone():
    noisy = Film(read_noise=0.05)
    assert torch.equal(take(scene(), noisy, seed=4), take(scene(), noisy, seed=4))
    assert not torch.equal(take(scene(), noisy, seed=4), take(scene(), noisy, seed=5))


def test_compiled_loops_and_torch_develop_alike():
    generator = torch.Generator().manual_seed(3)
    light = torch.nn.functional.avg_pool2d(torch.rand((2, 3, 72, 56), generator=generator) ** 3 * 3, 5, 1, 2)
    films = [
        Film(red=1.2, contrast=0.8, saturation=0.7, vignette=0.3, shot_noise=0.03, read_noise=0.01),
        Film(blue=0.8),
    ]
    noise = torch.randn(light.shape, generator=generator)
    fast, slow = (tone(light, films, noise) for tone in (film.tone_on_processor, film.tone_in_torch))
    torch.testing.assert_close(fast, slow, atol=2e-3, rtol=0)  # curves are looked up

    coarseness = torch.tensor([0.3, 0.0]).view(2, 1, 1, 1)
    fast, slow = (f(slow.clamp(0, 1), coarseness) for f in (film.compress_on_processor, film.compress_in_torch))
    assert ((fast - slow)[0].abs() < 1e-4).float().mean() > 0.98  # a wave between two steps may go either way
    torch.testing.assert_close(fast[1], slow[1], atol=2e-3, rtol=0)

    move = torch.zeros((2, 2, 72, 56))
    move[0, 0, 20:50, 10:30], move[0, 1, 30:60], move[1] = 9.0, -4.0, 2.5
    fast, slow = (drag(light, move) for drag in (film.drag_on_processor, film.drag_in_torch))
    assert (fast - light).abs().mean() > 0.05 * light.std()
    assert (fast - slow).abs().mean() < 0.3 * (fast - light).abs().mean()  # loops take fewer looks along short ways
