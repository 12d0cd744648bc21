"""Light that makes people hard to see: pictures in, the same against the sun, in haze or badly exposed out."""

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

# How likely a person is a dark shape against the light, or has the colours of what is behind.
AGAINST_LIGHT, LIKE_BEHIND = 0.18, 0.15
# How likely a picture is full of haze, has the sun in it, or is badly exposed.
HAZE, SUN, EXPOSED = 0.2, 0.12, 0.3

Colours = Float[np.ndarray, "h w 3"]


def on_person(
    colours: Colours, alpha: Float[np.ndarray, "h w"], behind: Colours, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Return the colours of a pasted person in a light of their own.

    Args:
        colours: Of the person, 0 to 255.
        alpha: How opaque they are.
        behind: Colours of what they are pasted over.
        rng: What the light is drawn from.
    """
    colours = colours * rng.uniform(0.6, 1.25) * rng.uniform(0.9, 1.1, 3)
    kind = rng.random()
    if kind < AGAINST_LIGHT:
        colours = colours * rng.uniform(0.1, 0.5) + rng.uniform(0.0, 40.0)
    elif kind < AGAINST_LIGHT + LIKE_BEHIND and alpha.sum() > 1.0:
        own, other = (np.average(each, axis=(0, 1), weights=alpha) for each in (colours, behind))
        colours = colours + rng.uniform(0.4, 0.9) * (other - own)
    return colours.clip(0.0, 255.0)


def on_picture(image: Colours, rng: np.random.Generator) -> Colours:
    """Return a picture as air, sun and exposure leave it; values may leave 0 to 255."""
    if rng.random() < EXPOSED:
        image = 255.0 * (image.clip(0.0, 255.0) / 255.0) ** np.exp(rng.uniform(-0.6, 0.6))
    if rng.random() < HAZE:
        share = rng.uniform(0.1, 0.55)
        image = (1.0 - share) * image + share * rng.uniform(120.0, 240.0) * rng.uniform(0.93, 1.07, 3)
    if rng.random() < SUN:
        image = image + _sun(image.shape[:2], rng)[..., None] * np.array([255.0, 240.0, rng.uniform(170.0, 240.0)])
    return image


def _sun(size_hw: tuple[int, ...], rng: np.random.Generator) -> Float[np.ndarray, "h w"]:
    """Return how much of the sun's light is on each pixel: its disc, a glow around it, and streaks across."""
    height, width = size_hw
    x, y = rng.uniform(0.0, width), rng.uniform(0.0, 0.6 * height)
    columns, rows = np.meshgrid(np.arange(width) - x, np.arange(height) - y)
    away = np.hypot(columns, rows) / max(size_hw)
    light = np.exp(-((away / rng.uniform(0.01, 0.04)) ** 2)) + rng.uniform(0.2, 0.6) * np.exp(-away / 0.2)
    streaks = np.zeros(size_hw, np.float32)
    for angle in rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(0, 6))):
        end = np.array([x, y]) + 2.0 * max(size_hw) * np.array([np.cos(angle), np.sin(angle)])
        line: Any = cv2.line(streaks, (int(x), int(y)), end.astype(int).tolist(), 1.0, int(rng.integers(1, 5)))
        streaks = line
    soft: Any = cv2.GaussianBlur(streaks, (0, 0), 2.0)
    return light + rng.uniform(0.2, 0.6) * soft * np.exp(-away / 0.25)
