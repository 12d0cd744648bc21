from dataclasses import replace

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX, limits_rad
from skelvid.datatypes.motion import CONTACT_POINTS
from skelvid.datatypes.skel import SkelParams
from tests.train.synth.toy_people import toy_cast
from train.synth.pose import Figure, grounded
from train.synth.world import PARTS


def _poses(count: int) -> SkelParams:
    low, high = (torch.as_tensor(np.asarray(v), dtype=torch.float32).clamp(-2, 2) for v in limits_rad())
    generator = torch.Generator().manual_seed(3)
    q = low + (high - low) * torch.rand((count, 46), generator=generator)
    return SkelParams(q, torch.zeros(10), torch.randn((count, 3), generator=generator))


def test_skin_meets_the_label_at_every_landmark_in_any_pose():
    figure = toy_cast()(1)
    params = _poses(6)
    label = figure.body(SkelParams(params.q, figure.betas, params.trans_m))
    posed = figure.film(params)
    names = figure.probes.names
    rigid = [i for i, name in enumerate(names) if name.split("_")[0] not in ("index", "middle", "pinky", "thumb")]
    gap = (posed.landmarks_m - label.landmarks_m).norm(dim=-1)
    assert float(gap[:, rigid].max()) < 1e-5  # rounding of float32
    assert float((posed.joints_m - label.joints_m).abs().max()) < 1e-5


def test_one_pose_is_a_row_of_a_film():
    figure, params = toy_cast()(2), _poses(3)
    posed, person = figure.film(params), figure.pose(params.q[1], params.trans_m[1])
    drawn = torch.cat([surface.vertices_m for surface in person.surfaces])
    torch.testing.assert_close(drawn, posed.vertices_m[1], atol=1e-6, rtol=0)
    assert person.dense_m.shape == person.dense_normal.shape == (posed.dense_m.shape[1], 3)


def test_loose_cloth_sinks_and_nothing_else_does():
    figure = _with_slack(toy_cast()(0), 0.02)
    still = _with_slack(figure, 0.0)
    params = SkelParams(torch.zeros((1, 46)), torch.zeros(10), torch.zeros((1, 3)))
    move = figure.film(params).vertices_m - still.film(params).vertices_m
    assert float(move[..., [0, 2]].abs().max()) == 0
    assert -0.0401 < float(move[..., 1].min()) < -0.03
    assert float(move[..., 1].max()) <= 0


def test_cloth_folds_where_joints_bend():
    figure = toy_cast()(0)
    layers = tuple(replace(layer, folding=torch.ones_like(layer.folding)) for layer in figure.layers)
    figure = Figure(figure.looks, figure.betas, figure.body, layers, figure.probes)
    q = torch.zeros((2, 46))
    q[1, DOF_INDEX["knee_angle_r"]] = 1.5
    wrinkle = figure.film(SkelParams(q, torch.zeros(10), torch.zeros((2, 3)))).wrinkle
    more = wrinkle[1] - wrinkle[0]
    rest = torch.cat([layer.rest_m for layer in layers])
    knee = figure.body.assets.joints_m[2]
    near = (rest - torch.as_tensor(knee, dtype=torch.float32)).norm(dim=1) < 0.08
    assert float(more[near].max()) > 0.5
    assert float(more[rest[:, 0] > 0.02].abs().max()) < 1e-6  # the left leg did not move


def test_soles_on_the_floor_are_contacts():
    figure = toy_cast()(0)
    q = torch.zeros((2, 46))
    q[1, DOF_INDEX["knee_angle_l"]] = 1.2
    params = SkelParams(q, figure.betas, torch.zeros((2, 3)))
    points = figure.film(params).landmarks_m
    floor = float(points[0, :, 1].min())
    found = grounded(points, figure.probes.names, floor)
    assert found[0].all()
    assert found[1].tolist() == [name.endswith("_r") for name in CONTACT_POINTS]


@pytest.mark.parametrize("part", ["shank_r", "hand_l"])
def test_parts_are_where_they_are_named(part: str):
    figure = toy_cast()(3)
    person = figure.pose(torch.zeros(46), torch.zeros(3))
    for surface in person.surfaces:
        corner = surface.vertices_m[surface.faces[surface.part == PARTS.index(part)]]
        if len(corner):
            side = corner[..., 0] if part.endswith("_l") else -corner[..., 0]
            assert float(side.min()) > 0
            assert float(corner[..., 1].max()) < -0.3 if part.startswith("shank") else float(side.min()) > 0.5


def _with_slack(figure: Figure, slack_m: float) -> Figure:
    layers = tuple(replace(layer, slack_m=torch.full_like(layer.slack_m, slack_m)) for layer in figure.layers)
    return Figure(figure.looks, figure.betas, figure.body, layers, figure.probes)
