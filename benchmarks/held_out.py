"""Errors on simulated held-out people, with and without a network: `python -m benchmarks.held_out --library DIR ...`.

Clips of people the lifter never saw, on new bodies, by new cameras, with all that keypoint networks do wrong; each told
by fitting single frames without any network, by the lifter frame by frame, by the lifter, and by lifter and fit.
`--write` puts the tables into `docs/evaluation.md`.
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from rich.progress import track as progress

from benchmarks.evaluate import markdown_table, write_part
from skelvid.body.dofs import DOF_INDEX, DOF_NAMES
from skelvid.body.keypoints import keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.body.start import joint_angles
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import N_BETAS, SkelParams
from skelvid.geometry.camera import project
from skelvid.motion.clip_cost import RefineOptions
from skelvid.motion.lift import Lifter, place
from skelvid.motion.lift_input import SLOTS
from skelvid.motion.lift_network import BALLS, PLAIN_DOFS, Lifted
from skelvid.motion.refine import refine
from skelvid.motion.reproject import used_keypoints
from train.lift.library import Library, load_library
from train.lift.losses import LEG_ANGLES, errors_rad
from train.lift.offsets import offset_m
from train.lift.scene import Film, Scenes, Target, joint_rotation

CAMERA = Camera(focal_px=1000.0, center_px=(640.0, 360.0), size_hw=(720, 1280))
FRAMES, SECONDS = 60, 2.0
HEADINGS = 8
ROOT_SIGMA_RAD, POINT_SIGMA_PX, ROBUST_SIGMAS = 0.4, 8.0, 4.0
# Each frame for itself: nothing lasts, nothing is planted.
ALONE = RefineOptions(keypoint_time_s=1e-3, speed_sigma_s=0.0, static_camera=False, beta_sigma=1.0, max_steps=20)
# What the windows show, by the start of the clips' names; as many of each.
KINDS = {
    "walking": ("cmu60_walking", "composed_gait"),
    "squat, lunge, sit-to-stand": ("uiprmd_deepsquat", "uiprmd_inlinelunge", "uiprmd_sidelunge", "uiprmd_sittostand"),
    "other": ("",),
}
GROUPS = {
    "ten leg angles": LEG_ANGLES,
    **{n: (f"{n}_r", f"{n}_l") for n in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")},
    "pelvis_tilt": ("pelvis_tilt",), "pelvis_list": ("pelvis_list",), "pelvis_rotation": ("pelvis_rotation",),
    "lumbar + thorax": tuple(n for n in DOF_NAMES if n.startswith(("lumbar", "thorax"))),
    "shoulders, elbows": tuple(n for n in DOF_NAMES if n.startswith(("shoulder", "elbow"))),
}  # fmt: skip
Method = Callable[[KeypointTrack], Motion]


@dataclass(frozen=True)
class Poses:
    """How people hold themselves, over a library: mean and standard deviation of each degree of freedom, rad."""

    mean: Float[np.ndarray, "46"]
    sigma: Float[np.ndarray, "46"]

    @classmethod
    def of(cls, library: Library) -> "Poses":
        """Measure a library; the pelvis's own turns are left open."""
        q = library.q.double().numpy()
        mean, sigma = q.mean(0), np.maximum(q.std(0), 0.02)
        mean[:3], sigma[:3] = 0.0, ROOT_SIGMA_RAD
        return cls(mean, sigma)


def of_kind(library: Library, kind: str) -> Library:
    """Return a library from which only clips of a kind are drawn that are long enough."""
    firsts = [next(k for k, starts in KINDS.items() if name.startswith(starts)) == kind for name in library.names]
    long_enough = library.frames / library.fps > SECONDS
    return replace(library, weight=library.weight * torch.tensor(firsts) * long_enough)


def tracks_of(film: Film) -> list[KeypointTrack]:
    """Return the keypoints of each window as a source gives them."""
    xy = film.rays.double().numpy() * CAMERA.focal_px + np.array(CAMERA.center_px)
    score = film.score.double().numpy()
    xy[score == 0] = np.nan
    times = film.time_s.double().numpy()
    return [KeypointTrack(i, times[i], Keypoints2D(xy[i], score[i], SLOTS)) for i in range(len(xy))]


def fit_alone(body: SkelBody, poses: Poses, track: KeypointTrack) -> Motion:
    """Fit each frame for itself, without a network: a mean pose is turned eight ways, the best fit of each is kept."""
    # The prior is a process in time; one that forgets within half a frame counts once for each.
    options = replace(ALONE, prior_time_s=float(np.median(np.diff(track.time_s))) / 2)
    tries = [refine(body, motion, track, options=options) for motion in _starts(body, poses, track)]
    best = np.stack([_cost(body, poses, motion, track) for motion in tries]).argmin(0)
    rows = np.arange(len(best))

    def pick(of: Callable[[Motion], np.ndarray | None]) -> np.ndarray:
        return np.stack([np.asarray(of(motion)) for motion in tries])[best, rows]

    params = SkelParams(pick(lambda m: m.params.q), tries[0].params.betas, pick(lambda m: m.params.trans_m))
    return replace(tries[0], params=params, q_sigma_rad=pick(lambda m: m.q_sigma_rad))


