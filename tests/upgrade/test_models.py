# pyright: reportAttributeAccessIssue=false
import pickle
import sys
import types

import numpy as np
import pytest

from skelvid.errors import AssetError
from skelvid.upgrade.models import find_model, load_model
from tests.upgrade.smpl_files import make_models, poses


@pytest.fixture
def models(tmp_path, toy_assets):
    make_models(tmp_path, toy_assets)
    return tmp_path


def test_model_poses_as_plain_skinning_says(models):
    """Against rotations and products written out, joint by joint."""
    from scipy.spatial.transform import Rotation

    model = load_model(find_model(models, "smpl", "neutral"), "smpl", "neutral")
    betas, pose = np.linspace(-1, 1, 10), poses(2).reshape(2, 24, 3)
    vertices, joints = model.pose(betas[None], pose)
    shaped = model.shaped(betas)
    rest = model.regressor @ shaped
    turn = Rotation.from_rotvec(pose[1]).as_matrix()
    world, place = [turn[0]], [rest[0]]
    for j in range(1, 24):
        above = model.parents[j]
        world.append(world[above] @ turn[j])
        place.append(place[above] + world[above] @ (rest[j] - rest[above]))
    moved = sum(
        model.weights[:, j, None] * ((shaped - rest[j]) @ world[j].T + place[j]) for j in range(24)
    )  # fmt: skip
    np.testing.assert_allclose(vertices[1], moved, atol=1e-5)
    np.testing.assert_allclose(joints[1], place, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["smpl/SMPL_NEUTRAL.pkl", "models/basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl", "smpl_neutral.npz"]
)
def test_model_is_found_as_its_makers_name_it(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert find_model(tmp_path, "smpl", "neutral") == tmp_path / name
    with pytest.raises(AssetError, match="no smpl model for female bodies"):
        find_model(tmp_path, "smpl", "female")
    with pytest.raises(AssetError, match="no smplx model"):
        find_model(tmp_path, "smplx", "neutral")


def test_numbers_in_chumpy_objects_are_read_without_chumpy(models, monkeypatch):
    path = models / "smpl/SMPL_NEUTRAL.pkl"
    wanted = load_model(path, "smpl", "neutral")
    with path.open("rb") as file:
        data = pickle.load(file)  # ours
    modules = {name: types.ModuleType(name) for name in ("chumpy", "chumpy.ch", "chumpy.reordering")}
    ch, select = (type(n, (), {"__module__": m}) for n, m in (("Ch", "chumpy.ch"), ("Select", "chumpy.reordering")))
    modules["chumpy.ch"].Ch, modules["chumpy.reordering"].Select = ch, select
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    whole, choice = ch(), select()
    shapes = data["shapedirs"]
    whole.x = np.concatenate([shapes, shapes], axis=-1)
    choice.a, choice.preferred_shape = whole, shapes.shape
    choice.idxs = np.arange(whole.x.size).reshape(whole.x.shape)[..., :10].ravel()
    data["shapedirs"] = choice
    path.write_bytes(pickle.dumps(data, protocol=2))
    for name in modules:
        monkeypatch.delitem(sys.modules, name)
    np.testing.assert_array_equal(load_model(path, "smpl", "neutral").shapedirs_m, wanted.shapedirs_m)


def test_model_of_another_kind_or_damaged_is_told(models):
    path = models / "smpl/SMPL_NEUTRAL.pkl"
    with pytest.raises(AssetError, match="24 joints, not 55"):
        load_model(path, "smplx", "neutral")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AssetError, match="cannot be read"):
        load_model(path, "smpl", "neutral")
    np.savez(models / "SMPL_NEUTRAL.npz", f=1)
    with pytest.raises(AssetError, match="missing v_template"):
        load_model(models / "SMPL_NEUTRAL.npz", "smpl", "neutral")
