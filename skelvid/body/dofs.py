"""THE table of SKEL: 24 joints and 46 degrees of freedom; nothing else in the project repeats a name, axis or sign.

Source of names, order, axes and signs: Keller et al., "From Skin to Skeleton", ACM TOG 42(6) 253, 2023, and its
public model card. A joint turns about the axes of its own DoFs, first DoF first, each later one multiplying on the left
(fixed axes). `positive` says what a positive value does, as checked by moving it (tests/angles/test_signs.py).

Limits are soft: they steer solvers and are reported when broken, they never clamp. "SKEL" marks the value of the
official file; where it has none, or one that healthy people leave, ours is given with its reason:
AAOS = American Academy of Orthopaedic Surgeons, Joint Motion, 1965, rounded outwards to let patients and athletes in.
"""

from dataclasses import dataclass
from math import inf, pi
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

Vec3 = tuple[float, float, float]
JointKind = Literal["rotation", "spine_arc", "scapula"]

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Joint:
    """One of the 24 joints: its parent, the SMPL joint whose pose corrective it drives, and how it translates."""

    name: str
    parent: str | None
    smpl_joint: int
    kind: JointKind = "rotation"


@dataclass(frozen=True)
class Dof:
    """One degree of freedom: unit axis in the joint's frame (sign included), soft limits and what + means."""

    name: str
    joint: str
    axis: Vec3
    lower_rad: float
    upper_rad: float
    limit_source: str
    positive: str
    mirror_sign: int


def _negated(axis: Vec3) -> Vec3:
    return (-axis[0], -axis[1], -axis[2])


def _pin(x: float, y: float, z: float) -> Vec3:
    """Return the z axis of a fixed frame given by intrinsic X-Y-Z Euler angles, as OpenSim writes pin joints."""
    axis = Rotation.from_euler("XYZ", (x, y, z)).as_matrix()[:, 2]
    return (float(axis[0]), float(axis[1]), float(axis[2]))


def _unit(x: float, y: float, z: float) -> Vec3:
    norm = (x * x + y * y + z * z) ** 0.5
    return (x / norm, y / norm, z / norm)


JOINTS: tuple[Joint, ...] = (
    Joint("pelvis", None, 0),
    Joint("femur_r", "pelvis", 2),
    Joint("tibia_r", "femur_r", 5),
    Joint("talus_r", "tibia_r", 8),
    Joint("calcn_r", "talus_r", 8),
    Joint("toes_r", "calcn_r", 11),
    Joint("femur_l", "pelvis", 1),
    Joint("tibia_l", "femur_l", 4),
    Joint("talus_l", "tibia_l", 7),
    Joint("calcn_l", "talus_l", 7),
    Joint("toes_l", "calcn_l", 10),
    Joint("lumbar_body", "pelvis", 3, "spine_arc"),
    Joint("thorax", "lumbar_body", 6, "spine_arc"),
    Joint("head", "thorax", 15, "spine_arc"),
    Joint("scapula_r", "thorax", 14, "scapula"),
    Joint("humerus_r", "scapula_r", 17),
    Joint("ulna_r", "humerus_r", 19),
    Joint("radius_r", "ulna_r", 0),
    Joint("hand_r", "radius_r", 21),
    Joint("scapula_l", "thorax", 13, "scapula"),
    Joint("humerus_l", "scapula_l", 16),
    Joint("ulna_l", "humerus_l", 18),
    Joint("radius_l", "ulna_l", 0),
    Joint("hand_l", "radius_l", 20),
)

SKEL, SKEL_R = "SKEL", "SKEL, right side for both"


def _leg(side: str) -> tuple[Dof, ...]:
    right = side == "r"
    # SKEL flips these axes on the left so that + is adduction and internal rotation on both sides.
    adduction, rotation = (X, Y) if right else (_negated(X), _negated(Y))
    mirror = 1 if right else -1
    subtalar = _pin(mirror * -1.76818999, mirror * 0.906223, 1.8196)
    mtp = _pin(-3.14158999, mirror * 0.619901, 0.0)
    ankle = _pin(0.175895, -0.105208, 0.0186622)  # the same on both sides; the asset's A_8 repairs the left one
    femur, tibia, talus, calcn, toes = (f"{n}_{side}" for n in ("femur", "tibia", "talus", "calcn", "toes"))
    return (
        Dof(f"hip_flexion_{side}", femur, Z, -pi / 4, 2.45, "AAOS 30/120 widened", "flexion: thigh forward", 1),
        Dof(f"hip_adduction_{side}", femur, adduction, -1.2, 0.7, "AAOS 45/30 widened", "adduction: thigh inward", 1),
        Dof(f"hip_rotation_{side}", femur, rotation, -1.05, 1.05, "AAOS 45/45 widened", "internal rotation", 1),
        Dof(f"knee_angle_{side}", tibia, _negated(Z), -0.26, 2.7, "AAOS 10/135 widened", "flexion: heel to buttock", 1),
        Dof(f"ankle_angle_{side}", talus, ankle, -1.05, pi / 4, "SKEL; AAOS 50 widened", "dorsiflexion: toes up", 1),
        Dof(f"subtalar_angle_{side}", calcn, subtalar, -pi / 4, pi / 4, SKEL, "inversion: sole inward", 1),
        Dof(f"mtp_angle_{side}", toes, mtp, -1.22, pi / 4, "SKEL; AAOS ext. 70", "plantarflexion: toes down", 1),
    )


def _spine(joint: str, prefix: str, bending: float, twist: float, source: str) -> tuple[Dof, ...]:
    return (
        Dof(f"{prefix}_bending", joint, X, -bending, bending, source, "bending to the right", -1),
        Dof(f"{prefix}_extension", joint, Z, -pi / 4, pi / 4, SKEL, "extension: backward", 1),
        Dof(f"{prefix}_twist", joint, Y, -twist, twist, source, "twist to the left", -1),
    )


