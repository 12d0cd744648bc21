import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import skelvid


def test_public_names():
    assert skelvid.__all__ == [
        "AssetError",
        "BodyPoints",
        "ConfigError",
        "JointAngles",
        "Motion",
        "Result",
        "RunConfig",
        "SkelBody",
        "SkelParams",
        "SkelvidError",
        "VideoError",
        "WeightsError",
        "estimate",
        "load_body",
        "load_config",
        "run_video",
        "stream",
    ]


@pytest.mark.parametrize("name", skelvid.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(skelvid, name).__doc__


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        skelvid.nothing  # noqa: B018


def test_import_is_light():
    code = "import sys, skelvid, skelvid.cli; print({'torch', 'scipy', 'numpy'} & sys.modules.keys())"
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert heavy.strip() == "set()"


def test_version_is_the_distributions():
    assert skelvid.__version__ == version("skelvid")


def test_quick_start_of_the_readme_runs():
    (code,) = re.findall(r"```python\n(.*?)```", Path(__file__).parents[1].joinpath("README.md").read_text(), re.S)
    names: dict = {}
    exec(code, names)
    assert names["points"].joints_m.shape == (5, 24, 3)
