import numpy as np
import pytest
import trimesh

from train.body import anthropometry
from train.body.source import PHENOTYPES

HEIGHT, WEIGHT = PHENOTYPES.index("height"), PHENOTYPES.index("weight")


def toy_measure(rows):
    """Invent a stature and volume that rise with the height and weight phenotypes."""
    stature = 1.55 + 0.5 * rows[:, HEIGHT]
    return stature, stature**2 * (14 + 16 * rows[:, WEIGHT]) / anthropometry.BODY_DENSITY_KG_M3


@pytest.mark.parametrize("sex", ["female", "male"])
def test_subjects_meet_the_stature_and_bmi_asked_for(sex):
    drawn = anthropometry.sample_subjects(sex, 200, 0, toy_measure, np.ones(200))
    stature, volume = toy_measure(drawn.phenotypes)
    np.testing.assert_allclose(stature, drawn.stature_m, atol=1e-3)
    bmi = anthropometry.BODY_DENSITY_KG_M3 * volume / stature**2
    reached = drawn.phenotypes[:, WEIGHT] < anthropometry.MAX_WEIGHT
    assert reached.mean() > 0.9
    assert np.abs(bmi - drawn.bmi)[reached & (drawn.phenotypes[:, WEIGHT] > -0.1)].max() < 0.1
    survey = anthropometry.PROPORTIONS[sex].stature_m
    assert abs(drawn.stature_m.mean() - survey) < 0.015
    assert drawn.bmi.min() > 16
    assert drawn.bmi.max() < 41


def test_the_same_seed_gives_the_same_people_and_sexes_differ():
    first, again = (anthropometry.sample_subjects("male", 5, 7, toy_measure, np.ones(5)) for _ in range(2))
    np.testing.assert_array_equal(first.phenotypes, again.phenotypes)
    other = anthropometry.sample_subjects("female", 5, 7, toy_measure, np.ones(5))
    assert not np.allclose(first.bmi, other.bmi)


def test_survey_rows_and_proportions_agree():
    for sex, column in (("female", 0), ("male", 1)):
        survey = {name: row[column] for name, row in anthropometry.ANSUR_II_MEAN_MM.items()}
        asked = anthropometry.PROPORTIONS[sex]
        assert asked.stature_m == pytest.approx(survey["stature"] / 1e3)
        knee = survey["lateral femoral epicondyle height"] / survey["stature"]
        assert asked.knee_height == pytest.approx(knee, abs=0.001)
        assert asked.hip_height == pytest.approx(survey["trochanterion height"] / survey["stature"] + 0.012, abs=0.001)


def test_mesh_volume_of_boxes():
    box = trimesh.creation.box(extents=(1, 2, 3))
    points = np.asarray(box.vertices)
    volumes = anthropometry.mesh_volume(np.stack([points, 2 * points + 1]), np.asarray(box.faces))
    np.testing.assert_allclose(volumes, [6, 48])
