"""Captures of one person in; the body's shape, and where on it this source put its points, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.fit import Clip, FitOptions, solve
from skelvid.body.model import SkelBody
from skelvid.body.points import SkinnedPoints
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.motion.retarget import ROBUST_M, Target, cold_start, make_target, pose_terms
from train.motion.sources import Capture
from train.motion.ties import TIES, Tie

FRAMES = 120  # per person: half spread over everything, half where the person stands upright
ROUNDS = 4
UPRIGHT_COSINE = 0.94  # of trunk and thighs to the vertical: 20 degrees
# CMU's knees are bent by 20 to 35 degrees where people stand on them (UI-PRMD's by 2 to 8): its knee centres lie too
# far in front. A leg that carries the body is nearly straight for a quarter of the time: what is left then, beyond
# this bend, is taken for a misplaced knee centre, but not more than the most.
STANCE_SPEED_M_S, STANCE_COSINE, STANCE_PERCENTILE = 0.25, 0.985, 25.0
STANCE_RAD, MOST_RAD = np.radians(12.0), np.radians(14.0)


@dataclass(frozen=True)
class Person:
    """Attributes: betas `10`; offsets_m `k 3`, one per tie, in template axes."""

    betas: Float[ndarray, "10"]
    offsets_m: Float[ndarray, "k 3"]


def measure_person(body: SkelBody, kind: str, captures: Sequence[Capture], seed: int) -> Person:
    """Fit one shape to frames of all clips of a person, and measure the offsets of the ties in turn."""
    ties = TIES[kind]
    pool = Capture(captures[0].names, np.concatenate([c.points_m for c in captures]), captures[0].fps)
    offsets = np.array([tie.offset_m for tie in ties]) + _knee_offsets(kind, ties, captures)
    few, upright = _choose(pool, np.random.default_rng(seed))
    mean = np.zeros(N_BETAS)
    kept, params = cold_start(body, make_target(body, ties, few, offsets, late=False), mean)
    few, upright = Capture(few.names, few.points_m[kept], few.fps), upright[kept]
    upright |= not upright.any()
    for turn in range(ROUNDS):
        target = make_target(body, ties, few, offsets, late=turn > 0)
        options = FitOptions(max_steps=15, tolerance=1e-3)
        terms = [target.term(robust_m=ROBUST_M), *pose_terms(mean)]
        fit = solve(body, terms, params, clip=Clip(), options=options)
        params = fit.params
        if turn < ROUNDS - 1:
            offsets = _measured(body, ties, target, params, offsets, upright)
    return Person(params.betas[0].numpy(), offsets)


def _choose(pool: Capture, rng: np.random.Generator) -> tuple[Capture, Bool[ndarray, "f"]]:
    """Pick frames of everything and upright ones; say which are upright."""
    upright = _upright(pool)
    some = rng.choice(len(upright), min(FRAMES // 2, len(upright)), replace=False)
    standing = np.flatnonzero(upright)
    picked = np.concatenate([some, rng.choice(standing, min(FRAMES // 2, len(standing)), replace=False)])
    return Capture(pool.names, pool.points_m[picked], pool.fps), upright[picked]


def _upright(pool: Capture) -> Bool[ndarray, "t"]:
    at = {name: pool.points_m[:, i] for i, name in enumerate(pool.names)}
    hips, shoulders, knees = ((at[f"l_{part}"] + at[f"r_{part}"]) / 2 for part in ("hip", "shoulder", "knee"))
    parts = (shoulders - hips, hips - knees)
    return np.all([part[:, 1] > UPRIGHT_COSINE * np.linalg.norm(part, axis=1) for part in parts], axis=0)


def _knee_offsets(kind: str, ties: Sequence[Tie], captures: Sequence[Capture]) -> Float[ndarray, "k 3"]:
    """Return how far CMU's knee centres lie before ours; the other sources' are not known to."""
    out = np.zeros((len(ties), 3))
    if kind != "cmu":
        return out
    row = [tie.source for tie in ties].index
    for side in "lr":
        bends, lengths = [], []
        for clip in captures:
            hip, knee, ankle = (clip.points_m[:, clip.names.index(f"{side}_{n}")] for n in ("hip", "knee", "ankle"))
            thigh, shank, leg = knee - hip, ankle - knee, ankle - hip
            along = (thigh * shank).sum(1) / np.prod([np.linalg.norm(v, axis=1) for v in (thigh, shank)], axis=0)
            slow = np.linalg.norm(np.gradient(ankle, 1 / clip.fps, axis=0), axis=1) < STANCE_SPEED_M_S
            carries = slow & (-leg[:, 1] > STANCE_COSINE * np.linalg.norm(leg, axis=1))
            bends.append(np.arccos(np.clip(along[carries], -1, 1)))
            lengths.append([np.linalg.norm(v, axis=1).mean() for v in (thigh, shank)])
        if len(bend := np.concatenate(bends)):
            excess = np.clip(np.percentile(bend, STANCE_PERCENTILE) - STANCE_RAD, 0, MOST_RAD)
            out[row(f"{side}_knee"), 2] = excess / (1 / np.mean(lengths, axis=0)).sum()
    return out


def _measured(
    body: SkelBody, ties: Sequence[Tie], target: Target, params: SkelParams, offsets: ndarray, upright: ndarray
) -> Float[ndarray, "k 3"]:
    """Move each offset by the mean of what is left, seen from its joint, as far as its play allows."""
    with torch.no_grad():
        posed = body.skeleton(params)
        left = (target.target_m - body.skin_points(params, target.points)).numpy()
    turned = (posed.joint_rot @ body.bone_orientation(params.betas).mT).numpy()
    joint = _carrier(target.points)
    mean = np.einsum("tkji,tkj->tki", turned[:, joint], left)[upright].mean(0)
    for group in {tie.turns for tie in ties} - {""}:
        alike = [k for k, tie in enumerate(ties) if tie.turns == group]
        mean[alike] = mean[alike].mean(0)
    out = offsets.copy()
    for k, tie in enumerate(ties):
        move = offsets[k] + mean[k] - tie.offset_m
        length = np.linalg.norm(move)
        if tie.play_m > 0:
            out[k] = tie.offset_m + move * min(1.0, tie.play_m / max(length, 1e-9))
    return out


def _carrier(points: SkinnedPoints) -> ndarray:
    """Return the joint that moves most of each point."""
    share = torch.zeros((points.count, len(JOINT_INDEX)))
    share.index_put_((points.point, points.joint), points.share.float(), accumulate=True)
    return share.argmax(1).numpy()
