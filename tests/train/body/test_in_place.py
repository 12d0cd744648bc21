"""Where joints are inside people who move: the stand-in for SMPL is fitted, and straying is measured."""

import numpy as np
from scipy.spatial.transform import Rotation

from skelvid.upgrade.models import load_model
from tests.upgrade.smpl_files import make_models, poses
from train.body.in_place import Clip, fit_smpl, strayed_mm


def clip_of(mesh: np.ndarray, rest: np.ndarray) -> Clip:
    return Clip(rest, mesh, np.zeros((len(mesh), 2, 3)), np.tile(np.eye(3), (len(mesh), 2, 1, 1)))


def test_stand_in_is_fitted_to_its_own_meshes(tmp_path, toy_assets):
    make_models(tmp_path, toy_assets)
    model = load_model(tmp_path / "smpl" / "SMPL_NEUTRAL.pkl", "smpl", "neutral")
    betas, rotvec = 0.5 * np.random.default_rng(0).normal(size=10), poses(2).reshape(2, 24, 3)[:, :22]
    skin, joints = model.pose(betas[None], rotvec)
    place = np.array([0.5, -1.0, 3.0])
    found = fit_smpl(model, clip_of(skin.double().numpy() + place, model.shaped(betas).astype(float)), steps=250)
    again, joints_again = model.pose(found.betas[None], found.rotvec)
    assert found.trans_m is not None
    np.testing.assert_allclose(found.betas, betas, atol=1e-3)
    off = again.numpy() + found.trans_m[:, None] - skin.numpy() - place
    assert np.linalg.norm(off, axis=-1).mean() < 0.008
    off = joints_again.numpy() + found.trans_m[:, None] - joints.numpy() - place
    assert np.linalg.norm(off, axis=-1).mean() < 0.008


def test_joint_that_rides_on_its_bone_does_not_stray():
    rng = np.random.default_rng(1)
    turn, centre = Rotation.random(8, rng).as_matrix()[:, None], rng.normal(size=(8, 1, 3))
    mesh = np.zeros((8, 1, 3))
    clip = Clip(mesh[0], mesh, centre, turn)
    off, strays = strayed_mm(centre + turn @ np.array([0.03, 0.0, 0.0]), clip)
    np.testing.assert_allclose(off, 30.0)
    np.testing.assert_allclose(strays, 0.0, atol=1e-9)
    off, strays = strayed_mm(centre + np.array([0.03, 0.0, 0.0]), clip)
    np.testing.assert_allclose(off, 30.0)
    assert strays.mean() > 10.0
