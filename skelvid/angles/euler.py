"""Rotations to three angles about moving axes and back: Z-X-Y as in OpenSim, Y-X-Y as for the ISB shoulder.

Angles are chosen frame by frame, so a stream gives what a whole clip gives:

* of the two solutions of Z-X-Y the smaller one (sum of squares) is taken, so an arm raised sideways past 90
  deg goes on to -120 deg instead of turning flexion and rotation over;
* the first angle lies in (-120, 240] deg, where hips and shoulders do not jump, the others in (-180, 180]
  deg;
* where the first and the third axis coincide, within 1e-6 rad, the first angle is 0 and the third takes the
  whole turn. Close to there both change fast, whatever the convention: elevation 0 and 180 deg, arm_add +-90
  deg.
"""

import warnings
from math import pi
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Order = Literal["ZXY", "YXY"]
_LOCKED_RAD = 1e-6
_FIRST_CENTER_RAD = pi / 3


def compose(angles_rad: Float[np.ndarray, "t 3"], order: Order) -> Rotation:
    """Return the rotations that have these angles.

    >>> compose(np.array([[0.0, np.pi / 2, 0.0]]), "YXY").apply([0.0, -1.0, 0.0]).round(6) + 0.0
    array([[0., 0., 1.]])
    """
    # ISB elevation turns about -x; it is reported positive.
    return Rotation.from_euler(order, angles_rad * ([1.0, 1.0, 1.0] if order == "ZXY" else [1.0, -1.0, 1.0]))


def decompose(rotation: Rotation, order: Order) -> Float[np.ndarray, "t 3"]:
    """Return the three angles of each rotation, by the rules of this module.

    >>> np.degrees(decompose(Rotation.from_euler("ZXY", [[30.0, -100.0, 5.0]], degrees=True), "ZXY")).round(6)
    array([[  30., -100.,    5.]])
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gimbal lock", category=UserWarning)
        angles = rotation.as_euler(order)
    angles = _smaller_zxy(angles) if order == "ZXY" else _elevation_positive(angles)
    angles[:, 0] = _wrap(angles[:, 0], center_rad=_FIRST_CENTER_RAD)
    return angles


def _smaller_zxy(angles: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    """Choose between scipy's solution, second angle within +-90 deg, and the one beyond."""
    first, second, third = angles.T
    beyond = _wrap(np.column_stack([first + pi, pi - second, third + pi]))
    chosen = np.where(((beyond**2).sum(1) < (angles**2).sum(1))[:, None], beyond, angles)
    locked = np.column_stack([np.zeros_like(first), second, _wrap(third + np.sign(second) * first)])
    return np.where((np.cos(second) < _LOCKED_RAD)[:, None], locked, chosen)


def _elevation_positive(angles: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    """Turn scipy's second angle, in [0, pi] about x, into an elevation about -x."""
    first, second, third = angles.T
    elevated = np.column_stack([first + pi, second, _wrap(third - pi)])
    turn = np.where(second < pi / 2, first, -first) + third
    locked = np.column_stack([np.zeros_like(first), second, _wrap(turn)])
    return np.where((np.sin(second) < _LOCKED_RAD)[:, None], locked, elevated)


def _wrap(angle_rad: Float[np.ndarray, "*b"], center_rad: float = 0.0) -> Float[np.ndarray, "*b"]:
    """Return the same direction in the full turn around a centre, its upper end included."""
    return center_rad + pi - np.mod(center_rad + pi - angle_rad, 2 * pi)
