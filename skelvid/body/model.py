"""SKEL in torch: SkelParams go in; joints, landmarks, skin and bones come out, with an analytic Jacobian."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.assets import N_JOINTS, SkelAssets
from skelvid.body.dofs import SMPL_JOINTS
from skelvid.body.jacobian import point_jacobian, pose_velocity
from skelvid.body.mesh import BoneSkin, SkinMesh, compile_bones, compile_skin, place_bones, place_skin
from skelvid.body.points import SkinnedPoints, compile_points, joint_points, place_points, rest_in_bones
from skelvid.body.skeleton import Placement, make_shape, make_skeleton, pose_skeleton
from skelvid.datatypes.skel import N_BETAS, N_DOFS, BodyPoints, SkelParams

N_PARAMS = N_DOFS + N_BETAS + 3
# The SMPL pose corrective of each slot is driven by one SKEL joint; where several name it, the last wins.
_SLOT_JOINT = {slot: joint for joint, slot in enumerate(SMPL_JOINTS) if slot}


class BodyModel(Protocol):
    """What the rooms need of a body: points for parameters, differentiable."""

    def __call__(self, params: SkelParams) -> BodyPoints:
        """Pose the body."""
        ...


@dataclass(frozen=True)
class Linearised:
    """Points and their derivatives; parameters in the order q (46), betas (10), trans (3).

    Attributes:
        points_m: `b k 3`.
        jacobian: `b 59 3 k` (parameter first, so that it is made in one product), m per rad, per beta, per m.
    """

    points_m: Float[Tensor, "b k 3"]
    jacobian: Float[Tensor, "b 59 3 k"]


class SkelBody:
    """A SKEL body on one device in one dtype; all methods are pure and differentiable."""

    def __init__(
        self,
        assets: SkelAssets,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.assets = assets
        self.dtype, self.device = dtype, torch.device(device)
        self.landmark_names = assets.landmark_names
        self.skeleton_constants = make_skeleton(assets, dtype=dtype, device=device)
        self._skin: SkinMesh = compile_skin(assets, dtype=dtype, device=device)
        self._bones: BoneSkin | None = compile_bones(assets, dtype=dtype, device=device)
        self.joints = joint_points(dtype=dtype, device=device)
        self.landmarks = self.points(assets.landmark_vertex, assets.landmark_weight)

    def points(self, vertex: Int[np.ndarray, "k m"], weight: Float[np.ndarray, "k m"]) -> SkinnedPoints:
        """Compile surface points, given as weighted sums of skin vertices, for `skin_points` and `linearise`."""
        return compile_points(self.assets, vertex, weight, dtype=self.dtype, device=self.device)

    def __call__(self, params: SkelParams, *, skin: bool = True, bones: bool = False) -> BodyPoints:
        """Pose the body.

        Args:
            params: Any leading shape; betas and trans broadcast against q.
            skin: Also compute the `v` skin vertices.
            bones: Also compute the skeleton mesh.

        Raises:
            ValueError: `bones` was asked of a body without a skeleton mesh.
        """
        batch, q, betas, trans = self._flatten(params)
        placement = self._place(q, betas)
        features = self._pose_features(placement)
        rest = rest_in_bones(self.landmarks, betas, features)
        move = trans[:, None]
        parts = {
            "joints_m": placement.joints_m + move,
            "joint_rot": placement.bone_rot,
            "landmarks_m": place_points(self.landmarks, rest, placement) + move,
        }
        if skin:
            parts["skin_m"] = place_skin(self._skin, betas, placement, trans, features)
        if bones:
            if self._bones is None:
                raise ValueError("this body has no skeleton mesh")
            parts["bones_m"] = place_bones(self._bones, betas, placement, trans)
        return BodyPoints(**{name: value.reshape(*batch, *value.shape[1:]) for name, value in parts.items()})

    def skeleton(self, params: SkelParams) -> BodyPoints:
        """Pose joints and landmarks only; the mesh is never touched."""
        return self(params, skin=False)

    def skin_points(self, params: SkelParams, points: SkinnedPoints) -> Float[Tensor, "*b k 3"]:
        """Pose compiled surface points."""
        batch, q, betas, trans = self._flatten(params)
        placement = self._place(q, betas)
        rest = rest_in_bones(points, betas, self._pose_features(placement))
        return (place_points(points, rest, placement) + trans[:, None]).reshape(*batch, points.count, 3)

    def linearise(self, params: SkelParams, points: SkinnedPoints) -> Linearised:
        """Return points with their analytic Jacobian; no gradient flows through it.

        Leading dimensions are flattened to one. Pose correctives of official bodies are held fixed in the Jacobian.
        """
        with torch.no_grad():
            _, q, betas, trans = self._flatten(params)
            placement = self._place(q, betas)
            velocity = pose_velocity(self.skeleton_constants, placement, q)
            rest = rest_in_bones(points, betas, self._pose_features(placement))
            value = place_points(points, rest, placement) + trans[:, None]
            by_body = point_jacobian(self.skeleton_constants, points, rest, placement, velocity)
            by_trans = torch.eye(3, dtype=value.dtype, device=value.device)[:, :, None]
            return Linearised(value, torch.cat([by_body, by_trans.expand(len(q), -1, -1, points.count)], dim=1))

    def bone_orientation(self, betas: Float[Tensor, "*b 10"]) -> Float[Tensor, "*b 24 3 3"]:
        """Return K, the rest orientation of each bone (template <- OpenSim body frame)."""
        flat = betas.reshape(-1, N_BETAS).to(self.device, self.dtype)
        return (
            make_shape(self.skeleton_constants, flat).bone_rot.movedim(-1, 0).reshape(*betas.shape[:-1], N_JOINTS, 3, 3)
        )

    def _place(self, q: Tensor, betas: Tensor) -> Placement:
        return pose_skeleton(self.skeleton_constants, make_shape(self.skeleton_constants, betas), q)

    def _flatten(self, params: SkelParams) -> tuple[tuple[int, ...], Tensor, Tensor, Tensor]:
        """Bring parameters to `b 46`, `1|b 10`, `b 3` on the body's device; one shape for all stays one."""
        q, betas, trans = (v.to(self.device, self.dtype) for v in (params.q, params.betas, params.trans_m))
        batch = np.broadcast_shapes(q.shape[:-1], betas.shape[:-1], trans.shape[:-1])
        n = int(np.prod(batch))
        if betas.numel() == N_BETAS:
            betas = betas.reshape(1, N_BETAS)
        else:
            betas = betas.expand(*batch, N_BETAS).reshape(n, N_BETAS)
        return (
            tuple(batch),
            q.expand(*batch, N_DOFS).reshape(n, N_DOFS),
            betas,
            trans.expand(*batch, 3).reshape(n, 3),
        )

    def _pose_features(self, placement: Placement) -> Float[Tensor, "b 207"] | None:
        """Return the 207 entries of (R - 1) that drive SMPL's pose correctives, or None when there are none."""
        if self.assets.posedirs_m is None:
            return None
        parent = self.skeleton_constants.parent[1:]
        local = torch.cat([placement.rot[:, :1], placement.rot[:, parent].mT @ placement.rot[:, 1:]], dim=1)
        eye = torch.eye(3, dtype=self.dtype, device=self.device)
        features = torch.zeros_like(local)
        features[:, list(_SLOT_JOINT)] = local[:, list(_SLOT_JOINT.values())] - eye
        return features[:, 1:].flatten(1)
