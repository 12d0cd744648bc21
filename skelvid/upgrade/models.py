"""The user's own SMPL, SMPL-H and SMPL-X files go in; arrays, and the meshes they pose, come out.

No code of a file is ever run: where official files hold objects of the `chumpy` package, their numbers are read without
it. Posing is left to the `smplx` package (extra `skelvid[upgrade]`), which has a licence of its own.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from skelvid.body.unpickle import NumbersUnpickler, SparseMatrix
from skelvid.errors import AssetError

Kind = Literal["smpl", "smplh", "smplx"]
N_JOINTS: dict[Kind, int] = {"smpl": 24, "smplh": 52, "smplx": 55}
# The joints of the body, alike in all three; the rest are hands, jaw and eyes, which SKEL has none of.
N_BODY_JOINTS = 22
_MOST_BETAS = 300  # in SMPL-X files, expressions follow
_BATCH = 64
_NEEDED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")


@dataclass(frozen=True)
class SmplModel:
    """One model: `v` vertices, `j` joints.

    Attributes:
        kind, sex: Which it is.
        template_m: `v 3` T-pose; x left, y up, z front.
        faces: `f 3`.
        shapedirs_m: `v 3 s`; posedirs_m: `p 3v`; regressor: `j v`; weights: `v j`; parents: `j`, -1 for the root.
    """

    kind: Kind
    sex: str
    template_m: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    shapedirs_m: Float[np.ndarray, "v 3 s"]
    posedirs_m: Float[np.ndarray, "p w"]
    regressor: Float[np.ndarray, "j v"]
    weights: Float[np.ndarray, "v j"]
    parents: Int[np.ndarray, "j"]

    @cached_property
    def _tensors(self) -> list[Tensor]:
        names = ("template_m", "shapedirs_m", "posedirs_m", "regressor", "parents", "weights")
        return [torch.as_tensor(getattr(self, name)) for name in names]

    def shaped(self, betas: Float[np.ndarray, "n"]) -> Float[np.ndarray, "v 3"]:
        """Return the T-pose of a shape, m; betas that the file has no shapes for are left out."""
        known = self.shapedirs_m[..., : len(betas)]
        return self.template_m + known @ betas[: known.shape[-1]]

    def pose(
        self, betas: Float[np.ndarray, "#t n"], rotvec: Float[np.ndarray, "t b 3"]
    ) -> tuple[Float[Tensor, "t v 3"], Float[Tensor, "t j 3"]]:
        """Return vertices and joints, m; joints without a rotation, such as fingers, stay straight.

        Raises:
            AssetError: The package `smplx` is not installed.
        """
        lbs = _lbs()
        t, given, _ = rotvec.shape
        pose = torch.zeros((t, len(self.parents), 3))
        pose[:, :given] = torch.as_tensor(rotvec, dtype=torch.float32)
        shape = torch.as_tensor(betas, dtype=torch.float32).expand(t, -1)
        template, shapedirs, *rest = self._tensors
        shape, shapedirs = shape[:, : shapedirs.shape[-1]], shapedirs[..., : shape.shape[1]]
        parts = [
            lbs(shape[rows], pose[rows].flatten(1), template[None], shapedirs, *rest)
            for rows in (slice(start, start + _BATCH) for start in range(0, t, _BATCH))
        ]
        return torch.cat([vertices for vertices, _ in parts]), torch.cat([joints for _, joints in parts])


def _lbs() -> Any:
    try:
        from smplx.lbs import lbs
    except ImportError as error:
        raise AssetError(
            "upgrading needs the package smplx, which has a licence of its own: pip install 'skelvid[upgrade]'"
        ) from error
    return lbs


def find_model(folder: Path, kind: Kind, sex: str) -> Path:
    """Return the file of a model in a folder that is laid out as its makers or `smplx` have it.

    Raises:
        AssetError: It is not there; says what was looked for.
    """
    old = {"neutral": "neutral", "female": "f", "male": "m"}[sex]
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".npz", ".pkl")):
        stem, where = path.stem.lower(), [part.lower() for part in path.relative_to(folder).parts[:-1]]
        basic = kind == "smpl" and stem.startswith((f"basicmodel_{old}_", f"basicmodel_{sex}_"))
        if stem == f"{kind}_{sex}" or basic or (stem == "model" and where[-2:] == [kind, sex]):
            return path
    wanted = f"{kind}/{kind.upper()}_{sex.upper()}.pkl (or .npz)"
    raise AssetError(f"no {kind} model for {sex} bodies in {folder}: it must hold {wanted}, from its makers' page")


def load_model(path: Path, kind: Kind, sex: str) -> SmplModel:
    """Read a model file.

    Raises:
        AssetError: It is missing, unsafe, or not such a model.
    """
    data = _read_npz(path) if path.suffix == ".npz" else _read_pkl(path)
    if missing := [name for name in _NEEDED if name not in data]:
        raise AssetError(f"{path} is no {kind} model: missing {', '.join(missing)}")
    try:
        arrays = {name: _plain(data[name]) for name in _NEEDED}
        return _model(arrays, kind, sex)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise AssetError(f"{path} is no {kind} model: {error}") from error


def _model(arrays: Mapping[str, np.ndarray], kind: Kind, sex: str) -> SmplModel:
    n, joints = len(arrays["v_template"]), len(arrays["weights"][0])
    if joints != N_JOINTS[kind]:
        raise ValueError(f"it has {joints} joints, not {N_JOINTS[kind]}")
    parents = arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1
    posedirs = arrays["posedirs"].reshape(3 * n, -1).T
    shapedirs = arrays["shapedirs"][..., :_MOST_BETAS]
    if len(posedirs) != 9 * (joints - 1) or shapedirs.shape[:2] != (n, 3) or arrays["J_regressor"].shape != (joints, n):
        raise ValueError("its arrays do not fit together")
    return SmplModel(
        kind,
        sex,
        template_m=arrays["v_template"].astype(np.float32),
        faces=arrays["f"].astype(np.int32),
        shapedirs_m=shapedirs.astype(np.float32),
        posedirs_m=np.ascontiguousarray(posedirs, dtype=np.float32),
        regressor=arrays["J_regressor"].astype(np.float32),
        weights=arrays["weights"].astype(np.float32),
        parents=parents,
    )


def _read_npz(path: Path) -> dict[str, Any]:
    """Read what is needed; other members of SMPL-X files are pickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in _NEEDED if name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AssetError(f"{path} cannot be read ({error})") from error


class _Chumpy:
    """Stand-in for the two kinds of chumpy objects in model files: an array, and a choice of its elements."""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._state = dict(state)

    def numbers(self) -> np.ndarray:
        if "x" in self._state:
            return np.asarray(self._state["x"])
        if "a" in self._state and "idxs" in self._state:
            whole = _plain(self._state["a"]).ravel()
            return whole[np.asarray(self._state["idxs"])].reshape(self._state["preferred_shape"])
        raise ValueError("it holds a chumpy expression of an unknown kind")


class _ModelUnpickler(NumbersUnpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        return _Chumpy if module.split(".")[0] == "chumpy" else super().find_class(module, name)


def _read_pkl(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = _ModelUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror}") from error
    # A damaged pickle can fail in almost any way, see the documentation of pickle.UnpicklingError.
    except Exception as error:
        raise AssetError(f"{path} cannot be read ({error})") from None
    if not isinstance(data, dict):
        raise AssetError(f"{path} must hold a dict, got {type(data).__name__}")
    return data


def _plain(value: Any) -> np.ndarray:
    if isinstance(value, _Chumpy):
        return value.numbers()
    array = value.to_dense() if isinstance(value, SparseMatrix) else np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"numbers expected, got {array.dtype}")
    return array
