"""The loss is least at the truth, its parts are what their names say, and it can be followed."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
import torch

from skelvid.body.ball_rotation import six_of_rotation, turn_about
from skelvid.datatypes.skel import SkelParams
from skelvid.regress.decode import encode
from skelvid.regress.output import BIN_PX, N_YAWS, POINTS, Output, yaw_bin
from tests.train.regress.test_pictures import picture
from tests.train.regress.toy_people import GRID, TOY, body, toy_params
from train.regress.crops import Batch, collate
from train.regress.judge import judge, summary
from train.regress.losses import Anatomy, chord, dof_errors_rad, loss_terms


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return Anatomy.of(body())


@pytest.fixture(scope="module")
def batch() -> Batch:
    return collate([picture(i) for i in range(4)], TOY.size_hw, GRID)


def truth(anatomy: Anatomy, batch: Batch) -> Output:
    """What a network without fault would say."""
    target, b = encode(batch.params, batch.crop, anatomy.pelvis), len(batch)
    yaw = turn_about(1, torch.arange(N_YAWS) * (2 * pi / N_YAWS))
    sizes = [side // BIN_PX for side in reversed(TOY.size_hw)]
    bins = [
        -8.0 * (torch.arange(n) + 0.5 - batch.points_px[..., i, None] / BIN_PX).square() for i, n in enumerate(sizes)
    ]
    return Output(
        yaw_logits=40.0 * torch.nn.functional.one_hot(yaw_bin(target.root_rot), N_YAWS).float(),
        root_six=six_of_rotation(yaw.mT @ target.root_rot[:, None]),
        ball_six=six_of_rotation(target.ball_rot),
        circle=torch.stack([target.angles.sin(), target.angles.cos()], -1),
        log_sigma=torch.full((b, 46), -4.0),
        betas=target.betas,
        place=target.place,
        x_logits=bins[0],
        y_logits=bins[1],
        point_log_sigma=torch.full((b, len(POINTS)), -3.0),
        visibility_logits=torch.eye(3)[torch.zeros(b, len(POINTS), dtype=torch.long)] * 30.0,
        part_logits=30.0 * torch.nn.functional.one_hot(batch.parts, 15).float(),
    )  # fmt: skip


def test_truth_has_nothing_against_it(anatomy: Anatomy, batch: Batch):
    terms = loss_terms(anatomy, truth(anatomy, batch), batch)
    for name in ("yaw", "balls", "angles", "betas", "place", "seen", "parts"):
        assert float(terms[name]) < 3e-3, name
    assert float(terms["joints"]) < 0.01
    assert float(terms["projected"]) < 2.1 / TOY.size_hw[0]  # the soft corner of the distance is a pixel high
    numbers = summary(judge(anatomy, truth(anatomy, batch), batch))
    assert numbers["mpjpe_mm"] < 0.1
    assert numbers["pck0.05_told"] == numbers["pck0.05_projected"] == 1.0
    assert numbers["swaps_told"] == numbers["swaps_projected"] == 0.0


def test_each_fault_is_found_by_its_part(anatomy: Anatomy, batch: Batch):
    right = truth(anatomy, batch)
    faults = {
        "yaw": replace(right, yaw_logits=right.yaw_logits.roll(8, 1)),
        "balls": replace(right, ball_six=right.ball_six.roll(1, 1)),
        "angles": replace(right, circle=right.circle.flip(2)),
        "betas": replace(right, betas=right.betas + 1),
        "place": replace(right, place=right.place + 0.1),
        "bins": replace(right, x_logits=right.x_logits.flip(2)),
        "seen": replace(right, visibility_logits=right.visibility_logits.flip(2)),
        "parts": replace(right, part_logits=torch.zeros_like(batch.parts[..., None].float().expand(-1, -1, 15))),
    }
    good = loss_terms(anatomy, right, batch)
    for name, wrong in faults.items():
        assert loss_terms(anatomy, wrong, batch)[name] > good[name] + 0.01, name


def test_points_alone_teach_no_angles(anatomy: Anatomy, batch: Batch):
    nothing = {"posed": torch.zeros(4, dtype=torch.bool), "q": torch.full((4, 46), 2.0), "trans_m": torch.zeros(4, 3)}
    points_only = replace(batch, **nothing)
    told = truth(anatomy, batch)
    told = replace(told, log_sigma=told.log_sigma.requires_grad_(), x_logits=told.x_logits.requires_grad_())
    terms = loss_terms(anatomy, told, points_only)
    unknown = ("yaw", "root", "balls", "angles", "joints", "betas", "place", "doubt", "seen")
    assert all(float(terms[name].detach()) == 0 for name in unknown)
    torch.stack(list(terms.values())).sum().backward()
    assert told.x_logits.grad is not None
    assert told.x_logits.grad.abs().max() > 0


def test_bins_are_scored_as_by_hand(anatomy: Anatomy, batch: Batch):
    g = torch.Generator().manual_seed(0)
    told = truth(anatomy, batch)
    told = replace(
        told, x_logits=torch.randn(told.x_logits.shape, generator=g), y_logits=torch.zeros_like(told.y_logits)
    )
    total = 0.0
    for row, at in zip(
        told.x_logits.flatten(0, 1).double().numpy(), batch.points_px[..., 0].flatten().tolist(), strict=True
    ):
        want = np.exp(-0.5 * ((np.arange(len(row)) + 0.5 - at / BIN_PX) / 1.5) ** 2)
        total -= (want / want.sum() * (row - np.log(np.exp(row).sum()))).sum()
    flat = np.log(TOY.size_hw[0] // BIN_PX)
    mean = total / batch.points_px[..., 0].numel()
    assert float(loss_terms(anatomy, told, batch)["bins"]) == pytest.approx(mean + flat, rel=1e-4)


def test_errors_of_angles(anatomy: Anatomy):
    true = toy_params(3)
    one = SkelParams(true.q[None], true.betas[None], true.trans_m[None])
    q = one.q.clone()
    q[0, 6] += 0.2 + 2 * pi
    q[0, 2] += 0.3  # the last of the pelvis's turns is about an axis of the parent
    error = dof_errors_rad(SkelParams(q, one.betas, one.trans_m), one, anatomy.pelvis)
    assert float(error[0, 6]) == pytest.approx(0.2, abs=1e-5)
    assert float(error[0, :3].norm()) == pytest.approx(0.3, abs=1e-4)
    assert error[0, 7:].abs().max() == 0


def test_chord_is_about_the_angle():
    turn = turn_about(2, torch.tensor([0.1, pi]))
    torch.testing.assert_close(chord(turn, torch.eye(3).expand(2, 3, 3)), torch.tensor([0.1, 2.0]), atol=2e-3, rtol=0)
