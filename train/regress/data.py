"""Batches without end, a pure function of their number, mixed from sources by weight; and Lightning's door to them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import lightning
import numpy as np
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from skelvid.errors import ConfigError
from train.regress.crops import Batch, Wobble, collate
from train.regress.features import Features
from train.regress.pictures import mirrored
from train.regress.sources import Shards, Source, Stream, Turn
from train.regress.teacher import Photographs
from train.synth.options import Sources

Make = Callable[[np.random.Generator, Turn], Batch]


class Rows(Protocol):
    """Something with rows."""

    def __len__(self) -> int: ...


class Endless(IterableDataset[Batch]):
    """Batch after batch; each depends on nothing but its number, so a training can go on anywhere.

    Args:
        make: Makes a batch out of a generator of its own.
        seed: Of the generators.
        start: Number of the first batch.
        rank, ranks: Which of several processes that train together this is.
    """

    def __init__(self, make: Make, *, seed: int, start: int = 0, rank: int = 0, ranks: int = 1) -> None:
        self._make, self._seed, self._start, self._rank, self._ranks = make, seed, start, rank, ranks

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        mine, step = (worker.id, worker.num_workers) if worker else (0, 1)
        # Batches are dealt to workers in turn, whoever makes them: the loader takes them back in that order.
        number = self._start + mine
        while True:
            who = number % step + step * self._rank
            rng = np.random.default_rng((self._seed, number * self._ranks + self._rank))
            yield self._make(rng, Turn(who, step * self._ranks, number // step))
            number += step


@dataclass(frozen=True)
class Mixture:
    """Where pictures come from, and how much of each.

    Attributes:
        shards: Folders of data sets in the training format, by weight.
        photographs: Folders that `train.regress.teacher` wrote, by weight.
        stream: Weight of synthetic people drawn as they are needed; world: where these come from.
        features: Folders that `train.regress.features` wrote, by weight; with them, nothing else.
    """

    shards: dict[str, float] = field(default_factory=dict)
    photographs: dict[str, float] = field(default_factory=dict)
    stream: float = 0.0
    world: Sources | None = None
    features: dict[str, float] = field(default_factory=dict)

    def sources(self) -> list[tuple[Source, float]]:
        """Open them.

        Raises:
            ConfigError: There is none, or one is empty.
        """
        found: list[tuple[Source, float]] = [(Shards(Path(f), but=20), w) for f, w in self.shards.items()]
        found += [(Photographs(Path(folder)), weight) for folder, weight in self.photographs.items()]
        if self.stream:
            if self.world is None:
                raise ConfigError("a stream needs a world to draw")
            found.append((Stream(self.world), self.stream))
        if not found:
            raise ConfigError("no data: name shards, photographs, a stream, or features")
        return found


class Data(lightning.LightningDataModule):
    """Batches for training and validation.

    Args:
        mixture: Where from.
        batch: Pictures in a batch.
        size_hw, grid: Of the crops, px, and of the patches.
        wobble: How crops vary.
        workers: Processes that make batches.
        seed: The same seed, the same batches.
        val: Folder of a data set in the training format for validation; else a twentieth of the shards, or what
            features hold out.
        val_most: No more than so many pictures of it.
    """

    def __init__(
        self,
        mixture: Mixture,
        *,
        batch: int = 64,
        size_hw: tuple[int, int] = (168, 126),
        grid: tuple[int, int] = (12, 9),
        wobble: Wobble | None = None,
        workers: int = 0,
        seed: int = 0,
        val: Path | None = None,
        val_most: int = 1000,
    ) -> None:
        super().__init__()
        self.mixture, self.batch = mixture, batch
        # Settings from a file come as lists.
        self.size_hw, self.grid = (size_hw[0], size_hw[1]), (grid[0], grid[1])
        self.wobble, self.workers, self.seed = wobble or Wobble(), workers, seed
        self.val, self.val_most = val, val_most
        self.done = 0

    def train_dataloader(self) -> DataLoader[Batch]:
        """Go on after the batches that were seen."""
        make = self._kept() if self.mixture.features else self._drawn()
        trainer = self.trainer
        rank, ranks = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        data = Endless(make, seed=self.seed, start=self.done, rank=rank, ranks=ranks)
        return DataLoader(data, batch_size=None, num_workers=self.workers, persistent_workers=self.workers > 0)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the held-out pictures, as they are."""
        if self.val is None and self.mixture.features:
            kept = Features(Path(next(iter(self.mixture.features))), part="val")
            return DataLoader(_Fixed(kept.__getitem__, min(len(kept), self.val_most), self.batch), batch_size=None)
        folders = {self.val: 1} if self.val else {Path(folder): 20 for folder in self.mixture.shards}
        folder, every = next(iter(folders.items()))
        shards = Shards(folder, every=every)
        chosen = np.linspace(0, len(shards) - 1, min(len(shards), self.val_most)).astype(int)

        def make(rows: np.ndarray) -> Batch:
            return collate([shards[int(chosen[row])] for row in rows], self.size_hw, self.grid)

        return DataLoader(_Fixed(make, len(chosen), self.batch), batch_size=None)

    def state_dict(self) -> dict[str, Any]:
        """Tell how many batches were seen."""
        assert self.trainer is not None
        return {"done": self.trainer.fit_loop.epoch_loop.total_batch_idx + 1}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after them."""
        self.done = state_dict["done"]

    def _drawn(self) -> Make:
        """Return what makes a batch of pictures of all sources."""
        sources, weights = zip(*self.mixture.sources(), strict=True)
        # The number of each is fixed, up to the rounding: a stream must always be asked for as many.
        counts = _shared(self.batch, weights)

        def make(rng: np.random.Generator, turn: Turn) -> Batch:
            pictures = [p for s, n in zip(sources, counts, strict=True) for p in s.draw(n, turn, rng)]
            pictures = [mirrored(p) if rng.random() < 0.5 else p for p in pictures]
            return collate(pictures, self.size_hw, self.grid, wobble=self.wobble, rng=rng)

        return make

    def _kept(self) -> Make:
        """Return what makes a batch of features."""
        kept = [Features(Path(folder), part="train") for folder in self.mixture.features]
        counts = _shared(self.batch, tuple(self.mixture.features.values()))

        def make(rng: np.random.Generator, turn: Turn) -> Batch:
            del turn
            parts = [k[rng.integers(len(k), size=n)] for k, n in zip(kept, counts, strict=True) if n]
            return parts[0] if len(parts) == 1 else _together(parts)

        return make


class _Fixed(Dataset[Batch]):
    """The same batches each time."""

    def __init__(self, make: Callable[[np.ndarray], Batch], count: int, batch: int) -> None:
        self._make = make
        self._rows = np.array_split(np.arange(count), max(1, count // batch))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Batch:
        return self._make(self._rows[index])


def _shared(total: int, weights: Sequence[float]) -> list[int]:
    """Divide a number by weights.

    >>> _shared(10, (2.0, 1.0, 1.0))
    [5, 3, 2]
    """
    ends = np.round(np.cumsum(weights) / np.sum(weights) * total + 1e-9).astype(int)
    return np.diff(ends, prepend=0).tolist()


def _together(parts: Sequence[Batch]) -> Batch:
    import torch

    if len({part.begun_blocks for part in parts}) > 1:
        raise ConfigError("these features end at different blocks of the backbone")
    named = [part.tensors() for part in parts]
    same = {"size_hw": parts[0].size_hw, "begun_blocks": parts[0].begun_blocks}
    return Batch(**same, **{name: torch.cat([n[name] for n in named]) for name in named[0]})  # type: ignore[arg-type]
