"""Frames and what networks said of them, as they come, in; at the end the same files as `run_video` writes, out."""

import logging
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from skelvid.config import RunConfig, VideoConfig
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.result import Result
from skelvid.errors import ConfigError, VideoError
from skelvid.files import whole_file
from skelvid.people.sighting import Sighting
from skelvid.pipeline.folder import run_video
from skelvid.pipeline.interpret import Lift
from skelvid.pipeline.store import FRAMES_PER_PART, Store
from skelvid.pipeline.watch import Progress, Watched, open_frames
from skelvid.video.scene import SceneWatch
from skelvid.video.writer import CLOCK_S, VideoWriter

log = logging.getLogger(__name__)
VIDEO_NAME = "video.mp4"


class Recording:
    """A film in the making, in a folder of results; use it in a `with` statement.

    However the block ends, by Ctrl-C too, the video is then whole. Only what does not fit the disk is lost. Memory
    stays as it is, however long it takes.

    Args:
        folder: Where `video.mp4` and the results go; made if missing.
        config: Settings of the results; those of the video do not count, as it is taken whole.

    Raises:
        ConfigError: The folder holds a recording already.
        SkelvidError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, config: RunConfig) -> None:
        self.folder, self.video = folder, folder / VIDEO_NAME
        self.frames = 0
        if self.video.exists():
            raise ConfigError(f"{folder} holds a recording already: name another folder")
        self._config = replace(config, video=VideoConfig(max_side_px=config.video.max_side_px))
        self._said = folder / ".cache" / "recording"
        shutil.rmtree(self._said, ignore_errors=True)
        with whole_file(self._said / "begun") as part:  # says at once, in words, if nothing can be written
            part.touch()
        self._store, self._scene, self._origin_s = Store(self._said), SceneWatch(), 0.0
        self._stack = ExitStack()
        self._film = self._stack.enter_context(VideoWriter(self.video, preset="ultrafast", threads=1))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(1))
        self._writing: Future[None] | None = None

    def add(self, frame: Frame, sighting: Sighting) -> None:
        """Take the next frame and what was seen in it; the picture is written while the caller goes on.

        Raises:
            SkelvidError: The disk is full, or fails otherwise.
        """
        if self._writing is not None:
            self._writing.result()
        if not self.frames:
            self._origin_s = frame.time_s
        # As the file will tell it, so that a second reading finds the same times.
        time_s = float(round(Fraction(frame.time_s - self._origin_s) / CLOCK_S) * CLOCK_S)
        self._scene.look(replace(frame, time_s=time_s))
        self._store.add(replace(sighting, index=self.frames, time_s=time_s))
        self.frames += 1
        if not self.frames % FRAMES_PER_PART:
            self._store.forget()
        self._writing = self._pool.submit(self._film.write, frame.image, time_s)

    def finish(self, *, lifter: Lift | None = None, progress: Progress | None = None) -> tuple[Result, ...]:
        """Make the results; call it after the `with` block.

        Raises:
            SkelvidError: As for `run_video`: nobody was seen, or for too short a time.
        """
        info = open_frames(self.video, self._config.video).info
        watched = Watched(info, Store(self._said).sightings, self._scene.scene(), ())
        results = run_video(self.video, self.folder, self._config, lifter=lifter, watched=watched, progress=progress)
        shutil.rmtree(self._said, ignore_errors=True)
        return results

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writing is None:
            with suppress(VideoError):  # there is no picture
                self._stack.close()
            shutil.rmtree(self._said, ignore_errors=True)
            return
        with self._stack:
            self._writing.result()
        self._store.forget()
