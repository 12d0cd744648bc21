"""Meshes and a view in, an RGB picture out: a small renderer in plain NumPy, without OpenGL or a display."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64, UInt8

from skelvid.datatypes.mesh import Mesh, Rgb
from skelvid.draw.scene import View
from skelvid.draw.zbuffer import nearest_triangle, set_up_triangles
from skelvid.geometry.surface import vertex_normals

_NEAR_M = 0.01
# Any shift larger than the scene turns the depth of an orthographic view into a positive nearness.
_FAR_M = 100.0
_AMBIENT = 0.36
# Directions to the lights in the camera frame (x right, y down, z forward) and their strengths: a key from
# the upper left behind the camera and a weak fill from the right.
_LIGHTS = (((-0.45, -0.65, -0.61), 0.60), ((0.75, 0.05, -0.66), 0.20))


@dataclass(frozen=True)
class _Surface:
    """What is seen of a mesh: flat sample index, nearness (larger = nearer), colour and opacity."""

    sample: Int64[np.ndarray, "n"]
    nearness: Float[np.ndarray, "n"]
    rgba: Float[np.ndarray, "n 4"]


def render(
    meshes: Sequence[Mesh],
    view: View,
    *,
    background: Rgb | UInt8[np.ndarray, "h w 3"] = (1.0, 1.0, 1.0),
    supersample: int = 2,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw meshes with smooth shading, hidden surfaces removed, edges averaged over `supersample`^2 samples.

    Lit by the outward normals, so faces must run counter-clockwise. Of each translucent mesh only the
    front-most surface is drawn. Triangles closer than 1 cm to the eye of a perspective view, or behind
    it, are left out.
    """
    height, width = view.size_hw
    canvas = np.empty((height, supersample, width, supersample, 3), np.float32)
    if isinstance(background, np.ndarray):
        canvas[:] = (background / np.float32(255.0))[:, None, :, None]
    else:
        canvas[:] = background
    samples = canvas.reshape(-1, 3)
    opaque = [mesh for mesh in meshes if mesh.alpha == 1.0]
    nearest = np.zeros(len(samples), np.float32)
    if opaque:
        surface = _visible_surface(opaque, view, supersample)
        samples[surface.sample] = surface.rgba[:, :3]
        nearest[surface.sample] = surface.nearness
    translucent = [_visible_surface([mesh], view, supersample) for mesh in meshes if mesh.alpha < 1.0]
    if translucent:
        _blend(samples, nearest, translucent)
    image = np.mean([canvas[:, i, :, j] for i in range(supersample) for j in range(supersample)], axis=0)
    return (image.clip(0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _blend(
    samples: Float[np.ndarray, "n 3"], nearest_opaque: Float[np.ndarray, "n"], surfaces: Sequence[_Surface]
) -> None:
    """Paint translucent surfaces over the samples in place, each sample from far to near."""
    sample = np.concatenate([surface.sample for surface in surfaces])
    nearness = np.concatenate([surface.nearness for surface in surfaces])
    rgba = np.concatenate([surface.rgba for surface in surfaces])
    seen = np.flatnonzero(nearness > nearest_opaque[sample])
    order = seen[np.lexsort((nearness[seen], sample[seen]))] if len(surfaces) > 1 else seen
    sample, rgba = sample[order], rgba[order]
    first_of_run = np.flatnonzero(np.diff(sample, prepend=-1))
    rank = np.arange(len(sample)) - np.repeat(first_of_run, np.diff(first_of_run, append=len(sample)))
    for step in range(len(surfaces)):  # within one step each sample occurs at most once
        here = rank == step
        alpha = rgba[here, 3:]
        samples[sample[here]] = alpha * rgba[here, :3] + (1.0 - alpha) * samples[sample[here]]


def _visible_surface(meshes: Sequence[Mesh], view: View, supersample: int) -> _Surface:
    """Rasterise meshes together and shade the surface nearest to the eye."""
    offsets = np.cumsum([0] + [len(mesh.vertices_m) for mesh in meshes])
    faces = np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)])
    vertices = np.concatenate([mesh.vertices_m for mesh in meshes])
    rgba = np.concatenate([_shade_vertices(mesh, view) for mesh in meshes])

    depth = view.to_camera(vertices)[:, 2].astype(np.float32)
    if view.orthographic:
        nearness = _FAR_M - depth
    else:
        faces = faces[(depth[faces] > _NEAR_M).all(1)]
        nearness = 1.0 / np.maximum(depth, _NEAR_M)  # 1 / z, unlike z, is linear over the screen
    size_hw = (view.size_hw[0] * supersample, view.size_hw[1] * supersample)
    screen = (view.project(vertices) * supersample).astype(np.float32)
    triangles = set_up_triangles(screen[faces], nearness[faces], size_hw)
    triangle = nearest_triangle(triangles, size_hw).ravel()

    sample = np.flatnonzero(triangle >= 0)
    triangle = triangle[sample]
    corners = faces[triangle]
    row, column = np.divmod(sample, size_hw[1])
    weights = triangles.weights(triangle, column, row)
    weighted = weights * nearness[corners]
    near = weighted.sum(1)
    if not view.orthographic:
        weights = weighted / near[:, None]  # perspective-correct
    return _Surface(sample, near, np.einsum("nk,nkc->nc", weights, rgba[corners]))


def _shade_vertices(mesh: Mesh, view: View) -> Float[np.ndarray, "v 4"]:
    """Colour under the fixed lights, and opacity, of each vertex."""
    camera = view.to_camera(mesh.vertices_m)
    normal = vertex_normals(camera, mesh.faces)
    bright = np.full(len(camera), _AMBIENT)
    for direction, strength in _LIGHTS:
        bright += strength * np.maximum(normal @ np.array(direction), 0.0)
    to_eye = np.array([[0.0, 0.0, -1.0]]) if view.orthographic else _unit(-camera)
    edge_on = 1.0 - np.abs((normal * to_eye).sum(1))
    alpha = np.minimum(mesh.alpha + mesh.rim * edge_on**2, 1.0)
    return np.column_stack([np.asarray(mesh.color) * bright[:, None], alpha]).astype(np.float32)


def _unit(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Scale to length 1; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
