"""`skelvid run` beside MediaPipe heavy alone, whole processes on the same video; then memory by the length of a video.

Run by `make bench`, or: python benchmarks/bench_run.py [VIDEO] [--repeat 2] [--no-memory]. Ratios above 1 mean that
skelvid is faster. It needs `skelvid models fetch mediapipe-heavy`. Without a video it takes the one of
demo/01_run_video.py, if that was run before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from rich.console import Console
from rich.table import Table

from skelvid.downloads import model_path
from skelvid.export.to_npz import load_motion
from skelvid.video.source import open_video
from skelvid.video.writer import VideoWriter

CLIP = Path(__file__).parents[1] / ".cache" / "sports2d_demo.mp4"
RATE_HZ = 30.0
# What somebody would write who wants 2D points and nothing else.
MEDIAPIPE = """
import sys
import av
import mediapipe
from mediapipe.tasks import python as tasks
options = tasks.vision.PoseLandmarkerOptions(
    base_options=tasks.BaseOptions(model_asset_path=sys.argv[2]),
    running_mode=tasks.vision.RunningMode.VIDEO,
)
found = 0
with av.open(sys.argv[1]) as film, tasks.vision.PoseLandmarker.create_from_options(options) as landmarker:
    for frame in film.decode(video=0):
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame.to_ndarray(format="rgb24"))
        found += bool(landmarker.detect_for_video(image, round(frame.time * 1000)).pose_landmarks)
print(found)
"""


@dataclass(frozen=True, order=True)
class Run:
    """What a process took, by the clock and on all cores together, and in how many frames it found the person."""

    took_s: float
    cpu_s: float
    peak_mb: float
    found: int

    def row(self, frames: int, base_s: float) -> tuple[str, ...]:
        """Return what the table shows."""
        rate, ratio = f"{frames / self.took_s:.1f}", f"{base_s / self.took_s:.2f}x"
        return rate, f"{self.cpu_s:.0f}", f"{self.found}", f"{self.peak_mb:.0f}", ratio


def measure(command: list[str]) -> tuple[float, float, float, str]:
    """Return the time that a process takes, by the clock and of all cores, s, its peak memory, MB, and its output."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        took_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(errors.read().decode())
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return took_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, out.read().decode()


def ours(video: Path, config: str) -> Run:
    """Run skelvid, without the overlay, and with nothing known from earlier runs."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", str(video), "--out", folder, "--no-overlay", "--quiet", "--config", config]
        took_s, cpu_s, peak_mb, _ = measure([sys.executable, "-m", "skelvid", *words])
        return Run(took_s, cpu_s, peak_mb, int(load_motion(Path(folder) / "motion.npz").visible.sum()))


def theirs(video: Path) -> Run:
    """Run MediaPipe by itself."""
    took_s, cpu_s, peak_mb, found = measure(
        [sys.executable, "-c", MEDIAPIPE, str(video), str(model_path("mediapipe-heavy"))]
    )
    return Run(took_s, cpu_s, peak_mb, int(found.split()[-1]))


def loop(video: Path, path: Path, seconds: int) -> Path:
    """Write a video again and again until it is that long."""
    frames = [frame.image for frame, _ in zip(open_video(video, max_side_px=640), range(300), strict=False)]
    images = cycle([*frames, *frames[::-1]])
    with VideoWriter(path, preset="ultrafast") as film:
        for number in range(round(seconds * RATE_HZ)):
            film.write(next(images), number / RATE_HZ)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--no-memory", action="store_true")
    args = parser.parse_args()
    console = Console(width=110)
    if not args.video.exists():
        console.print(f"no video at {args.video}: run demo/01_run_video.py first, or give one")
        return
    frames = sum(1 for _ in open_video(args.video))
    table = Table(
        f"{args.video.name}, {frames} frames, best of {args.repeat}",
        "frames/s",
        "CPU s",
        "found in",
        "peak MB",
        "ratio",
    )
    alone = min(theirs(args.video) for _ in range(args.repeat))
    table.add_row("MediaPipe heavy alone, 2D points", *alone.row(frames, alone.took_s))
    for config in ("default", "accurate"):
        run = min(ours(args.video, config) for _ in range(args.repeat))
        table.add_row(f"skelvid run --config {config}, angles", *run.row(frames, alone.took_s))
    console.print(table)
    if not args.no_memory:
        with tempfile.TemporaryDirectory() as folder:
            short, long = (ours(loop(args.video, Path(folder) / f"{s}s.mp4", s), "default").peak_mb for s in (10, 60))
        console.print(f"peak memory, 640 px: {short:.0f} MB for 10 s, {long:.0f} MB for 60 s")


if __name__ == "__main__":
    main()
