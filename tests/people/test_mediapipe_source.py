"""The pictures and times that MediaPipe gets; and, where it is installed, what it makes of the open body."""

import importlib
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from skelvid import downloads
from skelvid.body.dofs import DOF_INDEX
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points
from skelvid.body.load import load_body
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.people import Boxes
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import look_at
from skelvid.errors import ConfigError
from skelvid.people import mediapipe_source
from skelvid.people.mediapipe_source import MediaPipePose
from tests.keypoint_fakes import FakeLandmarker, draw_people, fake_mediapipe, find_people

# Looked up before the tests get a user folder of their own.
MODEL = downloads.installed(downloads.MODELS["mediapipe-heavy"])
needs_mediapipe = pytest.mark.skipif(
    not (find_spec("mediapipe") and MODEL), reason="needs skelvid[mediapipe] and `skelvid models fetch mediapipe-heavy`"
)


@pytest.fixture
def source(tmp_path, monkeypatch):
    fake_mediapipe(monkeypatch)
    monkeypatch.setattr(mediapipe_source, "model_path", lambda name, path: tmp_path / "model.task")
    return MediaPipePose()


def boxes(*rows, person_id=None):
    ids = None if person_id is None else np.array(person_id)
    return Boxes(np.array(rows, float), np.ones(len(rows)), ids)


def alive():
    return [landmarker for landmarker in FakeLandmarker.made if not landmarker.closed]


class TestPictures:
    def test_all_but_the_box_and_its_margin_is_black(self, source):
        source(draw_people([(20, 20, 40, 100), (120, 20, 140, 100)]), boxes((120, 20, 140, 100)))
        (picture,) = alive()[0].pictures
        assert picture.shape == (120, 240, 3)
        np.testing.assert_array_equal(np.argwhere(picture.any(-1))[[0, -1]], [[0, 100], [119, 159]])
        np.testing.assert_array_equal(find_people(picture), [(120, 20, 140, 100)])

    def test_small_person_is_looked_for_close_by_and_put_back_exactly(self, source):
        small = (150, 60, 158, 80)
        found = source(draw_people([small], (240, 480)), boxes(small))
        whole, close = alive()[0].pictures
        assert whole.shape == (240, 480, 3)
        assert max(close.shape) <= 4 * 20
        np.testing.assert_allclose([found.xy[0].min(0), found.xy[0].max(0)], [small[:2], small[2:]], atol=0.1)

    def test_window_stays_while_the_person_is_in_it(self, source):
        for index in range(6):
            box = (150 + index, 60, 158 + index, 80)
            found = source(draw_people([box], (240, 480), index=index), boxes(box))
            np.testing.assert_allclose(found.xy[0].min(0), box[:2], atol=0.1)
        (landmarker,) = alive()
        _whole, *close = landmarker.pictures
        assert len(close) == 6
        # The person moves over the picture: it would not if the window moved with them.
        np.testing.assert_array_equal([find_people(p)[0, 0] - find_people(close[0])[0, 0] for p in close], range(6))

    def test_who_leaves_the_window_gets_a_new_landmarker(self, source):
        for index, left in enumerate((150, 300)):
            box = (left, 60, left + 8, 80)
            found = source(draw_people([box], (240, 480), index=index), boxes(box))
            np.testing.assert_allclose(found.xy[0].min(0), box[:2], atol=0.1)
        assert len(FakeLandmarker.made) == 2
        assert len(alive()) == 1

    def test_box_beyond_the_image_is_a_missing_person(self, source):
        found = source(draw_people([]), boxes((500, 500, 520, 560)))
        assert not found.score.any()

    def test_box_that_reaches_beyond_the_image(self, source):
        found = source(draw_people([(0, 20, 10, 60)]), boxes((-10, 20, 10, 60)))
        np.testing.assert_allclose(found.xy[0].max(0), (10, 60), atol=0.1)


