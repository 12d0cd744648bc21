"""Contact sheets keep every picture, in its place."""

import numpy as np
import pytest

from skelvid.draw.sheet import contact_sheet


def plain(value: int) -> np.ndarray:
    return np.full((20, 30, 3), value, np.uint8)


def test_pictures_lie_row_by_row():
    sheet = contact_sheet([plain(10), plain(20), plain(30)], columns=2, gap_px=4)
    assert sheet.shape == (2 * 24 + 4, 2 * 34 + 4, 3)
    assert sheet[10, 10, 0] == 10
    assert sheet[10, 50, 0] == 20
    assert sheet[35, 10, 0] == 30
    assert (sheet[35, 50] == 255).all()


def test_labels_are_written_below():
    bare, named = (contact_sheet([plain(255)], columns=1, labels=labels) for labels in ((), ("a",)))
    assert (bare == 255).all()
    assert (named[24:] < 128).any()
    assert (named[:24] == 255).all()


def test_labels_must_match():
    with pytest.raises(ValueError, match="1 and 2"):
        contact_sheet([plain(0)], columns=1, labels=("a", "b"))
