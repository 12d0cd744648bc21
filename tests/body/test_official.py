import logging
import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse

from skelvid.body.assets import SkelAssets
from skelvid.body.official import load_official, write_official
from skelvid.errors import AssetError
from tests.toy_skel import make_toy_assets


@pytest.fixture
def official(tmp_path, toy_assets):
    """The toy body in the official format: its path, and the dict to spoil."""
    path = tmp_path / "skel_female.pkl"
    write_official(replace(toy_assets, sex="female"), path)
    return path, pickle.loads(path.read_bytes())


def respoil(path, data):
    path.write_bytes(pickle.dumps(data))
    return path


def dense(ids, values, n_columns):
    out = np.zeros((len(ids), n_columns))
    np.add.at(out, (np.arange(len(ids))[:, None], ids), values)
    return out


class TestRoundTrip:
    @pytest.mark.parametrize("posedirs", [False, True])
    def test_gives_the_same_body(self, tmp_path, rng, posedirs):
        ours = make_toy_assets(rng, posedirs=posedirs, apose_rotations=True)
        write_official(ours, tmp_path / "skel_male.pkl")
        back = load_official(tmp_path / "skel_male.pkl")
        assert back.sex == "male"
        same = ("skin_template_m", "skin_faces", "shapedirs_m", "per_joint_rot", "apose_rel_transfo")
        for name in same:
            np.testing.assert_array_equal(getattr(back, name), getattr(ours, name), err_msg=name)
        assert (back.posedirs_m is not None) == posedirs
        if posedirs:
            np.testing.assert_array_equal(back.posedirs_m, ours.posedirs_m)
        self.assert_same_weights(back, ours)

    def assert_same_weights(self, back: SkelAssets, ours: SkelAssets):
        assert ours.bones is not None
        assert back.bones is not None
        for mine, other, names, columns in (
            (back, ours, ("skin_weight_joint", "skin_weight"), 24),
            (back, ours, ("joint_weight_vertex", "joint_weight"), len(ours.skin_template_m)),
            (back.bones, ours.bones, ("weight_joint", "weight"), 24),
        ):
            a, b = (dense(getattr(x, names[0]), getattr(x, names[1]), columns) for x in (mine, other))
            # 1e-7: the root is its own parent in the toy body, so its two shares are summed in the file.
            np.testing.assert_allclose(a, b, atol=1e-7)
        np.testing.assert_array_equal(back.bones.joint, ours.bones.joint)
        np.testing.assert_array_equal(back.bones.template_m, ours.bones.template_m)

    def test_body_without_bones(self, tmp_path, toy_assets):
        write_official(replace(toy_assets, bones=None, sex="male"), tmp_path / "skel_male.pkl")
        assert load_official(tmp_path / "skel_male.pkl").bones is None

    def test_neutral_is_written_with_a_warning(self, tmp_path, toy_assets, caplog):
        with caplog.at_level(logging.WARNING):
            write_official(toy_assets, tmp_path / "neutral.pkl")
        assert "female or male" in caplog.text
        assert load_official(tmp_path / "neutral.pkl").sex == "neutral"

    def test_no_influence_is_lost(self, official, rng):
        path, data = official
        weights = rng.dirichlet(np.ones(24), size=96)
        data["skin_weights"] = scipy.sparse.coo_matrix(weights)
        back = load_official(respoil(path, data))
        assert back.skin_weight.shape == (96, 24)
        np.testing.assert_allclose(dense(back.skin_weight_joint, back.skin_weight, 24), weights, atol=1e-7)

    def test_only_the_first_ten_betas_are_used(self, official, rng):
        path, data = official
        ten = data["shapedirs"]
        data["shapedirs"] = np.concatenate([ten, rng.normal(size=(96, 3, 290))], axis=-1)
        np.testing.assert_array_equal(load_official(respoil(path, data)).shapedirs_m, ten)


def test_written_file_has_every_key_that_loaders_ask_for(official):
    _, data = official
    shapes = {
        "skin_template_v": (96, 3),
        "skin_template_f": (96, 3),
        "skel_template_v": (96, 3),
        "skel_template_f": (96, 3),
        "shapedirs": (96, 3, 10),
        "posedirs": (96, 3, 207),
        "J_regressor": (24, 96),
        "J_regressor_osim": (24, 96),
        "skin_weights": (96, 24),
        "skel_weights": (96, 24),
        "skel_weights_rigid": (96, 24),
        "per_joint_rot": (24, 3, 3),
        "osim_kintree_table": (2, 24),
        "parameter_mapping": (46,),
        "tpose_transfo": (24, 4, 4),
        "apose_transfo": (24, 4, 4),
        "apose_rel_transfo": (24, 4, 4),
    }
    assert {key: data[key].shape for key in shapes} == shapes
    for key in ("J_regressor", "J_regressor_osim", "skin_weights", "skel_weights", "skel_weights_rigid"):
        assert isinstance(data[key], scipy.sparse.coo_matrix)
    assert data["version"] == "1.1.1"
    lengths = [len(data[key]) for key in ("bone_names", "joints_name", "pose_params_name")]
    assert lengths == [24, 24, 46]
    assert data["osim_kintree_table"][0, 0] == -1


class TestFaults:
    @pytest.mark.parametrize("key", ["skin_template_v", "posedirs", "version", "osim_kintree_table"])
    def test_missing_key(self, official, key):
        path, data = official
        del data[key]
        with pytest.raises(AssetError, match=f"missing {key}$"):
            load_official(respoil(path, data))

    def test_wrong_version(self, official):
        path, data = official
        with pytest.raises(AssetError, match=r"version must be 1\.1\.1, got 1\.0"):
            load_official(respoil(path, data | {"version": "1.0"}))

    @pytest.mark.parametrize(
        ("key", "value", "message"),
        [
            ("skin_weights", np.ones((95, 24)), r"skin_weights: must have shape \(96, 24\), got \(95, 24\)"),
            (
                "shapedirs",
                np.ones((96, 3, 9)),
                r"shapedirs: must have shape \(96, 3, >=10\), got \(96, 3, 9\)",
            ),
            (
                "posedirs",
                np.ones((96, 3, 189)),
                r"posedirs: must have shape \(96, 3, 207\), got \(96, 3, 189\)",
            ),
            (
                "per_joint_rot",
                np.ones((24, 3)),
                r"per_joint_rot: must have shape \(24, 3, 3\), got \(24, 3\)",
            ),
            ("J_regressor_osim", [1, 2], "J_regressor_osim: must be an array, got list"),
            ("skin_template_v", np.full((96, 3), np.nan), "skin_template_v: 288 of 288 numbers are NaN"),
            ("skin_template_v", np.full((96, 3), "x"), "skin_template_v: must hold numbers"),
            ("osim_kintree_table", np.zeros((2, 24)), "osim_kintree_table is not SKEL's tree"),
            ("skin_weights", np.full((96, 24), 0.5), "rows of skin_weight must sum to 1"),
        ],
    )
    def test_wrong_array(self, official, key, value, message):
        path, data = official
        with pytest.raises(AssetError, match=message):
            load_official(respoil(path, data | {key: value}))

    def test_missing_file(self, tmp_path):
        with pytest.raises(AssetError, match=r"cannot read .*nowhere\.pkl"):
            load_official(tmp_path / "nowhere.pkl")
