"""Joint centres and landmarks in, marker trajectories for OpenSim and its relatives out."""

from pathlib import Path

import numpy as np

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.result import Result
from skelvid.export.ground import in_ground
from skelvid.files import whole_file

# A joint and the landmark beside it would be easy to mistake for each other.
JOINT_SUFFIX = "_joint"


class Trajectories:
    """Joint centres and landmarks along the ground's axes, m; NaN in frames without the person."""

    file_name = "landmarks.trc"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the trajectories."""
        names = [*(name + JOINT_SUFFIX for name in JOINT_NAMES), *result.landmark_names]
        points = np.concatenate([result.points.joints_m, result.points.landmarks_m], 1)
        place_m = in_ground(result, points).reshape(len(points), -1)
        time_s = result.motion.time_s
        rate = f"{_mean_rate_hz(time_s, result.video_info.rate_hz):.6g}"
        keys = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"
        values = [rate, rate, len(time_s), len(names), "m", rate, 1, len(time_s)]
        header = [
            ["PathFileType", "4", "(X/Y/Z)", path.name],
            keys.split(),
            [str(value) for value in values],
            ["Frame#", "Time", *(cell for name in names for cell in (name, "", ""))],
            ["", "", *(f"{axis}{number + 1}" for number in range(len(names)) for axis in "XYZ")],
            [],
        ]
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines("\t".join(line) + "\n" for line in header)
            # A blank cell at the end of a line is one that OpenSim misses; all readers know NaN.
            for number, row in enumerate(np.where(result.seen[:, None], place_m.round(6) + 0.0, np.nan)):
                file.write(f"{number + 1}\t{time_s[number]:.6f}\t" + "\t".join(f"{value:.6f}" for value in row) + "\n")


def _mean_rate_hz(time_s: np.ndarray, fallback_hz: float) -> float:
    return (len(time_s) - 1) / (time_s[-1] - time_s[0]) if len(time_s) > 1 else fallback_hz
