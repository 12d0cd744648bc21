"""`skelvid run`: words of the command line in, settings out; and what happened, told in the terminal."""

import contextlib
import logging
import re
import signal
import threading
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from skelvid.errors import ConfigError, SkelvidError

if TYPE_CHECKING:
    from skelvid.config import RunConfig

# Shells keep codes from 126 on for themselves.
MAX_FAILED = 100
INTERRUPTED = 130
VIDEO_SUFFIXES = frozenset(
    (".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv")
)
NOT_MEDICAL = "Not a medical device: do not diagnose or treat anyone by these numbers."
# Paths are not wrapped, and their brackets are not markup.
_PLAIN: Any = {"soft_wrap": True, "markup": False, "highlight": False}
_INPUT, _PERSON, _MOTION, _OUTPUT, _SETTINGS = "What is read", "Who", "How", "What is written", "Settings"


def _option(panel: str, text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, metavar=metavar, show_default=False)


Videos = Annotated[
    list[Path],
    typer.Argument(help="Videos; folders of videos; folders of pictures, with --rate.", show_default=False),
]
Start = Annotated[float | None, _option(_INPUT, "Begin at this time, s.", metavar="S")]
End = Annotated[float | None, _option(_INPUT, "Stop before this time, s.", metavar="S")]
Rate = Annotated[float | None, _option(_INPUT, "Pictures per second of a folder of pictures.", metavar="HZ")]
Focal = Annotated[
    str | None,
    _option(
        _INPUT,
        "Focal length in pixels, or the angle of view along the longer side with `deg` behind it. Else as the camera "
        "wrote it into the file, else 0.7 of the longer side, as phones have.",
        metavar="PX|DEG",
    ),
]
Person = Annotated[
    str | None,
    _option(
        _PERSON,
        "Whose motion: largest, longest (seen), center, all, or a number as an earlier run gave it.",
        metavar="RULE",
    ),
]
PersonAt = Annotated[
    str | None,
    _option(_PERSON, "The person who is at this place of the picture, px, at this time (else 0 s).", metavar="X,Y[,S]"),
]
Height = Annotated[
    float | None,
    _option(_PERSON, "The person's height, m. Lengths are a guess without it; angles are not.", metavar="M"),
]
Neutral = Annotated[
    str | None,
    _option(_PERSON, "From when to when the person stands upright and still: angles count from there.", metavar="S-S"),
]
Keypoints = Annotated[
    str | None,
    _option(
        _MOTION,
        "Where keypoints come from: mediapipe, files:PATH (OpenPose, Sports2D), ultralytics:WEIGHTS, or what other "
        "packages add.",
        metavar="SOURCE",
    ),
]
Detector = Annotated[
    str | None,
    _option(_MOTION, "Who finds people: skelvid, mediapipe, torchvision:FILE or ultralytics:FILE.", metavar="NAME"),
]
Regressor = Annotated[
    str | None,
    _option(
        _MOTION, "Weights of an image regressor, to look at the pictures, too; see docs/regressor.md.", metavar="FILE"
    ),
]
Refine = Annotated[
    bool | None,
    _option(_MOTION, "Fit the body to the keypoints (the default), or save that time.", "--refine/--no-refine"),
]
Filter = Annotated[str | None, _option(_MOTION, "butterworth, kalman or none.", "--filter", metavar="NAME")]
Cutoff = Annotated[float | None, _option(_MOTION, "Cut-off of the filter, Hz; overrules --activity.", metavar="HZ")]
Activity = Annotated[
    str | None,
    _option(_MOTION, "Sets the cut-off: general, walk, run, jump, squat, sit_to_stand, balance.", metavar="NAME"),
]
Device = Annotated[str | None, _option(_MOTION, "Where networks run: auto, cpu, cuda or mps.", metavar="NAME")]
Out = Annotated[
    Path | None,
    _option(
        _OUTPUT,
        "Folder for the results, VIDEO_skelvid beside the video if left out; of several videos, the folder in which "
        "each gets its own.",
        metavar="DIR",
    ),
]
Exports = Annotated[
    str | None,
    _option(_OUTPUT, "Files, with commas between: csv,raw_csv,mot,trc,npz,glb,summary.", metavar="LIST"),
]
Overlay = Annotated[
    bool | None, _option(_OUTPUT, "Draw the skeleton over the video (overlay.mp4).", "--overlay/--no-overlay")
]
Report = Annotated[
    bool | None, _option(_OUTPUT, "Make a page of all of it (report.html), for any browser.", "--report/--no-report")
]
Pdf = Annotated[
    bool | None, _option(_OUTPUT, "Print that page (report.pdf); needs Chromium, Chrome or Edge.", "--pdf/--no-pdf")
]
Config = Annotated[
    str, typer.Option(help="default, accurate, fast, or a YAML file.", rich_help_panel=_SETTINGS, metavar="NAME|FILE")
]
Sets = Annotated[
    list[str] | None,
    _option(_SETTINGS, "Change any setting, such as motion.cutoff_hz=8; may be given again.", "--set", metavar="K=V"),
]
Quiet = Annotated[bool, _option(_SETTINGS, "Say nothing but errors.", "--quiet", "-q")]
Verbose = Annotated[bool, _option(_SETTINGS, "Say also what log.txt holds.", "--verbose", "-v")]


