"""Points that move with the skin: weighted sums of skin vertices, compiled so that no mesh is needed to pose them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.assets import N_JOINTS, SkelAssets
from skelvid.body.skeleton import Placement
from skelvid.datatypes.skel import N_BETAS


@dataclass(frozen=True)
class SkinnedPoints:
    """k points, each the exact linear blend skinning of a weighted sum of vertices, split by joint into n pairs.

    Attributes:
        count: k.
        joint, point: `n` which joint moves which point.
        share: `n` how much of the point's motion is that joint's.
        rest: `n 3` rest position relative to the joint, times share.
        dirs: `n 3 10` its change with betas.
        posedirs: `n 3 207` its change with the pose features, or None.
    """

    count: int
    joint: Int[Tensor, "n"]
    point: Int[Tensor, "n"]
    share: Float[Tensor, "n"]
    rest: Float[Tensor, "n 3"]
    dirs: Float[Tensor, "n 3 10"]
    posedirs: Float[Tensor, "n 3 207"] | None

    @cached_property
    def dense_dirs(self) -> Float[Tensor, "24 3 10 k"]:
        """How the dense rest positions (see `dense_rest`) change with betas."""
        table = torch.zeros((3, N_BETAS, N_JOINTS * self.count), dtype=self.dirs.dtype, device=self.dirs.device)
        table.index_add_(2, self.joint * self.count + self.point, self.dirs.permute(1, 2, 0))
        return table.unflatten(-1, (N_JOINTS, self.count)).permute(2, 0, 1, 3).contiguous()


def compile_points(
    assets: SkelAssets,
    vertex: Int[np.ndarray, "k m"],
    weight: Float[np.ndarray, "k m"],
    *,
    dtype: torch.dtype,
    device: torch.device | str,
) -> SkinnedPoints:
    """Compile points given as weighted sums of skin vertices (weights of each row sum to 1)."""
    k = len(vertex)
    share = weight[..., None].astype(np.float64) * assets.exact_skin_weight[vertex]
    key = np.arange(k)[:, None, None] * N_JOINTS + assets.skin_weight_joint[vertex]
    used, inverse = np.unique(key[share > 0], return_inverse=True)
    rows = np.nonzero(share > 0)
    vertices = vertex[rows[0], rows[1]]
    joint, scale = used % N_JOINTS, share[rows]
    weights = np.bincount(inverse, scale, minlength=len(used))

    def gather(values: np.ndarray, at_joints: np.ndarray | float) -> np.ndarray:
        """Add up shares of vertices, relative to the joint."""
        total, column = np.zeros((len(used), *values.shape[1:])), (-1, *[1] * (values.ndim - 1))
        np.add.at(total, inverse, scale.reshape(column) * values[vertices])
        return total - weights.reshape(column) * at_joints

    def tensor(value: np.ndarray) -> Tensor:
        return torch.as_tensor(value, dtype=dtype, device=device)

    return SkinnedPoints(
        count=k,
        joint=torch.as_tensor(joint, device=device),
        point=torch.as_tensor(used // N_JOINTS, device=device),
        share=tensor(weights),
        rest=tensor(gather(assets.skin_template_m, assets.joints_m[joint])),
        dirs=tensor(gather(assets.shapedirs_m, assets.joint_dirs_m[joint])),
        posedirs=None if assets.posedirs_m is None else tensor(gather(assets.posedirs_m, 0.0)),
    )


def joint_points(*, dtype: torch.dtype, device: torch.device | str) -> SkinnedPoints:
    """Return the 24 joint centres as points."""
    index = torch.arange(N_JOINTS, device=device)
    zeros = torch.zeros((N_JOINTS, 3, N_BETAS), dtype=dtype, device=device)
    return SkinnedPoints(N_JOINTS, index, index, torch.ones_like(zeros[:, 0, 0]), zeros[..., 0], zeros, None)


def join_points(first: SkinnedPoints, second: SkinnedPoints) -> SkinnedPoints:
    """Return the points of both, `first` first."""

    def correctives(points: SkinnedPoints) -> Tensor:
        return points.dirs.new_zeros((len(points.joint), 3, 207)) if points.posedirs is None else points.posedirs

    with_correctives = first.posedirs is not None or second.posedirs is not None
    return SkinnedPoints(
        count=first.count + second.count,
        joint=torch.cat([first.joint, second.joint]),
        point=torch.cat([first.point, second.point + first.count]),
        share=torch.cat([first.share, second.share]),
        rest=torch.cat([first.rest, second.rest]),
        dirs=torch.cat([first.dirs, second.dirs]),
        posedirs=torch.cat([correctives(first), correctives(second)]) if with_correctives else None,
    )


def rest_in_bones(
    points: SkinnedPoints, betas: Float[Tensor, "s 10"], pose_features: Float[Tensor, "b 207"] | None = None
) -> Float[Tensor, "n 3 _"]:
    """Return the pairs' rest positions relative to their joints, times their shares; batch last."""
    rest = points.rest[..., None] + points.dirs @ betas.mT
    if points.posedirs is not None and pose_features is not None:
        rest = rest + points.posedirs @ pose_features.mT
    return rest


def place_points(points: SkinnedPoints, rest: Float[Tensor, "n 3 s"], placement: Placement) -> Float[Tensor, "b k 3"]:
    """Pose points: each pair follows its joint, then the pairs of a point are added up."""
    joint = placement.transform.index_select(0, points.joint)
    part = joint[:, :, 3] * points.share[:, None, None]
    for axis in range(3):
        part = torch.addcmul(part, joint[:, :, axis], rest[:, axis, None])
    out = torch.zeros((points.count, *part.shape[1:]), dtype=part.dtype, device=part.device)
    return out.index_add(0, points.point, part).movedim(-1, 0).contiguous()


def dense_rest(points: SkinnedPoints, rest: Float[Tensor, "n 3 s"]) -> Float[Tensor, "s 24 4 k"]:
    """Spread pairs (rest and share) over a joints-by-points table, zero where a joint does not move a point."""
    s = rest.shape[-1]
    table = torch.zeros((s, 4, N_JOINTS * points.count), dtype=rest.dtype, device=rest.device)
    pairs = torch.cat([rest, points.share[:, None, None].expand(-1, 1, s)], dim=1)
    table.index_add_(2, points.joint * points.count + points.point, pairs.permute(2, 1, 0))
    return table.unflatten(-1, (N_JOINTS, points.count)).transpose(1, 2)


def mix_points(points: SkinnedPoints, weight: Float[Tensor, "m k"]) -> SkinnedPoints:
    """Return weighted sums of points (rows of `weight` sum to 1) as points themselves."""
    row, old = torch.nonzero(weight, as_tuple=True)
    pair = [torch.nonzero(points.point == k)[:, 0] for k in old.tolist()]
    count = torch.tensor([len(ids) for ids in pair], device=weight.device)
    source = torch.cat(pair) if pair else torch.zeros(0, dtype=torch.long, device=weight.device)
    scale = weight[row, old].repeat_interleave(count)
    return SkinnedPoints(
        count=len(weight),
        joint=points.joint[source],
        point=row.repeat_interleave(count),
        share=scale * points.share[source],
        rest=scale[:, None] * points.rest[source],
        dirs=scale[:, None, None] * points.dirs[source],
        posedirs=None if points.posedirs is None else scale[:, None, None] * points.posedirs[source],
    )
