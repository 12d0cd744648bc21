"""Frames in as they come, the wanted person's motion and angles out at once, from what was seen so far."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

from skelvid.angles.compute import compute_angles
from skelvid.body.model import SkelBody
from skelvid.config import RunConfig
from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import BodyPoints
from skelvid.errors import ConfigError, VideoError
from skelvid.geometry.ground import CAMERA_GROUND, ground_axes
from skelvid.motion.smooth import live_smooth_init, live_smooth_step
from skelvid.people.detect import detector
from skelvid.people.follow import follow
from skelvid.people.keypoints import keypoint_source
from skelvid.people.sighting import Sighting
from skelvid.pipeline.estimate import load_lifter
from skelvid.pipeline.interpret import camera_of
from skelvid.pipeline.watch import make_source
from skelvid.video.probe import FileInfo

# More past than the lifter looks at.
_PAST_FRAMES, _PAST_S = 48, 2.5


@runtime_checkable
class LiveLift(Protocol):
    """What is needed of the lifter."""

    body: SkelBody

    def last(self, track: KeypointTrack, camera: Camera) -> Motion:
        """Make a motion of one row, of the last frame of a track."""
        ...


@dataclass(frozen=True)
class Moment:
    """One frame, as it is known when it is taken; what follows the sighting is None where the person is not seen.

    Attributes:
        frame: The picture.
        sighting: Who is in it.
        raw_motion: Of the wanted person, one row.
        motion: The same, smoothed by the past (One-Euro).
        angles: Of `motion`, one row, without standard deviations, which would take longer than all the rest.
        points: Joints and landmarks of `motion`, one row, m, in the camera's frame.
        ground: Columns forward, up, right in that frame, as the angles were read; forward is towards the camera.
    """

    frame: Frame
    sighting: Sighting
    raw_motion: Motion | None = None
    motion: Motion | None = None
    angles: JointAngles | None = None
    points: BodyPoints | None = None
    ground: Float[np.ndarray, "3 3"] | None = None


def stream(
    frames: Iterable[Frame],
    config: RunConfig | None = None,
    *,
    camera: Camera | None = None,
    lifter: LiveLift | None = None,
) -> Iterator[Moment]:
    """Yield what is known of each frame when it comes.

    The lifter sees the same past as with `causal=True` over a whole video, so the raw poses are the same. While one
    frame is lifted, and used by whoever asked, the keypoint source works on the next.

    Args:
        frames: In order of time, as from `Webcam` or `open_video`.
        config: Settings for people, camera and motion; filter, refinement and export do not count here.
        camera: Who takes the frames; else as the settings say, else a phone's usual focal length is assumed.
        lifter: Loaded already; else what the settings name.

    Raises:
        ConfigError: The settings want everybody, or something that does not exist.
        SkelvidError: Something that is needed is missing.
    """
    config = config or RunConfig()
    people = config.people
    if people.person == "all":
        raise ConfigError("live, one person is followed: largest, longest, center or a number, not all")
    live = _Live(config, camera, lifter or load_lifter(config))
    taken: deque[Frame] = deque()
    sightings = follow(
        _noting(frames, taken),
        detector=make_source(people.detector, detector, config.device),
        source=make_source(people.keypoints, keypoint_source, config.device),
        rule=people.person,
        at=people.at,
        read_ahead=False,
    )
    with closing(cast("Generator[Sighting]", sightings)), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, sightings, None)
        while (sighting := coming.result()) is not None:
            frame = taken.popleft()
            coming = pool.submit(next, sightings, None)
            yield live.step(frame, sighting)


def _noting(frames: Iterable[Frame], taken: deque[Frame]) -> Iterator[Frame]:
    for frame in frames:
        taken.append(frame)
        yield frame


@contextmanager
def _one_thread() -> Generator[None]:
    """Keep torch to one thread: its few frames are too little work for more, which take the keypoint source's cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Live:
    """The past of the one who is followed."""

    def __init__(self, config: RunConfig, camera: Camera | None, lifter: LiveLift) -> None:
        self._config, self._camera, self._lifter = config, camera, lifter
        self._who: int | None = None
        self._forget()

    @_one_thread()
    def step(self, frame: Frame, sighting: Sighting) -> Moment:
        """Take the next frame."""
        if self._camera is None:
            info = FileInfo(frame.size_hw, 1.0)
            self._camera, _ = camera_of(info, self._config.camera, file_side_px=max(frame.size_hw))
        row = np.flatnonzero((sighting.keypoints.score > 0.0).any(-1))[:1]
        if len(row) and sighting.boxes.person_id is not None:
            who = int(sighting.boxes.person_id[row[0]])
            if who != self._who:
                self._who = who
                self._forget()
        track = self._track(sighting, row)
        try:
            raw = self._lifter.last(track, self._camera)
        except VideoError:
            return Moment(frame, sighting)
        self._smoother, motion = live_smooth_step(self._smoother, raw)
        if not motion.visible[0]:
            return Moment(frame, sighting)
        ground, body = self._ground(raw), self._lifter.body
        angles = compute_angles(replace(motion, q_sigma_rad=None), ground=ground)
        points = body.skeleton(motion.params.to_torch(body.device, body.dtype)).to_numpy()
        return Moment(frame, sighting, raw, motion, angles, points, ground)

    def _forget(self) -> None:
        self._past: deque[tuple[float, Keypoints2D]] = deque()
        self._smoother = live_smooth_init(max_gap_s=self._config.motion.max_gap_s)
        self._up, self._count = np.zeros(3), 0

    def _track(self, sighting: Sighting, row: np.ndarray) -> KeypointTrack:
        missing = np.full((1, *sighting.keypoints.xy.shape[1:]), np.nan)
        nobody = Keypoints2D(missing, np.zeros(missing.shape[:2]), sighting.keypoints.names)
        self._past.append((sighting.time_s, sighting.keypoints[row] if len(row) else nobody))
        while len(self._past) > _PAST_FRAMES and self._past[0][0] < sighting.time_s - _PAST_S:
            self._past.popleft()
        xy, score = (np.concatenate([getattr(k, name) for _, k in self._past]) for name in ("xy", "score"))
        time_s = np.array([time_s for time_s, _ in self._past])
        return KeypointTrack(self._who or 0, time_s, Keypoints2D(xy, score, sighting.keypoints.names))

    def _ground(self, raw: Motion) -> np.ndarray:
        """Return the ground's axes by the mean of what was said of gravity so far."""
        if raw.up is not None:
            self._up = self._up + raw.up[0]
            self._count += 1
        up = self._up if self._count and np.linalg.norm(self._up) > 0.1 else CAMERA_GROUND[:, 1]
        return ground_axes(up, CAMERA_GROUND[:, 0] if abs(up[2]) < 0.9 * np.linalg.norm(up) else CAMERA_GROUND[:, 1])
