"""The clock of a video against its reference: a skeleton that moves as the pixels do, but later, is told so."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.clock import _EVERY_PX, _LIMBS, _SHIFTS_S, disagreement
from benchmarks.error_budget import Bodies, Solved
from benchmarks.real_clips import Seen
from skelvid.angles.compute import TEMPLATE_GROUND
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from train.lift.reference import Posed

LATE_S, FOCAL_PX, DEPTH_M, SWAY_M, RATE_RAD_S, SIDE_PX = 0.045, 500.0, 4.0, 0.2, 5.0, 300


def test_pixels_tell_the_clock() -> None:
    """A stiff body sways sideways; every pixel moves as it does, but its reference says so later."""
    time_s, frames_s = np.arange(0.0, 2.0, 0.01), np.arange(0.0, 2.0, 1 / 30)
    across = TEMPLATE_GROUND.T @ [1.0, 0.0, 0.0]  # in the reference's ground; the camera's x
    sway = SWAY_M * np.sin(RATE_RAD_S * (time_s - LATE_S))
    ends, rng = {end for limb in _LIMBS for end in limb}, np.random.default_rng(0)
    flat = TEMPLATE_GROUND.T @ np.diag([1.0, 1.0, 0.0])
    bodies = Bodies(time_s, {}, {n: flat @ rng.uniform(-0.4, 0.4, 3) + np.outer(sway, across) for n in ends})
    nothing = Posed(np.zeros((1, 33, 3)), np.zeros((1, 33, 3, 3)))
    place = np.array([0.0, 0.0, DEPTH_M])
    solved = Solved(nothing, np.eye(3), place, FOCAL_PX, 0.0, 0.0, np.zeros((33, 3)), Rotation.identity())
    points = Keypoints2D(np.zeros((60, 1, 2)), np.ones((60, 1)), ("nose",))
    camera = Camera(FOCAL_PX, (SIDE_PX / 2, SIDE_PX / 2), (SIDE_PX, SIDE_PX))
    seen = Seen(KeypointTrack(0, frames_s, points), np.zeros((60, 33, 3)), camera)
    between_s = (frames_s[1:] + frames_s[:-1]) / 2
    px_s = FOCAL_PX / DEPTH_M * SWAY_M * RATE_RAD_S * np.cos(RATE_RAD_S * between_s)
    flow = np.zeros((len(between_s), SIDE_PX // _EVERY_PX, SIDE_PX // _EVERY_PX, 2))
    flow[..., 0] = px_s[:, None, None]
    cost = disagreement(bodies, solved, seen, (between_s, flow))
    assert _SHIFTS_S[cost.argmin()] == pytest.approx(LATE_S, abs=0.003)
    assert cost.max() > 1.3 * cost.min()