class TestPeople:
    LEFT, RIGHT = (20, 20, 40, 90), (120, 20, 140, 90)

    def test_everyone_keeps_a_landmarker_whatever_the_order_of_boxes(self, source):
        for index, ids in enumerate([(7, 3), (3, 7), (7, 3)]):
            place = {7: self.LEFT, 3: self.RIGHT}
            found = source(draw_people(list(place.values()), index=index), boxes(*map(place.get, ids), person_id=ids))
            np.testing.assert_allclose(found.xy.min(1), [place[i][:2] for i in ids], atol=0.5)
        assert len(FakeLandmarker.made) == 2

    def test_points_outside_the_box_are_somebody_elses(self, source):
        # Both are within the margin, and the fake takes the left one.
        crowd = draw_people([(110, 20, 115, 90), self.RIGHT])
        found = source(crowd, boxes(self.RIGHT))
        assert not found.score.any()
        assert np.isnan(found.xy).all()
        assert not alive()

    def test_landmarkers_of_people_who_left_are_freed(self, source):
        source(draw_people([self.LEFT]), boxes(self.LEFT, person_id=[1]))
        source(draw_people([self.RIGHT], time_s=0.9), boxes(self.RIGHT, person_id=[2]))
        assert len(alive()) == 2
        source(draw_people([self.RIGHT], time_s=1.5), boxes(self.RIGHT, person_id=[2]))
        assert len(alive()) == 1

    def test_time_rises_even_if_frames_share_a_millisecond(self, source):
        for time_s in (0.0101, 0.0102, 0.0102, 0.0104):
            source(draw_people([self.LEFT], time_s=time_s), boxes(self.LEFT))
        assert alive()[0].last_ms == 3

    def test_somebody_under_another_number_may_go_backwards(self, source):
        for time_s, person_id in ((0.1, 3), (0.2, 3), (0.2, -4), (0.1, -4), (0.0, -4), (0.3, 3)):
            found = source(draw_people([self.LEFT], time_s=time_s), boxes(self.LEFT, person_id=[person_id]))
            assert found.score.all()
        assert [landmarker.last_ms for landmarker in alive()] == [200, 200]
        source.forget(-4)
        source.forget(7)
        assert [landmarker.last_ms for landmarker in FakeLandmarker.made if not landmarker.closed] == [200]

    def test_close_frees_all_and_allows_another_video(self, source):
        source(draw_people([self.LEFT], time_s=5.0), boxes(self.LEFT))
        source.close()
        assert not alive()
        assert source(draw_people([self.LEFT], time_s=0.0), boxes(self.LEFT)).score.all()

    def test_world_points_come_along(self, source):
        found, world = source.with_world(draw_people([self.LEFT]), boxes(self.LEFT, self.RIGHT))
        assert world.shape == (2, 33, 3)
        np.testing.assert_array_equal(world[0, :, 1], np.arange(33))
        assert np.isnan(world[1]).all()
        np.testing.assert_array_equal(found.score.any(1), [True, False])


def test_without_mediapipe_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(ConfigError, match=r"pip install 'skelvid\[mediapipe\]'"):
        MediaPipePose()


@pytest.mark.skipif(not find_spec("mediapipe"), reason="needs mediapipe")
def test_names_are_mediapipes_own():
    library = importlib.import_module("mediapipe.tasks.python.vision.pose_landmarker")
    if not hasattr(library, "PoseLandmark"):
        pytest.skip("this version of mediapipe does not tell the names")
    assert tuple(landmark.name.lower() for landmark in library.PoseLandmark) == BLAZEPOSE_33


@pytest.fixture(scope="module")
def photograph():
    """The open body with a knee bent, before a camera, and where its keypoints are in the picture."""
    body = load_body("open-neutral")
    q = np.zeros(46)
    degrees = {"shoulder_r_x": 60, "shoulder_l_x": -60, "pro_sup_r": -80, "pro_sup_l": -80, "knee_angle_r": 50}
    for name, value in (degrees | {"hip_flexion_r": 25}).items():
        q[DOF_INDEX[name]] = np.radians(value)
    params = SkelParams(q, np.zeros(10), np.zeros(3)).to_torch(dtype=body.dtype)
    skin = body(params).to_numpy().skin_m
    assert skin is not None
    view = look_at([-0.6, -0.1, 0], [0.3, 0.1, 1], height_m=3.2, size_hw=(640, 640))
    image = render(
        [Mesh(skin.astype(float), body.assets.skin_faces, (0.86, 0.66, 0.56))], view, background=(0.55, 0.6, 0.65)
    )
    points = body.skin_points(params, keypoint_points(body, "blazepose33")).numpy().astype(float)
    return image, view.project(points)


@needs_mediapipe
@pytest.mark.parametrize("crop", [None, "box", "small"])
def test_finds_the_open_body_where_it_is(photograph, crop):
    image, truth = photograph
    box = np.array([*truth.min(0) - 12, *truth.max(0) + 6])
    if crop == "small":
        # As a small figure in a large picture, where it is found only close by.
        small, image = image, np.full((2400, 2400, 3), 150, np.uint8)
        image[1500 : 1500 + 640, 700 : 700 + 640] = small
        truth, box = truth + np.array([700, 1500]), box + np.array([700, 1500, 700, 1500])
    source = MediaPipePose(model=MODEL)
    people = boxes(box) if crop else None
    source(Frame(image, 0, 0.0), people)
    found, world = source.with_world(Frame(image, 1, 1 / 30), people)
    # Half a percent of the height when measured; definitions and hidden thumbs differ by up to 5.
    error = np.linalg.norm(found.xy[0] - truth, axis=-1) / (box[3] - box[1])
    assert np.median(error) < 0.015
    assert error.max() < 0.06
    assert found.score[0].min() > 0.5
    # Its own 3D: thighs of 0.25 to 0.55 m.
    thigh = np.linalg.norm(world[0, BLAZEPOSE_33.index("left_hip")] - world[0, BLAZEPOSE_33.index("left_knee")])
    assert 0.25 < thigh < 0.55


@needs_mediapipe
def test_says_nothing_on_standard_error(photograph, tmp_path):
    np.save(tmp_path / "image.npy", photograph[0])
    program = (
        "import numpy as np, sys; from skelvid.people.mediapipe_source import MediaPipePose;"
        "from skelvid.datatypes.frames import Frame; source = MediaPipePose(model=sys.argv[2]);"
        "image = np.load(sys.argv[1]);"
        "assert all(len(source(Frame(image, i, i / 30)).xy) == 1 for i in range(3))"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "image.npy"), str(MODEL)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
