"""Meshes over time go in, the motion of one SKEL body comes out, with what is wrong with each frame.

First one shape is found from some frames, then the poses of all: the root, then all but the shoulder blades and twists,
then everything, each step from where the last one ended. The start is read off SMPL's own joint rotations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray
from scipy.spatial.transform import Rotation
from torch import Tensor

from skelvid.body.clip_solver import FitOptions, Smoothness
from skelvid.body.dofs import DOFS, JOINT_INDEX, joint_dofs, limits_rad
from skelvid.body.fit import BETA_SLICE, Clip, LimitTerm, PointTerm, PriorTerm, Quadratic, Term, solve, total
from skelvid.body.model import N_PARAMS, SkelBody
from skelvid.body.start import continuous, joint_angles
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.upgrade.sample import verdict_bit
from skelvid.upgrade.surface import Surface

# SMPL's joints whose turns, one after the other, a SKEL joint starts with. The spine of three bends as ours of two;
# shoulder blades start at rest, and the ball joint of the ankle as its hinge.
_SMPL_TURNS = {
    "pelvis": (0,), "femur_l": (1,), "femur_r": (2,), "tibia_l": (4,), "tibia_r": (5,), "talus_l": (7,),
    "talus_r": (8,), "toes_l": (10,), "toes_r": (11,), "lumbar_body": (3, 6), "thorax": (9,), "head": (12, 15),
    "humerus_l": (13, 16), "humerus_r": (14, 17), "ulna_l": (18,), "ulna_r": (19,), "hand_l": (20,), "hand_r": (21,),
}  # fmt: skip
_LATE = ("scapula", "radius", "calcn", "toes")  # joints that small parts of the skin tell: free once the rest fits
_SHAPE_FRAMES = 24
_BLOCK = 128  # frames whose derivatives are in memory at once
# One mesh is worth this many points that err independently by _SKIN_SIGMA_M.
_WORTH, _SKIN_SIGMA_M = 200.0, 0.005
_SHAPE_SIGMA = 3.0
_ROUND_OFF_RAD = 1e-4


@dataclass(frozen=True)
class UpgradeOptions:
    """How to fit, and when to speak against a frame.

    Attributes:
        fixed_root: Keep the root as SMPL has it.
        scapula_sigma_rad: How far shoulder blades are expected to move; infinite = no prior.
        limit_sigma_rad: How hard the soft limits of angles are.
        acceleration_rad_s2: How fast angles may change; larger = less smooth.
        max_residual_mm: A frame whose skin is farther from its source's on average is flagged.
        max_beyond_limits_deg: The same for the worst angle beyond its limit.
        max_speed_deg_s: The same for an angle's change from one frame to the next.
        max_beta: A source shape beyond this is no person.
    """

    fixed_root: bool = False
    scapula_sigma_rad: float = 0.5
    limit_sigma_rad: float = 0.03
    acceleration_rad_s2: float = 300.0
    max_residual_mm: float = 25.0
    max_beyond_limits_deg: float = 10.0
    max_speed_deg_s: float = 3000.0
    max_beta: float = 5.0


@dataclass(frozen=True)
class Upgraded:
    """A fitted clip.

    Attributes:
        params: NumPy parameters of `t` frames, one shape; in the axes of the meshes.
        residual_mm: `t` mean distance of the skin from the mesh's vertices.
        beyond_limits_deg: `t` of the worst angle.
        verdict: `t` bits, see `skelvid.upgrade.sample.VERDICTS`.
        box_xyxy: `t 4` boxes around the meshes, px, where a camera is known; NaN behind it.
    """

    params: SkelParams
    residual_mm: Float[ndarray, "t"]
    beyond_limits_deg: Float[ndarray, "t"]
    verdict: UInt8[ndarray, "t"]
    box_xyxy: Float[ndarray, "t 4"] | None = None


def fit_clip(
    body: SkelBody,
    surface: Surface,
    vertices_m: Float[Tensor, "t n 3"],
    start: SkelParams,
    *,
    time_s: Float[ndarray, "t"] | None,
    options: UpgradeOptions,
) -> Upgraded:
    """Fit one person's meshes.

    Args:
        body: The body to fit.
        surface: Which points of it the meshes' vertices are.
        vertices_m: The meshes.
        start: A pose for each frame (`start_from_smpl`), and the shape to begin with.
        time_s: Times of the frames; None if they are not consecutive: each frame then is a person of its own shape.
        options: How.
    """
    vertices = vertices_m.to(body.device, body.dtype)
    target = surface.targets(vertices)
    start = _centred(body, surface, start, target)
    if time_s is None:
        fitted = _fit_each(body, surface, target, start, options=options)
    else:
        shape = _fit_shape(body, surface, target, start, options=options)
        fitted = _fit_poses(body, surface, target, replace(start, betas=shape), time_s=time_s, options=options)
    residual_mm = 1000 * torch.cat(
        [
            (surface.vertices(body, fitted[rows]) - vertices[rows]).norm(dim=-1).mean(-1)
            for rows in torch.arange(len(vertices)).split(_BLOCK)
        ]
    )
    return judged(fitted.to_numpy(), residual_mm.numpy(force=True), time_s, options)


def start_from_smpl(
    body: SkelBody, rotvec: Float[ndarray, "t j 3"], axes: Float[ndarray, "#t 3 3"], *, consecutive: bool = True
) -> SkelParams:
    """Return q as SMPL's joint rotations say, at the mean shape and without a place.

    The root's is exact: with R the root's orientation, R = Ry(rotation) Rz(list) Rx(-tilt) in template axes.

    Args:
        body: The body.
        rotvec: Rotation vectors of SMPL's joints, the first 22 at least.
        axes: What turns SMPL's world into that of the meshes.
        consecutive: Frames are those of one clip: the root's angles go on without jumps.
    """
    t, joints, _ = rotvec.shape
    turn = torch.as_tensor(_matrices(rotvec.reshape(-1, 3))).reshape(t, joints, 3, 3).to(body.device, body.dtype)
    turn = torch.cat([torch.as_tensor(axes).to(turn)[:, None] @ turn[:, :1], turn[:, 1:]], dim=1)
    q = torch.zeros((t, N_DOFS), dtype=body.dtype, device=body.device)
    for name, parts in _SMPL_TURNS.items():
        whole = turn[:, parts[0]]
        for part in parts[1:]:
            whole = whole @ turn[:, part]
        q[:, joint_dofs(name)] = joint_angles(body, JOINT_INDEX[name], whole)
    zero = q.new_zeros((t, N_BETAS)), q.new_zeros((t, 3))
    return SkelParams(continuous(q) if consecutive else q, *zero)


def _matrices(rotvec: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3 3"]:
    return Rotation.from_rotvec(rotvec.astype(np.float64)).as_matrix()


def _centred(body: SkelBody, surface: Surface, start: SkelParams, target: Tensor) -> SkelParams:
    """Lay the start on the meshes' middle."""
    with torch.no_grad():
        params = replace(start, trans_m=torch.zeros_like(start.trans_m))
        return replace(params, trans_m=(target - body.skin_points(params, surface.points)).mean(1))


