"""Fusing estimates, one shape, gaps bridged with more doubt, angles that go on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX, joint_dofs
from skelvid.body.joint_rotation import BALL_JOINTS, joint_q, joint_rotation
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.assemble import bridge, doubted, fuse, one_shape, unwrap
from tests.motion.motions import noisy, walking

KNEE = DOF_INDEX["knee_angle_r"]


def without(motion: Motion, rows: slice) -> Motion:
    visible = motion.visible.copy()
    visible[rows] = False
    q = motion.params.q.copy()
    q[rows] = np.nan
    return replace(motion, params=replace(motion.params, q=q), visible=visible)


def same_poses(a: np.ndarray, b: np.ndarray, atol: float) -> None:
    for joint in BALL_JOINTS:
        off = (joint_rotation(a, joint).inv() * joint_rotation(b, joint)).magnitude()
        assert off.max() < atol, joint
    rest = [i for i in range(46) if i not in {d for joint in BALL_JOINTS for d in joint_dofs(joint)}]
    np.testing.assert_allclose(a[:, rest], b[:, rest], atol=atol)


def sigma_of(motion: Motion) -> np.ndarray:
    assert motion.q_sigma_rad is not None
    return motion.q_sigma_rad


class TestDoubted:
    def test_who_agrees_is_believed_as_before(self, rng):
        truth = walking(40, q_sigma_rad=np.full((40, 46), 0.1))
        other = replace(truth, params=replace(truth.params, q=truth.params.q + rng.uniform(-0.14, 0.14, (40, 46))))
        np.testing.assert_allclose(sigma_of(doubted(other, by=truth)), 0.1)

    def test_who_contradicts_has_next_to_no_say(self):
        truth = walking(40, q_sigma_rad=np.full((40, 46), 0.1))
        swapped = walking(40, q_sigma_rad=np.full((40, 46), 0.05))
        swapped.params.q[:, KNEE] += 1.5
        knees = [fuse([truth, other]).params.q[:, KNEE] for other in (swapped, doubted(swapped, by=truth))]
        assert (np.abs(knees[0] - truth.params.q[:, KNEE]) > 1.0).all()
        assert (np.abs(knees[1] - truth.params.q[:, KNEE]) < 0.01).all()
        # What is believed is what remains: no surer than the other alone by more than a hair.
        assert (sigma_of(fuse([truth, doubted(swapped, by=truth)]))[:, KNEE] > 0.099).all()

    def test_whole_turns_are_no_contradiction_and_gaps_none_either(self):
        truth = walking(9, q_sigma_rad=np.full((9, 46), 0.1))
        turned = walking(9, q_sigma_rad=np.full((9, 46), 0.1))
        turned.params.q[:, 2] += 2 * np.pi
        turned.params.q[:3, KNEE] += 1.0
        after = doubted(turned, by=without(truth, slice(0, 3)))
        np.testing.assert_allclose(sigma_of(after), 0.1)


class TestFuse:
    def test_one_estimate_is_itself(self):
        motion = walking(q_sigma_rad=np.full((120, 46), 0.1))
        fused = fuse([motion])
        np.testing.assert_allclose(fused.params.q, motion.params.q, atol=1e-9)
        np.testing.assert_allclose(fused.params.trans_m, motion.params.trans_m)
        assert fused.q_sigma_rad is not None
        np.testing.assert_allclose(fused.q_sigma_rad, 0.1)

    def test_weights_are_inverse_variances(self):
        """A hinge at 0.2 +- 0.1 and 0.5 +- 0.2: mean (4 * 0.2 + 0.5) / 5, sigma 1 / sqrt(125)."""
        motions = []
        for value, sigma in ((0.2, 0.1), (0.5, 0.2)):
            motion = walking(4, q_sigma_rad=np.full((4, 46), sigma))
            motion.params.q[:, KNEE] = value
            motions.append(motion)
        fused = fuse(motions)
        np.testing.assert_allclose(fused.params.q[:, KNEE], 0.26)
        assert fused.q_sigma_rad is not None
        np.testing.assert_allclose(fused.q_sigma_rad, 125**-0.5)

    @pytest.mark.parametrize("joint", BALL_JOINTS)
    def test_rotations_meet_on_the_short_way_between_them(self, joint, rng):
        """Two ways to say almost the same rotation, near gimbal lock: means of the angles would be far off."""
        dofs = list(joint_dofs(joint))
        turn = Rotation.from_euler("xyz", rng.normal(0, 0.03, (6, 3))) * Rotation.from_quat(
            joint_rotation(np.where(np.isin(np.arange(46), dofs[1]), np.pi / 2, 0.0)[None], joint).as_quat()[0]
        )
        off = Rotation.from_rotvec([0.0, 0.04, 0.02])
        motions = []
        for rotation, sigma in ((turn, 0.1), (turn * off, 0.1)):
            motion = walking(6, q_sigma_rad=np.full((6, 46), sigma))
            motion.params.q[:, dofs] = joint_q(rotation, joint)
            motions.append(motion)
        motions[1].params.q[:, dofs[1]] = np.pi - motions[1].params.q[:, dofs[1]]
        motions[1].params.q[:, [dofs[0], dofs[2]]] += np.pi
        fused = joint_rotation(fuse(motions).params.q, joint)
        # Sigmas of angles about other axes weigh the two apart by up to 2 : 1, so not exactly in the middle.
        assert ((turn * Rotation.from_rotvec([0.0, 0.02, 0.01])).inv() * fused).magnitude().max() < 0.008

    def test_a_sure_axis_keeps_its_say(self):
        """One estimate knows the pelvis's tilt, the other its rotation: each axis follows the one who knows it."""
        sigma = [np.full((5, 46), 0.2) for _ in range(2)]
        sigma[0][:, DOF_INDEX["pelvis_tilt"]] = sigma[1][:, DOF_INDEX["pelvis_rotation"]] = 0.001
        motions = [walking(5, q_sigma_rad=value) for value in sigma]
        for motion, (tilt, turn) in zip(motions, ((0.1, 0.0), (0.0, 0.1)), strict=True):
            motion.params.q[:, :3] = tilt, 0.0, turn
        fused = fuse(motions).params.q[0, :3]
        np.testing.assert_allclose(fused, (0.1, 0.0, 0.1), atol=0.011)  # one turn tips the axis of the other

    def test_two_are_better_than_one_by_their_sigmas(self, rng):
        truth = walking(200)
        sigmas = [np.full(46, 0.06), np.full(46, 0.09)]
        fused = fuse([noisy(truth, sigma, rng) for sigma in sigmas])
        off = fused.params.q - truth.params.q
        expected = (sum(sigma[0] ** -2.0 for sigma in sigmas)) ** -0.5
        assert np.sqrt((off[:, 3:] ** 2).mean()) == pytest.approx(expected, rel=0.03)
        assert fused.q_sigma_rad is not None
        np.testing.assert_allclose(fused.q_sigma_rad, expected)

    def test_missing_ones_are_ignored(self):
        motions = [walking(9, q_sigma_rad=np.full((9, 46), sigma)) for sigma in (0.1, 0.1)]
        motions[1].params.trans_m[:] += 1.0
        motions = [without(motions[0], slice(0, 4)), without(motions[1], slice(3, 7))]
        fused = fuse(motions)
        assert fused.visible.tolist() == [True] * 3 + [False] + [True] * 5
        same_poses(fused.params.q[fused.visible], walking(9).params.q[fused.visible], 1e-9)
        assert fused.q_sigma_rad is not None
        np.testing.assert_allclose(fused.q_sigma_rad[[0, 5, 8], 0], [0.1, 0.1, 0.1 / 2**0.5])
        assert np.isnan(fused.q_sigma_rad[3]).all()
        np.testing.assert_allclose(
            fused.params.trans_m[[0, 5, 8]] - walking(9).params.trans_m[[0, 5, 8]],
            np.repeat([[1.0], [0.0], [0.5]], 3, axis=1),
        )

    def test_contact_and_up_come_from_those_who_know_them(self):
        up = np.tile([0.0, -0.6, -0.8], (4, 1))
        fused = fuse([walking(4), walking(4, contact=np.full((4, 4), 0.7), up=up)])
        assert fused.contact is not None
        assert fused.up is not None
        np.testing.assert_allclose(fused.contact, 0.7)
        np.testing.assert_allclose(fused.up, up)
        assert fused.q_sigma_rad is None

    def test_the_shape_is_one_and_the_surer_counts_more(self):
        motions = [walking(4, q_sigma_rad=np.full((4, 46), sigma)) for sigma in (0.1, 0.2)]
        motions[1] = replace(motions[1], params=replace(motions[1].params, betas=np.full((4, 10), 2.0)))
        np.testing.assert_allclose(fuse(motions).params.betas, np.full((1, 10), 0.4))

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            ({"time_s": np.arange(4) / 25.0}, "same times"),
            ({"person_id": 4}, "one person"),
            ({"q_sigma_rad": np.ones((4, 46))}, "sigma or none"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, other, message):
        with pytest.raises(ValueError, match=message):
            fuse([walking(4), replace(walking(4), **other)])

    def test_nothing_is_refused(self):
        with pytest.raises(ValueError, match="at least one"):
            fuse([])


