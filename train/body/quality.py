"""Finished bodies in, the numbers of the model card out: measures against the survey, shape space, joints, bones."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from skelvid.body.assets import SkelAssets
from skelvid.body.dofs import JOINT_NAMES
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import N_BETAS, SkelParams
from train.body import anthropometry
from train.body import joints as joint_rules
from train.body.landmarks import locate
from train.body.shape_space import ShapeSpace
from train.body.source import Rig
from train.body.subjects import Bodies

ONE_SIDED = tuple(i for i, name in enumerate(JOINT_NAMES) if not name.endswith("_l"))


def spread(values: ndarray) -> tuple[float, float, float]:
    """Mean, 95th percentile and maximum."""
    return float(values.mean()), float(np.percentile(values, 95)), float(values.max())


def joint_residuals(regressor: Float[ndarray, "24 v"], bodies: Bodies) -> dict[str, tuple[float, float, float]]:
    """Distance of regressed joints from the anatomical targets, mm, right side and midline."""
    off = np.linalg.norm(joint_rules.regress(regressor, bodies.points) - bodies.targets, axis=-1) * 1e3
    return {JOINT_NAMES[j].removesuffix("_r"): spread(off[:, j]) for j in ONE_SIDED}


def body_measures(
    rig: Rig,
    landmarks: dict[str, tuple[ndarray, ndarray]],
    regressor: Float[ndarray, "24 v"],
    points: Float[ndarray, "n v 3"],
) -> dict[str, tuple[float, float]]:
    """Mean and SD of stature, BMI and survey measures (mm), as far as a T-pose shows them."""
    floor, tall = points[..., 1].min(axis=1), joint_rules.stature(points)
    found = joint_rules.regress(regressor, points)
    joint = {name: found[:, i] for i, name in enumerate(JOINT_NAMES)}

    def height(name: str) -> ndarray:
        return (locate(points, landmarks[name])[:, 1] - floor) * 1e3

    def distance(a: str, b: str) -> ndarray:
        return np.linalg.norm(joint[a] - joint[b], axis=-1)

    mass = anthropometry.BODY_DENSITY_KG_M3 * anthropometry.mesh_volume(points, rig.faces)
    values = {
        "stature": tall * 1e3,
        "trochanterion height": height("greater_trochanter_r"),
        "lateral femoral epicondyle height": height("knee_lat_r"),
        "lateral malleolus height": height("ankle_lat_r"),
        "cervicale height": height("c7"),
        # The wrist centre lies 0.005 statures above stylion, the elbow axis 0.007 above radiale.
        "radiale-stylion length": (distance("ulna_r", "hand_r") - 0.002 * tall) * 1e3,
        "BMI, kg/m^2": mass / tall**2,
        "span / stature": np.ptp(points[..., 0], axis=1) / tall,
        "hip height / stature": (joint["femur_r"][:, 1] - floor) / tall,
        "hip separation / stature": distance("femur_r", "femur_l") / tall,
        "thigh / shank (joint centres)": distance("femur_r", "tibia_r") / distance("tibia_r", "talus_r"),
        "upper arm / forearm (joint centres)": distance("humerus_r", "ulna_r") / distance("ulna_r", "hand_r"),
    }
    return {name: (float(v.mean()), float(v.std())) for name, v in values.items()}


def beta_effects(rig: Rig, shapes: ShapeSpace) -> list[tuple[float, float, float, float]]:
    """For each beta: stature (m) at -2 and +2, BMI at -2 and +2."""
    rows = []
    for k in range(shapes.directions.shape[-1]):
        ends = shapes.rebuild(np.outer([-2.0, 2.0], np.eye(N_BETAS)[k]))
        tall = joint_rules.stature(ends)
        bmi = anthropometry.BODY_DENSITY_KG_M3 * anthropometry.mesh_volume(ends, rig.faces) / tall**2
        rows.append((*tall.tolist(), *bmi.tolist()))
    return rows


def shape_error_mm(shapes: ShapeSpace, held_out: Float[ndarray, "n v 3"]) -> tuple[float, float, float]:
    """Distance of unseen bodies from their best rebuild with ten betas."""
    rebuilt = shapes.rebuild(shapes.project(held_out))
    return spread(np.linalg.norm(rebuilt - held_out, axis=-1) * 1e3)


def winding_inside(
    points: Float[ndarray, "p 3"], skin: Float[ndarray, "v 3"], faces: Int[ndarray, "f 3"]
) -> Bool[ndarray, "p"]:
    """Tell which points lie inside a closed mesh, by its winding number: a ray leaves it once more than it enters."""
    corners = skin[faces]
    low, high = corners.min(1), corners.max(1)
    point, face = np.nonzero(
        ((points[:, None, :2] >= low[:, :2]) & (points[:, None, :2] <= high[:, :2])).all(2)
        & (points[:, None, 2] <= high[:, 2])
    )
    flat = corners[face].astype(float) - points[point, None]
    edges = flat[:, [1, 2, 0], :2], flat[:, [2, 0, 1], :2]
    share = edges[0][..., 0] * edges[1][..., 1] - edges[0][..., 1] * edges[1][..., 0]  # twice the areas of thirds
    area = share.sum(1)
    crossed = ((share > 0).all(1) | (share < 0).all(1)) & ((share * flat[..., 2]).sum(1) * area > 0)
    return np.bincount(point, np.sign(area) * crossed, len(points)) > 0.5


def inside_share(
    assets: SkelAssets, params: SkelParams, *, sample: int = 600, seed: int = 0
) -> tuple[float, float | None]:
    """Share of joints and of skeleton vertices (None without bones) inside the skin over posed bodies."""
    body, rng = SkelBody(assets, dtype=torch.float64), np.random.default_rng(seed)
    joints, bones = [], []
    for i in range(len(params.q)):
        placed = body(params[i].to_torch(dtype=torch.float64), bones=assets.bones is not None).to_numpy()
        skin = np.asarray(placed.skin_m)
        joints.append(winding_inside(placed.joints_m, skin, assets.skin_faces))
        if assets.bones is not None:
            vertices = np.asarray(placed.bones_m)
            some = vertices[rng.choice(len(vertices), size=sample, replace=False)]
            bones.append(winding_inside(some, skin, assets.skin_faces))
    return float(np.mean(joints)), float(np.mean(bones)) if bones else None
