"""Bodies and free motions in; a joint regressor and skin weights learned from posed meshes out, with held-out errors.

As in the SKEL paper: pose many people with the source's own rig, find the SKEL pose and the joint centres that explain
each mesh best, then learn the joints from skin. Here the skin weights are learned too.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.assets import SkelAssets
from skelvid.body.dofs import JOINT_NAMES
from train.body import functional, motions, regroup
from train.body import joints as joint_rules
from train.body.functional import Fitted, WeightSums
from train.body.regressor import convex_weights
from train.body.source import Rig
from train.body.subjects import CENTRES, Bodies

log = logging.getLogger(__name__)

# Every person takes POSES_EACH out of POOL training poses. A pose whose fit is worse than this was not found: dropped.
POOL, POSES_EACH, HELD_OUT_POSES = 90, 30, 24
LOST_M = 0.025
ROUNDS = 2
# Error that weighs as much as a weight off by one, and rounds of solving with re-smoothed weights.
PULL_M, SMOOTHINGS = 0.015, 3
# Of each person, posed meshes beside the rest mesh that the regressor learns from.
REGRESSED_POSES = 6
POSED_SHARE = 0.3
FIT_STRIDE = 16


@dataclass
class Person:
    """One body: rest skin, anatomical and current joints, posed meshes and what SKEL makes of them."""

    rest: Float[ndarray, "v 3"]
    prior: Float[ndarray, "24 3"]
    joints: Float[ndarray, "24 3"]
    posed: Float[ndarray, "f v 3"]
    fit: Fitted | None = None

    @property
    def fitted(self) -> Fitted:
        """What SKEL makes of the posed meshes; `explain` comes first."""
        if self.fit is None:
            raise ValueError("this person's poses were not fitted yet")
        return self.fit

    def error_m(self, weights: Float[ndarray, "v 24"]) -> Float[ndarray, "f v"]:
        """Distance of the fitted SKEL skin from the posed meshes."""
        return np.linalg.norm(functional.skin(self.fitted, self.rest, self.joints, weights) - self.posed, axis=-1)


def make_people(
    rig: Rig,
    bodies: Bodies,
    chosen: Int[ndarray, "s"],
    regressor: Float[ndarray, "24 v"],
    *,
    rotations: Float[ndarray, "p b 3 3"],
    each: int,
    seed: int,
) -> list[Person]:
    """Pose chosen bodies with the source rig, limbs turning about the regressed joint centres."""
    rng, people = np.random.default_rng(seed), []
    for i in chosen:
        joints = regressor @ bodies.points[i]
        heads = bodies.heads[i].copy()
        for side in "RL":
            for joint, (bone, _) in CENTRES.items():
                heads[rig.bone(f"{bone}.{side}")] = joints[JOINT_NAMES.index(f"{joint}_{side.lower()}")]
        some = rotations[rng.choice(len(rotations), size=each, replace=False)]
        posed = motions.pose_body(rig, bodies.points[i], heads, some).astype(np.float32)
        people.append(Person(bodies.points[i], joints, joints, posed))
    return people


def explain(people: list[Person], assets: SkelAssets, weights: Float[ndarray, "v 24"]) -> None:
    """Fit every person's poses; drop (once) poses that no fit was found for."""
    chosen = np.arange(0, len(people[0].rest), FIT_STRIDE)
    for person in people:
        own = functional.subject_assets(assets, person.rest, person.joints, weights)
        start = person.fit.params if person.fit else None
        person.fit = functional.fit_poses(own, person.posed, chosen, start)
        kept = person.error_m(weights).mean(axis=1) < LOST_M
        if not kept.all():
            person.posed, person.fit = person.posed[kept], person.fitted[kept]


def move_joints(people: list[Person], weights: Float[ndarray, "v 24"]) -> None:
    """Move every person's joints to where their poses say."""
    for p in people:
        p.joints = functional.solve_joints(p.fitted, p.rest, p.posed, p.joints, p.prior, weights)


def refine_weights(people: list[Person], rig: Rig, weights: Float[ndarray, "v 24"]) -> Float[ndarray, "v 24"]:
    """Learn smooth, mirrored skin weights from all posed meshes."""
    sums = WeightSums(np.zeros((*weights.shape, weights.shape[1])))
    for p in people:
        sums.add(p.fitted, p.rest, p.joints, p.posed)
    swap = regroup.mirrored_joint()
    sums.gram = (sums.gram + sums.gram[rig.mirror][:, swap][:, :, swap]) / 2
    for _ in range(SMOOTHINGS):
        solved = functional.solve_weights(sums, smoothed(weights, rig), pull_m=PULL_M)
        weights = regroup.settle(solved, rig.mirror)
    return weights


