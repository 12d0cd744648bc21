"""A pickle of numbers goes in; text, NumPy arrays and `SparseMatrix` come out; any other type is refused.

A pickle may call whatever function it names. This reader knows only the few that rebuild NumPy arrays, and
stands in for SciPy's sparse matrices with a type of its own, so that no index is used before it was checked.
"""

import codecs
import collections
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from skelvid.errors import AssetError


class SparseMatrix:
    """Stand-in for a SciPy sparse matrix: keeps what the pickle says of it, checked when asked for."""

    layout = ""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._state = dict(state)

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return tuple(int(n) for n in self._state["_shape"])

    def to_dense(self) -> Float[np.ndarray, "rows columns"]:
        """Return the full matrix; entries named twice are summed, as SciPy does.

        Raises:
            ValueError: An entry lies outside the matrix, or the parts do not fit together.
        """
        row, column = self._entries()
        value = np.asarray(self._state["data"], np.float64)
        rows, columns = self.shape
        if not len(row) == len(column) == len(value):
            raise ValueError(f"sparse matrix with {len(row)} rows for {len(column)} columns and {len(value)} values")
        if len(value) and (min(row.min(), column.min()) < 0 or row.max() >= rows or column.max() >= columns):
            raise ValueError(f"sparse matrix with entries outside its shape {self.shape}")
        dense = np.zeros((rows, columns))
        np.add.at(dense, (row, column), value)
        return dense

    def _entries(self) -> tuple[np.ndarray, np.ndarray]:
        state = self._state
        if self.layout == "coo":  # SciPy before 1.13 wrote row and col
            row, column = state["coords"] if "coords" in state else (state["row"], state["col"])
            return np.asarray(row, np.int64), np.asarray(column, np.int64)
        counts = np.diff(np.asarray(state["indptr"], np.int64))
        if (counts < 0).any() or len(counts) != self.shape[self.layout == "csc"]:
            raise ValueError(f"sparse matrix whose index pointer does not fit its shape {self.shape}")
        outer = np.repeat(np.arange(len(counts)), counts)
        inner = np.asarray(state["indices"], np.int64)
        return (outer, inner) if self.layout == "csr" else (inner, outer)


class _Coo(SparseMatrix):
    layout = "coo"


class _Csr(SparseMatrix):
    layout = "csr"


class _Csc(SparseMatrix):
    layout = "csc"


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Return the bytes that protocols below 3 write as text; other codecs could inflate them."""
    if codecs.lookup(encoding).name != "iso8859-1":
        raise pickle.UnpicklingError(f"bytes written in {encoding}")
    return text.encode("latin1")


def _allowed() -> dict[tuple[str, str], Any]:
    """Return what a pickle may call: Python and NumPy are asked what they themselves write for such data."""
    table: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encode_latin1,
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("copyreg", "_reconstructor"): object().__reduce_ex__(0)[0],
    }
    for core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
        table[core + ".multiarray", "_reconstruct"] = np.empty(0).__reduce__()[0]
        table[core + ".multiarray", "scalar"] = np.float64(0).__reduce__()[0]
        table[core + ".numeric", "_frombuffer"] = np.empty(0).__reduce_ex__(5)[0]
    for layout, stand_in in (("coo", _Coo), ("csr", _Csr), ("csc", _Csc)):
        for module in (
            "scipy.sparse",
            f"scipy.sparse.{layout}",
            f"scipy.sparse._{layout}",
        ):  # SciPy 1.8 renamed them
            table[module, f"{layout}_matrix"] = table[module, f"{layout}_array"] = stand_in
    for plain in (object, bytes, bytearray, complex, set, frozenset):
        table["builtins", plain.__name__] = plain
    return table


_ALLOWED = _allowed()
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class NumbersUnpickler(pickle.Unpickler):
    """Knows the types of this module only; `find_class` may be widened for other files of numbers."""

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what the pickle calls so, or refuse it."""
        key = (_PYTHON_2.get(module, module), name)
        if key not in _ALLOWED:
            raise AssetError(
                f"it asks for {module}.{name}, which no body file needs and which could run code: "
                "do not use it unless you know where it comes from"
            )
        return _ALLOWED[key]


def read_pickle(path: Path) -> dict[str, Any]:
    """Read a pickled dict of numbers, text and sparse matrices.

    Raises:
        AssetError: The file is missing, is not a pickle of a dict, or names a type that is not allowed.
    """
    try:
        with path.open("rb") as file:
            data = NumbersUnpickler(file, encoding="latin1").load()
    except AssetError as error:
        raise AssetError(f"{path} was refused: {error}") from None
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror}") from error
    # A damaged pickle can fail in almost any way, see the documentation of pickle.UnpicklingError.
    except Exception as error:
        raise AssetError(f"{path} is not a readable pickle ({error})") from error
    if not isinstance(data, dict):
        raise AssetError(f"{path} must hold a dict, got {type(data).__name__}")
    return {str(key): value for key, value in data.items()}