@dataclass(frozen=True)
class _InBlocks:
    """Sum of terms, whose derivatives are in memory for some frames at a time."""

    terms: Sequence[Term]

    def __call__(self, body: SkelBody, params: SkelParams, frames: Int[Tensor, "b"]) -> Quadratic:
        """Model the cost of these frames."""
        parts: list[Quadratic] = []
        for rows in torch.arange(len(frames)).split(_BLOCK):
            betas = params.betas if len(params.betas) == 1 else params.betas[rows]
            block = SkelParams(params.q[rows], betas, params.trans_m[rows])
            parts.append(total(self.terms, body, block, frames[rows]))
        return Quadratic(*(torch.cat([getattr(p, name) for p in parts]) for name in ("cost", "gradient", "hessian")))


def _terms(surface: Surface, target: Float[Tensor, "t k 3"], options: UpgradeOptions) -> list[Term]:
    weight = torch.full_like(target[..., 0], surface.unit_weight * _WORTH / _SKIN_SIGMA_M**2)
    sigma = target.new_full((1, N_PARAMS), torch.inf)
    sigma[:, BETA_SLICE] = _SHAPE_SIGMA
    sigma[:, _dofs("scapula")] = options.scapula_sigma_rad
    prior = PriorTerm(torch.zeros_like(sigma), sigma)
    return [_InBlocks([PointTerm(surface.points, target, weight), LimitTerm(options.limit_sigma_rad), prior])]


