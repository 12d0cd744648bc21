"""What is held out, who may be pasted, and that a written example reads back as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from train.detector.composite import LONG_SIDE_PX, Labelled
from train.detector.evaluate import held_out_set
from train.detector.prepare import HELD_OUT_SHARE, Order, cut_out, held_out, make_composites, shrunk, write_example
from train.detector.teacher import Cutout, people


def test_a_tenth_is_held_out_whatever_else_there_is():
    files = [Path(f"street/{n:04d}.jpg") for n in range(2000)]
    share = np.mean([held_out(file) for file in files])
    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.03)
    # The very ones that the card's numbers are of.
    assert [file.stem for file in files if held_out(file)][:3] == FIRST_HELD_OUT


FIRST_HELD_OUT = ["0010", "0015", "0027"]


def test_pictures_of_one_exercise_are_held_out_together():
    names = [f"Exercise_{n}" for n in range(300)]
    pairs = [{held_out(Path(f"exercise/{name}_{k}.jpg")) for k in (0, 1)} for name in names]
    assert all(len(pair) == 1 for pair in pairs)
    assert {True} in pairs


def test_an_example_reads_back_as_it_was(tmp_path):
    image = np.zeros((200, 352, 3), np.uint8)
    boxes = np.array([[10.0, 20.0, 110.0, 180.0], [200.0, 0.0, 352.0, 200.0]])
    write_example(tmp_path, "val", "one", Labelled(image, boxes))
    write_example(tmp_path, "val", "two", Labelled(image, np.zeros((0, 4))))
    one, two = held_out_set(tmp_path)
    np.testing.assert_allclose(one.xyxy, boxes, atol=0.02)
    assert one.image.shape == image.shape
    assert two.xyxy.shape == (0, 4)


def test_large_pictures_shrink_with_their_boxes_and_small_ones_stay():
    large = shrunk(Labelled(np.zeros((2 * LONG_SIDE_PX, LONG_SIDE_PX, 3), np.uint8), np.array([[10.0, 20, 30, 40]])))
    assert large.image.shape[0] == LONG_SIDE_PX
    np.testing.assert_allclose(large.xyxy, [[5, 10, 15, 20]])
    assert shrunk(Labelled(np.zeros((50, 60, 3), np.uint8), np.zeros((0, 4)))).image.shape == (50, 60, 3)


def cutout(xyxy, sure=0.95, size_hw=(300, 300)):
    mask = np.zeros(size_hw, np.uint8)
    left, top, right, bottom = xyxy
    mask[top:bottom, left:right] = 255
    return Cutout(np.array(xyxy, float), mask, sure)


@pytest.mark.parametrize(
    ("found", "taken"),
    [
        (cutout((50, 50, 120, 250)), True),
        (cutout((50, 50, 120, 250), sure=0.7), False),
        (cutout((50, 50, 120, 150)), False),  # small
        (cutout((0, 50, 120, 250)), False),  # cut off by the picture
    ],
)
def test_who_may_be_pasted(found, taken):
    person = cut_out(np.zeros((300, 300, 3), np.uint8), found)
    assert (person is not None) == taken
    if person:
        assert person.image.shape[:2] == person.alpha.shape == (204, 74)
        assert person.alpha[2:-2, 2:-2].min() == 1.0


def test_composites_do_not_depend_on_who_makes_them(tmp_path):
    def write(name, image):
        file = tmp_path / "pictures" / f"{name}.png"
        file.parent.mkdir(exist_ok=True)
        from PIL import Image

        Image.fromarray(image).save(file)
        return file

    rng = np.random.default_rng(0)
    photograph, background = (write(name, rng.integers(0, 255, (300, 300, 3), np.uint8)) for name in ("a", "b"))
    person = cutout((50, 50, 120, 250))
    (tmp_path / "cache").mkdir()
    kept = tmp_path / "cache" / "pictures_a.npz"
    np.savez(kept, xyxy=person.xyxy[None], mask=person.mask[None], sure=[person.sure])
    assert len(people(None, photograph, tmp_path / "cache")) == 1

    orders = [Order((photograph,), tmp_path / "cache", (background,), tmp_path / name, 1) for name in ("x", "y")]
    make_composites(replace(orders[0], out=tmp_path / "z", part="frames", side_px=800), [0])
    assert [max(one.image.shape) for one in held_out_set(tmp_path / "z", "frames")] == [800]
    make_composites(orders[0], [0, 1, 2, 3])
    for number in (3, 1, 0, 2):
        make_composites(orders[1], [number])
    written = sorted((tmp_path / "x").rglob("composite_*"))
    assert len(written) == 8
    for file in written:
        assert file.read_bytes() == (tmp_path / "y" / file.relative_to(tmp_path / "x")).read_bytes()
