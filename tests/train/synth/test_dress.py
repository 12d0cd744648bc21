import numpy as np
import pytest
import torch

from tests.train.synth.toy_people import PROXY_OFFSET_M, toy_cast
from train.synth import dress_outfits
from train.synth.dress import COTTON, Garment, Naked, sew, wear
from train.synth.garments import legs

_WHITE = torch.full((4, 4, 4), 255, dtype=torch.uint8)


def _naked(row: int = 0) -> Naked:
    common = toy_cast().common
    points = common.pack.vertices_m[row].astype(float)
    return Naked(common.pack.base, common.places, points, common.weight, np.zeros(len(points), bool), 0 * points[:, 0])


def test_outer_garments_clear_inner_ones():
    naked = _naked()
    cut = legs(naked.places, 0.8, 0.7)
    for garment in (Garment(cut, _WHITE, ease_m=0.02), Garment(cut, _WHITE, gap_m=0.004, ease_m=0.0)):
        naked = sew(naked, garment)
    inner, outer = (piece.layer.rest_m.numpy() for piece in naked.worn)
    ends = np.asarray(naked.worn[1].ends)
    out = (naked.normals[ends[:, 0]] + naked.normals[ends[:, 1]]) / 2
    assert ((outer - inner) * out).sum(1)[ends[:, 0] == ends[:, 1]].min() > 0.0039
    kept = set(np.unique(naked.worn[0].layer.faces.numpy()))
    assert 0 < len(kept) < 0.5 * len(inner)  # what lies under is left out, but at the hem


def test_covered_skin_is_left_out_but_not_at_the_hem():
    naked = _naked()
    cut = legs(naked.places, 0.8, 0.7)
    dressed = sew(naked, Garment(cut, _WHITE, hide_m=0.03))
    assert dressed.hidden[cut > 0.031].all()
    assert not dressed.hidden[cut < 0.03].any()


@pytest.mark.parametrize("row", [0, 3])
def test_proxies_lie_on_bodies_of_any_size(row: int):
    naked, cast = _naked(row), toy_cast()
    asset = cast.common.wardrobe["male_worksuit01"]
    points, weight = asset.place(naked)
    gap = np.linalg.norm(points - naked.points[asset.base[asset.vertex, 0]], axis=1)
    scale = [np.ptp(naked.points[:, k]) / np.ptp(naked.base.template_m[:, k]) for k in range(3)]
    assert PROXY_OFFSET_M * min(scale) * 0.98 < gap.min()
    assert gap.max() < PROXY_OFFSET_M * max(scale) * 1.02
    np.testing.assert_allclose(weight, naked.weight[asset.base[asset.vertex, 0]])


def test_offsets_turn_with_the_body():
    naked = _naked()
    asset = toy_cast().common.wardrobe["shoes01"]
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    turned = Naked(naked.base, naked.places, naked.points @ turn.T, naked.weight, naked.hidden, naked.lift_m)
    np.testing.assert_allclose(turned.turns[asset.base[0, 0]] @ naked.turns[asset.base[0, 0]].T, turn, atol=1e-6)


def test_wearing_hides_what_the_proxy_says():
    naked, asset = _naked(), toy_cast().common.wardrobe["shoes02"]
    dressed = wear(naked, asset, _WHITE, COTTON, kind="shoe")
    layer = dressed.worn[-1].layer
    assert set(np.flatnonzero(dressed.hidden)) == set(asset.hides.tolist())
    assert layer.kind == "shoe"
    assert float(layer.slack_m.max()) == 0


def test_clothes_held_out_are_worn_by_people_held_out_alone(monkeypatch):
    worn: dict[bool, set[str]] = {True: set(), False: set()}
    naked, wardrobe = _naked(), toy_cast().common.wardrobe
    for held_out, names in worn.items():
        monkeypatch.setattr(
            dress_outfits, "wear", lambda body, asset, *_, names=names, **__: names.add(asset.name) or body
        )
        for seed in range(40):
            sex = "male" if seed % 2 else "female"
            dress_outfits.draw_outfit(naked, wardrobe, sex, np.random.default_rng(seed), held_out=held_out)
    assert worn[True] == set(dress_outfits.HELD_OUT)
    assert len(worn[False]) > 5
    assert not worn[True] & worn[False]


def test_leggings_under_a_dress_reach_under_its_hem_and_no_further(monkeypatch):
    monkeypatch.setattr(dress_outfits, "_SETS", {"female": {("dress", "leggings"): 1}})
    for seed in range(6):
        rng = np.random.default_rng(seed)
        dressed, classes = dress_outfits.draw_outfit(_naked(), toy_cast().common.wardrobe, "female", rng)
        assert classes[:2] == ["dress", "leggings"]
        below, _, skirt = [piece.layer.rest_m[:, 1] for piece in dressed.worn if piece.layer.kind == "cloth"][-3:]
        assert float(skirt.min()) + 0.02 < float(below.max()) < float(skirt.max())