def _starts(body: SkelBody, poses: Poses, track: KeypointTrack) -> Iterable[Motion]:
    """Yield the mean pose in every frame, facing each way."""
    frames, points = len(track), keypoint_points(body, SLOTS)
    xy, score = np.nan_to_num(track.keypoints.xy), torch.as_tensor(track.keypoints.score).float()
    rays = torch.as_tensor((xy - np.array(CAMERA.center_px)) / CAMERA.focal_px).float()
    seen = (track.keypoints.score > 0).sum(1) >= 4
    for heading in np.arange(HEADINGS) * 2 * np.pi / HEADINGS:
        cos, sin = np.cos(heading), np.sin(heading)
        rot = torch.tensor([[cos, 0.0, sin], [0.0, -1.0, 0.0], [sin, 0.0, -cos]]).float()
        q = torch.as_tensor(poses.mean).float().expand(frames, -1).clone()
        q[:, :3] = joint_angles(body, 0, rot[None])[0]
        params = SkelParams(q, torch.zeros(1, N_BETAS), torch.zeros(1, 3))
        trans = place(body, points, params, rays=rays, score=score)
        start = SkelParams(q.double().numpy(), np.zeros((1, N_BETAS)), trans)
        yield Motion(0, track.time_s, start, seen, camera=CAMERA, q_sigma_rad=np.tile(poses.sigma, (frames, 1)))


def _cost(body: SkelBody, poses: Poses, motion: Motion, track: KeypointTrack) -> Float[np.ndarray, "t"]:
    """Return how badly each frame explains its keypoints (robustly) and how unusual its pose is."""
    names = used_keypoints(SLOTS)
    keypoints = track.keypoints.pick(names)
    with torch.no_grad():
        at = body.skin_points(motion.params.to_torch(dtype=body.dtype), keypoint_points(body, names)).double().numpy()
    off = np.nan_to_num(project(at, CAMERA) - keypoints.xy) / POINT_SIGMA_PX
    square = (off**2).sum(-1)
    robust = (keypoints.score > 0) * square / (1 + square / ROBUST_SIGMAS**2)
    unusual = ((motion.params.q - poses.mean) / poses.sigma)[:, 3:]
    return robust.sum(1) + (unusual**2).sum(1)


def one_by_one(lifter: Lifter, track: KeypointTrack) -> Motion:
    """Lift each frame as if there were no other; the shape is the mean over them."""
    motions = []
    for i in range(len(track)):
        here = slice(i, i + 1)
        alone = KeypointTrack(0, track.time_s[here], track.keypoints[here])
        motions.append(lifter(alone, CAMERA) if (alone.keypoints.score > 0).sum() >= 6 else None)
    told = next(m for m in motions if m is not None)
    rows = [m or replace(told, visible=np.array([False])) for m in motions]

    def join(values: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(values))

    params = SkelParams(
        join(m.params.q for m in rows),
        join(m.params.betas for m in rows).mean(0, keepdims=True),
        join(m.params.trans_m for m in rows),
    )
    return replace(
        told, time_s=track.time_s, params=params, visible=join(m.visible for m in rows), contact=None, up=None,
        q_sigma_rad=join(m.q_sigma_rad for m in rows if m.q_sigma_rad is not None),
    )  # fmt: skip


@dataclass(frozen=True)
class Errors:
    """Errors of n frames.

    Attributes:
        angles_deg: `n 46`; z: the same in the standard deviations that the method tells.
        turn_deg: `n` of the pelvis as a whole; depth: `n` of its distance, relative.
    """

    angles_deg: Float[np.ndarray, "n 46"]
    z: Float[np.ndarray, "n 46"]
    turn_deg: Float[np.ndarray, "n"]
    depth: Float[np.ndarray, "n"]


def errors_of(body: SkelBody, motion: Motion, film: Film, i: int) -> Errors:
    """Compare a motion with the truth of a window, in the frames it tells."""
    told = torch.as_tensor(motion.visible) & film.truth.inside[i]
    truth, lifted = _window(film.truth, i), _lifted(body, motion)
    error = errors_rad(lifted, truth)[0][told].double().numpy()
    sigma = np.ones_like(error) if motion.q_sigma_rad is None else motion.q_sigma_rad[told.numpy()]
    turn = (truth.ball_rot.mT @ lifted.ball_rot)[0, told, 0]
    angle = (((turn.diagonal(dim1=-1, dim2=-2).sum(-1)) - 1) / 2).clamp(-1, 1).acos()
    with torch.no_grad():
        pelvis = body.skeleton(motion.params.to_torch(dtype=body.dtype)).joints_m[:, 0, 2]
    depth = (pelvis / film.pelvis_m[i, :, 2] - 1)[told]
    return Errors(np.degrees(error), error / sigma, np.degrees(angle.double().numpy()), depth.double().numpy())


