"""Motions of the DeepMimic humanoid (Peng et al. 2018): joint rotations in a JSON text in, points over time out.

A frame is [duration s, root position (3), root quaternion wxyz (4), then per joint of `CHAIN` a quaternion or, for
hinges, an angle]. The humanoid's axes are x front, y up, z right; the lengths of its bones are those of the character
file `humanoid3d.txt` that comes with the motions. Loops are given once.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import interp1d
from scipy.spatial.transform import Rotation

from skelvid.errors import ConfigError

LICENCE = "MIT (xbpeng/DeepMimic)"
# The folder's `sie_*` motions are Sony's, CC BY-NC 4.0: not free for what this project allows its users.
NOT_FREE = ("sie_",)
RATE_HZ = 60.0
# Template axes (x left, y up, z front) from the humanoid's.
TO_TEMPLATE = np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class _Joint:
    """A joint of the humanoid: its parent, where it sits in the parent's axes (m), whether it is a hinge about z."""

    name: str
    parent: str
    offset_m: tuple[float, float, float]
    hinge: bool = False


def _limbs(side: str, sign: float) -> tuple[_Joint, ...]:
    return (
        _Joint(f"{side}_hip", "root", (0.0, 0.0, sign * 0.084887)),
        _Joint(f"{side}_knee", f"{side}_hip", (0.0, -0.421546, 0.0), hinge=True),
        _Joint(f"{side}_ankle", f"{side}_knee", (0.0, -0.409870, 0.0)),
        _Joint(f"{side}_shoulder", "chest", (-0.02405, 0.24350, sign * 0.18311)),
        _Joint(f"{side}_elbow", f"{side}_shoulder", (0.0, -0.274788, 0.0), hinge=True),
    )


CHAIN: tuple[_Joint, ...] = (
    _Joint("chest", "root", (0.0, 0.236151, 0.0)),
    _Joint("neck", "chest", (0.0, 0.223894, 0.0)),
    *_limbs("r", 1.0),
    *_limbs("l", -1.0),
)
# Further points fixed to a joint's segment, in its axes (m). Wrists, and ours to carry what rotations say: before and
# above the pelvis, the top of the head and before the face, the toes and the outside of the foot.
FIXED: dict[str, tuple[str, tuple[float, float, float]]] = {
    "root_front": ("root", (0.1, 0.0, 0.0)),
    "root_up": ("root", (0.0, 0.1, 0.0)),
    "head_top": ("neck", (0.0, 0.25, 0.0)),
    "head_front": ("neck", (0.12, 0.13, 0.0)),
    **{f"{side}_wrist": (f"{side}_elbow", (0.0, -0.258947, 0.0)) for side in "rl"},
    **{f"{side}_toes": (f"{side}_ankle", (0.109, -0.039, 0.0)) for side in "rl"},
    **{f"{side}_foot_side": (f"{side}_ankle", (0.0, 0.0, sign * 0.1)) for side, sign in (("r", 1.0), ("l", -1.0))},
}


def free_files(folder: Path) -> list[Path]:
    """List the motions that may be used freely."""
    files = sorted([*folder.glob("*.txt"), *folder.glob("*.txt.gz")])
    return [path for path in files if not path.name.startswith(NOT_FREE)]


def clip_name(path: Path) -> str:
    """Return the name of a motion without what all files repeat."""
    return path.name.split(".")[0].removeprefix("long_").removeprefix("humanoid3d_")


def read_points(path: Path) -> tuple[tuple[str, ...], Float[ndarray, "t k 3"], float]:
    """Read one motion; returns names, points in template axes and the rate they were resampled to.

    Raises:
        ConfigError: The file has frames of another humanoid.
    """
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    frames = np.array(json.loads(text)["Frames"], float)
    width = 8 + sum(1 if joint.hinge else 4 for joint in CHAIN)
    if frames.ndim != 2 or frames.shape[1] != width:
        raise ConfigError(f"{path}: frames must have {width} numbers, got shape {frames.shape}")
    start_s = np.concatenate([[0.0], np.cumsum(frames[:-1, 0])])
    points = _forward(frames)
    time_s = np.arange(0.0, start_s[-1] + 1e-9, 1 / RATE_HZ)
    # Cubic, since some motions have 16 frames per second; chords between them would bend back at every frame.
    kind = "cubic" if len(frames) > 3 else "linear"
    resampled = interp1d(start_s, np.stack(list(points.values()), axis=1), axis=0, kind=kind)(time_s)
    return tuple(points), resampled @ TO_TEMPLATE.T, RATE_HZ


def _forward(frames: Float[ndarray, "t w"]) -> dict[str, Float[ndarray, "t 3"]]:
    turned = {"root": _quaternions(frames[:, 4:8])}
    at, column = {"root": frames[:, 1:4]}, 8
    for joint in CHAIN:
        at[joint.name] = at[joint.parent] + turned[joint.parent].apply(joint.offset_m)
        size = 1 if joint.hinge else 4
        value, column = frames[:, column : column + size], column + size
        local = Rotation.from_rotvec(value * [0.0, 0.0, 1.0]) if joint.hinge else _quaternions(value)
        turned[joint.name] = turned[joint.parent] * local
    return at | {name: at[joint] + turned[joint].apply(offset) for name, (joint, offset) in FIXED.items()}


def _quaternions(wxyz: Float[ndarray, "t 4"]) -> Rotation:
    return Rotation.from_quat(wxyz[:, [1, 2, 3, 0]])
