"""Joint angles in OpenSim's .mot tables in, SKEL angles out.

Only files of `TRIALS` are read: the rest of what projects ship are copies, results of simulations that started from
the same trial, single legs, forces. Trials of the LaiArnold2017 subjects are left out on purpose: they look like those
of the study that our reference clips come from, whose people must not be trained on; those of opensim-models because
they are free for research only.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.angles.compute import TEMPLATE_GROUND, q_from_angles
from skelvid.angles.table import ANGLE_NAMES
from skelvid.body.dofs import DOF_NAMES
from skelvid.datatypes.motion import JointAngles
from skelvid.errors import ConfigError

RATE_HZ = 60.0
_CORE, _NIMBLE = "Apache-2.0 (opensim-org/opensim-core)", "BSD-style (keenon/nimblephysics)"


@dataclass(frozen=True)
class Trial:
    """A file worth reading: what it is called here, who moves, and its licence."""

    name: str
    person: str
    licence: str


# End of the file name -> trial.
TRIALS: dict[str, Trial] = {
    "Applications_ID_tests_resources_subject01_walk1_ik": Trial("subject01_walk", "subject01", _CORE),
    "Analyze_tests_resources_subject02_running_arms_ik": Trial("subject02_run", "subject02", _CORE),
    "exampleEMGTracking_coordinates": Trial("rajagopal_walk", "rajagopal", _CORE),
    "levelground_ccw_fast_01_01_ik": Trial("walk_circle_fast", "camargo", _NIMBLE),
    "nimble_grf_Sprinter_IK_JA1Gait35_ik": Trial("sprint", "sprinter", _NIMBLE),
    "run200_ik": Trial("run200", "hamner", _NIMBLE),
    "run300_ik": Trial("run300", "hamner", _NIMBLE),
    "IncompleteIK_IK_markers_smpl_ik": Trial("smpl_markers", "smpl_markers", _NIMBLE),
    "Rajagopal2015_v3_scaled_in_rad": Trial("addbiomechanics", "addbiomechanics", _NIMBLE),
}
# OpenSim models the trunk as one joint: half its angles go to each of the two joints of SKEL.
_TRUNK = ("extension", "bending", "rotation")
# What a file without arms is given: arms hanging clear of the hips, elbows slightly bent, palms to the thighs.
_RELAXED_RAD = {
    f"{angle}_{side}": value
    for side in "rl"
    for angle, value in (("arm_add", -0.12), ("elbow_flex", 0.3), ("pro_sup", pi / 2))
}
_OTHER_NAMES = {"lumbar_twist": "lumbar_rotation"}


def known_files(folder: Path) -> Iterator[tuple[Path, Trial]]:
    """List the files of a folder that `TRIALS` knows."""
    for path in sorted([*folder.glob("*.mot"), *folder.glob("*.mot.gz")]):
        stem = path.name.split(".mot")[0]
        for end, trial in TRIALS.items():
            if stem.endswith(end):
                yield path, trial


def read_pose(path: Path) -> tuple[Float[ndarray, "t 46"], Float[ndarray, "t 3"], float, tuple[str, ...]]:
    """Read one file; returns q, the pelvis's place (y up, template axes), the rate, and the unobserved DoFs."""
    table = read_table(path)
    time_s = np.arange(table["time"][0], table["time"][-1] + 1e-9, 1 / RATE_HZ)
    columns = {name: np.interp(time_s, table["time"], values) for name, values in table.items()}
    degrees = _in_degrees(columns)
    angles = {name: np.zeros_like(time_s) for name in ANGLE_NAMES}
    for name, default in _RELAXED_RAD.items():
        angles[name] += default
    given = {_OTHER_NAMES.get(name, name): values for name, values in columns.items()}
    for name in set(given) & set(angles):
        angles[name] = np.radians(given[name]) if degrees else given[name]
    for side in "rl":
        knee = angles[f"knee_angle_{side}"]
        # The gait2392 family counts knee flexion negative.
        angles[f"knee_angle_{side}"] = -knee if knee.mean() < 0 else knee
        # The sign of the toes' joint differs between models, and nearly all files hold it at zero.
        angles[f"mtp_angle_{side}"] = np.zeros_like(time_s)
    for name in _TRUNK:
        angles[f"thorax_{name}"] = angles[f"lumbar_{name}"] = angles[f"lumbar_{name}"] / 2
    values = np.column_stack([angles[name] for name in ANGLE_NAMES])
    q = q_from_angles(JointAngles(time_s - time_s[0], ANGLE_NAMES, values), ground=TEMPLATE_GROUND)
    place = np.column_stack([columns.get(f"pelvis_t{axis}", np.zeros_like(time_s)) for axis in "xyz"])
    return (
        q,
        place @ TEMPLATE_GROUND.T,
        RATE_HZ,
        _unobserved({name for name, values in given.items() if np.ptp(values) > 0}),
    )


def read_table(path: Path) -> dict[str, Float[ndarray, "t"]]:
    """Read the columns of a .mot file; of a path such as `/jointset/hip_r/hip_flexion_r/value` its coordinate.

    Raises:
        ConfigError: There is no header, or it does not fit the numbers.
    """
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    lines = [line.split() for line in text.splitlines() if line.strip()]
    head = next((i for i, words in enumerate(lines) if words[0] == "time"), None)
    if head is None:
        raise ConfigError(f"{path}: no line of column names that starts with 'time'")
    names, rows = lines[head], lines[head + 1 :]
    if any(len(row) != len(names) for row in rows):
        raise ConfigError(f"{path}: rows must have {len(names)} numbers, as many as names")
    values = np.array(rows, float)
    return {name: values[:, i] for i, name in enumerate(names)}


def _in_degrees(columns: dict[str, ndarray]) -> bool:
    """Decide by the range of the angles: the header's `inDegrees` is missing in some files."""
    legs = [values for name, values in columns.items() if name.startswith(("hip_flexion", "knee_angle", "ankle_angle"))]
    return float(np.abs(np.stack(legs)).max()) > pi


def _unobserved(given: set[str]) -> tuple[str, ...]:
    """Name the degrees of freedom that come from defaults."""
    alike = {"elbow_flexion": "elbow_flex", "wrist_flexion": "wrist_flex", "wrist_deviation": "wrist_dev",
             "shoulder": "arm_flex", "thorax": "lumbar", "lumbar": "lumbar"}  # fmt: skip
    out = []
    for dof in DOF_NAMES:
        side = next((part for part in dof.split("_") if part in ("r", "l")), "")
        stem = next((angle for part, angle in alike.items() if dof.startswith(part)), None)
        names = {dof} if stem is None else {f"{stem}_{side}", f"{stem}_extension"}
        if not names & given or dof.startswith("mtp"):
            out.append(dof)
    return tuple(out)
