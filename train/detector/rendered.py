"""People drawn by `train.synth` in, people for pasting out.

What photographs of gyms and streets lack: bodies of all shapes, hospital clothes, and poses of a laboratory.
"""

import io
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image
from scipy import ndimage

from train.detector.composite import Person

MASK = ".parts.png"
# A person for pasting is this long, this far from the picture's edge, and of one piece but for this share.
LONG_PX, EDGE_PX, PIECES = 110, 3, 0.02
# Softens the mask's steps.
SOFT_PX = 0.7


def rendered(data_set: Path) -> list[Person]:
    """Return the people of a data set in the training format who are whole in their picture."""
    found: list[Person] = []
    for file in sorted(data_set.rglob("*.tar")):
        with tarfile.open(file) as tar:
            data = {member.name: member for member in tar.getmembers()}
            for name in sorted(data):
                if name.endswith(MASK):
                    image, parts = (_picture(tar, data[key]) for key in (name.removesuffix(MASK) + ".jpg", name))
                    found += [person] if (person := whole(image, parts)) else []
    return found


def whole(image: UInt8[np.ndarray, "h w 3"], parts: UInt8[np.ndarray, "h w"]) -> Person | None:
    """Return the person of a picture; None if something hides or cuts them, or they are small.

    Args:
        image: The picture.
        parts: Number of the part of the body that each pixel shows, 0 for none.
    """
    rows, columns = np.flatnonzero(parts.any(1)), np.flatnonzero(parts.any(0))
    if not len(rows):
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    edge = min(top, left, parts.shape[0] - bottom, parts.shape[1] - right)
    if edge < EDGE_PX or max(bottom - top, right - left) < LONG_PX:
        return None
    mask = parts > 0
    labelled: Any = ndimage.label(mask, np.ones((3, 3)))
    pieces = np.bincount(labelled[0][mask])
    if pieces.max() < (1.0 - PIECES) * mask.sum():
        return None
    area = slice(top - 2, bottom + 2), slice(left - 2, right + 2)
    # Half a pixel less: the outermost have the background's colour in them.
    thin = cv2.GaussianBlur(mask[area].astype(np.float32), (0, 0), SOFT_PX)
    return Person(image[area], ((np.asarray(thin) - 0.4) / 0.5).clip(0.0, 1.0))


def _picture(tar: tarfile.TarFile, member: tarfile.TarInfo) -> UInt8[np.ndarray, "..."]:
    file = tar.extractfile(member)
    assert file is not None
    return np.array(Image.open(io.BytesIO(file.read())))