def smoothed(weights: Float[ndarray, "v 24"], rig: Rig) -> Float[ndarray, "v 24"]:
    """Average each vertex's weights with the mean of its neighbours'."""
    total, count = np.zeros_like(weights), np.zeros((len(weights), 1))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        for x, y in ((a, b), (b, a)):
            np.add.at(total, rig.faces[:, x], weights[rig.faces[:, y]])
            np.add.at(count, rig.faces[:, x], 1)
    return (weights + total / count) / 2


def learn_regressor(
    people: list[Person], rig: Rig, bodies: Bodies, regressor: Float[ndarray, "24 v"], seed: int
) -> Float[ndarray, "24 v"]:
    """Fit convex joint weights to all rest bodies and to posed meshes of the people.

    Joints of bodies that were not posed move by the mean shift, in statures, that posing taught.
    """
    rng = np.random.default_rng(seed)
    shift = np.mean([(p.joints - p.prior) / np.ptp(p.rest[:, 1]) for p in people], axis=0)
    rest_goal = (
        joint_rules.regress(regressor, bodies.points) + shift * joint_rules.stature(bodies.points)[:, None, None]
    )
    meshes, goals = [], []
    for p in people:
        some = rng.choice(len(p.posed), size=REGRESSED_POSES, replace=False)
        meshes.append(p.posed[some])
        goals.append(p.fitted.joints[some])
    posed, posed_goal = np.concatenate(meshes).astype(float), np.concatenate(goals)
    mean, out = bodies.points.mean(axis=0), np.zeros_like(regressor)
    centre, partner = rest_goal.mean(axis=0), regroup.mirrored_joint()
    emphasis = np.sqrt(POSED_SHARE / (1 - POSED_SHARE) * len(rest_goal) / len(posed))
    for joint, name in enumerate(JOINT_NAMES):
        if name.endswith("_l"):
            continue
        chosen = joint_rules.candidates(rig, mean, centre[joint], name)
        # Rows are relative to the joint, so scaling a mesh about its joint sets how much it counts.
        rest_rows = bodies.points[:, chosen] - rest_goal[:, joint][:, None]
        posed_rows = emphasis * (posed[:, chosen] - posed_goal[:, joint][:, None])
        rows = np.concatenate([rest_rows, posed_rows])
        out[joint, chosen] = convex_weights(rows, np.zeros((len(rows), 3)))
        if partner[joint] == joint:
            out[joint] = (out[joint] + out[joint][rig.mirror]) / 2
        else:
            out[partner[joint]] = out[joint][rig.mirror]
    return out


def measure(
    people: list[Person], regressor: Float[ndarray, "24 v"], weights: Float[ndarray, "v 24"], assets: SkelAssets
) -> dict[str, ndarray]:
    """Errors in mm on people whose `joints` are the regressor's: skin after fitting, joints on rest and posed skin."""
    explain(people, assets, weights)
    skin = np.concatenate([p.error_m(weights) for p in people]) * 1e3
    functional_joints = [functional.solve_joints(p.fitted, p.rest, p.posed, p.joints, p.prior, weights) for p in people]
    rest = np.array([np.linalg.norm(p.joints - j, axis=-1) for p, j in zip(people, functional_joints, strict=True)])
    posed = [
        np.linalg.norm(joint_rules.regress(regressor, p.posed.astype(float)) - p.fitted.joints, axis=-1) for p in people
    ]
    return {"skin": skin, "rest_joint": rest * 1e3, "posed_joint": np.concatenate(posed) * 1e3}


def learn(
    rig: Rig,
    bodies: Bodies,
    chosen: Int[ndarray, "s"],
    *,
    regressor: Float[ndarray, "24 v"],
    weights: Float[ndarray, "v 24"],
    assets: SkelAssets,
    files: list[Path],
    seed: int,
) -> tuple[Float[ndarray, "24 v"], Float[ndarray, "v 24"]]:
    """Alternate poses, joints and weights over posed people, then learn the regressor."""
    names, capture = motions.load_rotations(files, held_out=False, count=POOL, seed=seed)
    rotations = motions.retarget(rig, names, capture)
    people = make_people(rig, bodies, chosen, regressor, rotations=rotations, each=POSES_EACH, seed=seed)
    for turn in range(ROUNDS):
        explain(people, assets, weights)
        log.info("round %d: skin error %.2f mm", turn, mean_error_mm(people, weights))
        move_joints(people, weights)
        explain(people, assets, weights)
        weights = refine_weights(people, rig, weights)
    explain(people, assets, weights)
    log.info("learned: skin error %.2f mm", mean_error_mm(people, weights))
    return learn_regressor(people, rig, bodies, regressor, seed), weights


def mean_error_mm(people: list[Person], weights: Float[ndarray, "v 24"]) -> float:
    """Mean skin error over all people and poses."""
    return float(np.mean([p.error_m(weights).mean() for p in people]) * 1e3)
