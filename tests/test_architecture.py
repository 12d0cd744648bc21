"""The house rules that no linter knows: layers, budgets, what may stand where. See docs/architecture.md.

A rule takes a file's path (relative to the project) and its syntax tree, and gives one line per offence.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ("skelvid", "train", "demo", "benchmarks")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
MAX_POSITIONAL = 6
# Tables read from top to bottom do not get clearer by being cut in two.
TABLES = ("skelvid/body/dofs.py", "skelvid/body/keypoints.py")

# A module may import those of a lower number, and its own package.
LAYERS = {
    "errors": 0, "findings": 0,
    "datatypes": 1,
    "files": 2, "geometry": 2, "network_file": 2, "series": 2, "weights": 2,
    "body": 3, "downloads": 3,
    "video": 4, "people": 4, "regress": 4, "motion": 4, "angles": 4, "export": 4, "draw": 4,
    "config": 5, "doctor": 5, "report": 5,
    "pipeline": 6, "upgrade": 6,
    "app": 7, "cli_run": 7, "cli_upgrade": 7, "live": 7,
    "cli_live": 8,
    "cli": 9,
    "__init__": 10, "__main__": 10,
}  # fmt: skip
# The package must run without what builds, shows, times and tests it.
NEVER = {"train", "demo", "benchmarks", "tests", "anny", "body_models", "lightning", "pytest"}

Rule = Callable[[PurePosixPath, ast.Module], Iterator[str]]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [a.name for a in node.names] if module == "skelvid" else []
            # `from skelvid import weights` names a module, `... import __version__` the package itself.
            yield from ((node.lineno, f"skelvid.{name}") for name in names)
            if not names:
                yield node.lineno, module


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def layers(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    if path.parts[0] != "skelvid":
        return
    own = path.parts[1].removesuffix(".py")
    if own not in LAYERS:
        yield f"{path}: '{own}' has no layer: give it one in LAYERS and in docs/architecture.md"
        return
    for line, name in _imports(tree):
        parts = name.split(".")
        if name.startswith("."):
            yield f"{path}:{line}: relative import"
        elif parts[0] in NEVER:
            yield f"{path}:{line}: the package must not import {parts[0]}"
        elif parts[0] == "skelvid" and parts[1:]:
            other = parts[1] if parts[1] in LAYERS else "errors"
            if other != own and LAYERS[other] >= LAYERS[own]:
                yield f"{path}:{line}: {own} (layer {LAYERS[own]}) imports {other} (layer {LAYERS[other]})"


def file_length(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    if last > MAX_FILE_LINES and str(path) not in TABLES:
        yield f"{path}: {last} lines, at most {MAX_FILE_LINES}"


def function_length(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for function in _functions(tree):
        start = function.lineno
        if ast.get_docstring(function) is not None:
            start += (function.body[0].end_lineno or 0) - function.body[0].lineno + 1
        length = (function.end_lineno or 0) - start + 1
        if length > MAX_FUNCTION_LINES:
            yield f"{path}:{function.lineno}: {function.name}: {length} lines, at most {MAX_FUNCTION_LINES}"


def positional_arguments(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for function in _functions(tree):
        names = [a.arg for a in function.args.posonlyargs + function.args.args]
        names = [name for name in names if name not in ("self", "cls")]
        if len(names) > MAX_POSITIONAL:
            yield f"{path}:{function.lineno}: {function.name} takes {len(names)} positional arguments"


def star_import(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield f"{path}:{node.lineno}: star import"


def future_annotations(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield f"{path}:{node.lineno}: {node.names[0].name} from __future__ blinds the shape checks"


def print_call(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if path.parts[0] != "skelvid" or not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{path}:{node.lineno}: print: a library logs, the command line speaks through rich"


def docstring(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    if path.parts[0] not in ("skelvid", "train"):
        return
    things = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    public = [node for node in things if not node.name.startswith("_")]
    members = [node for thing in public if isinstance(thing, ast.ClassDef) for node in thing.body]
    for node in [*public, *(node for node in members if isinstance(node, ast.FunctionDef))]:
        if ast.get_docstring(node) is None and not node.name.startswith("_"):
            yield f"{path}:{node.lineno}: {node.name} has no docstring"


RULES: dict[Rule, str] = {
    layers: "from skelvid.motion.smooth import x",
    file_length: "x = 1\n" * (MAX_FILE_LINES + 1),
    function_length: "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES,
    positional_arguments: "def f(a, b, c, d, e, f, g): pass",
    star_import: "from numpy import *",
    future_annotations: "from __future__ import annotations",
    print_call: "def f():\n    print('x')",
    docstring: "class C:\n    '''C.'''\n    def public(self): pass",
}


def _files() -> Iterator[tuple[PurePosixPath, ast.Module]]:
    for folder in (*SOURCE, "tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield PurePosixPath(file.relative_to(ROOT).as_posix()), ast.parse(file.read_text())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_house_keeps_the_rule(rule):
    offences = [line for path, tree in _files() for line in rule(path, tree)]
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_catches_an_offence_and_lets_the_rest_pass(rule):
    bad = ast.parse(RULES[rule])
    good = ast.parse('def f(a, *, b, c, d, e, g, h):\n    """Say."""\n    return a')
    path = PurePosixPath("skelvid/video/reader.py")
    assert len(list(rule(path, bad))) == 1
    assert not list(rule(path, good))


@pytest.mark.parametrize(
    ("path", "source", "allowed"),
    [
        ("skelvid/body/model.py", "from skelvid.weights import body_path", True),
        ("skelvid/body/model.py", "from skelvid.body.dofs import DOFS", True),
        ("skelvid/weights.py", "from skelvid.body.dofs import DOFS", False),
        ("skelvid/weights.py", "def f():\n    import skelvid.cli", False),
        ("skelvid/draw/scene.py", "from skelvid.motion import smooth", False),
        ("skelvid/draw/scene.py", "from skelvid import motion", False),
        ("skelvid/draw/scene.py", "from .scene import x", False),
        ("skelvid/cli.py", "from skelvid import __version__, weights", True),
        ("skelvid/body/model.py", "import lightning.pytorch", False),
        ("skelvid/body/model.py", "from train.body import source", False),
        ("train/body/source.py", "import skelvid.cli", True),
        ("skelvid/cellar.py", "", False),
    ],
)
def test_layers(path, source, allowed):
    assert (not list(layers(PurePosixPath(path), ast.parse(source)))) == allowed


def test_docstring_does_not_count_towards_a_functions_length():
    text = '    """' + "A line.\n" * 50 + '    """\n'
    source = "def f():\n" + text + "    x = 1\n" * (MAX_FUNCTION_LINES - 1)
    assert not list(function_length(PurePosixPath("skelvid/a.py"), ast.parse(source)))


def test_every_import_of_the_package_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = _names(project["dependencies"])
    # A part of the package that has an extra of its name may import what that lists.
    extras = {part: declared | _names(lines) for part, lines in project["optional-dependencies"].items()}
    known = packages_distributions()
    undeclared = {
        f"{path}: {name}"
        for path, tree in _files()
        for _, name in _imports(tree)
        if path.parts[0] == "skelvid"
        and (top := name.split(".")[0]) not in {*sys.stdlib_module_names, "skelvid"}
        and not {d.replace("_", "-").lower() for d in known.get(top, [top])} & extras.get(path.parts[1], declared)
    }
    assert not undeclared


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", line)[0].replace("_", "-").lower() for line in requirements}
