"""What the network says of batches goes in; a table of errors against the truth comes out, for every part of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from skelvid.body.dofs import DOFS
from skelvid.regress.decode import decode, point_places
from skelvid.regress.output import POINTS, Output, mirror_point
from train.regress.crops import Batch
from train.regress.losses import Anatomy, dof_errors_rad, projected_px
from train.regress.metrics import mpjpe_mm, pa_mpjpe_mm, pck, swap_rate, within
from train.regress.pictures import VISIBLE

# Limbs: eyes and ears of a head seen from behind are told apart by nobody.
PAIRS = tuple(
    (POINTS.index(mirror_point(name)), i)
    for i, name in enumerate(POINTS)
    if name.startswith("left") and not name.endswith(("eye", "ear"))
)


@dataclass(frozen=True)
class Judged:
    """Errors of some pictures.

    Attributes:
        joints_mm, aligned_mm: `b` MPJPE and PA-MPJPE of the 24 joints.
        error_rad: `b 46` as of `dof_errors_rad`; sigma_rad: `b 46` as told.
        told_px, projected_px: `b k 2` the points as told, and those of the told body; points_px: where they are.
        point_sigma_px: `b k` of either coordinate, as told.
        visible: `b k` which count; height_px: `b` of the persons in the crops.
        posed: `b` of which the pose is known.
    """

    joints_mm: Float[Tensor, "b"]
    aligned_mm: Float[Tensor, "b"]
    error_rad: Float[Tensor, "b 46"]
    sigma_rad: Float[Tensor, "b 46"]
    told_px: Float[Tensor, "b k 2"]
    projected_px: Float[Tensor, "b k 2"]
    points_px: Float[Tensor, "b k 2"]
    point_sigma_px: Float[Tensor, "b k"]
    visible: Bool[Tensor, "b k"]
    height_px: Float[Tensor, "b"]
    posed: Bool[Tensor, "b"]


def judge(anatomy: Anatomy, output: Output, batch: Batch) -> Judged:
    """Compare what is said of a batch with the truth."""
    params = decode(output, batch.crop, anatomy.pelvis)
    ours, theirs = (anatomy.body.skeleton(p).joints_m for p in (params, batch.params))
    at = projected_px(anatomy.body.skin_points(params, anatomy.points), batch.crop)
    return Judged(
        mpjpe_mm(ours, theirs),
        pa_mpjpe_mm(ours, theirs),
        dof_errors_rad(params, batch.params, anatomy.pelvis),
        output.log_sigma.exp(),
        point_places(output),
        at,
        batch.points_px,
        output.point_log_sigma.exp() * batch.size_hw[0],
        batch.state == VISIBLE,
        _height(batch),
        batch.posed,
    )


def _height(batch: Batch) -> Float[Tensor, "b"]:
    """Return the longer side of the box of the known points of each person, px of the crop."""
    known = (batch.state > 0)[..., None]
    low = batch.points_px.masked_fill(~known, torch.inf).amin(1)
    high = batch.points_px.masked_fill(~known, -torch.inf).amax(1)
    return (high - low).amax(1).clamp_min(1.0)


def joined(parts: Iterable[Judged]) -> Judged:
    """Return several batches as one."""
    rows = list(parts)
    return Judged(*(torch.cat([getattr(row, name) for row in rows]) for name in vars(rows[0])))


def summary(judged: Judged) -> dict[str, float]:
    """Return the numbers that a training is followed by."""
    posed = judged.posed
    out: dict[str, float] = {}
    if bool(posed.any()):
        degrees = torch.rad2deg(judged.error_rad[posed].abs())
        legs = [d for d, dof in enumerate(DOFS) if dof.joint.split("_")[0] in ("femur", "tibia", "talus")]
        inside = within(judged.error_rad[posed], judged.sigma_rad[posed])
        out = {
            "mpjpe_mm": float(judged.joints_mm[posed].mean()),
            "pa_mpjpe_mm": float(judged.aligned_mm[posed].mean()),
            "legs_deg": float(degrees[:, legs].mean()),
            "root_deg": float(degrees[:, :3].norm(dim=1).mean()),
            "facing_wrong": float((degrees[:, :3].norm(dim=1) > 90).float().mean()),
            "within_1_sigma": float(inside.mean()),
        }
    for name, at in (("told", judged.told_px), ("projected", judged.projected_px)):
        for share in (0.05, 0.1):
            out[f"pck{share:g}_{name}"] = pck(at, judged.points_px, judged.visible, judged.height_px, share=share)
        out[f"swaps_{name}"] = swap_rate(at, judged.points_px, judged.visible, judged.height_px, PAIRS)
    return out


def dof_table(judged: Judged) -> dict[str, tuple[float, float]]:
    """Return of each degree of freedom the mean absolute error, deg, and the share of errors within one sigma."""
    error, sigma = judged.error_rad[judged.posed], judged.sigma_rad[judged.posed]
    degrees, inside = torch.rad2deg(error.abs()).mean(0), within(error, sigma)
    return {dof.name: (float(degrees[d]), float(inside[d])) for d, dof in enumerate(DOFS)}
