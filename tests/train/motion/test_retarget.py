"""Retargeting: motion made with our own body comes back, through cartwheels and crossed arms; people are measured."""

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from train.motion import people
from train.motion.people import _knee_offsets, measure_person
from train.motion.placing import height_of_person, lowest_m, on_floor
from train.motion.retarget import (
    PRIOR,
    continuous,
    fit_clip,
    knee_stop,
    make_target,
    residuals_m,
    tie_points,
)
from train.motion.sources import Capture, Pose
from train.motion.ties import CMU, DEEPMIMIC, UIPRMD

BODY = load_body("neutral")
BETAS = np.array([1.0, -0.5, 0, 0, 0, 0, 0, 0, 0, 0])
FPS = 60.0


def own_offsets(ties) -> np.ndarray:
    return np.array([tie.offset_m for tie in ties])


def captured(ties, q: np.ndarray, betas: np.ndarray = BETAS) -> Capture:
    """Return what a source would have seen of our body."""
    trans = np.array([0.0, 0.95, 0.0]) + np.linspace(0, 1, len(q))[:, None] * [0.0, 0.0, 0.5]
    params = SkelParams(q, betas[None], trans).to_torch()
    points = BODY.skin_points(params, tie_points(BODY, ties, own_offsets(ties))).numpy()
    return Capture(tuple(tie.source for tie in ties), points.astype(float), FPS)


def pose(frames: int, **degrees: float | np.ndarray) -> np.ndarray:
    q = np.zeros((frames, 46))
    for name, values in degrees.items():
        q[:, DOF_INDEX[name]] = np.radians(values)
    return q


