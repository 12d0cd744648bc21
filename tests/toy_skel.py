"""A SKEL-shaped body with a small invented mesh, for fast tests: each joint sits in a tetrahedron of skin.

Without random frames and correctives it is exactly left-right symmetric.
"""

import numpy as np

from skelvid.body.assets import BoneMesh, SkelAssets
from skelvid.body.dofs import DOFS, FIRST_CHILD, JOINT_INDEX, JOINT_NAMES, JOINT_PARENTS, other_side
from skelvid.datatypes.skel import N_BETAS

STATURE_M = 1.7
# Lateral, height, depth of the joints as fractions of stature, after proportions in anatomy books.
PLACES = {
    "pelvis": (0.0, 0.570, 0.030),
    "femur": (0.050, 0.528, 0.0),
    "tibia": (0.056, 0.284, 0.0),
    "talus": (0.060, 0.042, -0.005),
    "calcn": (0.060, 0.022, -0.030),
    "toes": (0.060, 0.020, 0.075),
    "lumbar_body": (0.0, 0.632, 0.0),
    "thorax": (0.0, 0.808, -0.010),
    "head": (0.0, 0.885, 0.010),
    "scapula": (0.101, 0.831, -0.010),
    "humerus": (0.107, 0.811, -0.005),
    "ulna": (0.258, 0.805, -0.010),
    "radius": (0.266, 0.805, -0.005),
    "hand": (0.397, 0.803, 0.0),
}
TETRAHEDRON = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, -1.0], [1.0, -1.0, 0.0], [-1.0, -1.0, 0.0]])
TETRAHEDRON_FACES = np.array([[0, 3, 2], [1, 2, 3], [0, 1, 3], [0, 2, 1]])
MIRROR = np.array([-1.0, 1.0, 1.0])
UPRIGHT = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])  # columns: front, up, right
ARM_R = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # palm down: front, towards the body, up
ARM_L = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])


def make_toy_assets(rng: np.random.Generator, *, posedirs: bool = False, apose_rotations: bool = False) -> SkelAssets:
    """Make a body of 96 skin vertices and 96 bone vertices.

    Args:
        rng: Source of the vertices, shapes and weights.
        posedirs: Give it random pose correctives of some millimetres.
        apose_rotations: Turn the rest frames of all joints by some random degrees, as the official file does.
    """
    joints = toy_joints_m()
    frames = np.stack([_frame(name, joints) for name in JOINT_NAMES])
    offsets = _mirrored_over_joints(rng, lambda: TETRAHEDRON * rng.uniform(0.02, 0.05, 3))
    skin = (joints[:, None] + offsets).reshape(-1, 3)
    weight_joint, weight = _skin_weights(rng)
    vertex_of_joint = np.arange(len(skin), dtype=np.int32).reshape(24, 4)
    return SkelAssets(
        sex="neutral",
        skin_template_m=skin.astype(np.float32),
        skin_faces=_faces(),
        shapedirs_m=_shapedirs(rng, skin),
        posedirs_m=rng.normal(0, 2e-3, (len(skin), 3, 207)).astype(np.float32) if posedirs else None,
        skin_weight_joint=weight_joint,
        skin_weight=weight,
        joint_weight_vertex=vertex_of_joint,
        joint_weight=np.full((24, 4), 0.25, np.float32),
        per_joint_rot=frames.astype(np.float32),
        apose_rel_transfo=_apose(rng, joints, frames, apose_rotations).astype(np.float32),
        landmark_names=("top_of_head", "heel_r", "heel_l", "fingers_r", "fingers_l"),
        landmark_vertex=vertex_of_joint[
            [JOINT_INDEX[j] for j in ("head", "calcn_r", "calcn_l", "hand_r", "hand_l")], :3
        ],
        landmark_weight=np.tile(np.array([0.5, 0.25, 0.25], np.float32), (5, 1)),
        bones=_bones(),
    )


def toy_joints_m() -> np.ndarray:
    """Return the 24 joint centres of the T-pose, pelvis at the origin; x left, y up, z front."""
    joints = np.zeros((24, 3))
    for i, name in enumerate(JOINT_NAMES):
        stem, _, side = name.rpartition("_")
        lateral, height, depth = PLACES[name] if name in PLACES else PLACES[stem]
        joints[i] = STATURE_M * np.array([-lateral if side == "r" else lateral, height, depth])
    return joints - joints[0]


