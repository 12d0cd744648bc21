"""Where the errors of the lifter come from: `python -m benchmarks.error_budget --data DIR [--weights FILE] [--write]`.

For the clips with marker mocap, our body takes the measured motion, the camera is found from it and the keypoints (its
place, focal length and clock), and one thing at a time that the lifter has to guess is replaced by the truth. What is
found here uses the reference: it explains errors and must not be used to make them smaller.
"""

import argparse
import gzip
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from rich.console import Console
from rich.table import Table
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation, Slerp

from benchmarks.estimators import angles_of_motion
from benchmarks.evaluate import write_part
from benchmarks.real_clips import RealClip, Seen, angles_of_segments, data_folder, joint_angles_of, look, real_clips
from benchmarks.scores import score
from skelvid.angles.compute import TEMPLATE_GROUND, q_from_angles
from skelvid.angles.table import ANGLE_NAMES
from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.keypoints import BLAZEPOSE_33
from skelvid.body.model import SkelBody
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import Keypoints2D
from skelvid.errors import SkelvidError
from skelvid.motion.lift import Lifter
from skelvid.motion.refine import refine
from train.lift.offsets import offset_m
from train.lift.reference import Posed, Trial, fit_reference, kinds, pose, solve_offset, view

# Origins of the reference's bodies are the joints of the same name, within mm.
_JOINTS_MM = {"femur": 10.0, "tibia": 10.0, "talus": 10.0, "calcn": 15.0, "toes": 15.0, "humerus": 20.0, "ulna": 15.0,
              "hand": 15.0}  # fmt: skip
_ARM_REST_RAD = {"pro_sup_r": np.pi / 2, "pro_sup_l": np.pi / 2}
_ROBUST_PX = 10.0
_TRUNK_AND_LIMBS = [
    i for i, n in enumerate(BLAZEPOSE_33) if "shoulder" in n or "elbow" in n or i >= BLAZEPOSE_33.index("left_hip")
]
_RATE_HZ = 100.0


@dataclass(frozen=True)
class Bodies:
    """Orientation and origin of the reference's bodies, in its ground axes."""

    time_s: Float[ndarray, "t"]
    rot: dict[str, Rotation]
    origin_m: dict[str, Float[ndarray, "t 3"]]


def read_bodies(path: Path) -> Bodies:
    """Read an OpenCap visualizer file."""
    with gzip.open(path, "rt") as file:
        data = json.load(file)
    rot = {name: Rotation.from_euler("XYZ", np.array(body["rotation"])) for name, body in data["bodies"].items()}
    origin = {name: np.array(body["translation"], float) for name, body in data["bodies"].items()}
    return Bodies(np.array(data["time"], float), rot, origin)


def trial_of(bodies: Bodies) -> Trial:
    """Return the motion as SKEL angles and joint positions."""
    told = angles_of_segments(bodies.rot)
    tilt = bodies.rot["pelvis"].as_euler("ZXY")
    angles = {name: np.zeros_like(bodies.time_s) for name in ANGLE_NAMES}
    angles |= {name: values for name, values in told.items() if name in angles}
    angles |= {f"pelvis_{name}": tilt[:, i] for i, name in enumerate(("tilt", "list", "rotation"))}
    angles |= {name: angles[name] + value for name, value in _ARM_REST_RAD.items()}
    for name in ("extension", "bending", "rotation"):
        angles[f"lumbar_{name}"] = angles[f"thorax_{name}"] = told[f"trunk_{name}"] / 2
    for side, sign in (("r", 1.0), ("l", -1.0)):
        humerus = bodies.rot[f"humerus_{side}"]
        arm = (bodies.rot["torso"].inv() * humerus).as_euler("ZXY").T * np.array([[1.0], [sign], [sign]])
        angles |= {f"arm_{name}_{side}": values for name, values in zip(("flex", "add", "rot"), arm, strict=True)}
        bent = (humerus.inv() * bodies.rot[f"ulna_{side}"]).as_matrix()[:, 1, 1]
        angles[f"elbow_flex_{side}"] = np.arccos(np.clip(bent, -1.0, 1.0))
    ordered = {name: angles[name] for name in ANGLE_NAMES}
    q = q_from_angles(joint_angles_of(bodies.time_s, ordered), ground=TEMPLATE_GROUND)
    points = np.stack([bodies.origin_m[name] for name in _joints()], axis=1) @ TEMPLATE_GROUND.T
    return Trial(q, bodies.origin_m["pelvis"] @ TEMPLATE_GROUND.T, points)