def retargeted(ties, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    target = make_target(BODY, ties, captured(ties, q), own_offsets(ties))
    fit = fit_clip(BODY, target, BETAS, FPS)
    return fit.q.numpy(), residuals_m(BODY, target, fit)


def squat(frames: int = 21) -> np.ndarray:
    depth = np.sin(np.linspace(0, np.pi, frames))
    legs = {f"{name}_{side}": most * depth for side in "lr"
            for name, most in (("hip_flexion", 80), ("knee_angle", 95), ("ankle_angle", 20))}  # fmt: skip
    return pose(frames, **legs, pelvis_tilt=-25 * depth, shoulder_r_x=70, shoulder_l_x=-70)


@pytest.mark.parametrize("ties", [CMU, DEEPMIMIC, UIPRMD], ids=["cmu", "deepmimic", "uiprmd"])
def test_a_squat_of_our_body_comes_back(ties):
    q = squat()
    fitted, left_m = retargeted(ties, q)
    # The priors on what points leave open pull the rest by a few degrees at most.
    assert left_m.mean() < 0.005
    for name in ("hip_flexion_r", "knee_angle_l", "ankle_angle_r", "pelvis_tilt"):
        assert np.degrees(np.abs(fitted - q)[:, DOF_INDEX[name]]).max() < 6, name


def test_crossed_arms_are_found():
    arms = {"shoulder_r_x": 55, "shoulder_r_y": -40, "shoulder_r_z": 45, "elbow_flexion_r": 110,
            "shoulder_l_x": -55, "shoulder_l_y": 40, "shoulder_l_z": 45, "elbow_flexion_l": 110}  # fmt: skip
    fitted, left_m = retargeted(UIPRMD, pose(7, **arms))
    assert left_m.mean() < 0.01
    assert np.degrees(fitted[:, DOF_INDEX["elbow_flexion_l"]]) == pytest.approx(110, abs=10)


def test_a_cartwheel_goes_on_through_the_singularity():
    q = pose(61, pelvis_list=np.linspace(0, 360, 61), shoulder_r_x=-60, shoulder_l_x=60)
    fitted, left_m = retargeted(DEEPMIMIC, q)
    assert left_m.mean() < 0.01
    steps = np.degrees(np.abs(np.diff(fitted[:, 3:], axis=0)))
    assert steps.max() < 5


def test_continuous_picks_the_triple_that_goes_on():
    q = torch.zeros((5, 46))
    q[:, 1] = torch.tensor([1.2, 1.5, np.pi - 1.8, np.pi - 2.1, np.pi - 2.4])
    q[2:, 0] = q[2:, 2] = np.pi
    out = continuous(q)
    np.testing.assert_allclose(out[:, 1], [1.2, 1.5, 1.8, 2.1, 2.4], rtol=1e-6)
    np.testing.assert_allclose(out[:, 0], 0, atol=1e-6)


def test_one_wild_arm_does_not_turn_the_arms_of_all_later_frames():
    q = torch.zeros((4, 46))
    q[1, DOF_INDEX["shoulder_l_z"]] = 4.0
    assert float(continuous(q)[2:].abs().max()) == 0


def test_a_person_is_measured_with_the_offsets_of_the_source(monkeypatch):
    monkeypatch.setattr(people, "FRAMES", 50)
    q = np.concatenate([squat(30), pose(40, shoulder_r_x=np.linspace(80, -60, 40), shoulder_l_x=-70, knee_angle_r=5)])
    capture = captured(DEEPMIMIC, q)
    moved = capture.names.index("neck")
    capture.points_m[:, moved] += [0.0, 0.03, 0.0]
    person = measure_person(BODY, "deepmimic", [capture], seed=0)
    rest = [BODY.skeleton(SkelParams(np.zeros(46), b, np.zeros(3)).to_torch()).joints_m for b in (person.betas, BETAS)]
    assert float((rest[0] - rest[1]).norm(dim=-1).max()) < 0.03
    offset = person.offsets_m[moved] - DEEPMIMIC[[tie.source for tie in DEEPMIMIC].index("neck")].offset_m
    assert offset[1] == pytest.approx(0.03, abs=0.015)


def test_markers_that_sit_elsewhere_turn_no_pelvis(monkeypatch):
    monkeypatch.setattr(people, "FRAMES", 50)
    upright = pose(20, shoulder_r_x=70, shoulder_l_x=-70)
    capture = captured(UIPRMD, np.concatenate([upright, squat(30)]))
    tied = [tie.source for tie in UIPRMD]
    shoulders = capture.points_m[:, [tied.index("LSHO"), tied.index("RSHO")]]
    points = np.concatenate([capture.points_m, shoulders], axis=1)
    capture = Capture((*capture.names, "l_shoulder", "r_shoulder"), points, FPS)
    # Hips further below the markers, which sit before where they are expected: as if the pelvis were tilted.
    capture.points_m[:, [tied.index(f"{side}_hip") for side in "lr"]] -= [0.0, 0.015, 0.0]
    capture.points_m[:, [tied.index(f"{side}ASI") for side in "LR"]] += [0.0, 0.0, 0.025]
    capture.points_m[:, [tied.index(f"{side}PSI") for side in "LR"]] += [0.0, 0.0, 0.025]
    person = measure_person(BODY, "uiprmd", [capture], seed=0)
    rows = [tied.index(name) for name in ("LASI", "RASI", "LPSI", "RPSI")]
    moved = (person.offsets_m - own_offsets(UIPRMD))[rows]
    assert np.ptp(moved[:, 1:], axis=0).max() < 1e-6
    fit = fit_clip(BODY, make_target(BODY, UIPRMD, capture, person.offsets_m), person.betas, FPS)
    tilt = np.degrees(fit.q[:20, DOF_INDEX["pelvis_tilt"]].numpy())
    assert np.abs(tilt).max() < 3.0


def test_knees_that_never_straighten_are_taken_for_misplaced():
    standing = captured(CMU, pose(200))
    for side in "lr":
        standing.points_m[:, standing.names.index(f"{side}_knee")] += [0.0, 0.0, 0.04]
    moved_m = [_knee_offsets(kind, CMU, [standing])[:, 2].max() for kind in ("cmu", "deepmimic")]
    # 4 cm before a straight leg of 0.9 m bend it by 11 degrees, within what a standing leg may be bent; our legs at
    # rest add to that or take from it by a few millimetres.
    assert moved_m == [0.0, 0.0]
    for side in "lr":
        standing.points_m[:, standing.names.index(f"{side}_knee")] += [0.0, 0.0, 0.04]
    assert _knee_offsets("cmu", CMU, [standing])[:, 2].max() == pytest.approx(0.036, abs=0.008)


def test_frames_between_fitted_ones_follow_the_motion():
    q = squat(41)
    target = make_target(BODY, DEEPMIMIC, captured(DEEPMIMIC, q), own_offsets(DEEPMIMIC))
    full, half = (fit_clip(BODY, target, BETAS, FPS, every=n) for n in (1, 2))
    assert half.q.shape == full.q.shape
    assert float((half.q - full.q).abs().max()) < np.radians(1.5)


def test_stretch_term_pulls_back_knees_only_beyond_straight():
    q = torch.zeros((1, 46), dtype=torch.float32)
    q[0, DOF_INDEX["knee_angle_r"]], q[0, DOF_INDEX["knee_angle_l"]] = -0.2, 0.5
    term, step = knee_stop(), 1e-3

    def at(rows):
        return term(BODY, SkelParams(rows, torch.zeros((1, 10)), torch.zeros((1, 3))), torch.arange(1))

    moved = q.clone()
    moved[0, DOF_INDEX["knee_angle_r"]] += step
    slope = float(at(moved).cost - at(q).cost) / step
    gradient = at(q).gradient[0]
    assert gradient[DOF_INDEX["knee_angle_r"]] == pytest.approx(slope, rel=0.01)
    assert gradient[DOF_INDEX["knee_angle_l"]] == 0


def test_every_dof_has_a_prior():
    names = [row[0] for row in PRIOR]
    assert all(any(dof.startswith(name) for name in names) for dof in DOF_INDEX)


class TestPlacing:
    def test_a_hovering_body_is_put_on_the_floor(self):
        params = SkelParams(squat(), BETAS[None], np.tile([0.0, 1.1, 0.0], (21, 1)))
        start = lowest_m(BODY, params)
        placed, rise_m = on_floor(BODY, params)
        assert np.percentile(lowest_m(BODY, placed), 2) == pytest.approx(0, abs=1e-6)
        assert rise_m == pytest.approx(-np.percentile(start, 2))

    def test_a_hanging_body_stays(self):
        params = SkelParams(pose(3), BETAS[None], np.tile([0.0, 2.0, 0.0], (3, 1)))
        placed, rise_m = on_floor(BODY, params)
        assert rise_m == 0
        assert placed is params

    def test_a_high_pelvis_makes_a_tall_person(self):
        tall = SkelParams(pose(5), np.array([[1.5, *[0.0] * 9]]), np.zeros((5, 3)))
        height = -lowest_m(BODY, tall)[0]
        betas = height_of_person(BODY, Pose(pose(5), np.tile([0.0, height, 0.0], (5, 1)), FPS))
        assert betas[0] == pytest.approx(1.5, abs=0.02)
