"""The library `ultralytics`, imported only when somebody asks for it, and made to keep to itself.

It is under the AGPL-3.0, as are the weights its makers offer: whoever gives others a program that uses it has to heed
that licence. skelvid installs it only with the extra `yolo`.
"""

import os
from pathlib import Path
from typing import Any

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
    return optional_library("ultralytics", INSTALL)


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
