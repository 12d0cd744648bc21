"""Which part of a video is wanted."""

import math
from dataclasses import dataclass
from fractions import Fraction

from skelvid.datatypes.frames import VideoInfo
from skelvid.errors import ConfigError

# A time that was typed or added up may miss that of a picture by its last digits.
_EPSILON_S = 1e-6


@dataclass(frozen=True)
class Span:
    """Times of a video, from a start up to and without an end; the whole video if nothing is said.

    >>> [time_s in Span(0.5, 1.0) for time_s in (0.4, 0.5, 1.0)]
    [False, True, False]

    Attributes:
        start_s: First time, s.
        end_s: First time after it, s.

    Raises:
        ConfigError: The start is not before the end.
    """

    start_s: float = -math.inf
    end_s: float = math.inf

    def __post_init__(self) -> None:
        if not self.start_s < self.end_s:
            raise ConfigError(f"the start must lie before the end, got {self.start_s:g} s and {self.end_s:g} s")

    def __contains__(self, time_s: float) -> bool:
        return self.start_s - _EPSILON_S <= time_s < self.end_s - _EPSILON_S

    def __str__(self) -> str:
        words = [f"from {self.start_s:g} s on"] if self.start_s > -math.inf else []
        words += [f"before {self.end_s:g} s"] if self.end_s < math.inf else []
        return " and ".join(words) or "at all"

    def first_stamp(self, unit_s: Fraction) -> int | None:
        """Return the first time stamp inside, counted in such units; None if there is no start."""
        return None if self.start_s == -math.inf else math.ceil(Fraction(self.start_s - _EPSILON_S) / unit_s)

    def is_over(self, time_s: float) -> bool:
        """Return whether a time lies after the span."""
        return time_s >= self.end_s - _EPSILON_S

    def frames_of(self, info: VideoInfo) -> int | None:
        """Return about how many frames of a video that begins at 0 lie in the span; None if it has no count."""
        if info.frame_count is None:
            return None
        duration_s = info.duration_s or info.frame_count / info.rate_hz
        seen_s = min(self.end_s, duration_s) - max(self.start_s, 0.0)
        return max(0, round(info.frame_count * seen_s / duration_s))
