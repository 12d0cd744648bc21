"""The page of conventions says what the code does."""

import runpy
from pathlib import Path

from skelvid.angles.table import ANGLE_NAMES
from skelvid.body.dofs import DOF_NAMES, JOINT_NAMES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "conventions.md").read_text()


def test_tables_are_in_step_with_the_code():
    filled = runpy.run_path(str(DOCS / "make_conventions.py"))["filled"]
    assert filled(PAGE) == PAGE, "run: python docs/make_conventions.py"


def test_every_name_stands_on_the_page():
    for name in (*DOF_NAMES, *JOINT_NAMES, *(name for name in ANGLE_NAMES if not name.endswith("_l"))):
        assert f"`{name}`" in PAGE, name


def test_every_joint_has_its_drawing():
    for name in JOINT_NAMES:
        if not name.endswith("_l"):
            assert (DOCS / f"img/joint_{name.removesuffix('_r')}.webp").is_file(), name
