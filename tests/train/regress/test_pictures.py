"""Labels are about what the picture shows: in crops however they are turned, and in the mirror."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelvid.regress.decode import decode, encode
from tests.train.regress.toy_people import GRID, TOY, body, names, toy_sample, write_toy
from train.regress.crops import Wobble, collate, warp
from train.regress.losses import Anatomy, projected_px
from train.regress.pictures import OUTSIDE, VISIBLE, Picture, decoded, labelled, mirrored
from train.regress.sources import Shards, Turn


def picture(seed: int = 0, *, without: tuple[str, ...] = ()) -> Picture:
    sample = toy_sample("toy", seed)
    labels = {name: value for name, value in sample.labels.items() if name not in without}
    parts = decoded(sample.files["parts.png"], grey=True)
    return labelled(decoded(sample.files["png"]), parts, labels, names(), body())


def test_points_are_those_of_the_body_in_turned_and_mirrored_crops():
    pictures = [picture(i) for i in range(3)]
    pictures += [mirrored(p) for p in pictures]
    wobble = Wobble(shift=0.2, log_scale=0.3, turn_deg=30.0)
    batch = collate(pictures, TOY.size_hw, GRID, wobble=wobble, rng=np.random.default_rng(0))
    anatomy = Anatomy.of(body())
    again = decode(encode(batch.params, batch.crop, anatomy.pelvis), batch.crop, anatomy.pelvis)
    at = projected_px(anatomy.body.skin_points(again, anatomy.points), batch.crop)
    torch.testing.assert_close(at, batch.points_px, atol=0.02, rtol=0)


def test_points_without_landmarks_are_taken_from_the_body():
    with_them, without = picture(), picture(without=("landmarks_m", "landmarks_px", "landmark_state"))
    np.testing.assert_allclose(without.points_px, with_them.points_px, atol=0.01)


def test_two_mirrors_undo_each_other():
    one = picture()
    two = mirrored(mirrored(one))
    for name in ("image", "parts", "xyxy", "center_px", "points_px", "state", "q", "trans_m"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), atol=1e-4)


def test_warp_puts_a_pixel_where_its_points_go():
    image = np.zeros((60, 40, 3), np.uint8)
    image[30, 20] = 255  # its middle is (20.5, 30.5)
    turn = 2.0 * np.array([[0.0, -1.0], [1.0, 0.0]])
    affine = np.column_stack([turn, [90.0, 10.0]])
    row, column = np.unravel_index(warp(image, affine, (120, 100))[..., 0].argmax(), (120, 100))
    assert [column + 0.5, row + 0.5] == pytest.approx(turn @ [20.5, 30.5] + [90, 10], abs=0.51)


def test_what_leaves_the_crop_is_outside_and_the_rest_black():
    one = picture()
    batch = collate([one, replace(one, xyxy=one.xyxy + np.array([40, 0, 40, 0], np.float32))],
                    TOY.size_hw, GRID)  # fmt: skip
    assert (batch.state[0] == VISIBLE).all()
    assert (batch.state[1] == OUTSIDE).any()
    assert not batch.images[1, :, :, -8:].any()
    assert batch.parts[0].tolist() == [2] * 6 + [0] * 6


def test_a_camera_is_needed():
    with pytest.raises(ValueError, match="focal_px"):
        picture(without=("focal_px",))


def test_shards_are_read_anywhere_and_units_are_held_out(tmp_path: Path):
    folder = write_toy(tmp_path / "toy")
    everything, some, rest = Shards(folder), Shards(folder, every=2), Shards(folder, but=2)
    assert (len(everything), len(some), len(rest)) == (12, 6, 6)
    np.testing.assert_array_equal(everything[7].image, decoded(toy_sample("x", 7).files["png"]))
    assert {key for _, key, _ in some.places}.isdisjoint(key for _, key, _ in rest.places)
    drawn = [everything.draw(3, Turn(0, 1, 0), np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0][2].image, drawn[1][2].image)
