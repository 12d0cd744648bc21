"""What a run gives for one person: all that exporters, plots and the overlay need, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import VideoInfo
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import KeypointTrack
from skelvid.datatypes.skel import BodyPoints


@dataclass(frozen=True)
class Result:
    """One person of one video; all series share `motion.time_s`.

    Attributes:
        video: The film the person was seen in.
        video_info: What its container says.
        motion: Smoothed motion, in the camera's frame, scaled to the typed height where there is one.
        raw_motion: The same before smoothing.
        angles: Joint angles of `motion`.
        raw_angles: Joint angles of `raw_motion`.
        points: NumPy joints `t 24 3` and landmarks `t l 3` of `motion`, m, in its frame; NaN rows or any
            numbers where the person was not visible.
        landmark_names: l names, as in `SkelBody.landmark_names`.
        ground: Columns forward, up, right in the frame of `motion`, as `angles` were read; see `angles.compute`.
        ground_origin_m: `3` point of the floor where the ground's axes start, m, in the frame of `points`.
        believed_height_m: Height of the body as the network sees it, m.
        typed_height_m: Height the user gave, m; None = lengths are the network's guess.
        smoothing: What was done to the raw motion, in words, such as "Butterworth, zero phase, order 4, 6 Hz".
        body: Name of the body, as in `weights.body_path`.
        settings: All settings of the run, as text, numbers, lists and nested mappings.
        versions: Program or file -> version or checksum.
        warnings: One sentence each.
        keypoints: What the motion was made from, or None.
    """

    video: Path
    video_info: VideoInfo
    motion: Motion
    raw_motion: Motion
    angles: JointAngles
    raw_angles: JointAngles
    points: BodyPoints
    landmark_names: tuple[str, ...]
    ground: Float[np.ndarray, "3 3"]
    ground_origin_m: Float[np.ndarray, "3"]
    believed_height_m: float
    typed_height_m: float | None = None
    smoothing: str = "none"
    body: str = "neutral"
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: tuple[str, ...] = ()
    keypoints: KeypointTrack | None = None

    def __post_init__(self) -> None:
        time_s = self.motion.time_s
        for name in ("raw_motion", "angles", "raw_angles", "keypoints"):
            series = getattr(self, name)
            if series is not None and not np.array_equal(series.time_s, time_s):
                raise ValueError(f"{name} must have the times of motion")
        if self.angles.names != self.raw_angles.names:
            raise ValueError("angles and raw_angles must have the same names")
        joints, landmarks = self.points.joints_m.shape, self.points.landmarks_m.shape
        wanted = (len(time_s), len(self.landmark_names), 3)
        if joints[0] != len(time_s) or landmarks != wanted:
            raise ValueError(f"points must have shapes [{len(time_s)}, 24, 3] and {wanted}, got {joints}, {landmarks}")

    @property
    def seen(self) -> np.ndarray:
        """Return `t` whether a row says anything."""
        return self.motion.visible & np.isfinite(self.motion.params.q).all(1)
