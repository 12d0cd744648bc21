"""Settings: a YAML file and words such as `motion.cutoff_hz=8` in; checked, frozen dataclasses out, one per room.

Adding a setting: a field with a default, its line in the docstring, and its line in `configs/run/default.yaml`;
`tests/test_config.py` fails if one is missed.
"""

import difflib
import math
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from skelvid.errors import ConfigError

Filter = Literal["butterworth", "kalman", "none"]
Device = Literal["auto", "cpu", "cuda", "mps"]
CONFIG_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class VideoConfig:
    """What is read.

    Attributes:
        start_s: First time, as the file counts; None = from the beginning.
        end_s: First time after the last; None = to the end.
        rate_hz: Pictures per second of a folder of pictures, which tells no time.
        slow_motion: How many times slower than life the file plays; None = as the file says.
        max_side_px: Larger pictures are made so small that no side is longer.
    """

    start_s: float | None = None
    end_s: float | None = None
    rate_hz: float | None = None
    slow_motion: float | None = None
    max_side_px: int | None = 1920

    def __post_init__(self) -> None:
        if self.start_s is not None and self.end_s is not None and self.start_s >= self.end_s:
            raise ConfigError(f"the start must lie before the end, got {self.start_s:g} s and {self.end_s:g} s")
        _positive(self, "rate_hz", "slow_motion", "max_side_px")


@dataclass(frozen=True)
class CameraConfig:
    """How it was seen.

    Attributes:
        focal_px: Focal length in pixels of the file.
        fov_deg: Angle of view along the longer side; instead of `focal_px`.
        pitch_deg: How far the camera looks down, if known, as from the phone's level; else gravity is estimated.
        roll_deg: How far it is turned clockwise; counts with `pitch_deg` only.
    """

    focal_px: float | None = None
    fov_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        _positive(self, "focal_px", "fov_deg")
        if self.focal_px and self.fov_deg:
            raise ConfigError("give camera.focal_px or camera.fov_deg, not both")
        if self.fov_deg and self.fov_deg >= 180.0:
            raise ConfigError(f"camera.fov_deg must be less than 180, got {self.fov_deg:g}")


@dataclass(frozen=True)
class PeopleConfig:
    """Who is found, and how.

    Attributes:
        keypoints: Keypoint source; what follows a colon is its first argument, as in `files:my_openpose_folder`.
        detector: Who finds people.
        person: Whose motion is wanted, see `skelvid.people.choose`.
        at: Point (x, y), px, and time, s, at which the wanted person is; overrules `person`.
        max_people: How many are followed at once where all are wanted.
    """

    keypoints: str = "mediapipe"
    detector: str = "skelvid"
    person: str = "largest"
    at: tuple[float, float, float] | None = None
    max_people: int = 4

    def __post_init__(self) -> None:
        _positive(self, "max_people")


@dataclass(frozen=True)
class MotionConfig:
    """From keypoints to motion.

    Attributes:
        lifter: File of the lifter's weights; None = those that ship.
        regressor: File of an image regressor's weights, which is then asked about each frame, too; None = nobody is.
        body: Body by name or path, as for `load_body`.
        refine: Fit the body to the keypoints after lifting.
        max_gap_s: Longest time unseen that is bridged.
        filter: What smooths, see `skelvid.motion.smooth`.
        activity: Sets where it cuts off, by `CUTOFFS_HZ` there.
        cutoff_hz: Where it cuts off; overrules `activity`.
        height_m: The person's height; without it lengths are a guess.
        forward: What `pelvis_*` angles count from: where the person faces on average, or the camera.
        neutral_s: From when to when the person stands upright and still: angles count from there.
    """

    lifter: str | None = None
    regressor: str | None = None
    body: str = "neutral"
    refine: bool = True
    max_gap_s: float = 0.5
    filter: Filter = "butterworth"
    activity: str = "general"
    cutoff_hz: float | None = None
    height_m: float | None = None
    forward: Literal["person", "camera"] = "person"
    neutral_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _positive(self, "cutoff_hz", "height_m")
        if self.max_gap_s < 0.0:
            raise ConfigError(f"motion.max_gap_s must not be negative, got {self.max_gap_s:g}")
        if self.height_m is not None and not 0.3 <= self.height_m <= 2.8:
            raise ConfigError(f"motion.height_m is in metres, such as 1.75, got {self.height_m:g}")
        if self.neutral_s and not self.neutral_s[0] < self.neutral_s[1]:
            raise ConfigError(f"motion.neutral_s must be a start and a later end, got {list(self.neutral_s)}")


@dataclass(frozen=True)
class ExportConfig:
    """What is written.

    Attributes:
        files: By the names of `skelvid.export.catalogue`.
        plots: Draw angles over time, raw against smoothed.
        overlay: Draw the skeleton over the video.
        report: Make the page that shows all of it.
        pdf: Print the page too; needs Chromium, Chrome or Edge.
    """

    files: tuple[str, ...] = ("csv", "raw_csv", "mot", "trc", "npz", "summary")
    plots: bool = True
    overlay: bool = True
    report: bool = True
    pdf: bool = False


