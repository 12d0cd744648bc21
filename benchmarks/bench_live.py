"""The live path on a video in place of a camera, beside MediaPipe alone in the same loop: frames/s, latency, memory.

Run by `make bench`, or: python benchmarks/bench_live.py [VIDEO] [--seconds 30]. The video plays at its
own pace, over and over. Both drop pictures that come while they are busy. CPU time per picture does not depend on what
else the machine does; the rest does, and is worth something on an idle machine only. It needs `skelvid models fetch
mediapipe-heavy`. Without a video it takes the one of demo/01_run_video.py, if that was run before.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from skelvid.angles.table import ANGLE_NAMES
from skelvid.config import load_config
from skelvid.datatypes.frames import Frame
from skelvid.draw.bones import make_bones
from skelvid.draw.live import LiveView
from skelvid.draw.overlay import DEFAULT_ANGLES
from skelvid.motion.lift import Lifter
from skelvid.people.mediapipe_source import MediaPipePose
from skelvid.pipeline.estimate import load_lifter
from skelvid.pipeline.live import stream
from skelvid.video.webcam import Webcam

CLIP = Path(__file__).parents[1] / ".cache" / "sports2d_demo.mp4"
SIDE_PX = 960
# Loading and the first look at a picture are not what this is about.
WARM_UP_S = 2.0


class Loop:
    """A video over and over, as a camera; frames' indices and times go on rising."""

    def __init__(self, video: Path, seconds: float) -> None:
        self._video, self._seconds = video, seconds
        self._before = 0
        self._camera: Webcam | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frames until the time is over."""
        time_s = 0.0
        while time_s < self._seconds:
            begin_s, index = time_s, -1
            with Webcam(str(self._video), kind=None, max_side_px=SIDE_PX, paced=True) as self._camera:
                for frame in self._camera:
                    index, time_s = frame.index, begin_s + frame.time_s
                    yield Frame(frame.image, self._before + index, time_s)
                    if time_s >= self._seconds:
                        return
            self._before += index + 1
            time_s += 1 / 30

    def age_s(self, index: int) -> float:
        """Return how long ago a picture came; NaN for the last of a round."""
        return float("nan") if self._camera is None else self._camera.age_s(index - self._before)


@dataclass
class Tally:
    """What is counted after the warm-up."""

    frames: int = 0
    late_s: list[float] = field(default_factory=list[float])
    memory_mb: list[float] = field(default_factory=list[float])
    began_s: float = 0.0
    cpu_s: float = 0.0
    seconds: float = 0.0

    def note(self, frame: Frame, late_s: float) -> None:
        """Count a frame."""
        if frame.time_s < WARM_UP_S:
            self.began_s, self.cpu_s = time.perf_counter(), time.process_time()
            return
        self.frames += 1
        self.late_s.append(late_s)
        self.seconds = time.perf_counter() - self.began_s
        if self.frames % 50 == 1:
            self.memory_mb.append(_memory_mb())

    def row(self, name: str) -> list[str]:
        """Return what to print."""
        late_ms = 1000.0 * np.nanpercentile(self.late_s, (50, 95))
        cpu_ms = 1000.0 * (time.process_time() - self.cpu_s) / self.frames
        memory = f"{self.memory_mb[0]:.0f} -> {self.memory_mb[-1]:.0f}"
        return [
            name,
            f"{self.frames / self.seconds:.1f}",
            f"{late_ms[0]:.0f}",
            f"{late_ms[1]:.0f}",
            f"{cpu_ms:.0f}",
            memory,
        ]


def skelvid_live(video: Path, seconds: float, lifter: Lifter) -> Tally:
    """Time everything that `skelvid webcam` does but the window itself."""
    loop, tally, view = Loop(video, seconds), Tally(), None
    bones = make_bones(lifter.body.landmark_names)
    for moment in stream(loop, load_config("webcam"), lifter=lifter):
        if view is None:
            view = LiveView(moment.frame.size_hw, bones, ANGLE_NAMES, shown=DEFAULT_ANGLES)
        points_m = None if moment.points is None else bones.pick(moment.points)[0]
        camera = None if moment.motion is None else moment.motion.camera
        view(moment.frame, points_m, camera, moment.angles, notes=("live",))
        tally.note(moment.frame, loop.age_s(moment.frame.index))
    return tally


def mediapipe_alone(video: Path, seconds: float, _: Lifter) -> Tally:
    """Time MediaPipe's 2D points of the most prominent person, and nothing else."""
    loop, tally, source = Loop(video, seconds), Tally(), MediaPipePose()
    for frame in loop:
        source(frame)
        tally.note(frame, loop.age_s(frame.index))
    return tally


def _memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if os.name == "posix" else 0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", choices=("skelvid", "mediapipe"))
    args = parser.parse_args()
    console = Console()
    if not args.video.is_file():
        console.print(f"{args.video} is not here: run demo/01_run_video.py first, or name a video")
        return
    ways: dict[str, Callable[[Path, float, Lifter], Tally]] = {"skelvid": skelvid_live, "mediapipe": mediapipe_alone}
    lifter = load_lifter(load_config("webcam"))
    table = Table("", "frames/s", "latency ms", "95 %", "CPU ms/frame", "memory MB", box=None)
    rates: dict[str, float] = {}
    for name, way in ways.items():
        if args.only in (None, name):
            tally = way(args.video, args.seconds, lifter)
            rates[name] = tally.frames / tally.seconds
            table.add_row(*tally.row(name))
    console.print(
        f"{args.video.name}, {args.seconds:g} s each, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    console.print(table)
    if len(rates) == 2:
        console.print(f"skelvid / MediaPipe alone: {rates['skelvid'] / rates['mediapipe']:.2f} of its frames/s")


if __name__ == "__main__":
    main()
