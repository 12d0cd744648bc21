# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOptionalIterable=false, reportCallIssue=false
import numpy as np
import pytest

from skelvid.body.load import load_body
from skelvid.upgrade import register
from skelvid.upgrade.models import load_model
from skelvid.upgrade.surface import vertex_areas
from tests.upgrade.smpl_files import make_models
from train.body.stand_in import make_stand_in, write


def test_stand_in_of_another_shape_is_found_on_our_skin(tmp_path):
    """Its vertices are others than ours, in random order, and its shape is a stranger's."""
    body = load_body("open-neutral")
    stand_in = make_stand_in(body.assets)
    write(stand_in, tmp_path / "SMPL_NEUTRAL.pkl")
    model = load_model(tmp_path / "SMPL_NEUTRAL.pkl", "smpl", "neutral")
    shaped = model.shaped(np.random.default_rng(3).normal(size=10))
    found = register.register(body, shaped, model.faces, model.regressor @ shaped)
    template = body.assets.skin_template_m
    true, got = (np.einsum("vk,vkc->vc", r.weight, template[r.vertex]) for r in (stand_in, found))
    off_mm = 1000 * np.linalg.norm(true - got, axis=1)
    area = vertex_areas(template[stand_in.vertex[:, 0]], model.faces)
    assert (area @ off_mm) / area.sum() < 4.0
    assert np.percentile(off_mm, 95) < 10.0
    assert 1000 * found.left_m.mean() < 1.0


def test_same_mesh_needs_no_registration(tmp_path, toy_assets, monkeypatch):
    make_models(tmp_path, toy_assets)
    model = load_model(tmp_path / "smpl/SMPL_NEUTRAL.pkl", "smpl", "neutral")
    monkeypatch.setattr(register, "register", None)
    mix = register.vertex_mix(load_body(tmp_path / "body.npz"), model)
    np.testing.assert_array_equal(mix.toarray(), np.eye(len(toy_assets.skin_template_m)))


def test_registration_is_computed_once(tmp_path, toy_assets, monkeypatch):
    make_models(tmp_path, toy_assets)
    model = load_model(tmp_path / "smpl/SMPL_NEUTRAL.pkl", "smpl", "neutral")
    body = load_body(tmp_path / "body.npz")
    model = type(model)(**{**vars(model), "faces": model.faces[::-1]})  # the same mesh, told otherwise
    first = register.vertex_mix(body, model)
    monkeypatch.setattr(register, "register", None)
    np.testing.assert_array_equal(register.vertex_mix(body, model).toarray(), first.toarray())
    other = type(model)(**{**vars(model), "template_m": model.template_m + 0.01})
    with pytest.raises(TypeError):
        register.vertex_mix(body, other)
