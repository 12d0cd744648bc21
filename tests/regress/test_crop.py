"""A crop can be gone back from: to the picture exactly, and to the camera by the rotation of its virtual one."""

import numpy as np
import pytest
import torch

from skelvid.datatypes.frames import Camera
from skelvid.geometry.boxes import crop_affine
from skelvid.geometry.camera import project
from skelvid.regress.crop import CropCamera, crop_cameras, cut_out

SIZE_HW = (224, 168)


@pytest.fixture
def crop(rng):
    n = 50
    turn, scale = rng.uniform(-0.6, 0.6, n), rng.uniform(0.2, 1.5, n)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    affine = np.concatenate([linear.transpose(2, 0, 1), rng.uniform(-300, 100, (n, 2, 1))], 2)
    focal_px, center_px = rng.uniform(400, 2000, n), rng.uniform(-100, 800, (n, 2))
    return CropCamera(torch.as_tensor(affine), torch.as_tensor(focal_px), torch.as_tensor(center_px), SIZE_HW)


def test_points_of_the_body_are_where_the_crop_shows_them(crop, rng):
    points_m = rng.uniform([-1, -1, 2], [1, 1, 6], (len(crop), 7, 3))
    cameras = [Camera(float(f), tuple(c.tolist()), (9, 9)) for f, c in zip(crop.focal_px, crop.center_px, strict=True)]
    image_px = torch.as_tensor(np.stack([project(p, c) for p, c in zip(points_m, cameras, strict=True)]))
    seen = crop.to_crop(image_px)
    torch.testing.assert_close(crop.to_image(seen), image_px)
    # The same by way of the virtual camera: turned, seen with its axis through the crop's middle, turned back.
    turned = torch.as_tensor(points_m) @ crop.view_rot.mT
    back = turned @ crop.view_rot
    again = back[..., :2] / back[..., 2:] * crop.focal_px[:, None, None] + crop.center_px[:, None]
    torch.testing.assert_close(crop.to_crop(again), seen)


def test_virtual_camera_looks_at_the_middle_and_is_level_with_the_crop(crop):
    height, width = SIZE_HW
    places = torch.tensor([[width / 2, height / 2], [width / 2 + 1e-4, height / 2]]).double()
    image_px = crop.to_image(places.expand(len(crop), 2, 2))
    ray = (image_px - crop.center_px[:, None]) / crop.focal_px[:, None, None]
    turned = torch.cat([ray, torch.ones_like(ray[..., :1])], -1) @ crop.view_rot.mT
    torch.testing.assert_close(turned[:, 0, :2], torch.zeros_like(turned[:, 0, :2]))
    assert (turned[..., 2] > 0).all()
    step = turned[:, 1, :2] / turned[:, 1, 2:]
    assert (step[:, 0] > 0).all()
    # A perspective view of a plane shears towards its corners, by less than the sine of the angles off its axis.
    off = crop.features[:, :2].tan().abs()
    assert ((step[:, 1] / step[:, 0]).abs() <= off.prod(1) + 1e-6).all()
    torch.testing.assert_close(torch.linalg.det(crop.view_rot), torch.ones(len(crop)).double())


def test_a_rolled_crop_is_one_of_a_rolled_camera(crop):
    """Turning the crop turns the virtual camera about its axis, and what it is told does not change but by that."""
    angle = torch.tensor(0.3).double()
    height, width = SIZE_HW
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    middle = torch.tensor([width / 2, height / 2]).double()
    rolled = torch.cat(
        [
            turn @ crop.image_to_crop[..., :2],
            (turn @ (crop.image_to_crop[..., 2:] - middle[:, None])) + middle[:, None],
        ],
        2,
    )
    other = CropCamera(rolled, crop.focal_px, crop.center_px, SIZE_HW)
    torch.testing.assert_close(other.features[:, 2], crop.features[:, 2])
    torch.testing.assert_close(other.features[:, :2].tan(), crop.features[:, :2].tan() @ turn.mT)
    relative = other.view_rot @ crop.view_rot.mT
    torch.testing.assert_close(relative[:, 2], torch.tensor([0.0, 0.0, 1.0]).double().expand(len(crop), 3))


def test_mirror_sees_the_mirrored_point_at_the_mirrored_place(crop, rng):
    mirrored = crop.mirrored()
    image_px = torch.as_tensor(rng.uniform(0, 500, (len(crop), 5, 2)))
    flipped = torch.stack([2 * crop.center_px[:, None, 0] - image_px[..., 0], image_px[..., 1]], -1)
    expected = crop.to_crop(image_px) * torch.tensor([-1.0, 1.0]) + torch.tensor([SIZE_HW[1], 0.0])
    torch.testing.assert_close(mirrored.to_crop(flipped), expected)
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0])).double()
    torch.testing.assert_close(mirrored.view_rot, flip @ crop.view_rot @ flip)
    torch.testing.assert_close(mirrored.mirrored().image_to_crop, crop.image_to_crop)


def test_box_and_margin_lie_in_the_crop():
    boxes = np.array([[100.0, 50.0, 180.0, 400.0], [10.0, 10.0, 400.0, 60.0]])
    crop = crop_cameras(boxes, Camera(900.0, (320.0, 240.0), (480, 640)), SIZE_HW)
    corners = crop.to_crop(torch.as_tensor(boxes).float().reshape(2, 2, 2)).numpy()
    assert (corners.min(1) >= 0.1 * 168 / 1.2 - 1e-3).all()
    np.testing.assert_allclose(corners.mean(1), [[84.0, 112.0]] * 2, atol=1e-3)
    np.testing.assert_allclose(corners[0, 1, 1] - corners[0, 0, 1], 224 / 1.2, rtol=1e-4)


def pattern(x, y):
    """A smooth picture, from 20 to 220."""
    return 120.0 + 60.0 * np.sin(x / 17.0) + 40.0 * np.cos(y / 23.0)


@pytest.mark.parametrize("scale", [0.31, 1.0, 2.7])
def test_cut_out_shows_what_the_affine_says(scale):
    size_hw = (60, 48)
    y, x = np.mgrid[:300, :400] + 0.5
    image = np.repeat(pattern(x, y)[..., None], 3, 2).round().astype(np.uint8)
    middle = np.array([201.3, 149.6])
    affine = np.array([[scale, 0, 24 - scale * middle[0]], [0, scale, 30 - scale * middle[1]]])
    got = cut_out(image, affine, size_hw)
    v, u = np.mgrid[:60, :48] + 0.5
    wanted = pattern(middle[0] + (u - 24) / scale, middle[1] + (v - 30) / scale)
    inner = (slice(3, -3), slice(3, -3))  # at its border, a shrunken crop is smoothed to one side only
    assert np.abs(got[inner].astype(float) - wanted[inner][..., None]).max() < 3


def test_black_beyond_the_picture():
    image = np.full((50, 40, 3), 200, np.uint8)
    got = cut_out(image, crop_affine(np.array([20.0, 10.0, 60.0, 90.0]), (80, 60)), (80, 60))
    inside = got.max(2) > 100
    np.testing.assert_array_equal(inside.any(1), np.arange(80) < 40)
    assert inside[:40].mean() == pytest.approx(0.5, abs=0.02)
    assert not cut_out(image, np.array([[1.0, 0, -500], [0, 1.0, 0]]), (8, 8)).any()
