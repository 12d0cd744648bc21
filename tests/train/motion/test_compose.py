"""Composed motion: planted feet stay, weight is over them, joints do what they are told, scores keep their times."""

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX, JOINT_NAMES, limits_rad
from skelvid.body.load import load_body
from skelvid.datatypes.motion import CONTACT_POINTS
from skelvid.datatypes.skel import SkelParams
from train.motion.compose import arm_degrees, perform
from train.motion.planted import mass_shares
from train.motion.score import SIDES, Channels, Person, Score, draw_person

FPS = 60.0


@pytest.fixture(scope="module")
def body():
    return load_body("neutral", dtype=torch.float64)


@pytest.fixture
def person():
    return draw_person(0, 1)


def play(body, person: Person, score: Score, **options):
    time_s = np.arange(0, score.now, 1 / FPS)
    return perform(body, person, score.sample(time_s), time_s, np.random.default_rng(1), **options)


def place_m(body, take, name):
    with torch.no_grad():
        posed = body.skeleton(take.params.to_torch(dtype=torch.float64))
    if name == "com":
        return np.einsum("j,tjc->tc", mass_shares(), posed.joints_m.numpy())
    return posed.landmarks_m.numpy()[:, body.landmark_names.index(name)]


@pytest.fixture(scope="module")
def squatting(body):
    person = draw_person(0, 1)
    score = Score(np.random.default_rng(0), person.posture)
    score.wait(0.5)
    score.move(1.0, {f"knee_angle_{side}": 100.0 for side in SIDES}, pelvis_tilt=-30.0)
    score.wait(0.5)
    score.home(1.0)
    return play(body, person, score)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("part", ["heel_sole", "mtp1", "mtp5"])
def test_the_soles_of_a_squat_neither_slide_nor_sink(body, squatting, part, side):
    place = place_m(body, squatting, f"{part}_{side}")
    assert np.abs(place - place.mean(0)).max() < 0.004  # skin over bone: the bones themselves move less than 1 mm
    assert squatting.contact.min() == 1.0


def test_a_squat_is_as_deep_as_asked_and_balanced(body, squatting):
    knees = np.degrees(squatting.params.q[:, [DOF_INDEX[f"knee_angle_{side}"] for side in SIDES]])
    assert knees.max(0) == pytest.approx(100.0, abs=8.0)  # wishes, with the unrest of a person
    heel, toe, com = (place_m(body, squatting, name)[:, 2] for name in ("heel_sole_r", "big_toe_r", "com"))
    assert (com > heel + 0.02).all()
    assert (com < toe - 0.05).all()


def test_a_squat_moves_pelvis_and_spine_apart(squatting):
    q = np.degrees(squatting.params.q)
    assert np.ptp(q[:, DOF_INDEX["pelvis_tilt"]]) > 15
    assert np.ptp(q[:, DOF_INDEX["lumbar_extension"]]) < 5


def test_heels_rise_over_toes_that_stay(body, person):
    score = Score(np.random.default_rng(0), person.posture)
    score.move(0.6, {f"foot_{side}_pitch": 35.0 for side in SIDES})
    score.wait(0.5)
    take = play(body, person, score)
    heel, ball = place_m(body, take, "heel_sole_r"), place_m(body, take, "mtp1_r")
    assert heel[-1, 1] - heel[0, 1] > 0.05
    assert np.abs(ball - ball[0]).max() < 0.006
    columns = [CONTACT_POINTS.index(name) for name in ("heel_r", "toes_r")]
    np.testing.assert_array_equal(take.contact[[0, -1]][:, columns], [[1, 1], [0, 1]])


def test_a_free_leg_does_exactly_what_it_is_told(body, person):
    score = Score(np.random.default_rng(0), {**person.posture, "load_r": 1.0})
    score.move(0.4, foot_l_pin=0.0, hip_flexion_l=40.0, knee_angle_l=70.0)
    score.wait(0.6)
    take = play(body, person, score)
    hip, knee = (np.degrees(take.params.q[-1, DOF_INDEX[name]]) for name in ("hip_flexion_l", "knee_angle_l"))
    assert (hip, knee) == pytest.approx((40.0, 70.0), abs=4.0)
    assert take.contact[-1].tolist() == [1, 1, 0, 0]


