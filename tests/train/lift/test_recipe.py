from pathlib import Path

from train.lift import recipe


def modules(out: Path) -> list[str]:
    return [module for module, *_ in recipe.steps(Path("data"), out, minutes=1.0, workers=1)]


def test_the_recipe_makes_motion_trains_and_exports_and_composes_once(tmp_path: Path) -> None:
    every = ["train.motion.build", "train.motion.make_composed", "train.lift.fit", "train.lift.export"]
    assert modules(tmp_path) == every
    (tmp_path / "composed").mkdir()
    (tmp_path / "composed" / "index.json").write_text("{}")
    assert modules(tmp_path) == [name for name in every if "composed" not in name]


def test_what_one_step_writes_the_next_reads(tmp_path: Path) -> None:
    build, compose, fit, export = recipe.steps(tmp_path, tmp_path, minutes=1.0, workers=1)
    folders = [step[step.index("--out") + 1] for step in (build, compose)]
    assert [argument.rsplit(":", 1)[0] for argument in fit[2:4]] == folders == export[4:6]
    assert fit[fit.index("--out") + 1] == export[export.index("--run") + 1]
