"""Noise goes, the movement stays; rotations as rotations; doubt weighs; gaps; live as the past allows."""

from dataclasses import replace

import numpy as np
import pytest

from skelvid.body.dofs import DOF_INDEX, joint_dofs
from skelvid.body.joint_rotation import BALL_JOINTS, joint_rotation
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import ConfigError
from skelvid.motion.chart import BALL_DOFS, PLAIN_DOFS, to_columns, with_columns
from skelvid.motion.smooth import CUTOFFS_HZ, cutoff_of, live_smooth_init, live_smooth_step, smooth
from skelvid.series import lowpass
from tests.motion.motions import noisy, walking

METHODS = ("butterworth", "kalman")
KNEE = DOF_INDEX["knee_angle_r"]


def rms(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(((a - b) ** 2).mean()))


def hidden(motion: Motion, rows: slice) -> Motion:
    visible = motion.visible.copy()
    visible[rows] = False
    return replace(motion, visible=visible)


class TestChart:
    def test_there_and_back(self):
        motion = walking()
        again = with_columns(motion, to_columns(motion))
        np.testing.assert_allclose(again.params.q, motion.params.q, atol=1e-12)
        np.testing.assert_allclose(again.params.trans_m, motion.params.trans_m)

    def test_every_degree_of_freedom_is_in_it_once(self):
        assert sorted((*PLAIN_DOFS, *BALL_DOFS)) == list(range(46))


