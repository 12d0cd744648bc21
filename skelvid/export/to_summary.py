"""What was done to a video, with what, and how good the outcome is, in one JSON file."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.result import Result
from skelvid.export.words import NOT_MEDICAL, describe_lengths
from skelvid.files import whole_file
from skelvid.series import pieces


class Summary:
    """Versions, settings, warnings, and how much was seen how well."""

    file_name = "summary.json"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the summary."""
        with whole_file(path) as part:
            part.write_text(json.dumps(summarise(result), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def summarise(result: Result) -> dict[str, Any]:
    """Return the summary as numbers, text, lists and dictionaries."""
    info, time_s, seen = result.video_info, result.motion.time_s, result.seen
    return {
        "note": NOT_MEDICAL,
        "person": result.motion.person_id,
        "video": {
            "file": result.video.name,
            "height_px": info.size_hw[0],
            "width_px": info.size_hw[1],
            "rate_hz": info.rate_hz,
            "frames": len(time_s),
            "start_s": float(time_s[0]) if len(time_s) else None,
            "end_s": float(time_s[-1]) if len(time_s) else None,
        },
        "warnings": list(result.warnings),
        "quality": {
            "seen_share": float(seen.mean()) if len(seen) else 0.0,
            "gaps": [{"start_s": start, "end_s": end} for start, end in gaps(time_s, seen)],
            "angles": {name: _quality(result.angles, i) for i, name in enumerate(result.angles.names)},
        },
        "lengths": {
            "believed_height_m": result.believed_height_m,
            "typed_height_m": result.typed_height_m,
            "note": describe_lengths(result),
        },
        "ground": {"axes": result.ground.tolist(), "origin_m": result.ground_origin_m.tolist()},
        "smoothing": result.smoothing,
        "body": result.body,
        "settings": result.settings,
        "versions": result.versions,
    }


def gaps(time_s: np.ndarray, seen: np.ndarray) -> list[tuple[float, float]]:
    """Return the times of the first and the last frame of each stretch in which the person was not seen.

    >>> gaps(np.array([0.0, 0.1, 0.2, 0.3]), np.array([True, False, False, True]))
    [(0.1, 0.2)]
    """
    return [(float(time_s[gap.start]), float(time_s[gap.stop - 1])) for gap in pieces(~seen)]


def _quality(angles: JointAngles, column: int) -> dict[str, float | None]:
    """Return the range of an angle and the mean of its standard deviation, degrees; None where nothing is known."""
    values = angles.values_rad[:, column]
    sigma = np.full_like(values, np.nan) if angles.sigma_rad is None else angles.sigma_rad[:, column]
    found = {"least_deg": values, "greatest_deg": values, "mean_sd_deg": sigma}
    reduce = {"least_deg": np.min, "greatest_deg": np.max, "mean_sd_deg": np.mean}
    return {
        name: round(float(np.degrees(reduce[name](there))), 3) if len(there := series[np.isfinite(series)]) else None
        for name, series in found.items()
    }
