import numpy as np
import pytest

from skelvid.body.keypoints import BLAZEPOSE_33, COCO_17
from skelvid.datatypes.frames import Camera, VideoInfo
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.pipeline.quality import (
    angle_warnings,
    film_warnings,
    other_warnings,
    setting_warnings,
    track_warnings,
)
from skelvid.video.scene import Scene

SIZE_HW = (720, 1280)


def make_track(*, names=BLAZEPOSE_33, frames=60, top=100.0, bottom=600.0, gone=0):
    """Somebody who stands still, his points in a line from head to feet; not there in the last frames."""
    xy = np.stack([np.full(len(names), 640.0), np.linspace(top, bottom, len(names))], -1)
    xy, score = np.repeat(xy[None], frames, 0), np.full((frames, len(names)), 0.9)
    xy[frames - gone :], score[frames - gone :] = np.nan, 0.0
    return KeypointTrack(0, np.arange(frames) / 30, Keypoints2D(xy, score, names))


def scene(*, luma=120.0, px=0.0):
    shift = np.full((40, 2), px)
    return Scene(np.arange(40) / 4, np.full(40, luma), shift)


def only(sentences, words):
    (sentence,) = sentences
    assert words in sentence


def test_good_video_needs_no_words():
    info = VideoInfo(SIZE_HW, 30.0)
    assert not list(film_warnings(info, scene()))
    assert not list(track_warnings(make_track(), SIZE_HW))
    assert not list(track_warnings(make_track(names=COCO_17), SIZE_HW))
    assert not list(setting_warnings(Camera(900.0, (640.0, 360.0), SIZE_HW), assumed_focal=False, height_m=1.8))


def part(person_id, rows):
    track = make_track()
    away = ~np.isin(np.arange(len(track)), rows)
    track.keypoints.xy[away], track.keypoints.score[away] = np.nan, 0.0
    return KeypointTrack(person_id, track.time_s, track.keypoints)


def test_who_may_be_the_same_person_after_a_cut():
    """Of the same film shown six times in a row, one part was worked out and nothing was said of the others."""
    subject = part(0, range(20))
    only(other_warnings(subject, [subject, part(3, range(20, 40))]), "while person 0 is away, person 3 can be seen")
    only(other_warnings(subject, [part(3, range(30, 40)), part(4, range(50, 60))]), "persons 3, 4 can be seen")
    beside, short = part(3, range(10, 40)), part(4, range(50, 53))
    assert not list(other_warnings(subject, [subject, beside, short]))


def test_film():
    info = VideoInfo(SIZE_HW, 30.0)
    only(film_warnings(info, scene(luma=20.0)), "dark (mean brightness 20 of 255)")
    only(film_warnings(info, scene(px=0.01)), "camera moves")
    only(film_warnings(VideoInfo(SIZE_HW, 12.5), scene()), "only 12.5 pictures per second")
    only(film_warnings(info, scene(), read=["3 damaged"]), "damaged: 3 damaged")


def test_feet_below_the_edge_of_the_picture():
    only(track_warnings(make_track(bottom=790.0), SIZE_HW), "feet are outside the picture or hidden in 100 %")


def test_one_hidden_foot():
    track = make_track()
    track.keypoints.score[:20, BLAZEPOSE_33.index("left_heel")] = 0.1
    only(track_warnings(track, SIZE_HW), "hidden in 33 %")


def test_feet_count_only_where_somebody_is_seen():
    only(track_warnings(make_track(gone=20), SIZE_HW), "seen in 67 % of the frames")


@pytest.mark.parametrize(("height", "warned"), [(140, True), (160, False)])
def test_small_person(height, warned):
    assert bool(list(track_warnings(make_track(top=300.0, bottom=300.0 + height), SIZE_HW))) == warned


def test_short():
    only(track_warnings(make_track(frames=10), SIZE_HW), "0.30 s only")
    assert "0.00 s only" in next(track_warnings(make_track(gone=60), SIZE_HW))


def test_angles_beyond_the_limit_are_named():
    sigma = np.radians([[3.0, 20.0, np.nan]] * 9)
    angles = JointAngles(np.arange(9.0), ("a", "b", "c"), np.zeros((9, 3)), sigma)
    (sentence,) = angle_warnings(angles)
    assert sentence.endswith("(standard deviation over 12 deg): b")
    assert not list(angle_warnings(JointAngles(angles.time_s, angles.names, angles.values_rad)))


def test_what_was_not_given():
    sentences = list(setting_warnings(Camera(896.0, (640.0, 360.0), SIZE_HW), assumed_focal=True, height_m=None))
    assert "0.7 of the longer side, 896 px" in sentences[0]
    assert "not scaled" in sentences[1]
