"""What bad keypoints do to the angles of real videos: `python -m benchmarks.robustness --data DIR [--weights FILE]`.

MediaPipe's keypoints of a clip are damaged in its middle third, where people move; lifted and fitted, they are compared
with what comes of the undamaged ones, and with the reference. `--write` puts the table into `docs/evaluation.md`.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from benchmarks.estimators import angles_of_motion
from benchmarks.evaluate import markdown_table, write_part
from benchmarks.real_clips import RealClip, Seen, data_folder, look, real_clips
from benchmarks.scores import LEGS, score
from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.motion.lift import Lifter
from skelvid.motion.refine import refine

_OTHER_SIDE = [
    BLAZEPOSE_33.index(name.replace("left", "<").replace("right", "left").replace("<", "right"))
    for name in BLAZEPOSE_33
]
_LOST_SHARE = 0.2
SPANS_S = {
    "nothing": 0.0,
    "left and right swapped for 0.3 s": 0.3,
    "20 % of all points lost": 0.0,
    "nobody for 1 s": 1.0,
}


def damaged(track: KeypointTrack, kind: str, rng: np.random.Generator) -> tuple[KeypointTrack, slice]:
    """Return a track with damage, and the frames that it is in."""
    xy, score_ = track.keypoints.xy.copy(), track.keypoints.score.copy()
    start, end = np.searchsorted(track.time_s, track.time_s[-1] * 0.4 + np.array([0.0, SPANS_S[kind]]))
    span = slice(int(start), int(end)) if SPANS_S[kind] else slice(0, len(track))
    if "swapped" in kind:
        xy[span], score_[span] = xy[span][:, _OTHER_SIDE], score_[span][:, _OTHER_SIDE]
    elif "lost" in kind:
        score_[rng.random(score_.shape) < _LOST_SHARE] = 0.0
    elif "nobody" in kind:
        score_[span] = 0.0
    xy[score_ == 0.0] = np.nan
    return KeypointTrack(track.person_id, track.time_s, Keypoints2D(xy, score_, track.keypoints.names)), span


def legs_deg(angles: JointAngles) -> Float[ndarray, "t 10"]:
    """Return the angles of the legs; NaN where nobody is told."""
    return np.degrees(np.column_stack([angles[name] for name in LEGS]))


def rows(clip: RealClip, seen: Seen, lifter: Lifter) -> list[list[str]]:
    """Return the table's rows of a clip."""
    rng, truth, out = np.random.default_rng(0), clip.truth(), []
    whole: dict[str, ndarray] = {}
    for kind in SPANS_S:
        track, span = damaged(seen.track, kind, rng)
        lifted = lifter(track, seen.camera)
        for method, motion in (("lifter", lifted), ("lifter + fit", refine(lifter.body, lifted, track))):
            legs = legs_deg(angles_of_motion(motion))
            whole.setdefault(method, legs)
            off = np.abs(legs - whole[method])[span]
            told = np.isfinite(off).all(1)
            moved = (
                f"{off[told].mean():.1f}, at most {off[told].max():.0f}" if told.any() and kind != "nothing" else "-"
            )
            errors = score(angles_of_motion(motion), truth, shift_s=clip.clock_s or 0.0)
            legs_told = f"{errors.legs('raw'):.1f} / {errors.legs('free'):.1f}"
            out.append([clip.name, kind, method, legs_told, moved, f"{_not_told_s(motion):.2f}"])
    return out


def _not_told_s(motion: Motion) -> float:
    return float((~motion.visible).mean() * (motion.time_s[-1] - motion.time_s[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the reference clips; else SKELVID_DATA")
    parser.add_argument("--weights", type=Path, help="a lifter's checkpoint; else the one that ships")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    parser.add_argument("--write", action="store_true", help="write the table into docs/evaluation.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    lifter, table = Lifter.load(args.weights), []
    for clip in (c for c in real_clips(data_folder(args.data)) if c.reference == "marker mocap"):
        table += rows(clip, look(clip, args.cache), lifter)
    head = ["clip", "damage", "method", "legs against the reference", "legs against undamaged, there", "s not told"]
    text = markdown_table(head, table)
    print(text)
    if args.write:
        write_part("robustness", text, "benchmarks.robustness")


if __name__ == "__main__":
    main()
