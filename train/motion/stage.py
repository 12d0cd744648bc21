"""A shape and what rests on what in; the places of soles, seats, knees and hands, and poses that keep to them, out."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.model import SkelBody
from skelvid.body.skeleton import axes_world, make_shape, pose_skeleton
from skelvid.datatypes.skel import N_DOFS, SkelParams
from train.motion.planted import Wanted, rest_points, rigid_points, solve_planted
from train.motion.score import SIDES, Channels

SOLE = ("heel_sole", "mtp1", "mtp5", "big_toe")
# Points that channels pin (a channel, and after a dot which of its points): the joint it is rigid with, the landmarks
# whose mean it is, and how far (x, y, z) its contact is from there at q = 0, m.
PINS: dict[str, tuple[str, tuple[str, ...], tuple[float, float, float]]] = {
    "seat": ("pelvis", ("femur_r", "femur_l"), (0.0, -0.085, -0.03)),
    "back": ("thorax", ("t10",), (0.0, 0.0, 0.0)),
    **{f"knee_{s}": (f"tibia_{s}", (f"tibial_tuberosity_{s}",), (0.0, 0.01, 0.0)) for s in SIDES},
    **{f"hand_{s}": (f"hand_{s}", (f"index_mcp_{s}", f"pinky_mcp_{s}"), (0.0, -0.02, 0.0)) for s in SIDES},
    **{f"hand_{s}.wrist": (f"hand_{s}", (f"wrist_rad_{s}", f"wrist_uln_{s}"), (0.0, -0.03, 0.0)) for s in SIDES},
    **{f"hand_{s}.thumb": (f"hand_{s}", (f"index_mcp_{s}",), (0.0, -0.02, 0.0)) for s in SIDES},
    **{f"elbow_{s}": (f"ulna_{s}", (f"elbow_lat_{s}", f"elbow_med_{s}"), (0.0, 0.0, -0.03)) for s in SIDES},
}
# What may not sink into the floor, by the joint it is rigid with.
FLOOR_POINTS = {
    "head": "head_top", "thorax": "t10", "toes_r": "big_toe_r", "toes_l": "big_toe_l", "calcn_r": "heel_sole_r",
    "calcn_l": "heel_sole_l", "tibia_r": "tibial_tuberosity_r", "tibia_l": "tibial_tuberosity_l", "pelvis": "psis_r",
    "ulna_r": "elbow_lat_r", "ulna_l": "elbow_lat_l",
}  # fmt: skip
PIN_WEIGHT, TOE_SHARE = 2e6, 0.05  # 1/m^2: 0.7 mm; toes are softer than soles, so that they never lift one
SMOOTHED = 0.03  # rad and m: how near a last solve stays to the smoothed motion
TOE_AXIS_SHARE = 0.6  # halfway between toes that leave the floor and a heel that swings outward


@dataclass(frozen=True)
class Wish:
    """What is wanted of joints and balance, see `planted.Wanted`: `t 49`, `t 49`, `t 3` and `t 3`."""

    row: Float[ndarray, "t 49"]
    sigma: Float[ndarray, "t 49"]
    com_m: Float[ndarray, "t 3"]
    com_weight: Float[ndarray, "t 3"]


class Stage:
    """A shape with the points that can rest on something, and the solver that keeps them there."""

    def __init__(self, body: SkelBody, betas: Float[ndarray, "10"]) -> None:
        self.body, self.betas = body, betas
        self.rest = rest_points(body, betas)
        self.floor_m = min(float(self.rest[f"{name}_{s}"][1]) for name in SOLE for s in SIDES)
        joints, places = [], []
        for side in SIDES:
            for name in SOLE:
                joints.append(f"toes_{side}" if name == "big_toe" else f"calcn_{side}")
                places.append(self.rest[f"{name}_{side}"])
        for joint, marks, offset in PINS.values():
            joints.append(joint)
            places.append(np.mean([self.rest[mark] for mark in marks], axis=0) + offset)
        self.points = rigid_points(self.rest, joints, np.stack(places))
        self.above = rigid_points(
            self.rest, list(FLOOR_POINTS), np.stack([self.rest[n] for n in FLOOR_POINTS.values()])
        )
        self.toe_axis = {side: _toe_axis(body, betas, side) for side in SIDES}

    def solve(self, wish: Wish, channels: Channels, smooth_frames: float) -> SkelParams:
        """Solve for heights of what rests on something, then for its staying where it is, then smoothly.

        Args:
            wish: What is wanted of joints and balance.
            channels: Where feet and pins should be.
            smooth_frames: Standard deviation of the smoothing in time, 0 = none.
        """
        feet = [foot_targets(self, channels, side) for side in SIDES]
        feet_m, feet_weight = (np.concatenate(part, axis=1) for part in zip(*feet, strict=True))
        names = [pin.split(".")[0] for pin in PINS]
        pins_m, weight = np.zeros((2, len(wish.row), len(PINS), 3))
        pins_m[:, :, 1] = np.stack([channels[f"{name}_y"] for name in names], axis=1)
        weight[:, :, 1] = _pin_weight(np.stack([channels[f"{name}_pin"] for name in names], axis=1))

        def solved(wish: Wish, start: SkelParams | None = None) -> SkelParams:
            places, weights = np.concatenate([feet_m, pins_m], axis=1), np.concatenate([feet_weight, weight], axis=1)
            wanted = Wanted(wish.row, wish.sigma, places, weights, wish.com_m, wish.com_weight)
            return solve_planted(self.body, self.betas, wanted, self.points, self.above, start=start)

        planted = np.max([channels[f"foot_{side}_pin"] for side in SIDES], axis=0)
        params = solved(wish)
        if weight.any():
            pins_m[:, :, [0, 2]], weight[:, :, [0, 2]] = self._where_they_are(params, weight[:, :, 1], planted)
            params = solved(wish, params)
        if smooth_frames <= 0:
            return params
        rows = np.concatenate([params.q, params.trans_m], axis=1)
        row = gaussian_filter1d(rows, smooth_frames, axis=0, mode="nearest")
        weight[:] = 0.0  # what rests on seats and hands is soft, and keeps its place by the smoothed motion
        sigma = np.where(wish.sigma.max(0) > 0, SMOOTHED, 0.0) + np.zeros_like(row)
        return solved(Wish(row, sigma, wish.com_m, 0 * wish.com_weight))

    def _where_they_are(
        self, params: SkelParams, weight: Float[ndarray, "t k"], planted: Float[ndarray, "t"]
    ) -> tuple[ndarray, ndarray]:
        """Return x and z of each pin over each time it holds, and their weights.

        It is the mean of when feet were planted too: without, the first solution knows little of where the body is.
        """
        with torch.no_grad():
            posed = self.body.skeleton(params.to_torch(dtype=self.body.dtype))
        turned = posed.joint_rot @ self.body.bone_orientation(torch.as_tensor(self.betas))[None].mT
        joint, arm = self.points.joint[-len(PINS) :], self.points.arm_m[-len(PINS) :]
        at = (posed.joints_m[:, joint] + (turned[:, joint] @ arm[..., None])[..., 0]).numpy()[..., [0, 2]]
        place = at.copy()
        for k in range(at.shape[1]):
            held = weight[:, k] > 0
            edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(int)))
            for first, last in zip(edges[::2], edges[1::2], strict=True):
                span = slice(first, last)
                place[span, k] = np.average(at[span, k], axis=0, weights=weight[span, k] * (planted[span] ** 4 + 1e-4))
        return place, np.repeat(weight[..., None], 2, axis=2)


def foot_targets(
    stage: Stage, channels: Channels, side: str
) -> tuple[Float[ndarray, "t 4 3"], Float[ndarray, "t 4 3"]]:
    """Return where the points of a sole should be, and their weights."""
    part = {name: channels[f"foot_{side}_{name}"] for name in ("x", "y", "z", "yaw", "pitch", "pin")}
    ankle = stage.rest[f"talus_{side}"] * [1, 0, 1] + [0, stage.floor_m, 0]
    sole = np.stack([stage.rest[f"{name}_{side}"] for name in SOLE]) - ankle
    ball = sole[1:3].mean(0) * [0, 1, 1]
    heel = np.array([0.0, 0.0, sole[0, 2]])
    up = Rotation.from_rotvec(np.radians(part["pitch"].clip(min=0))[:, None] * stage.toe_axis[side]).as_matrix()
    down = Rotation.from_euler("x", part["pitch"].clip(max=0)[:, None], degrees=True).as_matrix()
    at = np.repeat(sole[None], len(channels.time_s), axis=0)
    at[:, :3] = np.einsum("tab,tkb->tka", up, at[:, :3] - ball) + ball
    at = np.einsum("tab,tkb->tka", down, at - heel) + heel
    outward = part["yaw"] * (-1 if side == "r" else 1)
    at = np.einsum("tab,tkb->tka", Rotation.from_euler("y", outward[:, None], degrees=True).as_matrix(), at)
    at += np.stack([part["x"], part["y"], part["z"]], axis=1)[:, None]
    weight = np.repeat(_pin_weight(part["pin"])[:, None, None], 4, axis=1).repeat(3, axis=2)
    weight[:, 3] *= TOE_SHARE * np.array([0.1, 1.0, 0.1])
    return at, weight


def _toe_axis(body: SkelBody, betas: Float[ndarray, "10"], side: str) -> Float[ndarray, "3"]:
    """Return the axis about which a heel rises: between the ground's and that of the toes, which runs askew."""
    shape = make_shape(body.skeleton_constants, torch.as_tensor(betas[None], dtype=body.dtype))
    placement = pose_skeleton(body.skeleton_constants, shape, torch.zeros((1, N_DOFS), dtype=body.dtype))
    axis = axes_world(body.skeleton_constants, placement)[0, DOF_INDEX[f"mtp_angle_{side}"]].numpy()
    level = axis * np.sign(axis[0]) * [1, 0, 1]
    return (mean := level / np.linalg.norm(level) * TOE_AXIS_SHARE + [1 - TOE_AXIS_SHARE, 0, 0]) / np.linalg.norm(mean)


def _pin_weight(pin: Float[ndarray, "t"]) -> Float[ndarray, "t"]:
    """Let the weight rise over orders of magnitude, so that a pin takes hold evenly."""
    return np.where(pin > 0.005, PIN_WEIGHT ** pin.clip(0, 1) - 1, 0.0)
