"""Files of OpenPose and Sports2D: what they say is what comes out, and damaged ones are named."""

import json

import numpy as np
import pytest

from skelvid.body.keypoints import COCO_17, HALPE_26, keypoint_meaning
from skelvid.datatypes.people import Boxes
from skelvid.errors import ConfigError
from skelvid.people.keypoint_files import (
    LAYOUTS,
    OPENPOSE_18,
    OPENPOSE_25,
    KeypointFiles,
    our_name,
    read_openpose,
    read_trc_px,
)
from tests.keypoint_fakes import draw_people, points_in, write_openpose, write_trc_px

LEFT, RIGHT = (20, 20, 40, 90), (120, 20, 140, 90)


def people_file(path, *points):
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": p} for p in points]}))
    return path


class TestLayouts:
    @pytest.mark.parametrize("names", LAYOUTS.values(), ids=len)
    def test_every_name_is_known_to_the_body(self, names):
        assert len(set(names)) == len(names)
        assert all(keypoint_meaning(name) for name in names)

    def test_openpose_numbers_its_points_so(self):
        """As its manual draws them: both sets begin alike, and the ears end the larger one's first 19."""
        assert [OPENPOSE_25.index(n) for n in ("nose", "neck", "right_shoulder", "left_wrist", "hip", "right_hip",
                                               "left_ankle", "right_eye", "left_ear", "left_big_toe", "left_heel",
                                               "right_big_toe", "right_small_toe", "right_heel")] == [
            0, 1, 2, 7, 8, 9, 14, 15, 18, 19, 21, 22, 23, 24]  # fmt: skip
        assert [OPENPOSE_18.index(n) for n in ("right_elbow", "right_hip", "left_hip", "left_ankle", "right_eye",
                                               "left_ear")] == [3, 8, 11, 13, 14, 17]  # fmt: skip
        assert {17: COCO_17, 18: OPENPOSE_18, 25: OPENPOSE_25, 26: HALPE_26} == LAYOUTS

    @pytest.mark.parametrize(("marker", "name"), [
        ("RHip", "right_hip"), ("LBigToe", "left_big_toe"), ("Hip", "hip"), ("Neck", "neck"), ("Head", "head"),
        ("Nose", "nose"), ("LEye", "left_eye"), ("RSmallToe", "right_small_toe"), ("left_heel", "left_heel"),
    ])  # fmt: skip
    def test_markers_of_sports2d(self, marker, name):
        assert our_name(marker) == name
        assert keypoint_meaning(name)


class TestOpenPose:
    def test_coordinates_and_scores(self, tmp_path):
        flat = [v for i in range(25) for v in (100.0 + i, 50.0 + i, 0.5)]
        flat[3:6], flat[8] = [0.0, 0.0, 0.0], 1.02
        (person,) = read_openpose(people_file(tmp_path / "x_0.json", flat))
        np.testing.assert_array_equal(person.xy[4], (104, 54))
        assert np.isnan(person.xy[1]).all()
        np.testing.assert_array_equal(person.score[:3], (0.5, 0, 1))

    def test_nan_is_missing(self, tmp_path):
        flat = [float("nan"), 5.0, 0.9] + [1.0, 2.0, 0.9] * 16
        (person,) = read_openpose(people_file(tmp_path / "x_0.json", flat))
        assert (person.score[0], person.score[1]) == (0, 0.9)

    @pytest.mark.parametrize("count", LAYOUTS)
    @pytest.mark.parametrize("name", ["clip_{:012d}_keypoints.json", "clip2_{:06d}.json"])
    def test_folder_gives_the_people_of_each_frame(self, tmp_path, name, count):
        frames = [draw_people(boxes, index=i) for i, boxes in enumerate([[], [RIGHT], [LEFT, RIGHT]])]
        source = KeypointFiles(path=write_openpose(tmp_path / "j", frames, count, name))
        assert source.names == LAYOUTS[count]
        assert [len(source(frame).xy) for frame in frames] == [0, 1, 2]
        np.testing.assert_allclose(source(frames[1]).xy[0, :-1], points_in(RIGHT, count)[:-1])

    def test_frame_without_a_file(self, tmp_path):
        source = KeypointFiles(path=write_openpose(tmp_path / "j", [draw_people([LEFT], index=4)]))
        assert len(source(draw_people([LEFT], index=5)).xy) == 0

    @pytest.mark.parametrize(("text", "message"), [
        ("{", "not keypoints as OpenPose"), ("[]", "not keypoints as OpenPose"), ('{"people": [{}]}', "not keypoints"),
        ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}', "known layouts have 25, 18, 26, 17"),
        ('{"people": []}', "hold no people"),
    ])  # fmt: skip
    def test_damaged_file_is_named(self, tmp_path, text, message):
        (tmp_path / "a_0.json").write_text(text)
        with pytest.raises(ConfigError, match=message):
            KeypointFiles(path=tmp_path)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(ConfigError, match=r"holds no \.json files numbered by frame"):
            KeypointFiles(path=tmp_path)
        with pytest.raises(ConfigError, match="no keypoints at"):
            KeypointFiles(path=tmp_path / "nowhere")


