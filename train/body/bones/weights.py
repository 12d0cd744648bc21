"""Which joints carry a bone: one joint rigidly, and soft weights that bend spine, ribs and collar bones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from train.body.bones.place import smoothstep
from train.body.bones.spine import NAMES

PELVIS, LUMBAR, THORAX, HEAD = TRUNK = (0, 11, 12, 13)
VERTEBRAE = frozenset(NAMES)
_REACH_M = np.array([0.06, 0.025, 0.05])
LEFT = {
    "femur": 6,
    "patella": 7,
    "tibia": 7,
    "fibula": 7,
    "talus": 8,
    "calcaneus": 9,
    "navicular": 9,
    "cuboid": 9,
    "medial_cuneiform": 9,
    "middle_cuneiform": 9,
    "lateral_cuneiform": 9,
    "metatarsal": 9,
    "toe": 10,
    "clavicle": 19,
    "scapula": 19,
    "humerus": 20,
    "ulna": 21,
    "radius": 22,
    "carpus": 23,
    "thumb": 23,
    "index": 23,
    "middle": 23,
    "ring": 23,
    "little": 23,
    "hip": 0,
    "rib": 12,
    "cartilage": 12,
}
MIDLINE = {"skull": 13, "jaw": 13, "teeth_upper": 13, "teeth_lower": 13, "sternum": 12, "sacrum": 0}


def rigid_joint(part: str) -> int:
    """Return the joint that carries a part; names end in _l or _r where there are two."""
    name, side = (part[:-2], part[-2:]) if part.endswith(("_l", "_r")) else (part, "")
    if not side:
        return MIDLINE[name] if name in MIDLINE else {"l": LUMBAR, "t": THORAX, "c": HEAD}[name[0]]
    joint = LEFT[name] if name in LEFT else LEFT[name.split("_")[0]]
    return joint - 5 if side == "_r" and joint in (*range(6, 11), *range(19, 24)) else joint


@dataclass(frozen=True)
class TrunkSkin:
    """Skin of the trunk (n, 3) and its shares of pelvis, lumbar, thorax and head: bones should move as it does."""

    points: Float[ndarray, "n 3"]
    shares: Float[ndarray, "n 4"]

    def at(self, points: Float[ndarray, "m 3"]) -> Float[ndarray, "m 4"]:
        """Return the shares of the skin round about, wide across the body and narrow along it."""
        gap2 = (((points[:, None] - self.points) / _REACH_M) ** 2).sum(2)
        kernel = np.exp(-(gap2 - gap2.min(1, keepdims=True)) / 2)
        shares = kernel @ self.shares
        return shares / shares.sum(1, keepdims=True)


def trunk_skin(
    skin: Float[ndarray, "v 3"], weights: Float[ndarray, "v 24"], joints: Float[ndarray, "24 3"]
) -> TrunkSkin:
    """Choose the skin of the trunk: between the shoulders, and moved mostly by trunk bodies."""
    shares = weights[:, TRUNK]
    core = (np.abs(skin[:, 0]) < joints[20, 0]) & (shares.sum(1) > 0.5)
    return TrunkSkin(skin[core], shares[core] / shares[core].sum(1, keepdims=True))


def soft_weights(
    part: str, points: Float[ndarray, "n 3"], joints: Float[ndarray, "24 3"], trunk: TrunkSkin | None = None
) -> Float[ndarray, "n 24"]:
    """Return weights over joints, rows summing to 1.

    Bones of the trunk follow its skin; without it, each body takes over along the arc that ends at its joint.
    """
    weights = np.zeros((len(points), len(joints)))
    joint = rigid_joint(part)
    if part.startswith("patella"):
        weights[:, [joint - 1, joint]] = 0.5
    elif part.startswith("clavicle"):
        span = np.abs(points[:, 0])
        share = (span - span.min()) / np.ptp(span)
        weights[:, TRUNK] = (1 - share)[:, None] * _trunk_shares(points[[span.argmin()]], joints, trunk)
        weights[:, joint] = share
    elif part in VERTEBRAE:
        weights[:, TRUNK] = _trunk_shares(points.mean(0, keepdims=True), joints, trunk)  # a vertebra does not bend
    elif joint == THORAX:
        weights[:, TRUNK] = _trunk_shares(points, joints, trunk)
    else:
        weights[:, joint] = 1
    return weights


def _trunk_shares(
    points: Float[ndarray, "n 3"], joints: Float[ndarray, "24 3"], trunk: TrunkSkin | None
) -> Float[ndarray, "n 4"]:
    return _by_height(points[:, 1], joints) if trunk is None else trunk.at(points)


def _by_height(y: Float[ndarray, " n"], joints: Float[ndarray, "24 3"]) -> Float[ndarray, "n 4"]:
    """Blend pelvis, lumbar, thorax and head: each body takes over along the arc that ends at its joint."""
    root = joints[PELVIS, 1]
    tops = joints[[LUMBAR, THORAX, HEAD], 1]
    rise = np.stack([smoothstep(y, low, high) for low, high in zip([root, *tops[:2]], tops, strict=True)], 1)
    return -np.diff(np.hstack([np.ones((len(y), 1)), rise, np.zeros((len(y), 1))]), axis=1)


def pack(weights: Float[ndarray, "n 24"], count: int = 4) -> tuple[UInt8[ndarray, "n k"], Float[ndarray, "n k"]]:
    """Keep the `count` largest weights of each row, as joint ids and float32 weights that sum to exactly 1."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    kept = np.take_along_axis(weights, order, 1)
    kept = np.round(kept / kept.sum(1, keepdims=True) * 2**16) / 2**16  # such fractions add up without rounding
    kept[:, 0] += 1 - kept.sum(1)
    order[kept == 0] = 0
    return order.astype(np.uint8), kept.astype(np.float32)
