"""Angles of ball joints in, rotation matrices out, and back, in torch and differentiable; six numbers for a rotation.

The same rotations as `skelvid.body.joint_rotation` tells in SciPy: in the axes of the joint's bone, T-pose = identity.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from skelvid.body.dofs import DOFS, joint_dofs


def ball_rotation(angles: Float[Tensor, "*b 3"], joint: str) -> Float[Tensor, "*b 3 3"]:
    """Return the rotation of a joint of three degrees of freedom, rad."""
    letters, signs = _axes(joint)
    first, second, third = (
        turn_about(letter, sign * angle) for letter, sign, angle in zip(letters, signs, angles.unbind(-1), strict=True)
    )
    return third @ second @ first


def ball_angles(rotation: Float[Tensor, "*b 3 3"], joint: str) -> Float[Tensor, "*b 3"]:
    """Return the three angles of a joint, rad, the second within a right angle of zero."""
    (i, j, k), signs = _axes(joint)
    even = 1.0 if (j - i) % 3 == 1 else -1.0
    entry = rotation[..., k, i]
    angles = (
        torch.atan2(even * rotation[..., k, j], rotation[..., k, k]),
        torch.atan2(-even * entry, torch.hypot(rotation[..., i, i], rotation[..., j, i])),
        torch.atan2(even * rotation[..., j, i], rotation[..., i, i]),
    )
    return torch.stack([sign * angle for sign, angle in zip(signs, angles, strict=True)], dim=-1)


def rotation_from_six(six: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 3 3"]:
    """Return the rotations whose first two columns are nearest to two vectors (Zhou et al. 2019, Gram-Schmidt)."""
    first = normalize(six[..., :3], dim=-1)
    second = normalize(six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def six_of_rotation(rotation: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 6"]:
    """Return the first two columns, one after the other."""
    return rotation[..., :2].mT.flatten(-2)


def _axes(joint: str) -> tuple[list[int], list[float]]:
    """Return which axes the joint's degrees of freedom turn about, and in which sense."""
    axes = np.array([DOFS[d].axis for d in joint_dofs(joint)])
    return np.abs(axes).argmax(1).tolist(), axes.sum(1).tolist()


def turn_about(axis: int, angle: Float[Tensor, "*b"]) -> Float[Tensor, "*b 3 3"]:
    """Return turns about a coordinate axis, 0 to 2, by angles, rad."""
    sin, cos = angle.sin(), angle.cos()
    zero, one = torch.zeros_like(sin), torch.ones_like(sin)
    rows = {0: [one, zero, zero, zero, cos, -sin, zero, sin, cos],
            1: [cos, zero, sin, zero, one, zero, -sin, zero, cos],
            2: [cos, -sin, zero, sin, cos, zero, zero, zero, one]}[axis]  # fmt: skip
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
