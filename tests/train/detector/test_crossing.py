"""A person pasted into a picture stands on the floor where the box says."""

import numpy as np

from train.detector.crossing import FLOOR_PX, SIZE_HW, paste
from train.detector.teacher import Cutout


def test_paste():
    image = np.full((200, 100, 3), (250, 10, 10), np.uint8)
    mask = np.zeros((200, 100), np.uint8)
    mask[40:160, 30:70] = 255
    canvas = np.zeros((*SIZE_HW, 3), np.uint8)
    box = paste(canvas, (image, Cutout(np.array([30.0, 40.0, 70.0, 160.0]), mask, 1.0)), 640.0, 3.0)
    np.testing.assert_allclose(box, [580, FLOOR_PX - 360, 700, FLOOR_PX])
    red = canvas[..., 0] > 125
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    np.testing.assert_allclose([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], box, atol=3)
