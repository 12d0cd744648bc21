"""Body files: an `.npz` of the schema skelvid-body/1 goes in, a checked `SkelAssets` comes out."""

import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.skel import N_BETAS
from skelvid.errors import AssetError

FORMAT = "skelvid-body/1"
N_JOINTS = len(JOINT_NAMES)


@dataclass(frozen=True)
class BoneMesh:
    """Skeleton mesh; vertices live in the frame of the joint that owns them.

    Attributes:
        template_m: `s 3`, bone-local: `C_i^T (x_template - J_i)`.
        weight_joint, weight: `s k` soft skinning; rows of `weight` sum to 1.
        joint: `s` the one joint each vertex belongs to rigidly.
        part, part_names: which bone (skull, jaw, femur_r, ...) each vertex belongs to.
    """

    template_m: Float[np.ndarray, "s 3"]
    faces: Int[np.ndarray, "g 3"]
    weight_joint: UInt8[np.ndarray, "s k"]
    weight: Float[np.ndarray, "s k"]
    joint: UInt8[np.ndarray, "s"]
    part: UInt8[np.ndarray, "s"]
    part_names: tuple[str, ...]


@dataclass(frozen=True)
class SkelAssets:
    """Everything that makes one SKEL body: template, shapes, weights, joints, frames, landmarks, bones.

    Template axes: x to the body's left, y up, z front; m. `sex` is "female", "male" or "neutral".

    Attributes:
        skin_template_m: `v 3` T-pose at betas 0.
        shapedirs_m: `v 3 10` displacement for one unit of each beta.
        posedirs_m: `v 3 207` pose correctives, or None when the body has none.
        skin_weight_joint, skin_weight: `v k` the joints that move each vertex and by how much (rows sum to 1).
        joint_weight_vertex, joint_weight: `24 m` joint = weighted sum of skin vertices.
        per_joint_rot: `24 3 3` orientation of each bone at rest, template <- bone frame.
        apose_rel_transfo: `24 4 4` joint in its parent's bone frame.
        landmark_vertex, landmark_weight: `l 3` each landmark = weighted sum of three skin vertices.
        base_vertex: `v` vertex in the MakeHuman base mesh, or None for other topologies.
    """

    sex: str
    skin_template_m: Float[np.ndarray, "v 3"]
    skin_faces: Int[np.ndarray, "f 3"]
    shapedirs_m: Float[np.ndarray, "v 3 10"]
    skin_weight_joint: UInt8[np.ndarray, "v k"]
    skin_weight: Float[np.ndarray, "v k"]
    joint_weight_vertex: Int[np.ndarray, "24 m"]
    joint_weight: Float[np.ndarray, "24 m"]
    per_joint_rot: Float[np.ndarray, "24 3 3"]
    apose_rel_transfo: Float[np.ndarray, "24 4 4"]
    posedirs_m: Float[np.ndarray, "v 3 207"] | None = None
    landmark_names: tuple[str, ...] = ()
    landmark_vertex: Int[np.ndarray, "l 3"] = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    landmark_weight: Float[np.ndarray, "l 3"] = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    base_vertex: Int[np.ndarray, "v"] | None = None
    bones: BoneMesh | None = None

    def __post_init__(self) -> None:
        _check(self)

    @property
    def joints_m(self) -> Float[np.ndarray, "24 3"]:
        """Joint centres of the template, m."""
        return np.einsum("jm,jmc->jc", self.joint_weight, self.skin_template_m[self.joint_weight_vertex])

    @property
    def joint_dirs_m(self) -> Float[np.ndarray, "24 3 10"]:
        """Change of the joint centres for one unit of each beta, m."""
        dirs = self.shapedirs_m[self.joint_weight_vertex].astype(np.float64)
        return np.einsum("jm,jmcb->jcb", self.joint_weight.astype(np.float64), dirs)

    @property
    def landmarks_m(self) -> Float[np.ndarray, "l 3"]:
        """Landmarks of the template, m."""
        return np.einsum("lk,lkc->lc", self.landmark_weight, self.skin_template_m[self.landmark_vertex])

    @property
    def exact_skin_weight(self) -> Float[np.ndarray, "v k"]:
        """Skin weights in float64 whose rows sum to 1 beyond the rounding of the file."""
        weight = self.skin_weight.astype(np.float64)
        return weight / weight.sum(-1, keepdims=True)

    @property
    def main_joint(self) -> UInt8[np.ndarray, "v"]:
        """The joint that moves most of each skin vertex."""
        return np.take_along_axis(self.skin_weight_joint, self.skin_weight.argmax(1)[:, None], 1)[:, 0]

    def tip_vertex(self, joint: int) -> int:
        """Return the skin vertex that lies farthest from a joint among those it moves most: a fingertip, the crown."""
        distance = np.linalg.norm(self.skin_template_m - self.joints_m[joint], axis=1)
        return int(np.where(self.main_joint == joint, distance, -1).argmax())


