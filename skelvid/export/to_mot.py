"""Joint angles in, an OpenSim motion for the Rajagopal 2016 model out."""

from pathlib import Path

import numpy as np

from skelvid.body.dofs import JOINT_NAMES
from skelvid.datatypes.result import Result
from skelvid.export.ground import in_ground
from skelvid.export.words import NOT_MEDICAL, describe_lengths, describe_versions, describe_zero
from skelvid.files import whole_file

# Angles that are coordinates of that model under the same name, without the side.
_SAME = (
    *("pelvis_tilt", "pelvis_list", "pelvis_rotation"),
    *("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle", "mtp_angle"),
    *("arm_flex", "arm_add", "arm_rot", "elbow_flex", "pro_sup", "wrist_flex", "wrist_dev"),
)
# OpenSim has one joint between pelvis and thorax, and calls it lumbar.
_TRUNK = {"trunk_extension": "lumbar_extension", "trunk_bending": "lumbar_bending", "trunk_rotation": "lumbar_rotation"}
_TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")


class OpenSimMotion:
    """The smoothed angles and the place of the pelvis, one row per frame in which the person was seen."""

    file_name = "angles.mot"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the motion."""
        # OpenSim's Storage stops reading at a value that is not a number, so frames without the person are left out.
        seen = result.seen
        named = {own: i for i, name in enumerate(result.angles.names) if (own := opensim_name(name))}
        pelvis_m = in_ground(result, result.points.joints_m[:, JOINT_NAMES.index("pelvis")])
        angles_deg = np.degrees(result.angles.values_rad[:, list(named.values())])
        table = np.column_stack([result.motion.time_s, pelvis_m, angles_deg])[seen]
        names = ["time", *_TRANSLATIONS, *named]
        header = [
            "Coordinates",
            "version=1",
            f"nRows={len(table)}",
            f"nColumns={len(names)}",
            "inDegrees=yes",
            "",
            "Coordinates of OpenSim's Rajagopal 2016 model; translations in m, angles in degrees, time in s.",
            "Frames in which the person was not seen are left out.",
            f"smoothing: {result.smoothing}",
            describe_zero(result),
            describe_lengths(result),
            describe_versions(result),
            NOT_MEDICAL,
            "endheader",
        ]
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in header)
            file.write("\t".join(names) + "\n")
            np.savetxt(file, table.round(6) + 0.0, fmt="%.6f", delimiter="\t")


def opensim_name(angle: str) -> str | None:
    """Return the coordinate of OpenSim's Rajagopal 2016 model that an angle is; None if it has none.

    >>> opensim_name("knee_angle_r"), opensim_name("trunk_bending"), opensim_name("lumbar_bending")
    ('knee_angle_r', 'lumbar_bending', None)
    """
    return angle if angle.removesuffix("_r").removesuffix("_l") in _SAME else _TRUNK.get(angle)
