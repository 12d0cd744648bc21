"""What is made of the teacher's points and masks, with a stand-in for MediaPipe's landmarker."""

from types import SimpleNamespace

import numpy as np
import pytest

from train.detector.teacher import BEYOND, look, people

SIZE_HW = (90, 131)
PERSON = (40, 20, 70, 80)


class Mask:
    def __init__(self, values):
        self._values = values

    def numpy_view(self):
        return self._values


class Landmarker:
    """Sees rectangles of full red; only pictures with their longer side across, if asked for that."""

    def __init__(self, *, presence=0.9, away_px=0.0, lying_only=False, specks=False):
        self.presence, self.away_px, self.lying_only, self.specks = presence, away_px, lying_only, specks
        self.sizes = []

    def detect(self, image):
        picture = image.numpy_view()
        height, width = picture.shape[:2]
        self.sizes.append((height, width))
        red = picture[..., 0] > 200
        rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
        if not len(rows) or (self.lying_only and len(columns) < len(rows)):
            return SimpleNamespace(pose_landmarks=[], segmentation_masks=None)
        mask = red.astype(np.float32)
        if self.specks:
            mask[0, 0] = mask[rows[0] - 5, columns[0] - 2] = 1.0
        xs, ys = (np.linspace(axis[0] + 2, axis[-1] - 2, 33) for axis in (columns, rows))
        points = [
            SimpleNamespace(x=(x + self.away_px) / width, y=y / height, visibility=0.9, presence=self.presence)
            for x, y in zip(xs, ys, strict=True)
        ]
        return SimpleNamespace(pose_landmarks=[points], segmentation_masks=[Mask(mask[..., None])])


def picture(box=PERSON):
    image = np.full((*SIZE_HW, 3), 60, np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = (255, 0, 0)
    return image


def test_box_and_mask_are_those_of_the_pixels():
    (found,) = look(Landmarker(), picture())
    np.testing.assert_array_equal(found.xyxy, PERSON)
    assert found.mask.shape == SIZE_HW
    assert found.mask[50, 50] == 255
    assert found.mask[5, 5] == 0


def test_pictures_of_any_size_are_given_in_whole_blocks():
    landmarker = Landmarker()
    look(landmarker, picture())
    assert landmarker.sizes == [(96, 144)]


def test_who_is_found_in_a_turned_picture_comes_back_in_the_picture_as_it_was():
    landmarker = Landmarker(lying_only=True)
    (found,) = look(landmarker, picture())
    assert len(landmarker.sizes) == 2
    np.testing.assert_array_equal(found.xyxy, PERSON)
    assert found.mask.shape == SIZE_HW
    assert found.mask[50, 50] == 255


def test_nobody_is_looked_for_in_all_turns():
    landmarker = Landmarker()
    assert look(landmarker, np.full((*SIZE_HW, 3), 60, np.uint8)) == []
    assert len(landmarker.sizes) == 4


@pytest.mark.parametrize("unsure", [{"presence": 0.5}, {"away_px": 90.0}])
def test_who_is_hardly_there_or_where_the_mask_is_not_is_left_out(unsure):
    assert look(Landmarker(**unsure), picture()) == []


def test_specks_do_not_widen_the_box():
    assert BEYOND * 60 > 5  # one of the two specks is within reach
    np.testing.assert_array_equal(look(Landmarker(specks=True), picture())[0].xyxy, PERSON)


def test_one_person_seen_twice_is_one(tmp_path):
    mask = np.zeros((2, *SIZE_HW), np.uint8)
    boxes = np.array([[40.0, 20, 70, 80], [41.0, 22, 72, 80]])
    np.savez(tmp_path / "street_0001.npz", xyxy=boxes, mask=mask, sure=[0.8, 0.9])
    (found,) = people(None, tmp_path / "street" / "0001.jpg", tmp_path)
    np.testing.assert_array_equal(found.xyxy, boxes[1])
