"""What hangs on a naked body: cut garments, MakeHuman's clothes, shoes and hair become layers that move with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray
from PIL import Image
from torch import Tensor

from train.synth.garments import Cut, Piece, Places, body_normals, cut_out, grow
from train.synth.garments_fabric import TILE_M
from train.synth.pose import Layer
from train.synth.subjects_mesh import JOINT_PART, BaseMesh, vertex_normals
from train.synth.world import Material

COTTON = Material(roughness=0.9, specular=0.03, sheen=0.3, wrinkle_scale_m=0.06, two_sided=True)
LYCRA = Material(roughness=0.55, specular=0.05, sheen=0.15, wrinkle_scale_m=0.03, two_sided=True)
LEATHER = Material(roughness=0.5, specular=0.05, wrinkle_scale_m=0.02, two_sided=True)
PLASTIC = Material(roughness=0.35, specular=0.05, two_sided=True)
HAIR = Material(roughness=0.45, specular=0.05, sheen=0.2, wrinkle_scale_m=0.01, two_sided=True, cutout=True)
# How far MakeHuman's clothes stand off the skin, about.
_PROXY_LIFT_M = 0.012


@dataclass(frozen=True)
class Worn:
    """A layer put on, and the two base vertices that each of its vertices lies between (None: on nothing)."""

    layer: Layer
    ends: Int[ndarray, "v 2"] | None

    def under(self, covered: Bool[ndarray, "b"]) -> "Worn":
        """Leave out the faces that lie under what is put on later: cloth under cloth is not seen, but might show."""
        if self.ends is None or self.layer.kind == "hair":
            return self
        seen = np.asarray(~covered[self.ends].all(axis=1))
        faces = self.layer.faces.numpy()
        kept = torch.from_numpy(seen[faces].any(1))
        return replace(self, layer=replace(self.layer, faces=self.layer.faces[kept], part=self.layer.part[kept]))


@dataclass(frozen=True)
class Naked:
    """A body being dressed, in the T-pose.

    Attributes:
        points: `b 3`; weight: `b 24` skin weights; places: measures of the template.
        hidden: `b` vertices that something covers. lift_m: `b` how far clothes already worn stand off the skin.
        worn: what it wears, in the order it was put on.
    """

    base: BaseMesh
    places: Places
    points: Float[ndarray, "b 3"]
    weight: Float[ndarray, "b 24"]
    hidden: Bool[ndarray, "b"]
    lift_m: Float[ndarray, "b"]
    worn: tuple[Worn, ...] = ()

    @cached_property
    def normals(self) -> Float[ndarray, "b 3"]:
        """Outward directions of skin and helpers."""
        return body_normals(self.base, self.points)

    @cached_property
    def turns(self) -> Float[ndarray, "b 3 3"]:
        """How the surface is turned from the pose that bound clothes were made in."""
        return self.base.turns(self.points)

    def wearing(
        self, layer: Layer, ends: Int[ndarray, "v 2"] | None = None, *, covers: Bool[ndarray, "b"] | None = None,
        lift_m: Float[ndarray, "b"] | None = None,
    ) -> "Naked":  # fmt: skip
        """Return the body with one more layer on; keeps what was computed."""
        covers = np.zeros(len(self.points), bool) if covers is None else covers
        worn = (*(piece.under(covers) for piece in self.worn), Worn(layer, ends))
        lift = self.lift_m if lift_m is None else np.maximum(self.lift_m, lift_m)
        out = replace(self, hidden=self.hidden | covers, lift_m=lift, worn=worn)
        out.__dict__.update({k: self.__dict__[k] for k in ("normals", "turns") if k in self.__dict__})
        return out


@dataclass(frozen=True)
class Garment:
    """A cut and how its cloth behaves.

    Attributes:
        ease_m: how far the cloth would stand off the skin; gap_m: how near it may come.
        smoothing: rounds that bridge folds of the body. slack: share of the ease that gravity takes.
        wrinkle, folding: folds at rest and in bends.
        hide_m: skin this far inside the hem is left out.
        ease_at: `b` factor on the ease (wide hems), or None.
    """

    cut: Cut
    texture: UInt8[Tensor, "h w 4"]
    material: Material = COTTON
    gap_m: float = 0.003
    ease_m: float = 0.008
    smoothing: int = 6
    slack: float = 0.6
    wrinkle: float = 0.25
    folding: float = 0.6
    hide_m: float = 0.03
    kind: str = "cloth"
    group: str = "skin"
    ease_at: ndarray | None = None
    uv: ndarray | None = field(default=None)


def sew(naked: Naked, garment: Garment) -> Naked:
    """Put on a cut garment."""
    group = naked.base.groups[garment.group]
    faces = group.base[group.faces].astype(np.int64)
    piece = cut_out(faces, garment.cut)
    ease = garment.ease_m if garment.ease_at is None else garment.ease_m * piece.of(garment.ease_at)
    inner = piece.of(naked.lift_m)
    gap = garment.gap_m + inner
    rest = grow(piece, naked.points, naked.normals, gap_m=gap, ease_m=ease + inner, smoothing=garment.smoothing)
    weight = piece.of(naked.weight)
    height = ((rest - piece.of(naked.points)) * piece.of(naked.normals)).sum(1)
    loose = height - gap
    uv = fabric_uv(naked, piece) if garment.uv is None else piece.of(garment.uv)
    layer = make_layer(
        rest, weight, piece.faces, uv, garment.texture, garment.material,
        kind=garment.kind, slack_m=garment.slack * np.clip(loose, 0, 0.05),
        wrinkle=garment.wrinkle, folding=garment.folding,
    )  # fmt: skip
    if garment.group != "skin":
        return naked.wearing(layer)
    lift = np.zeros(len(naked.points))
    for end in piece.ends.T:
        np.maximum.at(lift, end, height)
    return naked.wearing(layer, piece.ends, covers=garment.cut > garment.hide_m, lift_m=lift)


def fabric_uv(naked: Naked, piece: Piece) -> Float[ndarray, "v 2"]:
    """Lay cloth around the body: its threads run up the trunk and along the limbs."""
    p = naked.places
    x, y, z, arm = piece.of(np.stack([p.x, p.y, p.z, p.arm], 1)).T
    trunk = np.stack([x + 0.7 * z, y], 1)
    sleeve = np.stack([z - 0.7 * y, np.abs(x)], 1)
    return np.where(arm[:, None] > 0.5, sleeve, trunk) / TILE_M


def make_layer(
    rest: Float[ndarray, "v 3"],
    weight: Float[ndarray, "v 24"],
    faces: Int[ndarray, "f 3"],
    uv: Float[ndarray, "v 2"],
    texture: UInt8[Tensor, "h w 4"],
    material: Material,
    *,
    kind: str,
    slack_m: ndarray | float = 0.0,
    wrinkle: ndarray | float = 0.0,
    folding: ndarray | float = 0.0,
    normal: ndarray | None = None,
) -> Layer:
    """Turn arrays into a layer; faces show the part of the joints that move them."""

    def tensor(value: ndarray | float) -> Float[Tensor, "v *_"]:
        full = value if isinstance(value, np.ndarray) else np.full(len(rest), value)
        return torch.as_tensor(np.ascontiguousarray(full, dtype=np.float32))

    part = JOINT_PART[(weight[faces[:, 0]] + weight[faces[:, 1]] + weight[faces[:, 2]]).argmax(1)]
    return Layer(
        rest_m=tensor(rest),
        weight=tensor(weight),
        normal=tensor(vertex_normals(rest, faces) if normal is None else normal),
        faces=torch.as_tensor(np.asarray(faces, dtype=np.int64)),
        uv=tensor(uv),
        texture=texture,
        material=material,
        part=torch.as_tensor(part),
        kind=kind,
        slack_m=tensor(slack_m),
        wrinkle=tensor(wrinkle),
        folding=tensor(folding),
    )


@dataclass(frozen=True)
class Asset:
    """One MakeHuman proxy: each vertex is three weighted base vertices and an offset, scaled with the body.

    Attributes:
        base, share: `p 3`; offset: `p 3` in units that `scale` (per axis: two base vertices, their distance) sizes.
        vertex: `v` which of those each textured vertex is; uv: `v 2`; faces: `f 3`.
        hides: base vertices it covers. diffuse, shade: textures, or None.
    """

    name: str
    base: Int[ndarray, "p 3"]
    share: Float[ndarray, "p 3"]
    offset: Float[ndarray, "p 3"]
    scale: Float[ndarray, "3 3"]
    vertex: Int[ndarray, "v"]
    uv: Float[ndarray, "v 2"]
    faces: Int[ndarray, "f 3"]
    hides: Int[ndarray, "h"]
    diffuse: UInt8[ndarray, "_ _ 4"] | None
    shade: UInt8[ndarray, "_ _ 4"] | None

    def place(self, naked: Naked) -> tuple[Float[ndarray, "v 3"], Float[ndarray, "v 24"]]:
        """Return where it lies on a body in the T-pose, and its skin weights."""
        # Feet are turned in the T-pose, which mixes the axes that shoes are sized along: they keep the template's size.
        sized = naked.base.rest_m if self.name.startswith("shoes") else naked.points
        size = np.array([abs(sized[int(a), k] - sized[int(b), k]) / unit for k, (a, b, unit) in enumerate(self.scale)])
        local = self.offset * size
        # Corners that are extrapolated from say where it is, but not how it is turned.
        near = self.share.clip(0) / self.share.clip(0).sum(1, keepdims=True)
        turned = np.einsum("pk,pkij,pj->pi", near, naked.turns[self.base], local)
        points = (naked.points[self.base] * self.share[..., None]).sum(1) + turned
        a, b, c = (naked.weight[self.base[:, k]] * near[:, k, None] for k in range(3))
        weight = a + b + c
        return points[self.vertex], weight[self.vertex]


class Wardrobe(Mapping[str, Asset]):
    """MakeHuman's clothes, shoes and hair by name, from a folder of `.npz` and `.webp`."""

    def __init__(self, folder: Path) -> None:
        self._assets = {path.stem: _read(path) for path in sorted(folder.glob("*.npz"))}

    def __getitem__(self, name: str) -> Asset:
        return self._assets[name]

    def __iter__(self):
        return iter(self._assets)

    def __len__(self) -> int:
        return len(self._assets)


