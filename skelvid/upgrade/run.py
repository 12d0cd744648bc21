"""Files of SMPL motion go in, one data set of SKEL motion comes out, sequence by sequence, on one machine or many."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import torch

from skelvid.body.load import load_body
from skelvid.errors import ConfigError, VideoError
from skelvid.upgrade.convert import Tools, make_samples, make_tools, notes_of, upgrade_sequence
from skelvid.upgrade.fit_clip import UpgradeOptions
from skelvid.upgrade.models import Kind, find_model, load_model
from skelvid.upgrade.readers import entries, read_sequence, reader_of
from skelvid.upgrade.sequence import Entry, thinned
from skelvid.upgrade.shards import About, begin, finish, write_unit
from skelvid.weights import body_path, sha256

Engine = Literal["local", "ray"]
SUFFIXES = (".npz", ".pkl", ".tar")
_ATTEMPTS = 3  # on a sequence whose worker died
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What an upgrade depends on.

    Attributes:
        models: Folder of the user's SMPL files.
        out: Folder of the data set.
        body: "open" or "official": that body of each person's sex; or the name or path of one body for all.
        rate_hz: Faster sequences are thinned to about this; None keeps all frames.
        pictures: Folder of the pictures that sequences name; None = sequences without pictures.
        source, licence: What to call the motion and what may be done with it, where the kind of file does not say.
        options: Of the fit.
    """

    models: Path
    out: Path
    body: str = "open"
    rate_hz: float | None = 30.0
    pictures: Path | None = None
    source: str | None = None
    licence: str | None = None
    options: UpgradeOptions = field(default_factory=UpgradeOptions)

    def body_for(self, sex: str) -> str:
        """Return the name of the body of someone."""
        return f"{self.body}-{sex}" if self.body in ("open", "official") else self.body

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it that the result depends on."""
        return {"version": 1, "body": self.body, "rate_hz": self.rate_hz, "pictures": self.pictures is not None} | {
            "options": asdict(self.options)
        }


@dataclass(frozen=True)
class Job:
    """One sequence to upgrade."""

    path: Path
    entry: Entry

    @property
    def unit(self) -> str:
        """What it is called in the data set."""
        return self.entry.name


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its row in the manifest, or why it was left out."""

    unit: str
    row: Mapping[str, Any] | None
    problem: str | None = None


Work = Callable[[Job, Settings], Outcome]


