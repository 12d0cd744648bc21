"""Real videos whose joint angles are known: a data folder in, clips with their reference and cached keypoints out.

Angles are read in the names and signs of `skelvid.angles` (OpenSim's), in radians. The folder is not part of the
project: give it as an argument, or in the environment variable `SKELVID_DATA`.
"""

import gzip
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from rich.progress import track
from scipy.spatial.transform import Rotation

from skelvid.config import CameraConfig
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.errors import ConfigError
from skelvid.people.mediapipe_source import MediaPipePose
from skelvid.pipeline.interpret import camera_of
from skelvid.video.reader import VideoFile

VARIABLE = "SKELVID_DATA"
_SIDES = (("r", 1.0), ("l", -1.0))

Read = Callable[[], JointAngles]


def _nothing() -> JointAngles:
    raise ConfigError("this clip has no reference")


@dataclass(frozen=True)
class RealClip:
    """A video of one person whose joint angles are known.

    Attributes:
        name: Short, also of its files in the cache.
        video: The file.
        reference: What the reference is, for the table.
        truth: Reads it.
        published: Results of other methods on this clip: name -> reads it.
        clock_s: Time of the reference minus time of the video, as pixels tell it (`benchmarks.clock`); None = not told.
    """

    name: str
    video: Path
    reference: str = ""
    truth: Read = _nothing
    published: dict[str, Read] = field(default_factory=dict[str, Read])
    clock_s: float | None = None


@dataclass(frozen=True)
class Seen:
    """What MediaPipe heavy sees in a clip.

    Attributes:
        track: `t 33`.
        world_m: `t 33 3` its own guess in space; x right, y down, z away from the camera; NaN where nobody was found.
        camera: Focal length as the file tells, or assumed.
    """

    track: KeypointTrack
    world_m: Float[np.ndarray, "t 33 3"]
    camera: Camera


def data_folder(given: Path | None) -> Path:
    """Return the folder of reference data.

    Raises:
        ConfigError: None was given, or it is not there.
    """
    told = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if told is None:
        raise ConfigError(f"say where the reference data is: --data DIR or the environment variable {VARIABLE}")
    for folder in (told, told / "gt"):
        if (folder / "opencap_labval_squat").is_dir():
            return folder
    raise ConfigError(f"{told} holds no reference data: there is no opencap_labval_squat in it, nor in {told / 'gt'}")


def real_clips(folder: Path) -> list[RealClip]:
    """Return the clips of a folder of reference data (see `data_folder`)."""
    clips = []
    for name, clock_s in (("squat", -0.018), ("walk_ts", -0.033)):
        home = folder / f"opencap_labval_{name}"
        published = {
            "OpenCap Monocular": partial(read_bodies, home / "sample_mono.json.gz"),
            "WHAM-based": partial(read_bodies, home / "sample_wham.json.gz"),
        }
        truth = partial(read_bodies, home / "sample_mocap.json.gz")
        clips.append(RealClip(name, home / "video.mp4", "marker mocap", truth, published, clock_s))
    home = folder / "opencap_cmbbe2024"
    for trial in ("Squats", "Jump"):
        truth = partial(read_mot, home / "OpenSimData" / "Kinematics" / f"{trial}.mot")
        for camera in ("Cam0", "Cam1"):
            video = home / "Videos" / camera / "InputMedia" / trial / f"{trial}_sync.mp4"
            if video.is_file():
                clips.append(
                    RealClip(f"cmbbe_{trial.lower()}_{camera.lower()}", video, "two-camera OpenCap", truth, {})
                )
    return clips


