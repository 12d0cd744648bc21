"""T-posed, symmetric bodies in, template and ten shape directions out (PCA in units of one standard deviation)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

N_SHAPES = 10


@dataclass(frozen=True)
class ShapeSpace:
    """Mean body (v, 3) and directions (v, 3, 10) in metres per SD, with the share of variance of each."""

    mean: Float[ndarray, "v 3"]
    directions: Float[ndarray, "v 3 k"]
    variance_share: Float[ndarray, "k"]

    def project(self, bodies: Float[ndarray, "n v 3"]) -> Float[ndarray, "n k"]:
        """Return the coefficients of bodies, in SD."""
        basis = self.directions.reshape(-1, self.directions.shape[-1])
        flat = (bodies - self.mean).reshape(len(bodies), -1)
        return flat @ basis / (basis**2).sum(axis=0)

    def rebuild(self, betas: Float[ndarray, "n k"]) -> Float[ndarray, "n v 3"]:
        """Return the bodies with these coefficients."""
        return self.mean + np.einsum("vck,nk->nvc", self.directions, betas)


def fit_shapes(bodies: Float[ndarray, "n v 3"], faces: Int[ndarray, "f 3"], count: int = N_SHAPES) -> ShapeSpace:
    """Run PCA. Signs are fixed: + is taller for the first direction and heavier (more volume) for all others."""
    mean = bodies.mean(axis=0)
    flat = (bodies - mean).reshape(len(bodies), -1)
    _, values, rows = np.linalg.svd(flat, full_matrices=False)
    sd = values[:count] / np.sqrt(len(bodies) - 1)
    directions = (rows[:count] * sd[:, None]).T.reshape(*mean.shape, count)
    return ShapeSpace(mean, directions * _signs(mean, faces, directions), (values**2 / (values**2).sum())[:count])


def _signs(mean: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"], directions: Float[ndarray, "v 3 k"]) -> ndarray:
    taller = directions[mean[:, 1].argmax(), 1] - directions[mean[:, 1].argmin(), 1]
    corners = mean[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    heavier = np.einsum("fc,fcjk->k", area, directions[faces].transpose(0, 2, 1, 3))
    return np.where(np.arange(len(taller)) == 0, np.sign(taller), np.sign(heavier))


def symmetrise(bodies: Float[ndarray, "*n v 3"], mirror: Int[ndarray, "v"]) -> Float[ndarray, "*n v 3"]:
    """Average each body with its own mirror image."""
    return (bodies + bodies[..., mirror, :] * np.array([-1.0, 1.0, 1.0])) / 2
