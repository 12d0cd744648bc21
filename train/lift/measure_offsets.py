"""Measures where MediaPipe puts its points: `python -m train.lift.measure_offsets SESSION --cache DIR`.

In: a session of two calibrated phones with markers and joint angles (OpenCap's folder layout). Our body takes the
angles of the session and the joint centres of its markers; each point of `keypoint_meaning`, moved by a constant in its
segment, is seen by both cameras, and the constants that bring it nearest to the source's points are solved for, the
left side mirrored. Out: rows for the table of `train.lift.offsets`, and what errors are left.

The world's place and heading are known from the calibration. Its height is not (the session moves the floor to zero):
it is set so that `LEVEL` have no vertical offset on average.
"""

import argparse
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter1d

from benchmarks.real_clips import RealClip, Seen, look
from skelvid.angles.compute import TEMPLATE_GROUND
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from train.command import run
from train.lift.reference import Posed, Trial, View, fit_reference, kinds, pose, solve_offset, view
from train.motion.opensim import RATE_HZ, read_pose

TRIALS = ("Squats", "Jump", "JumpHighKnees")
CAMERAS = ("Cam0", "Cam1")
LEVEL = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
# What of the markers ties the body: markers whose mean it is, what it is on the body, sigma in mm.
_TIES: tuple[tuple[tuple[str, ...], dict[str, float], float], ...] = (
    (("{A}HJC_study",), {"femur_{a}": 1.0}, 10.0),
    (("{b}_knee_study", "{b}_mknee_study"), {"knee_lat_{a}": 0.5, "knee_med_{a}": 0.5}, 10.0),
    (("{b}_ankle_study", "{b}_mankle_study"), {"ankle_lat_{a}": 0.5, "ankle_med_{a}": 0.5}, 10.0),
    (("{b}_calc_study",), {"heel_{a}": 1.0}, 20.0),
    # The toe marker sits on the second toe, not on the first.
    (("{b}_toe_study", "{b}_5meta_study"), {"mtp1_{a}": 0.3, "mtp5_{a}": 0.7}, 20.0),
    (("{A}Shoulder",), {"humerus_{a}": 1.0}, 20.0),
    (("{b}_lelbow_study", "{b}_melbow_study"), {"elbow_lat_{a}": 0.5, "elbow_med_{a}": 0.5}, 15.0),
    (("{b}_lwrist_study", "{b}_mwrist_study"), {"wrist_rad_{a}": 0.5, "wrist_uln_{a}": 0.5}, 15.0),
)
_SIDES = ({"A": "R", "a": "r", "b": "r"}, {"A": "L", "a": "l", "b": "L"})
# The board of a session hangs on the wall behind; OpenCap turns its axes so that y is up.
_BOARD_FROM_WORLD = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
# What one person tells of others, mm: spread of the means of sources, of people about them, of the reference (how the
# head and the hands are turned it does not tell at all), and the least that cameras, trials and sides differ by.
_MEANS_MM, _PEOPLE_MM, _LEAST_MM = 25.0, 10.0, 5.0
_REFERENCE_MM: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(LEVEL, (10.0, 10.0, 10.0)),
    **dict.fromkeys(("heel", "foot_index"), (20.0, 10.0, 20.0)),
}
_JITTER_S, _MOVING_M_S = 0.1, 0.5


