"""A video in, a folder of results out; what is finished stays, whatever happens afterwards."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from skelvid import __version__
from skelvid.config import RunConfig, to_yaml
from skelvid.datatypes.result import Result
from skelvid.draw.overlay import Overlay
from skelvid.draw.plots import write_plots
from skelvid.errors import SkelvidError
from skelvid.export.catalogue import exporter
from skelvid.files import whole_file
from skelvid.pipeline.estimate import estimate
from skelvid.pipeline.interpret import Lift
from skelvid.pipeline.store import Store, question
from skelvid.pipeline.stored import OVERLAY_NAME, write_page
from skelvid.pipeline.watch import Progress, Watched, open_frames
from skelvid.video.writer import VideoWriter

log = logging.getLogger(__name__)


def run_video(
    video: Path,
    folder: Path,
    config: RunConfig,
    *,
    lifter: Lift | None = None,
    watched: Watched | None = None,
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """Estimate everything of a video and write it into a folder, one folder in it for each person if there are several.

    Args:
        video: A file, or a folder of pictures.
        folder: Made if missing; a second run goes on from what networks said before, kept there in `.cache`.
        config: Settings.
        lifter: Loaded already; else what the settings name.
        watched: What networks said already, if anything; they are then not asked again.
        progress: Called with a stage, how much of it is done, and of how much.

    Raises:
        SkelvidError: As for `estimate`; or the folder cannot be written to, or the disk is full.
    """
    writers = [exporter(name) for name in config.export.files]
    open_frames(video, config.video)  # before a folder is made for nothing
    with _logging(folder):
        log.info("skelvid %s: %s", __version__, video)
        store = Store(folder / ".cache" / question(video, config))
        results = estimate(video, config, lifter=lifter, store=store, watched=watched, progress=progress)
        for warning in dict.fromkeys(warning for result in results for warning in result.warnings):
            log.info("warning: %s", warning)
        _write_text(folder / "config.yaml", to_yaml(config))
        places = person_folders(results, folder)
        for result, place in zip(results, places, strict=True):
            for write in writers:
                write(result, place / write.file_name)
            if config.export.plots:
                write_plots(result, place)
        if config.export.overlay:
            for result, place in zip(results, places, strict=True):
                write_overlay(result, place / OVERLAY_NAME, config, progress=progress)
        if config.export.report:
            for number, (result, place) in enumerate(zip(results, places, strict=True)):
                if progress:
                    progress("writing the report", number, len(results))
                write_page(result, place, pdf=config.export.pdf)
        log.info("done")
    return results


def person_folders(results: tuple[Result, ...], folder: Path) -> list[Path]:
    """Return where each person's files go; the number is the one that `--person` takes."""
    if len(results) == 1:
        return [folder]
    return [folder / f"person{result.motion.person_id:02d}" for result in results]


def write_overlay(result: Result, path: Path, config: RunConfig, *, progress: Progress | None = None) -> None:
    """Write the video with the skeleton drawn over the person.

    Raises:
        SkelvidError: The video can no longer be read, or the file cannot be written.
    """
    source = open_frames(result.video, config.video)
    total = len(result.motion.time_s)
    unit_s = source.info.unit_s if source.info.slow_motion == 1.0 and config.video.slow_motion is None else None
    with VideoWriter(path, unit_s=unit_s) as film:
        draw = Overlay(result, source.info.size_hw)
        for frame in source:
            film.write(draw(frame), frame.time_s)
            if progress:
                progress("drawing", frame.index + 1, total)


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


class _LogFile(logging.FileHandler):
    """A log that keeps silent when the disk is full: what matters fails by itself then."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing."""


@contextmanager
def _logging(folder: Path) -> Generator[None]:
    """Append what the package logs to `log.txt`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(folder / "log.txt", encoding="utf-8")
    except OSError as error:
        raise SkelvidError(f"{folder} cannot be written to: {error.strerror or error}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("skelvid")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except BaseException as error:
        log.error("%s", error or type(error).__name__)
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        handler.close()