@dataclass(frozen=True)
class RunConfig:
    """All settings of a run; `RunConfig()` is `configs/run/default.yaml`.

    Attributes:
        device: Where networks run.
    """

    video: VideoConfig = field(default_factory=VideoConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    people: PeopleConfig = field(default_factory=PeopleConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    device: Device = "auto"


def load_config(
    source: str | Path = "default", *, sets: Sequence[str] = (), changes: Mapping[str, Any] | None = None
) -> RunConfig:
    """Return the settings of a file, changed.

    Args:
        source: `default`, `accurate`, `fast`, or the path of a YAML file; what it leaves out has its default.
        sets: Changes as text, such as `motion.cutoff_hz=8`; the right side is YAML.
        changes: Further ones, dotted name -> value; they win.

    Raises:
        ConfigError: There is no such file, or a name or value in it or in the changes is not allowed.
    """
    path = _config_path(source)
    try:
        tree: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings {path} cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    # Checked by itself first, so that a fault of the file is not blamed on the words.
    _build(RunConfig, tree, str(path), "")
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set takes name=value, such as motion.cutoff_hz=8, got '{text}'")
        try:
            _put(tree, name.strip(), yaml.safe_load(value))
        except yaml.YAMLError as error:
            raise ConfigError(f"the value in --set {text} is not YAML") from error
    for name, value in (changes or {}).items():
        _put(tree, name, value)
    return _build(RunConfig, tree, "the settings", "")


def list_configs() -> list[str]:
    """Return the names of the settings that ship."""
    return sorted(path.stem for path in _shipped_dir().glob("*.yaml"))


def to_yaml(config: RunConfig) -> str:
    """Return settings as YAML that `load_config` reads back to the same."""
    return yaml.safe_dump(to_plain(config), sort_keys=False, allow_unicode=True)


def to_plain(config: RunConfig) -> dict[str, Any]:
    """Return settings as mappings, lists, numbers and text."""
    return {name: _plain(value) for name, value in asdict(config).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [*value] if isinstance(value, tuple) else value


def _shipped_dir() -> Path:
    """Return the folder of the shipped settings, in an installed package or in a source checkout."""
    package = Path(__file__).parent
    installed = package / "_configs"
    return installed if installed.is_dir() else package.parent / "configs" / "run"


def _config_path(source: str | Path) -> Path:
    path = Path(source).expanduser()
    shipped = _shipped_dir() / f"{source}.yaml"
    if path.suffix not in CONFIG_SUFFIXES and shipped.is_file():
        return shipped
    if path.is_file():
        return path
    known = ", ".join(list_configs())
    raise ConfigError(f"no settings at {path}: give the path of a YAML file, or one of {known}")


def _put(tree: dict[str, Any], name: str, value: Any) -> None:
    """Set a dotted name in nested mappings."""
    known = list(_names(RunConfig))
    if name not in known:
        raise _unknown(name, known)
    *rooms, leaf = name.split(".")
    for room in rooms:
        tree[room] = tree.get(room) or {}
        tree = tree[room]
    tree[leaf] = value


def _names(kind: type, prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of all settings."""
    for name, hint in get_type_hints(kind).items():
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _names(hint, f"{prefix}{name}.")
        else:
            yield prefix + name


def _unknown(name: str, known: Sequence[str]) -> ConfigError:
    # Somebody may know the last part of a name only, or nearly.
    leaves = {full.split(".")[-1]: full for full in known}
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    near = near or [leaves[leaf] for leaf in difflib.get_close_matches(name.split(".")[-1], leaves, n=1)]
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return ConfigError(f"no setting is called '{name}': {hint}")


def _build(kind: type, tree: Any, source: str, prefix: str) -> Any:
    """Make a dataclass from a mapping, checking names and types.

    Raises:
        ConfigError: Something is unknown or of another type.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{prefix.rstrip('.') or source} must hold names and values, got {tree!r}")
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in tree.items():
        full = f"{prefix}{name}"
        if name not in hints:
            raise _unknown(full, list(_names(RunConfig)))
        if is_dataclass(hints[name]):
            values[name] = _build(hints[name], {} if value is None else value, source, f"{full}.")
        else:
            values[name] = _convert(value, hints[name], full)
    return kind(**values)


def _convert(value: Any, hint: Any, name: str) -> Any:
    """Return a value as its setting's type, which YAML may write more simply: `8` for 8.0, a list for a tuple.

    Raises:
        ConfigError: It is of another type.
    """
    for option in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        if option is type(None) and value is None:
            return None
        if get_origin(option) is Literal and value in get_args(option):
            return value
        if option is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if option in (int, bool, str) and type(value) is option:
            return value
        if get_origin(option) is tuple and isinstance(value, list | tuple):
            parts = get_args(option)
            parts = parts[:1] * len(value) if parts[-1] is Ellipsis else parts
            if len(parts) == len(value):
                return tuple(
                    _convert(v, part, f"{name}[{i}]") for i, (v, part) in enumerate(zip(value, parts, strict=True))
                )
    raise ConfigError(f"{name} must be {_said(hint)}, got {value!r}")


def _said(hint: Any) -> str:
    """Say a type in words."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_said(option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        return f"a list of {_said(parts[0])}s" if parts[-1] is Ellipsis else f"a list of {len(parts)} numbers"
    words = {float: "a number", int: "a whole number", bool: "true or false", str: "text", type(None): "null"}
    return words[hint]


def _positive(config: Any, *names: str) -> None:
    room = type(config).__name__.removesuffix("Config").lower()
    for name in names:
        value = getattr(config, name)
        if value is not None and not value > 0:
            raise ConfigError(f"{room}.{name} must be positive, got {value:g}")
