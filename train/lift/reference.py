"""A person whose motion is known, as our body seen by a camera: angles, points and keypoints in, what these miss out.

Shared by what measures keypoint sources and by what explains the errors of the lifter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from skelvid.body.dofs import DOF_NAMES, JOINT_INDEX
from skelvid.body.fit import BETA_SLICE, Clip, FitOptions, LimitTerm, PointTerm, PriorTerm, Term, solve
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points, named_points
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.lift.offsets import carrier_joint, kind_of

# How far the body may leave the angles of the reference, deg, by the start of the name.
_LEAVE_DEG = (("pelvis", 2.0), ("hip", 2.0), ("knee", 2.0), ("ankle", 2.0), ("subtalar", 3.0), ("mtp", 3.0),
              ("lumbar", 5.0), ("thorax", 5.0), ("head", 5.0), ("scapula", 5.0), ("", 15.0))  # fmt: skip
_FAR_M = 0.1
_SHAPE_FRAMES = 40  # of each trial
_MIRROR = np.array([[1.0, 1.0, -1.0 if "left" in name else 1.0] for name in BLAZEPOSE_33])
_ROBUST_M = 0.03
# What few views cannot tell is held: an offset is expected to be some centimetres, an error 1.5, and errors to stay
# alike for about half a second.
_EXPECTED_M, _ERROR_M, _ALIKE_S = 0.03, 0.015, 0.5


@dataclass(frozen=True)
class Trial:
    """Motion of a reference: `t 46` angles, rad, `t 3` pelvis and `t n 3` points, m; y up, in template axes."""

    q: Float[ndarray, "t 46"]
    place_m: Float[ndarray, "t 3"]
    points_m: Float[ndarray, "t n 3"]


def fit_reference(
    body: SkelBody, trials: Mapping[str, Trial], ties: Sequence[Mapping[str, float]], sigma_m: Sequence[float]
) -> dict[str, SkelParams]:
    """Give the body a reference's angles, nearly, and its points: one shape over all trials, then each frame.

    Args:
        body: The body.
        trials: Trials of one person.
        ties: What each point of the trials is on the body, see `named_points`.
        sigma_m: How far each point may be off.
    """
    points, sigma = named_points(body, ties), torch.tensor(sigma_m)

    def fit(start: SkelParams, target: Tensor, free: Tensor | None, clip: Clip | None) -> SkelParams:
        weight = (sigma**-2).expand(len(target), -1)
        terms: list[Term] = [PointTerm(points, target, weight, _FAR_M), LimitTerm(), _near(start)]
        return solve(body, terms, start, free=free, clip=clip, options=FitOptions(max_steps=30, tolerance=1e-4)).params

    starts = {k: SkelParams(t.q, np.zeros((len(t.q), N_BETAS)), t.place_m).to_torch() for k, t in trials.items()}
    targets = {k: torch.as_tensor(t.points_m).float() for k, t in trials.items()}
    some = {k: slice(None, None, max(1, len(t.q) // _SHAPE_FRAMES)) for k, t in trials.items()}
    pooled = SkelParams(
        *(torch.cat([getattr(s[some[k]], f) for k, s in starts.items()]) for f in ("q", "betas", "trans_m"))
    )
    shape = fit(pooled, torch.cat([targets[k][some[k]] for k in trials]), None, Clip()).betas[:1]
    fixed = torch.ones(N_PARAMS, dtype=torch.bool)
    fixed[BETA_SLICE] = False
    return {
        k: fit(SkelParams(s.q, shape.expand(len(s.q), -1), s.trans_m), targets[k], fixed, None)
        for k, s in starts.items()
    }


def _near(start: SkelParams) -> PriorTerm:
    leave = [next(deg for part, deg in _LEAVE_DEG if name.startswith(part)) for name in DOF_NAMES]
    sigma = torch.cat([torch.deg2rad(torch.tensor(leave)), torch.ones(N_BETAS), torch.full((3,), torch.inf)])
    return PriorTerm(torch.cat([start.q, start.betas, start.trans_m], -1), sigma[None])


@dataclass(frozen=True)
class Posed:
    """What MediaPipe's points mean on a moving body: `t k 3`, m, and the segments that carry them, `t k 3 3`."""

    points_m: Float[ndarray, "t k 3"]
    segment_rot: Float[ndarray, "t k 3 3"]


def pose(body: SkelBody, params: SkelParams) -> Posed:
    """Return the source's points on the posed body, and the segments that carry them, left ones mirrored."""
    joint = [JOINT_INDEX[carrier_joint(name)] for name in BLAZEPOSE_33]
    with torch.no_grad():
        points = body.skin_points(params, keypoint_points(body, BLAZEPOSE_33)).double().numpy()
        rot = body.skeleton(params).joint_rot[:, joint].double().numpy()
    return Posed(points, rot * _MIRROR[:, None])


@dataclass(frozen=True)
class View:
    """A trial seen by a camera, at the depth of the body.

    Attributes:
        left_m: `t k 2` from where the body's point is seen to where the source sees it; NaN where it does not.
        slope: `t k 2 3` how the former moves with an offset in the point's segment.
        up: `t k 2` how it moves with the height of the world.
    """

    left_m: Float[ndarray, "t k 2"]
    slope: Float[ndarray, "t k 2 3"]
    up: Float[ndarray, "t k 2"]

    @property
    def seen(self) -> Bool[ndarray, "t k"]:
        """Say where the source saw the point."""
        return np.asarray(np.isfinite(self.left_m).all(-1))


def view(
    posed: Posed, rays: Float[ndarray, "t k 2"], *, rot: Float[ndarray, "3 3"], trans_m: Float[ndarray, "3"]
) -> View:
    """Compare a body with viewing rays (x / z, y / z); the camera sees a world point x at `rot @ x + trans_m`."""
    at = posed.points_m @ rot.T + trans_m
    ray, depth = at[..., :2] / at[..., 2:], at[..., 2:]
    to_image = np.zeros((*ray.shape, 3))
    to_image[..., 0, 0] = to_image[..., 1, 1] = 1.0
    to_image[..., 2] = -ray
    return View((rays - ray) * depth, to_image @ rot @ posed.segment_rot, to_image @ rot[:, 1])


def solve_offset(
    views: Sequence[View], columns: Sequence[int], *, rate_hz: float
) -> tuple[Float[ndarray, "3"], Float[ndarray, "3"]]:
    """Return the offset that some points share, m, and how well these views tell it (SD)."""
    left = np.concatenate([v.left_m[v.seen[:, k], k] for v in views for k in columns])
    slope = np.concatenate([v.slope[v.seen[:, k], k] for v in views for k in columns])
    weight = 1 / (_ERROR_M**2 * _ALIKE_S * rate_hz)
    trust, info, offset = np.ones(len(left)), np.eye(3), np.zeros(3)
    for _ in range(20):
        info = weight * np.einsum("n,nij,nik->jk", trust, slope, slope) + np.eye(3) / _EXPECTED_M**2
        offset = np.linalg.solve(info, weight * np.einsum("n,nij,ni->j", trust, slope, left))
        error = ((left - slope @ offset) ** 2).sum(-1)
        trust = (_ROBUST_M**2 / (_ROBUST_M**2 + error)) ** 2
    return offset, np.sqrt(np.diag(np.linalg.inv(info)))


def kinds() -> dict[str, list[int]]:
    """Return the columns of each kind of point, sides together."""
    out: dict[str, list[int]] = {}
    for column, name in enumerate(BLAZEPOSE_33):
        out.setdefault(kind_of(name), []).append(column)
    return out
