"""A motion and the keypoints it came from go in, the motion that shows them better comes out.

SKEL is fitted to the keypoints of the whole clip at once by Gauss-Newton: every frame's pose and place, one shape, and
what else is constant in a clip (where the source means its keypoints to be, the floor, the focal length). The motion
that came in is the prior, with its own sigmas. Its errors are slow as those of keypoints are, so the correction is a
Gaussian process in time (Matern 3/2): smooth, and N frames are not N opinions.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.spatial.transform import Rotation

from skelvid.body.clip_solver import FitOptions, Minimum, marginal_variance, minimise
from skelvid.body.dofs import DOFS
from skelvid.body.fit import BETA_SLICE, flatten
from skelvid.body.keypoints import named_points
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import KeypointTrack
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.geometry.camera import project
from skelvid.motion.clip_cost import BETAS, FLOOR, FOCAL, ClipCost, Layout, Prior, RefineOptions
from skelvid.motion.reproject import KeypointOffsets, offset_points, used_keypoints, weigh_keypoints, with_focal

# What keypoints say too little of: these stay as they came.
HELD = ("mtp_angle", "scapula_", "pro_sup", "wrist_")
# Where the body rests on the ground, in the order of `CONTACT_POINTS`.
SOLES = tuple(mix for s in "rl" for mix in ({f"heel_sole_{s}": 1.0}, {f"mtp1_{s}": 0.5, f"mtp5_{s}": 0.5}))
# By so much the curvature's standard deviations are too small. On films of simulated people, held out (66 windows,
# docs/evaluation.md), 58 % of the legs' errors lay within one and 87 % within two: as if normal with 1.24 and 1.32.
# With it: 69 % and 93 %; on 66 windows that had no say in it: 67 % and 92 %.
SIGMA_SCALE = 1.27
# Of a motion that does not tell.
UNKNOWN_SIGMA_RAD = 0.09
# While the body is placed: how far its pose may give, the scale of the robust loss, and how many steps it takes.
STIFF_SIGMA_RAD, PLACING_SIGMAS, PLACING_STEPS = 0.01, 20.0, 3
# Standard deviation of what is not to move.
FIXED = 1e-6
Progress = Callable[[int, float], None] | None


def refine(
    body: SkelBody,
    motion: Motion,
    track: KeypointTrack,
    *,
    options: RefineOptions | None = None,
    offsets: KeypointOffsets | None = None,
    progress: Progress = None,
) -> Motion:
    """Fit a motion to the keypoints of its person.

    Args:
        body: Whose motion it is.
        motion: Start and prior: in its camera's frame, one shape; with `q_sigma_rad` if known, `contact` and `up` for
            feet that stay where they stand.
        track: Keypoints of the same frames.
        options: How far to trust what; None = as for MediaPipe and our lifter.
        offsets: Where the source of the keypoints means them to be, if known.
        progress: Called with (step, mean cost of a frame).

    Returns:
        The motion with new params and `q_sigma_rad` (from the curvature of the cost, times `SIGMA_SCALE`; degrees of
        freedom that were held keep theirs). Rows that are not visible are bridged but stay invisible.

    Raises:
        ValueError: The motion has no camera, or its frames are not those of the track.
    """
    if motion.camera is None:
        raise ValueError("only a motion in the frame of its camera can be fitted to keypoints")
    if len(track) != len(motion.time_s) or not np.allclose(track.time_s, motion.time_s):
        raise ValueError("motion and keypoints must be of the same frames")
    if motion.visible.sum() < 2:
        return motion
    clip = compile_clip(body, motion, track, options or RefineOptions(), offsets)
    x, y, variance = _fit_windows(clip, progress)
    own, dofs = clip.layout.own, clip.layout.own[clip.layout.own < N_DOFS]
    rows = clip.rows.cpu().double().numpy()
    rows[:, own] = x
    sigma = np.full((len(x), N_DOFS), UNKNOWN_SIGMA_RAD) if motion.q_sigma_rad is None else motion.q_sigma_rad.copy()
    q_variance = variance[:, : len(dofs)]
    q_variance[:, :3] = np.einsum("tij,tj->ti", _own_axes(rows) ** 2, q_variance[:, :3])
    sigma[:, dofs] = SIGMA_SCALE * np.sqrt(q_variance)
    params = SkelParams(rows[:, :N_DOFS], y[clip.layout.part(BETAS)][None], rows[:, -3:])
    camera = (
        with_focal(motion.camera, float(y[clip.layout.part(FOCAL)][0])) if clip.options.focal_sigma else motion.camera
    )
    return replace(motion, params=params, camera=camera, q_sigma_rad=sigma)


def compile_clip(
    body: SkelBody, motion: Motion, track: KeypointTrack, options: RefineOptions, offsets: KeypointOffsets | None
) -> ClipCost:
    """Gather what is known of a clip."""
    assert motion.camera is not None
    time_s, camera = motion.time_s, motion.camera
    params = motion.params.to_torch(body.device, body.dtype)
    rows = _bridged(flatten(params).cpu().double().numpy(), motion.visible, time_s)
    held = [i for i, dof in enumerate(DOFS) if dof.name.startswith(HELD)]
    own = np.setdiff1d(np.arange(N_PARAMS), np.r_[held, np.arange(N_PARAMS)[BETA_SLICE]])
    names = used_keypoints(track.keypoints.names)
    points = offset_points(body, names, offsets)
    layout = Layout(own, len(names))
    betas = np.median(rows[motion.visible][:, BETA_SLICE], axis=0)
    tensor = torch.as_tensor(rows).to(body.dtype).to(body.device)
    start = SkelParams(tensor[:, :N_DOFS], torch.as_tensor(betas[None]).to(tensor), tensor[:, -3:])
    with torch.no_grad():
        expected = body.skin_points(start, points.moved(points.mean_m)).cpu().double().numpy()
    depth = np.maximum(np.median(expected[..., 2], axis=1), 0.5)
    keypoints = track.keypoints.pick(names)
    seen = weigh_keypoints(
        keypoints,
        np.nan_to_num(project(expected, camera)),
        camera.focal_px / depth,
        time_s=time_s,
        error_time_s=options.keypoint_time_s,
        speed_sigma_s=options.speed_sigma_s,
        scale=options.keypoint_scale,
        dtype=body.dtype,
    )
    mean, sigma = (np.concatenate(v) for v in zip(*_shared_prior(layout, options, betas), strict=True))
    prior = _prior(motion, rows[:, own], layout, options, float(np.median(depth)))
    seen = replace(seen, weight=seen.weight * torch.as_tensor(motion.visible[:, None])).to(body.device)
    visible = motion.visible[:, None]
    # A foot held still that swings does more harm than one let go that stands: what is likelier not planted is free.
    contact = None if motion.contact is None else np.where(visible, (2 * motion.contact - 1).clip(0.0), 0.0)
    up = None if motion.up is None else np.where(visible, motion.up, motion.up[motion.visible].mean(0))
    return ClipCost(
        body=body,
        layout=layout,
        camera=camera,
        options=options,
        time_s=time_s,
        rows=tensor,
        points=points,
        soles=named_points(body, SOLES),
        seen=seen,
        prior=prior,
        contact=contact,
        up=up,
        shared_mean=mean,
        shared_sigma=sigma,
        growth=_growth(body, betas),
    )


def _growth(body: SkelBody, betas: Float[ndarray, "10"]) -> Float[ndarray, "10"]:
    """Return how the logarithm of the body's size, the spread of its joints, changes with each beta."""
    steps = np.concatenate([np.zeros((1, N_BETAS)), np.eye(N_BETAS)])
    shapes = SkelParams(np.zeros((1, N_DOFS)), betas + steps, np.zeros((1, 3))).to_torch(body.device, body.dtype)
    joints = body.skeleton(shapes).joints_m.double().cpu().numpy()
    size = np.log(np.std(joints, axis=1).max(-1))
    return size[1:] - size[0]


