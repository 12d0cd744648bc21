"""`skelvid webcam` and `skelvid app`: words of the command line in; a sitting, or a server of pages, told about."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skelvid.cli_run import NOT_MEDICAL, Config, Detector, Device, Keypoints, Quiet, Sets
from skelvid.errors import ConfigError

if TYPE_CHECKING:
    from skelvid.config import RunConfig
    from skelvid.live.sitting import Pace
    from skelvid.pipeline.live import Moment
    from skelvid.pipeline.record import Recording
    from skelvid.video.webcam import Webcam

_PLAIN: Any = {"soft_wrap": True, "markup": False, "highlight": False}
_TELL_EVERY_S = 2.0

Source = Annotated[
    str,
    typer.Argument(
        help="Number of a camera, its name, an address (rtsp://..., http://...), or a file in place of a camera.",
        show_default=True,
    ),
]
Record = Annotated[
    Path | None,
    typer.Option(help="Film, and at the end write there what `skelvid run` writes.", metavar="DIR", show_default=False),
]
Person = Annotated[
    str | None,
    typer.Option(help="Whom to follow: largest, longest (seen), center.", metavar="RULE", show_default=False),
]
Seconds = Annotated[float | None, typer.Option(help="End after so long.", metavar="S", show_default=False)]
Size = Annotated[
    str | None, typer.Option(help="Ask the camera for pictures of this size.", metavar="WxH", show_default=False)
]
Rate = Annotated[float | None, typer.Option(help="Ask it for so many a second.", metavar="HZ", show_default=False)]


def webcam(
    source: Source = "0",
    *,
    record: Record = None,
    person: Person = None,
    keypoints: Keypoints = None,
    detector: Detector = None,
    device: Device = None,
    window: Annotated[bool, typer.Option(help="Show it; without, only say how it goes.")] = True,
    seconds: Seconds = None,
    size: Size = None,
    rate: Rate = None,
    config: Config = "webcam",
    sets: Sets = None,
    quiet: Quiet = False,
) -> None:
    """Joint angles live: the skeleton over the camera's picture, and curves that run beside it.

    Each picture is dealt with when it comes, by what came before it; those that come meanwhile are left out, so it
    never falls behind. Keys are explained in the window. With --record the film is kept, and when the camera, the
    time or you end it (q, Ctrl-C), it is looked at once more as a whole: better results, in the same files as from
    `skelvid run`.

    Examples:
        skelvid webcam

        skelvid webcam 1 --record gait1 --set motion.height_m=1.75

        skelvid webcam rtsp://192.168.1.20/stream --no-window --seconds 30 --record gait2
    """
    from skelvid.config import load_config

    changes = {"people.person": person, "people.keypoints": keypoints, "people.detector": detector, "device": device}
    given = {name: value for name, value in changes.items() if value is not None}
    settings = load_config(config, sets=sets or [], changes=given)
    console = Console(quiet=quiet)
    options = {"video_size": _size(size), "framerate": None if rate is None else f"{rate:g}"}
    with open_camera(source, settings, {name: value for name, value in options.items() if value}) as camera:
        recording = _sit(camera, settings, record, console=console, window=window, seconds=seconds)
    if recording is not None and recording.frames:
        with console.status("looking at the recording as a whole"):
            results = recording.finish()
        console.print(f"results are in {recording.folder}", **_PLAIN)
        for warning in dict.fromkeys(warning for result in results for warning in result.warnings):
            console.print(f"  ! {warning}", style="yellow", **_PLAIN)
    console.print(f"  {NOT_MEDICAL}", style="dim", **_PLAIN)


def app(
    host: Annotated[
        str, typer.Option(help="Address to listen at; the default is heard by this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes any that is free.", min=0, max=65535)] = 8321,
    max_mb: Annotated[float, typer.Option(help="Largest video that may be opened, MB.", min=0.001)] = 1000.0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    sets: Sets = None,
) -> None:
    """Serve a page for this machine's browser: joint angles live from its camera, and of videos.

    Everything stays on this machine. Videos are deleted as soon as they were looked at, results when you delete them
    in the page, an hour after they were last used, or when this ends (Ctrl-C). Needs the extra: pip install
    'skelvid[app]'.

    Examples:
        skelvid app

        skelvid app --port 9000 --no-browser --set people.keypoints=ultralytics:yolo11m-pose.pt
    """
    import webbrowser

    try:
        from skelvid.app.server import serve
    except ImportError as error:
        raise ConfigError(f"the page needs {error.name}: pip install 'skelvid[app]'") from error

    console = Console()

    def ready(address: str) -> None:
        console.print(f"skelvid is at {address} (end with Ctrl-C)", **_PLAIN)
        if host not in ("127.0.0.1", "localhost"):
            told = "others in your network can use this page; its camera works by https or from this machine only"
            console.print(f"  ! {told}", style="yellow", **_PLAIN)
        console.print(f"  {NOT_MEDICAL}", style="dim", **_PLAIN)
        if browser:
            webbrowser.open(address)

    serve(host=host, port=port, sets=tuple(sets or ()), max_upload_bytes=round(max_mb * 1e6), ready=ready)


def open_camera(source: str, settings: "RunConfig", options: dict[str, str]) -> "Webcam":
    """Open what the user calls a camera.

    Raises:
        VideoError: It cannot be opened.
    """
    from skelvid.video.webcam import Webcam, camera_address

    side_px = settings.video.max_side_px
    if Path(source).is_file():
        return Webcam(source, kind=None, max_side_px=side_px, paced=True)
    if "://" in source:
        return Webcam(source, kind=None, max_side_px=side_px)
    kind_device = camera_address(int(source) if source.isdigit() else source)
    return Webcam(kind_device[1], kind=kind_device[0], options=options, max_side_px=side_px)


def _sit(
    camera: "Webcam",
    settings: "RunConfig",
    record: Path | None,
    *,
    console: Console,
    window: bool,
    seconds: float | None,
) -> "Recording | None":
    """Show and record until it ends; say how it went."""
    from skelvid.live.sitting import Pace, sit
    from skelvid.live.window import Window
    from skelvid.pipeline.estimate import load_lifter
    from skelvid.pipeline.record import Recording

    lifter, last_s, pace = load_lifter(settings), 0.0, Pace()

    def said(moment: "Moment", so_far: "Pace") -> None:
        nonlocal last_s, pace
        pace = so_far
        if not window and moment.frame.time_s >= last_s + _TELL_EVERY_S:
            last_s = moment.frame.time_s
            console.print(f"{last_s:7.1f} s  {_pace(pace.rate_hz, pace.latency_s)}", **_PLAIN)

    with ExitStack() as stack:
        screen = stack.enter_context(Window("skelvid")) if window else None
        recording = None if record is None else stack.enter_context(Recording(record, settings))
        try:
            reason = sit(
                camera, settings, lifter=lifter, screen=screen, recording=recording, seconds=seconds, said=said
            ).reason
        except KeyboardInterrupt:
            reason = "you ended it"
    told = f"{pace.frames} frames, {_pace(pace.mean_rate_hz, pace.median_latency_s)}, person seen in {pace.seen}"
    console.print(f"{reason}; {told}", **_PLAIN)
    return recording


def _pace(rate_hz: float, latency_s: float) -> str:
    return f"{rate_hz:.1f} frames/s, {1000.0 * latency_s:.0f} ms behind"


def _size(text: str | None) -> str | None:
    """Check `1280x720`."""
    if text is not None and not re.fullmatch(r"\d+x\d+", text):
        raise ConfigError(f"--size takes width x height, such as 1280x720, got '{text}'")
    return text
