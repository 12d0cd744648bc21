"""Open body in, three poses out: one picture (PNG) and two 3D files (GLB) that any viewer opens.

python demo/00_open_body.py [--body female] [--out out/demo]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import look_at
from skelvid.export.to_glb import write_meshes_glb, write_motion_glb

# Degrees; the zero of every degree of freedom is the T-pose (docs/conventions.md).
POSES: dict[str, dict[str, float]] = {
    "standing": {
        "shoulder_r_x": 80, "shoulder_l_x": -80, "pro_sup_r": -80, "pro_sup_l": -80, "pelvis_rotation": 20,
    },
    "squatting": {
        "pelvis_rotation": 35, "pelvis_tilt": -36, "lumbar_extension": -12, "head_extension": 20,
        "hip_flexion_r": 100, "hip_adduction_r": -10, "knee_angle_r": 105, "ankle_angle_r": 31,
        "hip_flexion_l": 100, "hip_adduction_l": -10, "knee_angle_l": 105, "ankle_angle_l": 31,
        "shoulder_r_x": -35, "shoulder_r_z": 80, "elbow_flexion_r": 10,
        "shoulder_l_x": 35, "shoulder_l_z": 80, "elbow_flexion_l": 10,
    },
    "walking": {
        "pelvis_rotation": 48, "lumbar_twist": -5, "thorax_twist": -8, "head_twist": 5,
        "hip_flexion_r": 28, "knee_angle_r": 6, "ankle_angle_r": 2,
        "hip_flexion_l": -18, "knee_angle_l": 28, "ankle_angle_l": 4, "mtp_angle_l": -25,
        "shoulder_r_x": 78, "shoulder_r_y": 5, "shoulder_r_z": -22, "elbow_flexion_r": 18,
        "shoulder_l_x": -76, "shoulder_l_z": 25, "elbow_flexion_l": 30,
    },
}  # fmt: skip
SKIN, BONE = (0.86, 0.66, 0.56), (0.93, 0.89, 0.80)
SPACING_M = 1.15


def pose(degrees: dict[str, float]) -> np.ndarray:
    """Return q (46) for degrees of freedom given by name."""
    q = np.zeros(46)
    for name, value in degrees.items():
        q[DOF_INDEX[name]] = np.radians(value)
    return q


def standing_on_floor(body: SkelBody, q: np.ndarray) -> SkelParams:
    """Place poses beside each other, the lowest point of each at height 0."""
    params = SkelParams(q, np.zeros((1, 10)), np.zeros((len(q), 3)))
    skin = body(params.to_torch(dtype=body.dtype)).to_numpy().skin_m
    assert skin is not None
    place = np.zeros((len(q), 3))
    place[:, 0] = SPACING_M * (np.arange(len(q)) - (len(q) - 1) / 2)
    place[:, 1] = -skin[..., 1].min(1)
    return SkelParams(q, params.betas, place)


def posed_meshes(body: SkelBody, params: SkelParams) -> dict[str, Mesh]:
    """Return translucent skin and solid bones of every pose, by name."""
    assets = body.assets
    posed = body(params.to_torch(dtype=body.dtype), bones=assets.bones is not None).to_numpy()
    meshes = {}
    for index, name in enumerate(POSES):
        if assets.bones is not None and posed.bones_m is not None:
            meshes[f"{name} bones"] = Mesh(posed.bones_m[index], assets.bones.faces, BONE)
        if posed.skin_m is not None:
            meshes[f"{name} skin"] = Mesh(posed.skin_m[index], assets.skin_faces, SKIN, alpha=0.3, rim=0.6)
    return meshes


def through_the_poses(params: SkelParams, *, seconds: float = 4.0, rate_hz: float = 30.0) -> Motion:
    """Blend from pose to pose and back to the first."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    at = time_s / seconds * len(params.q)
    first = at.astype(int)
    share = (0.5 - 0.5 * np.cos(np.pi * (at - first)))[:, None]  # slow at the poses, fast between
    last = (first + 1) % len(params.q)
    q = (1 - share) * params.q[first] + share * params.q[last]
    place = (1 - share) * params.trans_m[first] + share * params.trans_m[last]
    place[:, 0] = 0.0
    return Motion(0, time_s, SkelParams(q, params.betas, place), np.ones(len(time_s), bool))


def main() -> None:
    """Write the picture and the files, and say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", default="neutral", help="female, male, neutral, or the path of a body file")
    parser.add_argument("--out", type=Path, default=Path("out/demo"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    body = load_body(options.body, dtype=torch.float64)
    params = standing_on_floor(body, np.stack([pose(degrees) for degrees in POSES.values()]))
    meshes = posed_meshes(body, params)
    view = look_at((0.0, 0.88, 0.0), (0.0, 0.12, 1.0), height_m=2.05, size_hw=(720, 1280), distance_m=8.0)
    picture, still, moving = (options.out / name for name in ("open_body.png", "open_body.glb", "open_body_moving.glb"))
    Image.fromarray(render(list(meshes.values()), view, background=(0.97, 0.97, 0.98))).save(picture)
    write_meshes_glb(meshes, still)
    write_motion_glb(through_the_poses(params), body, moving, gltf_from_motion=np.eye(3))
    for path in (picture, still, moving):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
