"""Skin weights of the 104 source bones in, weights of the 24 SKEL joints out (at most six per vertex, mirrored)."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from skelvid.body.dofs import JOINT_NAMES
from train.body.source import Rig

MAX_INFLUENCES = 6

# Fractions of each unsided source bone that go to SKEL joints. The spine is a ramp over the arc between parent and
# own joint, because SKEL bends the spine along that arc and each joint sits at the arc's top.
AXIAL = {
    "root": {"pelvis": 1.0},
    "spine05": {"pelvis": 0.75, "lumbar_body": 0.25},
    "spine04": {"pelvis": 0.3, "lumbar_body": 0.7},
    "spine03": {"lumbar_body": 0.9, "thorax": 0.1},
    "spine02": {"lumbar_body": 0.55, "thorax": 0.45},
    "spine01": {"lumbar_body": 0.08, "thorax": 0.92},
    "neck01": {"thorax": 0.6, "head": 0.4},
    "neck02": {"thorax": 0.3, "head": 0.7},
    "neck03": {"thorax": 0.05, "head": 0.95},
    "head": {"head": 1.0},
}
SIDED = {
    "pelvis": {"pelvis": 1.0},
    "upperleg01": {"femur": 0.85, "pelvis": 0.15},
    "upperleg02": {"femur": 1.0},
    "lowerleg01": {"tibia": 1.0},
    "lowerleg02": {"tibia": 1.0},
    "foot": {"calcn": 1.0},
    "toe": {"toes": 1.0},
    "clavicle": {"thorax": 0.5, "scapula": 0.5},
    "shoulder01": {"scapula": 1.0},
    "upperarm01": {"humerus": 0.8, "scapula": 0.2},
    "upperarm02": {"humerus": 1.0},
    "lowerarm01": {"ulna": 0.75, "radius": 0.25},
    "lowerarm02": {"ulna": 0.2, "radius": 0.8},
    "wrist": {"hand": 1.0},
    "finger": {"hand": 1.0},
    "metacarpal": {"hand": 1.0},
    "eye": {"head": 1.0},
}
# Part of the foot's weight that the talus takes at the ankle centre, and how far (in statures) it fades out.
TALUS_SHARE, TALUS_FADE = 0.7, 0.045
# Shipped weights are whole multiples of 1 / GRID.
GRID = 65536


def regrouping(bone_names: tuple[str, ...]) -> Float[ndarray, "b 24"]:
    """Return the fixed matrix that turns source-bone weights into SKEL-joint weights; rows sum to one."""
    matrix = np.zeros((len(bone_names), len(JOINT_NAMES)))
    for row, name in enumerate(bone_names):
        stem, _, side = name.partition(".")
        shares = AXIAL.get(stem)
        if shares is None:
            shares = next(value for key, value in SIDED.items() if stem.startswith(key))
        for joint, share in shares.items():
            sided = f"{joint}_{side.lower()}"
            matrix[row, JOINT_NAMES.index(sided if sided in JOINT_NAMES else joint)] = share
    return matrix


def skel_weights(rig: Rig, template: Float[ndarray, "v 3"], joints: Float[ndarray, "24 3"]) -> Float[ndarray, "v 24"]:
    """Regroup the rig's weights, share the foot between talus and calcaneus, keep six influences, mirror exactly."""
    weights = rig.bone_weights @ regrouping(rig.bone_names)
    stature = np.ptp(template[:, 1])
    for side in "rl":
        talus, calcn = JOINT_NAMES.index(f"talus_{side}"), JOINT_NAMES.index(f"calcn_{side}")
        distance = np.linalg.norm(template - joints[talus], axis=-1) / (TALUS_FADE * stature)
        share = TALUS_SHARE * smoothstep(1 - distance) * weights[:, calcn]
        weights[:, talus] += share
        weights[:, calcn] -= share
    return settle(weights, rig.mirror)


def settle(weights: Float[ndarray, "v 24"], mirror: Int[ndarray, "v"]) -> Float[ndarray, "v 24"]:
    """Make weights symmetric and keep at most six per vertex."""
    return symmetrise_weights(keep_largest(symmetrise_weights(weights, mirror), MAX_INFLUENCES), mirror)


def smoothstep(x: Float[ndarray, "*b"]) -> Float[ndarray, "*b"]:
    """Rise from 0 to 1 over [0, 1] with flat ends."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def mirrored_joint() -> Int[ndarray, "24"]:
    """Return the index of each joint's partner on the other side (itself on the midline)."""
    swap = {"_r": "_l", "_l": "_r"}
    return np.array([JOINT_NAMES.index(n[:-2] + swap.get(n[-2:], n[-2:])) for n in JOINT_NAMES])


def symmetrise_weights(weights: Float[ndarray, "v 24"], mirror: Int[ndarray, "v"]) -> Float[ndarray, "v 24"]:
    """Average each vertex's weights with its mirror partner's, joints swapped, and normalise rows to one."""
    mean = (weights + weights[mirror][:, mirrored_joint()]) / 2
    return mean / mean.sum(axis=1, keepdims=True)


def keep_largest(weights: Float[ndarray, "v 24"], count: int) -> Float[ndarray, "v 24"]:
    """Zero all but the largest `count` weights of each row and normalise."""
    # Strictly more than the first one left out: a left-right pair that ties at the cut goes as a pair.
    floor = np.sort(weights, axis=1)[:, -count - 1][:, None]
    kept = np.where(weights > np.maximum(floor * (1 + 1e-9), 1e-4), weights, 0)
    return kept / kept.sum(axis=1, keepdims=True)


def pack(weights: Float[ndarray, "v 24"]) -> tuple[ndarray, ndarray]:
    """Pack dense rows into (v, k) uint8 joints and float32 weights.

    Weights are multiples of 2^-16, so rows sum to one exactly in float32 and mirror pairs stay equal.
    """
    count = int((weights > 0).sum(axis=1).max())
    joint = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    steps = np.round(np.take_along_axis(weights, joint, axis=1) * GRID)
    steps[:, 0] += GRID - steps.sum(axis=1)
    return joint.astype(np.uint8), (steps / GRID).astype(np.float32)