def _frame(name: str, joints: np.ndarray) -> np.ndarray:
    stem, _, side = name.rpartition("_")
    if stem in ("humerus", "ulna", "radius", "hand"):
        return ARM_R if side == "r" else ARM_L
    if stem not in ("femur", "tibia"):
        return UPRIGHT
    i = JOINT_INDEX[name]
    along = joints[i] - joints[FIRST_CHILD[i]]
    y = along / np.linalg.norm(along)
    x = np.cross(y, [-1.0, 0.0, 0.0])
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _mirrored_over_joints(rng: np.random.Generator, draw) -> np.ndarray:
    """Draw `4 3` numbers per joint, the left ones mirrored from the right, those of the middle symmetric."""
    values = np.stack([draw() for _ in JOINT_NAMES])
    mirrored = values[:, [0, 1, 3, 2]] * MIRROR
    for i, name in enumerate(JOINT_NAMES):
        other = JOINT_INDEX[other_side(name)]
        if other == i:
            values[i] = (values[i] + mirrored[i]) / 2
        elif name.endswith("_l"):
            values[i] = mirrored[other]
    return values


def _shapedirs(rng: np.random.Generator, skin: np.ndarray) -> np.ndarray:
    """Beta 0 scales the body by 4 %; the others move joints by centimetres, vertices by millimetres."""

    def draw() -> np.ndarray:
        return rng.normal(0, 0.01, (1, 3)) + rng.normal(0, 0.002, (4, 3))

    others = [_mirrored_over_joints(rng, draw).reshape(-1, 3) for _ in range(N_BETAS - 1)]
    return np.stack([0.04 * skin, *others], axis=-1).astype(np.float32)


def _skin_weights(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Share each vertex between its own joint, the parent and the first child, alike on both sides."""
    ids = np.array([[i, max(JOINT_PARENTS[i], 0), FIRST_CHILD[i] or i] for i in range(24)])
    shares = rng.uniform(0.05, 0.3, (24, 4, 2))
    for i, name in enumerate(JOINT_NAMES):
        other = JOINT_INDEX[other_side(name)]
        if other == i or name.endswith("_l"):
            shares[i] = (shares[i] + shares[i][[0, 1, 3, 2]]) / 2 if other == i else shares[other][[0, 1, 3, 2]]
    shares = shares.reshape(96, 2).astype(np.float32)
    weight = np.concatenate([1 - shares.sum(1, keepdims=True), shares], axis=1)
    return np.repeat(ids, 4, axis=0).astype(np.uint8), weight.astype(np.float32)


def _faces() -> np.ndarray:
    # Mirrored left tetrahedra swap their last two vertices, which keeps the normals outward.
    return np.concatenate([TETRAHEDRON_FACES + 4 * i for i in range(24)]).astype(np.int32)


def _apose(rng: np.random.Generator, joints: np.ndarray, frames: np.ndarray, random: bool) -> np.ndarray:
    apose = np.tile(np.eye(4), (24, 1, 1))
    for i, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            apose[i, :3, 3] = frames[parent].T @ (joints[i] - joints[parent])
        if random:
            apose[i, :3, :3] = _rotation(rng.normal(0, 0.15, 3))
    # SKEL compares the thorax's rest vector, stored with the head, with the segment from lumbar to thorax.
    up = frames[12].T @ (joints[12] - joints[11])
    apose[13, :3, 3] = up / np.linalg.norm(up) * np.linalg.norm(joints[13] - joints[12])
    apose[8, :3, :3] = _left_ankle_repair()
    return apose


def _left_ankle_repair() -> np.ndarray:
    """Return the rotation from the mirrored ankle axis to the one SKEL uses on both sides."""
    written = np.array(next(dof.axis for dof in DOFS if dof.name == "ankle_angle_l"))
    mirrored = written * [-1.0, -1.0, 1.0]
    normal = np.cross(mirrored, written)
    sine = np.linalg.norm(normal)
    return _rotation(normal / sine * np.arctan2(sine, mirrored @ written))


def _rotation(axis_angle: np.ndarray) -> np.ndarray:
    angle = np.linalg.norm(axis_angle)
    x, y, z = axis_angle / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _bones() -> BoneMesh:
    joint = np.repeat(np.arange(24), 4)
    parent = np.maximum(np.array(JOINT_PARENTS), 0)[joint]
    return BoneMesh(
        template_m=np.tile(0.02 * TETRAHEDRON, (24, 1)).astype(np.float32),
        faces=_faces(),
        weight_joint=np.stack([joint, parent], axis=1).astype(np.uint8),
        weight=np.tile(np.array([0.75, 0.25], np.float32), (96, 1)),
        joint=joint.astype(np.uint8),
        part=joint.astype(np.uint8),
        part_names=JOINT_NAMES,
    )
