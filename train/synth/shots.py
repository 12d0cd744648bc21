"""A picture to be taken: things, light and camera of one, and many packed into lists for the renderer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import normalize

from train.synth import fast_shade
from train.synth.backdrop import Backdrop
from train.synth.light import Light
from train.synth.textures import Shelf, TexturePool
from train.synth.views import View
from train.synth.world import Material, Surface

# Whose a thing is; bystanders count on from 2.
SCENERY = 0
SUBJECT = 1


@dataclass(frozen=True)
class Thing:
    """One surface and whose it is: `SCENERY`, `SUBJECT` (the labelled person) or a bystander's, from 2."""

    surface: Surface
    owner: int


@dataclass(frozen=True)
class Shot:
    """One picture before it is taken; world axes, floor at y = 0.

    Attributes:
        things: What is drawn in front of the backdrop.
        view: The camera; backdrop, light: what is behind and what shines.
        focus_m: `3` middle of the labelled person; shadows are cast up to 1.7 m around it.
    """

    things: tuple[Thing, ...]
    view: View
    backdrop: Backdrop
    light: Light
    focus_m: Float[Tensor, "3"]


@dataclass(frozen=True)
class Pack:
    """Surfaces of a batch of pictures, end to end.

    Attributes:
        table: `v 9` place (m), normal, uv and wrinkle of each vertex; at: `v` picture.
        faces: `f 3`; surface: `f` index into `materials` and textures; one_sided: `f`.
        picture, owner: `s` of each surface; part: `f`.
        side_m: `s` length of a texture's side on the surface.
    """

    table: Float[Tensor, "v 9"]
    at: Int[Tensor, "v"]
    faces: Int[Tensor, "f 3"]
    surface: Int[Tensor, "f"]
    one_sided: Bool[Tensor, "f"]
    part: UInt8[Tensor, "f"]
    picture: Int[Tensor, "s"]
    owner: Int[Tensor, "s"]
    side_m: Float[Tensor, "s"]
    materials: Float[Tensor, "s 7"]
    textures: TexturePool

    @property
    def vertices_m(self) -> Float[Tensor, "v 3"]:
        """Return where the vertices are."""
        return self.table[:, :3]


def pack(shots: Sequence[Shot], shelf: Shelf) -> Pack:
    """Put the surfaces of a batch end to end."""
    things = [(i, thing) for i, shot in enumerate(shots) for thing in shot.things]
    surfaces = [thing.surface for _, thing in things]
    device = surfaces[0].vertices_m.device
    counts = torch.tensor([len(s.vertices_m) for s in surfaces], device=device)
    face_counts = torch.tensor([len(s.faces) for s in surfaces], device=device)
    number = torch.arange(len(surfaces), device=device)
    picture = torch.tensor([i for i, _ in things], device=device)
    vertices = torch.cat([s.vertices_m for s in surfaces])
    faces = torch.cat([s.faces for s in surfaces])
    faces = faces + (counts.cumsum(0) - counts).repeat_interleave(face_counts)[:, None]
    surface = number.repeat_interleave(face_counts)
    two_sided = torch.tensor([s.material.two_sided for s in surfaces], device=device)
    uv = torch.cat([s.uv for s in surfaces])
    measure = measure_on_processor if device.type == "cpu" else measure_in_torch
    normals, side_m = measure(vertices, faces, uv, surface, len(surfaces))
    for s, start in zip(surfaces, (counts.cumsum(0) - counts).tolist(), strict=True):
        if s.normals is not None:
            normals[start : start + len(s.normals)] = s.normals
    return Pack(
        torch.cat([vertices, normals, uv, torch.cat([s.wrinkle for s in surfaces])[:, None]], 1),
        picture.repeat_interleave(counts),
        faces, surface, ~two_sided[surface], torch.cat([s.part for s in surfaces]), picture,
        torch.tensor([thing.owner for _, thing in things], device=device),
        side_m,
        torch.tensor([_numbers(s.material) for s in surfaces], device=device),
        shelf([s.texture for s in surfaces]),
    )  # fmt: skip


def _numbers(material: Material) -> list[float]:
    return [float(getattr(material, field.name)) for field in fields(material)]


def measure_on_processor(
    vertices: Float[Tensor, "v 3"], faces: Int[Tensor, "f 3"], uv: Float[Tensor, "v 2"], surface: Tensor, surfaces: int
) -> tuple[Tensor, Tensor]:
    """Return vertex normals, weighted by area, and how long the side of each surface's texture is on it, m."""
    normal, side_m = fast_shade.measure(vertices.numpy(), faces.numpy(), uv.numpy(), surface.numpy(), surfaces)
    return torch.as_tensor(normal), torch.as_tensor(side_m)


def measure_in_torch(
    vertices: Float[Tensor, "v 3"], faces: Int[Tensor, "f 3"], uv: Float[Tensor, "v 2"], surface: Tensor, surfaces: int
) -> tuple[Tensor, Tensor]:
    """Do the same as `measure_on_processor` in plain torch, as on a GPU."""
    a, b, c = vertices.index_select(0, faces.flatten()).view(-1, 3, 3).unbind(1)
    across = torch.linalg.cross(b - a, c - a)
    normal = torch.zeros_like(vertices)
    for corner in range(3):
        normal.index_add_(0, faces[:, corner], across)
    side, other = uv[faces[:, 1]] - uv[faces[:, 0]], uv[faces[:, 2]] - uv[faces[:, 0]]
    areas = torch.stack([across.norm(dim=1), (side[:, 0] * other[:, 1] - side[:, 1] * other[:, 0]).abs()])
    area_m2, area_uv = vertices.new_zeros((2, surfaces)).index_add(1, surface, areas)
    return normalize(normal, dim=1), (area_m2 / area_uv.clamp_min(1e-12)).sqrt()
