"""Reading video: ours beside OpenCV, in one process, both to RGB; ratios above 1 mean ours is faster. Then memory.

Run by `make bench`, or: python benchmarks/bench_video.py [VIDEO ...] [--threads 1]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from skelvid.video.reader import VideoFile
from skelvid.video.writer import VideoWriter

MAX_FRAMES = 300


def ours(path: Path, threads: int) -> int:
    count = 0
    for frame in VideoFile(path, threads=threads):
        count = frame.index + 1
        if count == MAX_FRAMES:
            break
    return count


def theirs(path: Path, threads: int) -> int:
    video, count = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads]), 0
    while count < MAX_FRAMES:
        found, image = video.read()
        if not found:
            break
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        count += 1
    video.release()
    return count


def best_ms(read: Callable[[Path, int], int], path: Path, threads: int) -> float:
    times_ms = []
    for _ in range(3):
        start = time.perf_counter()
        count = read(path, threads)
        times_ms.append(1e3 * (time.perf_counter() - start) / count)
    return min(times_ms)


def make_clip(path: Path, seconds: int) -> Path:
    """Write a moving pattern, 720p at 30 per second."""
    with VideoWriter(path, preset="ultrafast", threads=1) as video:
        picture = np.random.default_rng(0).integers(0, 255, (45, 80, 3), np.uint8).repeat(16, 0).repeat(16, 1)
        for number in range(30 * seconds):
            picture = picture.copy()
            picture[:, :8] = number % 256
            video.write(picture, number / 30)
    return path


def peak_mb(path: Path) -> float:
    """Read all of it in a process of its own, and return how far its memory rose above that after imports."""
    code = (
        "import sys, pathlib; from skelvid.video.reader import VideoFile\n"
        "def pages(): return int(pathlib.Path('/proc/self/statm').read_text().split()[1])\n"
        "before = pages()\n"
        "peak = max(pages() for frame in VideoFile(pathlib.Path(sys.argv[1]), threads=1))\n"
        "print(peak - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    return int(done.stdout) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        clips = {seconds: make_clip(Path(folder) / f"{seconds}s.mp4", seconds) for seconds in (10, 60)}
        table = Table(f"reading, {args.threads} thread(s), best of 3", "ours ms/frame", "OpenCV ms/frame", "ratio")
        for path in (clips[10], *args.videos):
            mine, other = (best_ms(read, path, args.threads) for read in (ours, theirs))
            table.add_row("/".join(path.parts[-2:]), f"{mine:.2f}", f"{other:.2f}", f"{other / mine:.2f}x")
        console.print(table)
        if Path("/proc/self/statm").exists():
            short, long = (peak_mb(clips[seconds]) for seconds in (10, 60))
            console.print(f"peak memory above imports, 720p: {short:.1f} MB for 10 s, {long:.1f} MB for 60 s")


if __name__ == "__main__":
    main()
