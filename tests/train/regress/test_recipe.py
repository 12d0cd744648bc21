"""A recipe does what is not done, in order, and says what it was not told."""

from pathlib import Path

import pytest
import yaml

from skelvid.errors import ConfigError
from train.regress.recipe import steps

ROOT = Path(__file__).parents[3]
CONFIG = {
    "names": {"both": "${out}/a '${out}/b c'"},
    "steps": [
        {"run": "one ${both}", "makes": "${out}/a"},
        {"run": "two --n 1", "resume": "${out}/last.ckpt"},
    ],
}


def test_done_steps_are_left_out_and_broken_ones_go_on(tmp_path: Path):
    out = str(tmp_path)
    assert list(steps(CONFIG, {"out": out})) == [["one", f"{out}/a", f"{out}/b c"], ["two", "--n", "1"]]
    for name in ("a", "last.ckpt"):
        (tmp_path / name).touch()
    assert list(steps(CONFIG, {"out": out})) == [["two", "--n", "1", "--ckpt_path", f"{out}/last.ckpt"]]


def test_a_name_without_value_is_said():
    with pytest.raises(ConfigError, match=r"needs a value: out=\.\.\."):
        list(steps(CONFIG, {}))


@pytest.mark.parametrize(("name", "count"), [("recipe_cpu", 18), ("validation", 5)])
def test_what_ships_names_programs_that_are_there(tmp_path: Path, name: str, count: int):
    shipped = yaml.safe_load((ROOT / "configs" / "train" / f"{name}.yaml").read_text())
    found = [step[0] for step in steps(shipped, {"data": "D", "out": str(tmp_path)})]
    assert len(found) == count
    assert all((ROOT / f"{module.replace('.', '/')}.py").is_file() for module in found)