def _arm(side: str) -> tuple[Dof, ...]:
    right = side == "r"
    scapula, humerus, ulna, radius, hand = (f"{n}_{side}" for n in ("scapula", "humerus", "ulna", "radius", "hand"))
    elbow = _unit(0.0494, 0.0366, 0.99810825) if right else _unit(-0.0494, -0.0366, 0.99810825)
    pronation = _unit(-0.01716099, 0.99266564, -0.11966796) if right else _unit(0.01716099, -0.99266564, -0.11966796)
    elevation = (-0.25, 0.45) if right else (-0.45, 0.25)
    raised = (-1.92, 2.6) if right else (-2.6, 1.92)
    fro, back = ("forward", "backward") if right else ("backward", "forward")
    low, high = ("lowers", "raises") if right else ("raises", "lowers")
    turn = "internal" if right else "external"
    z, x = (_negated(Z), _negated(X)) if right else (Z, X)
    return (
        Dof(f"scapula_abduction_{side}", scapula, Y, -0.628, 0.628, SKEL, f"shoulder blade {fro} (- {back})", -1),
        Dof(f"scapula_elevation_{side}", scapula, z, *elevation, "SKEL, right sign repaired, 0 let in",
            f"{low} the shoulder (- {high})", -1),
        Dof(f"scapula_upward_rot_{side}", scapula, x, -0.55, 0.55, "SKEL widened, raised arms", "upward rotation", 1),
        Dof(f"shoulder_{side}_x", humerus, X, *raised, "AAOS 180/0 from the T-pose, widened", f"{low} the arm", -1),
        Dof(f"shoulder_{side}_y", humerus, Y, -pi / 2, pi / 2, SKEL_R, f"{turn} rotation of the arm", -1),
        Dof(f"shoulder_{side}_z", humerus, Z, -1.3, 2.5, "AAOS 45/135, widened", "arm forward", 1),
        Dof(f"elbow_flexion_{side}", ulna, elbow, -0.17, 2.7, "AAOS 10/150 widened", "flexion", 1),
        Dof(f"pro_sup_{side}", radius, pronation, -pi / 2, pi / 2,
            "SKEL, left side for both", "pronation", 1),
        Dof(f"wrist_flexion_{side}", hand, X if right else _negated(X), -pi / 2, pi / 2, SKEL, "palmar flexion", 1),
        Dof(f"wrist_deviation_{side}", hand, _negated(Z), -pi / 4, pi / 4, SKEL, "ulnar deviation", 1),
    )  # fmt: skip


DOFS: tuple[Dof, ...] = (
    Dof("pelvis_tilt", "pelvis", Z, -inf, inf, "free", "posterior tilt: leaning back", 1),
    Dof("pelvis_list", "pelvis", X, -inf, inf, "free", "leaning to the right", -1),
    Dof("pelvis_rotation", "pelvis", Y, -inf, inf, "free", "turning to the left", -1),
    *_leg("r"),
    *_leg("l"),
    *_spine("lumbar_body", "lumbar", pi / 6, pi / 4, SKEL),
    *_spine("thorax", "thorax", pi / 4, pi / 4, SKEL),
    *_spine("head", "head", pi / 4, 1.4, "SKEL; AAOS twist 80"),
    *_arm("r"),
    *_arm("l"),
)

JOINT_NAMES: tuple[str, ...] = tuple(joint.name for joint in JOINTS)
JOINT_INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINT_NAMES)}
JOINT_PARENTS: tuple[int, ...] = tuple(-1 if j.parent is None else JOINT_INDEX[j.parent] for j in JOINTS)
SMPL_JOINTS: tuple[int, ...] = tuple(joint.smpl_joint for joint in JOINTS)
DOF_NAMES: tuple[str, ...] = tuple(dof.name for dof in DOFS)
DOF_INDEX: dict[str, int] = {name: i for i, name in enumerate(DOF_NAMES)}
DOF_JOINTS: tuple[int, ...] = tuple(JOINT_INDEX[dof.joint] for dof in DOFS)
FIRST_CHILD: tuple[int, ...] = tuple(JOINT_PARENTS.index(i) if i in JOINT_PARENTS else 0 for i in range(len(JOINTS)))


def joint_dofs(joint: str) -> tuple[int, ...]:
    """Return the indices in q of a joint's degrees of freedom, innermost (applied first) first.

    >>> joint_dofs("femur_r")
    (3, 4, 5)
    """
    return tuple(i for i, dof in enumerate(DOFS) if dof.joint == joint)


def limits_rad() -> tuple[Float[np.ndarray, "46"], Float[np.ndarray, "46"]]:
    """Return lower and upper soft limits, rad; infinite where a degree of freedom is free."""
    return np.array([dof.lower_rad for dof in DOFS]), np.array([dof.upper_rad for dof in DOFS])


def mirror_index_and_sign() -> tuple[Int[np.ndarray, "46"], Float[np.ndarray, "46"]]:
    """Return (index, sign) with which `q[index] * sign` is the pose seen in a mirror."""
    index = [DOF_INDEX[other_side(name)] for name in DOF_NAMES]
    return np.array(index), np.array([float(dof.mirror_sign) for dof in DOFS])


def other_side(name: str) -> str:
    """Return the name of the same thing on the other side of the body.

    >>> other_side("knee_angle_r"), other_side("shoulder_l_x"), other_side("pelvis_tilt")
    ('knee_angle_l', 'shoulder_r_x', 'pelvis_tilt')
    """
    parts = name.split("_")
    swap = {"r": "l", "l": "r"}
    return "_".join(swap.get(part, part) for part in parts)
