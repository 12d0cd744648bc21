"""Windows of motion become what the network sees and what it should say: one function that joins library and noise."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from skelvid.body.dofs import DOFS, JOINT_INDEX, joint_dofs
from skelvid.body.keypoints import keypoint_meaning
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.lift_input import SLOTS, LiftInput, make_input
from skelvid.motion.lift_network import BALLS
from train.lift.cameras import draw_views
from train.lift.library import Library, Window, draw_windows
from train.lift.noise import SOURCES, observe, source_slots

_LEFT_OF, _FRONT = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
CONTACT_LANDMARKS = ("heel_r", "big_toe_r", "heel_l", "big_toe_l")
# A part of the foot bears weight when it is this near to the floor, and this slow.
_CONTACT_HEIGHT_M, _CONTACT_SPEED_M_S = 0.05, 0.3

Offsets = Callable[[str, tuple[str, ...]], tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Target:
    """The truth about a batch of windows.

    Attributes:
        q: `b t 46`; betas: `b 10`; ball_rot: `b t 3 3 3` as in `Lifted`.
        joints_m, joint_rot: `b t 24 3`, `b t 24 3 3` of the body with its pelvis at rest (about the pelvis joint).
        contact: `b t 4` 0 or 1; up: `b t 3` in the virtual camera.
        inside: `b t` frames that count.
    """

    q: Float[Tensor, "b t 46"]
    betas: Float[Tensor, "b 10"]
    ball_rot: Float[Tensor, "b t 3 3 3"]
    joints_m: Float[Tensor, "b t 24 3"]
    joint_rot: Float[Tensor, "b t 24 3 3"]
    contact: Float[Tensor, "b t 4"]
    up: Float[Tensor, "b t 3"]
    inside: Bool[Tensor, "b t"]


@dataclass(frozen=True)
class Film:
    """What a source tells of a batch of windows.

    Attributes:
        rays: `b t k 2` of the points of `SLOTS`, by the focal length that is assumed; score: `b t k`, 0 = missing.
        time_s: `b t`.
        pelvis_m: `b t 3` where the pelvis joint is, in the camera.
        truth: Turns of the pelvis (the first ball) and `up` are those in the camera.
    """

    rays: Float[Tensor, "b t k 2"]
    score: Float[Tensor, "b t k"]
    time_s: Float[Tensor, "b t"]
    pelvis_m: Float[Tensor, "b t 3"]
    truth: Target


class Scenes:
    """Draws batches for the lifter.

    Args:
        body: The body.
        library: What moves.
        offsets: See `train.lift.offsets.offset_m`.
        vary: Also bend the poses, for training.
    """

    def __init__(self, body: SkelBody, library: Library, offsets: Offsets, *, vary: bool) -> None:
        self.body, self.library, self.vary = body, library, vary
        index = dict(JOINT_INDEX) | {name: len(JOINT_INDEX) + i for i, name in enumerate(body.landmark_names)}
        self._mix = torch.zeros((len(SLOTS), len(index)))
        for row, slot in zip(self._mix, SLOTS, strict=True):
            for part, share in keypoint_meaning(slot).items():
                row[index[part]] = share
        self._frame = self.pelvis_frame(body)
        self._feet = [body.landmark_names.index(name) for name in CONTACT_LANDMARKS]
        self._sources = list(SOURCES)
        self._odds = torch.tensor([SOURCES[s] for s in self._sources])
        self._known = torch.stack([source_slots(s) for s in self._sources])
        tables = [offsets(source, SLOTS) for source in self._sources]
        self._offset_mean, self._offset_sd, self._offset_joint = (
            torch.stack(list(v)) for v in zip(*tables, strict=True)
        )

    @staticmethod
    def pelvis_frame(body: SkelBody) -> Float[Tensor, "3 3"]:
        """Return the axes in which the pelvis turns, as columns in those of the template."""
        align = torch.as_tensor(body.assets.apose_rel_transfo[0, :3, :3], dtype=torch.float32)
        return body.skeleton_constants.learned_rot[0] @ align.mT

    def draw(self, batch: int, frames: int, generator: torch.Generator) -> tuple[LiftInput, Target]:
        """Draw a batch of windows as the network sees them, the truth in its virtual cameras."""
        film = self.film(batch, frames, generator)
        given, truth = make_input(film.rays, film.score, film.time_s), film.truth
        root = (given.view_rot @ truth.ball_rot[:, :, 0])[:, :, None]
        up = (given.view_rot @ truth.up[..., None])[..., 0]
        return given, replace(truth, ball_rot=torch.cat([root, truth.ball_rot[:, :, 1:]], 2), up=up)

    @torch.no_grad()
    def film(self, batch: int, frames: int, generator: torch.Generator) -> Film:
        """Draw a batch of windows as a source of keypoints tells of them."""
        g = generator
        window = draw_windows(self.library, batch=batch, frames=frames, generator=g, vary=self.vary)
        still = window.q.clone()
        still[..., :3] = 0.0
        points = self.body.skeleton(_params(still, window.betas))
        root = self._frame @ joint_rotation(window.q, "pelvis") @ self._frame.mT
        pelvis = points.joints_m[:, :, :1]
        trans = self._walk(window)
        source = torch.multinomial(self._odds, batch, replacement=True, generator=g)
        seen = torch.einsum("kp,btpx->btkx", self._mix, torch.cat([points.joints_m, points.landmarks_m], 2))
        seen = seen + self._misplace(points.joint_rot, source, g)

        def place(local: Tensor) -> Tensor:
            return torch.einsum("btij,btkj->btki", root, local - pelvis) + trans[:, :, None]

        middle = frames // 2
        facing = (root[:, middle] @ _FRONT) * torch.tensor([1.0, 0.0, 1.0])
        views = draw_views(trans, facing, g)

        def view(points_m: Tensor) -> Tensor:
            return torch.einsum("btij,btkj->btki", views.rot, points_m - views.position_m[:, :, None])

        rays, score = observe(view(place(seen)), window.time_s, self._known[source], g)
        balls = torch.stack([views.rot @ root, *(joint_rotation(window.q, ball) for ball in BALLS[1:])], 2)
        feet = place(points.landmarks_m[:, :, self._feet])
        contact = find_contact(feet, window.time_s, floor_m=feet[..., 1].amin((1, 2), keepdim=True)).float()
        truth = Target(
            window.q, window.betas, balls, points.joints_m - pelvis, points.joint_rot, contact,
            views.rot[..., 1], window.inside,
        )  # fmt: skip
        rays = rays / views.focal_error[:, None, None, None]
        return Film(rays, score * window.inside[..., None], window.time_s, view(trans[:, :, None])[:, :, 0], truth)

    def _walk(self, window: Window) -> Float[Tensor, "b t 3"]:
        """Return the path of the pelvis, scaled to the new body's legs."""
        rest = torch.zeros((len(window.q), 1, 46))
        new, old = (
            self.body.skeleton(_params(rest, betas)).joints_m[:, 0] for betas in (window.betas, window.source_betas)
        )
        leg = [j[:, JOINT_INDEX["femur_r"], 1] - j[:, JOINT_INDEX["calcn_r"], 1] for j in (new, old)]
        path = (window.trans_m + old[:, None, 0]) * (leg[0] / leg[1])[:, None, None]
        return path - path.mean(1, keepdim=True) * torch.tensor([1.0, 0.0, 1.0])

    def _misplace(self, joint_rot: Tensor, source: Tensor, g: torch.Generator) -> Float[Tensor, "b t k 3"]:
        """Return where the source means its points to be, relative to ours, for each person anew."""
        mean, sd, joint = (v[source] for v in (self._offset_mean, self._offset_sd, self._offset_joint))
        offset = mean + sd * torch.randn(mean.shape, generator=g)
        rot = torch.gather(joint_rot, 2, joint[:, None, :, None, None].expand(-1, joint_rot.shape[1], -1, 3, 3))
        return torch.einsum("btkij,bkj->btki", rot, offset)


