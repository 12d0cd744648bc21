"""Upgrading SMPL meshes: ours, on all vertices by way of their points, beside the same fit on sampled vertices.

The original aligner of SKEL took 40 to 120 s a frame on such a machine, by its makers' script on the same open body.
"""

import time
from collections.abc import Callable

import numpy as np
import scipy.sparse
import torch

from skelvid.body.clip_solver import FitOptions
from skelvid.body.dofs import DOF_INDEX
from skelvid.body.fit import Clip, LimitTerm, PointTerm, solve
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.fit_clip import UpgradeOptions, fit_clip, start_from_smpl
from skelvid.upgrade.surface import Surface, make_surface, vertex_areas
from train.body.stand_in import on_vertices, smpl_pose

FRAMES, ORIGINAL_FPS = 240, 0.02
SAMPLED = 1500


def motion(rng: np.random.Generator) -> SkelParams:
    """All joints swinging, one leg kicking, the body turning."""
    time_s = np.arange(FRAMES)[:, None] / 30
    q = 0.3 * np.sin(rng.uniform(0, 6, 46) + time_s * rng.uniform(1, 5, 46))
    q[:, DOF_INDEX["hip_flexion_r"]] = 1.0 + 0.9 * np.sin(4 * time_s[:, 0])
    q[:, DOF_INDEX["knee_angle_r"]] = 0.8 + 0.7 * np.cos(4 * time_s[:, 0])
    q[:, DOF_INDEX["pelvis_rotation"]] = time_s[:, 0]
    return SkelParams(q, rng.normal(size=(1, 10)), np.cumsum(rng.normal(0, 0.01, (FRAMES, 3)), axis=0))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def smpl_rotations(body: SkelBody, params: SkelParams) -> np.ndarray:
    n = len(body.assets.skin_template_m)
    same = np.arange(n)[:, None].repeat(3, 1), np.eye(3)[np.zeros(n, int)]
    return smpl_pose(body, on_vertices(body.assets, *same, body.assets.skin_faces), params)[0].reshape(FRAMES, 24, 3)


def sampled_fit(body: SkelBody, surface: Surface, vertices: torch.Tensor, start: SkelParams) -> SkelParams:
    """Fit every frame and the shape to some of the vertices, as one would without the projection."""
    vertex = np.linspace(0, vertices.shape[1] - 1, SAMPLED).astype(int)
    points = body.points(vertex[:, None], np.ones((SAMPLED, 1)))
    weight = torch.full((FRAMES, SAMPLED), 8e6 / SAMPLED)
    terms = [PointTerm(points, vertices[:, vertex], weight), LimitTerm(0.03)]
    centred = SkelParams(start.q, start.betas, vertices.mean(1) - surface.vertices(body, start).mean(1))
    return solve(body, terms, centred, clip=Clip(), options=FitOptions(max_steps=20, tolerance=1e-5)).params


def main() -> None:
    torch.set_num_threads(2)
    body, params = load_body("open-neutral"), motion(np.random.default_rng(0))
    assets = body.assets
    same = scipy.sparse.csr_array(scipy.sparse.eye_array(len(assets.skin_template_m)))
    surface = make_surface(body, same, vertex_areas(assets.skin_template_m, assets.skin_faces))
    with torch.no_grad():
        vertices: torch.Tensor = body(params.to_torch()).skin_m  # pyright: ignore[reportAssignmentType]
    start = start_from_smpl(body, smpl_rotations(body, params), np.eye(3)[None])
    time_s, options = np.arange(FRAMES) / 30, UpgradeOptions()
    fitted: list[SkelParams] = []

    def ours() -> None:
        fitted.append(fit_clip(body, surface, vertices, start, time_s=time_s, options=options).params)

    def sampled() -> None:
        fitted.append(sampled_fit(body, surface, vertices, start).to_numpy())

    print(f"{FRAMES} frames of {vertices.shape[1]} vertices, projected on {surface.points.count} points; 2 threads")
    times = [seconds(work) for work in (ours, sampled)]
    for name, took, found in zip(("all vertices, projected", f"{SAMPLED} vertices"), times, fitted, strict=True):
        off = np.degrees(np.abs(found.q - params.q)).max()
        print(f"{name:24} {FRAMES / took:7.1f} frames/s   worst angle off by {off:.3f} degrees")
    print(f"ratio {times[1] / times[0]:.1f}; the original aligner: about {ORIGINAL_FPS} frames/s")


if __name__ == "__main__":
    main()