class TestTrc:
    MARKERS = ("Hip", "RBigToe", "LKnee", "Sun")

    @pytest.fixture
    def file(self, tmp_path):
        time_s = np.arange(4) / 30 + 1.0
        xy = np.arange(32.0).reshape(4, 4, 2) * 10 + 100
        xy[1, 2] = np.nan
        xy[2, 1] = 0.0
        return write_trc_px(tmp_path / "demo_Sports2D_px_person00.trc", time_s, self.MARKERS, xy)

    def test_coordinates_by_our_names(self, file):
        time_s, keypoints = read_trc_px(file)
        assert keypoints.names == ("hip", "right_big_toe", "left_knee")
        np.testing.assert_allclose(time_s, np.arange(4) / 30 + 1)
        np.testing.assert_array_equal(keypoints.xy[0], [[100, 110], [120, 130], [140, 150]])
        np.testing.assert_array_equal(keypoints.score, [[1, 1, 1], [1, 1, 0], [1, 0, 1], [1, 1, 1]])

    def test_frames_are_found_by_time(self, file):
        source = KeypointFiles(path=file)
        found = source(draw_people([], time_s=1.0 + 2 / 30 + 0.01))
        np.testing.assert_array_equal(found.xy[0, 0], (260, 270))
        assert len(source(draw_people([], time_s=0.9)).xy) == 0
        assert len(source(draw_people([], time_s=1.2)).xy) == 0

    def test_folder_holds_several_people(self, tmp_path):
        names = tuple(f"{side}{part}" for side in "RL" for part in ("Hip", "Knee", "Ankle", "Heel"))
        for i, box in enumerate((LEFT, RIGHT)):
            write_trc_px(tmp_path / f"v_px_person{i:02d}.trc", [0.0, 0.1], names, np.tile(points_in(box, 8), (2, 1, 1)))
        source = KeypointFiles(path=tmp_path)
        boxes = Boxes(np.array([RIGHT, LEFT], float), np.ones(2))
        found = source(draw_people([], time_s=0.1), boxes)
        np.testing.assert_allclose(found.xy, [points_in(RIGHT, 8), points_in(LEFT, 8)])

    def test_metres_are_refused(self, tmp_path):
        file = write_trc_px(
            tmp_path / "demo_m_person00.trc", [0.0], ("RHip", "LHip"), np.array([[[0.1, 1], [0.2, 1.1]]])
        )
        with pytest.raises(ConfigError, match="does not seem to be in pixels"):
            read_trc_px(file)

    def test_unknown_markers_are_told(self, tmp_path):
        file = write_trc_px(tmp_path / "a.trc", [0.0], ("Sun", "Moon"), np.full((1, 2, 2), 100.0))
        with pytest.raises(ConfigError, match="only Sun, Moon"):
            read_trc_px(file)

    @pytest.mark.parametrize("text", ["", "a\nb\nc\nFrame#\tTime\tHip\n\n1\tx\t3\n", "a\nb\nc\nFrame#\tTime\tHip\n\n"])
    def test_damaged_file_is_named(self, tmp_path, text):
        file = tmp_path / "a.trc"
        file.write_text(text)
        with pytest.raises(ConfigError, match=r"a\.trc is not a \.trc file"):
            read_trc_px(file)
