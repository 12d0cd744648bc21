"""A posed skeleton in; strokes on a picture out, what is nearer over what is farther."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.skel import BodyPoints
from skelvid.draw.chart import BRIGHT, Side, side_of
from skelvid.draw.ink import Picture, stroke
from skelvid.geometry.camera import project

# What a stroke joins, by the names of joints and landmarks; "*" stands for each side.
_BONES = (
    *(("pelvis", "lumbar_body"), ("lumbar_body", "thorax"), ("thorax", "head"), ("head", "head_top")),
    *(("pelvis", "femur_*"), ("femur_*", "tibia_*"), ("tibia_*", "talus_*")),
    *(("talus_*", "heel_*"), ("heel_*", "toes_*"), ("talus_*", "toes_*"), ("toes_*", "big_toe_*")),
    *(("thorax", "scapula_*"), ("scapula_*", "humerus_*"), ("humerus_*", "ulna_*"), ("ulna_*", "hand_*")),
    ("hand_*", "middle_tip_*"),
)
# Sizes in px at 1280 x 720; others follow.
_RADIUS_M, _RADIUS_PX, _EDGE_PX = 0.010, (1.2, 5.0), 1.2


@dataclass(frozen=True)
class Bones:
    """The strokes of a skeleton.

    Attributes:
        points: `p` which of a body's joints, followed by its landmarks, strokes join.
        ends: `b 2` which of these each stroke joins.
        sides: b sides of the body.
    """

    points: Int[np.ndarray, "p"]
    ends: Int[np.ndarray, "b 2"]
    sides: tuple[Side, ...]

    def pick(self, body: BodyPoints) -> Float[np.ndarray, "*b p 3"]:
        """Return the points that strokes join, m, in the body's frame."""
        return np.concatenate([body.joints_m, body.landmarks_m], -2)[..., self.points, :].astype(np.float64)


def make_bones(landmark_names: Sequence[str]) -> Bones:
    """Return the strokes for a body with these landmarks; those that lack an end are left out."""
    names = [*JOINT_NAMES, *landmark_names]
    sided = [tuple(end.replace("*", side) for end in pair) for pair in _BONES for side in "rl"]
    pairs = [pair for pair in dict.fromkeys(sided) if all(end in names for end in pair)]
    used = sorted({names.index(end) for pair in pairs for end in pair})
    ends = np.array([[used.index(names.index(end)) for end in pair] for pair in pairs])
    return Bones(np.array(used), ends, tuple(side_of(pair[1]) for pair in pairs))


def draw_bones(film: Picture, bones: Bones, points_m: Float[np.ndarray, "p 3"], camera: Camera, *, unit: float) -> None:
    """Draw the skeleton over the picture that a camera took; `unit` is 1 for a picture of 1280 x 720."""
    xy, depth_m = project(points_m, camera)[bones.ends], points_m[bones.ends, 2].mean(1)
    least, most = (radius * unit for radius in _RADIUS_PX)
    radius_px = np.clip(_RADIUS_M * camera.focal_px / depth_m, least, most)
    for bone in np.argsort(-depth_m):  # what is nearer covers what is farther
        color = BRIGHT[bones.sides[bone]]
        stroke(film, xy[bone], color, radius_px=float(radius_px[bone]), edge_px=_EDGE_PX * unit)