def find_jobs(paths: Iterable[Path]) -> tuple[list[Job], list[Outcome]]:
    """Return the sequences of files, and of all files in folders; and the files that cannot be read.

    Raises:
        ConfigError: There is no file, or two sequences have one name.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES) if path.is_dir() else [path]
        if not found or not all(p.is_file() for p in found):
            raise ConfigError(f"no SMPL motion at {path}: files of SMPL motion end in {', '.join(SUFFIXES)}")
        files += found
    jobs: dict[str, Job] = {}
    broken: list[Outcome] = []
    for file in files:
        try:
            listed = entries(file)
        except VideoError as error:
            broken.append(Outcome(str(file), None, str(error)))
            continue
        for entry in listed:
            if entry.name in jobs:
                raise ConfigError(f"{file} and {jobs[entry.name].path} hold sequences of one name, {entry.name}")
            jobs[entry.name] = Job(file, entry)
    return [jobs[name] for name in sorted(jobs)], broken


def do_job(job: Job, settings: Settings) -> Outcome:
    """Upgrade one sequence and write its unit; damage of the file is told, not raised."""
    torch.set_num_threads(1)  # the arrays are small, and there is a process for each core
    try:
        sequence = read_sequence(job.path, job.entry.name)
        if settings.rate_hz:
            sequence = thinned(sequence, settings.rate_hz)
        name = settings.body_for(sequence.sex)
        tools = _tools(name, settings.models, sequence.kind, sequence.sex)
        upgraded = upgrade_sequence(sequence, tools, options=settings.options)
        source, licence = _source(job.path, settings)
        texts = {"body": name, "source": source, "licence": licence}
        samples = list(make_samples(sequence, upgraded, texts, settings.pictures))
        return Outcome(job.unit, write_unit(settings.out, job.unit, samples, notes=notes_of(upgraded)))
    except VideoError as error:
        return Outcome(job.unit, None, str(error))


def upgrade(
    jobs: Sequence[Job],
    settings: Settings,
    *,
    engine: Engine = "local",
    workers: int = 1,
    address: str | None = None,
    tell: Callable[[Outcome], None] = lambda _: None,
    skip: Callable[[str], None] = lambda _: None,
    work: Work = do_job,
) -> list[Outcome]:
    """Upgrade what an earlier run has not finished, and pack all into shards.

    Args:
        jobs: The sequences.
        settings: What to do with them.
        engine: Processes of this machine, or those of a Ray cluster, which must see the same folders.
        workers: Processes of this machine.
        address: Of the Ray cluster; None starts one here.
        tell: Called after each sequence.
        skip: Called first with each sequence that an earlier run finished.
        work: What is done with a sequence.

    Returns:
        What became of the sequences of this run.

    Raises:
        AssetError: A model or body is missing.
        ConfigError: The folder holds data of other settings, bodies or models, or no sequence could be upgraded.
    """
    prepare(jobs, settings)
    done = begin(settings.out, _about(jobs, settings))
    for unit in sorted(done & {job.unit for job in jobs}):
        skip(unit)
    todo = [job for job in jobs if job.unit not in done]
    outcomes: list[Outcome] = []
    if engine == "ray":
        coming = _on_ray(todo, settings, address, work)
    else:
        coming = _on_this_machine(todo, settings, workers, work)
    for outcome in coming:
        outcomes.append(outcome)
        tell(outcome)
    finish(settings.out)
    return outcomes


def prepare(jobs: Sequence[Job], settings: Settings) -> None:
    """Register each model to its body once, before many processes need it at once."""
    for kind, sex in sorted({(job.entry.kind, job.entry.sex) for job in jobs}):
        _log.info("registering %s, %s", kind, sex)
        _tools(settings.body_for(sex), settings.models, kind, sex)


def _about(jobs: Sequence[Job], settings: Settings) -> About:
    bodies = sorted({settings.body_for(job.entry.sex) for job in jobs})
    models: set[tuple[Kind, str]] = {(job.entry.kind, job.entry.sex) for job in jobs}
    sources = dict(_source(job.path, settings) for job in jobs)
    return About(
        name="upgrade",
        recipe=settings.recipe,
        bodies={name: sha256(body_path(name)) for name in bodies},
        sources=dict(sorted(sources.items())),
        models={f"{kind}-{sex}": sha256(find_model(settings.models, kind, sex)) for kind, sex in sorted(models)},
    )


def _source(path: Path, settings: Settings) -> tuple[str, str]:
    reader = reader_of(path)
    return settings.source or reader.source, settings.licence or reader.licence


@lru_cache(maxsize=4)
def _tools(body_name: str, models: Path, kind: Kind, sex: str) -> Tools:
    """Load what a kind of person needs once per process."""
    return make_tools(load_body(body_name), load_model(find_model(models, kind, sex), kind, sex))


def _on_this_machine(jobs: Sequence[Job], settings: Settings, workers: int, work: Work) -> Iterator[Outcome]:
    """Work in this process, or in several; what a process that died was at is begun again by another."""
    if workers <= 1:
        yield from (work(job, settings) for job in jobs)
        return
    left, attempts = list(jobs), Counter[str]()
    while left:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            try:
                running = {pool.submit(work, job, settings): job for job in left}
                for future in as_completed(running):
                    yield future.result()
                    left.remove(running[future])
            except BrokenProcessPool:
                attempts.update(job.unit for job in left[: 2 * workers])
                left, lost = _split(left, lambda job: attempts[job.unit] < _ATTEMPTS)
                yield from (Outcome(job.unit, None, "its process died again and again") for job in lost)


def _split(jobs: Sequence[Job], keep: Callable[[Job], bool]) -> tuple[list[Job], list[Job]]:
    return [job for job in jobs if keep(job)], [job for job in jobs if not keep(job)]


def _on_ray(jobs: Sequence[Job], settings: Settings, address: str | None, work: Work) -> Iterator[Outcome]:
    """Work on a Ray cluster, which begins what a worker that died was at again on another.

    Raises:
        ConfigError: Ray is not installed.
    """
    try:
        ray = import_module("ray")  # an extra of its own
    except ImportError as error:
        raise ConfigError("the engine ray needs the package ray: pip install 'skelvid[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=address, log_to_driver=False)
    try:
        remote = ray.remote(num_cpus=1, max_retries=_ATTEMPTS)(work)
        running = [remote.remote(job, settings) for job in jobs]
        while running:
            done, running = ray.wait(running)
            yield from ray.get(done)
    finally:
        if ours:
            ray.shutdown()
