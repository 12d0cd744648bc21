import pytest
import torch

from train.synth import shade
from train.synth.render import Renderer
from train.synth.shots import measure_in_torch, measure_on_processor


@pytest.fixture(scope="module")
def painted(world):
    """Return what the renderer asks to be painted: naked people, furniture and shadows of a few scenes."""
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "train.synth.render.paint_on_processor",
            lambda *args: asked.append(args) or shade.paint_on_processor(*args),
        )
        Renderer(fine=1.0)([world.crop((11, i)).shot for i in range(3)])
    return asked[0]


def test_compiled_loops_and_torch_paint_alike(painted):
    fast, slow = shade.paint_on_processor(*painted), shade.paint_in_torch(*painted)
    assert len(fast[0]) > 1000
    torch.testing.assert_close(fast[1], slow[1], atol=1e-5, rtol=0)
    # A place on the border between two texels may go either way.
    same = ((fast[0] - slow[0]).abs() < 2e-3 + 2e-3 * slow[0].abs()).all(1)
    assert same.float().mean() > 0.97
    assert (fast[0] - slow[0]).abs().mean() < 2e-3


def test_compiled_loops_and_torch_measure_alike(painted):
    pack = painted[0]
    args = (pack.vertices_m.contiguous(), pack.faces, pack.table[:, 6:8].contiguous(), pack.surface, len(pack.picture))
    (normal, side_m), (their_normal, their_side_m) = measure_on_processor(*args), measure_in_torch(*args)
    torch.testing.assert_close(normal, their_normal, atol=2e-4, rtol=0)
    torch.testing.assert_close(side_m, their_side_m, rtol=1e-3, atol=0)


def test_a_texture_repeats_after_the_length_that_was_measured():
    side = 0.4  # a square of 2 m whose texture repeats every 0.4 m
    square = torch.tensor([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
    faces, one = torch.tensor([[0, 1, 2], [0, 2, 3]]), torch.zeros(2, dtype=torch.long)
    for measure in (measure_on_processor, measure_in_torch):
        normal, side_m = measure(square, faces, square[:, :2].contiguous() / side, one, 1)
        torch.testing.assert_close(side_m, torch.tensor([side]))
        torch.testing.assert_close(normal, torch.tensor([[0.0, 0, 1]]).expand(4, 3))


def test_compiled_loops_and_torch_find_the_same_folds(painted):
    seen, picture, size = painted[1], painted[2], (3, 256, 192)
    assert int(seen.pixel.max()) < 3 * 256 * 192
    assert int(picture.max()) == 2
    px_per_m = torch.full((3,), 130.0)
    fast, slow = shade.folds(seen, size, px_per_m), shade.folds_in_torch(seen, size, 3)
    torch.testing.assert_close(fast, slow, atol=1e-3, rtol=0)
    assert fast.min() < 0.7
