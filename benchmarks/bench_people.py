"""Finding and following people at 720p: the detector that ships beside MediaPipe's, alone and inside `follow`.

Run by `make bench`, or: python benchmarks/bench_people.py [VIDEO] [--threads 2]. Without a video it takes the one of
demo/01_run_video.py, if that was run before. The keypoints that people are followed by cost the same whoever finds them
and much more than all the rest: here they are boxes from before, so that only reading, finding and following is timed.
Ratios above 1 mean that ours is faster; MediaPipe's is left out where it is not installed.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from skelvid.body.keypoints import COCO_17
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.errors import SkelvidError
from skelvid.geometry.boxes import iou
from skelvid.people.detect import Detector, detector
from skelvid.people.follow import EVERY_S, follow
from skelvid.people.sighting import Sighting
from skelvid.people.track import tracks
from skelvid.video.source import open_video

CLIP = Path(__file__).parents[1] / ".cache" / "sports2d_demo.mp4"
SIDE_PX = 1280
MAX_FRAMES = 300
LOOKS = 40
MIN_IOU = 0.2
NAMES = {"skelvid": "ours, ships", "mediapipe": "MediaPipe pose heavy"}


class Replay:
    """A keypoint source that knows already where everybody is: points all over the box that fits best."""

    names = COCO_17

    def __init__(self, known: Sequence[Boxes]) -> None:
        self._known = known

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        """Return `n 17` keypoints, missing where nobody is in a box."""
        assert boxes is not None
        found, known = missing_keypoints(self.names, (len(boxes),)), self._known[frame.index].xyxy
        if len(known):
            overlap = iou(boxes.xyxy, known)
            grid = np.stack([np.tile([0.0, 0.5, 1.0], 6)[:17], np.linspace(0.0, 1.0, 17)], -1)
            for row in np.flatnonzero(overlap.max(1) > MIN_IOU):
                low, high = known[overlap[row].argmax()].reshape(2, 2)
                found.xy[row], found.score[row] = low + grid * (high - low), 0.9
        return found


def look_ms(find: Detector, frames: Sequence[Frame]) -> float:
    """Return the time of one look, ms."""
    find(frames[:1])
    start = time.perf_counter()
    for frame in frames:
        find([frame])
    return 1e3 * (time.perf_counter() - start) / len(frames)


def follow_s(find: Detector, video: Path, known: Sequence[Boxes]) -> tuple[float, list[Sighting]]:
    """Return the time for reading, finding and following, s, and who was seen."""
    frames = (frame for frame in open_video(video, max_side_px=SIDE_PX) if frame.index < len(known))
    start = time.perf_counter()
    sightings = list(follow(frames, detector=find, source=Replay(known)))
    return time.perf_counter() - start, sightings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video", type=Path, nargs="?", default=CLIP)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    console = Console()
    if not given.video.is_file():
        console.print(f"no video at {given.video}: give one, or run `make demo` first")
        sys.exit(0)
    torch.set_num_threads(given.threads)
    finders: dict[str, Detector] = {}
    for name in NAMES:
        try:
            finders[name] = detector(name)()
        except SkelvidError as error:
            console.print(f"{NAMES[name]} is left out: {error}")
    if not finders:
        sys.exit(0)
    first = next(iter(finders.values()))
    frames = [f for f in open_video(given.video, max_side_px=SIDE_PX) if f.index < MAX_FRAMES]
    known = [first([frame])[0] for frame in frames]
    height, width = frames[0].size_hw
    title = f"{given.video.name}, {len(frames)} frames of {width}x{height}, a look every {EVERY_S:g} s"
    table = Table("detector", "one look, ms", "faster", "with following, frames/s", "faster", "followed", title=title)
    rows: dict[str, tuple[float, float, float]] = {}
    for name, find in finders.items():
        took_ms = look_ms(find, frames[:: max(1, len(frames) // LOOKS)])
        took_s, sightings = follow_s(find, given.video, known)
        seen = max((np.any(track.keypoints.score, -1).mean() for track in tracks(sightings)), default=0.0)
        rows[name] = took_ms, took_s, float(seen)
    base_ms, base_s, _ = rows.get("mediapipe", (math.nan, math.nan, 0.0))
    for name, (took_ms, took_s, seen) in rows.items():
        faster = f"{base_ms / took_ms:.1f}x", f"{base_s / took_s:.1f}x"
        table.add_row(NAMES[name], f"{took_ms:.0f}", faster[0], f"{len(frames) / took_s:.0f}", faster[1], f"{seen:.0%}")
    console.print(table)


if __name__ == "__main__":
    main()
