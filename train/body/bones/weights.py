"""Which joints carry a bone: one joint rigidly, and soft weights that bend spine, ribs and collar bones."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from train.body.bones.place import smoothstep

PELVIS, LUMBAR, THORAX, HEAD = 0, 11, 12, 13
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


def soft_weights(part: str, points: Float[ndarray, "n 3"], joints: Float[ndarray, "24 3"]) -> Float[ndarray, "n 24"]:
    """Return weights over joints, rows summing to 1."""
    weights = np.zeros((len(points), len(joints)))
    joint = rigid_joint(part)
    if part.startswith("patella"):
        weights[:, [joint - 1, joint]] = 0.5
    elif part.startswith("clavicle"):
        span = np.abs(points[:, 0])
        share = (span - span.min()) / np.ptp(span)
        weights[:, THORAX], weights[:, joint] = 1 - share, share
    elif joint in (LUMBAR, THORAX) or part in {f"c{k}" for k in range(1, 8)}:
        weights[:, [PELVIS, LUMBAR, THORAX, HEAD]] = _by_height(points[:, 1], joints)
    else:
        weights[:, joint] = 1
    return weights


def _by_height(y: Float[ndarray, " n"], joints: Float[ndarray, "24 3"]) -> Float[ndarray, "n 4"]:
    """Blend pelvis, lumbar, thorax and head: each body takes over along the arc that ends at its joint."""
    root = joints[PELVIS, 1]
    tops = joints[[LUMBAR, THORAX, HEAD], 1]
    rise = np.stack([smoothstep(y, low, high) for low, high in zip([root, *tops[:2]], tops, strict=True)], 1)
    return -np.diff(np.hstack([np.ones((len(y), 1)), rise, np.zeros((len(y), 1))]), axis=1)


def pack(weights: Float[ndarray, "n 24"], count: int = 4) -> tuple[UInt8[ndarray, "n k"], Float[ndarray, "n k"]]:
    """Keep the `count` largest weights of each row, as joint ids and float32 weights that sum to 1."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    kept = np.take_along_axis(weights, order, 1)
    kept = (kept / kept.sum(1, keepdims=True)).astype(np.float32)
    kept[:, 0] += 1 - kept.sum(1, dtype=np.float32)
    order[kept == 0] = 0
    return order.astype(np.uint8), kept
