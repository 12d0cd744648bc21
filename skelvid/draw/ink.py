"""Strokes, dots and letters put onto a picture in place, with smooth edges; plain NumPy, quick enough for video.

Positions are image px, (0, 0) the top left corner of the picture; what lies outside is cut off.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

Rgb8 = tuple[int, int, int]
Picture = UInt8[np.ndarray, "h w 3"]
BLACK: Rgb8 = (0, 0, 0)
# Without an edge, a stroke gets lost on a background of its own colour.
_EDGE_ALPHA = 0.75


def stroke(
    image: Picture,
    ends: Float[np.ndarray, "2 2"],
    color: Rgb8,
    *,
    radius_px: float,
    edge_px: float = 0.0,
    alpha: float = 1.0,
) -> None:
    """Draw a straight stroke with round ends and a dark edge; nothing where an end is not finite."""
    reach = radius_px + edge_px + 1.0
    if not np.isfinite(ends).all():
        return
    limit = (image.shape[1], image.shape[0])
    low = np.clip(np.floor(ends.min(0) - reach), 0, limit).astype(int)
    high = np.clip(np.ceil(ends.max(0) + reach), 0, limit).astype(int)
    if (low >= high).any():
        return
    (ax, ay), (bx, by) = ends[0].tolist(), (ends[1] - ends[0]).tolist()
    x = np.arange(low[0], high[0], dtype=np.float32) + (0.5 - ax)
    y = np.arange(low[1], high[1], dtype=np.float32)[:, None] + (0.5 - ay)
    length2 = bx * bx + by * by
    along = np.clip((x * (bx / length2) + y * (by / length2)), 0.0, 1.0) if length2 > 0.0 else np.zeros((1, 1))
    distance2 = (x - along * bx) ** 2 + (y - along * by) ** 2
    row, column = np.nonzero(distance2 < reach * reach)
    distance = np.sqrt(distance2[row, column])
    patch = image[low[1] : high[1], low[0] : high[0]]
    pixels = patch[row, column].astype(np.float32)
    if edge_px:
        _mix(pixels, BLACK, np.clip(reach - 0.5 - distance, 0.0, 1.0) * (_EDGE_ALPHA * alpha))
    _mix(pixels, color, np.clip(radius_px + 0.5 - distance, 0.0, 1.0) * alpha)
    patch[row, column] = pixels + 0.5


def stamp(image: Picture, cover: Float[np.ndarray, "ch cw"], corner: tuple[int, int], color: Rgb8) -> None:
    """Mix a colour in, as much as `cover` says, in [0, 1]; `corner` is where its top left pixel goes, (x, y)."""
    (x, y), (height, width) = corner, cover.shape
    top, left = max(0, -y), max(0, -x)
    patch = image[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
    if patch.size:
        pixels = patch.astype(np.float32)
        _mix(pixels, color, cover[top : top + patch.shape[0], left : left + patch.shape[1]])
        patch[:] = pixels + 0.5


def write(image: Picture, text: str, corner: tuple[int, int], color: Rgb8, *, font_px: int) -> int:
    """Write one line with its upper left corner at (x, y); return where the next letter would begin, x."""
    cover = np.concatenate([_letter(letter, font_px) for letter in text], 1) if text else np.zeros((1, 0), np.float32)
    stamp(image, cover, corner, color)
    return corner[0] + cover.shape[1]


def text_width_px(text: str, font_px: int) -> int:
    """Return how much room `write` takes."""
    return sum(_letter(letter, font_px).shape[1] for letter in text)


@lru_cache(maxsize=1024)
def _letter(letter: str, font_px: int) -> Float[np.ndarray, "ch cw"]:
    """Return how much of each pixel a letter covers, in a box of the font's height; drawn once, as it is slow."""
    font = ImageFont.load_default(font_px)
    # The figures are set as wide as a zero, so that numbers do not jitter.
    width = round(font.getlength("0" if letter.isdigit() else letter))
    picture = Image.new("L", (max(width, 1), round(font_px * 1.3)))
    ImageDraw.Draw(picture).text((width / 2, 0), letter, fill=255, font=font, anchor="ma")
    return np.asarray(picture, np.float32) / 255.0


def _mix(pixels: Float[np.ndarray, "*n 3"], color: Rgb8, cover: Float[np.ndarray, "*n"]) -> None:
    """Move pixels towards a colour in place."""
    pixels += (np.array(color, np.float32) - pixels) * cover[..., None].astype(np.float32)
