"""Asset names in, verified files out: what ships with the package, what the user added, and where each lies.

Adding a shipped asset: 1. put its file and its card (`.md`; one may serve several files) into `checkpoints/`;
2. add a row to `CATALOGUE`; 3. `make checksums`. `tests/test_weights.py` fails if a step is missed.
"""

import difflib
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from skelvid.errors import AssetError

Sex = Literal["female", "male", "neutral"]

SEXES: tuple[Sex, ...] = ("female", "male", "neutral")
CHECKSUM_FILE = "SHA256SUMS"
HOME_VARIABLE = "SKELVID_HOME"
OPEN_CARD = "skel_open.md"
BODY_SUFFIXES = (".npz", ".pkl")


@dataclass(frozen=True)
class Asset:
    """One row of the catalogue: a file that ships with the package, or one that its owner may add."""

    name: str
    file: str
    kind: Literal["body", "network"]
    sex: Sex | None
    licence: str
    shipped: bool
    source: str
    card: str | None = None


@dataclass(frozen=True)
class AssetStatus:
    """One asset on this machine: its file, or the problem when it is missing or damaged."""

    asset: Asset
    path: Path | None
    problem: str | None


def _open_body(sex: Sex) -> Asset:
    licence = "Apache-2.0 (from CC0 MakeHuman data)"
    return Asset(f"open-{sex}", f"skel_open_{sex}.npz", "body", sex, licence, True, "ships with skelvid", OPEN_CARD)


def _official_body(sex: Sex) -> Asset:
    licence = "non-commercial research, by its owners"
    return Asset(f"official-{sex}", f"skel_{sex}.pkl", "body", sex, licence, False, "https://skel.is.tue.mpg.de")


CATALOGUE: dict[str, Asset] = {
    asset.name: asset for asset in (*map(_open_body, SEXES), _official_body("female"), _official_body("male"))
}

NETWORKS: dict[str, Asset] = {
    "lifter": Asset(
        "lifter", "lifter.safetensors", "network", None, "Apache-2.0", True, "ships with skelvid", "lifter.md"
    ),
    "detector": Asset(
        "detector", "detector.safetensors", "network", None, "AGPL-3.0", True, "ships with skelvid", "detector.md"
    ),
    "regressor": Asset(
        "regressor", "regressor.safetensors", "network", None, "Apache-2.0", True, "ships with skelvid", "regressor.md"
    ),
}


def user_dir() -> Path:
    """Return the folder of the files the user added: `$SKELVID_HOME`, or the system's place for user data."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).expanduser() if home else platformdirs.user_data_path("skelvid", appauthor=False)


def shipped_dir() -> Path:
    """Return the folder of the shipped assets, in an installed package or in a source checkout."""
    package = Path(__file__).parent
    for folder in (package / "_assets", package.parent / "checkpoints"):
        if (folder / CHECKSUM_FILE).is_file():
            return folder
    raise AssetError(
        f"the shipped assets are missing from {package}: reinstall skelvid, or, in a source checkout, "
        "run `make checksums` once checkpoints/ holds them"
    )


def body_path(name: str | Path) -> Path:
    """Return the file of a body, shipped ones verified against their checksum.

    Args:
        name: `female`, `male` or `neutral` (the official file where the user added one, else ours); a name of
            the catalogue such as `open-female`; a name given to `skelvid models add`; or a path.

    Raises:
        AssetError: There is no such name or file, or the file is damaged.
    """
    text = str(name)
    if text in SEXES:
        official = CATALOGUE.get(f"official-{text}")
        if official is not None and asset_file(official).is_file():
            return asset_file(official)
        return verified(CATALOGUE[f"open-{text}"])
    if text in CATALOGUE:
        return verified(CATALOGUE[text])
    if text in own_bodies():
        return own_bodies()[text]
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.suffix in BODY_SUFFIXES or len(path.parts) > 1:
        raise AssetError(f"no body file at {path}")
    known = (*SEXES, *CATALOGUE, *own_bodies())
    near = difflib.get_close_matches(text, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise AssetError(f"no body is called '{text}': {hint}known are {', '.join(known)}, or the path of a file")


def network_path(name: str | Path) -> Path:
    """Return the file of a network's weights: a shipped one by its name, verified, or any other by its path.

    Raises:
        AssetError: There is no such name or file, or the shipped file is damaged.
    """
    if str(name) in NETWORKS:
        return verified(NETWORKS[str(name)])
    path = Path(name).expanduser()
    if not path.is_file():
        raise AssetError(f"no weights at {path}; networks that ship are {', '.join(NETWORKS)}")
    return path


def asset_file(asset: Asset) -> Path:
    """Return where the asset's file is, or would be."""
    return (shipped_dir() if asset.shipped else user_dir()) / asset.file


