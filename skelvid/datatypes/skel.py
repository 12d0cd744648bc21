"""SKEL parameters and the points of a posed body, as NumPy arrays or torch tensors."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

N_DOFS = 46
N_BETAS = 10
Array = Any  # numpy.ndarray between rooms, torch.Tensor inside body, regress and refine


@dataclass(frozen=True)
class SkelParams:
    """Pose, shape and place of SKEL bodies.

    Attributes:
        q: `*b 46` joint angles, rad, in the order of `skelvid.body.dofs.DOFS`.
        betas: `*b 10` (or broadcastable, e.g. `1 10` for one shape over a clip), in standard deviations.
        trans_m: `*b 3` translation added to every point, m.

    Raises:
        ValueError: A last dimension is wrong, or the leading dimensions do not broadcast.
    """

    q: Array
    betas: Array
    trans_m: Array

    def __post_init__(self) -> None:
        for name, width in (("q", N_DOFS), ("betas", N_BETAS), ("trans_m", 3)):
            shape = tuple(getattr(self, name).shape)
            if not shape or shape[-1] != width:
                raise ValueError(f"{name} must have shape [..., {width}], got {shape}")
        np.broadcast_shapes(self.q.shape[:-1], self.betas.shape[:-1], self.trans_m.shape[:-1])

    def __getitem__(self, index: Any) -> "SkelParams":
        """Index the leading dimensions of all three arrays alike."""
        return SkelParams(self.q[index], self.betas[index], self.trans_m[index])

    def to_torch(self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> "SkelParams":
        """Return the same parameters as torch tensors."""
        return SkelParams(*(torch.as_tensor(getattr(self, f.name), dtype=dtype, device=device) for f in fields(self)))

    def to_numpy(self) -> "SkelParams":
        """Return the same parameters as NumPy arrays on the CPU, without gradient."""
        return SkelParams(*(_to_numpy(getattr(self, f.name)) for f in fields(self)))


@dataclass(frozen=True)
class BodyPoints:
    """Points of posed bodies, m, in the frame of `trans_m`.

    Attributes:
        joints_m: `*b 24 3` joint centres, in the order of `skelvid.body.dofs.JOINT_NAMES`.
        joint_rot: `*b 24 3 3` orientations of the bones: columns are the OpenSim body axes
            (x front, y proximal, z right), not identity at rest.
        landmarks_m: `*b l 3` skin landmarks, named by `SkelBody.landmark_names`.
        skin_m: `*b v 3` skin vertices, or None when not asked for.
        bones_m: `*b s 3` skeleton vertices, or None.
    """

    joints_m: Array
    joint_rot: Array
    landmarks_m: Array
    skin_m: Array | None = None
    bones_m: Array | None = None

    def to_numpy(self) -> "BodyPoints":
        """Return the same points as NumPy arrays on the CPU, without gradient."""
        values = (getattr(self, f.name) for f in fields(self))
        return BodyPoints(*(None if value is None else _to_numpy(value) for value in values))


def _to_numpy(value: Array) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
