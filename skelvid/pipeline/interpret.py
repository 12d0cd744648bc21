"""One person's keypoints in, everything that a result says of them out: motion, ground, scale and angles."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from skelvid import __version__, weights
from skelvid.angles.compute import compute_angles
from skelvid.body.model import SkelBody
from skelvid.config import CameraConfig, MotionConfig, RunConfig
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import KeypointTrack
from skelvid.datatypes.skel import BodyPoints, SkelParams
from skelvid.errors import ConfigError
from skelvid.motion.assemble import doubted, fuse, one_shape, unwrap
from skelvid.motion.clip_cost import RefineOptions
from skelvid.motion.refine import refine
from skelvid.motion.smooth import cutoff_of, smooth
from skelvid.motion.world import Ground, camera_up, find_ground, scale_to_height
from skelvid.video.probe import FileInfo

# As most phones' main cameras have, filming along their longer side.
ASSUMED_FOCAL = 0.7
_FILM_DIAGONAL_MM = 43.27


@runtime_checkable
class Lift(Protocol):
    """What is needed of the lifter."""

    body: SkelBody

    def __call__(self, track: KeypointTrack, camera: Camera) -> Motion:
        """Make a motion of a track."""
        ...


@dataclass(frozen=True)
class Interpreted:
    """What follows from one person's keypoints; named as in `Result`."""

    motion: Motion
    raw_motion: Motion
    angles: JointAngles
    raw_angles: JointAngles
    points: BodyPoints
    ground: Ground
    believed_height_m: float
    smoothing: str


def camera_of(info: FileInfo, config: CameraConfig, *, file_side_px: int) -> tuple[Camera, bool]:
    """Return the camera of frames, and whether its focal length is only assumed.

    Args:
        info: Of the video, its size that of the frames.
        config: A focal length there wins over what the file says.
        file_side_px: Longer side of the file's own pictures, which `config.focal_px` is about.
    """
    height, width = info.size_hw
    longer = max(info.size_hw)
    focal_px, assumed = ASSUMED_FOCAL * longer, False
    if config.focal_px:
        focal_px = config.focal_px * longer / file_side_px
    elif config.fov_deg:
        focal_px = longer / 2 / np.tan(np.radians(config.fov_deg) / 2)
    elif info.focal_35mm:
        focal_px = info.focal_35mm / _FILM_DIAGONAL_MM * np.hypot(height, width)
    else:
        assumed = True
    return Camera(float(focal_px), (width / 2, height / 2), info.size_hw), assumed