def _shared_prior(layout: Layout, options: RefineOptions, betas: ndarray) -> list[tuple[ndarray, ndarray]]:
    sigmas = (
        options.beta_sigma, max(options.offset_sigma_m, FIXED), options.floor_tilt_sigma_rad,
        max(options.focal_sigma, FIXED),
    )  # fmt: skip
    parts = [(np.zeros(size), np.full(size, sigma)) for size, sigma in zip(layout.sizes, sigmas, strict=True)]
    parts[BETAS] = (betas, parts[BETAS][1])
    parts[FLOOR][1][0] = 1e2
    return parts


def _prior(motion: Motion, mean: ndarray, layout: Layout, options: RefineOptions, depth_m: float) -> Prior:
    q_sigma = np.full_like(motion.params.q, UNKNOWN_SIGMA_RAD) if motion.q_sigma_rad is None else motion.q_sigma_rad
    q_sigma = np.where(motion.visible[:, None], q_sigma, np.nanmax(q_sigma[motion.visible], axis=0))
    turned = np.linalg.inv(_own_axes(mean)) ** 2
    q_sigma[:, :3] = np.sqrt(np.einsum("tij,tj->ti", turned, q_sigma[:, :3] ** 2))
    place = np.full((len(mean), 3), options.depth_sigma * depth_m)
    sigma = np.concatenate([options.prior_scale * q_sigma, np.zeros((len(mean), N_BETAS)), place], axis=1)
    return Prior(mean, np.maximum(sigma[:, layout.own], 1e-3), 2 / options.prior_time_s)


