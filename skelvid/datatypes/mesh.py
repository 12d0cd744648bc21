"""Coloured triangle surfaces, as pictures and files show them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Mesh:
    """A triangle surface with one colour, or one colour per vertex, as sRGB in [0, 1].

    Attributes:
        vertices_m: `v 3` points, m.
        faces: `f 3` vertices of each triangle, counter-clockwise seen from outside.
        color: One (red, green, blue) or `v 3`.
        alpha: Opacity, 1 for solid.
        rim: Opacity added where the surface is seen edge-on, which keeps the outline of a thin skin readable
            over the bones inside it. Pictures only.
    """

    vertices_m: Float[np.ndarray, "v 3"]
    faces: Integer[np.ndarray, "f 3"]
    color: Rgb | Float[np.ndarray, "v 3"]
    alpha: float = 1.0
    rim: float = 0.0

    def __post_init__(self) -> None:
        if self.faces.size and not 0 <= self.faces.min() <= self.faces.max() < len(self.vertices_m):
            raise ValueError(f"faces must index the {len(self.vertices_m)} vertices, got up to {self.faces.max()}")
        if not 0.0 < self.alpha <= 1.0:
            raise ValueError(f"alpha must lie in (0, 1], got {self.alpha}")
