"""One person over time: SKEL parameters, and the joint angles that follow from them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.frames import Camera
from skelvid.datatypes.skel import SkelParams

# The parts of the feet whose weight-bearing `Motion.contact` tells, in its order.
CONTACT_POINTS = ("heel_r", "toes_r", "heel_l", "toes_l")


@dataclass(frozen=True)
class Motion:
    """SKEL parameters of one person at rising times.

    Attributes:
        person_id: Number of the person in the video.
        time_s: `t` times, strictly rising.
        params: NumPy parameters with leading dimension t; betas may be `1 10`, one shape for the clip.
        visible: `t` whether the person was seen; parameters of other rows mean nothing.
        camera: Who saw it; `params` are then in its frame (x right, y down, z forward). None in a world frame.
        q_sigma_rad: `t 46` standard deviation of q, rad; those of the pelvis are about its own axes. None = unknown.
        contact: `t 4` probability that each of `CONTACT_POINTS` rests on the ground. None = unknown.
        up: `t 3` unit vectors against gravity, in the frame of `params`. None = unknown.
    """

    person_id: int
    time_s: Float[np.ndarray, "t"]
    params: SkelParams
    visible: Bool[np.ndarray, "t"]
    camera: Camera | None = None
    q_sigma_rad: Float[np.ndarray, "t 46"] | None = None
    contact: Float[np.ndarray, "t 4"] | None = None
    up: Float[np.ndarray, "t 3"] | None = None

    def __post_init__(self) -> None:
        _check_rising(self.time_s)
        frames = len(self.time_s)
        if self.params.q.shape[:-1] != (frames,) or len(self.visible) != frames:
            raise ValueError(
                f"q must have shape [{frames}, 46] and visible [{frames}], as many as times, "
                f"got {self.params.q.shape} and {self.visible.shape}"
            )
        for name, width in (("q_sigma_rad", 46), ("contact", 4), ("up", 3)):
            value = getattr(self, name)
            if value is not None and value.shape != (frames, width):
                raise ValueError(f"{name} must have shape [{frames}, {width}], got {value.shape}")


@dataclass(frozen=True)
class JointAngles:
    """Named angles over time; `angles["knee_angle_r"]` is one column.

    Attributes:
        time_s: `t` times, strictly rising.
        names: d names, as in `skelvid.angles.table.ANGLES`.
        values_rad: `t d` angles, rad; NaN where the person was not seen.
        sigma_rad: `t d` their standard deviations, rad, NaN where the value is; None = unknown.
    """

    time_s: Float[np.ndarray, "t"]
    names: tuple[str, ...]
    values_rad: Float[np.ndarray, "t d"]
    sigma_rad: Float[np.ndarray, "t d"] | None = None

    def __post_init__(self) -> None:
        _check_rising(self.time_s)
        shape = (len(self.time_s), len(self.names))
        if self.values_rad.shape != shape:
            raise ValueError(f"values_rad must have shape {shape}, times by names, got {self.values_rad.shape}")
        if self.sigma_rad is not None and self.sigma_rad.shape != shape:
            raise ValueError(f"sigma_rad must have shape {shape}, got {self.sigma_rad.shape}")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names must differ, got {self.names}")

    def __getitem__(self, name: str) -> Float[np.ndarray, "t"]:
        """Return one angle over time, rad."""
        if name not in self.names:
            raise KeyError(f"no angle {name!r}; there are {', '.join(self.names)}")
        return self.values_rad[:, self.names.index(name)]


def _check_rising(time_s: Float[np.ndarray, "t"]) -> None:
    if not (np.diff(time_s) > 0.0).all():
        raise ValueError("time_s must be strictly rising")
