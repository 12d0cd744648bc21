"""A result with known numbers: a person who bends the right knee by 10 degrees per frame and is missed once."""

from pathlib import Path
from typing import Any

import numpy as np

from skelvid.angles.compute import compute_angles
from skelvid.body.dofs import DOF_INDEX
from skelvid.datatypes.frames import Camera, VideoInfo
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.result import Result
from skelvid.datatypes.skel import BodyPoints, SkelParams
from skelvid.geometry.ground import CAMERA_GROUND

# Not even: one frame came late.
TIMES_S = np.array([0.0, 0.1, 0.25, 0.3, 0.4, 0.5])
KNEE_DEG = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
MISSED = 2
FLOOR_M = np.array([0.0, 1.0, 4.0])


def make_result(*, missed: tuple[int, ...] = (MISSED,), frames: int = 6, **changes: Any) -> Result:
    """The pelvis is 1 m above the floor and 0.1 m further to the person's right, the picture's left, each frame."""
    time_s = TIMES_S[:frames]
    q = np.zeros((frames, 46))
    q[:, DOF_INDEX["pelvis_tilt"]] = np.pi  # upright before the camera, facing it
    q[:, DOF_INDEX["knee_angle_r"]] = np.radians(KNEE_DEG[:frames])
    visible = ~np.isin(np.arange(frames), missed)
    place_m = np.array([0.0, 0.0, 4.0]) - np.arange(frames)[:, None] * [0.1, 0.0, 0.0]
    camera = Camera(1000.0, (320.0, 240.0), (480, 640))
    motion = Motion(
        0,
        time_s,
        SkelParams(q, np.zeros((1, 10)), place_m),
        visible,
        camera,
        q_sigma_rad=np.full((frames, 46), 0.1),
        contact=np.full((frames, 4), 0.5),
        up=np.tile([0.0, -1.0, 0.0], (frames, 1)),
    )
    smooth = compute_angles(motion)
    smooth = JointAngles(time_s, smooth.names, smooth.values_rad, np.full_like(smooth.values_rad, np.radians(2.5)))
    raw = JointAngles(time_s, smooth.names, smooth.values_rad + np.radians(1.0))
    joints_m = np.tile(place_m[:, None], (1, 24, 1))
    landmarks_m = joints_m[:, :2] - [0.0, 0.5, 0.0]
    values: dict[str, Any] = {
        "video": Path("squat.mp4"),
        "video_info": VideoInfo((480, 640), 10.0),
        "motion": motion,
        "raw_motion": motion,
        "angles": smooth,
        "raw_angles": raw,
        "points": BodyPoints(joints_m, np.tile(np.eye(3), (frames, 24, 1, 1)), landmarks_m),
        "landmark_names": ("nose", "chin"),
        "ground": CAMERA_GROUND,
        "ground_origin_m": FLOOR_M,
        "believed_height_m": 1.7,
        "smoothing": "Butterworth, zero phase, order 4, 6 Hz",
        "settings": {"motion": {"cutoff_hz": 6.0}},
        "versions": {"skelvid": "0.1.0"},
        "warnings": ("the feet are cut off by the picture's edge in 20 % of the frames",),
    }
    return Result(**values | changes)
