"""The library `ultralytics`, imported only when somebody asks for it, and made to keep to itself.

It is under the AGPL-3.0, as are the weights its makers offer: whoever gives others a program that uses it has to heed
that licence. skelvid installs it only with the extra `yolo`.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from skelvid.errors import WeightsError
from skelvid.people.detect import SUFFIX
from skelvid.people.keypoints import optional_library

INSTALL = "pip install 'skelvid[yolo]' (ultralytics, AGPL-3.0)"
# Else it asks the network whether it is there, reports its use to its makers, and installs packages by itself.
_ALONE = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}


def ultralytics() -> Any:
    """Return the library.

    Raises:
        ConfigError: It is not installed.
    """
    for name, value in _ALONE.items():
        os.environ.setdefault(name, value)
    if sys.modules.get("ultralytics"):
        return sys.modules["ultralytics"]
    with _others_left_alone():
        return optional_library("ultralytics", INSTALL)


@contextmanager
def _others_left_alone() -> Generator[None]:
    """Put back what the library, as it is imported, changes in others: how numbers print, how pictures are opened."""
    printing, opening, saving = np.get_printoptions(), Image.open, torch.save
    try:
        yield
    finally:
        np.set_printoptions(**printing)
        torch.set_printoptions(profile="default")
        Image.open, torch.save = opening, saving


def yolo(weights: str | Path) -> Any:
    """Return a network of a file's, or of a name that the library knows, such as `yolo11x.pt`, which it downloads.

    Raises:
        ConfigError: The library is not installed.
        WeightsError: There is no such file or name, or no network in it.
    """
    file = Path(weights).expanduser()
    if not file.is_file() and (len(file.parts) > 1 or file.suffix != SUFFIX):
        raise WeightsError(f"no weights at {file}")
    library = ultralytics()
    try:
        return library.YOLO(str(file))
    except Exception as error:
        where = "holds no network of ultralytics'" if file.is_file() else "is no file and could not be downloaded"
        raise WeightsError(f"{file} {where}: {next(iter(str(error).splitlines()), repr(error))}") from error