def dense_weights(
    column: Integer[np.ndarray, "n k"], weight: Float[np.ndarray, "n k"], columns: int = N_JOINTS
) -> Float[np.ndarray, "n c"]:
    """Spread the few weights of each row, given with their columns, over a full matrix."""
    dense = np.zeros((len(column), columns))
    np.add.at(dense, (np.arange(len(column))[:, None], column), weight)
    return dense


def load_assets(path: Path | str) -> SkelAssets:
    """Read a body file of ours.

    Raises:
        AssetError: The file is missing, not an `.npz` of this schema, or its arrays do not fit together.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {key: archive[key] for key in archive.files}
    except FileNotFoundError as error:
        raise AssetError(f"body file not found: {path}") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path} is not a readable .npz body file ({error})") from error
    if str(data.get("format", "")) != FORMAT:
        raise AssetError(f"{path}: format must be {FORMAT!r}, got {str(data.get('format', 'none'))!r}")
    try:
        return _from_arrays(data)
    except (KeyError, ValueError) as error:
        raise AssetError(f"{path}: {error.args[0] if error.args else error}") from error


def save_assets(assets: SkelAssets, path: Path | str) -> None:
    """Write a body file that `load_assets` reads; the same assets give the same bytes."""
    data = {"format": np.array(FORMAT), "sex": np.array(assets.sex)}
    for slot in fields(assets):
        value = getattr(assets, slot.name)
        if isinstance(value, np.ndarray):
            data[slot.name] = value
    data["landmark_names"] = np.array(assets.landmark_names)
    for slot in fields(BoneMesh) if assets.bones else ():
        data[f"skel_{slot.name}"] = np.asarray(getattr(assets.bones, slot.name))
    np.savez_compressed(path, allow_pickle=False, **data)


def _from_arrays(data: dict[str, np.ndarray]) -> SkelAssets:
    bones = None
    if "skel_template_m" in data:
        arrays = {slot.name: data[f"skel_{slot.name}"] for slot in fields(BoneMesh)}
        names = tuple(map(str, arrays.pop("part_names")))
        bones = BoneMesh(part_names=names, **arrays)
    known = {f.name for f in fields(SkelAssets)} - {"sex", "bones", "landmark_names"}
    optional = {"posedirs_m", "landmark_vertex", "landmark_weight", "base_vertex"}
    if missing := sorted(known - optional - data.keys()):
        raise KeyError(f"missing {', '.join(missing)}")
    return SkelAssets(
        sex=str(data["sex"]),
        landmark_names=tuple(map(str, data.get("landmark_names", ()))),
        bones=bones,
        **{name: data[name] for name in known if name in data},
    )


def _check(assets: SkelAssets) -> None:
    n = len(assets.skin_template_m)
    expected = {
        "skin_template_m": (n, 3),
        "shapedirs_m": (n, 3, N_BETAS),
        "posedirs_m": (n, 3, 207),
        "skin_weight": assets.skin_weight_joint.shape,
        "joint_weight": assets.joint_weight_vertex.shape,
        "per_joint_rot": (N_JOINTS, 3, 3),
        "apose_rel_transfo": (N_JOINTS, 4, 4),
        "landmark_vertex": (len(assets.landmark_names), 3),
        "landmark_weight": (len(assets.landmark_names), 3),
        "base_vertex": (n,),
    }
    for name, shape in expected.items():
        value = getattr(assets, name)
        if value is not None and value.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
    worst = float(np.abs(assets.skin_weight.sum(-1) - 1).max())
    if not worst < 1e-3:
        raise ValueError(f"rows of skin_weight must sum to 1, worst is off by {worst:.2g}")
    for name, ids, limit in (
        ("skin_faces", assets.skin_faces, n),
        ("joint_weight_vertex", assets.joint_weight_vertex, n),
        ("skin_weight_joint", assets.skin_weight_joint, N_JOINTS),
    ):
        if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < limit:
            raise ValueError(f"{name} must lie in [0, {limit}), got [{ids.min()}, {ids.max()}]")
