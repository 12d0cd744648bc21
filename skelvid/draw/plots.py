"""A result in, pages of curves out: each angle before and after smoothing, with its standard deviation and its gaps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from skelvid.datatypes.result import Result
from skelvid.draw.chart import (
    DEEP,
    Box,
    columns_of,
    draw_band,
    draw_curve,
    draw_grid,
    sample,
    shade_gaps,
    side_of,
    ticks,
    value_range,
    write_ticks,
)
from skelvid.draw.ink import Picture, text_width_px, write
from skelvid.files import whole_file

# Angles of a page; those with two sides show both.
PAGES: dict[str, tuple[str, ...]] = {
    "legs": ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle"),
    "trunk": (
        *("pelvis_tilt", "trunk_extension", "pelvis_list", "trunk_bending", "pelvis_rotation", "trunk_rotation"),
        *("head_extension", "head_rotation"),
    ),
    "arms": (
        *("arm_flex", "arm_add", "arm_rot", "shoulder_elevation"),
        *("elbow_flex", "pro_sup", "wrist_flex", "wrist_dev"),
    ),
}
_INK, _GRID, _GAP = (60, 60, 60), (225, 225, 225), (238, 238, 238)
_FONT_PX, _TITLE_PX = 15, 20
_CELL_WH, _CHART_WH, _INSET_LT = (720, 260), (630, 190), (68, 32)
_HEAD_PX, _MARGIN_PX, _COLUMNS = 76, 12, 2
_PALE = 0.45


def write_plots(result: Result, folder: Path) -> list[Path]:
    """Write `angles_<page>.png` for each of `PAGES`, and return their paths.

    Raises:
        SkelvidError: The disk is full, or the folder cannot be written to.
    """
    paths = [folder / f"angles_{page}.png" for page in PAGES]
    for path, names in zip(paths, PAGES.values(), strict=True):
        image = plot_angles(result, names)
        with whole_file(path) as part:
            Image.fromarray(image).save(part, format="PNG")
    return paths


def plot_angles(result: Result, names: Sequence[str]) -> Picture:
    """Draw a page with a chart for each angle, in degrees over seconds; a name without its side shows both."""
    height = _HEAD_PX + -(-len(names) // _COLUMNS) * _CELL_WH[1] + _MARGIN_PX
    page = np.full((height, _COLUMNS * _CELL_WH[0] + 2 * _MARGIN_PX, 3), 255, np.uint8)
    title = f"{result.video.name}, person {result.motion.person_id}: joint angles in degrees over time in seconds"
    write(page, title, (_MARGIN_PX, _MARGIN_PX), (0, 0, 0), font_px=_TITLE_PX)
    _write_legend(page, result)
    for number, name in enumerate(names):
        row, column = divmod(number, _COLUMNS)
        _draw_chart(page, result, name, (_MARGIN_PX + column * _CELL_WH[0], _HEAD_PX + row * _CELL_WH[1]))
    return page


def _write_legend(page: Picture, result: Result) -> None:
    x, y = _MARGIN_PX, _MARGIN_PX + round(1.5 * _TITLE_PX)
    for text, color in DEEP.items():
        page[y + 8 : y + 11, x : x + 26] = color
        x = write(page, text, (x + 32, y), _INK, font_px=_FONT_PX) + 24
    note = f"pale: before smoothing ({result.smoothing}); band: one standard deviation; grey: not seen"
    write(page, note, (x, y), _INK, font_px=_FONT_PX)


def _draw_chart(page: Picture, result: Result, name: str, corner: tuple[int, int]) -> None:
    columns = columns_of(name, result.angles)
    colors = [DEEP[side_of(result.angles.names[column])] for column in columns]
    raw_deg, smooth_deg = (np.degrees(a.values_rad[:, columns]) for a in (result.raw_angles, result.angles))
    left, top = corner[0] + _INSET_LT[0], corner[1] + _INSET_LT[1]
    box = Box(left, top, *_CHART_WH, *value_range(np.stack([raw_deg, smooth_deg])))
    time_s = result.motion.time_s
    write(page, name.replace("_", " "), (left, corner[1] + 6), (0, 0, 0), font_px=_FONT_PX + 2)
    # Long clips have many frames per column: all of them count.
    per_column = 2 * -(-len(time_s) // box.width)
    at_s = np.linspace(time_s[0], time_s[-1], box.width * per_column + 1)
    shade_gaps(page, box, time_s, result.seen, at_s, _GAP)
    draw_grid(page, box, ink=_GRID, font_px=_FONT_PX)
    write_ticks(page, box, ink=_INK, font_px=_FONT_PX)
    _write_times(page, box, time_s)
    sigma = result.angles.sigma_rad
    sigma_deg = np.full_like(raw_deg, np.nan) if sigma is None else np.degrees(sigma[:, columns])
    raw, smooth, deviation = (sample(time_s, values, at_s).T for values in (raw_deg, smooth_deg, sigma_deg))
    # Layer by layer, so that the band of one side does not cover the curve of the other.
    for values, sd, color in zip(smooth, deviation, colors, strict=True):
        draw_band(page, box, values, sd, color)
    for values, color in zip(raw, colors, strict=True):
        draw_curve(page, box, values, color, thick_px=1.5, cover=_PALE)
    for values, color in zip(smooth, colors, strict=True):
        draw_curve(page, box, values, color, thick_px=2.5)


def _write_times(page: Picture, box: Box, time_s: np.ndarray) -> None:
    start_s, span_s = float(time_s[0]), float(time_s[-1] - time_s[0])
    for value_s in ticks(start_s, start_s + span_s, 5) if span_s > 0.0 else []:
        x = box.left + round((value_s - start_s) / span_s * box.width)
        page[box.top + box.height : box.top + box.height + 5, x : x + 1] = _INK
        text = f"{value_s:g}"
        corner = (x - text_width_px(text, _FONT_PX) // 2, box.top + box.height + 7)
        write(page, text, corner, _INK, font_px=_FONT_PX)
