"""Who sits touches a seat, and nobody is cut by one."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX
from skelvid.datatypes.skel import SkelParams
from train.synth.motions import Moves
from train.synth.seats import SEATS, seat

CHAIR = {"hip_flexion": 85, "knee_angle": 95, "ankle_angle": 5}
SQUAT = {"hip_flexion": 95, "knee_angle": 90, "ankle_angle": 25}


def moves_of(actor, turn_deg=0.0, tilt_deg=0.0, **angles_deg):
    """Return one frame of a person in a pose, soles on the floor."""
    q = torch.zeros((1, 46))
    q[0, DOF_INDEX["pelvis_rotation"]] = math.radians(turn_deg)
    q[0, DOF_INDEX["pelvis_tilt"]] = math.radians(tilt_deg)
    for side in "rl":
        for name, value in angles_deg.items():
            q[0, DOF_INDEX[f"{name}_{side}"]] = math.radians(value)
    trans = torch.zeros((1, 3))
    trans[0, 1] -= actor.pose(q[0], trans[0]).surfaces[0].vertices_m[:, 1].min()
    params = SkelParams(q, actor.betas[None], trans)
    posed = actor.body.skeleton(params)
    contact = torch.ones((1, 4), dtype=torch.bool)
    return Moves(
        params, posed.joints_m, posed.joint_rot, posed.joints_m[0], posed.joint_rot[0], torch.zeros(1), contact, 0
    )


def top_m(seat_, below_m):
    """Return how high the plate is: the highest face that looks up, below the hips."""
    a, b, c = seat_.vertices_m[seat_.faces].unbind(1)
    up = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1)[:, 1] > 0.99
    return float(a[up & (a[:, 1] < below_m), 1].max())


@pytest.fixture
def actor(world):
    return world.cast(world.identities[0])


@pytest.mark.parametrize("turn_deg", [0, 70, 200])
def test_who_sits_touches_the_seat_and_is_not_cut_by_it(world, actor, turn_deg):
    moves = moves_of(actor, turn_deg, **CHAIR)
    skin = actor.pose(moves.params.q[0], moves.params.trans_m[0]).surfaces[0].vertices_m
    shapes = set()
    for number in range(12):
        (found,) = seat(world.stock, actor, moves, 0, np.random.default_rng(number))
        shapes.add(len(found.faces))
        hip_m = moves.joints_m[0, JOINT_INDEX["femur_r"], 1]
        top = top_m(found, hip_m)
        # Over the seat the skin comes down to it, and hardly below: its lowest place is that of a face's first corner.
        away = (skin[:, None, [0, 2]] - found.vertices_m[None, :, [0, 2]]).norm(dim=-1).min(1).values
        above = skin[(away < 0.03) & (skin[:, 1] > hip_m - 0.16)][:, 1]
        assert above.min() == pytest.approx(top, abs=0.01)
        assert found.vertices_m[:, 1].min() > -0.01
    assert len(shapes) == len(SEATS)


def test_who_stands_gets_none(world, actor):
    for number in range(20):
        assert seat(world.stock, actor, moves_of(actor), 0, np.random.default_rng(number)) == ()


def test_who_stands_on_one_leg_gets_none(world, actor):
    moves = moves_of(actor, hip_flexion=16, knee_angle=34)
    q = moves.params.q.clone()
    q[0, DOF_INDEX["hip_flexion_r"]], q[0, DOF_INDEX["knee_angle_r"]] = math.radians(85), math.radians(40)
    params = SkelParams(q, moves.params.betas, moves.params.trans_m - torch.tensor([0.0, 0.1, 0.0]))
    moves = dataclasses.replace(moves, params=params, joints_m=actor.body.skeleton(params).joints_m)
    for number in range(20):
        assert seat(world.stock, actor, moves, 0, np.random.default_rng(number)) == ()


def test_behind_who_squats_there_may_be_one_that_is_not_touched_or_just(world, actor):
    moves = moves_of(actor, tilt_deg=-30, **SQUAT)
    found = [one for i in range(60) for one in seat(world.stock, actor, moves, 0, np.random.default_rng(i))]
    assert 3 < len(found) < 40
    hip_m = moves.joints_m[0, JOINT_INDEX["femur_r"], 1]
    for one in found:
        assert top_m(one, hip_m) < hip_m - 0.05
