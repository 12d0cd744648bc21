"""The whole skeleton in the shipped neutral body; slow, since every bone is drawn anew."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import KDTree

from skelvid.body.assets import dense_weights, load_assets
from tests.train.body.bones.closed import assert_closed, winding_number
from train.body.bones import Bones, build_bones
from train.body.bones.skin import Skin

BODY = Path(__file__).parents[4] / "checkpoints" / "skel_open_neutral.npz"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def assets():
    if not BODY.exists():
        pytest.skip(f"{BODY.name} is not built yet")
    return load_assets(BODY)


@pytest.fixture(scope="module")
def bones(assets) -> Bones:
    skin = assets.skin_template_m
    points = (assets.landmark_weight[..., None] * skin[assets.landmark_vertex]).sum(1)
    landmarks = dict(zip(assets.landmark_names, points, strict=True))
    weights = dense_weights(assets.skin_weight_joint, assets.skin_weight)
    joints, frames = assets.joints_m, assets.per_joint_rot
    return build_bones(joints, skin, assets.skin_faces, landmarks, frames, skin_weights=weights)


def test_is_light(bones):
    assert 20_000 < len(bones.vertices_m) <= 25_000


def test_every_part_is_closed(bones):
    for index, name in enumerate(bones.part_names):
        mine = bones.part == index
        faces = bones.faces[mine[bones.faces].all(1)]
        assert len(faces), name
        assert_closed(bones.vertices_m[mine].astype(float), faces - faces.min())


def test_lies_inside_the_skin(bones, assets):
    points, skin = bones.vertices_m.astype(float), assets.skin_template_m.astype(float)
    depth, _ = Skin(skin, assets.skin_faces).shell.depth(points)
    doubtful = depth < 0.002  # the nearest surface misleads behind lips and lids
    inside = winding_number(points[doubtful], skin, assets.skin_faces) > 0.5
    out = np.flatnonzero(doubtful)[~inside]
    assert len(out) <= 0.005 * len(points)
    assert np.abs(depth[out]).max(initial=0) < 0.002


def test_left_mirrors_right(bones):
    for name in bones.part_names:
        if name.endswith("_l"):
            left = bones.vertices_m[bones.part == bones.part_names.index(name)]
            right = bones.vertices_m[bones.part == bones.part_names.index(f"{name[:-2]}_r")]
            assert np.array_equal(left * np.array([-1, 1, 1], np.float32), right)


def test_midline_bones_are_symmetric(bones):
    for name in ("skull", "jaw", "sternum", "sacrum", "t6", "l3"):
        mine = bones.vertices_m[bones.part == bones.part_names.index(name)]
        gap, _ = KDTree(mine).query(mine * np.array([-1, 1, 1], np.float32))
        assert gap.max() < 1e-6, name


def test_weights_and_frames(bones, assets):
    assert (bones.weight.sum(1, dtype=np.float32) == 1).all()
    assert (bones.weight >= 0).all()
    frame, origin = assets.per_joint_rot[bones.joint], assets.joints_m[bones.joint]
    back = np.einsum("vij,vj->vi", frame, bones.local_m) + origin
    assert back == pytest.approx(bones.vertices_m, abs=1e-6)


def test_unknown_sex_is_an_error(assets):
    with pytest.raises(ValueError, match="sex must be one of"):
        build_bones(assets.joints_m, assets.skin_template_m, assets.skin_faces, {}, assets.per_joint_rot, sex="other")
