"""The one training format: samples go in, tar files that WebDataset reads come out, with a manifest; and back.

A data set is a folder of `shard-*.tar` and `manifest.json`; docs/training_format.md says what is in them. It is made in
units (a sequence, a scene): each is written whole or not at all by whatever process, in any order, and `finish` packs
them, sorted by name, into shards. So a run that was cut off goes on, and ends with the same bytes.
"""

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from skelvid.errors import ConfigError, SkelvidError
from skelvid.findings import Finding
from skelvid.upgrade.sample import Sample, check_name, decode, encode
from skelvid.weights import sha256

FORMAT = "skelvid-shards/1"
MANIFEST = "manifest.json"
UNITS = "units"
SHARD_BYTES = 256 * 2**20
# Tables of the manifest to which a later run may add names, and what it may not replace under one.
_GROWING = {"bodies": "file of a body", "sources": "licence of a source", "models": "file of an SMPL model"}
_DONE = ".json"  # written after the unit's tar: without it the unit does not count


@dataclass(frozen=True)
class About:
    """What a data set says of itself; all of it goes into the manifest.

    Attributes:
        name: What to call it.
        recipe: All that its content depends on: settings, seed, versions. A folder holds one recipe only.
        bodies: SHA-256 of the file of each body, by the name that samples use.
        sources: Licence note of each source, by the name that samples use.
        landmarks: Names of the landmarks, in the order of the arrays.
        parts: What the values 0, 1, 2, ... of part masks mean.
        models: SHA-256 of each file of another body model that the content was made from, by the model's name.
    """

    name: str
    recipe: Mapping[str, Any]
    bodies: Mapping[str, str]
    sources: Mapping[str, str]
    landmarks: Sequence[str] = ()
    parts: Sequence[str] = ()
    models: Mapping[str, str] = field(default_factory=dict)


def begin(folder: Path, about: About) -> frozenset[str]:
    """Open a folder for writing, new or to go on with; return the names of the units that are finished.

    Raises:
        ConfigError: The folder holds a data set of another recipe, or one made with another body or model of that name.
    """
    wanted = json.loads(json.dumps({"format": FORMAT, **asdict(about)}))
    draft = folder / UNITS / f"about{_DONE}"
    found, done = wanted, set[str]()
    if (folder / MANIFEST).is_file():
        found = read_manifest(folder)
        done = set(found["units"])
    elif draft.is_file():
        found = json.loads(draft.read_text())
    both = {name: {**found.get(name, {}), **wanted[name]} for name in _GROWING}
    fixed = {name: wanted[name] for name in wanted if name not in both}
    differ = [name for name in fixed if found.get(name) != fixed[name]]
    differ += [what for name, what in _GROWING.items() if both[name] != {**wanted[name], **found.get(name, {})}]
    if differ:
        raise ConfigError(f"{folder} holds data of another {', '.join(differ)}: choose another folder, or remove it")
    _write_json(folder / UNITS / "about", fixed | both)
    return frozenset(done | _units(folder).keys())


