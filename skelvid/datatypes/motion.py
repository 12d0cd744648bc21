"""One person over time: SKEL parameters, and the joint angles that follow from them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.skel import SkelParams


@dataclass(frozen=True)
class Motion:
    """SKEL parameters of one person at rising times.

    Attributes:
        person_id: Number of the person in the video.
        time_s: `t` times, strictly rising.
        params: NumPy parameters with leading dimension t; betas may be `1 10`, one shape for the clip.
        visible: `t` whether the person was seen; parameters of other rows mean nothing.
    """

    person_id: int
    time_s: Float[np.ndarray, "t"]
    params: SkelParams
    visible: Bool[np.ndarray, "t"]

    def __post_init__(self) -> None:
        _check_rising(self.time_s)
        frames = len(self.time_s)
        if self.params.q.shape[:-1] != (frames,) or len(self.visible) != frames:
            raise ValueError(
                f"q must have shape [{frames}, 46] and visible [{frames}], as many as times, "
                f"got {self.params.q.shape} and {self.visible.shape}"
            )


@dataclass(frozen=True)
class JointAngles:
    """Named angles over time; `angles["knee_angle_r"]` is one column.

    Attributes:
        time_s: `t` times, strictly rising.
        names: d names, as in `skelvid.angles.table.ANGLES`.
        values_rad: `t d` angles, rad; NaN where the person was not seen.
    """

    time_s: Float[np.ndarray, "t"]
    names: tuple[str, ...]
    values_rad: Float[np.ndarray, "t d"]

    def __post_init__(self) -> None:
        _check_rising(self.time_s)
        shape = (len(self.time_s), len(self.names))
        if self.values_rad.shape != shape:
            raise ValueError(f"values_rad must have shape {shape}, times by names, got {self.values_rad.shape}")
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