class TestSmooth:
    @pytest.mark.parametrize("method", METHODS)
    def test_noise_goes_and_the_movement_stays(self, method, rng):
        truth = walking(300)
        clean = smooth(truth, method)
        assert rms(clean.params.q[5:-5], truth.params.q[5:-5]) < 0.002
        raw = noisy(truth, np.full(46, 0.05), rng)
        # White noise through 1 / (1 + (f / 7.5 Hz)^4) at 30 Hz keeps about 2/3 of its size.
        assert rms(smooth(raw, method).params.q, truth.params.q) < 0.72 * rms(raw.params.q, truth.params.q)
        assert rms(smooth(raw, method, cutoff_hz=4.0).params.q, truth.params.q) < 0.033

    @pytest.mark.parametrize("method", METHODS)
    def test_the_gain_at_the_cutoff_is_0_707_for_hinges_balls_and_translation(self, method):
        """A swing of 5 Hz at 240 frames per second, so that both filters are what they are in continuous time."""
        time_s = np.arange(960) / 240.0
        swing = 0.02 * np.sin(2 * np.pi * 5.0 * time_s)
        q = np.zeros((960, 46))
        q[:, [KNEE, DOF_INDEX["hip_rotation_l"], DOF_INDEX["pelvis_list"]]] = swing[:, None]
        params = SkelParams(q, np.zeros((1, 10)), np.repeat(swing[:, None], 3, axis=1))
        clean = smooth(Motion(0, time_s, params, np.ones(960, bool)), method, cutoff_hz=5.0)
        middle = slice(240, 720)
        for series in (
            clean.params.q[middle, KNEE],
            clean.params.q[middle, DOF_INDEX["hip_rotation_l"]],
            clean.params.q[middle, DOF_INDEX["pelvis_list"]],
            clean.params.trans_m[middle, 2],
        ):
            assert series.std() / swing[middle].std() == pytest.approx(0.5**0.5, abs=0.005)

    def test_plain_angles_get_exactly_the_lowpass(self, rng):
        raw = noisy(walking(), np.full(46, 0.03), rng)
        expected = lowpass(raw.params.q[:, PLAIN_DOFS], raw.time_s, cutoff_hz=6.0)
        np.testing.assert_allclose(smooth(raw).params.q[:, PLAIN_DOFS], expected, atol=1e-12)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("joint", BALL_JOINTS)
    def test_balls_through_gimbal_lock(self, method, joint, rng):
        """Turning steadily through the pose where the three angles break; noise about every axis."""
        dofs = list(joint_dofs(joint))
        q = np.zeros((90, 46))
        q[:, dofs[1]] = np.linspace(0.8, 2.3, 90)
        truth = walking(90)
        truth = replace(truth, params=replace(truth.params, q=q))
        raw = replace(noisy(truth, np.full(46, 0.03), rng), q_sigma_rad=None)
        clean = smooth(raw, method)
        errors = [
            (joint_rotation(q, joint).inv() * joint_rotation(m.params.q, joint)).magnitude()[5:-5]
            for m in (raw, clean)
        ]  # fmt: skip
        assert errors[1].mean() < 0.75 * errors[0].mean()
        assert errors[1].max() < 0.1
        assert np.abs(np.diff(clean.params.q[:, dofs], axis=0)).max() < 1.0

    def test_doubtful_frames_are_told_by_their_neighbours(self, rng):
        truth, sigma = walking(300), np.full((300, 46), 0.02)
        sigma[100:108] = 0.4
        raw = noisy(truth, sigma, rng)
        worst = {method: np.abs(smooth(raw, method).params.q - truth.params.q)[95:113].max() for method in METHODS}
        assert worst["kalman"] < 0.25
        assert worst["kalman"] < 0.4 * worst["butterworth"]

    def test_the_kalman_smoothers_doubt_covers_its_error(self, rng):
        """Never below what shared errors would leave; so errors that are independent are overstated, not missed."""
        truth = walking(300)
        sigma = rng.uniform(0.02, 0.08, (300, 46))
        clean = smooth(hidden(noisy(truth, sigma, rng), slice(50, 58)), "kalman")
        assert clean.q_sigma_rad is not None
        ratio = (clean.params.q - truth.params.q) / clean.q_sigma_rad
        assert 0.4 < np.sqrt((ratio**2).mean()) < 0.9
        assert np.sqrt((ratio[50:58, 3:] ** 2).mean()) < 1.2
        assert clean.q_sigma_rad[53:55].mean() > 2 * clean.q_sigma_rad[100:150].mean()

    @pytest.mark.parametrize("method", METHODS)
    def test_gaps(self, method, rng):
        truth = walking(180)
        raw = hidden(hidden(noisy(truth, np.full(46, 0.01), rng), slice(40, 46)), slice(90, 130))
        raw.params.q[90:130] = np.nan
        clean = smooth(raw, method)
        assert clean.visible[:90].all()
        assert not clean.visible[90:130].any()
        assert np.abs(clean.params.q - truth.params.q)[40:46].max() < 0.35
        # Nothing is smoothed across the long gap: the second part on its own is the same.
        second = Motion(3, raw.time_s[130:], SkelParams(raw.params.q[130:], np.zeros((1, 10)),
                        raw.params.trans_m[130:]), raw.visible[130:], q_sigma_rad=np.full((50, 46), 0.01))  # fmt: skip
        np.testing.assert_allclose(smooth(second, method).params.q, clean.params.q[130:], atol=1e-6)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("frames", [1, 2, 3])
    def test_very_short_clips(self, method, frames):
        motion = walking(frames, q_sigma_rad=np.full((frames, 46), 0.05))
        np.testing.assert_allclose(smooth(motion, method).params.q, motion.params.q, atol=0.05)

    @pytest.mark.parametrize("method", METHODS)
    def test_nobody_seen(self, method):
        assert not smooth(hidden(walking(9), slice(0, 9)), method).visible.any()

    def test_none_is_the_motion_itself(self):
        motion = walking(9)
        assert smooth(motion, "none") is motion

    @pytest.mark.parametrize("cutoff_hz", [15.0, 0.0])
    def test_a_cutoff_that_the_film_cannot_hold_is_the_users_slip(self, cutoff_hz):
        with pytest.raises(ConfigError, match="30 frames per second: choose one above 0 and below 15 Hz"):
            smooth(walking(), cutoff_hz=cutoff_hz)

    @pytest.mark.parametrize("method", METHODS)
    def test_frames_that_come_unevenly_get_a_cutoff_that_fits_them(self, method, rng):
        """As from a camera on a busy machine: half of the frames 30 a second, then one now and then."""
        for scale_s in (0.01, 0.3, 2.0):
            step_s = np.where(rng.random(60) < 0.6, 1 / 30, 1 / 30 + rng.exponential(scale_s, 60))
            motion = replace(hidden(walking(60), slice(20, 24)), time_s=np.cumsum(step_s))
            cutoff_hz = cutoff_of("jump", motion)
            assert 0.0 < cutoff_hz <= 12.0
            assert np.isfinite(smooth(motion, method, cutoff_hz=cutoff_hz).params.q[:20]).all()

    def test_the_activity_decides_where_frames_come_fast_enough(self):
        assert cutoff_of("walk", walking()) == CUTOFFS_HZ["walk"]
        assert cutoff_of("jump", walking(1)) == CUTOFFS_HZ["jump"]
        with pytest.raises(ConfigError, match="no activity is called 'dance'"):
            cutoff_of("dance", walking())

    def test_the_table_of_cutoffs_fits_common_films(self):
        assert CUTOFFS_HZ["walk"] == 6.0
        assert all(0.0 < cutoff_hz < 12.5 for cutoff_hz in CUTOFFS_HZ.values())


