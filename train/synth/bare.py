"""People without clothes, hair or assets: the open body itself. For tests, timings and machines without the assets."""

from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.dofs import JOINT_NAMES
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from train.synth.world import PARTS, Looks, Material, Person, Surface

N_DENSE = 96
_PART_OF = {
    "pelvis": "torso", "lumbar_body": "torso", "thorax": "torso", "scapula": "torso", "head": "head",
    "femur": "thigh", "tibia": "shank", "talus": "foot", "calcn": "foot", "toes": "foot",
    "humerus": "upper_arm", "ulna": "forearm", "radius": "forearm", "hand": "hand",
}  # fmt: skip


def part_of_joint(joint: str) -> int:
    """Return the number in `PARTS` of what a joint moves."""
    stem, _, side = joint.rpartition("_") if joint.endswith(("_r", "_l")) else (joint, "", "")
    name = _PART_OF[stem]
    return PARTS.index(name if name in PARTS else f"{name}_{side}")


class BareActor:
    """One person, and how to pose them.

    Args:
        body: The open body.
        identity: Seed of shape and tone.
    """

    def __init__(self, body: SkelBody, identity: int) -> None:
        g = torch.Generator().manual_seed(identity)
        self.body = body
        self.betas: Float[Tensor, "10"] = torch.randn(10, generator=g).clamp(-2, 2)
        tone = torch.rand(1, generator=g)
        colour = torch.tensor([236.0, 200, 175]) * (1 - tone) + torch.tensor([70.0, 45, 35]) * tone
        noise = 1 + 0.06 * torch.randn((64, 64, 1), generator=g)
        self._texture = torch.full((64, 64, 4), 255, dtype=torch.uint8)
        self._texture[..., :3] = (colour * noise).clamp(0, 255).to(torch.uint8)
        self.looks = Looks(identity, body.assets.sex, 40.0, 1.7, 24.0, 1 + 9 * float(tone), ("bare",), 0.0)

    def pose(self, q: Float[Tensor, "46"], trans_m: Float[Tensor, "3"]) -> Person:
        """Return the person in a pose."""
        params = SkelParams(q, self.betas, trans_m)
        points = self.body(params)
        skin: Float[Tensor, "v 3"] = torch.as_tensor(points.skin_m)
        surface = Surface(
            skin, self._faces, self._uv, self._texture, Material(roughness=0.55, subsurface=0.5), self._part,
            torch.full((len(skin),), 0.15), "skin",
        )  # fmt: skip
        return Person(
            (surface,), self.looks, params, points.joints_m, self.body.landmark_names, points.landmarks_m,
            skin[self._dense], self._normals(skin)[self._dense],
        )  # fmt: skip

    @cached_property
    def _faces(self) -> Int[Tensor, "f 3"]:
        return torch.as_tensor(self.body.assets.skin_faces.astype(np.int64))

    @cached_property
    def _uv(self) -> Float[Tensor, "v 2"]:
        return torch.as_tensor(self.body.assets.skin_template_m[:, :2]).float().contiguous()

    @cached_property
    def _part(self) -> Tensor:
        of_joint = torch.tensor([part_of_joint(name) for name in JOINT_NAMES], dtype=torch.uint8)
        return of_joint[torch.as_tensor(self.body.assets.main_joint.astype(np.int64))][self._faces[:, 0]]

    @cached_property
    def _dense(self) -> Int[Tensor, "k"]:
        """Choose vertices far from each other."""
        points = torch.as_tensor(self.body.assets.skin_template_m).float()
        chosen, distance = [0], torch.full((len(points),), torch.inf)
        for _ in range(N_DENSE - 1):
            distance = torch.minimum(distance, (points - points[chosen[-1]]).norm(dim=1))
            chosen.append(int(distance.argmax()))
        return torch.tensor(chosen)

    def _normals(self, skin: Float[Tensor, "v 3"]) -> Float[Tensor, "v 3"]:
        a, b, c = skin[self._faces.flatten()].view(-1, 3, 3).unbind(1)
        across = torch.linalg.cross(b - a, c - a)
        out = torch.zeros_like(skin)
        for corner in range(3):
            out.index_add_(0, self._faces[:, corner], across)
        return torch.nn.functional.normalize(out, dim=1)
