"""`skelvid upgrade`: words of the command line in, settings out; and what happened, told in the terminal."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from skelvid.errors import ConfigError

if TYPE_CHECKING:
    from skelvid.upgrade.run import Job, Outcome, Settings

_PLAIN: Any = {"soft_wrap": True, "markup": False, "highlight": False}
_INPUT, _FIT, _OUTPUT, _WHERE = "What is read", "How it is fitted", "What is written", "Where it runs"


def _option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


Inputs = Annotated[
    list[Path],
    typer.Argument(
        help="Files of SMPL motion, or folders of them: AMASS and BEDLAM .npz, 3DPW .pkl, tars of 4D-Humans, our .npz.",
        show_default=False,
    ),
]
Models = Annotated[Path | None, _option(_INPUT, "Folder of your SMPL, SMPL-H, SMPL-X files.", metavar="DIR")]
Inspect = Annotated[bool, _option(_INPUT, "Only say what the files hold.", "--inspect")]
Check = Annotated[bool, _option(_INPUT, "Only compare data sets that were made with their manifests.", "--check")]
Images = Annotated[
    Path | None,
    _option(_INPUT, "Folder of the pictures that 3DPW and BEDLAM files name: gives a sample for each.", metavar="DIR"),
]
Rate = Annotated[float, typer.Option(help="Thin faster sequences to about this, Hz; 0 keeps all.", metavar="HZ")]
Body = Annotated[
    str,
    typer.Option(help="open or official (of each person's sex), or one body for all: a name or file.", metavar="NAME"),
]
FixedRoot = Annotated[bool, _option(_FIT, "Keep the root's orientation as SMPL has it.", "--fixed-root")]
Residual = Annotated[float, typer.Option(help="Flag frames whose skin is farther off than this, mm.", metavar="MM")]
Limits = Annotated[float, typer.Option(help="Flag angles farther beyond their limits than this.", metavar="DEG")]
Speed = Annotated[float, typer.Option(help="Flag angles that change faster than this, degrees/s.", metavar="DEG/S")]
Out = Annotated[Path | None, _option(_OUTPUT, "Folder of the data set; an earlier run goes on.", metavar="DIR")]
Npz = Annotated[
    Path | None, _option(_OUTPUT, "Also write good runs of each sequence as .npz, for train.lift.", metavar="DIR")
]
Source = Annotated[str | None, _option(_OUTPUT, "What the data set calls the source of the motion.", metavar="NAME")]
Licence = Annotated[str | None, _option(_OUTPUT, "What its owners allow.", metavar="TEXT")]
Engine = Annotated[str, typer.Option(help="local or ray.", rich_help_panel=_WHERE, metavar="NAME")]
Address = Annotated[str | None, _option(_WHERE, "Of the Ray cluster; else one is started here.", metavar="ADDRESS")]
Workers = Annotated[int, typer.Option(help="Processes of this machine.", rich_help_panel=_WHERE, metavar="N", min=1)]


def upgrade(
    inputs: Inputs,
    *,
    models: Models = None,
    out: Out = None,
    inspect: Inspect = False,
    check: Check = False,
    body: Body = "open",
    rate: Rate = 30.0,
    images: Images = None,
    fixed_root: FixedRoot = False,
    max_residual: Residual = 25.0,
    max_beyond_limits: Limits = 10.0,
    max_speed: Speed = 3000.0,
    npz: Npz = None,
    source: Source = None,
    licence: Licence = None,
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = 1,
) -> None:
    """Turn SMPL motion into SKEL motion: training shards with joint angles, and what is wrong with each frame.

    The exit code is 0 if all went well, 1 if a file or sequence was left out, 2 if the command itself is at fault.
    """
    from skelvid.upgrade.fit_clip import UpgradeOptions
    from skelvid.upgrade.library import write_library
    from skelvid.upgrade.run import Settings, find_jobs

    console = Console()
    if check:
        raise typer.Exit(0 if all([_checked(folder, console) for folder in inputs]) else 1)
    if engine not in ("local", "ray"):
        raise ConfigError(f"--engine must be local or ray, got {engine}")
    jobs, broken = find_jobs(inputs)
    if inspect:
        _show(jobs, console)
        for outcome in broken:
            console.print(f"left out: {outcome.problem}", style="red", **_PLAIN)
    elif models is None or out is None:
        raise ConfigError("--models and --out are needed: the folder of your SMPL files, and where the data set goes")
    else:
        options = UpgradeOptions(
            fixed_root=fixed_root,
            max_residual_mm=max_residual,
            max_beyond_limits_deg=max_beyond_limits,
            max_speed_deg_s=max_speed,
        )
        pictures = images and images.resolve()
        settings = Settings(
            models.resolve(),
            out.resolve(),
            _named_from_anywhere(body),
            rate or None,
            pictures,
            source,
            licence,
            options,
        )
        for outcome in broken:
            console.print(f"left out: {outcome.problem}", style="red", **_PLAIN)
        broken += _run(jobs, settings, {"engine": engine, "address": address, "workers": workers}, console)
        if npz:
            clips, frames = write_library(out, npz)
            console.print(f"wrote {clips} clips, {frames} frames, to {npz}", **_PLAIN)
    raise typer.Exit(1 if broken else 0)


def _run(jobs: "list[Job]", settings: "Settings", where: Mapping[str, Any], console: Console) -> "list[Outcome]":
    """Upgrade with a bar that tells rate and time left; return what was left out."""
    from skelvid.upgrade.run import upgrade as run

    frames = {job.unit: job.entry.frames for job in jobs}
    columns = BarColumn(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(TextColumn("frames of the source"), *columns, console=console) as bar:
        task = bar.add_task("", total=sum(frames.values()))

        def tell(outcome: "Outcome") -> None:
            bar.advance(task, frames[outcome.unit])
            if outcome.row is None:
                bar.console.print(f"left out: {outcome.problem}", style="red", **_PLAIN)

        outcomes = run(jobs, settings, tell=tell, skip=lambda unit: bar.advance(task, frames[unit]), **where)
    rows = [outcome.row for outcome in outcomes if outcome.row]
    flagged = Counter[str]()
    for row in rows:
        flagged.update(row["flagged"])
    text = ", ".join(f"{count} for {name}" for name, count in flagged.items()) or "none"
    console.print(f"{len(rows)} sequences, {sum(r['frames'] for r in rows)} frames; flagged: {text}", **_PLAIN)
    console.print(f"wrote {settings.out}", **_PLAIN)
    return [outcome for outcome in outcomes if outcome.row is None]


class _Rate(ProgressColumn):
    """Frames per second so far."""

    def render(self, task: Task) -> Text:
        """Show the rate once there is one."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


def _named_from_anywhere(body: str) -> str:
    """Return a body's file with its whole path, as processes elsewhere need it; names stay."""
    return str(Path(body).resolve()) if Path(body).is_file() else body


def _show(jobs: "list[Job]", console: Console) -> None:
    table = Table("sequence", "file", "frames", "model", "rate, Hz", box=None)
    for job in jobs:
        entry = job.entry
        rate = f"{entry.rate_hz:g}" if entry.rate_hz else "pictures"
        table.add_row(entry.name, escape(str(job.path)), str(entry.frames), f"{entry.kind} {entry.sex}", rate)
    console.print(table)


def _checked(folder: Path, console: Console) -> bool:
    from skelvid.upgrade.shards import check_dataset

    findings = check_dataset(folder)
    for finding in findings:
        style = None if finding.ok else "red"
        console.print(f"{'ok' if finding.ok else 'FAULT'}  {finding.what}: {finding.found}", style=style, **_PLAIN)
    return all(finding.ok for finding in findings)