def _own_axes(q: Float[ndarray, "t c"]) -> Float[ndarray, "t 3 3"]:
    """Return how far the pelvis turns about the axis of each of its DoFs, as it has it itself, per change of each."""
    axes = np.array([dof.axis for dof in DOFS[:3]])
    turned, columns = Rotation.identity(len(q)), []
    for i in range(3):
        columns.append(turned.inv().apply(axes[i]) @ axes.T)
        turned = Rotation.from_rotvec(q[:, [i]] * axes[i]) * turned
    return np.stack(columns, axis=2)


def _bridged(rows: Float[ndarray, "t c"], visible: Bool[ndarray, "t"], time_s: Float[ndarray, "t"]) -> ndarray:
    """Fill rows of invisible frames in a straight line; the root's angles go on without jumps of a whole turn."""
    seen = np.flatnonzero(visible)
    out = rows[seen].copy()
    out[:, :3] = np.unwrap(out[:, :3], axis=0)
    return np.stack([np.interp(time_s, time_s[seen], column) for column in out.T], axis=1)


def _fit_windows(clip: ClipCost, progress: Progress) -> tuple[ndarray, ndarray, ndarray]:
    """Return x, y and the variance of x; of a long clip, y comes from some of its frames, x from windows of it."""
    frames, overlap = len(clip.time_s), clip.options.overlap
    some = np.arange(0, frames, -(-frames // clip.options.max_frames))
    coarse = _rows(clip, some)
    best = fit_clip(coarse, progress)
    if len(some) == frames:
        return best.x, best.y, marginal_variance(best.model)
    known = replace(clip, shared_mean=best.y, shared_sigma=np.full_like(best.y, FIXED))
    moved = (best.x - coarse.prior.mean).T
    start = clip.prior.mean + np.stack([np.interp(clip.time_s, coarse.time_s, column) for column in moved], axis=1)
    total, share = np.zeros((2, *start.shape)), np.zeros((frames, 1))
    for first in range(0, frames - overlap, clip.options.max_frames - overlap):
        rows = np.arange(first, min(first + clip.options.max_frames, frames))
        part = _minimise(_rows(known, rows), start[rows], clip.options.robust_sigmas, progress)
        # Windows fade into each other, but not at the ends of the clip.
        fade = np.minimum(np.arange(1, len(rows) + 1) + overlap * (first == 0), overlap)
        fade = np.minimum(fade, np.arange(len(rows), 0, -1) + overlap * (rows[-1] == frames - 1))[:, None]
        total[:, rows] += fade * np.stack([part.x, marginal_variance(part.model)])
        share[rows] += fade
    return total[0] / share, best.y, total[1] / share


def _rows(clip: ClipCost, rows: Int[ndarray, "r"]) -> ClipCost:
    """Return some frames of a clip."""
    return replace(
        clip,
        time_s=clip.time_s[rows],
        rows=clip.rows[rows],
        seen=clip.seen[rows],
        prior=replace(clip.prior, mean=clip.prior.mean[rows], sigma=clip.prior.sigma[rows]),
        contact=None if clip.contact is None else clip.contact[rows],
        up=None if clip.up is None else clip.up[rows],
    )


def fit_clip(clip: ClipCost, progress: Progress = None) -> Minimum:
    """Minimise the cost of a clip, all frames at once.

    First the body is moved to where it is seen, its pose held stiff. In the wrong place every keypoint would be off,
    and nothing would tell the bad ones from the good.
    """
    sigma = np.where(clip.layout.own < N_DOFS, STIFF_SIGMA_RAD, clip.prior.sigma)
    stiff = replace(clip, prior=replace(clip.prior, sigma=sigma))
    stiff = replace(stiff, options=replace(clip.options, max_steps=PLACING_STEPS))
    placed = _minimise(stiff, clip.prior.mean, PLACING_SIGMAS, progress)
    return _minimise(clip, placed.x, clip.options.robust_sigmas, progress)


def _minimise(clip: ClipCost, x: Float[ndarray, "t n"], robust: float, progress: Progress) -> Minimum:
    options = FitOptions(max_steps=clip.options.max_steps, tolerance=1e-3, damping=1e-4)
    return minimise(partial(clip.model, robust=robust), x, clip.shared_mean, options=options, progress=progress)