def interpret(
    track: KeypointTrack,
    camera: Camera,
    lifter: Lift,
    config: RunConfig,
    *,
    regressed: Motion | None = None,
    static_camera: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Interpreted:
    """Lift, refine, scale, smooth, and read the angles.

    Args:
        track: The person's keypoints.
        camera: Who took the pictures.
        lifter: Tells the motion from them.
        config: Settings.
        regressed: What somebody else tells of the same frames, if anybody: fused with it by their standard deviations,
            and believed less where it contradicts.
        static_camera: Whether it stood still.
        progress: Called with each stage.

    Raises:
        VideoError: Too little of the person was seen.
        ConfigError: A cut-off or a span of time does not fit the video.
    """
    say = progress or (lambda stage: None)
    wanted = config.motion
    say("lifting to 3D")
    raw = lifter(track, camera)
    if regressed is not None:
        raw = fuse([raw, doubted(regressed, by=raw)])
    if wanted.refine:
        say("fitting the body to the keypoints")
        raw = refine(lifter.body, raw, track, options=RefineOptions(static_camera=static_camera))
    say("smoothing")
    raw, believed_m = scale_to_height(one_shape(unwrap(raw)), lifter.body, wanted.height_m)
    fitting_hz = cutoff_of(wanted.activity, raw, max_gap_s=wanted.max_gap_s)
    cutoff_hz = wanted.cutoff_hz or fitting_hz
    smoothed = smooth(raw, wanted.filter, cutoff_hz=cutoff_hz, max_gap_s=wanted.max_gap_s)
    given = config.camera.pitch_deg
    ground = find_ground(
        smoothed,
        lifter.body,
        up=None if given is None else camera_up(given, config.camera.roll_deg),
        forward=wanted.forward,
        static_camera=static_camera,
    )
    raw_angles, angles = (compute_angles(motion, ground=ground.axes) for motion in (raw, smoothed))
    if wanted.neutral_s:
        zero_rad = neutral_pose(raw_angles, wanted.neutral_s)
        raw_angles, angles = (replace(a, values_rad=a.values_rad - zero_rad) for a in (raw_angles, angles))
    return Interpreted(
        smoothed,
        raw,
        angles,
        raw_angles,
        posed_points(smoothed, lifter.body),
        ground,
        believed_m,
        _said(wanted, cutoff_hz),
    )


def neutral_pose(angles: JointAngles, span_s: tuple[float, float]) -> np.ndarray:
    """Return the median of each angle while the person stands still, rad.

    Raises:
        ConfigError: The person was not seen then.
    """
    start_s, end_s = span_s
    there = (angles.time_s >= start_s) & (angles.time_s <= end_s) & np.isfinite(angles.values_rad).all(1)
    if not there.any():
        raise ConfigError(f"the person is not seen from {start_s:g} to {end_s:g} s, the time given for standing still")
    values = angles.values_rad[there]
    # Some angles are near half a turn then, on either side of it.
    return values[0] + np.median((values - values[0] + np.pi) % (2.0 * np.pi) - np.pi, axis=0)


def floor_origin_m(motion: Motion, ground: Ground) -> np.ndarray:
    """Return the point of the floor under the place where the person is first seen, m; level with it if unknown."""
    seen = motion.visible & np.isfinite(motion.params.trans_m).all(1)
    first = motion.params.trans_m[seen][0]
    offset_m = 0.0 if ground.floor_offset_m is None else ground.floor_offset_m - first @ ground.up
    return np.asarray(first + offset_m * ground.up, np.float64)


def versions(config: RunConfig) -> dict[str, str]:
    """Return what a result was made with: programs by version, files by the start of their SHA-256."""
    named = {"skelvid": __version__, "python": platform.python_version(), "torch": metadata.version("torch")}
    for name in ("mediapipe", "ultralytics"):
        if config.people.keypoints.startswith(name):
            named[name] = metadata.version(name)
    files = {"lifter": lambda: weights.network_path(config.motion.lifter or "lifter"),
             "body": lambda: weights.body_path(config.motion.body)}  # fmt: skip
    if config.motion.regressor:
        files["regressor"] = lambda: weights.network_path(str(config.motion.regressor))
    return named | {name: weights.sha256(Path(path()))[:12] for name, path in files.items()}


def _said(config: MotionConfig, cutoff_hz: float) -> str:
    return {
        "none": "none",
        "butterworth": f"Butterworth, zero phase, order 4, {cutoff_hz:.3g} Hz",
        "kalman": f"Kalman and Rauch-Tung-Striebel smoother by the network's doubt, {cutoff_hz:.3g} Hz",
    }[config.filter]


def posed_points(motion: Motion, body: SkelBody) -> BodyPoints:
    """Return joints and landmarks, NaN where the person was not visible."""
    seen = motion.visible & np.isfinite(motion.params.q).all(1)
    whole = SkelParams(np.nan_to_num(motion.params.q), motion.params.betas, np.nan_to_num(motion.params.trans_m))
    points = body.skeleton(whole.to_torch(body.device, body.dtype)).to_numpy()
    blank = np.where(seen, 0.0, np.nan)[:, None, None]
    return replace(points, joints_m=points.joints_m + blank, landmarks_m=points.landmarks_m + blank)
