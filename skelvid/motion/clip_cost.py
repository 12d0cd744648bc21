"""The cost of explaining a clip: keypoints, the motion that came in, joint limits and planted feet, as one quadratic.

x holds what each frame has of its own, y what all frames share; see `skelvid.motion.refine` for the whole.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from skelvid.body.clip_solver import ClipModel, derivative_stencil
from skelvid.body.dofs import limits_rad
from skelvid.body.fit import BETA_SLICE
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.motion.reproject import OffsetPoints, Rows, Seen, frame_time_s, reproject, with_focal

# Derivatives of all points of so many frames are kept at once: 0.2 MB each.
_AT_ONCE = 100
# Feet of frames further apart than this may have stepped in between.
STEP_TIME_S = 0.1
LIMIT_SIGMA_RAD = 0.05
# Feet that slide, or lie off the floor, by more than this many standard deviations are taken for a wrong contact.
FEET_SIGMAS = 4.0


@dataclass(frozen=True)
class RefineOptions:
    """How far to trust what.

    Attributes:
        robust_sigmas: Scale of the Geman-McClure loss of keypoints, in their standard deviations.
        keypoint_scale: Factor on the standard deviations of keypoints.
        keypoint_time_s: How long an error of a keypoint lasts.
        speed_sigma_s: Error of a moving keypoint per speed.
        offset_sigma_m: How far a source's keypoint may lie from where we mean it, in its bone, all clip long.
        prior_scale: Factor on the sigmas of the motion that came in.
        prior_time_s: How long its errors last.
        depth_sigma: Error of its place, relative to the distance.
        beta_sigma: Of the shape about the one that came in.
        focal_sigma: Relative; 0 = the focal length is known.
        static_camera: Planted feet do not slide in the picture's frame, and there is one floor.
        slide_sigma_m_s, slide_time_s: Speed of a planted foot and how long it lasts.
        floor_sigma_m, floor_tilt_sigma_rad: How far planted feet lie off a plane, and how far that is from level.
        max_frames, overlap: Longer clips are fitted in windows of this many frames, constants first.
    """

    robust_sigmas: float = 4.0
    keypoint_scale: float = 1.0
    keypoint_time_s: float = 0.3
    speed_sigma_s: float = 0.016
    offset_sigma_m: float = 0.015
    prior_scale: float = 1.0
    prior_time_s: float = 0.25
    depth_sigma: float = 0.1
    beta_sigma: float = 0.5
    focal_sigma: float = 0.0
    static_camera: bool = True
    slide_sigma_m_s: float = 0.3
    slide_time_s: float = 0.1
    floor_sigma_m: float = 0.1
    floor_tilt_sigma_rad: float = 0.05
    max_steps: int = 8
    max_frames: int = 600
    overlap: int = 60


@dataclass(frozen=True)
class Prior:
    """Gaussian process about the motion that came in, for the `n` numbers of a frame that may move."""

    mean: Float[ndarray, "t n"]
    sigma: Float[ndarray, "t n"]
    rate_hz: float  # lambda of the Matern 3/2 process: 2 / how long an error lasts


@dataclass(frozen=True)
class Layout:
    """Where things stand: in the 59 parameters of a frame, and in the vector of what is constant in a clip."""

    own: Int[ndarray, "n"]
    k: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Betas, offsets, floor and focal length."""
        return (N_BETAS, 3 * self.k, 3, 1)

    def part(self, which: int) -> slice:
        """Return the columns of one of the parts."""
        start = sum(self.sizes[:which])
        return slice(start, start + self.sizes[which])


BETAS, OFFSETS, FLOOR, FOCAL = range(4)


