"""Numbers in, dressed figures out: a body of a pack with skin, eyes, hair, clothes and what laboratories add."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from skelvid.body.model import SkelBody
from train.synth.dress import Naked, Wardrobe, make_layer
from train.synth.dress_outfits import draw_outfit
from train.synth.garments import Places, body_normals, make_places
from train.synth.hair import draw_dye, draw_style, put_hair
from train.synth.markers import draw_extras
from train.synth.pose import Figure, Layer, Probes
from train.synth.skin import Face, draw_face, paint_eye, paint_skin
from train.synth.skin_atlas import Atlas, make_atlas
from train.synth.subjects import Pack, load_pack
from train.synth.subjects_hands import draw_hand, shape_hand
from train.synth.subjects_mesh import Group, base_ids
from train.synth.world import Looks, Material, held_out

N_DENSE = 100
SKIN = Material(roughness=0.5, specular=0.04, subsurface=0.6, wrinkle_scale_m=0.02)
EYE = Material(roughness=0.15, specular=0.05)
_KEPT = 64


@dataclass(frozen=True)
class Common:
    """What all figures share."""

    pack: Pack
    wardrobe: Wardrobe
    body: SkelBody
    weight: Float[ndarray, "b 24"]
    places: Places
    atlas: Atlas
    dense: Int[ndarray, "k"]


class Cast:
    """A figure for a number, the same for the same.

    Bodies of the pack are taken in turn: numbers that differ by a multiple of its size are one body in other clothes,
    so people held out for a test are held out by `number % len(cast)`.

    Args:
        pack: Folder that `train.synth.subjects` wrote.
        assets: Folder of MakeHuman's clothes, shoes and hair (`.npz`, `.webp`).
    """

    def __init__(self, pack: Path, assets: Path) -> None:
        people = load_pack(pack)
        base, body = people.base, SkelBody(people.body)
        template, weight = base.template_m.astype(float), base.weights(people.body)
        marks = dict(zip(people.body.landmark_names, people.body.landmarks_m.astype(float), strict=True))
        places = make_places(base, weight, people.body.joints_m, marks)
        atlas = make_atlas(base.groups["skin"], template, body_normals(base, template), places)
        dense = spread_points(template, base_ids(people.body), N_DENSE, places)
        self.common = Common(people, Wardrobe(assets), body, weight, places, atlas, dense)
        self._kept: OrderedDict[int, Figure] = OrderedDict()

    def __len__(self) -> int:
        return len(self.common.pack.betas)

    def __call__(self, number: int) -> Figure:
        """Return a figure; the last few dozen are kept."""
        if number not in self._kept:
            self._kept[number] = make_figure(self.common, number)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def spread_points(
    points: Float[ndarray, "b 3"], among: Int[ndarray, "v"], count: int, places: Places
) -> Int[ndarray, "k"]:
    """Choose base vertices far from each other among those of the open body, fingers left out, left mirroring right."""
    usable = among[(points[among, 0] >= -1e-4) & (np.abs(points[among, 0]) < places.reach(2.3))]
    middle = usable[np.abs(points[usable, 0]) < 1e-4]
    chosen = [int(middle[points[middle, 1].argmax()])]
    distance = np.full(len(points), np.inf)
    mirror = [chosen[0]]
    while len(chosen) + len(mirror) - len(set(chosen) & set(mirror)) < count:
        for latest in (chosen[-1], mirror[-1]):
            distance = np.minimum(distance, np.linalg.norm(points - points[latest], axis=1))
        chosen.append(int(usable[distance[usable].argmax()]))
        image = points[chosen[-1]] * [-1, 1, 1]
        mirror.append(int(among[np.linalg.norm(points[among] - image, axis=1).argmin()]))
    return np.array(list(dict.fromkeys(v for pair in zip(chosen, mirror, strict=True) for v in pair)))


def make_figure(common: Common, number: int) -> Figure:
    """Draw everything about one person from a number."""
    pack, row = common.pack, number % len(common.pack.betas)
    # The body, its skin and its face belong to the person; clothes, hands and hair of the day to the number.
    own, day, comb = (np.random.default_rng(seed) for seed in ([row, 1], [number, 2], [number, 3]))
    sex, age = pack.sex(row), pack.age_years(row)
    dark, asian = pack.trait(row, "african"), pack.trait(row, "asian")
    face = draw_face(own, sex=sex, age_years=age, dark=dark, asian=asian)
    style = draw_style(sex, age, comb)
    points = _with_hands(pack, row, day)
    nothing = np.zeros(len(points))
    naked = Naked(pack.base, common.places, points, common.weight, nothing > 0, nothing)
    naked, clothes = draw_outfit(naked, common.wardrobe, sex, day, held_out=held_out(row))
    naked, extras = draw_extras(naked, clothes, day)
    if not {"cap", "swim_cap"} & set(extras):
        naked = put_hair(naked, common.wardrobe, style, draw_dye(face.hair, sex, comb), comb)
    skin = paint_skin(common.atlas, _shaved(face, style, day), own)
    layers = (_skin_layer(naked, skin), _eye_layer(naked, face), *(piece.layer for piece in naked.worn))
    looks = Looks(
        identity=row,
        sex=sex,
        age_years=age,
        stature_m=float(pack.stature_m[row]),
        bmi=float(pack.bmi[row]),
        monk_tone=face.tone,
        clothes=tuple(dict.fromkeys([*clothes, *extras])),
        sole_m=_sole(points, layers),
    )
    betas = torch.as_tensor(pack.betas[row], dtype=torch.float32)
    return Figure(looks, betas, common.body, layers, _probes(common, naked))


def _with_hands(pack: Pack, row: int, rng: np.random.Generator) -> Float[ndarray, "b 3"]:
    points = pack.vertices_m[row].astype(float)
    for side in "RL":
        points = shape_hand(pack.base, points, pack.heads_m[row].astype(float), side, *draw_hand(rng))
    return points


def _shaved(face: Face, style: str, rng: np.random.Generator) -> Face:
    scalp = {"bald": 0.3 * rng.random() * (rng.random() < 0.5), "crop": 1.0}.get(style, 0.75)
    return replace(face, stubble_scalp=scalp)


def _skin_layer(naked: Naked, texture: torch.Tensor) -> Layer:
    group = naked.base.groups["skin"]
    return _group_layer(naked, group, texture, SKIN, "skin", ~naked.hidden)


def _group_layer(
    naked: Naked, group: Group, texture: torch.Tensor, material: Material, kind: str, shown: Bool[ndarray, "b"]
) -> Layer:
    faces = group.faces[shown[group.base[group.faces]].any(1)]
    used, faces = np.unique(faces, return_inverse=True)
    base = group.base[used]
    return make_layer(
        naked.points[base], naked.weight[base], faces.reshape(-1, 3), group.uv[used], texture, material,
        kind=kind, wrinkle=0.06 if kind == "skin" else 0.0, normal=naked.normals[base],
    )  # fmt: skip


def _eye_layer(naked: Naked, face: Face) -> Layer:
    group = naked.base.groups["eye"]
    at = naked.base.template_m[group.base].astype(float)
    left = at[:, 0] > 0
    uv = np.zeros((len(at), 2))
    for side in (left, ~left):
        low, high = at[side, :2].min(0), at[side, :2].max(0)
        uv[side] = (at[side, :2] - low) / (high - low)
    eyes = Group(group.base, uv, group.faces)
    return _group_layer(naked, eyes, paint_eye(face), EYE, "eye", np.ones(len(naked.points), bool))


def _sole(points: Float[ndarray, "b 3"], layers: tuple[Layer, ...]) -> float:
    lowest = min(float(layer.rest_m[:, 1].min()) for layer in layers if layer.kind in ("skin", "shoe", "cloth"))
    return max(0.0, float(points[:13380, 1].min()) - lowest)


def _probes(common: Common, naked: Naked) -> Probes:
    assets = common.pack.body
    rows = np.concatenate([base_ids(assets)[assets.landmark_vertex].ravel(), common.dense])
    rest, weight, normal = (
        torch.as_tensor(v[rows].astype(np.float32)) for v in (naked.points, naked.weight, naked.normals)
    )
    return Probes(rest, weight, normal, assets.landmark_names, torch.as_tensor(assets.landmark_weight))
