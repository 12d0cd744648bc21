"""Points of a capture in, SKEL motion of our body out: what ties them, what is held where nothing is seen, the fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.interpolate import CubicSpline
from scipy.ndimage import median_filter
from torch import Tensor

from skelvid.body.clip_solver import Smoothness
from skelvid.body.dofs import DOF_INDEX, DOF_NAMES, limits_rad, mirror_index_and_sign
from skelvid.body.fit import BETA_SLICE, Clip, Fit, FitOptions, LimitTerm, PointTerm, PriorTerm, Term, solve
from skelvid.body.keypoints import named_points
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.body.start import closed_form_pose, continuous
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.motion.sources import Capture
from train.motion.ties import Tie

# Mean and spread (rad) of what points may leave open, by the start of the name; the first that fits counts. The spine
# shares a bend among its joints, the shoulder blade stays where it is, straight limbs do not twist.
PRIOR: tuple[tuple[str, float, float], ...] = (
    ("pelvis", 0.0, inf),
    ("lumbar", 0.0, 0.25), ("thorax", 0.0, 0.25), ("head", 0.0, 0.4),
    ("scapula", 0.0, 0.2),
    ("shoulder_r_y", 0.0, 0.6), ("shoulder_l_y", 0.0, 0.6), ("shoulder", 0.0, 2.0),
    ("elbow", 0.2, 2.0), ("pro_sup", 0.0, 0.6), ("wrist", 0.0, 0.3),
    ("hip_rotation", 0.0, 0.5), ("hip", 0.0, 2.0), ("knee", 0.1, 2.0), ("ankle", 0.0, 0.7),
    ("subtalar", 0.0, 0.15), ("mtp", 0.0, 0.25),
)  # fmt: skip
# Expected angular acceleration, rad/s^2: measured ones of running limbs reach some hundreds. The pelvis has none, since
# its angles turn fast where a lying body meets their singularity.
ACCELERATION: tuple[tuple[str, float], ...] = (
    ("pelvis", inf), ("lumbar", 40.0), ("thorax", 40.0), ("head", 60.0), ("scapula", 30.0),
    ("wrist", 60.0), ("pro_sup", 60.0), ("subtalar", 60.0), ("mtp", 60.0), ("", 200.0),
)  # fmt: skip
TRANS_ACCELERATION_M_S2 = 30.0
ROBUST_M = 0.1
LIMIT_SIGMA_RAD = 0.05
# Knees may be stretched a little further than straight before something pulls back (softly: a sigma).
KNEE_STRETCH_RAD, KNEE_SIGMA_RAD = 0.05, 0.05
# A pose found from nothing is wrong if it leaves its limits, or a firmly tied point, by more: neighbours stand in.
GROSS_RAD, GROSS_M, FIRM_SIGMA_M = 0.25, 0.06, 0.0199
GROSS_TURN_RAD = 0.8  # against the median of its neighbours
# Right shoulder x, y, z and elbow, degrees, to start from: hanging, reaching forward, crossed (both turns), overhead.
ARMS = ((80, 0, 0, 20), (0, 0, 80, 20), (60, 60, 40, 100), (60, -60, 40, 100), (-80, 0, 20, 20), (0, 0, 0, 90))
ARM_DOFS = [
    i for i, name in enumerate(DOF_NAMES) if name.startswith(("scapula", "shoulder", "elbow", "pro_sup", "wrist"))
]
COLD_STRIDE = 3  # a pose is found from nothing in every third frame only


@dataclass(frozen=True)
class Target:
    """Points of the body to be laid on points of a capture.

    Attributes:
        points: k points of the body, offsets included.
        cold: the same with the table's offsets, from which a pose can be guessed without knowing one.
        target_m: `t k 3`.
        weight: `k` 1/m^2.
    """

    points: SkinnedPoints
    cold: SkinnedPoints
    target_m: Float[Tensor, "t k 3"]
    weight: Float[Tensor, "k"]

    def term(self, *, robust_m: float | None, frames: Int[ndarray, "f"] | None = None) -> PointTerm:
        """Return the cost of these points, of some frames or of all."""
        target = self.target_m if frames is None else self.target_m[frames]
        return PointTerm(self.points, target, self.weight.expand(len(target), -1), robust_m)


def make_target(
    body: SkelBody, ties: Sequence[Tie], capture: Capture, offsets_m: Float[ndarray, "k 3"], *, late: bool = True
) -> Target:
    """Tie the points of a capture to the body; `late` says whether the late ties' offsets have been measured."""
    own = np.array([tie.offset_m for tie in ties])
    column = [capture.names.index(tie.source) for tie in ties]
    weight = np.array([tie.sigma_m**-2 if late or not tie.late else 0.0 for tie in ties])
    return Target(
        points=tie_points(body, ties, offsets_m),
        cold=tie_points(body, ties, own),
        target_m=torch.as_tensor(capture.points_m[:, column], dtype=body.dtype),
        weight=torch.as_tensor(weight, dtype=body.dtype),
    )