class TestOneShape:
    def test_mean_over_visible_frames_by_their_doubt(self):
        sigma = np.repeat([[0.1], [0.2], [0.1]], 46, axis=1)
        betas = np.repeat([[1.0], [6.0], [99.0]], 10, axis=1)
        motion = walking(3, q_sigma_rad=sigma)
        motion = without(replace(motion, params=replace(motion.params, betas=betas)), slice(2, 3))
        np.testing.assert_allclose(one_shape(motion).params.betas, np.full((1, 10), 2.0))

    def test_one_stays(self):
        assert one_shape(walking(3)).params.betas.shape == (1, 10)


class TestBridge:
    def test_short_gaps_are_filled_longer_ones_stay(self):
        motion = without(without(walking(q_sigma_rad=np.full((120, 46), 0.05)), slice(30, 36)), slice(60, 80))
        filled = bridge(motion, max_gap_s=0.5)
        assert filled.visible[30:36].all()
        assert not filled.visible[60:80].any()
        kept = motion.visible
        np.testing.assert_allclose(filled.params.q[kept], motion.params.q[kept], atol=1e-9)
        off = filled.params.q[30:36] - walking().params.q[30:36]
        assert np.abs(off).max() < 0.25
        assert np.abs(off).mean() < 0.05

    def test_the_doubt_of_filled_rows_is_their_error(self):
        """Many gaps of one length: the error over the sigma has a mean square near 1."""
        sigma = np.full((1200, 46), 1e-3)
        truth, gaps = walking(1200, q_sigma_rad=sigma), [slice(k, k + 5) for k in range(31, 1160, 61)]
        motion = truth
        for gap in gaps:
            motion = without(motion, gap)
        filled = bridge(motion)
        assert filled.q_sigma_rad is not None
        off = np.concatenate([(filled.params.q - truth.params.q)[gap, 3:] for gap in gaps])
        sigma = np.concatenate([filled.q_sigma_rad[gap, 3:] for gap in gaps])
        assert ((off / sigma) ** 2).mean() == pytest.approx(1.0, abs=0.25)
        middle = filled.q_sigma_rad[gaps[0], 3:].mean(1)
        assert middle.argmax() == 2
        np.testing.assert_array_equal(filled.q_sigma_rad[motion.visible], 1e-3)

    def test_the_pelvis_turns_the_short_way(self):
        """Turning on the spot past half a turn: the three angles go on, and so does the rotation."""
        motion = walking(60)
        motion.params.q[:, :3] = 0.0
        motion.params.q[:, 2] = np.linspace(0, 4 * np.pi, 60)
        filled = bridge(without(motion, slice(20, 26)))
        np.testing.assert_allclose(filled.params.q[:, :3], motion.params.q[:, :3], atol=0.03)

    def test_contact_and_up_are_bridged_too(self):
        contact, up = np.zeros((6, 4)), np.tile([0.0, -1.0, 0.0], (6, 1))
        contact[5], up[5] = 1.0, (0.0, -0.8, -0.6)
        filled = bridge(without(walking(6, contact=contact, up=up), slice(1, 5)))
        assert filled.contact is not None
        assert filled.up is not None
        np.testing.assert_allclose(filled.contact[:, 0], np.linspace(0, 1, 6))
        np.testing.assert_allclose(np.linalg.norm(filled.up, axis=1), 1.0)
        assert (np.diff(filled.up[:, 2]) < 0).all()

    def test_nobody_seen_and_open_ends(self):
        assert not bridge(without(walking(9), slice(0, 9))).visible.any()
        filled = bridge(without(without(walking(9), slice(0, 2)), slice(7, 9)))
        assert filled.visible.tolist() == [False] * 2 + [True] * 5 + [False] * 2


class TestUnwrap:
    def test_whole_turns_and_flips_of_the_pelvis_go(self):
        motion = walking()
        q = motion.params.q.copy()
        q[::2, :3] = np.stack([q[::2, 0] + np.pi, np.pi - q[::2, 1], q[::2, 2] - np.pi], axis=1)
        q[5:, KNEE] += 2 * np.pi
        smooth = unwrap(replace(motion, params=SkelParams(q, motion.params.betas, motion.params.trans_m)))
        assert np.abs(np.diff(smooth.params.q, axis=0)).max() < 0.2
        same_poses(smooth.params.q, motion.params.q, 1e-6)

    def test_rows_without_a_person_do_not_disturb(self):
        motion = without(walking(), slice(10, 20))
        smooth = unwrap(motion)
        np.testing.assert_allclose(smooth.params.q[motion.visible], motion.params.q[motion.visible], atol=1e-6)
