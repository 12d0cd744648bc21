"""What is known of a frame the moment it is taken, in; the picture to show at once, out.

Curves scroll: a picture moves those of the last one to the left and draws the newest piece only, so it takes the same
short time however long the film.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import floor, sqrt

import numpy as np
from jaxtyping import Float

from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.motion import JointAngles
from skelvid.draw.bones import Bones, draw_bones
from skelvid.draw.chart import BRIGHT, Box, columns_of, draw_curve, draw_grid, sample, side_of, value_range, write_ticks
from skelvid.draw.ink import Picture, text_width_px, write
from skelvid.draw.panel import most_charts

_PAPER, _BOX, _GRID, _INK, _NOW = (24, 26, 30), (34, 37, 43), (62, 66, 74), (205, 205, 205), (255, 215, 120)
_PER_COLUMN = 4
# Sizes at 1280 x 720; others follow.
_WIDTH, _HEAD, _FOOT, _MOST_CHART, _TEXT, _NOTE = 300, 16, 30, 250, 13, 17
_LEAST_UNIT = 0.6
# What charts show before anything went beyond, degrees.
_FIRST_RANGE = -20.0, 70.0


class LiveView:
    """Draws frames as they come: the skeleton over the person, curves of the last seconds beside, notes on top.

    Args:
        size_hw: Height and width of the frames, px.
        bones: What the skeleton is made of.
        angle_names: Those of the angles that will come.
        shown: Whose curves are shown, as many as find room; a name without its side shows both.
        window_s: How much of the past curves show.

    Raises:
        ValueError: There is no such angle.
    """

    def __init__(
        self,
        size_hw: tuple[int, int],
        bones: Bones,
        angle_names: Sequence[str],
        *,
        shown: Sequence[str],
        window_s: float = 6.0,
    ) -> None:
        self._size_hw, self._bones, self._window_s = size_hw, bones, window_s
        unit = self._unit = max(sqrt(size_hw[0] * size_hw[1] / (720 * 1280)), _LEAST_UNIT)
        self._text_px, self._note_px = round(_TEXT * unit), round(_NOTE * unit)
        none = JointAngles(np.zeros(0), tuple(angle_names), np.zeros((0, len(angle_names))))
        columns = [columns_of(name, none) for name in shown]
        self._names, self._columns = angle_names, columns[: most_charts(size_hw[0], unit)]
        # Even sizes, as H.264 wants them.
        self._strip = np.full((size_hw[0], 2 * round(_WIDTH * unit / 2) if self._columns else 0, 3), _PAPER, np.uint8)
        self._boxes = self._make_boxes()
        self._past: deque[tuple[float, Float[np.ndarray, "d"]]] = deque()
        self._now = -1
        for chart, name in enumerate(shown[: len(self._columns)]):
            self._draw_frame(chart, name)

    def __call__(
        self,
        frame: Frame,
        points_m: Float[np.ndarray, "p 3"] | None,
        camera: Camera | None,
        angles: JointAngles | None,
        *,
        notes: Sequence[str] = (),
    ) -> Picture:
        """Return the frame, copied, with everything drawn.

        Args:
            frame: The next one.
            points_m: Of the bones, in the camera's frame, m; None where nobody is seen.
            camera: Who took the frame.
            angles: One row; None where nobody is seen.
            notes: Lines for the upper left corner.
        """
        picture = np.concatenate([frame.image, self._strip], 1)
        film = picture[:, : self._size_hw[1]]
        if points_m is not None and camera is not None:
            draw_bones(film, self._bones, points_m, camera, unit=self._unit)
        self._take(frame.time_s, np.full(len(self._names), np.nan) if angles is None else angles.values_rad[0])
        picture[:, self._size_hw[1] :] = self._strip
        self._write_notes(film, notes)
        return picture

    def _make_boxes(self) -> list[Box]:
        unit, count = self._unit, len(self._columns)
        if not count:
            return []
        (height, width), left, line = self._strip.shape[:2], round(44 * unit), round(1.6 * self._text_px)
        head = round(_HEAD * unit)
        step = min(round(_MOST_CHART * unit), (height - head - round(_FOOT * unit)) // count)
        size = width - left - round(12 * unit), max(step - line - round(10 * unit), 1)
        return [Box(left, head + chart * step + line, *size, *_FIRST_RANGE) for chart in range(count)]

    def _draw_frame(self, chart: int, name: str) -> None:
        """Draw what stands still: paper, numbers, title."""
        box, text_px, unit = self._boxes[chart], self._text_px, self._unit
        above = box.top - round(1.5 * text_px)
        write(self._strip, name.replace("_", " "), (box.left, above), _INK, font_px=text_px)
        if chart == 0:
            foot = f"last {self._window_s:g} s; R right, L left; degrees"
            write(self._strip, foot, (box.left, len(self._strip) - round(26 * unit)), _INK, font_px=text_px)
        self._redraw(chart)

    def _redraw(self, chart: int) -> None:
        box = self._boxes[chart]
        rows = slice(max(box.top - self._text_px // 2, 0), box.top + box.height + self._text_px)
        self._strip[rows, : box.left] = _PAPER
        write_ticks(self._strip, box, ink=_INK, font_px=self._text_px)
        self._draw_end(chart, box.width)

    def _take(self, time_s: float, values_rad: Float[np.ndarray, "d"]) -> None:
        """Move the curves on to a time, and write the values there."""
        self._past.append((time_s, np.degrees(values_rad)))
        while self._past[0][0] < time_s - 1.5 * self._window_s:
            self._past.popleft()
        if not self._boxes:
            return
        width = self._boxes[0].width
        now = floor(time_s / self._window_s * width)
        fresh, self._now = min(now - self._now, width), now
        for chart, box in enumerate(self._boxes):
            values = self._past[-1][1][self._columns[chart]]
            self._write_values(chart, values)
            known = values[np.isfinite(values)]
            if known.size and not box.low <= known.min() <= known.max() <= box.high:
                # Only ever wider, so that curves do not jump about.
                low, high = value_range(np.append(known, (box.low, box.high)))
                self._boxes[chart] = replace(box, low=low, high=high)
                self._redraw(chart)
            elif fresh > 0:
                place = self._place(box)
                place[:, : width - fresh] = place[:, fresh:].copy()
                self._draw_end(chart, fresh)

    def _place(self, box: Box) -> Picture:
        return self._strip[box.top : box.top + box.height, box.left : box.left + box.width]

    def _draw_end(self, chart: int, fresh: int) -> None:
        """Draw the last columns of a chart."""
        whole = self._boxes[chart]
        box = replace(whole, left=0, top=0, width=fresh)
        picture = np.full((box.height, fresh, 3), _BOX, np.uint8)
        draw_grid(picture, box, ink=_GRID, font_px=self._text_px)
        if len(self._past) > 1:
            times = np.array([time_s for time_s, _ in self._past])
            values = np.array([row[self._columns[chart]] for _, row in self._past])
            column = np.linspace(self._now - fresh, self._now, _PER_COLUMN * fresh + 1)
            curves = sample(times, values, column / whole.width * self._window_s).T
            for curve, index in zip(curves, self._columns[chart], strict=True):
                draw_curve(picture, box, curve, BRIGHT[side_of(self._names[index])], thick_px=2.0 * self._unit)
        self._place(whole)[:, whole.width - fresh :] = picture

    def _write_values(self, chart: int, values_deg: Float[np.ndarray, "c"]) -> None:
        """Write the present values above the right end of a chart, the last first."""
        box, text_px = self._boxes[chart], self._text_px
        right, top, wide = box.left + box.width, box.top - round(1.5 * text_px), text_width_px("R -100°", text_px)
        self._strip[top : box.top - 1, right - wide * len(values_deg) :] = _PAPER
        for value_deg, index in reversed(list(zip(values_deg, self._columns[chart], strict=True))):
            side = side_of(self._names[index])
            text = "-" if np.isnan(value_deg) else f"{round(value_deg)}°"
            right -= wide
            text = text if side == "middle" else f"{side[0].upper()} {text}"
            write(self._strip, text, (right, top), BRIGHT[side], font_px=text_px)

    def _write_notes(self, film: Picture, notes: Sequence[str]) -> None:
        px = self._note_px
        for number, note in enumerate(notes):
            top, width = px // 2 + number * round(1.5 * px), text_width_px(note, px) + px
            film[top : top + round(1.5 * px), px // 2 : px // 2 + width] = _PAPER
            write(film, note, (px, top + px // 6), _NOW if number == 0 else _INK, font_px=px)
