"""Joint angles and a time in; curves of the last seconds and present values out: what runs beside a video."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from skelvid.datatypes.result import Result
from skelvid.draw.chart import (
    BRIGHT,
    Box,
    columns_of,
    draw_band,
    draw_curve,
    draw_grid,
    sample,
    shade_gaps,
    side_of,
    value_range,
    write_ticks,
)
from skelvid.draw.ink import Picture, text_width_px, write

_PAPER, _BOX, _GAP, _GRID, _INK = (24, 26, 30), (34, 37, 43), (70, 66, 60), (62, 66, 74), (205, 205, 205)
# Curves are sampled so often per column of pixels.
_PER_COLUMN = 4
# Sizes at 1280 x 720; others follow.
_WIDTH, _HEAD, _FOOT, _LEAST_CHART, _MOST_CHART, _TEXT, _TITLE = 300, 50, 30, 50, 250, 13, 17


def most_charts(height_px: int, unit: float) -> int:
    """Return how many charts find room beside a video."""
    return max(0, int((height_px - (_HEAD + _FOOT) * unit) // (_LEAST_CHART * unit)))


class Panel:
    """A strip as high as the video, with a chart for each of some angles.

    Args:
        result: Whose angles.
        names: Which, at most `most_charts`; a name without its side shows both.
        height_px: Height of the video.
        unit: How large everything is, 1 for a video of 1280 x 720.
        window_s: How much of the past is shown.
    """

    def __init__(self, result: Result, names: Sequence[str], *, height_px: int, unit: float, window_s: float) -> None:
        self._angles, self._window_s = result.angles, window_s
        self._seen = result.seen
        self._values_deg = np.degrees(result.angles.values_rad)
        sigma = result.angles.sigma_rad
        self._sigma_deg = None if sigma is None else np.degrees(sigma)
        self._columns = [columns_of(name, result.angles) for name in names]
        self._text_px, self._title_px, self._unit = round(_TEXT * unit), round(_TITLE * unit), unit
        # Even sizes, as H.264 wants them.
        self.width = 2 * round(_WIDTH * unit / 2)
        head, foot = round(_HEAD * unit), round(_FOOT * unit)
        step = min(round(_MOST_CHART * unit), (height_px - head - foot) // len(names))
        left, line = round(44 * unit), round(1.6 * self._text_px)
        self._boxes = [
            Box(
                left,
                head + number * step + line,
                self.width - left - round(12 * unit),
                max(step - line - round(10 * unit), 1),
                *value_range(self._values_deg[:, columns]),
            )
            for number, columns in enumerate(self._columns)
        ]
        self._blank = self._draw_blank(names, height_px)
        # Curves are drawn once, in chunks as wide as their box, and shown through a window that moves over them.
        self._chunk = lru_cache(maxsize=3 * len(names))(self._draw_chunk)

    def draw(self, picture: Picture, time_s: float, row: int | None) -> None:
        """Fill the strip `height width 3`; `row` is that of the present frame, None where there is none."""
        picture[:] = self._blank
        write(picture, f"{time_s:.2f} s", (self._boxes[0].left, round(12 * self._unit)), _INK, font_px=self._title_px)
        for chart, box in enumerate(self._boxes):
            first = round((time_s / self._window_s - 1.0) * box.width)
            number, cut = divmod(first, box.width)
            place = picture[box.top : box.top + box.height, box.left : box.left + box.width]
            place[:, : box.width - cut] = self._chunk(chart, number)[:, cut:]
            place[:, box.width - cut :] = self._chunk(chart, number + 1)[:, :cut]
            if row is not None:
                self._write_values(picture, chart, row)

    def _draw_chunk(self, chart: int, number: int) -> Picture:
        """Draw the curves of a chart from `number` times the window on, as long as the window."""
        box, columns = replace(self._boxes[chart], left=0, top=0), self._columns[chart]
        picture = np.full((box.height, box.width, 3), _BOX, np.uint8)
        times, colors = self._angles.time_s, [BRIGHT[side_of(self._angles.names[column])] for column in columns]
        at_s = (number + np.linspace(0.0, 1.0, _PER_COLUMN * box.width + 1)) * self._window_s
        shade_gaps(picture, box, times, self._seen, at_s, _GAP)
        draw_grid(picture, box, ink=_GRID, font_px=self._text_px)
        values = sample(times, self._values_deg[:, columns], at_s).T
        if self._sigma_deg is not None:
            sigmas = sample(times, self._sigma_deg[:, columns], at_s).T
            for value, sigma, color in zip(values, sigmas, colors, strict=True):
                draw_band(picture, box, value, sigma, color)
        for value, color in zip(values, colors, strict=True):
            draw_curve(picture, box, value, color, thick_px=2.0 * self._unit)
        return picture

    def _write_values(self, picture: Picture, chart: int, row: int) -> None:
        """Write the present values above the right end of a chart, the last first."""
        box, columns = self._boxes[chart], self._columns[chart]
        right, top = box.left + box.width, box.top - round(1.5 * self._text_px)
        for column in reversed(columns):
            value_deg, side = self._values_deg[row, column], side_of(self._angles.names[column])
            text = "-" if np.isnan(value_deg) else f"{round(value_deg)}°"
            text = text if side == "middle" else f"{side[0].upper()} {text}"
            # As wide as the widest, so that the letters stand still.
            right -= text_width_px("R -100°", self._text_px)
            write(picture, text, (right, top), BRIGHT[side], font_px=self._text_px)

    def _draw_blank(self, names: Sequence[str], height_px: int) -> Picture:
        """Draw what does not change."""
        strip = np.full((height_px, self.width, 3), _PAPER, np.uint8)
        for name, box in zip(names, self._boxes, strict=True):
            write_ticks(strip, box, ink=_INK, font_px=self._text_px)
            corner = (box.left, box.top - round(1.5 * self._text_px))
            write(strip, name.replace("_", " "), corner, _INK, font_px=self._text_px)
        foot = f"last {self._window_s:g} s; R right, L left; degrees"
        write(strip, foot, (self._boxes[0].left, height_px - round(26 * self._unit)), _INK, font_px=self._text_px)
        return strip
