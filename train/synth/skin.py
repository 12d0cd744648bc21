"""Procedural skin and eyes: who somebody is goes in, the picture that covers the base mesh comes out.

What lies where is told by `train.synth.skin_atlas`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from train.synth.garments_fabric import finish
from train.synth.skin_atlas import Atlas

# The ten Monk tones as what skin reflects, sRGB. The printed scale shows them as photographs do; as reflectances its
# light ones would be white paint (the lightest skin throws back some 60 % of red light, 35 % of blue).
_TONES = np.array(
    [
        (214, 180, 163), (209, 172, 150), (203, 163, 136), (193, 150, 119), (177, 132, 99),
        (152, 108, 79), (126, 86, 62), (101, 67, 48), (78, 52, 40), (58, 40, 32),
    ]
) / 255.0  # fmt: skip
_RED = np.array([0.10, -0.06, -0.06], np.float32)
# Melanin spares palms and soles.
_PALM_TONE = 4.0


@dataclass(frozen=True)
class Face:
    """How somebody's skin is painted.

    Attributes:
        tone: Monk, 1 to 10. hair: sRGB of brows, beard and body hair. eye: sRGB of the iris.
        beard, body_hair, stubble_scalp: 0 to 1. redness, spots, tan: 0 to 1. brows: 0 to 1.
    """

    tone: float
    hair: Float[ndarray, "3"]
    eye: Float[ndarray, "3"]
    beard: float
    body_hair: float
    stubble_scalp: float
    redness: float
    spots: float
    tan: float
    brows: float
    lips: float


def draw_face(rng: np.random.Generator, *, sex: str, age_years: float, dark: float, asian: float) -> Face:
    """Draw how skin and hair look.

    dark, asian: 0 to 1, how much of the ancestors' skin was dark, and their hair straight and black.
    """
    tone = float(np.clip(1.5 + 6.5 * dark + 1.2 * asian * (1 - dark) + 1.3 * rng.standard_normal(), 1, 10))
    if rng.random() < 0.4:  # whatever the features: no tone may hang on one kind of face
        tone = rng.uniform(1, 10)
    hair = hair_colour(rng, tone=tone, asian=asian, age_years=age_years)
    light_eyes = tone < 4 and rng.random() < 0.6 * (1 - asian)
    eye = np.array([(90, 125, 160), (100, 130, 95), (130, 110, 80)][rng.integers(3)] if light_eyes else (62, 40, 26))
    male = sex == "male"
    return Face(
        tone=tone,
        hair=hair,
        eye=eye / 255,
        beard=male * float(rng.choice([0.0, rng.uniform(0.15, 0.4), rng.uniform(0.6, 1.0)], p=[0.4, 0.33, 0.27])),
        body_hair=rng.uniform(0.1, 0.9) * (1 - 0.6 * asian) if male else rng.uniform(0, 0.12),
        stubble_scalp=0.0,
        redness=rng.uniform(0.1, 1.0),
        spots=rng.uniform(0, 1) ** 2 * (0.4 + age_years / 80),
        tan=rng.uniform(0, 1) ** 2 if rng.random() < 0.6 else 0.0,
        brows=rng.uniform(0.45, 1.0),
        lips=rng.uniform(0.2, 0.5) if male else rng.uniform(0.3, 1.0),
    )


def hair_colour(rng: np.random.Generator, *, tone: float, asian: float, age_years: float) -> Float[ndarray, "3"]:
    """Draw an sRGB colour of hair."""
    kinds = {"black": (24, 20, 19), "brown": (62, 42, 30), "light": (120, 88, 58), "blond": (186, 154, 108)}
    kinds |= {"red": (125, 62, 34)}
    fair = max(0.0, 1 - (tone - 1) / 4) * (1 - asian)
    share = np.array([0.45 + 2 * (1 - fair), 0.5, 0.3 * fair, 0.4 * fair, 0.12 * fair])
    colour = np.array(list(kinds.values())[rng.choice(len(kinds), p=share / share.sum())]) / 255.0
    grey = np.clip((age_years - 42) / 30 + 0.25 * rng.standard_normal(), 0, 1)
    return colour + grey * (np.array([0.72, 0.71, 0.70]) * rng.uniform(0.7, 1.1) - colour)


def paint_skin(atlas: Atlas, face: Face, rng: np.random.Generator) -> UInt8[Tensor, "h w 4"]:
    """Paint the whole skin."""
    mask, tone = atlas.masks, face.tone
    strength = float(np.interp(tone, [1, 6, 10], [1.0, 0.7, 0.35]))
    uneven = 0.035 * atlas.noise("soft", rng) + 0.022 * atlas.noise("fine", rng) + 0.012 * atlas.noise("pore", rng)
    colour = (1 + uneven) * _tone(tone)[:, None, None]  # the picture of each colour by itself: much quicker
    blood = 0.10 * face.redness * atlas.noise("broad", rng) + (0.3 + 0.7 * face.redness) * mask["flush"]
    colour += (blood * strength) * _RED[:, None, None]

    def mix(name: str, share: float, other: ndarray, more: ndarray | None = None) -> None:
        _mix(colour, atlas, name, share, other, more)

    mix("bare", 0.75, _tone(min(tone, 0.5 * (tone + _PALM_TONE))) + 0.4 * _RED)
    mix("sun", face.tan, _tone(tone + 1.6), 1 - mask["bare"])
    colour *= 1 - np.float32(0.25 * face.spots * strength) * (atlas.noise("spot", rng) > 1.9)
    mix("nipple", 0.6, _tone(tone + 2) + 0.5 * _RED)
    strands = np.clip(0.55 + 0.45 * atlas.noise("strand", rng), 0, 1)
    mix("beard", face.beard, face.hair, 0.25 + 0.65 * strands)
    mix("body_hair", 0.6 * face.body_hair, face.hair, np.clip(strands - 0.4, 0, 1))
    mix("scalp", face.stubble_scalp, face.hair, 0.6 + 0.3 * strands)
    mix("lips", 0.75 * face.lips, _tone(tone + 0.8) * [0.92, 0.62, 0.62])
    mix("lip_line", 0.7, _tone(tone + 3) * 0.5)
    mix("brow", 0.9 * face.brows, face.hair * 0.9)
    mix("lid", 0.35, _tone(tone + 1.5) * [0.85, 0.72, 0.72])
    mix("lash", 0.75, face.hair * 0.4)
    mix("nostril", 0.6, _tone(10))
    return finish(np.moveaxis(colour, 0, 2))


def _tone(tone: float) -> Float[ndarray, "3"]:
    """Return the colour of a Monk tone; beyond the scale its end."""
    return np.array([np.interp(tone, range(1, 11), _TONES[:, k]) for k in range(3)], np.float32)


def _mix(
    colour: Float[ndarray, "3 h w"], atlas: Atlas, name: str, share: float, other: Float[ndarray, "3"],
    more: Float[ndarray, "h w"] | None,
) -> None:  # fmt: skip
    """Paint over what a mask covers, in place."""
    if share:
        part = atlas.around[name]
        cover = np.float32(share) * atlas.masks[name][part]
        if more is not None:
            cover *= more[part]
        inside = colour[:, *part]
        inside += cover * (other.astype(np.float32)[:, None, None] - inside)


def paint_eye(face: Face, side: int = 64) -> UInt8[Tensor, "h w 4"]:
    """Paint an eye seen from the front; the ball fills the picture."""
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    r = np.hypot(x, y)[..., None]
    colour = np.broadcast_to(np.array([0.74, 0.70, 0.67]), (side, side, 3)) * (1 - 0.25 * np.clip(r - 0.5, 0, 1))
    iris = face.eye * (1.1 - 0.6 * (r / 0.5) ** 3)
    colour = np.where(r < 0.5, iris, colour)
    return finish(np.where(r < 0.18, 0.02, colour))
