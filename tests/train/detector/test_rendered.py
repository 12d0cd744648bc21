"""Which drawn people may be pasted, and that those of a data set are found."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from train.detector.rendered import LONG_PX, rendered, whole


def picture(xyxy=(40, 30, 100, 220), *, hidden=0):
    image, parts = np.full((256, 192, 3), (0, 200, 0), np.uint8), np.zeros((256, 192), np.uint8)
    left, top, right, bottom = xyxy
    parts[top:bottom, left:right] = 3
    parts[: (top + bottom) // 2][parts[: (top + bottom) // 2] > 0] = 7
    middle = (top + bottom) // 2
    parts[middle : middle + hidden] = 0
    image[parts > 0] = (200, 10, 10)
    return image, parts


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (picture(), True),
        (picture((40, 0, 100, 220)), False),  # cut off by the picture
        (picture((40, 30, 100, 30 + LONG_PX - 10)), False),  # small
        (picture(hidden=20), False),  # behind a bar
        (picture((0, 0, 0, 0)), False),  # nobody
    ],
)
def test_who_may_be_pasted(given, taken):
    assert (whole(*given) is not None) == taken


def test_what_is_pasted_has_nothing_of_its_background():
    person = whole(*picture())
    assert person is not None
    assert person.image.shape[:2] == person.alpha.shape == (194, 64)
    seen = person.image[person.alpha > 0.5]
    assert (seen == (200, 10, 10)).all()
    assert person.alpha[4:-4, 4:-4].min() == 1.0


def test_all_people_of_a_data_set_are_found(tmp_path):
    with tarfile.open(tmp_path / "shard-000000.tar", "w") as tar:
        for name, (image, parts) in (("a", picture()), ("b", picture((40, 0, 100, 220))), ("c", picture())):
            for suffix, pixels in ((".png", parts), (".jpg", image)):
                data = io.BytesIO()
                Image.fromarray(pixels).save(data, "PNG" if suffix == ".png" else "JPEG")
                entry = tarfile.TarInfo(f"{name}{'.parts' * (suffix == '.png')}{suffix}")
                entry.size = data.tell()
                data.seek(0)
                tar.addfile(entry, data)
    assert [person.alpha.shape for person in rendered(tmp_path)] == [(194, 64)] * 2
