from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.fit_clip import UpgradeOptions, fit_clip, judged, start_from_smpl
from skelvid.upgrade.surface import make_surface, vertex_areas
from train.body.stand_in import on_vertices, smpl_pose

FRAMES = 16
TIME_S = np.arange(FRAMES) / 30
OPTIONS = UpgradeOptions()


@pytest.fixture(scope="module")
def body():
    return load_body("open-neutral")


@pytest.fixture(scope="module")
def surface(body):
    assets = body.assets
    same = scipy.sparse.csr_array(scipy.sparse.eye_array(len(assets.skin_template_m)))
    return make_surface(body, same, vertex_areas(assets.skin_template_m, assets.skin_faces))


@pytest.fixture(scope="module")
def clip():
    """A kick, with everything else swinging along within its limits."""
    rng = np.random.default_rng(4)
    wave = np.sin(rng.uniform(0, 6, 46) + 4 * TIME_S[:, None] * rng.uniform(0.5, 1, 46))
    q = 0.2 * wave
    kick = np.sin(np.pi * np.linspace(0, 1, FRAMES)) ** 2
    q[:, DOF_INDEX["hip_flexion_r"]] = 1.9 * kick
    q[:, DOF_INDEX["knee_angle_r"]] = 1.5 * (kick - kick**4) + 0.05
    q[:, DOF_INDEX["pelvis_rotation"]] = np.linspace(0, 4, FRAMES)
    betas = rng.normal(size=(1, 10))
    return SkelParams(q, betas, np.cumsum(rng.normal(0, 0.01, (FRAMES, 3)), 0))


def smpl_rotations(body, params):
    """Return SMPL's rotations for a SKEL clip, as the stand-in for SMPL has them."""
    n = len(body.assets.skin_template_m)
    faces = body.assets.skin_faces
    stand_in = on_vertices(body.assets, np.arange(n)[:, None].repeat(3, 1), np.eye(3)[np.zeros(n, int)], faces)
    return smpl_pose(body, stand_in, params)[0].reshape(-1, 24, 3)


@pytest.fixture(scope="module")
def fitted(body, surface, clip):
    vertices = body(clip.to_torch()).skin_m
    start = start_from_smpl(body, smpl_rotations(body, clip), np.eye(3)[None])
    return fit_clip(body, surface, vertices, start, time_s=TIME_S, options=OPTIONS)


def test_skel_comes_back_from_its_mesh(fitted, clip):
    off_deg = np.degrees(np.abs(fitted.params.q - clip.q))
    assert off_deg.max() < 0.5
    assert np.abs(fitted.params.betas[0] - clip.betas[0]).max() < 0.05
    assert fitted.residual_mm.max() < 1.0
    assert not fitted.verdict.any()


def test_shape_is_one_for_all(fitted):
    assert np.ptp(fitted.params.betas, axis=0).max() == 0.0


def test_frames_of_different_people_get_their_own_shapes(body, surface, clip):
    rng = np.random.default_rng(5)
    people = SkelParams(clip.q[::4], rng.normal(size=(4, 10)), clip.trans_m[::4])
    start = start_from_smpl(body, smpl_rotations(body, clip)[::4], np.eye(3)[None], consecutive=False)
    fit = fit_clip(body, surface, body(people.to_torch()).skin_m, start, time_s=None, options=OPTIONS)
    assert np.abs(fit.params.betas - people.betas).max() < 0.05
    assert fit.residual_mm.max() < 1.0


def test_fixed_root_stays_as_smpl_has_it(body, surface, clip):
    start = start_from_smpl(body, smpl_rotations(body, clip), np.eye(3)[None])
    held = replace(start, q=start.q + torch.tensor([0.05, 0.0, 0.0] + [0.0] * 43))
    vertices = body(clip.to_torch()).skin_m
    fit = fit_clip(body, surface, vertices, held, time_s=TIME_S, options=replace(OPTIONS, fixed_root=True))
    np.testing.assert_allclose(fit.params.q[:, :3], held.q[:, :3], atol=1e-6)


def test_root_starts_by_the_euler_formula(body):
    """R = Ry(rotation) Rz(list) Rx(-tilt), for roots of all directions, through any world."""
    turns = Rotation.random(40, np.random.default_rng(3))
    world = Rotation.from_euler("x", -90, degrees=True)
    rotvec = np.zeros((40, 22, 3))
    rotvec[:, 0] = turns.as_rotvec()
    q = start_from_smpl(body, rotvec, world.as_matrix()[None], consecutive=False).q.double().numpy()
    tilt, side, rotation = (q[:, DOF_INDEX[f"pelvis_{name}"]] for name in ("tilt", "list", "rotation"))
    formula = Rotation.from_euler("YZX", np.stack([rotation, side, -tilt], axis=1))
    np.testing.assert_allclose(formula.as_matrix(), (world * turns).as_matrix(), atol=1e-5)


def test_world_that_turns_turns_the_root_alone(body):
    rng = np.random.default_rng(6)
    rotvec, worlds = 0.3 * rng.normal(size=(5, 22, 3)), Rotation.random(5, rng).as_matrix()
    whole = start_from_smpl(body, rotvec, worlds, consecutive=False).q
    single = [start_from_smpl(body, rotvec[i : i + 1], worlds[i : i + 1], consecutive=False).q for i in range(5)]
    torch.testing.assert_close(whole, torch.cat(single))
    torch.testing.assert_close(whole[:, 3:], start_from_smpl(body, rotvec, np.eye(3)[None]).q[:, 3:])


def test_root_of_a_clip_does_not_jump(body):
    rotvec = np.zeros((60, 22, 3))
    rotvec[:, 0] = Rotation.from_euler("zy", np.stack([np.linspace(0, 9, 60), np.full(60, 0.3)], 1)).as_rotvec()
    q = start_from_smpl(body, rotvec, np.eye(3)[None]).q.numpy()
    assert np.abs(np.diff(q[:, :3], axis=0)).max() < 1.0


def test_verdict_names_what_is_wrong():
    q = np.zeros((6, 46))
    q[1, DOF_INDEX["knee_angle_r"]] = -1.0
    q[3:, DOF_INDEX["elbow_flexion_l"]] = 2.0
    params = SkelParams(q, np.zeros((1, 10)), np.zeros((6, 3)))
    residual = np.array([1.0, 1.0, 30.0, 1.0, 1.0, np.nan])
    verdict = judged(params, residual, np.arange(6) / 60, OPTIONS).verdict
    assert verdict.tolist() == [0, 2 | 4, 1 | 4, 4, 0, 1]
    assert judged(params, residual, None, OPTIONS).verdict.tolist() == [0, 2, 1, 0, 0, 1]