@dataclass(frozen=True)
class ClipCost:
    """Everything known of some frames, and the cost of explaining it."""

    body: SkelBody
    layout: Layout
    camera: Camera
    options: RefineOptions
    time_s: Float[ndarray, "t"]
    rows: Float[Tensor, "t 59"]
    points: OffsetPoints
    soles: SkinnedPoints
    seen: Seen
    prior: Prior
    contact: Float[ndarray, "t 4"] | None
    up: Float[ndarray, "t 3"] | None
    shared_mean: Float[ndarray, "s"]
    shared_sigma: Float[ndarray, "s"]
    growth: Float[ndarray, "10"]  # of the log of the body's size with betas

    def params(self, x: Float[ndarray, "t n"], y: Float[ndarray, "s"]) -> SkelParams:
        """Put numbers in their places."""
        rows = self.rows.clone()
        rows[:, self.layout.own] = torch.as_tensor(x).to(rows)
        betas = torch.as_tensor(y[self.layout.part(BETAS)]).to(rows)[None]
        return SkelParams(rows[:, :N_DOFS], betas, rows[:, -3:])

    def model(self, x: Float[ndarray, "t n"], y: Float[ndarray, "s"], robust: float) -> ClipModel:
        """Return the cost around x and y."""
        layout, params = self.layout, self.params(x, y)
        offset = self.points.mean_m + torch.as_tensor(y[layout.part(OFFSETS)]).to(self.rows).view(-1, 3)
        camera = with_focal(self.camera, float(y[layout.part(FOCAL)][0]))
        at = self._nothing()
        for first in range(0, len(self.time_s), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            some = replace(params, q=params.q[rows], trans_m=params.trans_m[rows])
            seen = reproject(self.body, some, self.points, offset, camera=camera, seen=self.seen[rows], robust=robust)
            self._add_reprojection(at, seen, rows)
        self._add_limits(at, x)
        self._add_prior(at, x)
        if self.options.static_camera and self.contact is not None:
            self._add_feet(at, params, y)
        off = (y - self.shared_mean) / self.shared_sigma
        at.cost += 0.5 * float(off @ off)
        at.shared_gradient += off / self.shared_sigma
        at.corner[np.diag_indices(len(y))] += self.shared_sigma**-2.0
        return at

    def _nothing(self) -> ClipModel:
        t, n, s = len(self.time_s), len(self.layout.own), sum(self.layout.sizes)
        return ClipModel(
            cost=0.0,
            gradient=np.zeros((t, n)),
            block=np.zeros((t, n, n)),
            shared_gradient=np.zeros(s),
            border=np.zeros((t, n, s)),
            corner=np.zeros((s, s)),
        )

    def _add_reprojection(self, at: ClipModel, seen: Rows, rows: slice) -> None:
        layout, n = self.layout, len(self.layout.own)
        columns = np.r_[layout.own, np.arange(N_PARAMS)[BETA_SLICE], np.arange(N_PARAMS, seen.jacobian.shape[1])]
        jacobian = seen.jacobian[:, torch.as_tensor(columns)]
        gradient = (jacobian @ seen.residual[..., None])[..., 0].cpu().double().numpy()
        hessian = (jacobian @ jacobian.mT).cpu().double().numpy()
        shared = np.r_[layout.part(BETAS), layout.part(OFFSETS), layout.part(FOCAL)]
        at.cost += seen.cost
        at.gradient[rows] = gradient[:, :n]
        at.block[rows] = hessian[:, :n, :n]
        at.shared_gradient[shared] += gradient[:, n:].sum(0)
        at.border[rows, :, shared] = hessian[:, :n, n:]
        at.corner[np.ix_(shared, shared)] += hessian[:, n:, n:].sum(0)

    def _add_limits(self, at: ClipModel, x: Float[ndarray, "t n"]) -> None:
        dofs = self.layout.own[self.layout.own < N_DOFS]
        lower, upper = (limit[dofs] for limit in limits_rad())
        q = x[:, : len(dofs)]
        outside = np.maximum(q - upper, 0.0) + np.minimum(q - lower, 0.0)
        weight = self._counts()[:, None] * (outside != 0.0) / LIMIT_SIGMA_RAD**2
        at.cost += 0.5 * float((weight * outside**2).sum())
        at.gradient[:, : len(dofs)] += weight * outside
        np.einsum("tii->ti", at.block)[:, : len(dofs)] += weight

    def _counts(self) -> Float[ndarray, "t"]:
        return np.minimum(frame_time_s(self.time_s) / self.options.keypoint_time_s, 1.0)

    def _add_prior(self, at: ClipModel, x: Float[ndarray, "t n"]) -> None:
        """Add the process: with rate l and variance v, half the integral of l d^2/4v + d'^2/2lv + d''^2/4l^3v."""
        moved, rate, precision = x - self.prior.mean, self.prior.rate_hz, self.prior.sigma**-2.0
        weight = frame_time_s(self.time_s)[:, None] * precision * rate / 4
        weight[[0, -1]] += precision[[0, -1]] / 2
        at.add_differences(moved, derivative_stencil(self.time_s, order=0), weight)
        at.scale = np.einsum("tii->ti", at.block).copy()
        step = np.diff(self.time_s)[:, None]
        between = step * (precision[1:] + precision[:-1]) / 2
        at.add_differences(moved, derivative_stencil(self.time_s, order=1), between / (2 * rate))
        around = (step[1:] + step[:-1]) / 2 * precision[1:-1]
        at.add_differences(moved, derivative_stencil(self.time_s, order=2), around / (4 * rate**3))

    def _add_feet(self, at: ClipModel, params: SkelParams, y: Float[ndarray, "s"]) -> None:
        """Add that planted feet do not slide, and lie on one plane."""
        assert self.contact is not None
        layout, options = self.layout, self.options
        feet = self.body.linearise(params, self.soles)
        points, jacobian = (value.cpu().double().numpy() for value in (feet.points_m, feet.jacobian))
        by_own, by_betas = jacobian[:, layout.own], jacobian[:, BETA_SLICE]
        # Lengths count relative to the body: a picture does not tell its size, and a dwarf's feet would slide less.
        betas = layout.part(BETAS)
        size = float(np.exp(self.growth @ (y[betas] - self.shared_mean[betas])))
        step = np.diff(self.time_s)[:, None]
        both = self.contact[1:] * self.contact[:-1] * (step < STEP_TIME_S)
        root = np.sqrt(both / (step * options.slide_time_s)) / (options.slide_sigma_m_s * size)

        def whiten(rows: ndarray) -> ndarray:
            return (rows * root[:, None, None]).reshape(*rows.shape[:2], -1)

        slip = whiten(np.diff(points, axis=0).swapaxes(1, 2)[:, None])[:, 0]
        by_shape = whiten(np.diff(by_betas, axis=0)) - self.growth[:, None] * slip[:, None]
        trust = _trust(at, slip)
        sooner, later = (whiten(rows) * trust[:, None] for rows in (-by_own[:-1], by_own[1:]))
        _add_coupled(at, slip * trust, sooner, later, by_shape * trust[:, None], np.r_[betas])
        if self.up is None:
            return
        height, *tilt = y[layout.part(FLOOR)]
        axes = _level_axes(self.up)
        normal = self.up - tilt @ axes
        root = np.sqrt(self.contact * self._counts()[:, None]) / (options.floor_sigma_m * size)
        off = (np.einsum("tfc,tc->tf", points, normal) - height) * root
        level = np.einsum("tfc,ic->tif", points, axes)
        by_floor = -np.concatenate([np.ones_like(points[:, None, :, 0]), level], axis=1)
        by_points = np.einsum("tpcf,tc->tpf", np.concatenate([by_own, by_betas], axis=1), normal)
        rows = np.concatenate([by_points, by_floor], axis=1) * root[:, None]
        rows[:, len(layout.own) :][:, :N_BETAS] -= self.growth[:, None] * off[:, None]
        trust = _trust(at, off)
        _add_squares(at, off * trust, rows * trust[:, None], np.r_[betas, layout.part(FLOOR)])


def _trust(at: ClipModel, residual: Float[ndarray, "u m"]) -> Float[ndarray, "u m"]:
    """Return factors for residuals and their derivatives that make their squares a Geman-McClure loss.

    Who jumps off a roof has two floors, and contacts are guesses: far from the rest they must not bend the body.
    """
    trust = FEET_SIGMAS**2 / (FEET_SIGMAS**2 + residual**2)
    # The loss is r^2 trust / 2; what is added with the scaled residuals is r^2 trust^2 / 2.
    at.cost += 0.5 * float((residual**2 * trust * (1.0 - trust)).sum())
    return trust


def _level_axes(up: Float[ndarray, "t 3"]) -> Float[ndarray, "2 3"]:
    """Return two level unit vectors, square to the mean of up and to each other."""
    mean = up.mean(0)
    return np.linalg.svd(mean[None])[2][1:]


def _add_squares(at: ClipModel, residual: ndarray, rows: Float[ndarray, "t c m"], shared: Int[ndarray, "s"]) -> None:
    """Add half the squares of `t m` residuals; rows: derivatives by x, then by these of y."""
    n = at.gradient.shape[1]
    gradient, hessian = (rows @ residual[..., None])[..., 0], rows @ rows.swapaxes(1, 2)
    at.cost += 0.5 * float((residual**2).sum())
    at.gradient += gradient[:, :n]
    at.block += hessian[:, :n, :n]
    at.shared_gradient[shared] += gradient[:, n:].sum(0)
    at.border[:, :, shared] += hessian[:, :n, n:]
    at.corner[np.ix_(shared, shared)] += hessian[:, n:, n:].sum(0)


def _add_coupled(
    at: ClipModel,
    residual: Float[ndarray, "u m"],
    sooner: Float[ndarray, "u n m"],
    later: Float[ndarray, "u n m"],
    by_shared: Float[ndarray, "u c m"],
    shared: Int[ndarray, "c"],
) -> None:
    """Add half the squares of residuals between neighbouring frames, with derivatives by both and by some of y."""
    at.cost += 0.5 * float((residual**2).sum())
    for rows, start in ((sooner, 0), (later, 1)):
        frames = slice(start, start + len(rows))
        at.gradient[frames] += (rows @ residual[..., None])[..., 0]
        at.block[frames] += rows @ rows.swapaxes(1, 2)
        at.border[frames, :, shared] += rows @ by_shared.swapaxes(1, 2)
    at.next_block += later @ sooner.swapaxes(1, 2)
    at.shared_gradient[shared] += (by_shared @ residual[..., None]).sum(0)[:, 0]
    at.corner[np.ix_(shared, shared)] += (by_shared @ by_shared.swapaxes(1, 2)).sum(0)
