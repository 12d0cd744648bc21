"""A data set of sequences goes in, a motion library comes out: good clips, with the index that training reads."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.files import whole_file
from skelvid.upgrade.sample import Sample
from skelvid.upgrade.shards import read_manifest, read_samples

FORMAT = "skelvid-motion/1"
_SHORTEST = 16  # frames of a clip
_HELD_OUT = 0.1  # share of people


def write_library(dataset: Path, out: Path) -> tuple[int, int]:
    """Write each run of frames that nothing speaks against as a clip; return the numbers of clips and frames.

    Sequences only, in world axes (y up), evenly sampled: what cameras saw has no floor to stand on.
    """
    rows = [row for sample in read_samples(dataset) for row in _clips(sample, out)]
    held_out = _held_out({row["person"] for row in rows})
    rows = [row | {"split": "val" if row["person"] in held_out else "train"} for row in rows]
    about = {"format": FORMAT, "bodies": sorted(read_manifest(dataset)["bodies"])}
    with whole_file(out / "index.json") as part:
        part.write_text(json.dumps(about | {"clips": rows}, indent=1))
    return len(rows), sum(int(row["frames"]) for row in rows)


def _clips(sample: Sample, out: Path) -> Iterator[dict[str, Any]]:
    labels = sample.labels
    if sample.frames is None or str(labels["axes"]) != "world" or not {"trans_m", "time_s"} <= labels.keys():
        return
    person = str(labels.get("identity", sample.key))
    about = {"source": str(labels["source"]), "licence": str(labels["licence"]), "person": person}
    for number, (start, end) in enumerate(_runs(labels["verdict"] == 0)):
        if end - start < _SHORTEST:
            continue
        name, time_s = f"{sample.key}-{number}", labels["time_s"][start:end]
        fps = 1.0 / float(np.median(np.diff(time_s)))
        arrays = {key: labels[key][start:end] for key in ("q", "trans_m", "residual_mm")}
        file = f"clips/{name}.npz"
        with whole_file(out / file) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle, allow_pickle=False, betas=labels["betas"], time_s=time_s - time_s[0], fps=fps, **arrays
            )
        seconds = round((end - start) / fps, 3)
        yield {"file": file, "name": name, **about, "fps": fps, "frames": end - start, "seconds": seconds}


def _runs(good: np.ndarray) -> list[tuple[int, int]]:
    """Return first and last plus one of each run of true values.

    >>> _runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _held_out(people: set[str]) -> set[str]:
    """Return who is kept from training: the same people whoever else is there; at least one of several."""
    by_chance = sorted(people, key=_chance)
    count = sum(_chance(person) < _HELD_OUT for person in people)
    return set(by_chance[: max(count, int(len(people) > 1))])


def _chance(text: str) -> float:
    """Return a number in [0, 1) that a text always gives."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32
