"""The truth about a picture: a person, a camera and what was drawn go in; labels of the training format come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from skelvid.body.dofs import JOINT_NAMES, mirror_index_and_sign
from skelvid.body.model import SkelBody
from skelvid.body.start import joint_angles
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.sample import LANDMARK_STATES
from train.synth import fast_film, fast_shade
from train.synth.render import Rendered
from train.synth.shots import SUBJECT
from train.synth.views import View
from train.synth.world import MIRROR_PART, Person

VISIBLE, OCCLUDED, OUTSIDE = (LANDMARK_STATES.index(name) for name in ("visible", "occluded", "outside"))
# So much of the person's own clothes, hair and flesh may lie before a point that still counts as seen.
_OWN_SKIN_M, _OWN_JOINT_M, _OTHER_M = 0.06, 0.14, 0.015
_NEAR_M = 0.05


@dataclass(frozen=True)
class Taken:
    """One finished picture with its labels.

    Attributes:
        image: `h w 3` sRGB; parts: `h w` values of `PARTS`.
        labels: By the names of `skelvid.upgrade.sample.FIELDS`.
        notes: What the format has no label for: clothes, tone, body mass index, kind of place.
    """

    image: UInt8[np.ndarray, "h w 3"]
    parts: UInt8[np.ndarray, "h w"]
    labels: Mapping[str, Any]
    notes: Mapping[str, Any]


def point_names(person: Person) -> tuple[str, ...]:
    """Return the names of the labelled points: joint centres, landmarks of the body, places on the skin."""
    skin = (f"skin_{i:03d}" for i in range(len(person.dense_m)))
    return (*(f"joint_{name}" for name in JOINT_NAMES), *person.landmark_names, *skin)


def points_of(person: Person) -> Float[Tensor, "k 3"]:
    """Return the labelled points, in the order of `point_names`."""
    return torch.cat([person.joints_m, person.landmarks_m, person.dense_m])


@dataclass(frozen=True)
class Root:
    """Where the pelvis is in the world, and where at rest: `3` and `3 3` each, of joints_m and joint_rot."""

    joint_m: Float[Tensor, "3"]
    rot: Float[Tensor, "3 3"]
    rest_joint_m: Float[Tensor, "3"]
    rest_rot: Float[Tensor, "3 3"]


def camera_params(body: SkelBody, params: SkelParams, root: Root, view: View) -> SkelParams:
    """Return parameters, given in the world, in the axes of a camera."""
    q = params.q.clone()
    q[:3] = joint_angles(body, 0, (view.rot @ root.rot @ root.rest_rot.mT)[None])[0]
    return SkelParams(q, params.betas, view.to_camera(root.joint_m) - root.rest_joint_m)


def seen_from(root: Root, view: View) -> dict[str, float]:
    """Return from where a person is seen, in degrees and m.

    `yaw` is 0 from the front, 90 from their left; `pitch` is negative from above; `roll` is the camera's.
    """
    axes = root.rot @ root.rest_rot.mT  # columns: the person's left, up and front
    line = axes.mT @ (view.position_m - root.joint_m)
    look = view.rot[2]
    roll = torch.atan2(view.rot[0, 1], -view.rot[1, 1])
    return {
        "yaw": float(torch.rad2deg(torch.atan2(line[0], line[2]))),
        "pitch": float(torch.rad2deg(torch.asin(look[1].clamp(-1, 1)))),
        "roll": float(torch.rad2deg(roll)),
        "distance": float(line.norm()),
    }


def states(
    person: Person, view: View, drawn: Rendered, number: int, *, frame: tuple[float, float, float, float] | None
) -> UInt8[Tensor, "k"]:
    """Say of each labelled point whether it is seen, hidden or outside.

    Joints and landmarks count as seen when nothing but their own flesh and clothes lies before them.

    Args:
        person: Whose points.
        view: The camera.
        drawn: The batch.
        number: Which of its pictures.
        frame: x0, y0, x1, y1 of what the camera took, where the picture goes beyond it.
    """
    points = points_of(person)
    at = view.project(points)
    height, width = view.size_hw
    x0, y0, x1, y1 = frame or (0.0, 0.0, float(width), float(height))
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
    x, y, depth = at.unbind(1)
    inside = (depth > _NEAR_M) & (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    cover = drawn.cover[number]
    column = (x * cover.shape[1] / width).long().clamp(0, cover.shape[1] - 1)
    row = (y * cover.shape[0] / height).long().clamp(0, cover.shape[0] - 1)
    hit = cover[row, column]
    front = drawn.seen.depth_m[hit.clamp_min(0)]
    mine = drawn.pack.owner[drawn.pack.surface[drawn.seen.face[hit.clamp_min(0)]]] == SUBJECT
    n_skin = len(points) - len(JOINT_NAMES)
    own = torch.cat([torch.full((len(JOINT_NAMES),), _OWN_JOINT_M), torch.full((n_skin,), _OWN_SKIN_M)])
    free = (hit < 0) | (front > depth - torch.where(mine, own, _OTHER_M))
    n_dense = len(person.dense_m)
    towards = (person.dense_normal * (view.position_m - person.dense_m)).sum(1) > 0
    free[-n_dense:] &= towards
    return torch.where(inside, torch.where(free, VISIBLE, OCCLUDED), OUTSIDE).to(torch.uint8)


def part_mask(drawn: Rendered, number: int, size_hw: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Return which part of the labelled person each pixel centre shows."""
    pack = drawn.pack
    values = (drawn.cover[number], drawn.seen.face, pack.surface, pack.owner == SUBJECT, pack.part)
    cover, face, surface, mine, part = (value.cpu().numpy() for value in values)
    return fast_shade.parts(cover, face, surface, mine, part, size_hw)