def _dofs(*parts: str) -> list[int]:
    """Return the degrees of freedom of joints whose names begin so."""
    return [i for i, dof in enumerate(DOFS) if dof.joint.startswith(parts)]


def _stages(options: UpgradeOptions, *, shape: bool) -> list[tuple[Bool[Tensor, "59"], FitOptions]]:
    """Return what is free in each stage, and when it ends."""
    everything = torch.ones(N_PARAMS, dtype=torch.bool)
    everything[:3] = not options.fixed_root
    everything[BETA_SLICE] = shape
    root, most = everything.clone(), everything.clone()
    root[3:-3] = False
    most[_dofs(*_LATE)] = False
    return [
        (root, FitOptions(max_steps=4, tolerance=1e-2)),
        (most, FitOptions(max_steps=8, tolerance=1e-2)),
        (everything, FitOptions(max_steps=40, tolerance=1e-5, step_tolerance=_ROUND_OFF_RAD)),
    ]


def _fit_shape(
    body: SkelBody, surface: Surface, target: Float[Tensor, "t k 3"], start: SkelParams, *, options: UpgradeOptions
) -> Float[Tensor, "1 10"]:
    """Find one shape from frames spread over the clip."""
    rows = np.unique(np.linspace(0, len(target) - 1, _SHAPE_FRAMES).astype(int))
    params, terms = start[rows], _terms(surface, target[rows], options)
    for free, until in _stages(options, shape=True):
        params = solve(body, terms, params, free=free, clip=Clip(), options=until).params
    return params.betas[:1]


def _fit_poses(
    body: SkelBody,
    surface: Surface,
    target: Float[Tensor, "t k 3"],
    start: SkelParams,
    *,
    time_s: Float[ndarray, "t"],
    options: UpgradeOptions,
) -> SkelParams:
    """Fit all frames with the shape as it is, smoothly in time."""
    sigma = target.new_full((N_PARAMS,), torch.inf)
    sigma[:N_DOFS] = options.acceleration_rad_s2
    clip = Clip(smoothness=Smoothness(torch.as_tensor(time_s), sigma))
    params, terms = start, _terms(surface, target, options)
    for free, until in _stages(options, shape=False):
        params = solve(body, terms, params, free=free, clip=clip, options=until).params
    return params


def _fit_each(
    body: SkelBody, surface: Surface, target: Float[Tensor, "t k 3"], start: SkelParams, *, options: UpgradeOptions
) -> SkelParams:
    """Fit frames that have nothing to do with each other, each with its own shape."""
    params, terms = start, _terms(surface, target, options)
    for free, until in _stages(options, shape=True):
        params = solve(body, terms, params, free=free, options=until).params
    return params


def judged(
    params: SkelParams,
    residual_mm: Float[ndarray, "t"],
    time_s: Float[ndarray, "t"] | None,
    options: UpgradeOptions,
) -> Upgraded:
    """Say what is wrong with each frame of a fit."""
    lower, upper = limits_rad()
    beyond_deg = np.degrees(np.maximum(np.maximum(params.q - upper, lower - params.q), 0.0).max(1))
    wrong = {
        "residual": ~(residual_mm <= options.max_residual_mm),
        "limits": beyond_deg > options.max_beyond_limits_deg,
        "jump": np.zeros(len(residual_mm), dtype=bool),
    }
    if time_s is not None and len(time_s) > 1:
        # The root's three angles may swing where its orientation hardly does.
        speed = np.degrees(np.abs(np.diff(params.q[:, 3:], axis=0)).max(1)) / np.diff(time_s)
        wrong["jump"][1:] = speed > options.max_speed_deg_s
    verdict = np.zeros(len(residual_mm), dtype=np.uint8)
    for name, flagged in wrong.items():
        verdict[flagged] |= verdict_bit(name)
    return Upgraded(params, residual_mm, beyond_deg, verdict)
