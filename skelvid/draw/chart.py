"""Curves over time in a small box of a picture: what the overlay and the plots share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.motion import JointAngles
from skelvid.draw.ink import Picture, Rgb8, stamp, text_width_px, write

Side = Literal["right", "left", "middle"]
# Okabe and Ito's colours, which people with any colour vision tell apart: bright ones for dark ground, deep ones for
# white paper. Orange is right and blue is left.
BRIGHT: dict[Side, Rgb8] = {"right": (230, 159, 0), "left": (86, 180, 233), "middle": (240, 240, 240)}
DEEP: dict[Side, Rgb8] = {"right": (213, 94, 0), "left": (0, 114, 178), "middle": (70, 70, 70)}
# Noise should look like noise: a range is never shown larger than this.
_LEAST_SPAN = 20.0
_BAND_COVER = 0.25


@dataclass(frozen=True)
class Box:
    """Where curves go: a box of the picture, px, and the range of values from its lower to its upper edge."""

    left: int
    top: int
    width: int
    height: int
    low: float
    high: float

    def rows(self, values: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Return the height of values, px below the upper edge."""
        return (self.high - values) * (self.height / (self.high - self.low))


def side_of(name: str) -> Side:
    """Return which side of the body a name is about.

    >>> side_of("knee_angle_r"), side_of("trunk_bending")
    ('right', 'middle')
    """
    return "right" if name.endswith("_r") else "left" if name.endswith("_l") else "middle"


def columns_of(name: str, angles: JointAngles) -> list[int]:
    """Return which angles a name stands for: a name without its side means both, the right one first.

    Raises:
        ValueError: There is no such angle.
    """
    found = [angles.names.index(full) for full in (name, f"{name}_r", f"{name}_l") if full in angles.names]
    if not found:
        raise ValueError(f"no angle is called '{name}'; known are {', '.join(angles.names)}")
    return found


def value_range(values: Float[np.ndarray, "*n"]) -> tuple[float, float]:
    """Return a range that holds all values with some air around them, whatever is missing.

    >>> value_range(np.array([0.0, 100.0, np.nan]))
    (-5.0, 105.0)
    """
    there = values[np.isfinite(values)]
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)
    margin = max(0.05 * (high - low), (_LEAST_SPAN - (high - low)) / 2)
    return low - margin, high + margin


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return round numbers between two values, at least about `count` of them.

    >>> ticks(-31.0, 47.0, 3)
    [-20.0, 0.0, 20.0, 40.0]
    """
    rough = (high - low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= rough))
    first = int(np.ceil(low / step))
    return [(first + number) * step for number in range(int(np.floor(high / step)) - first + 1)]


def sample(
    time_s: Float[np.ndarray, "t"], values: Float[np.ndarray, "t d"], at_s: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n d"]:
    """Return values between frames, linear in time; NaN beside a frame that is NaN, and beyond the ends."""
    if len(time_s) < 2:
        return np.full((len(at_s), values.shape[1]), np.nan)
    left = np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 2)
    share = (at_s - time_s[left]) / (time_s[left + 1] - time_s[left])
    share = np.where((share < -1e-9) | (share > 1.0 + 1e-9), np.nan, share)[:, None]
    return values[left] * (1.0 - share) + values[left + 1] * share


def draw_curve(
    image: Picture,
    box: Box,
    values: Float[np.ndarray, "n"],
    color: Rgb8,
    *,
    thick_px: float = 2.0,
    cover: float = 1.0,
) -> None:
    """Draw a curve whose n values lie evenly from the left edge to the right one, n - 1 a multiple of the width."""
    low, high = _column_spans(box, values, values)
    _fill(image, box, low - thick_px / 2, high + thick_px / 2, color, cover)


def draw_band(
    image: Picture, box: Box, values: Float[np.ndarray, "n"], sigma: Float[np.ndarray, "n"], color: Rgb8
) -> None:
    """Shade one standard deviation to both sides of a curve; nothing where it is NaN."""
    low, high = _column_spans(box, values + sigma, values - sigma)
    _fill(image, box, low, high, color, _BAND_COVER)


def draw_grid(image: Picture, box: Box, *, ink: Rgb8, font_px: int) -> None:
    """Draw a line at each of some round values."""
    for _, row in _tick_rows(box, font_px):
        image[row : row + 1, box.left : box.left + box.width] = ink


def write_ticks(image: Picture, box: Box, *, ink: Rgb8, font_px: int) -> None:
    """Write the numbers of the lines of `draw_grid`, to the left of the box."""
    for value, row in _tick_rows(box, font_px):
        text = f"{value:g}"
        corner = (box.left - text_width_px(text, font_px) - font_px // 2, row - round(0.6 * font_px))
        write(image, text, corner, ink, font_px=font_px)


def _tick_rows(box: Box, font_px: int) -> list[tuple[float, int]]:
    values = ticks(box.low, box.high, max(1, box.height // (4 * font_px)))
    return [(value, box.top + int(row)) for value, row in zip(values, box.rows(np.array(values)), strict=True)]


def shade_gaps(
    image: Picture,
    box: Box,
    time_s: Float[np.ndarray, "t"],
    seen: Bool[np.ndarray, "t"],
    at_s: Float[np.ndarray, "n"],
    color: Rgb8,
) -> None:
    """Fill the columns of a box in which nobody was seen, between the first and the last frame; `at_s` as in curves."""
    missing = np.isnan(sample(time_s, np.where(seen, 0.0, np.nan)[:, None], at_s)[:-1, 0])
    inside = (time_s[0] <= at_s[:-1]) & (at_s[:-1] <= time_s[-1])
    columns = (missing & inside).reshape(box.width, -1).all(1)
    image[box.top : box.top + box.height, box.left : box.left + box.width][:, columns] = color


def _column_spans(
    box: Box, upper: Float[np.ndarray, "n"], lower: Float[np.ndarray, "n"]
) -> tuple[Float[np.ndarray, "columns"], Float[np.ndarray, "columns"]]:
    """Return from where to where each column of pixels is covered, px below the upper edge of the box."""
    step = (len(upper) - 1) // box.width
    index = np.arange(box.width)[:, None] * step + np.arange(step + 1)
    return box.rows(upper)[index].min(1), box.rows(lower)[index].max(1)


def _fill(
    image: Picture,
    box: Box,
    low: Float[np.ndarray, "columns"],
    high: Float[np.ndarray, "columns"],
    color: Rgb8,
    cover: float,
) -> None:
    row = np.arange(box.height, dtype=np.float32)[:, None]
    covered = np.clip(np.minimum(high, row + 1) - np.maximum(low, row), 0.0, 1.0)
    stamp(image, np.nan_to_num(covered * cover).astype(np.float32), (box.left, box.top), color)