def label(
    person: Person, body: SkelBody, root: Root, view: View, drawn: Rendered, number: int,
    *, frame: tuple[float, float, float, float] | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the labels of one picture that follow from person and camera; other arguments as of `states`."""
    params = camera_params(body, person.params, root, view)
    points = points_of(person)
    at = view.project(points)
    xy = torch.where(at[:, 2:] > _NEAR_M, at[:, :2], torch.nan)
    return {
        "q": params.q.numpy(),
        "betas": params.betas.numpy(),
        "trans_m": params.trans_m.numpy(),
        "up": view.rot[:, 1].numpy(),
        "focal_px": np.float32(view.focal_px),
        "center_px": np.array(view.center_px, np.float32),
        "size_hw": np.array(view.size_hw, np.int32),
        "box_xyxy": person_box(person, view).numpy(),
        "landmarks_px": xy.numpy(),
        "landmarks_m": view.to_camera(points).numpy(),
        "landmark_state": states(person, view, drawn, number, frame=frame).numpy(),
    }


def person_box(person: Person, view: View) -> Float[Tensor, "4"]:
    """Return x0, y0, x1, y1 of all of a person before the camera, seen or not."""
    around = np.array([np.inf, np.inf, -np.inf, -np.inf])
    for surface in person.surfaces:
        fast_film.box(surface.vertices_m.cpu().numpy(), view.arrays, _NEAR_M, around)
    return torch.as_tensor(around if around[0] < around[2] else np.zeros(4)).float()


def mirror_points(names: tuple[str, ...], rest: Float[Tensor, "k 3"]) -> Int[np.ndarray, "k"]:
    """Return which point lies where each point's mirror image does, or -1 where none does.

    Args:
        names: Of the points.
        rest: The points of a person in the rest pose, left and right along x.
    """
    swap = {"_r": "_l", "_l": "_r"}
    out = np.full(len(names), -1)
    for i, name in enumerate(names):
        if name.startswith("skin_"):
            distance = (rest - rest[i] * rest.new_tensor([-1.0, 1, 1])).norm(dim=1)
            out[i] = int(distance.argmin()) if distance.min() < 0.012 else -1
        else:
            out[i] = names.index(name[:-2] + swap[name[-2:]] if name[-2:] in swap else name)
    return out


def mirrored(taken: Taken, mirror: Int[np.ndarray, "k"]) -> Taken:
    """Return the picture in the mirror, with the labels of the person seen there.

    Args:
        taken: The picture.
        mirror: See `mirror_points`; points without an image become absent.
    """
    old = dict(taken.labels)
    index, sign = mirror_index_and_sign()
    width = float(old["size_hw"][1])
    flip = np.array([-1, 1, 1], np.float32)
    known = mirror >= 0
    xy = np.where(known[:, None], old["landmarks_px"][mirror], np.nan)
    xy[:, 0] = width - xy[:, 0]
    new = old | {
        "q": (old["q"][index] * sign).astype(np.float32),
        "trans_m": old["trans_m"] * flip,
        "up": old["up"] * flip,
        "center_px": np.array([width - old["center_px"][0], old["center_px"][1]], np.float32),
        "box_xyxy": np.array([width, 0, width, 0]) + old["box_xyxy"][[2, 1, 0, 3]] * [-1, 1, -1, 1],
        "landmarks_px": xy,
        "landmarks_m": np.where(known[:, None], old["landmarks_m"][mirror] * flip, np.nan),
        "landmark_state": np.where(known, old["landmark_state"][mirror], 0).astype(np.uint8),
        "contact": old["contact"][[2, 3, 0, 1]],
    }
    swap = np.array(MIRROR_PART, np.uint8)
    return Taken(taken.image[:, ::-1].copy(), swap[taken.parts[:, ::-1]], new, taken.notes)
