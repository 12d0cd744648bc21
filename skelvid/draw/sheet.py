"""Pictures of one size in, one contact sheet with a caption under each out."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont


def contact_sheet(
    images: Sequence[UInt8[np.ndarray, "h w 3"]],
    *,
    columns: int,
    labels: Sequence[str] = (),
    font_px: int = 15,
    gap_px: int = 4,
) -> UInt8[np.ndarray, "sheet_h sheet_w 3"]:
    """Lay pictures out row by row on white; a label may hold several lines."""
    if not images or (labels and len(labels) != len(images)):
        raise ValueError(f"need at least one image and no or as many labels, got {len(images)} and {len(labels)}")
    height, width = images[0].shape[:2]
    lines = max((label.count("\n") + 1 for label in labels), default=0)
    cell_h, cell_w = height + int(lines * font_px * 1.3) + gap_px, width + gap_px
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * cell_w + gap_px, rows * cell_h + gap_px), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(font_px)
    for index, image in enumerate(images):
        left, top = gap_px + index % columns * cell_w, gap_px + index // columns * cell_h
        sheet.paste(Image.fromarray(image), (left, top))
        if labels:
            center = (left + width / 2, top + height)
            draw.multiline_text(center, labels[index], fill="black", font=font, anchor="ma", align="center", spacing=2)
    return np.asarray(sheet)