@dataclass(frozen=True)
class PhoneCamera:
    """World (template axes) to the camera's frame by `rot @ x + trans_m`, but for the world's unknown height."""

    rot: Float[ndarray, "3 3"]
    trans_m: Float[ndarray, "3"]
    intrinsic: Float[ndarray, "3 3"]
    distortion: Float[ndarray, "5"]
    height_px: float

    @classmethod
    def read(cls, path: Path) -> "PhoneCamera":
        """Read the calibration of one phone. Only of files that you trust: pickles can run code."""
        with path.open("rb") as file:
            data = pickle.load(file)
        rot = data["rotation"] @ _BOARD_FROM_WORLD @ TEMPLATE_GROUND.T
        trans_m = data["translation"].ravel() / 1000
        return cls(rot, trans_m, data["intrinsicMat"], data["distortion"].ravel(), float(data["imageSize"][0, 0]))

    def rays(self, xy: Float[ndarray, "*b 2"], height_px: int) -> Float[ndarray, "*b 2"]:
        """Return x / z and y / z of image points of a picture of this height, without the lens's distortion."""
        seen = (xy * (self.height_px / height_px) - self.intrinsic[:2, 2]) / np.diag(self.intrinsic)[:2]
        out = seen
        for _ in range(10):
            out = seen - (self.distorted(out) - out)
        return out

    def distorted(self, ray: Float[ndarray, "*b 2"]) -> Float[ndarray, "*b 2"]:
        """Return where the lens shows a ray (Brown's model, as OpenCV writes it)."""
        k1, k2, p1, p2, k3 = self.distortion
        square = (ray * ray).sum(-1, keepdims=True)
        tangent = 2 * ray[..., :1] * ray[..., 1:] * np.array([p1, p2]) + np.array([p2, p1]) * (square + 2 * ray**2)
        return ray * (1 + k1 * square + k2 * square**2 + k3 * square**3) + tangent


@dataclass(frozen=True)
class Take:
    """One trial by one camera."""

    trial: str
    camera: str
    posed: Posed
    seen: Seen
    rays: Float[ndarray, "t k 2"]
    view: View


def read_trc(path: Path) -> dict[str, Float[ndarray, "t 3"]]:
    """Read marker positions, m, in the file's axes."""
    lines = path.read_text().splitlines()
    names = [name for name in lines[3].split("\t")[2:] if name.strip()]
    rows = np.array([line.split() for line in lines[5:] if line.strip()], float)
    return dict(zip(names, rows[:, 2:].reshape(len(rows), -1, 3).swapaxes(0, 1), strict=True))


def read_trial(session: Path, name: str) -> Trial:
    """Read angles and tied points of a trial."""
    q, place, *_ = read_pose(session / "OpenSimData" / "Kinematics" / f"{name}.mot")
    markers = read_trc(session / "MarkerData" / f"{name}.trc")
    tied = [np.mean([markers[m.format(**side)] for m in some], 0) for side in _SIDES for some, *_ in _TIES]
    return Trial(q, place, np.stack(tied, 1)[: len(q)] @ TEMPLATE_GROUND.T)


def takes(session: Path, cache: Path, body: SkelBody) -> list[Take]:
    """Return all trials by all cameras, at the world's height that suits them."""
    ties = [{p.format(**side): share for p, share in tie.items()} for side in _SIDES for _, tie, _ in _TIES]
    sigma_m = [mm / 1000 for _ in _SIDES for *_, mm in _TIES]
    fitted = fit_reference(body, {name: read_trial(session, name) for name in TRIALS}, ties, sigma_m)
    posed = {name: pose(body, params) for name, params in fitted.items()}
    cameras = {c: PhoneCamera.read(session / "Videos" / c / "cameraIntrinsicsExtrinsics.pickle") for c in CAMERAS}
    looked: list[tuple[str, str, Seen, ndarray]] = []
    for trial in TRIALS:
        for name, camera in cameras.items():
            video = session / "Videos" / name / "InputMedia" / trial / f"{trial}_sync.mp4"
            seen = look(RealClip(f"cmbbe_{trial.lower()}_{name.lower()}", video), cache)
            rays = camera.rays(seen.track.keypoints.xy, seen.camera.size_hw[0])
            looked.append((trial, name, seen, rays[: len(posed[trial].points_m)]))

    def at(height_m: float) -> list[Take]:
        out = []
        for trial, name, seen, rays in looked:
            rot, trans_m = cameras[name].rot, cameras[name].trans_m + height_m * cameras[name].rot[:, 1]
            out.append(Take(trial, name, posed[trial], seen, rays, view(posed[trial], rays, rot=rot, trans_m=trans_m)))
        return out

    height_m = _rise_m([take.view for take in at(0.0)])
    for _ in range(4):
        views = [take.view for take in at(height_m)]
        vertical = [solve_offset(views, kinds()[kind], rate_hz=RATE_HZ)[0][1] for kind in LEVEL]
        height_m += float(np.mean(vertical))
    return at(height_m)


