"""Refinement: the cost's gradient is right, truth comes back, bad keypoints and gaps do not hurt, feet stand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.joint_rotation import joint_rotation
from skelvid.body.keypoints import BLAZEPOSE_33, COCO_17, keypoint_points, named_points
from skelvid.body.load import load_body
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import SkelParams
from skelvid.geometry.camera import project
from skelvid.motion.refine import SIGMA_SCALE, SOLES, RefineOptions, _own_axes, compile_clip, refine
from skelvid.motion.reproject import KeypointOffsets
from tests.motion.motions import walking

BODY = load_body("neutral")
CAMERA = Camera(1344.0, (540.0, 960.0), (1920, 1080))
LEGS = [
    DOF_INDEX[f"{name}_{side}"]
    for name in ("hip_flexion", "hip_adduction", "knee_angle", "ankle_angle")
    for side in "rl"
]
SIGMA_RAD = np.radians(6.0)


def seen(params: SkelParams, names=BLAZEPOSE_33, shift_m: float | np.ndarray = 0.0) -> np.ndarray:
    points = BODY.skin_points(params.to_torch(), keypoint_points(BODY, names)).double().numpy()
    return project(points + shift_m, CAMERA)


def track_of(motion: Motion, xy: np.ndarray, names=BLAZEPOSE_33) -> KeypointTrack:
    score = np.where(np.isnan(xy).any(-1), 0.0, 0.95)
    return KeypointTrack(motion.person_id, motion.time_s, Keypoints2D(xy, score, names))


def strayed(truth: Motion, rng: np.random.Generator) -> Motion:
    """The truth with slow errors, as a lifter makes them."""
    frames, rate_hz = truth.params.q.shape[0], 1 / np.diff(truth.time_s)[0]
    slow = gaussian_filter1d(rng.normal(size=(frames + 200, 49)), 0.25 * rate_hz, axis=0)
    slow = (slow / slow.std(0))[100:-100]
    q = truth.params.q + SIGMA_RAD * slow[:, :46]
    trans = truth.params.trans_m * 1.1 + 0.03 * slow[:, 46:]
    sigma = np.full_like(q, SIGMA_RAD)
    return replace(truth, params=SkelParams(q, truth.params.betas, trans), q_sigma_rad=sigma)


def leg_error_deg(motion: Motion, truth: Motion) -> float:
    return float(np.degrees(np.abs(motion.params.q - truth.params.q)[:, LEGS].mean()))


@pytest.fixture(scope="module")
def walk() -> tuple[Motion, Motion, np.ndarray]:
    """Truth, start, and noisy keypoints: each off by a constant of its own and by half a pixel of jitter."""
    rng = np.random.default_rng(3)
    truth = walking(90, camera=CAMERA)
    xy = seen(truth.params, shift_m=0.012 * rng.normal(size=(33, 3))) + 0.5 * rng.normal(size=(90, 33, 2))
    return truth, strayed(truth, rng), xy


def test_gradient_and_curvature_of_the_cost_equal_finite_differences():
    body, rng = load_body("neutral", dtype=torch.float64), np.random.default_rng(0)
    still = walking(1).params
    params = SkelParams(np.repeat(still.q, 6, 0), still.betas, np.repeat(still.trans_m, 6, 0))
    truth = Motion(0, np.arange(6) / 30, params, np.ones(6, bool), CAMERA, np.full((6, 46), 0.1),
                   contact=rng.uniform(0.5, 1, (6, 4)))  # fmt: skip
    points = body.skin_points(params.to_torch(dtype=torch.float64), keypoint_points(body, BLAZEPOSE_33)).numpy()
    clip = compile_clip(body, truth, track_of(truth, project(points, CAMERA)), RefineOptions(focal_sigma=0.1), None)
    x, y = clip.prior.mean, clip.shared_mean
    with_floor = replace(clip, up=np.tile([0.1, -0.99, 0.1], (6, 1)))
    away = x + 0.05 * rng.normal(size=x.shape), y + 0.02 * rng.normal(size=y.shape)
    for _ in range(4):
        dx, dy = rng.normal(size=x.shape), rng.normal(size=y.shape)
        step = 1e-6
        ahead, behind = (with_floor.model(away[0] + s * dx, away[1] + s * dy, robust=4.0) for s in (step, -step))
        at = with_floor.model(*away, robust=4.0)
        slope = (at.gradient * dx).sum() + at.shared_gradient @ dy
        assert slope == pytest.approx((ahead.cost - behind.cost) / (2 * step), rel=1e-3)
        # Where all residuals vanish, Gauss-Newton is exact: feet stand still, keypoints fit, the prior is met.
        at, near = clip.model(x, y, robust=4.0), clip.model(x + step * dx, y + step * dy, robust=4.0)
        product = np.einsum("tij,tj->ti", at.block, dx) + at.border @ dy
        product[1:] += np.einsum("tij,tj->ti", at.next_block, dx[:-1])
        product[:-1] += np.einsum("tji,tj->ti", at.next_block, dx[1:])
        product[2:] += at.skip * dx[:-2]
        product[:-2] += at.skip * dx[2:]
        np.testing.assert_allclose(
            (near.gradient - at.gradient) / step, product, rtol=1e-3, atol=1e-4 * abs(product).max()
        )
        shared = np.einsum("tis,ti->s", at.border, dx) + at.corner @ dy
        np.testing.assert_allclose(
            (near.shared_gradient - at.shared_gradient) / step, shared, rtol=1e-3, atol=1e-4 * abs(shared).max()
        )


def test_perfect_keypoints_bring_the_motion_back(walk):
    truth, start, _ = walk
    options = RefineOptions(keypoint_scale=0.2, offset_sigma_m=0.002, speed_sigma_s=0.001)
    fit = refine(BODY, start, track_of(truth, seen(truth.params)), options=options)
    assert leg_error_deg(fit, truth) < 0.3 * leg_error_deg(start, truth)
    assert leg_error_deg(fit, truth) < 1.6
    off_m = np.abs(fit.params.trans_m[:, :2] - truth.params.trans_m[:, :2])
    assert off_m.mean() < 0.02


def test_biased_keypoints_help_and_sigmas_tell_how_much(walk):
    truth, start, xy = walk
    fit = refine(BODY, start, track_of(truth, xy))
    assert leg_error_deg(fit, truth) < 0.65 * leg_error_deg(start, truth)
    assert fit.q_sigma_rad is not None
    errors = (fit.params.q - truth.params.q)[:, LEGS] / fit.q_sigma_rad[:, LEGS]
    # Here keypoints and prior err as the fit is told, so that its curvature alone would be right.
    assert 0.7 < SIGMA_SCALE * np.sqrt((errors**2).mean()) < 1.4
    assert (fit.q_sigma_rad[:, LEGS].mean(0) < SIGMA_SCALE * SIGMA_RAD).all()


def test_sigmas_are_widened_where_the_fit_tells_them(walk, monkeypatch):
    _, start, xy = walk
    told = refine(BODY, start, track_of(start, xy)).q_sigma_rad
    monkeypatch.setattr("skelvid.motion.refine.SIGMA_SCALE", 1.0)
    alone = refine(BODY, start, track_of(start, xy)).q_sigma_rad
    assert told is not None
    assert alone is not None
    ratio = told / alone
    np.testing.assert_allclose(ratio[:, LEGS], SIGMA_SCALE)
    np.testing.assert_allclose(ratio[:, DOF_INDEX["wrist_flexion_r"]], 1.0)


@pytest.mark.parametrize("names", [BLAZEPOSE_33, COCO_17])
def test_held_degrees_of_freedom_and_visibility_stay(walk, names):
    truth, start, _ = walk
    visible = np.ones(90, bool)
    visible[40:50] = False
    start = replace(
        start,
        visible=visible,
        params=SkelParams(*(np.array(v) for v in (start.params.q, start.params.betas, start.params.trans_m))),
    )
    start.params.q[40:50] = np.nan
    fit = refine(BODY, start, track_of(truth, seen(truth.params, names), names))
    wrist = DOF_INDEX["wrist_flexion_r"]
    np.testing.assert_allclose(fit.params.q[visible, wrist], start.params.q[visible, wrist], atol=1e-6)
    np.testing.assert_array_equal(fit.visible, visible)
    assert np.isfinite(fit.params.q).all()
    assert fit.q_sigma_rad is not None
    assert np.isfinite(fit.q_sigma_rad).all()
    hidden = np.abs(fit.params.q - truth.params.q)[visible][:, LEGS].mean()
    assert np.degrees(hidden) < leg_error_deg(strayed(truth, np.random.default_rng(3)), truth)


def test_swapped_sides_and_missing_points_hardly_matter(walk):
    truth, start, xy = walk
    usual = leg_error_deg(refine(BODY, start, track_of(truth, xy)), truth)
    other = [
        BLAZEPOSE_33.index(n.replace("left", "R").replace("right", "left").replace("R", "right")) for n in BLAZEPOSE_33
    ]
    swapped, holes, gap = xy.copy(), xy.copy(), xy.copy()
    swapped[40:49] = xy[40:49][:, other]
    holes[np.random.default_rng(0).random(xy.shape[:2]) < 0.2] = np.nan
    gap[40:50] = np.nan
    for name, bad in (("swapped", swapped), ("holes", holes), ("gap", gap)):
        assert leg_error_deg(refine(BODY, start, track_of(truth, bad)), truth) < usual + 0.4, name


def test_planted_feet_stop_sliding():
    rng = np.random.default_rng(5)
    standing = walking(60).params
    q = np.repeat(standing.q[:1], 60, 0)
    truth = Motion(0, np.arange(60) / 30, SkelParams(q, standing.betas, np.repeat(standing.trans_m[:1], 60, 0)),
                   np.ones(60, bool), CAMERA)  # fmt: skip
    start = strayed(truth, rng)
    track = track_of(truth, seen(truth.params) + 3 * rng.normal(size=(60, 33, 2)))

    def slide_m_s(motion: Motion) -> float:
        params = motion.params.to_torch()
        points = BODY.skin_points(params, named_points(BODY, SOLES)).numpy()
        return float(np.linalg.norm(np.diff(points, axis=0), axis=-1).mean() * 30)

    free, planted = (refine(BODY, replace(start, contact=c), track) for c in (None, np.full((60, 4), 0.95)))
    assert slide_m_s(planted) < 0.4 * slide_m_s(free) < 0.4 * slide_m_s(start)


def test_windows_give_what_the_whole_clip_gives(walk):
    truth, start, xy = walk
    whole, windows = (
        refine(BODY, start, track_of(truth, xy), options=RefineOptions(max_frames=n, overlap=15)) for n in (600, 40)
    )
    off = np.degrees(np.abs(whole.params.q - windows.params.q)[:, LEGS])
    assert off.mean() < 0.5
    assert np.abs(np.diff(windows.params.q - whole.params.q, axis=0))[:, LEGS].max() < np.radians(1.0)  # no seams
    assert abs(leg_error_deg(windows, truth) - leg_error_deg(whole, truth)) < 0.3


def test_known_offsets_of_a_source_are_taken_into_account(walk):
    truth, start, _ = walk
    names = ("left_ankle", "right_ankle", "left_knee", "right_knee")
    joint = np.array([3, 8, 2, 7])[[1, 0, 3, 2]]
    mean_m = np.tile([0.08, 0.0, 0.0], (4, 1))
    rot = BODY.skeleton(truth.params.to_torch()).joint_rot.double().numpy()
    shift = np.zeros((90, 33, 3))
    for name, bone, offset in zip(names, joint, mean_m, strict=True):
        shift[:, BLAZEPOSE_33.index(name)] = rot[:, bone] @ offset
    track = track_of(truth, seen(truth.params, shift_m=shift))
    clean = refine(BODY, start, track_of(truth, seen(truth.params)))
    known = refine(BODY, start, track, offsets=KeypointOffsets(names, joint, mean_m))
    unknown = refine(BODY, start, track)
    assert abs(leg_error_deg(known, truth) - leg_error_deg(clean, truth)) < 0.2
    assert leg_error_deg(unknown, truth) > leg_error_deg(known, truth) + 0.3


def test_focal_length_is_refined_only_if_asked(walk):
    truth, start, _ = walk
    start = replace(start, camera=replace(CAMERA, focal_px=1.1 * CAMERA.focal_px))
    track = track_of(truth, seen(truth.params))
    assert refine(BODY, start, track).camera == start.camera
    moved = refine(BODY, start, track, options=RefineOptions(focal_sigma=0.15)).camera
    assert moved is not None
    assert abs(moved.focal_px / CAMERA.focal_px - 1) < 0.1


def test_own_axes_say_how_the_pelvis_turns():
    q, rng = np.zeros((5, 46)), np.random.default_rng(1)
    q[:, :3] = rng.uniform(-1, 1, (5, 3))
    change = 1e-6 * rng.normal(size=(5, 3))
    moved = q.copy()
    moved[:, :3] += change
    turn = (joint_rotation(q, "pelvis").inv() * joint_rotation(moved, "pelvis")).as_rotvec()
    expected = turn[:, [2, 0, 1]]  # DoFs are about z, x, y
    np.testing.assert_allclose((_own_axes(q) @ change[..., None])[..., 0], expected, atol=1e-10)


def test_bad_input_is_refused(walk):
    truth, start, xy = walk
    with pytest.raises(ValueError, match="frame of its camera"):
        refine(BODY, replace(start, camera=None), track_of(truth, xy))
    with pytest.raises(ValueError, match="same frames"):
        refine(BODY, start, KeypointTrack(0, truth.time_s + 0.01, track_of(truth, xy).keypoints))


def test_feet_that_may_as_well_swing_are_left_free(walk):
    truth, start, xy = walk
    free, unsure = (refine(BODY, replace(start, contact=c), track_of(truth, xy)) for c in (None, np.full((90, 4), 0.5)))
    np.testing.assert_allclose(unsure.params.q, free.params.q, atol=1e-6)
