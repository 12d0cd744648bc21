"""The official SKEL files, `skel_male.pkl` and `skel_female.pkl`, in, `SkelAssets` out; and the way back.

Format, per key: see `_SHAPES`; the version must be 1.1.1. Keller et al., ACM TOG 42(6) 253, 2023.
"""

import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int, UInt8

from skelvid.body.assets import N_JOINTS, BoneMesh, SkelAssets
from skelvid.body.dofs import DOF_NAMES, JOINT_NAMES, JOINT_PARENTS
from skelvid.body.unpickle import SparseMatrix, read_pickle
from skelvid.datatypes.skel import N_BETAS, N_DOFS
from skelvid.errors import AssetError

VERSION = "1.1.1"
N_POSE_FEATURES = 9 * (N_JOINTS - 1)

# What the forward pass needs. v, f: skin vertices and faces; s, g: skeleton vertices and faces; a letter must
# be the same number wherever it stands; betas: at least 10, the first 10 are used.
_SHAPES: dict[str, tuple[int | str, ...]] = {
    "skin_template_v": ("v", 3),
    "skin_template_f": ("f", 3),
    "skel_template_v": ("s", 3),
    "skel_template_f": ("g", 3),
    "shapedirs": ("v", 3, "betas"),
    "posedirs": ("v", 3, N_POSE_FEATURES),
    "J_regressor_osim": (N_JOINTS, "v"),
    "skin_weights": ("v", N_JOINTS),
    "skel_weights": ("s", N_JOINTS),
    "skel_weights_rigid": ("s", N_JOINTS),
    "per_joint_rot": (N_JOINTS, 3, 3),
    "osim_kintree_table": (2, N_JOINTS),
    "apose_rel_transfo": (N_JOINTS, 4, 4),
}

_log = logging.getLogger(__name__)


def load_official(path: Path | str, *, sex: str | None = None) -> SkelAssets:
    """Read an official body file; no code of the file is ever run.

    The file names no landmarks, so the body has none. Its bones are named after the joints that carry them.

    Args:
        path: The `.pkl` file.
        sex: What the file does not say; None reads it off the file's name, else "neutral".

    Raises:
        AssetError: The file is missing, unsafe, or not an official body of version 1.1.1; says what is wrong.
    """
    path = Path(path)
    data = _checked(read_pickle(path), path)
    posedirs = data["posedirs"].astype(np.float32)
    skin_weight_joint, skin_weight = _compact(data["skin_weights"])
    joint_weight_vertex, joint_weight = _compact(data["J_regressor_osim"])
    try:
        return SkelAssets(
            sex=sex or _sex_of(path),
            skin_template_m=data["skin_template_v"].astype(np.float32),
            skin_faces=data["skin_template_f"].astype(np.int32),
            shapedirs_m=data["shapedirs"][..., :N_BETAS].astype(np.float32),
            posedirs_m=posedirs if posedirs.any() else None,
            skin_weight_joint=skin_weight_joint.astype(np.uint8),
            skin_weight=skin_weight,
            joint_weight_vertex=joint_weight_vertex,
            joint_weight=joint_weight,
            per_joint_rot=data["per_joint_rot"].astype(np.float32),
            apose_rel_transfo=data["apose_rel_transfo"].astype(np.float32),
            bones=_bones(data),
        )
    except ValueError as error:
        raise AssetError(f"{path}: {error}") from error


def write_official(assets: SkelAssets, path: Path | str) -> None:
    """Write a body in the official file format, which `body_models.skel` reads unchanged.

    Landmarks and bone names have no place in it. Loaders know a female and a male only: a neutral body is
    loaded by telling them one of the two. A file written under NumPy 2 needs NumPy 1.26 or later to load.

    Raises:
        AssetError: The file cannot be written.
    """
    path = Path(path)
    if assets.sex not in ("female", "male"):
        _log.warning("other loaders know no %s body: load %s as female or male", assets.sex, path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            pickle.dump(_official_dict(assets), file, protocol=4)
    except OSError as error:
        raise AssetError(f"cannot write {path}: {error.strerror}") from error


def _sex_of(path: Path) -> str:
    # "female" contains "male", so it is asked for first.
    return next((sex for sex in ("female", "male") if sex in path.stem.lower()), "neutral")


def _checked(data: dict[str, Any], path: Path) -> dict[str, np.ndarray]:
    """Return the needed keys as dense arrays of the right shapes, finite throughout."""
    if missing := sorted({"version", *_SHAPES} - data.keys()):
        raise AssetError(f"{path} is not an official SKEL file: missing {', '.join(missing)}")
    if str(data["version"]) != VERSION:
        raise AssetError(f"{path}: version must be {VERSION}, got {data['version']}: get the newest official files")
    sizes: dict[str, int] = {}
    arrays: dict[str, np.ndarray] = {}
    for key, wanted in _SHAPES.items():
        try:
            arrays[key] = _array(data[key], wanted, sizes)
        except (ValueError, TypeError, KeyError) as error:
            raise AssetError(f"{path}: {key}: {error}") from error
    parents = arrays["osim_kintree_table"].astype(np.int64)
    if parents[0, 1:].tolist() != list(JOINT_PARENTS[1:]) or parents[1].tolist() != list(range(N_JOINTS)):
        raise AssetError(f"{path}: osim_kintree_table is not SKEL's tree of {N_JOINTS} joints")
    return arrays


def _array(value: Any, wanted: tuple[int | str, ...], sizes: dict[str, int]) -> np.ndarray:
    if not isinstance(value, (np.ndarray, SparseMatrix)):
        raise TypeError(f"must be an array, got {type(value).__name__}")
    shape = tuple(value.shape)
    for size, dim in zip(shape, wanted, strict=False):
        if isinstance(dim, str) and (dim != "betas" or size >= N_BETAS):
            sizes.setdefault(dim, size)
    expected = tuple(sizes[dim] if isinstance(dim, str) and dim in sizes else dim for dim in wanted)
    if shape != expected:
        raise ValueError(f"must have shape {_spelled(expected)}, got {_spelled(shape)}")
    array = value.to_dense() if isinstance(value, SparseMatrix) else value
    if array.dtype.kind not in "fiu":
        raise TypeError(f"must hold numbers, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{int((~np.isfinite(array)).sum())} of {array.size} numbers are NaN or infinite")
    return array


def _spelled(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(f'>={N_BETAS}' if dim == 'betas' else str(dim) for dim in shape)})"