def _rise_m(views: list[View]) -> float:
    """Return how much higher the world has to be for most points."""
    columns = [k for kind in LEVEL for k in kinds()[kind]]
    return float(np.median([(v.left_m * v.up).sum(-1)[:, columns] / (v.up**2).sum(-1)[:, columns] for v in views[:2]]))


def shrunk_mm(found: list[Take], kind: str) -> tuple[ndarray, ndarray, ndarray]:
    """Return what was measured of a kind of point, and the mean and SD that this says of other people, mm."""
    columns = kinds()[kind]
    measured = 1000 * solve_offset([t.view for t in found], columns, rate_hz=RATE_HZ)[0]
    parts = []
    for camera in CAMERAS:
        for slow in (True, False):
            views = [take.view for take in found if take.camera == camera and (take.trial == "Squats") is slow]
            parts += [solve_offset(views, [column], rate_hz=RATE_HZ)[0] for column in columns]
    # Cameras, trials and sides share much of their errors: as if there were two independent ones.
    own = np.maximum(1000 * np.std(parts, axis=0) / np.sqrt(2), _LEAST_MM)
    error = _PEOPLE_MM**2 + own**2 + np.square(_REFERENCE_MM[kind])
    keep = _MEANS_MM**2 / (_MEANS_MM**2 + error)
    return measured, keep * measured, np.sqrt(_PEOPLE_MM**2 + keep * error)


def noise_mm(found: list[Take], kind: str) -> dict[str, float]:
    """Return what is left after the measured offset: RMS of constants per take and side, of slow errors, of jitter.

    `turn` is the time in which slow errors lose half their likeness; `score` is how the size of slow errors goes with
    the source's score (correlation).
    """
    offset = solve_offset([t.view for t in found], kinds()[kind], rate_hz=RATE_HZ)[0]
    parts: dict[str, list[ndarray]] = {name: [] for name in ("constant", "slow", "jitter", "speed", "score")}
    for take in found:
        speed = np.linalg.norm(np.gradient(take.posed.points_m, 1 / RATE_HZ, axis=0), axis=-1)
        for k in kinds()[kind]:
            error = 1000 * (take.view.left_m[:, k] - take.view.slope[:, k] @ offset)
            smooth = gaussian_filter1d(error, _JITTER_S * RATE_HZ, axis=0)
            middle = np.median(error, 0, keepdims=True)
            values = (
                middle,
                smooth - middle,
                error - smooth,
                speed[:, k],
                take.seen.track.keypoints.score[: len(error), k],
            )
            for name, value in zip(parts, values, strict=True):
                parts[name].append(value)
    constant, slow, jitter, speed, score = (np.concatenate(parts[name]) for name in parts)
    moving = speed > _MOVING_M_S

    def rms(values: ndarray) -> float:
        return float(np.sqrt(np.mean(values**2)))

    size = np.linalg.norm(slow, axis=1)
    return {
        "constant": rms(constant), "slow, resting": rms(slow[~moving]), "slow, moving": rms(slow[moving]),
        "jitter, resting": rms(jitter[~moving]), "jitter, moving": rms(jitter[moving]),
        "score ~ slow": float(np.corrcoef(size, score)[0, 1]), "score": float(score.mean()),
    }  # fmt: skip


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("session", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("out/eval"), help="where keypoints are kept")
    args = parser.parse_args()
    found = takes(args.session, args.cache, load_body("open-neutral"))
    offsets = Table("mm: front, proximal, right", "measured", "mean", "SD", title="for train/lift/offsets.py")
    left = Table("mm per image axis", title="what is left after the measured offset")
    for number, kind in enumerate((*LEVEL, "heel", "foot_index")):
        offsets.add_row(kind, *(", ".join(f"{v:.0f}" for v in values) for values in shrunk_mm(found, kind)))
        noise = noise_mm(found, kind)
        for name in noise if number == 0 else ():
            left.add_column(name)
        left.add_row(kind, *(f"{value:.2f}" if "score" in name else f"{value:.1f}" for name, value in noise.items()))
    console = Console(width=130)
    console.print(offsets, left)


if __name__ == "__main__":
    run(main)
