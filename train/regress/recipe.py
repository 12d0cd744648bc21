"""The regressor that ships, from nothing, in one command: `python -m train.regress.recipe CONFIG data=DIR out=DIR`.

The configuration lists commands in their order, with names in `${}` for what is given on the command line. A step whose
result is there is not done again, and every step goes on where it was broken off. The commands are printed.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from skelvid.errors import ConfigError
from train.command import run


def steps(config: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield module and arguments of each step that is not finished, when those before it are.

    Args:
        config: `names`: more names, which may use those given; `steps`: for each, `run`: module and arguments; `makes`:
            the file that is there when it is done, if it cannot tell by itself; `resume`: a checkpoint to go on from.
        given: Names by value.

    Raises:
        ConfigError: A name has no value.
    """
    known = dict(given)

    def filled(text: str) -> str:
        try:
            return Template(text).substitute(known)
        except KeyError as error:
            raise ConfigError(f"the recipe needs a value: {error.args[0]}=...") from error

    for name, text in config.get("names", {}).items():
        known.setdefault(name, filled(text))
    for step in config["steps"]:
        if "makes" in step and Path(filled(step["makes"])).exists():
            continue
        command = shlex.split(filled(step["run"]))
        checkpoint = filled(step.get("resume", ""))
        yield [*command, *(["--ckpt_path", checkpoint] if checkpoint and Path(checkpoint).exists() else [])]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("given", nargs="*", metavar="NAME=VALUE")
    args = parser.parse_args()
    given = dict(text.split("=", 1) for text in args.given if "=" in text)
    try:
        for module, *rest in steps(yaml.safe_load(args.config.read_text()), given):
            print("python -m", module, shlex.join(rest), flush=True)
            if code := subprocess.call([sys.executable, "-m", module, *rest]):
                sys.exit(code)
    except (ConfigError, OSError, yaml.YAMLError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    run(main)
