"""Fit the bones of the left arm and leg to a subject, metres, template axes."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from train.body.bones import arm, foot, hand, leg
from train.body.bones.mesh import Mesh
from train.body.bones.place import MM, limb_frame, stretch, twist
from train.body.bones.skin import Shell, settle
from train.body.bones.subject import Subject

FRONT = np.array([0, 0, 1.0])
_BLADE_TO_FRONT = np.radians(33)  # the blade's plane against the frontal plane
_BLADE_UPWARD = np.radians(14)  # a compromise: 0 with hanging arms, 30 degrees in a true T-pose


def acromion(subject: Subject) -> Float[ndarray, "3"]:
    """Return where the left collar bone meets the shoulder blade."""
    return subject.joints[20] + subject.size * MM * _blade_frame() @ arm.ACROMION


def fit_arm(subject: Subject, vertices: dict[str, int]) -> dict[str, Mesh]:
    """Fit shoulder blade, humerus, ulna, radius and hand."""
    size, skin = subject.size, subject.skin
    shoulder, elbow, wrist = subject.joints[[20, 21, 23]]
    upper, lower = limb_frame(shoulder, elbow, FRONT), limb_frame(elbow, wrist, FRONT)
    blade = arm.draw_scapula(vertices["scapula"])
    bones = {"scapula": blade.moved(shoulder + size * MM * blade.vertices @ _blade_frame().T)}
    bones["humerus"] = stretch(arm.draw_humerus(vertices["humerus"]), arm.HUMERUS_LENGTH, shoulder, elbow, upper, size)
    for name, draw in (("ulna", arm.draw_ulna), ("radius", arm.draw_radius)):
        # palm down is a quarter turn from the drawn anatomical position: the radius' lower end comes to the front
        turned = twist(draw(vertices[name]), arm.FOREARM_LENGTH, np.pi / 2)
        bones[name] = stretch(turned, arm.FOREARM_LENGTH, elbow, wrist, lower, size)
    bones = {name: settle(mesh, skin.shell, 0.004) for name, mesh in bones.items()}
    palm = hand.draw_hand(skin, wrist, vertices["carpus"])
    bones |= {name: _settle_small(mesh, skin.shell) for name, mesh in palm.items()}
    return {f"{name}_l": mesh for name, mesh in bones.items()}


def _blade_frame() -> ndarray:
    front, up = _BLADE_TO_FRONT, _BLADE_UPWARD
    yaw = np.array([[np.cos(front), 0, np.sin(front)], [0, 1, 0], [-np.sin(front), 0, np.cos(front)]])
    roll = np.array([[np.cos(up), -np.sin(up), 0], [np.sin(up), np.cos(up), 0], [0, 0, 1]])
    return yaw.T @ roll


def fit_leg(subject: Subject, vertices: dict[str, int], tarsals: dict[str, int]) -> dict[str, Mesh]:
    """Fit thigh bone, kneecap, shin and calf bones, and foot."""
    size, skin = subject.size, subject.skin
    hip, knee, ankle, toe_joint = subject.joints[[6, 7, 8, 10]]
    upper, lower = limb_frame(hip, knee, FRONT), limb_frame(knee, ankle, FRONT)
    bones = {"femur": stretch(leg.draw_femur(vertices["femur"]), leg.FEMUR_LENGTH, hip, knee, upper, size)}
    for name, draw in (("tibia", leg.draw_tibia), ("fibula", leg.draw_fibula), ("patella", leg.draw_patella)):
        bones[name] = stretch(draw(vertices[name]), leg.TIBIA_LENGTH, knee, ankle, lower, size)
    bones = {name: settle(mesh, skin.shell, 0.004, rigid=name == "patella") for name, mesh in bones.items()}
    sole = foot.draw_foot(skin, ankle, toe_joint, tarsals)
    bones |= {name: _settle_small(mesh, skin.shell) for name, mesh in sole.items()}
    return {f"{name}_l": mesh for name, mesh in bones.items()}


def _settle_small(mesh: Mesh, shell: Shell) -> Mesh:
    """Move a bone of hand or foot as a whole first; bend it only where a finger or toe is too narrow for it."""
    return settle(settle(mesh, shell, 0.0015, rigid=True), shell, 0.0015, reach_m=0.008)
