"""Files that appear whole or not at all."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from skelvid.errors import SkelvidError


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Give a temporary path in the same folder; what is written there gets its own name when all went well.

    Else it is removed and an earlier file at `path` stays. The folder is made if it is missing.

    Raises:
        SkelvidError: The disk is full, or the folder cannot be written to.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise SkelvidError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()
