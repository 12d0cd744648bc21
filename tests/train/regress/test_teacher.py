"""A teacher's points are kept where it is sure and says the same in the mirror, and come back as a picture."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.regress.output import POINTS, mirror_point
from train.regress.pictures import ABSENT, OCCLUDED, VISIBLE
from train.regress.teacher import Photographs, Taught, as_picture, look, ours, write

IMAGE = np.zeros((200, 100, 3), np.uint8)
KNEE, MIRRORED_KNEE = BLAZEPOSE_33.index("left_knee"), BLAZEPOSE_33.index("right_knee")


def places() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.uniform(0.2, 0.8, 33), rng.uniform(0.1, 0.9, 33)])


class Teacher:
    """Says what it is told to say of the picture and of its mirror image."""

    def __init__(self, people: int = 1) -> None:
        self.people, self.asked = people, 0
        self.sure, self.off = np.full(33, 0.9), np.zeros((33, 2))

    def detect(self, _: Any) -> Any:
        xy, self.asked = places(), self.asked + 1
        if self.asked == 2:
            swap = [BLAZEPOSE_33.index(_mirror(name)) for name in BLAZEPOSE_33]
            xy = (xy + self.off)[swap] * [-1, 1] + [1, 0]
        points = [
            SimpleNamespace(x=x, y=y, visibility=s, presence=1.0) for (x, y), s in zip(xy, self.sure, strict=True)
        ]
        return SimpleNamespace(pose_landmarks=[points] * self.people)


def _mirror(name: str) -> str:
    return {"mouth_left": "mouth_right", "mouth_right": "mouth_left"}.get(name) or mirror_point(name)


def test_sure_and_agreeing_points_are_kept_and_others_are_not():
    teacher = Teacher()
    teacher.sure[BLAZEPOSE_33.index("nose")] = 0.5
    teacher.off[KNEE] = 0.1
    taught = look(teacher, IMAGE)
    assert taught is not None
    known = {name: np.isfinite(taught.points_px[i]).all() for i, name in enumerate(POINTS)}
    assert not known["nose"]
    assert not known["left_knee"]
    assert known["right_knee"]
    assert not known["head"]  # the teacher has no such point
    np.testing.assert_allclose(taught.points_px[POINTS.index("right_knee")], places()[MIRRORED_KNEE] * [100, 200])


@pytest.mark.parametrize("people", [0, 2])
def test_one_person_or_none(people: int):
    assert look(Teacher(people), IMAGE) is None


def test_hips_and_toes_are_moved_to_where_ours_are():
    known = {"left_hip": np.array([0.0, 100.0]), "left_shoulder": np.array([0.0, 0.0])}
    np.testing.assert_allclose(ours("left_hip", known), [0.0, 97.0])
    assert np.isnan(ours("left_big_toe", known)).all()


def test_photographs_come_back(tmp_path: Path):
    points = np.full((len(POINTS), 2), np.nan)
    points[3] = 10.0, 20.0
    Image.fromarray(IMAGE).save(tmp_path / "a.jpg")
    write([("a.jpg", Taught(points, np.array([1.0, 2.0, 30.0, 40.0])))], tmp_path)
    one = Photographs(tmp_path)[0]
    assert one.image.shape == IMAGE.shape
    assert one.state.tolist() == [ABSENT] * 3 + [VISIBLE] + [ABSENT] * (len(POINTS) - 4)
    assert one.q is None
    hidden = as_picture(IMAGE, Taught(points, one.xyxy), hidden=np.ones(len(POINTS), bool))
    assert hidden.state[3] == OCCLUDED