def _joints() -> list[str]:
    return [f"{name}_{side}" for side in "rl" for name in _JOINTS_MM]


@dataclass(frozen=True)
class Solved:
    """A reference as our body in the frame of the camera that filmed it.

    Attributes:
        posed: At the frames of the video.
        rot, trans_m: World (template axes) to camera.
        focal_px: Focal length.
        shift_s: Time of the reference minus time of the video.
        error_px: Median distance of the source's points after the offsets of this clip.
        offset_m: `k 3` these offsets.
        pelvis: Orientation of the reference's pelvis in the camera's frame, at the frames.
    """

    posed: Posed
    rot: Float[ndarray, "3 3"]
    trans_m: Float[ndarray, "3"]
    focal_px: float
    shift_s: float
    error_px: float
    offset_m: Float[ndarray, "33 3"]
    pelvis: Rotation


@dataclass(frozen=True)
class _Film:
    """A clip, and our body at the times of its reference; x is a camera: turn, shift, log focal length, clock."""

    bodies: Bodies
    whole: Posed
    seen: Seen

    def posed(self, shift_s: float, frames: Int[ndarray, "f"]) -> Posed:
        """Return the body at frames of the video."""
        time_s = self.bodies.time_s
        index = np.interp(self.seen.track.time_s[frames] + shift_s, time_s, np.arange(len(time_s)))
        low = np.minimum(index.astype(int), len(time_s) - 2)
        share, points = (index - low)[:, None, None], self.whole.points_m
        between = points[low] * (1 - share) + points[low + 1] * share
        return Posed(between, self.whole.segment_rot[np.rint(index).astype(int)])

    def distance_px(self, x: Float[ndarray, "8"], offset_m: Float[ndarray, "33 3"]) -> Float[ndarray, "f k 2"]:
        """Return how far points, moved by offsets, are from where the source saw them, in some of the frames."""
        frames = np.arange(0, len(self.seen.track), max(1, len(self.seen.track) // 60))
        points = moved(self.posed(x[7], frames), offset_m)[:, _TRUNK_AND_LIMBS]
        at = points @ Rotation.from_rotvec(x[:3]).as_matrix().T + x[3:6]
        image = at[..., :2] / np.maximum(at[..., 2:], 0.1) * np.exp(x[6]) * self.seen.camera.focal_px
        return image + self.seen.camera.center_px - self.seen.track.keypoints.xy[frames][:, _TRUNK_AND_LIMBS]

    def fit(
        self, start: Float[ndarray, "8"], offset_m: Float[ndarray, "33 3"], *, clock_s: float | None = None
    ) -> Float[ndarray, "8"]:
        """Find the camera; `clock_s` holds its clock."""
        scale = np.array([0.1] * 3 + [0.3] * 3 + [0.1, 0.02])
        held = [] if clock_s is None else [clock_s]
        free = 8 - len(held)
        found = least_squares(
            lambda x: self.distance_px(np.r_[x, held], offset_m).ravel() / _ROBUST_PX,
            start[:free],
            loss="soft_l1",
            x_scale=scale[:free],
            max_nfev=30,
        )
        return np.r_[found.x, held]

    def starts(self) -> list[Float[ndarray, "8"]]:
        """Return level cameras all around the person, 3.5 m away."""
        camera = self.seen.camera
        ray = (np.nanmean(self.seen.track.keypoints.xy, (0, 1)) - camera.center_px) / camera.focal_px
        out = []
        for yaw in np.arange(0, 2 * np.pi, np.pi / 12):
            rot = Rotation.from_euler("x", np.pi) * Rotation.from_euler("y", yaw)
            trans_m = 3.5 * np.r_[ray, 1.0] - rot.apply(self.whole.points_m.mean((0, 1)))
            out.append(np.r_[rot.as_rotvec(), trans_m, 0.0, 0.0])
        return out


def solve_camera(body: SkelBody, bodies: Bodies, seen: Seen, *, clock_s: float | None = None) -> Solved:
    """Find the camera, its clock unless that is given, and the landmark offsets of this very clip."""
    ties: list[dict[str, float]] = [{name: 1.0} for name in _joints()]
    sigma_m = [mm / 1000 for _ in "rl" for mm in _JOINTS_MM.values()]
    params = fit_reference(body, {"clip": trial_of(bodies)}, ties, sigma_m)["clip"]
    film, offset, every = _Film(bodies, pose(body, params), seen), np.zeros((33, 3)), np.arange(len(seen.track))
    start = min(film.starts(), key=lambda start: float(np.abs(film.distance_px(start, offset)).sum()))
    x = film.fit(start, offset, clock_s=clock_s)
    for _ in range(3):
        rays = (seen.track.keypoints.xy - seen.camera.center_px) / (np.exp(x[6]) * seen.camera.focal_px)
        rot = Rotation.from_rotvec(x[:3]).as_matrix()
        looked = view(film.posed(x[7], every), rays, rot=rot, trans_m=x[3:6])
        for columns in kinds().values():
            offset[columns] = solve_offset([looked], columns, rate_hz=60.0)[0]
        x = film.fit(x, offset, clock_s=clock_s)
    rot = Rotation.from_rotvec(x[:3])
    time_s = np.clip(seen.track.time_s + x[7], bodies.time_s[0], bodies.time_s[-1])
    return Solved(
        posed=film.posed(x[7], every),
        rot=rot.as_matrix(),
        trans_m=x[3:6],
        focal_px=float(np.exp(x[6]) * seen.camera.focal_px),
        shift_s=float(x[7]),
        error_px=float(np.median(np.linalg.norm(film.distance_px(x, offset), axis=-1))),
        offset_m=offset,
        pelvis=rot * Rotation.from_matrix(TEMPLATE_GROUND) * Slerp(bodies.time_s, bodies.rot["pelvis"])(time_s),
    )


def moved(posed: Posed, offset_m: Float[ndarray, "33 3"]) -> Float[ndarray, "t 33 3"]:
    """Return points moved by offsets in their segments (as on the right side: segments are mirrored)."""
    return posed.points_m + (posed.segment_rot @ offset_m[..., None])[..., 0]


def _mean_offsets() -> Float[ndarray, "33 3"]:
    return offset_m("mediapipe", [name.replace("left", "right") for name in BLAZEPOSE_33])[0].double().numpy()


def seen_at(points_m: Float[ndarray, "t k 3"], solved: Solved, seen: Seen) -> Float[ndarray, "t k 2"]:
    """Return where the solved camera sees points of the world, px."""
    at = points_m @ solved.rot.T + solved.trans_m
    return at[..., :2] / at[..., 2:] * solved.focal_px + seen.camera.center_px


def perfect(seen: Seen, solved: Solved) -> Seen:
    """Return the keypoints of a source that is right but for its mean offsets."""
    xy = seen_at(moved(solved.posed, _mean_offsets()), solved, seen)
    return _with_points(seen, xy, np.ones(xy.shape[:2]))


def without_offsets(seen: Seen, solved: Solved) -> Seen:
    """Return the keypoints with this clip's own offsets exchanged for the mean ones."""
    own, mean = (seen_at(moved(solved.posed, o), solved, seen) for o in (solved.offset_m, _mean_offsets()))
    return _with_points(seen, seen.track.keypoints.xy + mean - own, seen.track.keypoints.score)


def _with_points(seen: Seen, xy: Float[ndarray, "t k 2"], score: Float[ndarray, "t k"]) -> Seen:
    return replace(seen, track=replace(seen.track, keypoints=Keypoints2D(xy, score, seen.track.keypoints.names)))


def with_pelvis(body: SkelBody, motion: Motion, solved: Solved) -> JointAngles:
    """Return the angles with the hips told from the true pelvis."""
    angles = angles_of_motion(motion)
    rot = body.skeleton(motion.params.to_torch()).joint_rot.double().numpy()
    bones = {
        f"{b}_{s}": Rotation.from_matrix(rot[:, JOINT_INDEX[f"{b}_{s}"]])
        for b in ("femur", "tibia", "talus")
        for s in "rl"
    }
    hips = angles_of_segments({"pelvis": solved.pelvis, "torso": solved.pelvis, **bones})
    values = {name: hips[name] if name.startswith("hip") else angles[name] for name in angles.names}
    return joint_angles_of(angles.time_s, values)


def budget(clip: RealClip, bodies: Bodies, seen: Seen, lifter: Lifter) -> tuple[Solved, dict[str, list[str]]]:
    """Return legs' errors, raw / offset removed, of the lifter and of lifter and fit, for each thing swapped in."""
    solved, truth = solve_camera(lifter.body, bodies, seen), clip.truth()
    true_focal = replace(seen.camera, focal_px=solved.focal_px)
    swaps: dict[str, tuple[Seen, bool, bool]] = {
        "nothing": (seen, False, False),
        "clock": (seen, True, False),
        "clock and focal length": (replace(seen, camera=true_focal), True, False),
        "clock and landmark offsets of this clip": (without_offsets(seen, solved), True, False),
        "clock and pelvis orientation (hips only)": (seen, True, True),
        "clock and keypoints": (perfect(seen, solved), True, False),
        "clock, keypoints, focal length": (replace(perfect(seen, solved), camera=true_focal), True, False),
        "clock, keypoints, pelvis orientation": (perfect(seen, solved), True, True),
    }
    rows: dict[str, list[str]] = {}
    for name, (given, clock, pelvis) in swaps.items():
        lifted = lifter(given.track, given.camera)
        rows[name] = []
        for motion in (lifted, refine(lifter.body, lifted, given.track)):
            angles = with_pelvis(lifter.body, motion, solved) if pelvis else angles_of_motion(motion)
            scores = score(angles, truth, shift_s=solved.shift_s if clock else 0.0)
            rows[name].append(f"{scores.legs('raw'):.1f} / {scores.legs('free'):.1f}")
    return solved, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the reference clips; else SKELVID_DATA")
    parser.add_argument("--weights", type=Path, help="a lifter's checkpoint; else the one that ships")
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    parser.add_argument("--write", action="store_true", help="write the table into docs/evaluation.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        lifter = Lifter.load(args.weights)
        clips = [clip for clip in real_clips(data_folder(args.data)) if clip.reference == "marker mocap"]
        columns, notes = ["swapped in"], list[str]()
        rows: dict[str, list[str]] = {}
        for clip in clips:
            bodies, seen = read_bodies(clip.video.parent / "sample_mocap.json.gz"), look(clip, args.cache)
            solved, cells = budget(clip, bodies, seen, lifter)
            columns += [f"{clip.name}, lifter", f"{clip.name}, with fit"]
            rows = {name: rows.get(name, []) + row for name, row in cells.items()}
            share = solved.focal_px / max(seen.camera.size_hw)
            notes.append(
                f"{clip.name}: focal length {share:.2f} of the longer side, clock {1000 * solved.shift_s:+.0f} ms, "
                f"median distance of keypoints after offsets {solved.error_px:.1f} px"
            )
    except SkelvidError as error:
        sys.exit(f"error: {error}")
    table = Table(*columns, title="legs, deg, raw / offset removed")
    for name, row in rows.items():
        table.add_row(name, *row)
    Console(width=140).print(table, *notes, sep="\n")
    if args.write:
        head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
        body = [f"| {' | '.join([name, *row])} |" for name, row in rows.items()]
        write_part("budget", "\n".join([*head, *body, "", *(f"- {note}" for note in notes)]), "benchmarks.error_budget")


if __name__ == "__main__":
    main()
