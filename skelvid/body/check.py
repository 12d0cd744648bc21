"""A body's assets go in; a list of findings, each with the number measured, comes out."""

import numpy as np
import torch

from skelvid.body.assets import SkelAssets
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.findings import Finding


def check_body(assets: SkelAssets) -> list[Finding]:
    """Look at sizes, weights, frames and joints, and whether q = 0 gives the template."""
    return [*_sizes(assets), *_weights(assets), _frames(assets), _joints(assets), _rest(assets)]


def _sizes(assets: SkelAssets) -> list[Finding]:
    height_m = float(np.ptp(assets.skin_template_m[:, 1]))
    bones = "none" if assets.bones is None else f"{len(assets.bones.template_m)} vertices"
    return [
        Finding("skin", f"{len(assets.skin_template_m)} vertices, {len(assets.skin_faces)} faces", True),
        Finding("bones", bones, True),
        Finding("landmarks", str(len(assets.landmark_names)), True),
        Finding("height", f"{height_m:.3f} m", 1.0 < height_m < 2.5),
    ]


def _weights(assets: SkelAssets) -> list[Finding]:
    findings: list[Finding] = []
    tables = {"skin weights": assets.skin_weight, "joint regressor": assets.joint_weight}
    if assets.bones is not None:
        tables["bone weights"] = assets.bones.weight
    for name, weight in tables.items():
        worst = float(np.abs(weight.sum(-1) - 1).max())
        findings.append(Finding(f"{name}: rows sum to 1", f"within {worst:.1e}", worst < 1e-3))
    return findings


def _frames(assets: SkelAssets) -> Finding:
    frames = np.concatenate([assets.per_joint_rot, assets.apose_rel_transfo[:, :3, :3]]).astype(np.float64)
    worst = float(np.abs(frames @ frames.transpose(0, 2, 1) - np.eye(3)).max())
    right_handed = bool((np.linalg.det(frames) > 0).all())
    return Finding("frames are rotations", f"within {worst:.1e}", worst < 1e-3 and right_handed)


def _joints(assets: SkelAssets) -> Finding:
    low, high = assets.skin_template_m.min(0), assets.skin_template_m.max(0)
    outside = int(((assets.joints_m < low) | (assets.joints_m > high)).any(-1).sum())
    return Finding("joints inside the skin's bounding box", f"{outside} outside", outside == 0)


def _rest(assets: SkelAssets) -> Finding:
    body = SkelBody(assets, dtype=torch.float64)
    skin = body(SkelParams(torch.zeros(N_DOFS), torch.zeros(N_BETAS), torch.zeros(3))).to_numpy().skin_m
    worst_m = float(np.abs(skin - assets.skin_template_m).max())
    return Finding("q = 0 gives the template", f"within {worst_m:.1e} m", worst_m < 1e-5)
