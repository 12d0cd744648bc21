"""Per-frame estimates of one person in, one motion out: fused by their doubt, one shape, short gaps bridged."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import joint_dofs
from skelvid.body.joint_rotation import BALL_JOINTS, joint_q_near, joint_rotation, variance_about_own_axes
from skelvid.body.start import continuous
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import N_DOFS, SkelParams
from skelvid.motion.chart import PLAIN_DOFS, seen_rows, to_columns, with_columns
from skelvid.series import fill_gaps, short_gaps, unit


def unwrap(motion: Motion) -> Motion:
    """Return the same poses with angles that go on from frame to frame: no whole turns, no flips of the pelvis."""
    seen = seen_rows(motion)
    q = np.array(motion.params.q, np.float64)
    if seen.any():
        q[seen] = continuous(torch.from_numpy(q[seen])).numpy()
    return replace(motion, params=replace(motion.params, q=q))


def one_shape(motion: Motion) -> Motion:
    """Return the motion with one shape, `1 10`: the mean over visible frames, in which surer ones count more."""
    seen = seen_rows(motion)
    betas = np.asarray(motion.params.betas, np.float64)
    if len(betas) > 1 and seen.any():
        betas = np.average(betas[seen], axis=0, weights=_precision(motion)[seen].mean(1))[None]
    return replace(motion, params=replace(motion.params, betas=betas[:1]))


def bridge(motion: Motion, *, max_gap_s: float = 0.5) -> Motion:
    """Fill gaps whose ends lie at most `max_gap_s` apart, rotations as rotations; longer ones stay not visible.

    The doubt of a filled row is that of its ends and, added to it, the error that the same bridge makes where the
    person was seen: the root mean square over the clip. The shape becomes one. Expects angles that are unwrapped.
    """
    motion = one_shape(motion)
    seen, time_s = seen_rows(motion), motion.time_s
    gaps = short_gaps(time_s, seen, max_gap_s=max_gap_s)
    filled = with_columns(motion, fill_gaps(to_columns(motion), time_s, max_gap_s=max_gap_s))
    sigma, contact, up = (
        None if values is None else _interpolated(motion, values)
        for values in (motion.q_sigma_rad, motion.contact, motion.up)
    )
    if sigma is not None:
        for gap in gaps:
            sigma[gap] = np.hypot(sigma[gap], _bridging_error(motion, gap.stop - gap.start))
    return replace(filled, q_sigma_rad=sigma, contact=contact, up=None if up is None else unit(up))


def fuse(motions: Sequence[Motion]) -> Motion:
    """Return the weighted mean, frame by frame, of several estimates of one person, and its doubt.

    Each degree of freedom counts with 1 / sigma^2, rotations about the bone's own axes; where an estimate is missing
    the others stand. Errors of different estimates are taken as independent. Translation, contact and up, which carry
    no doubt of their own, count with the mean share that the angles of their estimate have; so does the shape, one
    for the clip.

    Raises:
        ValueError: No motion, other times, persons or cameras, or only some of them know their doubt.
    """
    _check_alike(motions)
    first = motions[0]
    seen = np.stack([seen_rows(motion) for motion in motions])
    precision = np.stack([_precision(motion) for motion in motions])
    total = precision.sum(0)
    share = (precision / np.where(total > 0.0, total, 1.0)).mean(-1)
    trans_m = _mean([motion.params.trans_m for motion in motions], share)
    betas = _mean([np.broadcast_to(motion.params.betas, (seen.shape[1], 10)) for motion in motions], share)
    visible = seen.any(0)
    weight = visible / max(int(visible.sum()), 1)
    sigma = None if first.q_sigma_rad is None else np.where(total > 0.0, total, np.nan) ** -0.5
    up = _mean_of_known([motion.up for motion in motions], share)
    return replace(
        first,
        params=SkelParams(_fused_q(motions, precision), (weight @ betas)[None], trans_m),
        visible=visible,
        q_sigma_rad=sigma,
        contact=_mean_of_known([motion.contact for motion in motions], share),
        up=None if up is None else unit(up),
    )


def doubted(motion: Motion, by: Motion) -> Motion:
    """Return a motion with the doubt that its contradiction to another, which is believed more, asks for.

    Where they differ by more than both doubts allow, the excess is taken for this one's error: sigma^2 becomes at least
    difference^2 - sigma^2 of the other, as of studies that disagree (DerSimonian and Laird 1986), angle by angle. Where
    either sees nobody or knows no doubt, nothing changes.

    Raises:
        ValueError: Other times, persons or cameras.
    """
    _check_alike([motion, by])
    if motion.q_sigma_rad is None or by.q_sigma_rad is None:
        return motion
    both = seen_rows(motion) & seen_rows(by)
    off = (motion.params.q[both] - by.params.q[both] + np.pi) % (2.0 * np.pi) - np.pi
    sigma = np.array(motion.q_sigma_rad, np.float64)
    sigma[both] = np.sqrt(np.maximum(sigma[both] ** 2, off**2 - by.q_sigma_rad[both] ** 2))
    return replace(motion, q_sigma_rad=sigma)


def _fused_q(motions: Sequence[Motion], precision: Float[np.ndarray, "m t 46"]) -> Float[np.ndarray, "t 46"]:
    known = precision[..., 0] > 0.0
    each = [np.where(here[:, None], motion.params.q, 0.0) for motion, here in zip(motions, known, strict=True)]
    best = precision.mean(-1).argmax(0)
    q = np.take_along_axis(np.stack(each), best[None, :, None], 0)[0]
    q[:, PLAIN_DOFS] = _mean([one[:, PLAIN_DOFS] for one in each], precision[..., PLAIN_DOFS])
    for joint in BALL_JOINTS:
        dofs = joint_dofs(joint)
        # Means of rotations are taken in the tangent space of the surest one.
        center = joint_rotation(q, joint)
        off = [(center.inv() * joint_rotation(one, joint)).as_rotvec() for one in each]
        variance = [
            variance_about_own_axes(one, np.where(here[:, None], np.maximum(p, 1e-12) ** -0.5, 1.0), joint)
            for one, p, here in zip(each, precision, known, strict=True)
        ]
        mean = _mean(off, known[..., None] / np.stack(variance))
        q[:, dofs] = joint_q_near(center * Rotation.from_rotvec(mean), joint, q[:, dofs])
    return q


def _precision(motion: Motion) -> Float[np.ndarray, "t 46"]:
    """Return 1 / sigma^2, or 1 where doubt is unknown; 0 where nobody was seen."""
    seen = seen_rows(motion)
    sigma = np.ones((len(seen), N_DOFS)) if motion.q_sigma_rad is None else motion.q_sigma_rad
    return np.where(seen[:, None], np.where(seen[:, None], sigma, 1.0) ** -2.0, 0.0)


def _mean(values: Sequence[np.ndarray], weight: Float[np.ndarray, "m t *_"]) -> np.ndarray:
    """Return weighted means over estimates; 0 where nobody was seen."""
    stacked = np.stack(values).astype(np.float64)
    weight = np.broadcast_to(weight if weight.ndim == stacked.ndim else weight[..., None], stacked.shape)
    total = weight.sum(0)
    return (np.where(weight > 0.0, stacked, 0.0) * weight).sum(0) / np.where(total > 0.0, total, 1.0)


def _mean_of_known(values: Sequence[np.ndarray | None], share: Float[np.ndarray, "m t"]) -> np.ndarray | None:
    known = [i for i, value in enumerate(values) if value is not None]
    return _mean([value for value in values if value is not None], share[known]) if known else None


def _interpolated(motion: Motion, values: Float[np.ndarray, "t d"]) -> Float[np.ndarray, "t d"]:
    seen = seen_rows(motion)
    if not seen.any():
        return values
    return np.stack([np.interp(motion.time_s, motion.time_s[seen], column[seen]) for column in values.T], axis=1)


def _bridging_error(motion: Motion, missing: int) -> Float[np.ndarray, "n 46"]:
    """Return the error of straight bridges over `missing` rows for each of them, where the person was seen."""
    seen = seen_rows(motion)
    q = np.where(seen[:, None], motion.params.q, np.nan)
    spread, span = np.nanstd(q, axis=0), missing + 1
    error = np.empty((missing, N_DOFS))
    for k in range(1, span):
        middle = q[k : len(q) - span + k]
        off = middle - (q[:-span] * (span - k) + q[span:] * k) / span
        known = np.isfinite(off).all(1)
        # A person never seen long enough may be anywhere she was.
        error[k - 1] = np.sqrt((off[known] ** 2).mean(0)) if known.any() else spread
    return error


def _check_alike(motions: Sequence[Motion]) -> None:
    if not motions:
        raise ValueError("there must be at least one motion to fuse")
    first = motions[0]
    for other in motions[1:]:
        if not np.array_equal(other.time_s, first.time_s):
            raise ValueError("motions to fuse must have the same times")
        if (other.person_id, other.camera) != (first.person_id, first.camera):
            raise ValueError("motions to fuse must be of one person and one camera")
        if (other.q_sigma_rad is None) != (first.q_sigma_rad is None):
            raise ValueError("either all motions to fuse know their sigma or none")
