"""How far the clocks of a video and of its reference are apart, from pixels: `python -m benchmarks.clock --data DIR`.

Limbs of the reference, seen by the camera, should move in the picture as the pixels under them do (dense optical flow).
No pose network and no angle takes part: keypoints only place the camera, at a clock that is held. The clock at which
reference and pixels agree best is found, the camera placed again at it, and so on from 0.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from rich.console import Console

from benchmarks.error_budget import Bodies, Solved, read_bodies, solve_camera
from benchmarks.real_clips import RealClip, Seen, data_folder, look, real_clips
from skelvid.angles.compute import TEMPLATE_GROUND
from skelvid.body.load import load_body
from skelvid.video.reader import VideoFile

_LIMBS = [
    (f"{upper}_{side}", f"{lower}_{side}")
    for side in "rl"
    for upper, lower in (("femur", "tibia"), ("tibia", "talus"), ("calcn", "toes"), ("ulna", "hand"))
]
_SHARES = (0.2, 0.4, 0.6, 0.8)
_SHIFTS_S = np.arange(-0.12, 0.121, 0.005)
_EVERY_PX, _ROBUST_PX_S, _ROUNDS = 3, 50.0, 4


def flow_of(video: Path) -> tuple[Float[ndarray, "p"], Float[ndarray, "p h w 2"]]:
    """Return the optical flow between frames, px/s, at every third pixel, and the times between them."""
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    times, flows = [], []
    frames = ((frame.time_s, cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)) for frame in VideoFile(video))
    for (before_s, first), (after_s, second) in pairwise(frames):
        flow = dense.calc(first, second, np.zeros((*first.shape, 2), np.float32))[::_EVERY_PX, ::_EVERY_PX]
        times.append((before_s + after_s) / 2)
        flows.append((flow / (after_s - before_s)).astype(np.float16))
    return np.array(times), np.stack(flows)


def limbs_px(
    bodies: Bodies, solved: Solved, seen: Seen, time_s: Float[ndarray, "t"]
) -> tuple[Float[ndarray, "t k 2"], Float[ndarray, "t k 2"]]:
    """Return where points along the reference's limbs are in the picture at times of the reference, px, and px/s."""

    def at(moment_s: Float[ndarray, "t"]) -> Float[ndarray, "t k 2"]:
        joint = {
            name: np.column_stack([np.interp(moment_s, bodies.time_s, column) for column in bodies.origin_m[name].T])
            for name in {end for limb in _LIMBS for end in limb}
        }
        points = np.stack([joint[a] * (1 - u) + joint[b] * u for a, b in _LIMBS for u in _SHARES], axis=1)
        there = points @ TEMPLATE_GROUND.T @ solved.rot.T + solved.trans_m
        return there[..., :2] / there[..., 2:] * solved.focal_px + seen.camera.center_px

    return at(time_s), (at(time_s + 0.01) - at(time_s - 0.01)) / 0.02


def disagreement(
    bodies: Bodies, solved: Solved, seen: Seen, flow: tuple[Float[ndarray, "p"], Float[ndarray, "p h w 2"]]
) -> Float[ndarray, "s"]:
    """Return how far limbs and pixels move apart at each of the clocks that are tried: a robust mean."""
    time_s, flows = flow
    edge = -_SHIFTS_S[0] + 0.01
    inside = np.flatnonzero((time_s > bodies.time_s[0] + edge) & (time_s < bodies.time_s[-1] - edge))
    most = np.array(flows.shape[2:0:-1]) - 1
    out = []
    for shift_s in _SHIFTS_S:
        at, moves = limbs_px(bodies, solved, seen, time_s[inside] + shift_s)
        column, row = np.moveaxis(np.clip(np.rint(at / _EVERY_PX).astype(int), 0, most), -1, 0)
        off = np.linalg.norm(flows[inside[:, None], row, column].astype(float) - moves, axis=-1)
        out.append(np.sqrt(1 + (off / _ROBUST_PX_S) ** 2).mean())
    return np.array(out)


def find_clock(clip: RealClip, seen: Seen) -> tuple[float, list[float]]:
    """Return time of the reference minus time of the video, s, and what each round found."""
    body, bodies = load_body("neutral"), read_bodies(clip.video.parent / "sample_mocap.json.gz")
    flow, found = flow_of(clip.video), [0.0]
    for _ in range(_ROUNDS):
        cost = disagreement(bodies, solve_camera(body, bodies, seen, clock_s=found[-1]), seen, flow)
        best = int(np.clip(cost.argmin(), 1, len(cost) - 2))
        bend, slope, _ = np.polyfit(_SHIFTS_S[best - 1 : best + 2], cost[best - 1 : best + 2], 2)
        found.append(float(-slope / bend / 2))
    return found[-1], found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the reference clips; else SKELVID_DATA")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for clip in (c for c in real_clips(data_folder(args.data)) if c.reference == "marker mocap"):
        clock_s, rounds = find_clock(clip, look(clip, args.cache))
        steps = ", ".join(f"{1000 * value:+.0f}" for value in rounds)
        Console().print(f"{clip.name}: {1000 * clock_s:+.0f} ms (rounds: {steps})")


if __name__ == "__main__":
    main()
