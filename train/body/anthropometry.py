"""Published adult measures in, random subjects (phenotypes that meet stature and BMI) and their measures out.

Sources. ANSUR II: Gordon et al., 2012 Anthropometric Survey of U.S. Army Personnel, NATICK/TR-15/007, 2014 (4,082 men,
1,986 women, public data). Means are of the whole survey. Ratio SDs marked (29) are of the first 29 men in the public
file, used for both sexes. BMI is a choice: a log-normal of median 26 that spans 18 to 38 over +-2 SD, wider
than soldiers (ANSUR II men: mean mass 85.5 kg at 1.756 m, about 27.7; recalled, unverified) because users are patients.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from train.body.source import PHENOTYPES

BODY_DENSITY_KG_M3 = 985.0
BMI_MEDIAN, BMI_LOG_SD = 26.0, 0.19
# Recalled from the same report, unverified.
STATURE_SD_M = {"male": 0.0686, "female": 0.0642}
# The weight phenotype is extrapolated (its range is 0..1); beyond this the mesh folds.
MAX_WEIGHT = 1.45


@dataclass(frozen=True)
class Proportions:
    """Mean stature, and mean heights and lengths between joint centres over stature."""

    stature_m: float
    hip_height: float
    knee_height: float
    upper_arm: float
    forearm: float


# Joint centres from skin measures, in statures: the knee axis runs through the lateral femoral epicondyle; the hip
# centre lies 0.012 above trochanterion; the elbow axis 0.007 above radiale and the wrist centre 0.005 above stylion;
# the glenohumeral centre 0.025 below the acromion. These offsets are anatomical judgement, not survey data. Arms are
# 2 % shorter than acromion-radiale (0.193 (29)) and radiale-stylion ask for, or the span would leave 1.04 (29) by more.
PROPORTIONS = {
    "male": Proportions(1.7562, 0.525, 0.280, 0.158, 0.152),
    "female": Proportions(1.6285, 0.531, 0.286, 0.158, 0.149),
}
# (29) but for the hip, which follows from the survey's SD of thigh link (28.4 mm) at a correlation of 0.7 with stature.
RATIO_SD = {"hip_height": 0.010, "knee_height": 0.007, "upper_arm": 0.0057, "forearm": 0.0057}
# Leg heights vary together (29): hip and knee r = 0.84, upper arm and forearm r = 0.49.
LEG_CORRELATION, ARM_CORRELATION = 0.84, 0.49

# Survey means, mm: (women, men), standing with the arms hanging.
ANSUR_II_MEAN_MM = {
    "stature": (1628.5, 1756.2),
    "trochanterion height": (845.4, 900.9),
    "lateral femoral epicondyle height": (465.9, 491.7),
    "lateral malleolus height": (62.7, 72.9),
    "cervicale height": (1395.7, 1517.3),
    "radiale-stylion length": (241.3, 267.9),
}


@dataclass(frozen=True)
class Subjects:
    """Random adults: phenotypes (n, 11) plus what the body must be stretched and scaled to."""

    phenotypes: Float[ndarray, "n 11"]
    stature_m: Float[ndarray, "n"]
    bmi: Float[ndarray, "n"]
    ratios: dict[str, Float[ndarray, "n"]]


def sample_subjects(
    sex: str,
    count: int,
    seed: int,
    measure: Callable[[ndarray], tuple[ndarray, ndarray]],
    excess: Float[ndarray, "n"],
    bmi: Float[ndarray, "n"] | None = None,
    *,
    stature_m: Float[ndarray, "n"] | None = None,
    age: Float[ndarray, "n"] | None = None,
) -> Subjects:
    """Draw adults of one sex and solve their height and weight phenotypes.

    measure: phenotypes (n, 11) -> stature (n,) in metres and volume (n,) in m^3 of the rest body.
    excess: BMI of the finished body over BMI of the rest body with the same phenotypes, where known; else 1.
    bmi, stature_m, age (a phenotype): asked for; None draws the build's own.
    """
    rng = np.random.default_rng([seed, sex == "female"])
    stature = PROPORTIONS[sex].stature_m + STATURE_SD_M[sex] * _normal(rng, count)
    usual = BMI_MEDIAN * np.exp(BMI_LOG_SD * _normal(rng, count))
    bmi, stature = usual if bmi is None else bmi, stature if stature_m is None else stature_m
    rows = np.full((count, len(PHENOTYPES)), 0.5)
    column = {name: rows[:, i] for i, name in enumerate(PHENOTYPES)}
    column["gender"][:] = float(sex == "female")
    own_age = rng.uniform(0.62, 0.95, count)
    column["age"][:] = own_age if age is None else age
    # At average muscle the source's heaviest body reaches BMI 24 only; heavy and very light bodies have little muscle.
    column["muscle"][:] = np.clip(0.5 - 0.035 * np.abs(bmi - 22) + 0.06 * _normal(rng, count), 0.05, 0.9)
    for name in ("proportions", "cupsize", "firmness"):
        column[name][:] = np.clip(0.5 + 0.15 * _normal(rng, count), 0.1, 0.9)
    rows[:, -3:] = rng.dirichlet([1, 1, 1], count)
    _solve(column["height"], column["weight"], stature, bmi / excess, lambda: measure(rows))
    return Subjects(rows, stature, bmi, _draw_ratios(sex, count, rng))


def _normal(rng: np.random.Generator, count: int) -> ndarray:
    """Standard normal numbers within +-2.2."""
    return np.clip(rng.standard_normal(count), -2.2, 2.2)


def _draw_ratios(sex: str, count: int, rng: np.random.Generator) -> dict[str, ndarray]:
    mean = PROPORTIONS[sex]
    pairs = {("hip_height", "knee_height"): LEG_CORRELATION, ("upper_arm", "forearm"): ARM_CORRELATION}
    ratios = {}
    for (a, b), r in pairs.items():
        first = _normal(rng, count)
        second = r * first + np.sqrt(1 - r * r) * _normal(rng, count)
        ratios[a] = getattr(mean, a) + RATIO_SD[a] * first
        ratios[b] = getattr(mean, b) + RATIO_SD[b] * second
    return ratios


def _solve(height: ndarray, weight: ndarray, stature: ndarray, bmi: ndarray, measure: Callable) -> None:
    """Move the height and weight phenotypes (in place) until stature and BMI are met, by damped secant steps."""
    slope = np.full(len(weight), 15.0)
    last_bmi, last_weight = None, weight.copy()
    for _ in range(14):
        now, volume = measure()
        index = BODY_DENSITY_KG_M3 * volume / now**2
        if last_bmi is not None:
            moved = np.abs(weight - last_weight) > 1e-3
            estimate = np.where(moved, (index - last_bmi) / np.where(moved, weight - last_weight, 1), slope)
            slope = np.clip(estimate, 3.0, 60.0)
        last_bmi, last_weight = index, weight.copy()
        height += np.clip(0.9 * (stature - now) / 0.66, -0.2, 0.2)
        weight[:] = np.clip(weight + np.clip(0.8 * (bmi - index) / slope, -0.3, 0.3), -0.1, MAX_WEIGHT)


def mesh_volume(points: Float[ndarray, "n v 3"], faces: Int[ndarray, "f 3"]) -> Float[ndarray, "n"]:
    """Volume enclosed by closed meshes, m^3."""
    out = np.empty(len(points))
    for i, body in enumerate(points):
        a, b, c = (body[faces[:, k]] for k in range(3))
        out[i] = np.einsum("fi,fi->", np.cross(a, b), c) / 6
    return out
