"""Pictures and where a person is in them go in; the motion that an image regressor sees in them comes out.

The lifter sees keypoints over time, a regressor pictures one by one: `skelvid.motion.assemble.fuse` makes one of both.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.people import KeypointTrack
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.geometry.boxes import pad
from skelvid.people.keypoints import BODY_MARGIN, extent

BATCH = 16


@runtime_checkable
class FrameRegressor(Protocol):
    """Tells a person's pose from pictures, from each by itself."""

    def __call__(
        self, frames: Sequence[Frame], xyxy: Float[np.ndarray, "n 4"], camera: Camera
    ) -> tuple[SkelParams, Float[np.ndarray, "n 46"]]:
        """Return `n` poses in the camera's frame and the standard deviations of their q, rad.

        Args:
            frames: `n` pictures.
            xyxy: The box around the person in each, image px.
            camera: Who took them.
        """
        ...


def regress(frames: Iterable[Frame], track: KeypointTrack, camera: Camera, regressor: FrameRegressor) -> Motion:
    """Ask a regressor about every frame in which a person was seen; the other rows are not visible.

    Args:
        frames: Those of the track, known by their times.
        track: Who is meant, by their keypoints.
        camera: Who took the frames.
        regressor: Is given a few frames at a time.
    """
    around = extent(track.keypoints)
    row_of = {time_s: row for row, time_s in enumerate(track.time_s.tolist()) if not np.isnan(around[row]).any()}
    q, betas, trans_m = (np.zeros((len(track), n)) for n in (N_DOFS, N_BETAS, 3))
    sigma_rad, visible = np.full((len(track), N_DOFS), np.inf), np.zeros(len(track), bool)
    seen = (frame for frame in frames if frame.time_s in row_of)
    while some := list(islice(seen, BATCH)):
        rows = [row_of[frame.time_s] for frame in some]
        told, sigma_rad[rows] = regressor(some, pad(around[rows], BODY_MARGIN), camera)
        q[rows], betas[rows], trans_m[rows] = told.q, told.betas, told.trans_m
        visible[rows] = True
    return Motion(track.person_id, track.time_s, SkelParams(q, betas, trans_m), visible, camera, sigma_rad)