def _read(path: Path) -> Asset:
    with np.load(path, allow_pickle=False) as data:
        faces, uv_faces = data["faces"].astype(int), data["uv_faces"].astype(int)
        pairs, index = np.unique(np.stack([faces.ravel(), uv_faces.ravel()], 1), axis=0, return_inverse=True)
        return Asset(
            name=path.stem,
            base=data["base_vertices"].astype(int),
            share=data["base_weights"].astype(float),
            offset=data["offsets"].astype(float),
            scale=np.stack([data[f"scale_{axis}"] for axis in "xyz"]).astype(float),
            vertex=pairs[:, 0],
            uv=data["uv"][pairs[:, 1]].astype(float),
            faces=index.reshape(-1, 3),
            hides=data["hidden_base_vertices"].astype(int),
            diffuse=_picture(path.with_name(f"{path.stem}_diffuse.webp")),
            shade=_picture(path.with_name(f"{path.stem}_ao.webp")),
        )


def _picture(path: Path, side: int = 256) -> UInt8[ndarray, "_ _ 4"] | None:
    if not path.exists():
        return None
    return np.asarray(Image.open(path).convert("RGBA").resize((side, side), Image.Resampling.LANCZOS))


def wear(naked: Naked, asset: Asset, texture: UInt8[Tensor, "h w 4"], material: Material, *, kind: str) -> Naked:
    """Put on a MakeHuman proxy."""
    points, weight = asset.place(naked)
    # Edges and corners of the picture's islands meet in space; shading must not see them.
    merged = np.zeros((len(asset.base), 3))
    np.add.at(merged, asset.vertex, vertex_normals(points, asset.faces))
    normal = merged[asset.vertex] / np.maximum(np.linalg.norm(merged[asset.vertex], axis=1, keepdims=True), 1e-9)
    soft = kind == "cloth"
    layer = make_layer(
        points, weight, asset.faces, asset.uv, texture, material,
        kind=kind, slack_m=0.004 * soft, wrinkle=0.35 * soft, folding=0.6 * soft, normal=normal,
    )  # fmt: skip
    covered = np.zeros(len(naked.points), bool)
    covered[asset.hides] = True
    return naked.wearing(layer, covers=covered, lift_m=_PROXY_LIFT_M * covered)
