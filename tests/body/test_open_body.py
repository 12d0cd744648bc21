"""Laws of the bodies we ship: joints inside the skin, both sides alike, whatever the shape; fits come back."""

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree

from skelvid.body.dofs import JOINT_NAMES, limits_rad, mirror_index_and_sign, other_side
from skelvid.body.fit import LimitTerm, fit_points, flatten
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams

MIRROR = torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64)


@pytest.fixture(scope="module", params=["open-female", "open-male", "open-neutral"])
def body(request) -> SkelBody:
    return load_body(request.param, dtype=torch.float64)


def shapes(n: int, *, spread: float = 1.0) -> SkelParams:
    betas = spread * np.random.default_rng(0).normal(0, 1, (n, 10)).clip(-2, 2)
    return SkelParams(np.zeros((n, 46)), betas, np.zeros((n, 3))).to_torch(dtype=torch.float64)


def winding_number(points: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """Return how often closed surfaces `b f 3 3` wind around points `b k 3` (van Oosterom and Strackee 1983)."""
    a, b, c = (corners[:, None, :, i] - points[:, :, None] for i in range(3))
    la, lb, lc = (v.norm(dim=-1) for v in (a, b, c))
    triple = (a * torch.linalg.cross(b, c)).sum(-1)
    rest = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return torch.atan2(triple, rest).sum(-1) / (2 * torch.pi)


def test_joints_lie_inside_the_skin_for_100_random_shapes(body):
    faces = torch.as_tensor(body.assets.skin_faces.astype(np.int64))
    mine = shapes(102)[["female", "male", "neutral"].index(body.assets.sex) :: 3]
    for start in range(0, len(mine.q), 2):
        posed = body(mine[start : start + 2])
        inside = winding_number(posed.joints_m.float(), posed.skin_m[:, faces].float())
        assert [JOINT_NAMES[j] for j in torch.nonzero(inside < 0.5)[:, 1]] == []


def test_skin_is_mirrored_at_every_shape(body):
    for skin in body(shapes(5)).to_numpy().skin_m:
        distance_m, _ = KDTree(skin).query(skin * [-1, 1, 1])
        assert distance_m.max() < 5e-4


def test_mirrored_pose_gives_mirrored_joints_and_landmarks(body):
    lower, upper = limits_rad()
    draw = np.random.default_rng(1).uniform(np.maximum(lower, -1), np.minimum(upper, 1), (8, 46))
    params = SkelParams(torch.as_tensor(draw), shapes(8).betas, torch.zeros(8, 3))
    index, sign = (torch.as_tensor(v) for v in mirror_index_and_sign())
    one, two = body.skeleton(params), body.skeleton(SkelParams(params.q[:, index] * sign, params.betas, params.trans_m))
    joint = [JOINT_NAMES.index(other_side(name)) for name in JOINT_NAMES]
    landmark = [body.landmark_names.index(other_side(name)) for name in body.landmark_names]
    torch.testing.assert_close(one.joints_m[:, joint] * MIRROR, two.joints_m, atol=2e-5, rtol=0)
    torch.testing.assert_close(one.landmarks_m[:, landmark] * MIRROR, two.landmarks_m, atol=2e-4, rtol=0)


def test_hip_knee_and_ankle_are_in_line_at_rest(body):
    joints = dict(zip(JOINT_NAMES, body.assets.joints_m.astype(float), strict=True))
    for side in ("r", "l"):
        thigh = joints[f"tibia_{side}"] - joints[f"femur_{side}"]
        shank = joints[f"talus_{side}"] - joints[f"tibia_{side}"]
        sagittal = [np.degrees(np.arctan2(v[2], -v[1])) for v in (thigh, shank)]
        assert abs(sagittal[0] - sagittal[1]) < 1.0


def test_first_beta_is_taller(body):
    skin = body(
        SkelParams(torch.zeros(2, 46), torch.eye(10)[:2] * torch.tensor([[2.0], [0.0]]), torch.zeros(2, 3))
    ).skin_m
    height = skin[..., 1].amax(1) - skin[..., 1].amin(1)
    assert float(height[0] - height[1]) > 0.05


def test_bones_and_landmarks_are_there(body):
    assert len(body.landmark_names) >= 60
    bones = body.assets.bones
    assert 15_000 < len(bones.template_m) <= 25_000
    assert {"skull", "jaw", "sternum", "patella_r", "patella_l", "femur_r"} <= set(bones.part_names)


def test_noise_free_bodies_come_back(body):
    lower, upper = limits_rad()
    rng = np.random.default_rng(2)
    q = 0.7 * rng.uniform(np.maximum(lower, -1.5), np.minimum(upper, 1.5), (4, 46))
    truth = SkelParams(q, shapes(4).betas, np.ones((4, 3))).to_torch(dtype=torch.float64)
    vertex = rng.choice(len(body.assets.skin_template_m), 597, replace=False)[:, None]
    points = body.points(vertex, np.ones_like(vertex, dtype=float))
    fit = fit_points(body, body.skin_points(truth, points), points, terms=[LimitTerm()])
    torch.testing.assert_close(flatten(fit.params), flatten(truth), atol=1e-6, rtol=0)
