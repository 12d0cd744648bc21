"""Hair of a person: a MakeHuman style in a drawn colour, cropped hair, or none."""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from train.synth.dress import HAIR, Garment, Naked, Wardrobe, sew, wear
from train.synth.garments_fabric import cloud, finish
from train.synth.skin_atlas import scalp_share

# Loose hair as often as tied: whoever learns from these pictures must know what hangs down a back.
_STYLES = {
    "female": {"ponytail01": 22, "braid01": 10, "bob01": 10, "bob02": 12, "long01": 26, "short01": 4, "short03": 4,
               "short04": 4, "afro01": 4, "crop": 4},
    "male": {"short01": 14, "short02": 18, "short03": 10, "short04": 12, "afro01": 3, "crop": 26, "bald": 14,
             "ponytail01": 2, "long01": 2},
}  # fmt: skip
_DYES = np.array([(206, 172, 122), (176, 138, 92), (128, 86, 52), (150, 70, 40), (26, 21, 20), (215, 208, 198)]) / 255
_DYED = {"female": 0.4, "male": 0.1}
# Those that are proxies of MakeHuman; the others are made here.
PROXY_STYLES = tuple(sorted({name for styles in _STYLES.values() for name in styles} - {"crop", "bald"}))


def draw_style(sex: str, age_years: float, rng: np.random.Generator) -> str:
    """Draw a hair style's name."""
    styles = {name: float(share) for name, share in _STYLES[sex].items()}
    if sex == "male":
        styles["bald"] = styles["bald"] + max(0.0, age_years - 40) * 0.8
    share = np.array(list(styles.values()))
    return str(rng.choice(list(styles), p=share / share.sum()))


def draw_dye(colour: Float[ndarray, "3"], sex: str, rng: np.random.Generator) -> Float[ndarray, "3"]:
    """Dye hair, of some people: blonds are far fewer by birth than in the street."""
    if rng.random() >= _DYED[sex]:
        return colour
    return np.clip(_DYES[rng.integers(len(_DYES))] * rng.uniform(0.85, 1.1), 0, 1)


def put_hair(
    naked: Naked, wardrobe: Wardrobe, style: str, colour: Float[ndarray, "3"], rng: np.random.Generator
) -> Naked:
    """Put on a style; "bald" changes nothing."""
    if style == "bald":
        return naked
    if style == "crop":
        return _crop(naked, colour, rng)
    asset = wardrobe[style]
    texture = _coloured(asset.diffuse, colour, rng)
    return wear(naked, asset, texture, HAIR, kind="hair")


def _coloured(picture: ndarray | None, colour: Float[ndarray, "3"], rng: np.random.Generator) -> torch.Tensor:
    """Dye a texture: its own strands, another colour."""
    if picture is None:
        strands = 1 + 0.25 * rng.standard_normal((256, 256, 1)) + 0.2 * cloud(rng, 20)[..., None]
        return finish(colour * strands)
    light = picture[..., :3].mean(-1) / 255
    inside = picture[..., 3] > 128
    # The styles' pictures are of dark hair, between whose strands it is all but black; between white ones it is not.
    strands = (light / max(float(light[inside].mean()), 1e-3)).clip(0.3, 2.2) ** (1 - 0.7 * colour.mean())
    out = finish(colour * strands[..., None])
    out[..., 3] = torch.from_numpy(picture[..., 3].copy())
    return out


def _crop(naked: Naked, colour: Float[ndarray, "3"], rng: np.random.Generator) -> Naked:
    """A few millimetres of hair on the scalp."""
    share = scalp_share(naked.places, naked.base.template_m.astype(float))
    length = rng.uniform(0.003, 0.014)
    strands = 1 + 0.2 * rng.standard_normal((256, 256, 1))
    garment = Garment(
        (share - 0.5) * 0.03, finish(colour * strands), HAIR, gap_m=0.001, ease_m=length, smoothing=2, slack=0.0,
        wrinkle=0.5, folding=0.0, kind="hair",
    )  # fmt: skip
    return sew(naked, garment)
