from typing import Any

import numpy as np
import pytest
import torch

from skelvid.errors import AssetError
from tests.train.synth.toy_people import toy_cast, write_pack
from train.synth.dress_outfits import BOTTOMS, CLOTHES, FEET, TOPS
from train.synth.people import N_DENSE, Cast, make_figure
from train.synth.subjects import load_pack


def test_same_number_same_person_to_the_byte():
    first, second = (make_figure(toy_cast().common, 9) for _ in range(2))
    assert first.looks == second.looks
    for a, b in zip(first.layers, second.layers, strict=True):
        assert all(torch.equal(getattr(a, k), getattr(b, k)) for k in ("rest_m", "weight", "texture", "uv", "part"))


def test_numbers_a_pack_apart_are_one_body_in_other_clothes():
    cast = toy_cast()
    a, b = cast(1), cast(1 + len(cast))
    assert a.looks.identity == b.looks.identity
    assert a.looks.monk_tone == b.looks.monk_tone
    assert torch.equal(a.betas, b.betas)
    assert [layer.rest_m.shape for layer in a.layers] != [layer.rest_m.shape for layer in b.layers]


def test_everybody_is_dressed_in_known_classes():
    for number in range(8):
        looks = toy_cast()(number).looks
        assert set(looks.clothes) <= set(CLOTHES)
        assert looks.clothes[0] in TOPS
        assert any(c in BOTTOMS for c in looks.clothes)
        assert sum(c in FEET for c in looks.clothes) == 1
        assert 0 <= looks.sole_m < 0.06


def test_dense_points_are_spread_and_mirrored():
    figure = toy_cast()(0)
    dense = toy_cast().common.dense
    points = toy_cast().common.pack.base.template_m[dense]
    assert abs(len(dense) - N_DENSE) <= 1
    assert len(set(dense.tolist())) == len(dense)
    gap = np.linalg.norm(points[:, None] - points, axis=-1) + 9 * np.eye(len(points))
    assert gap.min() > 0.015
    image = np.linalg.norm(points[:, None] * [-1, 1, 1] - points, axis=-1).min(1)
    assert image.max() < 2e-3  # the template is symmetric to this
    assert len(figure.probes.rest_m) == 3 * len(figure.probes.names) + len(dense)


def test_weights_of_all_layers_are_shares():
    for layer in toy_cast()(5).layers:
        assert float((layer.weight.sum(1) - 1).abs().max()) < 1e-5
        assert float(layer.weight.min()) >= 0
        assert int(layer.faces.max()) < len(layer.rest_m)
        assert torch.isfinite(layer.rest_m).all()


def test_a_pack_of_another_body_is_refused(tmp_path):
    write_pack(tmp_path, 2)
    with np.load(tmp_path / "people.npz") as data:
        arrays: dict[str, Any] = dict(data)
    np.savez(tmp_path / "people.npz", **arrays | {"body": "other"})  # pyright: ignore[reportArgumentType]
    with pytest.raises(AssetError, match="another body"):
        load_pack(tmp_path)
    with pytest.raises(AssetError, match="no pack of people"):
        Cast(tmp_path / "nowhere", tmp_path)