def live(motion: Motion) -> Motion:
    state, rows = live_smooth_init(), []
    for k in range(len(motion.time_s)):
        row = Motion(motion.person_id, motion.time_s[k : k + 1], SkelParams(
            motion.params.q[k : k + 1], motion.params.betas, motion.params.trans_m[k : k + 1]
        ), motion.visible[k : k + 1])  # fmt: skip
        state, row = live_smooth_step(state, row)
        rows.append(row)
    q, trans_m = (np.concatenate([getattr(r.params, name) for r in rows]) for name in ("q", "trans_m"))
    return replace(motion, params=SkelParams(q, motion.params.betas, trans_m))


class TestLive:
    def test_a_still_person_trembles_less(self, rng):
        still = replace(walking(200), params=SkelParams(np.full((200, 46), 0.2), np.zeros((1, 10)), np.ones((200, 3))))
        raw = noisy(still, np.full(46, 0.02), rng)
        steps = [np.diff(m.params.q[20:], axis=0).std() for m in (raw, live(raw))]
        assert steps[1] < 0.45 * steps[0]
        assert rms(live(raw).params.trans_m[20:], still.params.trans_m[20:]) < 0.007

    def test_a_moving_person_lags_little(self):
        motion = walking(200)
        assert rms(live(motion).params.q, motion.params.q) < 0.05

    def test_only_the_past_counts(self, rng):
        raw = noisy(walking(60), np.full(46, 0.03), rng)
        changed = replace(raw, params=replace(raw.params, q=raw.params.q.copy()))
        changed.params.q[40:] += 1.0
        np.testing.assert_array_equal(live(raw).params.q[:40], live(changed).params.q[:40])

    def test_it_starts_anew_after_a_long_absence_and_goes_on_after_a_short_one(self):
        motion = walking(90)
        long, short = hidden(motion, slice(20, 60)), hidden(motion, slice(20, 23))
        np.testing.assert_array_equal(live(long).params.q[60], motion.params.q[60])
        assert (live(short).params.q[23] != motion.params.q[23]).all()

    def test_angles_go_on_when_the_pelvis_is_told_otherwise(self):
        motion = walking(60)
        q = motion.params.q.copy()
        q[1::2, :3] = np.stack([q[1::2, 0] + np.pi, np.pi - q[1::2, 1], q[1::2, 2] - np.pi], axis=1)
        told = live(replace(motion, params=replace(motion.params, q=q)))
        np.testing.assert_allclose(np.diff(told.params.q, axis=0), np.diff(live(motion).params.q, axis=0), atol=1e-6)
