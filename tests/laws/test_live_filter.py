"""How late the live filter is, on motions whose truth is known."""

import numpy as np
import pytest

from skelvid.body.dofs import DOF_INDEX
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.smooth import live_smooth_init, live_smooth_step

KNEE = DOF_INDEX["knee_angle_r"]


def filtered(values_rad, time_s):
    """The right knee after the live filter, all else at rest."""
    state, out = live_smooth_init(), []
    for value, at_s in zip(values_rad, time_s, strict=True):
        q = np.zeros((1, 46))
        q[0, KNEE] = value
        row = Motion(
            0, np.array([at_s]), SkelParams(q, np.zeros((1, 10)), np.array([[0.0, 0.0, 3.0]])), np.array([True])
        )
        state, smooth = live_smooth_step(state, row)
        out.append(smooth.params.q[0, KNEE])
    return np.array(out)


def sine_lag_s(values, time_s, hz):
    """By how much a sine is late, from its phase over whole cycles."""
    wave = np.exp(-2j * np.pi * hz * time_s)
    return -np.angle((values - values.mean()) @ wave / ((np.sin(2 * np.pi * hz * time_s)) @ wave)) / (2 * np.pi * hz)


@pytest.mark.parametrize(("hz", "rate_hz", "at_most_s"), [(1.0, 15.0, 0.020), (1.0, 30.0, 0.017), (0.5, 30.0, 0.019)])
def test_knee_that_bends_as_in_walking_lags_little(hz, rate_hz, at_most_s):
    time_s = np.arange(int(4 / hz * rate_hz)) / rate_hz
    truth = np.radians(30.0) * (1.0 + np.sin(2 * np.pi * hz * time_s))
    late = time_s >= 2 / hz
    out = filtered(truth, time_s)[late]
    lag_s = sine_lag_s(out, time_s[late], hz)
    assert 0.0 < lag_s < at_most_s
    assert np.ptp(out) > 0.97 * np.ptp(truth)


def test_knee_at_rest_trembles_less(rng):
    time_s = np.arange(300) / 30.0
    noise = np.radians(1.0) * rng.normal(size=300)
    assert filtered(noise, time_s)[60:].std() < 0.5 * noise.std()
