"""Random adults over age, sex, stature, BMI and ancestry: drawn in Anny, tied to the open SKEL body, kept in a pack.

`python -m train.synth.subjects --out DIR --count 300` writes the pack: `base.npz` (what all share) and `people.npz`.
A pack belongs to the open neutral body it was made with; `load_pack` refuses another.
"""

import argparse
import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.assets import SkelAssets
from skelvid.body.load import load_body_assets
from skelvid.datatypes.skel import N_BETAS
from skelvid.errors import AssetError
from train.body import source, subjects
from train.body.anthropometry import (
    BODY_DENSITY_KG_M3,
    PROPORTIONS,
    STATURE_SD_M,
    Subjects,
    mesh_volume,
    sample_subjects,
)  # fmt: skip
from train.body.source import PHENOTYPES
from train.body.subjects import Bodies, Source
from train.command import run
from train.synth.subjects_mesh import BaseMesh, base_ids, bind, load_base, load_full_anny, read_groups

log = logging.getLogger(__name__)

SEXES = ("female", "male")
# What clinics see: half near the usual, the rest spread evenly over the whole range.
BMI_RANGE, USUAL_BMI, USUAL_LOG_SD = (16.0, 42.0), 25.0, 0.17
STATURE_RANGE_M = {"female": (1.43, 1.88), "male": (1.53, 2.04)}
# Where the label's landmarks lie the skin is the label's; how far around them it gives way, m.
_REACH_M = 0.03
# Anny's ages in years: 2/3 is 25, 1 is 85.
_YEARS_PER_UNIT, _YOUNG = 180.0, (2 / 3, 25.0)
_AGE_RANGE = (0.62, 1.0)


@dataclass(frozen=True)
class Pack:
    """People without clothes.

    Attributes:
        vertices_m: `n b 3` whole base meshes in the T-pose of `betas`, pelvis joint at the origin.
        betas: `n 10` of the open neutral body.
        heads_m: `n k 3` where the finger bones of `BaseMesh.bone_names` begin.
        phenotypes: `n 11` as in `train.body.source.PHENOTYPES`.
        stature_m, bmi: `n` of the finished body.
        body: the open neutral body.
    """

    base: BaseMesh
    body: SkelAssets
    vertices_m: Float[ndarray, "n b 3"]
    betas: Float[ndarray, "n 10"]
    heads_m: Float[ndarray, "n k 3"]
    phenotypes: Float[ndarray, "n 11"]
    stature_m: Float[ndarray, "n"]
    bmi: Float[ndarray, "n"]

    def trait(self, person: int, name: str) -> float:
        """Return one phenotype of one person."""
        return float(self.phenotypes[person, PHENOTYPES.index(name)])

    def age_years(self, person: int) -> float:
        """Return the age that the body looks like."""
        return max(18.0, _YOUNG[1] + (self.trait(person, "age") - _YOUNG[0]) * _YEARS_PER_UNIT)

    def sex(self, person: int) -> str:
        """Return "female" or "male"."""
        return SEXES[self.trait(person, "gender") < 0.5]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and write a pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="people, half of them women")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build_pack(options.out, count=options.count, seed=options.seed)


