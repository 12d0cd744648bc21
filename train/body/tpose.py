"""Exact T-pose of each body: linear blend skinning with the source's own bones about corrected joint centres."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.source import Rig

# The clavicle rises as the arm is raised to the horizontal.
CLAVICLE_RISE_RAD = np.deg2rad(7.0)
# Knee offset over hip offset from the midline: legs go down a little outward instead of exactly parallel.
KNEE_OVER_HIP_OFFSET = 1.1
# Share of the forearm twist taken by each forearm bone; the hand takes all of it.
FOREARM_TWIST = {"lowerarm01": 0.25, "lowerarm02": 0.8}


@dataclass(frozen=True)
class Pose:
    """Global rotations (n, b, 3, 3) and pivots (n, b, 3) of all source bones, and the posed pivots (n, b, 3)."""

    rotation: Float[ndarray, "n b 3 3"]
    pivot: Float[ndarray, "n b 3"]
    posed: Float[ndarray, "n b 3"]

    def apply(self, rig: Rig, points: Float[ndarray, "n v 3"]) -> Float[ndarray, "n v 3"]:
        """Move skin points by blending the bone transforms with the rig's weights."""
        shift = self.posed - np.einsum("nbij,nbj->nbi", self.rotation, self.pivot)
        out = np.empty_like(points)
        for i in range(len(points)):
            blended = rig.bone_weights @ self.rotation[i].reshape(-1, 9)
            out[i] = np.einsum("vij,vj->vi", blended.reshape(-1, 3, 3), points[i])
            out[i] += rig.bone_weights @ shift[i]
        return out

    def rigid(self, bone: int, points: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
        """Carry one rest point per body with one bone."""
        return self.posed[:, bone] + np.einsum("nij,nj->ni", self.rotation[:, bone], points - self.pivot[:, bone])


def forward(rig: Rig, rotation: Float[ndarray, "n b 3 3"], pivot: Float[ndarray, "n b 3"]) -> Pose:
    """Chain global bone rotations about the pivots into a pose; the root stays where it is."""
    posed = pivot.copy()
    for bone, parent in enumerate(rig.bone_parents):
        if parent >= 0:
            arm = pivot[:, bone] - pivot[:, parent]
            posed[:, bone] = posed[:, parent] + np.einsum("nij,nj->ni", rotation[:, parent], arm)
    return Pose(rotation, pivot, posed)


def unit(v: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3"]:
    """Scale vectors to length one."""
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def frame(along: Float[ndarray, "*b 3"], across: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b 3 3"]:
    """Right-handed orthonormal columns: along, across made perpendicular, their cross product."""
    x = unit(along)
    y = unit(across - (across * x).sum(-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def rotation_about(axis: Float[ndarray, "3"], angle: Float[ndarray, "n"]) -> Float[ndarray, "n 3 3"]:
    """Rodrigues' formula for one axis and many angles."""
    k = np.cross(np.eye(3), axis)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + s * k + (1 - c) * (k @ k)


def shortest(a: Float[ndarray, "n 3"], b: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3 3"]:
    """Rotation that turns direction a into direction b on the shortest way."""
    a, b = unit(a), unit(b)
    v, c = np.cross(a, b), (a * b).sum(-1)
    k = np.zeros((len(a), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    k -= k.transpose(0, 2, 1)
    return np.eye(3) + k + k @ k / (1 + c)[:, None, None]


def descendants(rig: Rig, name: str) -> list[int]:
    """Return a bone and everything below it."""
    chosen = {rig.bone(name)}
    for bone, parent in enumerate(rig.bone_parents):
        if parent in chosen:
            chosen.add(bone)
    return sorted(chosen)


def tpose(rig: Rig, heads: Float[ndarray, "n b 3"], centres: dict[str, Float[ndarray, "n 3"]]) -> Pose:
    """Pose rest bodies into the T-pose about the given rest joint centres.

    heads: rest bone heads. centres: rest positions of joints by bone name (`lowerleg01.L`), overriding the heads.
    """
    pivot = heads.copy()
    for name, centre in centres.items():
        pivot[:, rig.bone(name)] = centre
    rotation = np.tile(np.eye(3), (*heads.shape[:2], 1, 1))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        _set_arm(rig, rotation, pivot, side, sign)
        _set_leg(rig, rotation, pivot, side, sign)
    return forward(rig, rotation, pivot)


def _set_arm(rig: Rig, rotation: ndarray, pivot: ndarray, side: str, sign: float) -> None:
    def at(name: str) -> ndarray:
        return pivot[:, rig.bone(f"{name}.{side}")]

    def turn(name: str, value: ndarray) -> None:
        rotation[:, descendants(rig, f"{name}.{side}")] = value[:, None]

    n = len(pivot)
    out = np.array([sign, 0.0, 0.0])
    turn("clavicle", rotation_about(np.array([0, 0, 1.0]), np.full(n, sign * CLAVICLE_RISE_RAD)))
    upper = at("lowerarm01") - at("upperarm01")
    fore = at("wrist") - at("lowerarm01")
    hinge = np.cross(upper, fore)
    # Elbow crease to the front: the flexion axis out x front points down on the left, up on the right.
    goal = frame(out, np.cross(out, [0.0, 0.0, 1.0]))
    turn("upperarm01", goal @ frame(upper, hinge).transpose(0, 2, 1))
    forearm = goal @ frame(fore, hinge).transpose(0, 2, 1)
    across = at("finger5-1") - at("finger2-1")
    hand = frame(out, np.array([0.0, 0.0, -1.0])) @ frame(at("finger3-1") - at("wrist"), across).transpose(0, 2, 1)
    relative = hand @ forearm.transpose(0, 2, 1)
    twist = np.arctan2(relative[:, 2, 1] - relative[:, 1, 2], relative[:, 1, 1] + relative[:, 2, 2])
    axis = np.array([1.0, 0.0, 0.0])
    for name, share in FOREARM_TWIST.items():
        turn(name, rotation_about(axis, share * twist) @ forearm)
    turn("wrist", hand)
    # The second forearm bone twists about the elbow-wrist line, so its pivot must lie on that line.
    mid = rig.bone(f"lowerarm02.{side}")
    along = unit(fore)
    reach = ((pivot[:, mid] - at("lowerarm01")) * along).sum(-1, keepdims=True)
    pivot[:, mid] = at("lowerarm01") + reach * along


def leg_direction(hip: Float[ndarray, "n 3"], knee: Float[ndarray, "n 3"], sign: float) -> Float[ndarray, "n 3"]:
    """Direction from hip to ankle in the T-pose: down, a little outward, exactly in the frontal plane."""
    slope = (KNEE_OVER_HIP_OFFSET - 1) * np.abs(hip[:, 0]) / np.linalg.norm(knee - hip, axis=-1)
    return np.stack([sign * slope, -np.sqrt(1 - slope**2), np.zeros(len(hip))], axis=-1)


def _set_leg(rig: Rig, rotation: ndarray, pivot: ndarray, side: str, sign: float) -> None:
    def at(name: str) -> ndarray:
        return pivot[:, rig.bone(f"{name}.{side}")]

    hip, knee, ankle = at("upperleg01"), at("lowerleg01"), at("foot")
    down = leg_direction(hip, knee, sign)
    rotation[:, descendants(rig, f"upperleg01.{side}")] = shortest(knee - hip, down)[:, None]
    rotation[:, descendants(rig, f"lowerleg01.{side}")] = shortest(ankle - knee, down)[:, None]
    # The sole is flat at rest: the foot only yaws, until ankle -> second ray points to the front.
    toes = at("toe2-1") - ankle
    yaw = rotation_about(np.array([0.0, 1.0, 0.0]), -np.arctan2(toes[:, 0], toes[:, 2]))
    rotation[:, descendants(rig, f"foot.{side}")] = yaw[:, None]
