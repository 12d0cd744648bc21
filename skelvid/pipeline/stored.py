"""A folder that a run left goes in, the results in it come out again, as far as the files tell; and their pages."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from skelvid.body.load import load_body
from skelvid.datatypes.frames import VideoInfo
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.result import Result
from skelvid.errors import AssetError
from skelvid.export.to_csv import AnglesCsv, RawAnglesCsv, read_angles_csv
from skelvid.export.to_npz import MotionArrays, load_motion
from skelvid.export.to_summary import Summary
from skelvid.pipeline.interpret import posed_points
from skelvid.report.film import make_film
from skelvid.report.page import FILE_NAME, write_report
from skelvid.report.pdf import write_pdf

OVERLAY_NAME, PDF_NAME = "overlay.mp4", "report.pdf"


def result_places(folder: Path) -> list[Path]:
    """Return where the results of a run lie: in its folder, or in one for each person.

    Raises:
        AssetError: There are none.
    """
    places = [place for place in (folder, *sorted(folder.glob("person*"))) if (place / Summary.file_name).is_file()]
    if not places:
        raise AssetError(f"{folder} holds no results of `skelvid run`: there is no {Summary.file_name} in it")
    return places


def load_result(place: Path) -> Result:
    """Read one person's result back from its files.

    The raw motion is not kept, so `raw_motion` is the smoothed one; angles come to the thousandth of a degree.

    Raises:
        AssetError: A file is missing or damaged, or was left by an older skelvid.
    """
    path = place / Summary.file_name
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        video, lengths, ground = said["video"], said["lengths"], said["ground"]
    except (OSError, ValueError, KeyError) as error:
        raise AssetError(
            f"{path} is missing, damaged, or of an older skelvid ({error!r}): run the video again"
        ) from error
    motion = load_motion(place / MotionArrays.file_name)
    body = load_body(said["body"])
    angles, raw_angles = (read_angles_csv(place / name) for name in (AnglesCsv.file_name, RawAnglesCsv.file_name))
    if len(angles.time_s) != len(motion.time_s) or len(raw_angles.time_s) != len(motion.time_s):
        raise AssetError(f"the files in {place} are of different runs: they have different numbers of rows")
    return Result(
        video=Path(video["file"]),
        video_info=VideoInfo((video["height_px"], video["width_px"]), video["rate_hz"], video["frames"]),
        motion=motion,
        raw_motion=motion,
        angles=_at(angles, motion.time_s),
        raw_angles=_at(raw_angles, motion.time_s),
        points=posed_points(motion, body),
        landmark_names=body.landmark_names,
        ground=np.array(ground["axes"]),
        ground_origin_m=np.array(ground["origin_m"]),
        believed_height_m=lengths["believed_height_m"],
        typed_height_m=lengths["typed_height_m"],
        smoothing=said["smoothing"],
        body=said["body"],
        settings=said["settings"],
        versions=said["versions"],
        warnings=tuple(said["warnings"]),
    )


def _at(angles: JointAngles, time_s: np.ndarray) -> JointAngles:
    """Return angles at the exact times, of which the table has only microseconds."""
    return replace(angles, time_s=time_s)


def write_page(result: Result, place: Path, *, pdf: bool = False) -> list[Path]:
    """Write the page of one person, with the overlay if there is one, and print it if wanted; return the files.

    Raises:
        SkelvidError: The disk is full, a file is damaged, or there is no browser to print.
    """
    overlay, film = place / OVERLAY_NAME, None
    time_s = result.motion.time_s
    # Without the setting, what lies there is from an earlier run.
    if overlay.is_file() and result.settings.get("export", {}).get("overlay", True):
        film = make_film(overlay, result.video_info.size_hw, float(time_s[-1] - time_s[0]))
    page = place / FILE_NAME
    write_report(result, page, film=film, film_link=OVERLAY_NAME)
    if not pdf:
        return [page]
    write_pdf(page, place / PDF_NAME)
    return [page, place / PDF_NAME]