def _window(target: Target, i: int) -> Target:
    return Target(**{name: getattr(target, name)[i : i + 1] for name in Target.__dataclass_fields__})


def _lifted(body: SkelBody, motion: Motion) -> Lifted:
    """Return a motion in the form of the network's output, so that both are scored by the same function."""
    q = torch.as_tensor(motion.params.q).float()[None]
    frame = Scenes.pelvis_frame(body)
    balls = [frame @ joint_rotation(q, "pelvis") @ frame.mT, *(joint_rotation(q, ball) for ball in BALLS[1:])]
    none = torch.zeros_like(q)
    return Lifted(torch.stack(balls, 2), q[..., PLAIN_DOFS], none, none[..., :4], none[..., :3], none[:, 0, :N_BETAS])


def report(errors: dict[str, dict[str, list[Errors]]]) -> str:
    """Return the tables as Markdown, of errors by kind of window and method: groups and root, then every angle."""
    methods = list(next(iter(errors.values())))
    legs = [DOF_INDEX[name] for name in LEG_ANGLES]
    joined = {name: _joined([e for of in errors.values() for e in of[name]]) for name in methods}
    mean = {name: np.abs(e.angles_deg).mean(0) for name, e in joined.items()}
    rows = [
        [f"legs, {kind}", *(f"{np.abs(_joined(of[name]).angles_deg[:, legs]).mean():.1f}" for name in methods)]
        for kind, of in errors.items()
    ]
    rows += [
        [group, *(f"{mean[n][[DOF_INDEX[d] for d in dofs]].mean():.1f}" for n in joined)]
        for group, dofs in GROUPS.items()
    ]
    rows.append(["pelvis, whole turn", *(f"{e.turn_deg.mean():.1f}" for e in joined.values())])
    rows.append(["pelvis turned over 90", *(f"{100 * (e.turn_deg > 90).mean():.1f} %" for e in joined.values())])
    rows.append(["depth, relative", *(f"{100 * np.abs(e.depth).mean():.0f} %" for e in joined.values())])
    rows += [
        [f"legs within {k} sigma", *(f"{100 * (np.abs(e.z[:, legs]) < k).mean():.0f} %" for e in joined.values())]
        for k in (1, 2)
    ]
    head = ["mean absolute error, deg", *joined]
    every = [[name, *(f"{mean[n][i]:.1f}" for n in joined)] for i, name in enumerate(DOF_NAMES)]
    return f"{markdown_table(head, rows)}\n\n{markdown_table(head, every)}"


def _joined(errors: list[Errors]) -> Errors:
    return Errors(*(np.concatenate([getattr(e, key) for e in errors]) for key in Errors.__dataclass_fields__))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", nargs="+", type=Path, required=True, help="motion libraries (train.motion)")
    parser.add_argument("--weights", type=Path, help="a lifter's checkpoint; else the one that ships")
    parser.add_argument("--windows", type=int, default=66)
    parser.add_argument("--write", action="store_true", help="write the tables into docs/evaluation.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    body, lifter = load_body("neutral"), Lifter.load(args.weights)
    shares = [1.0] * len(args.library)
    library = load_library(args.library, split="val", shares=shares)
    poses = Poses.of(load_library(args.library, split="train", shares=shares))
    methods: dict[str, Method] = {
        "fit of single frames, no network": lambda track: fit_alone(body, poses, track),
        "lifter, single frames": lambda track: one_by_one(lifter, track),
        "lifter": lambda track: lifter(track, CAMERA),
        "lifter + fit": lambda track: refine(body, lifter(track, CAMERA), track),
    }
    errors = {kind: {name: list[Errors]() for name in methods} for kind in KINDS}
    each = -(-args.windows // len(KINDS))
    for seed, kind in enumerate(KINDS):
        scenes = Scenes(body, of_kind(library, kind), offset_m, vary=False)
        film = scenes.film(each, FRAMES, torch.Generator().manual_seed(seed))
        for i, track in enumerate(progress(tracks_of(film), description=kind)):
            for name, method in methods.items():
                errors[kind][name].append(errors_of(body, method(track), film, i))
    text = f"{each} windows of {FRAMES} frames of each kind.\n\n{report(errors)}"
    print(text)
    if args.write:
        write_part("held-out", text, "benchmarks.held_out")


if __name__ == "__main__":
    main()