def tie_points(body: SkelBody, ties: Sequence[Tie], offsets_m: Float[ndarray, "k 3"]) -> SkinnedPoints:
    """Compile the points of the body that ties name, each moved by its offset, which turns with its joint.

    The offset of landmarks turns with the joint that carries most of them.
    """
    points = named_points(body, [{tie.anchor: 1.0} if isinstance(tie.anchor, str) else tie.anchor for tie in ties])
    moved = torch.as_tensor(offsets_m, dtype=body.dtype)
    # A pair moves with its share of the point, and so does the offset.
    rest = points.rest + points.share[:, None] * moved[points.point]
    return SkinnedPoints(points.count, points.joint, points.point, points.share, rest, points.dirs, points.posedirs)


def _by_name(table: Sequence[tuple]) -> Float[ndarray, "46 v"]:
    return np.array([next(row[1:] for row in table if name.startswith(row[0])) for name in DOF_NAMES], float)


def prior(shape_mean: Float[ndarray, "10"]) -> PriorTerm:
    """Return the pull towards `PRIOR` and a shape."""
    mean, sigma = torch.zeros((1, N_PARAMS)), torch.full((1, N_PARAMS), inf)
    values = torch.as_tensor(_by_name(PRIOR), dtype=torch.float32)
    mean[0, : len(DOF_NAMES)], sigma[0, : len(DOF_NAMES)] = values.T
    sigma[0, BETA_SLICE] = 1.0
    mean[0, BETA_SLICE] = torch.as_tensor(shape_mean, dtype=torch.float32)
    return PriorTerm(mean, sigma)


def knee_stop() -> LimitTerm:
    """Return a soft stop of stretched knees: nearer than their limit; a misplaced knee centre stretches them first."""
    lower, upper = np.full(len(DOF_NAMES), -inf), np.full(len(DOF_NAMES), inf)
    lower[[DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]] = -KNEE_STRETCH_RAD
    return LimitTerm(KNEE_SIGMA_RAD, lower, upper)


def pose_terms(betas: Float[ndarray, "10"]) -> list[Term]:
    """Return all terms but the points."""
    return [LimitTerm(LIMIT_SIGMA_RAD), knee_stop(), prior(betas)]


def smoothness(frames: int, fps: float) -> Smoothness:
    """Return what keeps a clip from shaking where its points do."""
    sigma = np.concatenate([_by_name(ACCELERATION)[:, 0], np.full(N_BETAS, inf), np.full(3, TRANS_ACCELERATION_M_S2)])
    return Smoothness(torch.arange(frames, dtype=torch.float64) / fps, torch.as_tensor(sigma))


def cold_start(
    body: SkelBody, target: Target, betas: Float[ndarray, "10"], *, every: int = 1
) -> tuple[Int[ndarray, "f"], SkelParams]:
    """Pose single frames from nothing: the first, the last and each `every`th between; return which, and how.

    The closed form knows little of how an upper arm is turned about its length; where its answer ends up wrong, arms
    are started from `ARMS` instead. What still is wrong is left out, unless all is.
    """
    last = len(target.target_m) - 1
    frames = np.unique(np.append(np.arange(0, last, every), last))
    weight = torch.ones((len(frames), target.points.count), dtype=body.dtype)
    guess = closed_form_pose(body, target.target_m[frames], target.cold, weight=weight)
    shape = torch.as_tensor(betas, dtype=body.dtype)

    def fit(rows: Int[ndarray, "r"], q: Tensor, trans: Tensor) -> Fit:
        terms = [target.term(robust_m=8 * ROBUST_M, frames=frames[rows]), *pose_terms(betas)]
        start = SkelParams(q, shape.expand(len(q), -1), trans)
        return solve(body, terms, start, free=pose_only(), options=FitOptions(max_steps=40, tolerance=1e-3))

    best = fit(np.arange(len(frames)), guess.q, guess.trans_m)
    rows, q, trans, cost = np.arange(len(frames)), best.params.q, best.params.trans_m, best.cost
    for arms in [*_arm_starts(), None]:
        part = replace(target, target_m=target.target_m[frames[rows]])
        rows = rows[_wrong(body, part, SkelParams(q[rows], shape, trans[rows]))]
        if arms is None or not len(rows):
            break
        start = q[rows].clone()
        start[:, ARM_DOFS] = torch.as_tensor(arms[ARM_DOFS], dtype=body.dtype)
        other = fit(rows, start, trans[rows])
        better = other.cost < cost[rows]
        kept = rows[better.numpy()]
        q[kept], trans[kept], cost[kept] = other.params.q[better], other.params.trans_m[better], other.cost[better]
    good = np.setdiff1d(np.arange(len(frames)), rows) if len(rows) < len(frames) else rows
    return frames[good], SkelParams(continuous(q[good]), shape.expand(len(good), -1), trans[good])


