"""Landmarks carried from one body to another land where that body's own are."""

from dataclasses import replace

import numpy as np

from skelvid.body.load import load_body_assets
from skelvid.body.transfer import nearest_on_skin, transfer_landmarks


def test_landmarks_of_one_sex_land_on_those_of_the_other():
    female, male = load_body_assets("open-female"), load_body_assets("open-male")
    bare = replace(
        male, landmark_names=(), landmark_vertex=male.landmark_vertex[:0], landmark_weight=male.landmark_weight[:0]
    )
    carried = transfer_landmarks(female, bare)
    assert carried.landmark_names == male.landmark_names
    error_m = np.linalg.norm(carried.landmarks_m - male.landmarks_m, axis=1)
    assert np.median(error_m) < 0.012
    assert error_m.max() < 0.05


def test_landmarks_return_to_their_own_body():
    body = load_body_assets("open-neutral")
    error_m = np.linalg.norm(transfer_landmarks(body, body).landmarks_m - body.landmarks_m, axis=1)
    assert np.median(error_m) < 1e-6
    assert error_m.max() < 5e-3  # the eye's centre lies between the lids, not on the skin


def test_nearest_on_skin_beats_every_vertex(toy_assets, rng):
    points = toy_assets.joints_m + rng.normal(0, 0.03, (24, 3))
    vertex, weight = nearest_on_skin(toy_assets, points)
    found = np.einsum("lk,lkc->lc", weight, toy_assets.skin_template_m[vertex])
    to_vertices = np.linalg.norm(points[:, None] - toy_assets.skin_template_m, axis=-1).min(1)
    assert (np.linalg.norm(found - points, axis=1) <= to_vertices + 1e-6).all()
    assert (weight >= -1e-9).all()
    np.testing.assert_allclose(weight.sum(1), 1)
