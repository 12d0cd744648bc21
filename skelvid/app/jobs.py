"""Work that takes a while, one piece after the other; what became of each, and its files, until they are fetched."""

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from skelvid.datatypes.result import Result
from skelvid.errors import SkelvidError
from skelvid.pipeline.watch import Progress

log = logging.getLogger(__name__)

Work = Callable[[Progress], tuple[Result, ...]]
# Results that nobody asked for in so long are removed, hours before the server ends.
KEEP_S = 3600.0
# The folder of results at a job's place.
RESULTS = "results"


class _CancelledError(Exception):
    """Nobody wants it any longer."""


@dataclass
class Job:
    """One piece of work.

    Attributes:
        place: Its own folder, with the results and whatever else it needs.
        job_id: Not to be guessed.
        results: Once it is done.
        error: One sentence, if it failed.
    """

    place: Path
    job_id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    stage: str = "waiting"
    done: int = 0
    total: int | None = None
    error: str = ""
    results: tuple[Result, ...] = ()
    used_s: float = field(default_factory=time.monotonic)
    unwanted: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        """Where its results are."""
        return self.place / RESULTS

    def files(self) -> list[Path]:
        """Return the files to fetch, by their places in the folder of results."""
        if self.state != "done":
            return []
        found = (path.relative_to(self.folder) for path in sorted(self.folder.rglob("*")) if path.is_file())
        return [path for path in found if not any(part.startswith(".") for part in path.parts)]

    def told(self) -> dict[str, Any]:
        """Return its state, for the page."""
        files = [{"name": path.as_posix(), "bytes": (self.folder / path).stat().st_size} for path in self.files()]
        warnings = list(dict.fromkeys(warning for result in self.results for warning in result.warnings))
        return {name: getattr(self, name) for name in ("state", "stage", "done", "total", "error")} | {
            "files": files,
            "warnings": warnings,
            "people": [result.motion.person_id for result in self.results],
        }


class Jobs:
    """All jobs of a server, each in a folder of its own under `folder`, worked on one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._jobs = folder, dict[str, Job]()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="job")

    def new_place(self) -> Path:
        """Return a new, empty folder for a job and for what comes before it."""
        place = self._folder / secrets.token_urlsafe(8)
        place.mkdir(parents=True)
        return place

    def add(self, place: Path, work: Work, *, leftovers: Path | None = None) -> Job:
        """Queue work that puts results into `RESULTS` there; `leftovers` is removed when it ends, however it does."""
        self._sweep()
        job = Job(place)
        self._jobs[job.job_id] = job
        self._pool.submit(self._run, job, work, leftovers)
        return job

    def get(self, job_id: str) -> Job | None:
        """Return a job that is still kept."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.used_s = time.monotonic()
        return job

    def remove(self, job: Job) -> None:
        """Forget a job, end it if it runs, and remove its files."""
        job.unwanted.set()
        self._jobs.pop(job.job_id, None)
        if job.state in ("done", "failed"):
            shutil.rmtree(job.place, ignore_errors=True)

    def close(self) -> None:
        """End everything, and remove all files."""
        for job in list(self._jobs.values()):
            self.remove(job)
        self._pool.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, job: Job, work: Work, leftovers: Path | None) -> None:
        def say(stage: str, done: int, total: int | None) -> None:
            if job.unwanted.is_set():
                raise _CancelledError
            job.stage, job.done, job.total = stage, done, total

        job.state = "running"
        try:
            say("starting", 0, None)
            job.results = work(say)
            job.state = "done"
        except _CancelledError:
            job.state = "failed"
        except SkelvidError as error:
            job.state, job.error = "failed", str(error)
        except Exception:
            log.exception("a job failed")
            job.state, job.error = "failed", "skelvid itself failed at this: the terminal it runs in says how"
        finally:
            if leftovers is not None:
                shutil.rmtree(leftovers, ignore_errors=True)
            if job.unwanted.is_set():
                shutil.rmtree(job.place, ignore_errors=True)

    def _sweep(self) -> None:
        for job in list(self._jobs.values()):
            if job.state in ("done", "failed") and time.monotonic() - job.used_s > KEEP_S:
                self.remove(job)
