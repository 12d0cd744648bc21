"""Samples with labels of every kind, for tests."""

import io

import numpy as np
from PIL import Image

from skelvid.upgrade.sample import Sample
from skelvid.upgrade.shards import About

ABOUT = About(
    name="toy",
    recipe={"seed": 1},
    bodies={"toy": "0" * 64},
    sources={"made": "CC0"},
    landmarks=("nose", "heel_r"),
    parts=("background", "pelvis"),
)
_TEXTS = {"body": "toy", "source": "made", "licence": "CC0", "axes": "camera"}


def picture(key: str, seed: int = 0) -> Sample:
    """A picture with all that one can have."""
    rng = np.random.default_rng(seed)
    pixels, mask, nowhere = io.BytesIO(), io.BytesIO(), [np.nan, np.nan]
    Image.fromarray(rng.integers(0, 255, (8, 6, 3), np.uint8)).save(pixels, "JPEG")
    Image.fromarray(rng.integers(0, 2, (8, 6), np.uint8)).save(mask, "PNG")
    labels = {
        **_TEXTS,
        "identity": "someone",
        "q": rng.normal(size=46),
        "betas": rng.normal(size=10),
        "trans_m": [0.0, 0.0, 3.0],
        "focal_px": 9.0,
        "center_px": [3.0, 4.0],
        "size_hw": [8, 6],
        "box_xyxy": [1.0, 1.0, 5.0, 7.0],
        "landmarks_px": [[3.0, 2.0], nowhere],
        "landmark_state": [1, 0],
    }
    return Sample(key, labels, {"jpg": pixels.getvalue(), "parts.png": mask.getvalue()})


def sequence(key: str, frames: int = 4, seed: int = 0) -> Sample:
    """A sequence without pictures."""
    rng = np.random.default_rng(seed)
    labels = {
        **_TEXTS,
        "q": rng.normal(size=(frames, 46)),
        "betas": rng.normal(size=10),
        "time_s": np.arange(frames) / 30,
        "contact": rng.uniform(size=(frames, 4)),
        "residual_mm": np.full(frames, 3.0),
        "verdict": np.zeros(frames, np.uint8),
    }
    return Sample(key, labels)
