"""A result in; the tables of its page out, as text: what was seen how well, how far joints moved, how the gait was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skelvid.angles.gait import SIDES, Stride, cadence_per_min
from skelvid.angles.table import ANGLES
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.result import Result
from skelvid.draw.chart import columns_of
from skelvid.draw.plots import PAGES
from skelvid.export.to_summary import gaps
from skelvid.export.words import describe_lengths

# Angles by part of the body, in the order of the page; "more" are the remaining ones.
GROUPS = {"Legs": PAGES["legs"], "Trunk and head": PAGES["trunk"], "Arms": PAGES["arms"]}
MORE = "More angles"
_MAX_GAPS = 8
# Two ranges differ for sure if they do by more than this many standard deviations of their difference.
_SURE = 2.0


@dataclass(frozen=True)
class Range:
    """How far an angle moved, degrees, and the mean standard deviation of its values; None = not known."""

    least_deg: float
    greatest_deg: float
    sigma_deg: float | None

    @property
    def range_deg(self) -> float:
        """Return the range of motion."""
        return self.greatest_deg - self.least_deg


@dataclass(frozen=True)
class RangeRow:
    """Ranges of an angle: right and left, or one for the middle of the body; None where it was never seen."""

    label: str
    sides: tuple[Range | None, ...]

    @property
    def difference_deg(self) -> float | None:
        """Return how much larger the range of the right side is."""
        if len(self.sides) < 2 or self.sides[0] is None or self.sides[1] is None:
            return None
        return self.sides[0].range_deg - self.sides[1].range_deg

    @property
    def alike_percent(self) -> float | None:
        """Return the smaller range as a share of the larger one: 100 % is symmetry."""
        if self.difference_deg is None:
            return None
        small, large = sorted(side.range_deg for side in self.sides if side)
        return 100.0 * small / large if large > 0.0 else 100.0

    @property
    def sure(self) -> bool:
        """Return whether the sides differ by more than the doubt of the measurement."""
        sigmas = [side.sigma_deg for side in self.sides if side]
        if self.difference_deg is None or None in sigmas:
            return False
        # A range is the difference of two values.
        doubt_deg = np.sqrt(2.0 * sum(sigma**2 for sigma in sigmas if sigma is not None))
        return abs(self.difference_deg) > _SURE * float(doubt_deg)


def groups(angles: JointAngles) -> dict[str, tuple[str, ...]]:
    """Return the angles of each part of the page, without their sides."""
    bare = dict.fromkeys(name.removesuffix("_r").removesuffix("_l") for name in angles.names)
    found = {title: tuple(name for name in names if name in bare) for title, names in GROUPS.items()}
    rest = tuple(name for name in bare if not any(name in names for names in found.values()))
    return {title: names for title, names in (found | {MORE: rest}).items() if names}


def plain(name: str) -> str:
    """Return a name as people write it.

    >>> plain("knee_angle_r"), plain("pro_sup_l")
    ('knee angle, right', 'forearm turn (pro/supination), left')
    """
    bare = name.removesuffix("_r").removesuffix("_l")
    words = _WORDS.get(bare, bare.replace("_", " "))
    return f"{words}, right" if name.endswith("_r") else f"{words}, left" if name.endswith("_l") else words


_WORDS = {
    "pro_sup": "forearm turn (pro/supination)",
    "mtp_angle": "toes (mtp angle)",
    "arm_flex": "arm flexion",
    "arm_add": "arm adduction",
    "arm_rot": "arm rotation",
    "elbow_flex": "elbow flexion",
    "wrist_flex": "wrist flexion",
    "wrist_dev": "wrist deviation",
    "pelvis_list": "pelvis list (sideways lean)",
    "subtalar_angle": "subtalar angle (sole in or out)",
    "scapula_upward_rot": "scapula upward rotation",
}


def meaning(name: str) -> str:
    """Return what + means."""
    return _DEFINITIONS[name].positive if name in _DEFINITIONS else ""


_DEFINITIONS = {angle.name.removesuffix("_r"): angle for angle in ANGLES if not angle.name.endswith("_l")}


def conventions(angles: JointAngles) -> list[tuple[str, str, str, str, str]]:
    """Return of each angle its plain name, its name in files, what + means, what 0 is, and whose convention it is."""
    rows: list[tuple[str, str, str, str, str]] = []
    for names in groups(angles).values():
        for name in (name for name in names if name in _DEFINITIONS):
            angle = _DEFINITIONS[name]
            file_name = f"{name}_r, _l" if len(columns_of(name, angles)) == 2 else name
            rows.append((plain(name), file_name, angle.positive, angle.zero, angle.source))
    return rows


def range_table(angles: JointAngles) -> dict[str, list[RangeRow]]:
    """Return the ranges of motion, by part of the body."""
    return {
        title: [RangeRow(plain(name), tuple(_range(angles, i) for i in columns_of(name, angles))) for name in names]
        for title, names in groups(angles).items()
    }


def _range(angles: JointAngles, column: int) -> Range | None:
    values_deg = np.degrees(angles.values_rad[:, column])
    values_deg = values_deg[np.isfinite(values_deg)]
    if not len(values_deg):
        return None
    # An angle that runs past the end of its scale has not moved by a whole turn.
    straight_deg = np.unwrap(values_deg, period=360.0)
    values_deg = straight_deg + 360.0 * np.round(np.median(values_deg - straight_deg) / 360.0)
    sigma_deg = None
    if angles.sigma_rad is not None and np.isfinite(angles.sigma_rad[:, column]).any():
        sigma_deg = float(np.degrees(np.nanmean(angles.sigma_rad[:, column])))
    return Range(float(values_deg.min()), float(values_deg.max()), sigma_deg)


def quality(result: Result) -> Iterator[tuple[str, str]]:
    """Yield what there is to know before the numbers are believed: a word and what is to be said of it."""
    time_s, seen, info = result.motion.time_s, result.seen, result.video_info
    yield "Person", f"number {result.motion.person_id} in {result.video.name}"
    height, width = info.size_hw
    yield (
        "Video",
        f"{time_s[0]:.2f} to {time_s[-1]:.2f} s, {len(time_s)} pictures, {info.rate_hz:.4g} per second, "
        f"{width} x {height} pixels",
    )
    yield "Seen", f"in {100 * seen.mean():.0f} % of the pictures; {_describe_gaps(gaps(time_s, seen))}"
    yield "Smoothing", result.smoothing
    yield "Lengths", describe_lengths(result)
    yield "Body", result.body
    yield "Made with", ", ".join(f"{name} {version}" for name, version in result.versions.items())


def _describe_gaps(found: Sequence[tuple[float, float]]) -> str:
    if not found:
        return "no gap"
    said = [f"{start:.2f} to {end:.2f} s" for start, end in found[:_MAX_GAPS]]
    more = f" and {len(found) - _MAX_GAPS} more" if len(found) > _MAX_GAPS else ""
    return f"not seen {', '.join(said)}{more}"


def settings(tree: object, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield all settings by their dotted names, as `--set` takes them."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from settings(value, f"{above}.{name}" if above else str(name))
    else:
        yield above, "not given" if tree is None else str(tree)


@dataclass(frozen=True)
class GaitRow:
    """A quantity of the gait: mean and standard deviation over strides, right and left, or one for both."""

    label: str
    note: str
    unit: str
    sides: tuple[tuple[float, float], ...]


def gait_table(strides: Sequence[Stride]) -> list[GaitRow]:
    """Return the times of a gait."""
    by_side = [[stride for stride in strides if stride.side == side] for side in SIDES]

    def row(label: str, note: str, unit: str, name: str, factor: float = 1.0) -> GaitRow:
        values = [factor * np.array([getattr(stride, name) for stride in own]) for own in by_side]
        return GaitRow(label, note, unit, tuple(_mean_and_sd(v) for v in values))

    double = 100.0 * np.array([stride.double_support_share for stride in strides])
    return [
        GaitRow("Cadence", "steps per minute", "/min", ((cadence_per_min(strides), np.nan),)),
        row("Stride time", "from heel strike to heel strike of the same foot", "s", "duration_s"),
        row("Step time", "from the other heel's strike to this one's", "s", "step_s"),
        row("Stance", "share of the stride with this foot on the floor", "%", "stance_share", 100.0),
        GaitRow("Both feet down", "share of the stride (double support)", "%", (_mean_and_sd(double),)),
    ]


def _mean_and_sd(values: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of a sample; NaN where there are too few."""
    return (
        float(values.mean()) if len(values) else np.nan,
        float(values.std(ddof=1)) if len(values) > 1 else np.nan,
    )
