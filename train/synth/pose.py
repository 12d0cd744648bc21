"""A dressed figure in the T-pose and SKEL parameters in, posed people with the truth about them out.

Every surface of a figure (skin, cloth, hair, markers) has skin weights of the SKEL skeleton, so a pose is one product
of weights and joint transforms, whatever the figure wears; what it gives at a landmark is what the label says there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from skelvid.body.model import SkelBody
from skelvid.body.skeleton import Shape, make_shape, pose_skeleton
from skelvid.datatypes.motion import CONTACT_POINTS
from skelvid.datatypes.skel import SkelParams
from train.synth.world import Looks, Material, Person, Surface

# Soles this near to the floor bear on it.
_CONTACT_M = 0.03
# How much lower the underside of loose cloth hangs than its top sinks.
_HANG = 2.0
# Joint angles of about 60 degrees give cloth its full folds.
_FULL_BEND = 0.5


@dataclass(frozen=True)
class Layer:
    """One surface at rest.

    Attributes:
        rest_m: `v 3`; weight: `v 24` shares of the joints; normal: `v 3` unit.
        slack_m: `v` how far gravity draws the cloth; wrinkle: `v` its fold at rest; folding: `v` more of it in a bend.
        Others as in `Surface`.
    """

    rest_m: Float[Tensor, "v 3"]
    weight: Float[Tensor, "v 24"]
    normal: Float[Tensor, "v 3"]
    faces: Int[Tensor, "f 3"]
    uv: Float[Tensor, "v 2"]
    texture: UInt8[Tensor, "h w 4"]
    material: Material
    part: UInt8[Tensor, "f"]
    kind: str
    slack_m: Float[Tensor, "v"]
    wrinkle: Float[Tensor, "v"]
    folding: Float[Tensor, "v"]


@dataclass(frozen=True)
class Probes:
    """Places on the naked skin that the truth is told about.

    Attributes:
        rest_m, weight, normal: of skin vertices: three for each landmark, then the spread points.
        names: landmarks; share: `l 3` what each of its vertices counts.
    """

    rest_m: Float[Tensor, "p 3"]
    weight: Float[Tensor, "p 24"]
    normal: Float[Tensor, "p 3"]
    names: tuple[str, ...]
    share: Float[Tensor, "l 3"]


@dataclass(frozen=True)
class Posed:
    """A figure over `b` frames, all layers in one list of vertices."""

    vertices_m: Float[Tensor, "b v 3"]
    wrinkle: Float[Tensor, "b v"]
    landmarks_m: Float[Tensor, "b l 3"]
    dense_m: Float[Tensor, "b k 3"]
    dense_normal: Float[Tensor, "b k 3"]
    joints_m: Float[Tensor, "b 24 3"]


@dataclass(frozen=True)
class Figure:
    """A dressed person, ready to pose; `body` is the one its labels speak of."""

    looks: Looks
    betas: Float[Tensor, "10"]
    body: SkelBody
    layers: tuple[Layer, ...]
    probes: Probes

    @cached_property
    def _merged(self) -> dict[str, Tensor]:
        names = ("rest_m", "weight", "normal", "slack_m", "wrinkle", "folding")
        merged = {name: torch.cat([getattr(layer, name) for layer in self.layers]) for name in names}
        for name in ("rest_m", "weight", "normal"):
            merged[name] = torch.cat([merged[name], getattr(self.probes, name)])
        loose = torch.nonzero(merged["slack_m"])[:, 0]
        bent = torch.nonzero(merged["folding"])[:, 0]
        columns = {name: merged[name].T.contiguous() for name in ("weight", "rest_m", "normal")}
        return merged | columns | {"loose": loose, "bent": bent}

    @cached_property
    def _shape(self) -> Shape:
        return make_shape(self.body.skeleton_constants, self.betas[None])

    def pose(self, q: Float[Tensor, "46"], trans_m: Float[Tensor, "3"], *, floor_m: float = 0.0) -> Person:
        """Return the person in one pose, world axes; `floor_m` is the height of the ground, for `Person.contact`."""
        params = SkelParams(q[None], self.betas, trans_m[None])
        posed = self.film(params)
        contact = grounded(posed.landmarks_m, self.probes.names, floor_m + self.looks.sole_m)
        return self._person(posed, params, contact[0], 0)

    def film(self, params: SkelParams) -> Posed:
        """Put the figure into `b` poses.

        Args:
            params: `q` `b 46`, `trans_m` `b 3`; betas are the figure's own, whatever is given. World axes, y up.
        """
        m = self._merged
        bones = self.body.skeleton_constants
        placement = pose_skeleton(bones, self._shape, params.q)
        joints = placement.shape.joints_m.movedim(-1, 0)
        origin = placement.joints_m - (placement.rot @ joints[..., None])[..., 0] + params.trans_m[:, None]
        transform = torch.cat([placement.rot, origin[..., None]], dim=-1)  # b 24 3 4
        blend = (transform.permute(0, 2, 3, 1).flatten(1, 2) @ m["weight"]).unflatten(1, (3, 4))  # b 3 4 v
        points = blend[:, :, 3].clone()
        for axis in range(3):  # one pass each, and no copy of the 3x3 of every vertex
            points.addcmul_(blend[:, :, axis], m["rest_m"][axis])
        skins = len(m["slack_m"])
        drop = _droop(blend[:, 1, :3][..., m["loose"]], m["normal"][:, m["loose"]], m["slack_m"][m["loose"]])
        points[:, 1, m["loose"]] -= drop
        wrinkle = m["wrinkle"].expand(len(points), -1).clone()
        lost = (3 - blend[:, :, :3][..., m["bent"]].square().sum((1, 2))).clamp_min(0)
        wrinkle[:, m["bent"]] += m["folding"][m["bent"]] * (lost / _FULL_BEND).clamp_max(1)
        corners = 3 * len(self.probes.names)
        marks = points[..., skins : skins + corners].mT.unflatten(1, (-1, 3))
        normal = (blend[:, :, :3, skins + corners :] * m["normal"][:, skins + corners :]).sum(2).mT
        return Posed(
            vertices_m=points[..., :skins].mT,
            wrinkle=wrinkle.clamp_max(1),
            landmarks_m=(marks * self.probes.share[..., None]).sum(2),
            dense_m=points[..., skins + corners :].mT,
            dense_normal=normal / torch.linalg.vector_norm(normal, dim=-1, keepdim=True),
            joints_m=placement.joints_m + params.trans_m[:, None],
        )

    def _person(self, posed: Posed, params: SkelParams, contact: Bool[Tensor, "4"], row: int) -> Person:
        surfaces, start = [], 0
        for layer in self.layers:
            rows = slice(start, start + len(layer.rest_m))
            start = rows.stop
            surfaces.append(
                Surface(
                    vertices_m=posed.vertices_m[row, rows],
                    faces=layer.faces,
                    uv=layer.uv,
                    texture=layer.texture,
                    material=layer.material,
                    part=layer.part,
                    wrinkle=posed.wrinkle[row, rows],
                    kind=layer.kind,
                )
            )
        return Person(
            surfaces=tuple(surfaces),
            looks=self.looks,
            params=SkelParams(params.q[row], self.betas, params.trans_m[row]),
            joints_m=posed.joints_m[row],
            landmark_names=self.probes.names,
            landmarks_m=posed.landmarks_m[row],
            dense_m=posed.dense_m[row],
            dense_normal=posed.dense_normal[row],
            contact=contact,
        )

    def to(self, device: torch.device | str, body: SkelBody) -> "Figure":
        """Return the figure on another device; `body` is the same body there."""

        def moved(item: Layer | Probes) -> Any:
            return replace(item, **{k: v.to(device) for k, v in vars(item).items() if isinstance(v, Tensor)})

        return Figure(
            self.looks, self.betas.to(device), body, tuple(moved(layer) for layer in self.layers), moved(self.probes)
        )


def _droop(down_row: Float[Tensor, "b 3 v"], normal: Float[Tensor, "3 v"], slack_m: Float[Tensor, "v"]) -> Tensor:
    """Return how far loose cloth sinks: onto the body where it faces up, off it where it faces down."""
    up = (down_row * normal).sum(1)
    return slack_m * up.square() * torch.where(up < 0, _HANG, 1.0)


def grounded(points_m: Float[Tensor, "b l 3"], names: Sequence[str], floor_m: float) -> Bool[Tensor, "b 4"]:
    """Tell which heels and toes, in the order of `CONTACT_POINTS`, are on a floor at this height."""
    foot = {"heel": ("heel_sole",), "toes": ("big_toe", "mtp1")}
    low = [
        torch.stack([points_m[:, names.index(f"{mark}_{point[-1]}"), 1] for mark in foot[point[:-2]]]).amin(0)
        for point in CONTACT_POINTS
    ]
    return torch.stack(low, dim=1) < floor_m + _CONTACT_M