def read_bodies(path: Path) -> JointAngles:
    """Read the angles out of the body transforms of an OpenCap visualizer file.

    It holds for each body the angles about its own x, y, z (R = Rx Ry Rz, body to ground, y up).

    Raises:
        ConfigError: The file is missing.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is missing")
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        data = json.load(file)
    rot = {name: Rotation.from_euler("XYZ", np.array(body["rotation"])) for name, body in data["bodies"].items()}
    return joint_angles_of(np.array(data["time"], float), angles_of_segments(rot))


def angles_of_segments(rot: dict[str, Rotation]) -> dict[str, Float[np.ndarray, "t"]]:
    """Return the angles between segments given by their orientations (OpenSim body axes), rad, by name."""
    angles = pelvis_angles(rot["pelvis"].inv().apply([0.0, 1.0, 0.0]))
    for side, sign in _SIDES:
        thigh, shank, foot = (rot[f"{bone}_{side}"] for bone in ("femur", "tibia", "talus"))
        hip = _zxy(rot["pelvis"].inv() * thigh, ("flexion", "adduction", "rotation"), (1.0, sign, sign))
        angles |= {f"hip_{name}_{side}": value for name, value in hip.items()}
        angles[f"knee_angle_{side}"] = -(thigh.inv() * shank).as_euler("ZXY")[:, 0]
        angles[f"ankle_angle_{side}"] = (shank.inv() * foot).as_euler("ZXY")[:, 0]
    return angles | _zxy(
        rot["pelvis"].inv() * rot["torso"], [f"trunk_{n}" for n in ("extension", "bending", "rotation")]
    )


def pelvis_angles(up: Float[np.ndarray, "t 3"]) -> dict[str, Float[np.ndarray, "t"]]:
    """Return tilt and list of the pelvis, rad, from what is up in its own axes: whichever way it faces.

    They are OpenSim's where it faces along x; those of a ground turned otherwise mix the two.

    >>> pelvis_angles(np.array([[0.0, 1.0, 0.0]]))["pelvis_tilt"]
    array([0.])
    """
    return {"pelvis_tilt": np.arcsin(np.clip(up[:, 0], -1.0, 1.0)), "pelvis_list": np.arctan2(-up[:, 2], up[:, 1])}


def _zxy(rot: Rotation, names: Sequence[str], signs: Sequence[float] = (1.0, 1.0, 1.0)) -> dict[str, np.ndarray]:
    return {name: sign * column for name, sign, column in zip(names, signs, rot.as_euler("ZXY").T, strict=True)}


def read_mot(path: Path) -> JointAngles:
    """Read an OpenSim motion file in degrees.

    Raises:
        ConfigError: The file is missing, or does not say that it holds degrees.
    """
    if not path.is_file():
        raise ConfigError(f"{path} is missing")
    header, _, table = path.read_text().partition("endheader")
    if "inDegrees=yes" not in header:
        raise ConfigError(f"{path} does not say inDegrees=yes")
    names, *rows = (line.split() for line in table.strip().splitlines())
    values = dict(zip(names, np.array(rows, float).T, strict=True))
    other = {f"lumbar_{n}": f"trunk_{n}" for n in ("extension", "bending", "rotation")}
    moving = {other.get(n, n): np.radians(v) for n, v in values.items() if n != "time" and not n.startswith("pelvis")}
    pelvis = np.column_stack([values[f"pelvis_{name}"] for name in ("tilt", "list", "rotation")])
    up = Rotation.from_euler("ZXY", pelvis, degrees=True).inv().apply([0.0, 1.0, 0.0])
    return joint_angles_of(values["time"], pelvis_angles(up) | moving)


def joint_angles_of(time_s: Float[np.ndarray, "t"], angles: dict[str, Float[np.ndarray, "t"]]) -> JointAngles:
    """Put named angles together."""
    return JointAngles(time_s, tuple(angles), np.column_stack(list(angles.values())))


def look(clip: RealClip, cache: Path) -> Seen:
    """Return the keypoints of a clip by MediaPipe heavy, from the cache when they are there."""
    path = cache / f"{clip.name}.npz"
    if not path.is_file():
        _detect(clip, path)
    with np.load(path) as arrays:
        names = tuple(str(name) for name in arrays["names"])
        track = KeypointTrack(0, arrays["time_s"], Keypoints2D(arrays["xy"], arrays["score"], names))
        height, width = (int(side) for side in arrays["size_hw"])
        camera = Camera(float(arrays["focal_px"]), (width / 2, height / 2), (height, width))
        return Seen(track, arrays["world_m"], camera)


def _detect(clip: RealClip, path: Path) -> None:
    video, source = VideoFile(clip.video), MediaPipePose()
    height, width = video.info.size_hw
    camera, _ = camera_of(video.info, CameraConfig(), file_side_px=max(height, width))
    rows = []
    for frame in track(video, f"MediaPipe on {clip.name}", total=video.expected_frames):
        seen, world_m = source.with_world(frame)
        one = np.full((len(source.names), 6), np.nan)
        if len(seen.score):
            one = np.concatenate([seen.xy[0], seen.score[0][:, None], world_m[0]], 1)
        rows.append((frame.time_s, one))
    source.close()
    time_s, points = np.array([t for t, _ in rows]), np.stack([p for _, p in rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part, time_s=time_s, xy=points[..., :2], score=np.nan_to_num(points[..., 2]), world_m=points[..., 3:],
        names=np.array(source.names), focal_px=camera.focal_px, size_hw=(height, width),
    )  # fmt: skip
    part.replace(path)
