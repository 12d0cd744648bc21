"""Cut-out people and photographs in, pictures of many people with their boxes out.

What a teacher cannot label, this makes: crowds, people in front of each other, half out of the picture, small and far.
A box is around what can be seen of a person, as in COCO.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from train.detector import light

LONG_SIDE_PX = 352
# How many people are pasted, and how likely each number is.
COUNTS, SHARES = (1, 2, 3, 4, 6, 9), (0.3, 0.28, 0.18, 0.12, 0.08, 0.04)
# Heights as shares of the picture's: from the far end of a hall to legs alone.
SMALLEST, LARGEST = 0.12, 2.0
CROWD_LARGEST = 0.7
# Least share of a person, and least size in px, that must be seen for a box.
LEAST_SEEN, LEAST_PX = 0.2, 8
MAX_TURN_DEG = 12.0
OCCLUDED = 0.25
# How many of those who could be whole in the picture are, and stand alone from top to bottom.
WHOLE, FILLING = 0.6, 0.12

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Person:
    """A person who was cut out: colours, how opaque (0 to 1), and whether they were upright and whole."""

    image: Picture
    alpha: Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class Labelled:
    """A picture and the boxes in it, px."""

    image: Picture
    xyxy: Float[np.ndarray, "n 4"]


def compose(
    host: Labelled,
    people: Sequence[Person],
    scenery: Sequence[Picture],
    rng: np.random.Generator,
    *,
    side_px: int = LONG_SIDE_PX,
) -> Labelled:
    """Return a part of a picture, with people pasted in front of whoever is in it.

    Args:
        host: What to paste into.
        people: From whom to draw.
        scenery: Photographs to cut things from that stand in front of people.
        rng: What everything is drawn from.
        side_px: Longer side of what comes out.
    """
    part = crop(host, rng, side_px=side_px)
    count = int(rng.choice(COUNTS, p=SHARES))
    largest = CROWD_LARGEST if count > 4 else LARGEST
    shares = np.sort(np.exp(rng.uniform(np.log(SMALLEST), np.log(largest), count)))
    if rng.random() < FILLING:
        shares = rng.uniform(0.8, 1.05, 1)
    image = part.image.astype(np.float32)
    layers = [_filled(box, image.shape[:2]) for box in part.xyxy]
    whole = [float(layer.sum()) for layer in layers]
    for share in shares:  # who is nearer hides who is farther
        person = people[int(rng.integers(len(people)))]
        alpha, colour = _place(person, float(share), (image.shape[0], image.shape[1]), rng)
        colour = light.on_person(colour, alpha, image, rng)
        image = alpha[..., None] * colour + (1.0 - alpha[..., None]) * image
        layers = [layer & (alpha < 0.5) for layer in layers] + [alpha >= 0.5]
        whole.append(float(layers[-1].sum()))
    if rng.random() < OCCLUDED:
        thing = _thing(scenery[int(rng.integers(len(scenery)))], (image.shape[0], image.shape[1]), rng)
        (left, top), patch = thing
        area = slice(top, top + patch.shape[0]), slice(left, left + patch.shape[1])
        image[area] = patch
        for layer in layers:
            layer[area] = False
    boxes = [
        box
        for layer, size in zip(layers, whole, strict=True)
        if layer.sum() > LEAST_SEEN * size and (box := _around(layer)) is not None
    ]
    return Labelled(_camera(image, rng), np.array(boxes, float).reshape(-1, 4))


def crop(host: Labelled, rng: np.random.Generator, *, side_px: int = LONG_SIDE_PX) -> Labelled:
    """Return a random part of a picture, mirrored or not, `side_px` on its longer side."""
    height, width = host.image.shape[:2]
    share = rng.uniform(0.6, 1.0)
    aspect = np.exp(rng.uniform(np.log(9 / 16), np.log(16 / 9)))
    side = share * min(height * np.sqrt(aspect), width / np.sqrt(aspect))
    size = np.array([side * np.sqrt(aspect), side / np.sqrt(aspect)]).clip(16, (width, height)).astype(int)
    corner = (rng.random(2) * (np.array([width, height]) - size)).astype(int)
    part = host.image[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]]
    scale = side_px / size.max()
    seen = (host.xyxy - np.tile(corner, 2)).clip(0, np.tile(size, 2))
    area = _areas(host.xyxy)
    xyxy = seen[_areas(seen) > LEAST_SEEN * area] * scale
    out = (np.maximum(np.round(size * scale), 16)).astype(int)
    image = cv2.resize(part, out.tolist(), interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        image, xyxy = image[:, ::-1], np.stack([out[0] - xyxy[:, 2], xyxy[:, 1], out[0] - xyxy[:, 0], xyxy[:, 3]], -1)
    return Labelled(np.ascontiguousarray(image), xyxy)


def _place(
    person: Person, share: float, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w 3"]]:
    """Return opacity and colours of a person, somewhere in a picture."""
    height, width = size_hw
    own = np.array(person.alpha.shape)
    scale = share * height / own.max()
    turn = np.deg2rad(rng.uniform(-MAX_TURN_DEG, MAX_TURN_DEG))
    # The middle may be anywhere, of those who are tall only so far out that a good part is seen.
    middle = rng.random(2) * (width, height)
    if share <= 1.05 and rng.random() < WHOLE:
        margin = min(share / 2.0, 0.5) * height
        middle = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(margin, height - margin)])
    elif share > 1.0:
        middle = (0.2 + 0.6 * rng.random(2)) * (width, height) + (0.0, 0.3 * (share - 1.0) * height)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag([flip, 1.0])
    affine = np.concatenate([linear, (middle - linear @ (own[::-1] / 2.0))[:, None]], 1)
    image, alpha = person.image.astype(np.float32), person.alpha.astype(np.float32)
    if scale < 0.5:
        # Warping alone would skip pixels.
        blur = 0.5 / scale
        image, alpha = cv2.GaussianBlur(image, (0, 0), blur / 2.0), cv2.GaussianBlur(alpha, (0, 0), blur / 2.0)
    colour: Any = cv2.warpAffine(
        image, affine, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    opacity: Any = cv2.warpAffine(alpha, affine, (width, height), flags=cv2.INTER_LINEAR)
    return opacity, colour


def _thing(
    scenery: Picture, size_hw: tuple[int, int], rng: np.random.Generator
) -> tuple[tuple[int, int], Float[np.ndarray, "y x 3"]]:
    """Return corner (x, y) and colours of a piece of a photograph, such as may hide legs."""
    height, width = size_hw
    size = (rng.uniform(0.1, 0.45, 2) * (width, height)).astype(int).clip(4)
    corner = (rng.random(2) * (np.array([width, height]) - size)).astype(int)
    top, left = (rng.random(2) * 0.5 * np.array(scenery.shape[:2])).astype(int)
    piece = scenery[top : top + scenery.shape[0] // 2, left : left + scenery.shape[1] // 2]
    patch: Any = cv2.resize(piece, size.tolist(), interpolation=cv2.INTER_AREA)
    return (int(corner[0]), int(corner[1])), patch.astype(np.float32)


def _camera(image: Float[np.ndarray, "h w 3"], rng: np.random.Generator) -> Picture:
    """Return the picture as a camera gives it: blurred, noisy, so that pasted people are no sharper than the rest."""
    image = light.on_picture(image, rng)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3))  # pyright: ignore[reportAssignmentType]
    if rng.random() < 0.3:
        image = image + rng.normal(0.0, rng.uniform(2.0, 10.0), image.shape)
    return image.clip(0.0, 255.0).astype(np.uint8)


def _filled(box: Float[np.ndarray, "4"], size_hw: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    layer = np.zeros(size_hw, bool)
    left, top, right, bottom = box.round().astype(int)
    layer[top:bottom, left:right] = True
    return layer


def _around(layer: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "4"] | None:
    """Return the box around what is seen; None if it is too small."""
    rows, columns = np.flatnonzero(layer.any(1)), np.flatnonzero(layer.any(0))
    if not len(rows):
        return None
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)
    return box if (box[2:] - box[:2]).min() >= LEAST_PX else None


def _areas(xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n"]:
    return (xyxy[:, 2:] - xyxy[:, :2]).prod(-1)