def test_flight_is_ballistic_and_nothing_bears(body, person):
    high_m, flight_s = 0.2, 2 * np.sqrt(2 * 0.2 / 9.81)
    score = Score(np.random.default_rng(0), person.posture)
    score.wait(0.2)
    score.fly(SIDES, high_m, flight_s)
    score.wait(flight_s / score.tempo + 0.2)
    take = play(body, person, score, smooth_s=0.0)
    heel = place_m(body, take, "heel_sole_l")[:, 1]
    assert heel.max() - heel[0] == pytest.approx(high_m, abs=0.004)
    fall = np.diff(heel, 2)[15 : 12 + int(flight_s * FPS) - 4] * FPS**2
    assert np.median(fall) == pytest.approx(-9.81, abs=0.1)
    assert take.contact[12 + int(flight_s * FPS / 2)].max() == 0


def test_limits_hold(body, person):
    score = Score(np.random.default_rng(0), person.posture)
    score.move(0.5, lumbar_extension=-80.0, knee_angle_r=-20.0, knee_angle_l=-20.0)
    lower, upper = limits_rad()
    q = play(body, person, score).params.q
    assert (q > lower - 0.02).all()
    assert (q < upper + 0.02).all()
    assert np.degrees(q[:, DOF_INDEX["knee_angle_r"]].min()) > -4.0


def test_a_score_played_backwards_ends_where_it_began():
    score = Score(np.random.default_rng(0), {"head_twist": 5.0})
    score.move(1.0, head_twist=40.0)
    there = score.sample(np.linspace(0, score.now, 7))["head_twist"]
    score.backwards = True
    np.testing.assert_allclose(score.sample(np.linspace(0, score.now, 7))["head_twist"], there[::-1])
    assert (there[0], there[-1]) == (5.0, 40.0)


def test_tempo_shortens_and_unset_channels_have_their_default():
    score = Score(np.random.default_rng(0), {}, tempo=2.0)
    score.move(1.0, com_x=0.1)
    assert score.now == 0.5
    channels = Channels(score.sample(np.array([0.0, 0.5])), np.array([0.0, 0.5]))
    assert channels["com_x"].tolist() == [0.0, 0.1]
    assert channels["foot_r_pin"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("plane", "elevation", "way"), [(0, 90, (-1, 0, 0)), (90, 90, (0, 0, 1)), (0, 0, (0, -1, 0))])
def test_arms_point_where_plane_and_elevation_say(body, plane, elevation, way):
    angles = arm_degrees({"arm_r_plane": np.full(1, plane), "arm_r_elev": np.full(1, elevation)}, "r", 1)
    q = np.zeros((1, 46))
    for name, value in angles.items():
        q[:, DOF_INDEX[name]] = np.radians(value)
    params = SkelParams(q, np.zeros((1, 10)), np.zeros((1, 3)))
    with torch.no_grad():
        joints = body.skeleton(params.to_torch(dtype=torch.float64)).joints_m.numpy()[0]
    arm = joints[JOINT_NAMES.index("ulna_r")] - joints[JOINT_NAMES.index("humerus_r")]
    assert np.degrees(np.arccos(arm @ way / np.linalg.norm(arm))) < 12  # the blade's own turns are not all upward


def test_a_person_is_the_same_each_time_and_some_are_held_out():
    assert draw_person(3, 4).posture == draw_person(3, 4).posture
    held = np.mean([draw_person(0, i).split == "val" for i in range(1000)])
    assert 0.03 < held < 0.07
    assert np.mean([draw_person(0, i).posture["pelvis_tilt"] for i in range(300)]) == pytest.approx(-1, abs=1.5)
