"""Smoothing, whatever the method: a constant stays, it moves with time, and knows neither left from right nor rate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import joint_dofs, mirror_index_and_sign
from skelvid.body.joint_rotation import BALL_JOINTS, joint_q_near, joint_rotation
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.smooth import Method, smooth
from skelvid.series import lowpass, resample
from tests.motion.motions import walking

SEEDS = st.integers(0, 2**32 - 1)
CUTOFFS = st.floats(1.0, 12.0)
both = pytest.mark.parametrize("method", ["butterworth", "kalman"])


def random_motion(seed: int, frames: int = 40) -> Motion:
    """Wild steps, uneven times and doubts, now and then nobody."""
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.uniform(0.02, 0.045, frames))
    q = rng.normal(0, 0.1, (frames, 46)) + walking(frames).params.q
    visible = rng.uniform(size=frames) > 0.1
    visible[0] = True
    params = SkelParams(q, np.zeros((1, 10)), rng.normal(0, 0.1, (frames, 3)))
    return Motion(0, time_s, params, visible, q_sigma_rad=rng.uniform(0.01, 0.2, (frames, 46)))


def mirrored(motion: Motion) -> Motion:
    index, sign = mirror_index_and_sign()
    assert motion.q_sigma_rad is not None
    params = SkelParams(motion.params.q[:, index] * sign, motion.params.betas, motion.params.trans_m * [-1, 1, 1])
    return replace(motion, params=params, q_sigma_rad=motion.q_sigma_rad[:, index])


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS, CUTOFFS)
def test_a_constant_stays(method: Method, seed: int, cutoff_hz: float):
    motion = random_motion(seed)
    still = np.repeat(motion.params.q[:1], 40, axis=0)
    params = SkelParams(still, motion.params.betas, np.repeat(motion.params.trans_m[:1], 40, axis=0))
    clean = smooth(replace(motion, params=params), method, cutoff_hz=cutoff_hz)
    seen = clean.visible
    np.testing.assert_allclose(clean.params.q[seen], still[seen], atol=1e-6)
    np.testing.assert_allclose(clean.params.trans_m[seen], params.trans_m[seen], atol=1e-6)


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS, CUTOFFS, st.floats(-1e3, 1e3))
def test_it_moves_with_time(method: Method, seed: int, cutoff_hz: float, shift_s: float):
    motion = random_motion(seed)
    here = smooth(motion, method, cutoff_hz=cutoff_hz)
    there = smooth(replace(motion, time_s=motion.time_s + shift_s), method, cutoff_hz=cutoff_hz)
    np.testing.assert_array_equal(here.visible, there.visible)
    np.testing.assert_allclose(here.params.q[here.visible], there.params.q[here.visible], atol=1e-5)


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS, CUTOFFS)
def test_backwards_in_time_it_is_the_same(method: Method, seed: int, cutoff_hz: float):
    motion = random_motion(seed, 120)
    assert motion.q_sigma_rad is not None
    params = SkelParams(motion.params.q[::-1], motion.params.betas, motion.params.trans_m[::-1])
    back = Motion(0, -motion.time_s[::-1], params, motion.visible[::-1], q_sigma_rad=motion.q_sigma_rad[::-1])
    here, there = (smooth(m, method, cutoff_hz=cutoff_hz) for m in (motion, back))
    # Forth then back is not quite back then forth near the ends of a piece.
    off = (here.params.q - there.params.q[::-1])[:, 3:]
    assert np.sqrt((off[here.visible] ** 2).mean()) < 0.01


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS, CUTOFFS)
def test_the_mirrored_motion_gives_the_mirrored_result(method: Method, seed: int, cutoff_hz: float):
    motion = random_motion(seed)
    here = mirrored(smooth(motion, method, cutoff_hz=cutoff_hz))
    there = smooth(mirrored(motion), method, cutoff_hz=cutoff_hz)
    seen = here.visible
    np.testing.assert_allclose(there.params.q[seen], here.params.q[seen], atol=1e-6)
    np.testing.assert_allclose(there.params.trans_m[seen], here.params.trans_m[seen], atol=1e-9)


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_the_frame_in_which_the_pelvis_is_told_does_not_matter(method: Method, seed: int):
    motion = random_motion(seed)
    turn = Rotation.random(rng=np.random.default_rng(seed))
    q = motion.params.q.copy()
    q[:, :3] = joint_q_near(turn * joint_rotation(q, "pelvis"), "pelvis", q[:, :3])
    here, there = smooth(motion, method), smooth(replace(motion, params=replace(motion.params, q=q)), method)
    off = (turn * joint_rotation(here.params.q, "pelvis")).inv() * joint_rotation(there.params.q, "pelvis")
    assert off.magnitude()[here.visible].max() < 1e-6


@both
def test_twice_as_many_frames_of_the_same_movement_give_the_same_curve(method: Method):
    slow, fast = (smooth(walking(n, rate_hz), method) for n, rate_hz in ((120, 30.0), (240, 60.0)))
    np.testing.assert_allclose(fast.params.q[::2][10:-10], slow.params.q[10:-10], atol=2e-3)


@both
def test_every_frame_shown_twice_gives_the_same_curve(method: Method):
    """As when a 30 Hz film is stored at 60 Hz: steps, half a frame late, and the curve through them."""
    film = walking(120)
    params = SkelParams(np.repeat(film.params.q, 2, axis=0), film.params.betas,
                        np.repeat(film.params.trans_m, 2, axis=0))  # fmt: skip
    twice = Motion(0, np.arange(240) / 60.0 - 0.25 / 30.0, params, np.ones(240, bool))
    middle = resample(smooth(twice, method).params.q, twice.time_s, film.time_s)
    np.testing.assert_allclose(middle[10:-10], smooth(film, method).params.q[10:-10], atol=0.01)


@both
@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_rotations_stay_rotations_and_near_what_was_seen(method: Method, seed: int):
    motion = random_motion(seed)
    clean = smooth(motion, method)
    assert np.isfinite(clean.params.q[clean.visible]).all()
    for joint in BALL_JOINTS:
        dofs = list(joint_dofs(joint))
        assert np.abs(clean.params.q - motion.params.q)[motion.visible][:, dofs].max() < 1.0


@settings(max_examples=30, deadline=None)
@given(SEEDS, CUTOFFS, st.floats(-3, 3), st.floats(-3, 3))
def test_lowpass_is_linear(seed: int, cutoff_hz: float, a: float, b: float):
    rng = np.random.default_rng(seed)
    time_s = np.cumsum(rng.uniform(0.02, 0.04, 30))
    x, y = rng.normal(size=(2, 30, 2))
    mixed = lowpass(a * x + b * y, time_s, cutoff_hz=cutoff_hz)
    parts = [lowpass(v, time_s, cutoff_hz=cutoff_hz) for v in (x, y)]
    np.testing.assert_allclose(mixed, a * parts[0] + b * parts[1], atol=1e-8)