def _params(q: Tensor, betas: Float[Tensor, "b 10"]) -> SkelParams:
    return SkelParams(q, betas[:, None].expand(*q.shape[:-1], -1), q.new_zeros((*q.shape[:-1], 3)))


def joint_rotation(q: Float[Tensor, "*b 46"], joint: str) -> Float[Tensor, "*b 3 3"]:
    """Return the product of a joint's rotations about its fixed axes, first DoF first."""
    out = torch.eye(3)
    for index in joint_dofs(joint):
        axis = torch.tensor(DOFS[index].axis)
        cross = torch.linalg.cross(axis.expand(3, 3), torch.eye(3), dim=-1).mT
        angle = q[..., index, None, None]
        out = (torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)) @ out
    return out


def find_contact(
    feet_m: Float[Tensor, "b t 4 3"], time_s: Float[Tensor, "b t"], *, floor_m: Float[Tensor, "b 1 1"] | float
) -> Bool[Tensor, "b t 4"]:
    """Return which of `CONTACT_LANDMARKS`, y up, rest on a floor at this height."""
    speed = torch.diff(feet_m, dim=1).norm(dim=-1) / torch.diff(time_s, dim=1)[..., None]
    speed = torch.cat([speed[:, :1], torch.minimum(speed[:, 1:], speed[:, :-1]), speed[:, -1:]], 1)
    return (feet_m[..., 1] - floor_m < _CONTACT_HEIGHT_M) & (speed < _CONTACT_SPEED_M_S)