def _wrong(body: SkelBody, target: Target, params: SkelParams) -> Bool[ndarray, "t"]:
    """Say which poses leave their limits, or a firmly tied point, by much."""
    far = residuals_m(body, target, params)[:, (target.weight > FIRM_SIGMA_M**-2).numpy()] > GROSS_M
    return far.any(1) | (beyond_limits_rad(params.q.numpy()).max(1) > GROSS_RAD)


def _arm_starts() -> list[Float[ndarray, "46"]]:
    """Return poses with both arms as in `ARMS`."""
    index, sign = mirror_index_and_sign()
    starts = []
    for degrees in ARMS:
        q = np.zeros(len(DOF_NAMES))
        for name, value in zip(
            ("shoulder_r_x", "shoulder_r_y", "shoulder_r_z", "elbow_flexion_r"), degrees, strict=True
        ):
            q[DOF_INDEX[name]] = np.radians(value)
        starts.append(q + q[index] * sign)
    return starts


def _between(values: Float[Tensor, "f n"], frames: Int[ndarray, "f"], count: int) -> Float[Tensor, "t n"]:
    """Fill in the frames between some, and beyond them."""
    columns = [np.interp(np.arange(count), frames, column) for column in values.numpy().T]
    return torch.as_tensor(np.stack(columns, axis=1), dtype=values.dtype)


def pose_only() -> Tensor:
    """Say that the shape is known."""
    free = torch.ones(N_PARAMS, dtype=torch.bool)
    free[BETA_SLICE] = False
    return free


def fit_clip(body: SkelBody, target: Target, betas: Float[ndarray, "10"], fps: float, *, every: int = 1) -> SkelParams:
    """Fit the motion of a person of known shape and offsets to one clip.

    With `every` > 1 only each `every`th frame is fitted and cubic splines fill in the others: for sources that have
    been smoothed far below the rate that is left, and whose pelvis stays clear of the singularity.
    """
    count = len(target.target_m)
    if every > 1 and count > 3 * every:
        few = fit_clip(body, replace(target, target_m=target.target_m[::every]), betas, fps / every)
        filled = (CubicSpline(np.arange(0, count, every), v.numpy())(np.arange(count)) for v in (few.q, few.trans_m))
        q, trans = (torch.as_tensor(values, dtype=body.dtype) for values in filled)
        return SkelParams(q, few.betas, trans)
    frames, few = cold_start(body, target, betas, every=COLD_STRIDE)
    # A frame or two on another branch than those around them would bend the frames in between far from their points.
    alone = np.abs(few.q.numpy() - median_filter(few.q.numpy(), (5, 1), mode="nearest"))[:, 3:].max(1) > GROSS_TURN_RAD
    alone &= not alone.all()
    frames, few = frames[~alone], few[~alone]
    few = SkelParams(*(_between(value, frames, len(target.target_m)) for value in (few.q, few.betas, few.trans_m)))
    clip = Clip(shared_betas=True, smoothness=smoothness(len(target.target_m), fps))
    terms = [target.term(robust_m=ROBUST_M), *pose_terms(betas)]
    options = FitOptions(max_steps=10, tolerance=1e-3)
    fit = solve(body, terms, few, free=pose_only(), clip=clip, options=options)
    return SkelParams(fit.params.q, fit.params.betas[:1], fit.params.trans_m)


def residuals_m(body: SkelBody, target: Target, params: SkelParams) -> Float[ndarray, "t k"]:
    """Return how far each tied point is from its target."""
    with torch.no_grad():
        at = body.skin_points(params, target.points)
    return (at - target.target_m).norm(dim=-1).numpy()


def beyond_limits_rad(q: Float[ndarray, "t 46"]) -> Float[ndarray, "t 46"]:
    """Return how far each angle is outside its limits, 0 inside."""
    lower, upper = limits_rad()
    return np.maximum(np.maximum(q - upper, lower - q), 0.0)
