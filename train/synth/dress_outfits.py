"""A random person's clothes: what clinics, laboratories, gyms and streets see, head to foot."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from torch import Tensor

from train.synth.dress import COTTON, LEATHER, LYCRA, Asset, Garment, Naked, Wardrobe, sew, wear
from train.synth.garments import FAR, Cut, Places, legs, top
from train.synth.garments_fabric import draw_colour, draw_fabric, finish

# Every class that may stand in `Looks.clothes`.
TOPS = ("bare_torso", "sports_bra", "tank_top", "t_shirt", "long_sleeve", "gown", "dress", "tight_suit", "street")
BOTTOMS = ("briefs", "tight_shorts", "loose_shorts", "leggings", "trousers", "gown", "dress", "tight_suit", "street")
FEET = ("bare_feet", "socks", "shoes")
EXTRAS = (
    "cap",
    "swim_cap",
    "mask",
    "knee_brace",
    "ankle_brace",
    "wrist_brace",
    "belt",
    "markers",
    "sensors",
    "tape",
    "watch",
)
CLOTHES = tuple(dict.fromkeys((*TOPS, *BOTTOMS, *FEET, *EXTRAS)))
# MakeHuman's proxies that are worn; some by people held out from training alone, and they wear no others.
PROXIES = {
    "female": ("female_casualsuit01", "female_casualsuit02", "female_elegantsuit01", "female_sportsuit01"),
    "male": (*(f"male_casualsuit0{i}" for i in range(1, 7)), "male_elegantsuit01", "male_worksuit01"),
    "shoes": tuple(f"shoes0{i}" for i in range(1, 7)),
}
HELD_OUT = ("female_casualsuit02", "male_casualsuit05", "male_elegantsuit01", "shoes03")
# (top, bottom) and how often, by sex.
_SETS = {
    "male": {
        ("bare_torso", "loose_shorts"): 12, ("bare_torso", "tight_shorts"): 8, ("bare_torso", "briefs"): 5,
        ("bare_torso", "trousers"): 2, ("t_shirt", "loose_shorts"): 13, ("t_shirt", "tight_shorts"): 5,
        ("t_shirt", "trousers"): 9, ("long_sleeve", "trousers"): 7, ("tank_top", "loose_shorts"): 6,
        ("tank_top", "tight_shorts"): 4, ("t_shirt", "leggings"): 3, ("tight_suit", "tight_suit"): 6,
        ("gown", "gown"): 4, ("street", "street"): 16,
    },
    "female": {
        ("sports_bra", "tight_shorts"): 12, ("sports_bra", "leggings"): 9, ("sports_bra", "briefs"): 5,
        ("t_shirt", "leggings"): 11, ("t_shirt", "tight_shorts"): 7, ("t_shirt", "loose_shorts"): 6,
        ("tank_top", "leggings"): 7, ("tank_top", "tight_shorts"): 6, ("tank_top", "loose_shorts"): 3,
        ("long_sleeve", "leggings"): 5, ("long_sleeve", "trousers"): 6, ("t_shirt", "trousers"): 5,
        ("tight_suit", "tight_suit"): 5, ("gown", "gown"): 4, ("street", "street"): 9, ("dress", "dress"): 4,
        ("dress", "leggings"): 6,
    },
}  # fmt: skip


def draw_outfit(
    naked: Naked, wardrobe: Wardrobe, sex: str, rng: np.random.Generator, *, held_out: bool = False
) -> tuple[Naked, list[str]]:
    """Dress somebody from the neck down; returns the classes of what is worn, too."""

    def pick(kind: str) -> Asset:
        return wardrobe[str(rng.choice([name for name in PROXIES[kind] if (name in HELD_OUT) == held_out]))]

    pairs = _SETS[sex]
    share = np.array(list(pairs.values()), float)
    upper, lower = list(pairs)[rng.choice(len(pairs), p=share / share.sum())]
    feet = _draw_feet(upper, rng)
    if feet == "socks" or (feet == "shoes" and rng.random() < 0.6):
        naked = sew(naked, _socks(naked.places, rng))
    if upper == "street":
        asset = pick(sex)
        naked = wear(naked, asset, _dyed(asset, rng), COTTON, kind="cloth")
    else:
        for garment in _garments(naked.places, upper, lower, rng):
            naked = sew(naked, garment)
    if feet == "shoes":
        asset = pick("shoes")
        naked = wear(naked, asset, _dyed(asset, rng, strength=0.5), LEATHER, kind="shoe")
    return naked, list(dict.fromkeys([upper, lower, feet]))


def _garments(places: Places, upper: str, lower: str, rng: np.random.Generator) -> list[Garment]:
    if upper == "gown":
        return _gown(places, rng)
    if upper == "tight_suit":
        return [_suit(places, rng)]
    if upper == "dress":
        return _dress(places, lower, rng)
    bottom = _BOTTOMS[lower](places, rng)
    if upper == "bare_torso":
        return [bottom]
    shirt = _TOPS[upper](places, rng)
    # A shirt hangs over what is below, or is tucked in.
    tucked = rng.random() < 0.2 and upper not in ("sports_bra",)
    outer, inner = (bottom, shirt) if tucked else (shirt, bottom)
    if tucked:
        inner = replace(inner, ease_m=min(inner.ease_m, 0.004), ease_at=None)
    return [replace(inner, slack=0.0), outer]


def _cotton(places: Places, rng: np.random.Generator, cut: Cut, ease_m: float, *, vivid: float = 0.45) -> Garment:
    return Garment(
        cut, draw_fabric(rng, vivid=vivid), COTTON, ease_m=ease_m, smoothing=int(10 + 1200 * ease_m),
        wrinkle=float(np.clip(0.15 + 10 * ease_m, 0, 0.5)), folding=float(np.clip(0.4 + 15 * ease_m, 0, 0.9)),
    )  # fmt: skip


def _lycra(rng: np.random.Generator, cut: Cut, *, vivid: float = 0.25) -> Garment:
    return Garment(
        cut, draw_fabric(rng, vivid=vivid, plain=rng.random() < 0.85), LYCRA, gap_m=0.0025, ease_m=0.003,
        smoothing=2, slack=0.0, wrinkle=0.04, folding=rng.uniform(0.1, 0.35), hide_m=0.012,
    )  # fmt: skip


def _shorts_flare(places: Places) -> ndarray:
    """Loose legs stand off more the lower they are."""
    return np.clip(1 + (places.leg(0.1) - places.y) / 0.25, 0.6, 2.2)


def _briefs(p: Places, rng: np.random.Generator) -> Garment:
    rise = rng.uniform(0.35, 0.75)
    side = rng.uniform(0.0, 0.06)
    # Leg openings climb from the crotch to the hip.
    opening = p.y - (p.leg(0.12) + side + np.clip(np.abs(p.x) - 0.05, 0, None) * rng.uniform(0.2, 0.8))
    return _lycra(rng, np.minimum(opening, legs(p, 0.4, rise)), vivid=0.4)


def _tight_shorts(p: Places, rng: np.random.Generator) -> Garment:
    return _lycra(rng, legs(p, rng.uniform(0.3, 0.95), rng.uniform(0.5, 1.0)))


def _loose_shorts(p: Places, rng: np.random.Generator) -> Garment:
    cut = legs(p, rng.uniform(0.45, 1.15), rng.uniform(0.5, 0.9))
    return replace(_cotton(p, rng, cut, rng.uniform(0.008, 0.022)), ease_at=_shorts_flare(p), hide_m=0.06)


def _leggings(p: Places, rng: np.random.Generator) -> Garment:
    return _lycra(rng, legs(p, rng.choice([rng.uniform(1.3, 1.7), rng.uniform(1.85, 2.05)]), rng.uniform(0.5, 1.1)))


def _trousers(p: Places, rng: np.random.Generator) -> Garment:
    cut = legs(p, rng.uniform(1.85, 2.02), rng.uniform(0.5, 0.95))
    flare = np.clip(1 + (p.leg(1.0) - p.y) / 0.5, 0.7, 1.6)
    return replace(_cotton(p, rng, cut, rng.uniform(0.007, 0.02), vivid=0.2), ease_at=flare)


def _neck(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    deep = rng.choice([0.0, rng.uniform(0.03, 0.09)])
    return rng.uniform(low, high), deep, rng.uniform(0.07, 0.085)


def _shirt(p: Places, rng: np.random.Generator, sleeve: float, neck: tuple[float, float, float]) -> Garment:
    if rng.random() < 0.3:
        return _lycra(rng, top(p, hem=rng.uniform(0.0, 0.5), sleeve=sleeve, neck=neck), vivid=0.4)
    cut = top(p, hem=rng.uniform(-0.12, 0.35), sleeve=sleeve, neck=neck)
    hem = np.clip(1.6 - (p.y - p.trunk(0.0)) / 0.35, 0.8, 1.6)
    cuff = np.clip(1 + (np.abs(p.x) - p.reach(0.0)) / 0.2, 1, 1.8) if sleeve < 1.2 else 1.0
    return replace(_cotton(p, rng, cut, rng.uniform(0.005, 0.018)), ease_at=hem * np.where(p.arm > 0.3, cuff, 1.0))


def _t_shirt(p: Places, rng: np.random.Generator) -> Garment:
    return _shirt(p, rng, rng.uniform(0.3, 0.95), _neck(rng, 0.0, 0.02))


def _long_sleeve(p: Places, rng: np.random.Generator) -> Garment:
    return _shirt(p, rng, rng.uniform(1.6, 2.1), _neck(rng, -0.02, 0.015))


def _tank_top(p: Places, rng: np.random.Generator) -> Garment:
    neck = rng.uniform(0.02, 0.06), rng.uniform(0.02, 0.08), rng.uniform(0.065, 0.085)
    return _shirt(p, rng, -rng.uniform(0.0, 0.5), neck)


def _sports_bra(p: Places, rng: np.random.Generator) -> Garment:
    cut = top(
        p,
        hem=rng.uniform(1.25, 1.5),
        sleeve=-rng.uniform(0.2, 0.6),
        neck=(rng.uniform(0.04, 0.10), rng.uniform(0.03, 0.07), 0.075),
    )
    return _lycra(rng, cut, vivid=0.5)


def _suit(p: Places, rng: np.random.Generator) -> Garment:
    shirt = top(p, hem=0.2, sleeve=rng.choice([0.4, 1.0, 2.0]), neck=(rng.uniform(-0.02, 0.02), 0.0, 0.08))
    whole = np.maximum(shirt, legs(p, rng.choice([0.6, 1.6, 2.0]), 0.7))
    return _lycra(rng, whole)


def _gown(p: Places, rng: np.random.Generator) -> list[Garment]:
    cloth, sleeve = draw_fabric(rng, vivid=0.35, colour=_gown_colour(rng)), rng.uniform(0.4, 1.1)
    return _hanging(p, rng, cloth, sleeve, rng.uniform(0.6, 1.4), rng.uniform(0.015, 0.03))


def _dress(p: Places, lower: str, rng: np.random.Generator) -> list[Garment]:
    """Dresses, over nothing or leggings; from behind, cardigans look like them."""
    sleeve = rng.choice([-rng.uniform(0.0, 0.4), rng.uniform(0.3, 0.9), rng.uniform(1.6, 2.1)], p=[0.2, 0.25, 0.55])
    down_to = rng.uniform(0.2, 1.3)
    hanging = _hanging(p, rng, draw_fabric(rng), float(sleeve), down_to, rng.uniform(0.006, 0.02))
    if lower == "dress":
        return hanging
    below = _BOTTOMS[lower](p, rng)  # only what may be seen of it: the rest would come through in bends
    return [replace(below, cut=np.minimum(below.cut, p.leg(down_to - 0.35) - p.y)), *hanging]


def _hanging(
    p: Places, rng: np.random.Generator, cloth: UInt8[Tensor, "h w 4"], sleeve: float, down_to: float, ease: float
) -> list[Garment]:
    """Cloth in one from the shoulders to `down_to` (see `Places.leg`)."""
    shirt = Garment(
        top(p, hem=0.35, sleeve=sleeve, neck=(rng.uniform(0.0, 0.03), rng.uniform(0, 0.05), 0.08)),
        cloth, COTTON, gap_m=0.008, ease_m=ease, smoothing=14, wrinkle=0.4, folding=0.8,
    )  # fmt: skip
    skirt_cut = np.minimum(p.y - p.leg(down_to), p.trunk(0.6) - p.y)
    skirt = Garment(
        skirt_cut, cloth, COTTON, gap_m=0.004, ease_m=ease, smoothing=4, slack=0.2, wrinkle=0.45, folding=0.6,
        group="skirt",
    )  # fmt: skip
    return [shirt, skirt]


def _gown_colour(rng: np.random.Generator) -> Float[ndarray, "3"]:
    base = np.array([(0.62, 0.75, 0.85), (0.70, 0.82, 0.74), (0.88, 0.90, 0.92), (0.35, 0.50, 0.62)][rng.integers(4)])
    return np.clip(base + 0.04 * rng.standard_normal(3), 0, 1)


_Maker = Callable[[Places, np.random.Generator], Garment]
_BOTTOMS: dict[str, _Maker] = {
    "briefs": _briefs, "tight_shorts": _tight_shorts, "loose_shorts": _loose_shorts, "leggings": _leggings,
    "trousers": _trousers,
}  # fmt: skip
_TOPS: dict[str, _Maker] = {
    "sports_bra": _sports_bra, "tank_top": _tank_top, "t_shirt": _t_shirt, "long_sleeve": _long_sleeve,
}  # fmt: skip


def _draw_feet(upper: str, rng: np.random.Generator) -> str:
    bare = {"street": 0.03, "gown": 0.5, "bare_torso": 0.55, "sports_bra": 0.5, "tight_suit": 0.4}.get(upper, 0.25)
    return str(rng.choice(FEET, p=[bare, 0.25 * (1 - bare), 0.75 * (1 - bare)]))


def _socks(p: Places, rng: np.random.Generator) -> Garment:
    return Garment(
        np.minimum(p.leg(rng.choice([1.3, 1.75, 1.9, 2.0])) - p.y, FAR), draw_fabric(rng, vivid=0.3), COTTON,
        gap_m=0.0025, ease_m=0.003, smoothing=5, slack=0.0, wrinkle=0.15, folding=0.4, hide_m=0.012,
    )  # fmt: skip


def _dyed(asset: Asset, rng: np.random.Generator, *, strength: float = 0.8):
    """Return a proxy's texture in other colours; without one, cloth shaded by its folds."""
    shade = 1.0 if asset.shade is None else 0.45 + 0.55 * asset.shade[..., :3] / 255
    if asset.diffuse is None:
        return finish(draw_colour(rng, vivid=0.5) * np.ones((256, 256, 1)) * shade)
    image = asset.diffuse[..., :3] / 255
    if rng.random() < strength:
        grey = image.mean(-1, keepdims=True)
        order = rng.permutation(3)
        image = grey + (image[..., order] - grey) * rng.uniform(0.2, 1.2)
        image = image * rng.uniform(0.6, 1.3) + rng.uniform(-0.05, 0.25) * (rng.random() < 0.5)
        image = image * (1 + 0.25 * rng.standard_normal(3))
    return finish(image * (shade if asset.shade is not None and rng.random() < 0.5 else 1.0))
