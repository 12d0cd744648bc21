"""Damage of keypoints is where it is said to be, and of the kind it is said to be."""

import numpy as np

from benchmarks.robustness import SPANS_S, damaged
from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.datatypes.people import Keypoints2D, KeypointTrack

TIME_S = np.arange(0.0, 5.0, 1 / 30)


def test_damage_is_what_and_where_it_says() -> None:
    xy = np.random.default_rng(0).uniform(0, 100, (len(TIME_S), 33, 2))
    track = KeypointTrack(0, TIME_S, Keypoints2D(xy, np.ones(xy.shape[:2]), BLAZEPOSE_33))
    knees = [BLAZEPOSE_33.index(f"{side}_knee") for side in ("left", "right")]
    whole, swapped, holed, gone = (damaged(track, kind, np.random.default_rng(1)) for kind in SPANS_S)
    np.testing.assert_array_equal(whole[0].keypoints.xy, xy)
    assert [(d[1].stop - d[1].start) for d in (swapped, gone)] == [9, 30]
    np.testing.assert_array_equal(swapped[0].keypoints.xy[swapped[1]][:, knees], xy[swapped[1]][:, knees[::-1]])
    np.testing.assert_array_equal(swapped[0].keypoints.xy[: swapped[1].start], xy[: swapped[1].start])
    assert abs((holed[0].keypoints.score == 0).mean() - 0.2) < 0.02
    assert np.isnan(holed[0].keypoints.xy[holed[0].keypoints.score == 0]).all()
    assert (gone[0].keypoints.score[gone[1]] == 0).all()
    assert (gone[0].keypoints.score > 0).any(1).sum() == len(TIME_S) - 30
