"""The files that a run leaves beside its pictures: each is made by an exporter, from a result and a path.

Adding a file: (1) write a class as in `Exporter`, in a module of its own, that writes by `files.whole_file`; (2) put
"module:class" into `EXPORTERS`, or, from another package, into the entry-point group `skelvid.exporters`; (3) describe
the file in `docs/results.md`. `tests/contracts/test_exporters.py` tries every exporter, and looks for its file in that
page.
"""

import importlib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from skelvid.datatypes.result import Result
from skelvid.errors import ConfigError

ENTRY_POINTS = "skelvid.exporters"


@runtime_checkable
class Exporter(Protocol):
    """Writes one file about one person, whole or not at all.

    Attributes:
        file_name: What the file is called in the folder of a run.
    """

    file_name: str

    def __call__(self, result: Result, path: Path) -> None:
        """Write the file.

        Raises:
            SkelvidError: The disk is full, or the folder cannot be written to.
        """
        ...


EXPORTERS: dict[str, str] = {
    "csv": "skelvid.export.to_csv:AnglesCsv",
    "raw_csv": "skelvid.export.to_csv:RawAnglesCsv",
    "mot": "skelvid.export.to_mot:OpenSimMotion",
    "trc": "skelvid.export.to_trc:Trajectories",
    "npz": "skelvid.export.to_npz:MotionArrays",
    "glb": "skelvid.export.to_glb:MotionGlb",
    "summary": "skelvid.export.to_summary:Summary",
}


def list_exporters() -> list[str]:
    """Return the names of all exporters, ours and those of other packages."""
    return sorted({*EXPORTERS, *entry_points(group=ENTRY_POINTS).names})


def exporter(name: str) -> Exporter:
    """Return an exporter.

    Raises:
        ConfigError: No exporter has this name.
    """
    if name in EXPORTERS:
        module, _, attribute = EXPORTERS[name].partition(":")
        return getattr(importlib.import_module(module), attribute)()
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return cast("Exporter", entry.load()())
    raise ConfigError(f"no exporter is called '{name}'; known are {', '.join(list_exporters())}")