def run(
    videos: Videos,
    *,
    start: Start = None,
    end: End = None,
    rate: Rate = None,
    focal: Focal = None,
    person: Person = None,
    person_at: PersonAt = None,
    height: Height = None,
    neutral: Neutral = None,
    keypoints: Keypoints = None,
    detector: Detector = None,
    regressor: Regressor = None,
    refine: Refine = None,
    filter_name: Filter = None,
    cutoff: Cutoff = None,
    activity: Activity = None,
    device: Device = None,
    out: Out = None,
    exports: Exports = None,
    overlay: Overlay = None,
    report: Report = None,
    pdf: Pdf = None,
    config: Config = "default",
    sets: Sets = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Get joint angles out of videos.

    Each video gets a folder of results, with a table of angles (angles.csv, opens in spreadsheets), OpenSim files
    (angles.mot, landmarks.trc), plots, the video with the skeleton drawn over it, a page to look at all of it
    (report.html), and a summary with all settings and with warnings about what these numbers cannot be trusted with.

    Ctrl-C loses nothing that is finished, and the same command then goes on from there. A second run with other
    settings for what follows the networks does not ask them again.

    The exit code is 0 if all went well, 2 if the command or its one video is at fault, and of several videos the
    number of those that failed, at most 100.

    Examples:
        skelvid run squat.mp4 --height 1.78

        skelvid run clinic/*.mp4 --out results --config accurate --no-overlay

        skelvid run walk.mp4 --start 2 --end 8 --neutral 2-3 --set motion.cutoff_hz=8
    """
    from skelvid.config import load_config

    changes = {
        "video.start_s": start,
        "video.end_s": end,
        "video.rate_hz": rate,
        **(_focal(focal) if focal else {}),
        "people.person": person,
        "people.at": _place(person_at) if person_at else None,
        "people.keypoints": keypoints,
        "people.detector": detector,
        "motion.regressor": regressor,
        "motion.height_m": height,
        "motion.neutral_s": _between(neutral) if neutral else None,
        "motion.refine": refine,
        "motion.filter": filter_name,
        "motion.cutoff_hz": cutoff,
        "motion.activity": activity,
        "device": device,
        "export.files": [word.strip() for word in exports.split(",")] if exports is not None else None,
        "export.overlay": overlay,
        "export.report": report,
        "export.pdf": pdf,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    settings = load_config(config, sets=sets or [], changes=given)
    folders, console = result_folders(find_videos(videos), out), Console(quiet=quiet)
    try:
        failed = run_all(folders, settings, console=console, verbose=verbose)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped: the same command goes on from there.", **_PLAIN)
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(min(failed, MAX_FAILED))


def run_all(folders: Mapping[Path, Path], settings: "RunConfig", *, console: Console, verbose: bool = False) -> int:
    """Run each video into its folder; of several, let none keep the others from being run; return how many failed.

    Raises:
        SkelvidError: A single video failed, or what all of them need.
    """
    from skelvid.pipeline.estimate import load_lifter

    errors, failed = Console(stderr=True), 0
    several = len(folders) > 1
    lifter = load_lifter(settings) if several else None
    for video, folder in folders.items():
        if several:
            console.rule(escape(video.name))
        try:
            _run_one(video, folder, settings, lifter, console=console, verbose=verbose)
        except KeyboardInterrupt:
            errors.print(f"stopped: what is finished stays in {folder}; the same command goes on from there.", **_PLAIN)
            raise typer.Exit(INTERRUPTED) from None
        except SkelvidError as error:
            if not several:
                raise
            failed += 1
            errors.print(f"{video}: {error}", style="red", **_PLAIN)
        except Exception:  # a fault of ours: the other videos may not have it
            if not several:
                raise
            failed += 1
            errors.print_exception()
    if failed:
        errors.print(f"{failed} of {len(folders)} videos failed", style="red")
    return failed


def find_videos(paths: Sequence[Path]) -> list[Path]:
    """Return what to work on, each once: a folder stands for the videos in it, or, without any, for its pictures."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES) if path.is_dir() else []
        found += inside or [path]
    return list(dict.fromkeys(found))


def result_folders(videos: Sequence[Path], out: Path | None) -> dict[Path, Path]:
    """Return where the results of each video go."""
    if out is not None and len(videos) == 1:
        return {videos[0]: out}
    folders: dict[Path, Path] = {}
    stems = Counter((out or video.absolute().parent, video.stem) for video in videos)
    for video in videos:
        parent = out or video.absolute().parent
        name = video.stem if stems[parent, video.stem] == 1 else video.name
        tries = (parent / f"{name}_skelvid{again}" for again in ("", *(f"_{n}" for n in range(2, len(videos) + 1))))
        folders[video] = next(place for place in tries if place not in folders.values())
    return folders


def _run_one(video: Path, folder: Path, settings: "RunConfig", lifter: Any, *, console: Console, verbose: bool) -> None:
    from skelvid.pipeline.folder import run_video

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    handler = RichHandler(console=console, show_path=False, markup=False) if verbose else None
    logger = logging.getLogger("skelvid")
    if handler:
        logger.addHandler(handler)
    try:
        with (
            _noting_ctrl_c() as pressed,
            Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as bar,
        ):
            task = bar.add_task("starting", total=None)

            def show(stage: str, done: int, total: int | None) -> None:
                if pressed.is_set():
                    raise KeyboardInterrupt
                if bar.tasks[task].description != stage:
                    bar.reset(task, description=stage, total=total)
                bar.update(task, completed=done, total=total)

            results = run_video(video, folder, settings, lifter=lifter, progress=show)
    finally:
        if handler:
            logger.removeHandler(handler)
    console.print(f"{video.name}: results are in {folder}", **_PLAIN)
    for warning in dict.fromkeys(warning for result in results for warning in result.warnings):
        console.print(f"  ! {warning}", style="yellow", **_PLAIN)
    console.print(f"  {NOT_MEDICAL}", style="dim", **_PLAIN)


@contextlib.contextmanager
def _noting_ctrl_c() -> Generator[threading.Event]:
    """Remember Ctrl-C: where Python cannot raise (callbacks, finalizers) it prints the interrupt and goes on."""
    pressed = threading.Event()

    def note(*_: Any) -> None:
        pressed.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _focal(text: str) -> dict[str, float]:
    """Read `1500` or `60deg`."""
    match = re.fullmatch(r"\s*([\d.]+)\s*(px|deg|°)?\s*", text)
    if not match:
        raise ConfigError(f"--focal takes pixels, such as 1500, or an angle of view, such as 60deg, got '{text}'")
    name = "camera.fov_deg" if match[2] in ("deg", "°") else "camera.focal_px"
    return {name: _numbers(match[1], 1, "--focal")[0]}


def _place(text: str) -> tuple[float, ...]:
    numbers = _numbers(text, 2 if text.count(",") == 1 else 3, "--person-at x,y or x,y,seconds", ",")
    return numbers if len(numbers) == 3 else (*numbers, 0.0)


def _between(text: str) -> tuple[float, ...]:
    return _numbers(text, 2, "--neutral start-end, such as 0.5-1.5,", "-")


def _numbers(text: str, count: int, what: str, comma: str = ",") -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in text.split(comma))
    except ValueError:
        numbers = ()
    if len(numbers) != count:
        raise ConfigError(f"{what} takes {count} number(s), got '{text}'")
    return numbers