def build_pack(out: Path, *, count: int, seed: int) -> None:
    """Draw `count` people and write their pack."""
    out.mkdir(parents=True, exist_ok=True)
    assets = load_body_assets("open-neutral")
    src = subjects.open_source()
    model, fingers = load_full_anny(), _finger_bones(src)
    rng = np.random.default_rng([seed, 77])
    drawn = [draw(src, sex, count // 2, rng, seed) for sex in SEXES]
    rows = np.concatenate([s.phenotypes for s, _ in drawn])
    rest, _ = source.rest_bodies(model, rows)
    bodies = subjects.merge(*(b for _, b in drawn))
    bodies = settled(src, bodies, assets)
    base = make_base(model, assets, src, rest, fingers)
    betas = fit_betas(assets, bodies.points)
    skin = np.stack([agreeing(assets, points, b) for points, b in zip(bodies.points, betas, strict=True)])
    vertices = np.stack([base.spread(assets, a, b) for a, b in zip(rest, skin, strict=True)]).astype(np.float32)
    base.save(out / "base.npz")
    stature = np.ptp(skin[..., 1], axis=1)
    np.savez(
        out / "people.npz",
        body=fingerprint(assets),
        vertices_m=vertices,
        betas=betas.astype(np.float32),
        heads_m=bodies.heads[:, fingers].astype(np.float32),
        phenotypes=rows.astype(np.float32),
        stature_m=stature.astype(np.float32),
        bmi=(BODY_DENSITY_KG_M3 * mesh_volume(skin, assets.skin_faces) / stature**2).astype(np.float32),
    )
    log.info("wrote %d people to %s", count, out)


def load_pack(folder: Path) -> Pack:
    """Read a pack.

    Raises:
        AssetError: There is none, or it was made with another body than is installed.
    """
    try:
        base = load_base(folder / "base.npz")
        with np.load(folder / "people.npz", allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except FileNotFoundError as error:
        raise AssetError(f"no pack of people in {folder}: make one with python -m train.synth.subjects") from error
    body = load_body_assets("open-neutral")
    if str(arrays.pop("body")) != fingerprint(body):
        raise AssetError(f"the people in {folder} were made with another body file: make them again")
    return Pack(base, body, **arrays)


def fingerprint(assets: SkelAssets) -> str:
    """Tell bodies apart by what the pack depends on: shapes, joints and weights."""
    digest = hashlib.sha256()
    for array in (assets.skin_template_m, assets.shapedirs_m, assets.skin_weight, assets.joint_weight):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def spread_bmi(count: int, rng: np.random.Generator) -> Float[ndarray, "n"]:
    """Draw body mass indices: half as usual, half even over the range."""
    usual = USUAL_BMI * np.exp(USUAL_LOG_SD * rng.standard_normal(count))
    even = rng.uniform(*BMI_RANGE, count)
    return np.clip(np.where(np.arange(count) % 2, even, usual), *BMI_RANGE)


def spread_stature(sex: str, count: int, rng: np.random.Generator) -> Float[ndarray, "n"]:
    """Draw statures, m: half as usual, half even over the range."""
    usual = PROPORTIONS[sex].stature_m + STATURE_SD_M[sex] * rng.standard_normal(count)
    even = rng.uniform(*STATURE_RANGE_M[sex], count)
    return np.clip(np.where(np.arange(count) // 2 % 2, even, usual), *STATURE_RANGE_M[sex])


def draw(src: Source, sex: str, count: int, rng: np.random.Generator, seed: int) -> tuple[Subjects, Bodies]:
    """Draw adults of one sex; stretched limbs change mass, so the draw is corrected once."""
    bmi, stature_m, age = spread_bmi(count, rng), spread_stature(sex, count, rng), rng.uniform(*_AGE_RANGE, count)

    def sample(excess: Float[ndarray, "n"]) -> Subjects:
        return sample_subjects(sex, count, seed, src.measure, excess, bmi, stature_m=stature_m, age=age)

    first = sample(np.ones(count))
    mass = BODY_DENSITY_KG_M3 * mesh_volume(subjects.proportioned(src, first).points, src.rig.faces)
    drawn = sample(mass / first.stature_m**2 / bmi)
    return drawn, subjects.proportioned(src, drawn)


def settled(src: Source, bodies: Bodies, assets: SkelAssets) -> Bodies:
    """Straighten bodies about the joints that the shipped body finds in them."""
    regressor = np.zeros((len(assets.joint_weight), len(assets.skin_template_m)))
    np.add.at(regressor, (np.arange(len(regressor))[:, None], assets.joint_weight_vertex), assets.joint_weight)
    return subjects.settle(src, bodies, regressor)[0]


def fit_betas(assets: SkelAssets, points: Float[ndarray, "n v 3"]) -> Float[ndarray, "n 10"]:
    """Least-squares shape of T-posed skins."""
    basis = assets.shapedirs_m.reshape(-1, N_BETAS).astype(float)
    flat = (points - assets.skin_template_m).reshape(len(points), -1)
    return np.linalg.solve(basis.T @ basis, basis.T @ flat.T).T


def agreeing(assets: SkelAssets, points: Float[ndarray, "v 3"], betas: Float[ndarray, "10"]) -> Float[ndarray, "v 3"]:
    """Return the person's own skin, drawn to the label's body around each landmark so that the two meet there exactly.

    What the ten betas do not say of a person stays (a millimetre or two); it is taken away where landmarks are by
    Gaussian bumps that together cancel it there.
    """
    label = assets.skin_template_m + assets.shapedirs_m @ betas
    extra = points - label
    at = np.unique(assets.landmark_vertex)
    places = assets.skin_template_m

    def bump(a: ndarray, b: ndarray) -> ndarray:
        return np.exp(-0.5 * (((a[:, None] - b) / _REACH_M) ** 2).sum(-1))

    strength = np.linalg.lstsq(bump(places[at], places[at]), extra[at], rcond=1e-9)[0]
    extra = extra - bump(places, places[at]) @ strength
    extra[at] = 0
    return label + extra


def make_base(
    model: Any, assets: SkelAssets, src: Source, rest: Float[ndarray, "n b 3"], fingers: list[int]
) -> BaseMesh:
    """Bind the base mesh to the open body, on the mean of the people drawn; its T-pose is the body's template."""
    mean = rest.mean(axis=0)
    own = base_ids(assets)
    others = np.setdiff1d(np.arange(len(mean)), own)
    weight = source.bone_weights(model)[:, [list(model.bone_labels).index(src.rig.bone_names[i]) for i in fingers]]
    names = tuple(src.rig.bone_names[i] for i in fingers)
    binding = bind(mean[others], mean[own], assets.skin_faces)
    groups, cloth_faces = read_groups()
    base = BaseMesh(mean, mean, cloth_faces, groups, names, weight.astype(np.float32), others, binding)
    return replace(base, template_m=base.spread(assets, mean, assets.skin_template_m.astype(float)))


def _finger_bones(src: Source) -> list[int]:
    return [i for i, name in enumerate(src.rig.bone_names) if name.startswith("finger")]


if __name__ == "__main__":
    run(main)
