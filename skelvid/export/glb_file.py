"""Arrays and nodes in, a binary glTF 2.0 file (.glb) out: the container only, nothing about bodies."""

import json
import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np

Json = dict[str, Any]
# Codes of the glTF 2.0 specification, sections 3.6.2 and 5.11.
_COMPONENT = {"float32": 5126, "uint32": 5125, "uint8": 5121}
_TYPE = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_TARGET = {"vertex": 34962, "index": 34963}


class GlbFile:
    """A glTF document that grows by `add`; every `add` returns the index other parts refer to."""

    def __init__(self) -> None:
        self._json: Json = {"asset": {"version": "2.0", "generator": "skelvid"}, "scene": 0}
        self._binary = bytearray()

    def add(self, kind: str, item: Json) -> int:
        """Append an item to one of the document's lists: nodes, meshes, materials, skins, ..."""
        items = self._json.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def add_array(
        self, values: np.ndarray, *, use: Literal["vertex", "index"] | None = None, bounds: bool = False
    ) -> int:
        """Append scalars, vectors or 4x4 matrices; `bounds` adds min and max, as positions need."""
        if values.ndim == 3:
            values = values.swapaxes(1, 2)  # glTF stores matrices column by column
        item_shape = values.shape[1:]
        data = np.ascontiguousarray(values).tobytes()
        view: Json = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)}
        self._binary += data + b"\0" * (-len(data) % 4)
        accessor: Json = {
            "bufferView": self.add("bufferViews", view | ({"target": _TARGET[use]} if use else {})),
            "componentType": _COMPONENT[values.dtype.name],
            "count": len(values),
            "type": _TYPE[item_shape],
        }
        if bounds:
            accessor |= {name: np.atleast_1d(getattr(values, name)(0)).tolist() for name in ("min", "max")}
        return self.add("accessors", accessor)

    def write(self, path: Path, roots: list[int]) -> None:
        """Write the file with these nodes as the roots of its one scene."""
        self._json["scenes"] = [{"nodes": roots}]
        self._json["buffers"] = [{"byteLength": len(self._binary)}]
        text = json.dumps(self._json, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        with path.open("wb") as file:
            file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(self._binary)))
            file.write(struct.pack("<I4s", len(text), b"JSON") + text)
            file.write(struct.pack("<I4s", len(self._binary), b"BIN\0") + self._binary)