def _compact(
    weights: Float[np.ndarray, "rows columns"],
) -> tuple[Int[np.ndarray, "rows k"], Float[np.ndarray, "rows k"]]:
    """Return each row's columns and values, largest first, just wide enough for no value to be lost."""
    width = max(1, int((weights != 0).sum(1).max(initial=0)))
    columns = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :width]
    return columns.astype(np.int32), np.take_along_axis(weights, columns, axis=1).astype(np.float32)


def _bones(data: dict[str, np.ndarray]) -> BoneMesh | None:
    if not len(data["skel_template_v"]):
        return None
    weight_joint, weight = _compact(data["skel_weights"])
    joint = data["skel_weights_rigid"].argmax(1).astype(np.uint8)
    return BoneMesh(
        template_m=data["skel_template_v"].astype(np.float32),
        faces=data["skel_template_f"].astype(np.int32),
        weight_joint=weight_joint.astype(np.uint8),
        weight=weight,
        joint=joint,
        part=joint,
        part_names=JOINT_NAMES,
    )


def _official_dict(assets: SkelAssets) -> dict[str, Any]:
    n = len(assets.skin_template_m)
    bones = assets.bones or _no_bones()
    regressor = _sparse(assets.joint_weight_vertex, assets.joint_weight, n)
    return {
        "version": VERSION,
        "bone_names": list(JOINT_NAMES),
        "joints_name": list(JOINT_NAMES),
        "pose_params_name": list(DOF_NAMES),
        "skin_template_v": assets.skin_template_m,
        "skin_template_f": assets.skin_faces,
        "skel_template_v": bones.template_m,
        "skel_template_f": bones.faces,
        "shapedirs": assets.shapedirs_m,
        "posedirs": np.zeros((n, 3, N_POSE_FEATURES), np.float32) if assets.posedirs_m is None else assets.posedirs_m,
        "J_regressor": regressor,  # loaders use its number of rows only
        "J_regressor_osim": regressor,
        "skin_weights": _sparse(assets.skin_weight_joint, assets.skin_weight, N_JOINTS),
        "skel_weights": _sparse(bones.weight_joint, bones.weight, N_JOINTS),
        "skel_weights_rigid": _sparse(bones.joint[:, None], np.ones((len(bones.joint), 1), np.float32), N_JOINTS),
        "per_joint_rot": assets.per_joint_rot,
        "osim_kintree_table": np.array([JOINT_PARENTS, range(N_JOINTS)]),
        "parameter_mapping": np.arange(N_DOFS),
        "tpose_transfo": _transforms(assets.per_joint_rot, assets.joints_m),
        "apose_transfo": _composed(assets.apose_rel_transfo),
        "apose_rel_transfo": assets.apose_rel_transfo,
    }


def _no_bones() -> BoneMesh:
    ids = np.zeros(0, np.uint8)
    points, weights = np.zeros((0, 3), np.float32), np.zeros((0, 1), np.float32)
    return BoneMesh(points, np.zeros((0, 3), np.int32), ids[:, None], weights, ids, ids, ())


def _sparse(
    columns: Int[np.ndarray, "rows k"] | UInt8[np.ndarray, "rows k"],
    values: Float[np.ndarray, "rows k"],
    n_columns: int,
) -> scipy.sparse.coo_matrix:
    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    used = values.ravel() != 0
    entries = (values.ravel()[used], (rows[used], columns.ravel()[used].astype(np.int64)))
    return scipy.sparse.coo_matrix(entries, shape=(len(columns), n_columns))


def _transforms(rotation: Float[np.ndarray, "24 3 3"], place: Float[np.ndarray, "24 3"]) -> Float[np.ndarray, "24 4 4"]:
    transforms = np.tile(np.eye(4, dtype=np.float32), (N_JOINTS, 1, 1))
    transforms[:, :3, :3], transforms[:, :3, 3] = rotation, place
    return transforms


def _composed(relative: Float[np.ndarray, "24 4 4"]) -> Float[np.ndarray, "24 4 4"]:
    absolute = relative.copy()
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            absolute[joint] = absolute[parent] @ relative[joint]
    return absolute
