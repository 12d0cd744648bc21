"""How wrong a regressor is: what it says and what is true in, errors in mm, degrees and shares out; all pure.

References: MPJPE, Ionescu et al. 2014 (Human3.6M); PA-MPJPE, the same after the best similarity (Kabsch 1976, Umeyama
1991); PCK, Yang and Ramanan 2013, here as a share of the person's box; calibration of Gaussian intervals, Kuleshov et
al. 2018.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Of the box's height: pairs that are nearer to each other lie in one place as far as one can tell.
APART = 0.04


def mpjpe_mm(joints_m: Float[Tensor, "b k 3"], true_m: Float[Tensor, "b k 3"], *, root: int = 0) -> Float[Tensor, "b"]:
    """Return the mean distance of joints, the roots laid upon each other.

    >>> ours, true = torch.tensor([[[0.0, 0, 0], [0, 1, 0]]]), torch.tensor([[[5.0, 0, 0], [5, 1.01, 0]]])
    >>> mpjpe_mm(ours, true).round(decimals=2)
    tensor([5.])
    """
    off = (joints_m - joints_m[:, root, None]) - (true_m - true_m[:, root, None])
    return 1000.0 * off.norm(dim=-1).mean(-1)


def pa_mpjpe_mm(joints_m: Float[Tensor, "b k 3"], true_m: Float[Tensor, "b k 3"]) -> Float[Tensor, "b"]:
    """Return the mean distance of joints after the turn, scale and shift that make the sum of its squares least."""
    ours, theirs = (points - points.mean(1, keepdim=True) for points in (joints_m.double(), true_m.double()))
    left, spread, right = torch.linalg.svd(theirs.mT @ ours)
    flip = torch.ones_like(spread)
    flip[:, 2] = torch.linalg.det(left @ right).sign()
    turn = left @ (flip[..., None] * right)
    scale = (spread * flip).sum(-1) / ours.square().sum((-1, -2)).clamp_min(1e-12)
    off = scale[:, None, None] * (ours @ turn.mT) - theirs
    return (1000.0 * off.norm(dim=-1).mean(-1)).float()


def pck(
    xy_px: Float[Tensor, "b k 2"],
    true_px: Float[Tensor, "b k 2"],
    known: Bool[Tensor, "b k"],
    size_px: Float[Tensor, "b"],
    *,
    share: float,
) -> float:
    """Return the share of the known points that lie within `share` of a person's size from where they should."""
    near = (xy_px - true_px).norm(dim=-1) < share * size_px[:, None]
    return float(near[known].float().mean()) if bool(known.any()) else float("nan")


def swap_rate(
    xy_px: Float[Tensor, "b k 2"],
    true_px: Float[Tensor, "b k 2"],
    known: Bool[Tensor, "b k"],
    size_px: Float[Tensor, "b"],
    pairs: Sequence[tuple[int, int]],
) -> float:
    """Return how often left and right are exchanged, of the pairs of points that can be told apart.

    A pair is exchanged when both its points together lie nearer to the other's place than to their own.

    Args:
        xy_px: Where points are said to be.
        true_px: Where they are.
        known: Which count: a pair with both.
        size_px: Of the persons.
        pairs: Indices of the right and of the left point.
    """
    right, left = (torch.tensor(side) for side in zip(*pairs, strict=True))
    there = known[:, right] & known[:, left]
    there &= (true_px[:, right] - true_px[:, left]).norm(dim=-1) > APART * size_px[:, None]

    def away(one: Tensor, other: Tensor) -> Tensor:
        return (xy_px[:, right] - true_px[:, one]).norm(dim=-1) + (xy_px[:, left] - true_px[:, other]).norm(dim=-1)

    swapped = away(left, right) < away(right, left)
    return float(swapped[there].float().mean()) if bool(there.any()) else float("nan")


def within(error: Float[Tensor, "b d"], sigma: Float[Tensor, "b d"], *, sigmas: float = 1.0) -> Float[Tensor, "d"]:
    """Return the share of the errors inside an interval of so many standard deviations: 0.683 inside one, if right."""
    return (error.abs() <= sigmas * sigma).float().mean(0)


def sigma_factors(error: Float[Tensor, "b d"], sigma: Float[Tensor, "b d"]) -> Float[Tensor, "d"]:
    """Return by what each standard deviation must be multiplied so that 68.3 % of the errors fall within."""
    return (error.abs() / sigma).quantile(0.683, dim=0).clamp(0.2, 5.0)
