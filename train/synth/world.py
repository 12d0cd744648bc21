"""What the makers of people, scenes and pictures pass to each other: textured surfaces and people made of them.

World axes are the template's: x left, y up, z front, metres. Everything is float32 on one device.
"""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams

# Values of `Surface.part`: which part of the labelled person a face shows, whatever covers the skin there.
_LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")
PARTS = ("none", "head", "torso", *(f"{limb}_{side}" for side in "rl" for limb in _LIMBS))
MIRROR_PART = tuple(
    PARTS.index(name[:-1] + {"r": "l", "l": "r"}[name[-1]]) if name.endswith(("_r", "_l")) else i
    for i, name in enumerate(PARTS)
)


# One body in this many never appears in training, and wears clothes that nobody does there.
HELD_OUT_EVERY = 8


def held_out(body: int) -> bool:
    """Say whether a body, by its number in a pack, is kept from training."""
    return body % HELD_OUT_EVERY == HELD_OUT_EVERY - 1


@dataclass(frozen=True)
class Material:
    """How light meets a surface.

    Attributes:
        roughness: 0 = mirror, 1 = chalk. specular: reflectance seen straight on, 0.04 for skin and cloth.
        sheen: 0 to 1, light at grazing angles that fibres catch. subsurface: 0 to 1, soft red terminator of skin.
        wrinkle_scale_m: wavelength of the normal noise that `Surface.wrinkle` scales.
        two_sided: shade back faces with the normal turned over (hair cards, open hems).
        cutout: texels with alpha < 0.5 are holes; otherwise alpha is 255 all over and need not be read.
    """

    roughness: float = 0.7
    specular: float = 0.04
    sheen: float = 0.0
    subsurface: float = 0.0
    wrinkle_scale_m: float = 0.04
    two_sided: bool = False
    cutout: bool = False


@dataclass(frozen=True)
class Surface:
    """One triangle mesh with one texture, already posed and inflated; counter-clockwise faces look outward.

    Attributes:
        vertices_m: `v 3`, doubled at seams of the texture.
        faces: `f 3`.
        uv: `v 2`; (0, 0) is the lower left corner of the picture, values beyond [0, 1] repeat it.
        texture: `h w 4` sRGB and alpha, first row on top.
        part: `f` index in `PARTS`; 0 on whatever is not the labelled person (furniture, other people).
        wrinkle: `v` strength of the normal noise, 0 = smooth, 1 = deep folds (normals tip by about 30 degrees).
        kind: `skin`, `eye`, `hair`, `cloth`, `shoe`, `gear`, or what a scene calls its things.
        normals: `v 3` only where the surface is to be shaded otherwise than its faces say; None = make them from faces.
    """

    vertices_m: Float[Tensor, "v 3"]
    faces: Int[Tensor, "f 3"]
    uv: Float[Tensor, "v 2"]
    texture: UInt8[Tensor, "h w 4"]
    material: Material
    part: UInt8[Tensor, "f"]
    wrinkle: Float[Tensor, "v"]
    kind: str
    normals: Float[Tensor, "v 3"] | None = None


@dataclass(frozen=True)
class Looks:
    """What is known about who a person is and wears; the same in all frames.

    Attributes:
        identity: Seed of the body, the same wherever the same person appears.
        monk_tone: 1 (lightest) to 10 (darkest) of the Monk scale.
        clothes: Classes worn, of `train.synth.dress.CLOTHES`, e.g. ("shorts", "bare_torso", "bare_feet", "markers").
        sole_m: How far shoes hold the naked soles above the floor.
    """

    identity: int
    sex: str
    age_years: float
    stature_m: float
    bmi: float
    monk_tone: float
    clothes: tuple[str, ...]
    sole_m: float


@dataclass(frozen=True)
class Person:
    """One person in one frame: surfaces to draw and the truth about them, all in world axes.

    Attributes:
        params: `q 46`, `betas 10`, `trans_m 3` (float32 tensors) that put `skelvid`'s body here.
        joints_m: `24 3` in the order of `skelvid.body.dofs.JOINT_NAMES`.
        landmarks_m: `l 3` in the order of `landmark_names`, on the naked skin (which clothes may cover).
        landmark_skin: `l 3` vertices and `landmark_weight` `l 3` weights of the naked skin that make each landmark.
        dense_m: `k 3` points spread over the naked skin, the same places on everybody.
        dense_normal: `k 3` outward normals of the naked skin there.
        contact: `4` whether heel and toes of either foot bear on the ground; see `CONTACT_POINTS`.
    """

    surfaces: tuple[Surface, ...]
    looks: Looks
    params: SkelParams
    joints_m: Float[Tensor, "24 3"]
    landmark_names: tuple[str, ...]
    landmarks_m: Float[Tensor, "l 3"]
    dense_m: Float[Tensor, "k 3"]
    dense_normal: Float[Tensor, "k 3"]
    contact: Bool[Tensor, "4"] = field(default_factory=lambda: torch.zeros(4, dtype=torch.bool))


class Actor(Protocol):
    """One person who can take poses."""

    body: SkelBody
    betas: Float[Tensor, "10"]
    looks: Looks

    def pose(self, q: Float[Tensor, "46"], trans_m: Float[Tensor, "3"]) -> Person:
        """Return the person in a pose."""
        ...
