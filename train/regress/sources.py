"""Where pictures for the training come from: shards, the synthetic stream, photographs with a teacher's points.

A source is asked for some pictures of a batch and answers the same for the same question, whatever it was asked before:
so a training that goes on where it was broken off sees what it would have seen.
"""

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skelvid.body.load import load_body
from skelvid.errors import ConfigError
from skelvid.upgrade.sample import LABELS, PART_MASK, PICTURES, Sample, decode
from skelvid.upgrade.shards import MANIFEST, UNITS
from train.regress.pictures import Picture, decoded, labelled
from train.synth.options import Sources

# A sample: file, key, and where in the file each part begins and how long it is.
Place = tuple[Path, str, dict[str, tuple[int, int]]]
# What the regressor learns: the same body by two names.
_BODIES = ("open-neutral", "neutral")


@dataclass(frozen=True)
class Turn:
    """Which batch is being made.

    Attributes:
        worker, workers: Who makes it, of how many; number: how many this worker made before.
    """

    worker: int
    workers: int
    number: int


class Source(Protocol):
    """Gives pictures."""

    def draw(self, count: int, turn: Turn, rng: np.random.Generator) -> list[Picture]:
        """Return pictures for a batch; `rng` differs from batch to batch."""
        ...


class Shards:
    """Pictures of a data set in the training format, in random order; also of one that is still being written.

    Pictures of which the labels' maker says that something is wrong (`verdict`) are left out.

    Args:
        folder: The data set.
        every, but: Only every n-th unit (a scene, a sequence), or all but these: to hold some out.

    Raises:
        ConfigError: It holds no pictures, or labels of another body.
    """

    def __init__(self, folder: Path, *, every: int = 1, but: int = 0) -> None:
        self.folder, self._every, self._but = folder, every, but
        if not self.places:
            raise ConfigError(
                f"{folder} holds no pictures to learn from: sequences without pictures are for train.lift and "
                "train.synth, as libraries that `skelvid upgrade --npz` writes"
            )
        if others := sorted({*self._about["bodies"]} - {*_BODIES}):
            raise ConfigError(f"{folder} holds labels of the body {others[0]}: upgrade it with --body {_BODIES[0]}")

    @cached_property
    def _about(self) -> dict[str, Any]:
        files = (self.folder / MANIFEST, self.folder / UNITS / "about.json")
        file = next((file for file in files if file.is_file()), None)
        return json.loads(file.read_text()) if file else {"bodies": {}, "landmarks": ()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the landmarks."""
        return tuple(self._about["landmarks"])

    @cached_property
    def places(self) -> list[Place]:
        """The pictures: file, key, and where in the file each part begins and how long it is."""
        tars = sorted(self.folder.glob("shard-*.tar")) or sorted((self.folder / UNITS).glob("*.tar"))
        found = [place for path in tars for place in _places(path) if {*place[2]} & {*PICTURES}]
        units = sorted({key.rpartition("-")[0] for _, key, _ in found})
        kept = {unit for i, unit in enumerate(units) if i % self._every == 0 and not (self._but and i % self._but == 0)}
        flagged = {unit for unit, row in self._units() if row.get("flagged")}
        found = [place for place in found if place[1].rpartition("-")[0] in kept]
        return [place for place in found if place[1].rpartition("-")[0] not in flagged or not _verdict(place)]

    def _units(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give what was noted of each unit."""
        yield from self._about.get("units", {}).items()
        for file in (self.folder / UNITS).glob("*.unit.json"):
            yield file.name.removesuffix(".unit.json"), json.loads(file.read_text())

    @cached_property
    def _body(self):
        return load_body("open-neutral")

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Picture:
        sample = self.sample(index)
        image = next(sample.files[kind] for kind in PICTURES if kind in sample.files)
        parts = sample.files.get(PART_MASK)
        return labelled(
            decoded(image), None if parts is None else decoded(parts, grey=True), sample.labels, self.names, self._body
        )

    def sample(self, index: int) -> Sample:
        """Return a sample as it was written."""
        place = self.places[index]
        return decode(place[1], _read(place, place[2]))

    def draw(self, count: int, turn: Turn, rng: np.random.Generator) -> list[Picture]:
        """Return any pictures."""
        del turn
        return [self[int(i)] for i in rng.integers(len(self), size=count)]


def _read(place: Place, suffixes: Iterable[str]) -> dict[str, bytes]:
    """Return some parts of a sample."""
    path, _, where = place
    files: dict[str, bytes] = {}
    with path.open("rb") as file:
        for suffix in suffixes:
            file.seek(where[suffix][0])
            files[suffix] = file.read(where[suffix][1])
    return files


def _verdict(place: Place) -> int:
    """Return what is wrong with a sample, 0 = nothing."""
    return int(decode(place[1], _read(place, [LABELS])).labels.get("verdict", 0))


def _places(path: Path) -> Iterator[Place]:
    """Give the samples of a tar file, whose parts stand next to each other."""
    key, where = "", {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            stem, _, suffix = member.name.partition(".")
            if key and stem != key:
                yield path, key, where
                where = {}
            key = stem
            where[suffix] = (member.offset_data, member.size)
    if key:
        yield path, key, where


class Stream:
    """Synthetic people without end (`train.synth.stream`), each picture seen once.

    Args:
        world: Where they come from.
        seed: The same seed, the same people.
    """

    def __init__(self, world: Sources, *, seed: int = 0) -> None:
        self._world, self._seed = world, seed
        self._at = -1
        self._rest: Iterator[Picture] = iter(())

    @cached_property
    def _make(self) -> Callable[[int], Iterator[Picture]]:
        from train.synth.labels import point_names
        from train.synth.options import make_world
        from train.synth.render import Renderer
        from train.synth.stream import crops_of_block
        from train.synth.studio import Studio

        world, studio, body = make_world(self._world, "train"), Studio(Renderer(fine=1.5)), load_body("open-neutral")
        person = world.cast(world.identities[0]).pose(*_at_rest())
        names = point_names(person)

        def make(block: int) -> Iterator[Picture]:
            for taken in crops_of_block(world, studio, seed=self._seed, block=block):
                yield labelled(taken.image, taken.parts, taken.labels, names, body)

        return make

    def draw(self, count: int, turn: Turn, rng: np.random.Generator) -> list[Picture]:
        """Return the next pictures of this worker's blocks; the source must always be asked for as many."""
        from train.synth.stream import BLOCK

        del rng
        out: list[Picture] = []
        for wanted in range(turn.number * count, (turn.number + 1) * count):
            block, row = divmod(wanted, BLOCK)
            if wanted != self._at:  # a training that goes on
                self._rest = self._make(block * turn.workers + turn.worker)
                for _ in range(row):
                    next(self._rest)
            elif row == 0:
                self._rest = self._make(block * turn.workers + turn.worker)
            out.append(next(self._rest))
            self._at = wanted + 1
        return out


def _at_rest():
    import torch

    return torch.zeros(46), torch.zeros(3)