def write_unit(
    folder: Path, unit: str, samples: Iterable[Sample], *, notes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write all samples of one unit; any number of processes may do so at once, even the same unit twice.

    Args:
        folder: A data set that was begun.
        unit: Its name: letters, digits, `_` and `-`.
        samples: In the order in which they shall stand; each key is the unit's name, or that, `-` and more.
        notes: What the manifest shall say of this unit; may be filled while the samples are drawn.

    Returns:
        Its row in the manifest.

    Raises:
        ValueError: A key does not fit to the unit or stands there twice. Nothing is then written.
    """
    check_name(unit)
    path = folder / UNITS / f"{unit}.tar"
    counted, keys = {"samples": 0, "frames": 0}, set[str]()
    with _own_draft(path) as draft:
        with draft.open("wb") as file, _new_tar(file) as tar:
            for sample in samples:
                if sample.key in keys or not f"{sample.key}-".startswith(f"{unit}-"):
                    raise ValueError(f"{sample.key}: keys must differ and begin with the unit's name, {unit}")
                keys.add(sample.key)
                counted["samples"] += 1
                counted["frames"] += sample.frames or 1
                for suffix, data in encode(sample).items():
                    tar.addfile(_member(f"{sample.key}.{suffix}", len(data)), io.BytesIO(data))
        row = {**counted, "sha256": sha256(draft), **(notes or {})}
    _write_json(folder / UNITS / f"{unit}.unit", row)
    return row


def finish(folder: Path, *, shard_bytes: int = SHARD_BYTES) -> dict[str, Any]:
    """Pack the finished units into shards of about `shard_bytes`, write the manifest, and return it.

    Shards that are there stay as they are; new units go into new ones.

    Raises:
        ConfigError: There is no finished unit.
    """
    about = json.loads((folder / UNITS / f"about{_DONE}").read_text())
    old: dict[str, Any] = {"units": {}, "shards": []}
    if (folder / MANIFEST).is_file():
        old = read_manifest(folder)
    units = {name: row for name, row in _units(folder).items() if name not in old["units"]}
    shards = old["shards"]
    for names in _grouped(folder, sorted(units), shard_bytes):
        shards.append(_pack(folder, f"shard-{len(shards):06d}.tar", names))
    if not shards:
        raise ConfigError(f"{folder} holds no finished unit")
    units = old["units"] | units
    total = {key: sum(row[key] for row in units.values()) for key in ("samples", "frames")}
    manifest = about | total | {"shards": shards, "units": dict(sorted(units.items()))}
    _write_json(folder / "manifest", manifest)
    shutil.rmtree(folder / UNITS)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a data set says of itself.

    Raises:
        ConfigError: There is no manifest of this format.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is not there or cannot be read: was the data set finished?") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ConfigError(f"{path}: format must be {FORMAT!r}")
    return manifest


def read_samples(folder: Path) -> Iterator[Sample]:
    """Give the samples of a data set in their order, one in memory at a time."""
    for shard in read_manifest(folder)["shards"]:
        yield from read_tar(folder / shard["file"])


def read_tar(path: Path) -> Iterator[Sample]:
    """Give the samples of one shard.

    Raises:
        ValueError: It is damaged, or a sample is not such as `Sample` takes.
    """
    for key, files in _files_by_key(path):
        yield decode(key, files)


def check_dataset(folder: Path) -> list[Finding]:
    """Compare a data set with its manifest: checksums, numbers, and every label of every sample."""
    manifest = read_manifest(folder)
    findings: list[Finding] = []
    keys: set[str] = set()
    for shard in manifest["shards"]:
        path = folder / shard["file"]
        if not path.is_file() or sha256(path) != shard["sha256"]:
            findings.append(Finding(shard["file"], "missing or damaged", ok=False))
            continue
        try:
            found = [problem for sample in read_tar(path) for problem in _problems(sample, manifest, keys)]
        except ValueError as error:
            found = [str(error)]
        findings.append(Finding(shard["file"], "; ".join(found[:3]) or f"{shard['samples']} samples", ok=not found))
    right = len(keys) == manifest["samples"]
    return [*findings, Finding("samples", f"{len(keys)} of {manifest['samples']}", ok=right)]


def _problems(sample: Sample, manifest: Mapping[str, Any], keys: set[str]) -> Iterator[str]:
    """Say where a sample does not fit to its manifest."""
    if sample.key in keys:
        yield f"{sample.key} stands there twice"
    keys.add(sample.key)
    for label, table in (("body", "bodies"), ("source", "sources")):
        if str(sample.labels[label]) not in manifest[table]:
            yield f"{sample.key}: {label} {sample.labels[label]} is not in the manifest"
    if "landmark_state" in sample.labels and sample.labels["landmark_state"].shape[-1] != len(manifest["landmarks"]):
        yield f"{sample.key}: {sample.labels['landmark_state'].shape[-1]} landmarks, but their names differ in number"


def _units(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rows of the units that are finished but not packed."""
    ending = f".unit{_DONE}"
    files = sorted((folder / UNITS).glob(f"*{ending}"))
    return {path.name.removesuffix(ending): json.loads(path.read_text()) for path in files}


def _grouped(folder: Path, units: Sequence[str], shard_bytes: int) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for unit in units:
        more = (folder / UNITS / f"{unit}.tar").stat().st_size
        if group and size + more > shard_bytes:
            yield group
            group, size = [], 0
        group.append(unit)
        size += more
    if group:
        yield group


def _pack(folder: Path, name: str, units: Sequence[str]) -> dict[str, Any]:
    """Join the units to one shard, and return its row in the manifest."""
    samples = 0
    with _own_draft(folder / name) as part, part.open("wb") as file, _new_tar(file) as shard:
        for unit in units:
            for key, files in _files_by_key(folder / UNITS / f"{unit}.tar"):
                samples += 1
                for suffix, data in files.items():
                    shard.addfile(_member(f"{key}.{suffix}", len(data)), io.BytesIO(data))
    path = folder / name
    return {
        "file": name,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "samples": samples,
        "units": list(units),
    }


def _files_by_key(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Give the files of each sample, which stand next to each other, by their suffix."""
    key, files = "", {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                stem, _, suffix = member.name.partition(".")
                if key and stem != key:
                    yield key, files
                    files = {}
                data = tar.extractfile(member)
                key, files[suffix] = stem, data.read() if data else b""
    except (tarfile.TarError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from error
    if key:
        yield key, files


def _new_tar(file: Any) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a file without saying when and by whom it was written."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def _write_json(path: Path, value: Any) -> None:
    with _own_draft(path.with_name(path.name + _DONE)) as draft:
        draft.write_text(json.dumps(value, indent=1) + "\n")


@contextmanager
def _own_draft(path: Path) -> Generator[Path]:
    """Give a new file of this process's own, which takes the name `path` when all went well.

    Two processes may do the same unit, where one was thought to be lost.

    Raises:
        SkelvidError: The disk is full, or the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
        os.close(handle)
        try:
            yield Path(name)
            Path(name).chmod(0o644)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise SkelvidError(f"{path} cannot be written: {error.strerror or error}") from error
