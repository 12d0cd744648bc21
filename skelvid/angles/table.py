"""The table of joint angles: which rotation each one reads, in which order, what + and 0 mean, and for whom.

A decomposed angle reads the rotation of a distal bone relative to a proximal one, both in OpenSim body axes
(x front, y up, z to the body's right). On the left side the rotation is first seen in a mirror, so + means
the same on both sides. Joints and degrees of freedom are those of `skelvid.body.dofs`.

Adding a new angle: 1. add a `Decomposed` or a `Single` below; 2. if it needs a new order of axes, write it in
`euler.py`; 3. verify its sign in `tests/angles/test_signs.py`; 4. run `python docs/make_conventions.py`.
"""

from dataclasses import dataclass
from math import pi

from skelvid.angles.euler import Order
from skelvid.body.dofs import DOFS


@dataclass(frozen=True)
class AngleDef:
    """Name of an angle, what + means, the posture that reads zero, and whose convention it is."""

    name: str
    positive: str
    zero: str
    source: str


@dataclass(frozen=True)
class Decomposed:
    """Three angles of one rotation: the product over `joints`, taken apart about the moving axes in `order`.

    `repeats` marks those that say again, in another convention, what others already say.
    """

    angles: tuple[AngleDef, AngleDef, AngleDef]
    joints: tuple[str, ...]
    order: Order = "ZXY"
    repeats: bool = False


@dataclass(frozen=True)
class Single:
    """One angle that is a degree of freedom itself: `sign * q + offset_rad`."""

    angle: AngleDef
    dof: str
    sign: int = 1
    offset_rad: float = 0.0


_POSITIVE = {dof.name: dof.positive for dof in DOFS}
_OPENSIM = "OpenSim Rajagopal 2016"


def _three(
    names: tuple[str, str, str], positive: tuple[str, str, str], zero: str, source: str
) -> tuple[AngleDef, AngleDef, AngleDef]:
    first, second, third = (AngleDef(n, p, zero, source) for n, p in zip(names, positive, strict=True))
    return first, second, third


def _single(name: str, dof: str, zero: str, source: str = _OPENSIM, *, offset_rad: float = 0.0) -> Single:
    return Single(AngleDef(name, _POSITIVE[dof], zero, source), dof, 1, offset_rad)


def _spine(part: str, zero: str, source: str, *joints: str) -> Decomposed:
    names = (f"{part}_extension", f"{part}_bending", f"{part}_rotation")
    positive = ("extension: backward", "bending to the right", "twist to the left")
    return Decomposed(_three(names, positive, zero, source), joints, repeats=len(joints) > 1)


def _leg(side: str) -> tuple[Decomposed | Single, ...]:
    hip = _three(
        (f"hip_flexion_{side}", f"hip_adduction_{side}", f"hip_rotation_{side}"),
        ("flexion: thigh forward", "adduction: thigh inward", "internal rotation"),
        "thigh as in the T-pose (upright stance)",
        _OPENSIM,
    )
    return (
        Decomposed(hip, (f"femur_{side}",)),
        _single(f"knee_angle_{side}", f"knee_angle_{side}", "leg straight, as in the T-pose"),
        _single(f"ankle_angle_{side}", f"ankle_angle_{side}", "foot square to the shank"),
        _single(f"subtalar_angle_{side}", f"subtalar_angle_{side}", "sole level"),
        _single(f"mtp_angle_{side}", f"mtp_angle_{side}", "toes in line with the sole"),
    )


def _scapula(side: str) -> tuple[Single, ...]:
    # SKEL does not mirror the axes of abduction and elevation: undo it, so that + is alike on both sides.
    mirror = 1 if side == "r" else -1
    zero, source = "shoulder blade as in the T-pose", "SKEL degree of freedom"
    entries = (
        ("abduction", "protraction: blade forward around the ribs", mirror),
        ("elevation", "elevation: shrug", -mirror),
        ("upward_rot", "upward rotation", 1),
    )
    return tuple(
        Single(AngleDef(f"scapula_{name}_{side}", positive, zero, source), f"scapula_{name}_{side}", sign)
        for name, positive, sign in entries
    )


def _arm(side: str) -> tuple[Decomposed | Single, ...]:
    chain = (f"scapula_{side}", f"humerus_{side}")
    hanging = "arm hanging, elbow crease to the front"
    opensim = _three(
        (f"arm_flex_{side}", f"arm_add_{side}", f"arm_rot_{side}"),
        ("flexion: arm forward", "adduction: arm inward (T-pose: -90 deg)", "internal rotation"),
        hanging,
        f"{_OPENSIM}, humerus to thorax",
    )
    isb = _three(
        (f"shoulder_plane_{side}", f"shoulder_elevation_{side}", f"shoulder_rotation_{side}"),
        ("plane of elevation: 0 to the side, 90 deg to the front", "away from hanging", "internal rotation"),
        hanging,
        "ISB (Wu 2005), humerus to thorax, elevation counted positive",
    )
    palm = "palm to the front when the arm hangs (T-pose, palm down: 90 deg)"
    return (
        *_scapula(side),
        Decomposed(opensim, chain),
        Decomposed(isb, chain, order="YXY", repeats=True),
        _single(f"elbow_flex_{side}", f"elbow_flexion_{side}", "arm straight"),
        _single(f"pro_sup_{side}", f"pro_sup_{side}", palm, offset_rad=pi / 2),
        _single(f"wrist_flex_{side}", f"wrist_flexion_{side}", "hand in line with the forearm"),
        _single(f"wrist_dev_{side}", f"wrist_deviation_{side}", "hand in line with the forearm"),
    )


_PELVIS = _three(
    ("pelvis_tilt", "pelvis_list", "pelvis_rotation"),
    ("posterior tilt: leaning back", "leaning to the right", "turning to the left"),
    "pelvis axes along the ground axes (to the camera: upright, facing it)",
    _OPENSIM,
)
_SKEL_JOINT = "SKEL joint, OpenSim order"

ANGLE_TABLE: tuple[Decomposed | Single, ...] = (
    Decomposed(_PELVIS, ("pelvis",)),
    *_leg("r"),
    *_leg("l"),
    _spine("lumbar", "lumbar spine to pelvis as in the T-pose", _SKEL_JOINT, "lumbar_body"),
    _spine("thorax", "thorax to lumbar spine as in the T-pose", _SKEL_JOINT, "thorax"),
    _spine("trunk", "thorax to pelvis as in the T-pose", f"{_OPENSIM}, there lumbar_*", "lumbar_body", "thorax"),
    _spine("head", "head to thorax as in the T-pose", _SKEL_JOINT, "head"),
    *_arm("r"),
    *_arm("l"),
)

ANGLES: tuple[AngleDef, ...] = tuple(
    angle for entry in ANGLE_TABLE for angle in (entry.angles if isinstance(entry, Decomposed) else (entry.angle,))
)
ANGLE_NAMES: tuple[str, ...] = tuple(angle.name for angle in ANGLES)
