"""The shipped body files hold what the card promises."""

from pathlib import Path

import numpy as np
import pytest

from skelvid.body.assets import load_assets
from skelvid.body.dofs import JOINT_NAMES
from train.body import landmarks, topology, zeros
from train.body.regroup import MAX_INFLUENCES, mirrored_joint
from train.body.source import mirror_map

FOLDER = Path(__file__).parents[3] / "checkpoints"


@pytest.fixture(scope="module", params=["female", "male", "neutral"])
def assets(request):
    return load_assets(FOLDER / f"skel_open_{request.param}.npz")


def test_skin_is_closed_and_its_faces_point_out(assets):
    assert topology.boundary_loops(assets.skin_faces) == []
    a, b, c = (assets.skin_template_m[assets.skin_faces[:, k]].astype(float) for k in range(3))
    volume = np.einsum("fi,fi->", np.cross(a, b), c) / 6
    assert 0.04 < volume < 0.12


def test_template_shapes_weights_and_joints_are_mirrored(assets):
    mirror, flip = mirror_map(assets.skin_template_m.astype(float)), np.array([-1.0, 1, 1])
    np.testing.assert_allclose(assets.shapedirs_m[mirror] * flip[:, None], assets.shapedirs_m, atol=1e-6)
    np.testing.assert_allclose(assets.joints_m[mirrored_joint()] * flip, assets.joints_m, atol=1e-6)
    dense = np.zeros((len(mirror), 24))
    np.put_along_axis(dense, assets.skin_weight_joint.astype(int), assets.skin_weight.astype(float), axis=1)
    np.testing.assert_allclose(dense[mirror][:, mirrored_joint()], dense, atol=1e-4)


def test_weights_are_few_and_sum_to_one_exactly(assets):
    assert assets.skin_weight.shape[1] <= MAX_INFLUENCES
    assert (assets.skin_weight.sum(axis=1, dtype=np.float32) == 1).all()
    assert assets.skin_weight.min() >= 0
    assert assets.joint_weight.min() >= 0


def test_limbs_are_straight_and_the_pelvis_is_the_origin(assets):
    at = dict(zip(JOINT_NAMES, assets.joints_m, strict=True))
    np.testing.assert_allclose(at["pelvis"], 0, atol=1e-5)
    for chain in (("femur_r", "tibia_r", "talus_r"), ("humerus_l", "ulna_l", "hand_l")):
        a, b, c = (at[name] for name in chain)
        turn = np.linalg.norm(np.cross(b - a, c - b)) / np.linalg.norm(b - a) / np.linalg.norm(c - b)
        assert np.rad2deg(turn) < 0.2, chain
    assert abs((at["tibia_r"] - at["femur_r"])[2]) < 5e-4
    assert abs((at["hand_l"] - at["humerus_l"])[1]) < 5e-4


def test_landmarks_resolve_to_the_tables(assets):
    mirror = mirror_map(assets.skin_template_m.astype(float))
    expected = landmarks.resolve(assets.base_vertex, mirror)
    assert assets.landmark_names == tuple(expected)
    for name, vertex, weight in zip(assets.landmark_names, assets.landmark_vertex, assets.landmark_weight, strict=True):
        np.testing.assert_array_equal(vertex, expected[name][0])
        np.testing.assert_allclose(weight, expected[name][1], atol=1e-6)


def test_landmarks_stand_where_their_names_say(assets):
    points = np.einsum("lk,lkc->lc", assets.landmark_weight, assets.skin_template_m[assets.landmark_vertex])
    at = dict(zip(assets.landmark_names, points, strict=True))
    height = np.ptp(assets.skin_template_m[:, 1])
    up = {name: (p[1] - assets.skin_template_m[:, 1].min()) / height for name, p in at.items()}
    assert up["head_top"] > up["eye_r"] > up["nose"] > up["mouth_r"] > up["chin"] > up["sternal_notch"] > up["xiphoid"]
    assert up["asis_r"] > up["greater_trochanter_r"] > up["knee_lat_r"] > up["tibial_tuberosity_r"] > up["ankle_lat_r"]
    assert at["thumb_tip_l"][2] > at["index_tip_l"][2] > at["middle_tip_l"][2] > at["pinky_tip_l"][2]
    assert at["wrist_rad_l"][2] > at["wrist_uln_l"][2]
    assert at["elbow_lat_l"][1] > at["elbow_med_l"][1]
    assert at["knee_lat_l"][0] > at["knee_med_l"][0] > 0
    assert at["mtp5_l"][0] > at["mtp1_l"][0] > 0
    assert at["big_toe_l"][2] > at["small_toe_l"][2] > at["mtp5_l"][2] > at["heel_l"][2]
    assert at["eye_outer_l"][0] > at["eye_l"][0] > at["eye_inner_l"][0] > 0
    assert at["c7"][2] < at["sternal_notch"][2]
    assert at["psis_r"][2] < at["asis_r"][2]


def test_the_t_pose_is_the_zero_posture(assets):
    points = assets.skin_template_m.astype(float)[None]
    marks = {
        name: (vertex, weight.astype(float))
        for name, vertex, weight in zip(
            assets.landmark_names, assets.landmark_vertex, assets.landmark_weight, strict=True
        )
    }
    joints = {name: joint[None].astype(float) for name, joint in zip(JOINT_NAMES, assets.joints_m, strict=True)}
    turns = zeros.turns_to_zero(points, marks, joints)
    for turn in (*turns.knee.values(), *turns.foot.values(), turns.pelvis_forward):
        assert abs(np.rad2deg(turn[0])) < 0.3
    assert abs(turns.shoulders_back_m[0]) < 2e-3
