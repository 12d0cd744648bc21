"""A result goes in, one HTML file comes out that holds everything it shows and asks nothing of the network."""

import base64
import gzip
import json
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from skelvid.angles.gait import SIDES, SOURCE, Stride, cycles, find_strides
from skelvid.datatypes.result import Result
from skelvid.draw.chart import DEEP, columns_of, side_of
from skelvid.export.to_glb import MotionGlb
from skelvid.export.words import NOT_MEDICAL
from skelvid.files import whole_file
from skelvid.report import tables
from skelvid.report.film import Film

FILE_NAME = "report.html"
# What is shown over the gait cycle, as far as it is there.
CYCLE_ANGLES = ("hip_flexion", "knee_angle", "ankle_angle", "hip_adduction", "pelvis_tilt", "pelvis_list")
_STEP_DEG = 0.01
_MISSING = -32768
_DASH, _MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


class _Pack:
    """Numbers on their way into the page: one compressed lump, and where each series begins in it."""

    def __init__(self) -> None:
        self._lump = bytearray()

    def times(self, time_s: np.ndarray) -> dict[str, Any]:
        """Add times; they must come first, for the browser wants them at a multiple of 8 bytes."""
        return self._add(time_s.astype("<f8"), 1.0)

    def degrees(self, values_rad: np.ndarray) -> dict[str, Any]:
        """Add angles in hundredths of a degree, or coarser if they run over several turns."""
        values_deg = np.degrees(values_rad)
        largest = float(np.nanmax(np.abs(values_deg), initial=0.0)) if np.isfinite(values_deg).any() else 0.0
        step = max(_STEP_DEG, largest / 32000)
        whole = np.where(np.isfinite(values_deg), np.nan_to_num(values_deg) / step, _MISSING)
        return self._add(whole.round().astype("<i2"), step)

    def _add(self, values: np.ndarray, step: float) -> dict[str, Any]:
        place = {"at": len(self._lump), "count": len(values), "step": step}
        self._lump += values.tobytes()
        return place

    def text(self) -> str:
        """Return the lump as text."""
        return _as_text(bytes(self._lump))


def write_report(result: Result, path: Path, *, film: Film | None = None, film_link: str = "") -> None:
    """Write the page of one person.

    Args:
        result: What it shows.
        path: The `.html` file.
        film: The overlay, made small.
        film_link: Where the overlay lies as seen from the page, for films too long to be inside.

    Raises:
        SkelvidError: The disk is full, or the folder cannot be written to.
    """
    page = render(result, film=film, film_link=film_link)
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")


def render(result: Result, *, film: Film | None = None, film_link: str = "") -> str:
    """Return the page of one person as HTML; the arguments are those of `write_report`."""
    strides = find_strides(result)
    pack = _Pack()
    scene = _scene(result, strides, pack)
    scene["film"] = None if film is None else {"inside": film.mp4 is not None, "link": film_link}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_asset("page.html"))
    return template.render(
        number=_number,
        plain=tables.plain,
        result=result,
        not_medical=NOT_MEDICAL,
        quality=list(tables.quality(result)),
        ranges=tables.range_table(result.angles),
        groups=tables.groups(result.angles),
        conventions=tables.conventions(result.angles),
        settings=list(tables.settings(dict(result.settings))),
        strides=strides,
        gait=tables.gait_table(strides) if strides else [],
        gait_source=SOURCE,
        cycle_charts=scene["cycles"],
        more=tables.MORE,
        film=film,
        key_frames=[(time_s, _data_uri("image/jpeg", data)) for time_s, data in film.key_frames] if film else [],
        style=_asset("style.css"),
        script="\n".join(_asset(name) for name in ("charts.js", "viewer.js", "main.js")),
        colors={side: f"rgb{color}" for side, color in DEEP.items()},
        # A "<" could close the script it stands in.
        scene=json.dumps(scene, separators=(",", ":")).replace("<", "\\u003c"),
        lumps={
            "numbers": pack.text(),
            "body": _as_text(_body(result)) if result.seen.any() else "",
            "film": base64.b64encode(film.mp4).decode() if film and film.mp4 else "",
        },
    )


def _scene(result: Result, strides: tuple[Stride, ...], pack: _Pack) -> dict[str, Any]:
    """Return what the scripts need to know."""
    angles, time_s, visible = result.angles, result.motion.time_s, result.motion.visible
    times = pack.times(time_s)
    return {
        "times": times,
        "bodyStart": float(time_s[visible][0]) if visible.any() else 0.0,
        "gaps": [[time_s[max(first - 1, 0)], time_s[min(last, len(time_s) - 1)]] for first, last in _unseen(result)],
        "strides": [[s.side, s.start_s, s.toe_off_s, s.end_s] for s in strides],
        "charts": {
            name: [_curves(result, column, pack) for column in columns_of(name, angles)]
            for names in tables.groups(angles).values()
            for name in names
        },
        "cycles": {
            name: _cycle_chart(result, strides, name)
            for name in CYCLE_ANGLES
            if strides and any(bare in angles.names for bare in (name, f"{name}_r"))
        },
    }


def _unseen(result: Result) -> list[tuple[int, int]]:
    """Return the runs of frames in which nobody was seen, first and one past the last."""
    edges = np.flatnonzero(np.diff(~result.seen, prepend=False, append=False))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _curves(result: Result, column: int, pack: _Pack) -> dict[str, Any]:
    angles, sigma_rad = result.angles, result.angles.sigma_rad
    return {
        "side": side_of(angles.names[column]),
        "smooth": pack.degrees(angles.values_rad[:, column]),
        "raw": pack.degrees(result.raw_angles.values_rad[:, column]),
        "sd": None if sigma_rad is None else pack.degrees(sigma_rad[:, column]),
    }


def _cycle_chart(result: Result, strides: tuple[Stride, ...], name: str) -> list[dict[str, Any]]:
    """Return mean and standard deviation over the strides of each side, degrees, with the mean toe-off, %."""
    curves: list[dict[str, Any]] = []
    for side, word in zip(SIDES, ("right", "left"), strict=True):
        own = [stride for stride in strides if stride.side == side]
        full = f"{name}_{side}" if f"{name}_{side}" in result.angles.names else name
        found = np.degrees(cycles(result.angles, own, full))
        found = found[np.isfinite(found).all(1)]
        if len(found):
            sd = found.std(0, ddof=1) if len(found) > 1 else np.zeros(found.shape[1])
            curves.append(
                {
                    "side": word,
                    "count": len(found),
                    "mean": found.mean(0).round(2).tolist(),
                    "sd": sd.round(2).tolist(),
                    "toeOff": round(100.0 * float(np.mean([s.stance_share for s in own])), 1),
                }
            )
    return curves


def _body(result: Result) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write = MotionGlb()
        write(result, path := Path(folder) / write.file_name)
        return path.read_bytes()


def _asset(name: str) -> str:
    return resources.files("skelvid.report").joinpath("assets", name).read_text(encoding="utf-8")


def _as_text(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _number(value: float | None, digits: int = 0) -> str:
    """Return a number as it stands in a table; a dash where it is not known."""
    return (
        _DASH
        if value is None or not np.isfinite(value)
        else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", _MINUS)
    )
