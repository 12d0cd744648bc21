"""Seats for who sits: a posed person goes in; what they sit on, or are about to, comes out.

People of the motion library sit where their motion sits, on nothing. Whose centre of mass lies behind both feet sits;
who bends both knees with the mass over the feet may be rising, or sitting down.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from skelvid.body.dofs import DOF_INDEX, JOINT_INDEX
from train.motion.planted import mass_shares
from train.synth import props
from train.synth.furnish import painted
from train.synth.motions import Moves
from train.synth.stock import Stock
from train.synth.world import PARTS, Actor, Person, Surface

_ON_SEAT = torch.tensor([PARTS.index(name) for name in ("torso", "thigh_r", "thigh_l")], dtype=torch.uint8)
_HIP_R, _HIP_L = JOINT_INDEX["femur_r"], JOINT_INDEX["femur_l"]
_ANKLES = [JOINT_INDEX["talus_r"], JOINT_INDEX["talus_l"]]
_SHANKS = [JOINT_INDEX["tibia_r"], JOINT_INDEX["tibia_l"]]
_MASS = torch.as_tensor(mass_shares(), dtype=torch.float32)
_KNEES = [DOF_INDEX["knee_angle_r"], DOF_INDEX["knee_angle_l"]]
_BENT_RAD = math.radians(35.0)
_LEVEL_M = 0.25  # hips above knees, at most, of who sits
_BEHIND_M = 0.05  # behind both ankles, at least, is the centre of mass of who sits
_RISING = 0.25  # of those who bend both knees over their feet, with a seat behind them
_FLESH_M = 0.16  # below the hip joints, at most
_LOWEST_M, _HIGHEST_M = 0.25, 0.75  # of seats
_USUAL_M = (0.38, 0.5)
_WIDE_M, _DEEP_M = 0.46, 0.42


def seat(stock: Stock, actor: Actor, moves: Moves, frame: int, rng: np.random.Generator) -> tuple[Surface, ...]:
    """Return a seat that touches the lowest place of a person's thighs and buttocks in a frame, or nothing."""
    joints = moves.joints_m[frame]
    knees = moves.params.q[frame, _KNEES]
    if float(knees.max()) < _BENT_RAD:
        return ()
    left = normalize((joints[_HIP_L] - joints[_HIP_R]) * joints.new_tensor([1.0, 0.0, 1.0]), dim=0)
    front = torch.linalg.cross(left, left.new_tensor([0.0, 1.0, 0.0]))
    hip = joints[[_HIP_L, _HIP_R]].mean(0)
    mass_m = _MASS @ joints
    level = float(hip[1] - joints[_SHANKS, 1].mean()) < _LEVEL_M
    sits = level and float(((joints[_ANKLES] - mass_m) @ front).min()) > _BEHIND_M
    rises = float(knees.min()) > _BENT_RAD and bool(moves.contact[frame].any()) and rng.uniform() < _RISING
    if not (sits or rises):
        return ()
    points, torso = _lower_body(actor.pose(moves.params.q[frame], moves.params.trans_m[frame]))
    x, y, z = (points - hip) @ left, points[:, 1], (points - hip) @ front
    # Where the back of the seat may begin. Gowns hang lower than anybody sits.
    rear = float(z[torso & (y < hip[1] + 0.3)].min()) - 0.01
    over = (z < rear + _DEEP_M) & (x.abs() < _WIDE_M / 2) & (y > hip[1] - _FLESH_M)
    top = float(y[over].min()) if sits else min(float(y[over].min()), float(rng.uniform(*_USUAL_M)))
    if not _LOWEST_M < top < _HIGHEST_M:
        return ()
    make = SEATS[rng.integers(len(SEATS))]
    place = hip + (rear + _DEEP_M / 2) * front
    turn_rad = float(torch.atan2(front[0], front[2]))
    mesh = props.moved(make(top), turn_rad=turn_rad, to_m=(float(place[0]), 0.0, float(place[2])))
    return (painted(stock, mesh, rng, "seat"),)


def _lower_body(person: Person) -> tuple[Float[Tensor, "p 3"], Bool[Tensor, "p"]]:
    """Return places of the surfaces of thighs and torso, and which are the torso's."""
    points, torso = [], []
    for surface in person.surfaces:
        chosen = torch.isin(surface.part, _ON_SEAT)
        points.append(surface.vertices_m[surface.faces[chosen, 0]])
        torso.append(surface.part[chosen] == _ON_SEAT[0])
    return torch.cat(points), torch.cat(torso)


def _plate(top_m: float) -> props.Mesh:
    return props.box((0, top_m - 0.02, 0), (_WIDE_M, 0.04, _DEEP_M))


def _chair(top_m: float) -> props.Mesh:
    """A chair whose seat is at a height."""
    legs = [props.tube((x, 0, z), (x, top_m - 0.03, z), 0.015) for x in (-0.2, 0.2) for z in (-0.19, 0.19)]
    posts = [props.tube((x, top_m, -0.22), (x, top_m + 0.44, -0.25), 0.015) for x in (-0.2, 0.2)]
    return props.join([*legs, *posts, _plate(top_m), props.box((0, top_m + 0.32, -0.25), (0.42, 0.24, 0.03))])


def _stool(top_m: float) -> props.Mesh:
    feet = [props.tube((0, 0.06, 0), (x, 0.02, z), 0.018) for x, z in ((0.24, 0), (-0.24, 0), (0, 0.24), (0, -0.24))]
    return props.join([*feet, props.tube((0, 0.05, 0), (0, top_m - 0.04, 0), 0.025), _plate(top_m)])


def _step(top_m: float) -> props.Mesh:
    return props.box((0, top_m / 2, 0), (0.6, top_m, _DEEP_M))


def _couch(top_m: float) -> props.Mesh:
    legs = [props.tube((x, 0, z), (x, top_m - 0.06, z), 0.025) for x in (-0.8, 0.8) for z in (-0.5, 0.1)]
    return props.join([*legs, props.box((0, top_m - 0.04, -_DEEP_M / 2), (1.9, 0.08, 2 * _DEEP_M))])


SEATS: tuple[Callable[[float], props.Mesh], ...] = (_chair, _stool, _step, _couch)
