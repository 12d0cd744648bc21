"""Joint angles in, a table for spreadsheets, pandas and R out: degrees, a standard deviation beside each angle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.result import Result
from skelvid.errors import AssetError
from skelvid.export.words import NOT_MEDICAL, describe_lengths, describe_versions, describe_zero
from skelvid.files import whole_file

SIGMA_SUFFIX = "_sd"
_MEANING = (
    "time in s from the start of the video; angles in degrees; <angle>_sd is the standard deviation in degrees",
    "blank: the person was not seen, or the standard deviation is not known",
    "+ is flexion, adduction, internal rotation, dorsiflexion, inversion, pronation, right (_r) and left (_l) alike;",
    "for the pelvis backward tilt, lean to the right, turn to the left; for the spine extension, bending to the right,",
    "twist to the left. Zeros and orders of rotation: docs/conventions.md of skelvid",
)


class AnglesCsv:
    """The smoothed angles."""

    file_name = "angles.csv"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the table."""
        write_angles_csv(result.angles, path, comments=_comments(result, f"smoothing: {result.smoothing}"))


class RawAnglesCsv:
    """The angles before smoothing."""

    file_name = "raw_angles.csv"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the table."""
        write_angles_csv(result.raw_angles, path, comments=_comments(result, "smoothing: none"))


def write_angles_csv(angles: JointAngles, path: Path, *, comments: Sequence[str] = ()) -> None:
    """Write `time`, then each angle and its standard deviation; missing numbers are blank."""
    values_deg = np.degrees(angles.values_rad)
    sigma_deg = np.full_like(values_deg, np.nan) if angles.sigma_rad is None else np.degrees(angles.sigma_rad)
    sigma_deg = np.where(np.isnan(values_deg), np.nan, sigma_deg)
    columns = np.stack([values_deg, sigma_deg], 2).reshape(len(values_deg), -1).round(3) + 0.0  # no -0.000
    names = [name for angle in angles.names for name in (angle, angle + SIGMA_SUFFIX)]
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"# {' '.join(comment.split())}\n" for comment in comments)
        file.write(",".join(["time", *names]) + "\n")
        for time_s, row in zip(angles.time_s, columns, strict=True):
            cells = ("" if np.isnan(value) else f"{value:.3f}" for value in row)
            file.write(f"{time_s:.6f},{','.join(cells)}\n")


def read_angles_csv(path: Path) -> JointAngles:
    """Read what `write_angles_csv` wrote, to the thousandth of a degree.

    Raises:
        AssetError: The file is missing, damaged, or holds something else.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        header, *rows = (line.split(",") for line in lines)
        table = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows]).reshape(-1, len(header))
        names = tuple(header[1::2])
        if header != ["time", *(name for angle in names for name in (angle, angle + SIGMA_SUFFIX))]:
            raise AssetError(f"{path} is not a table of angles of skelvid: its columns are others")
        sigma_rad = np.radians(table[:, 2::2])
        return JointAngles(
            table[:, 0], names, np.radians(table[:, 1::2]), sigma_rad if np.isfinite(sigma_rad).any() else None
        )
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise AssetError(f"{path} is not a table of angles of skelvid ({error})") from error


def _comments(result: Result, smoothing: str) -> list[str]:
    return [
        f"joint angles of person {result.motion.person_id} in {result.video.name}",
        *_MEANING,
        smoothing,
        describe_zero(result),
        describe_lengths(result),
        describe_versions(result),
        NOT_MEDICAL,
    ]