def verified(asset: Asset) -> Path:
    """Return the asset's file after checking that it is there and, if shipped, unchanged."""
    path = asset_file(asset)
    if not path.is_file():
        raise AssetError(_missing(asset, path))
    if asset.shipped:
        wanted = read_checksums(path.parent).get(asset.file)
        if wanted is None:
            raise AssetError(f"{path.parent / CHECKSUM_FILE} has no line for {asset.file}: run `make checksums`")
        if sha256(path) != wanted:
            raise AssetError(
                f"{path} is damaged (its SHA-256 is not the one in {CHECKSUM_FILE}): reinstall skelvid, or, "
                "if you built it anew, run `make checksums`"
            )
    return path


def _missing(asset: Asset, path: Path) -> str:
    if asset.shipped:
        return f"{asset.name} should ship with skelvid but {path} is missing: reinstall the package"
    return (
        f"{asset.name} is not installed: get {asset.file} from {asset.source} (licence: {asset.licence}), "
        f"then run `skelvid models add /path/to/{asset.file}`, which puts it at {path}"
    )


def list_assets() -> list[AssetStatus]:
    """Return every catalogue entry and whether its file is there and sound."""
    statuses: list[AssetStatus] = []
    for asset in (*CATALOGUE.values(), *NETWORKS.values()):
        try:
            statuses.append(AssetStatus(asset, verified(asset), None))
        except AssetError as error:
            statuses.append(AssetStatus(asset, None, str(error)))
    return statuses


def own_bodies() -> dict[str, Path]:
    """Return the bodies that the user added under a name of their own."""
    catalogued = {asset.file for asset in CATALOGUE.values()}
    files = sorted(user_dir().glob("*")) if user_dir().is_dir() else []
    return {f.stem: f for f in files if f.suffix in BODY_SUFFIXES and f.name not in catalogued}


def place_for(path: Path, name: str | None = None) -> Path:
    """Return where `add_file` puts a body file.

    Raises:
        AssetError: The file is not a body, or the name is taken, unsuitable or needed but not given.
    """
    if not path.is_file():
        raise AssetError(f"no file at {path}")
    if path.suffix not in BODY_SUFFIXES:
        raise AssetError(f"a body file ends in {' or '.join(BODY_SUFFIXES)}, got {path.name}")
    addable = {asset.file: asset.name for asset in CATALOGUE.values() if not asset.shipped}
    name = name or addable.get(path.name)
    if name is None:
        raise AssetError(f"give {path.name} a name: `skelvid models add {path} --name NAME`")
    if name in addable.values():
        if path.suffix != ".pkl":
            raise AssetError(f"{name} is a .pkl file, got {path.name}")
        return asset_file(CATALOGUE[name])
    if name in (*SEXES, *CATALOGUE):
        raise AssetError(f"the name '{name}' is taken by a shipped body: choose another")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise AssetError(f"a name is made of letters, digits, '-' and '_', got '{name}'")
    return user_dir() / f"{name}{path.suffix}"


def add_file(path: Path, name: str | None = None) -> Path:
    """Copy a body file to where `body_path` finds it by name, and return the copy."""
    place = place_for(path, name)
    part = place.with_name(place.name + ".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, part)
        part.replace(place)
    except OSError as error:
        raise AssetError(f"cannot write {place}: {error.strerror}; set {HOME_VARIABLE} to another folder") from error
    return place


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text, reading it piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_checksums(folder: Path) -> dict[str, str]:
    """Return file name -> SHA-256 as listed in a folder's SHA256SUMS (the format of `sha256sum`)."""
    lines = (folder / CHECKSUM_FILE).read_text().splitlines()
    return {file: digest for digest, file in (line.split("  ", maxsplit=1) for line in lines if line)}


def write_checksums(folder: Path) -> None:
    """Write a folder's SHA256SUMS anew, over the catalogue's shipped files that lie there."""
    files = sorted(a.file for a in (*CATALOGUE.values(), *NETWORKS.values()) if a.shipped)
    lines = [f"{sha256(folder / file)}  {file}\n" for file in files if (folder / file).is_file()]
    (folder / CHECKSUM_FILE).write_text("".join(lines))
