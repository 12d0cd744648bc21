"""Where free motion comes from: a data folder in, a list of clips that can be read into one common form out.

Positions are in metres, y up, in the axes of the source's world, which is right-handed with the floor near y = 0.

Adding a new source: (1) write a function that yields a `ClipRef` per clip, its `read` giving a `Capture` (points) or a
`Pose` (SKEL angles), (2) append it to `SOURCES`, (3) for points, say what they mean in `ties.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.spatial.transform import Rotation

from skelvid.errors import ConfigError
from train.motion import deepmimic, opensim

Split = Literal["train", "val"]
CMU_FILES = ("cmu_60hz.npz", "cmu_s01_s03_60hz.npz", "cmu_dance_walk_60hz.npz")
UIPRMD_FILE = "uiprmd_60hz.npz"
CMU_LICENCE = "free for all uses, no resale of the data itself (mocap.cs.cmu.edu, NSF EIA-0196217)"
UIPRMD_LICENCE = "ODC-PDDL-1.0"
# Whole people held out; both did every exercise. The test clips of `cmu_60hz` are held out as one more "person".
UIPRMD_HELD_OUT = frozenset({"s08", "s09"})
RATE_HZ = 60.0
LEG_SPREAD_DEG = 20.0  # CMU rests with each leg, foot included, turned out this much


@dataclass(frozen=True)
class Capture:
    """Named points over time.

    Attributes:
        names: k names.
        points_m: `t k 3`, y up.
        fps: frames per second.
    """

    names: tuple[str, ...]
    points_m: Float[ndarray, "t k 3"]
    fps: float


@dataclass(frozen=True)
class Pose:
    """SKEL angles that a source gives directly.

    Attributes:
        q: `t 46` rad.
        trans_m: `t 3` of the pelvis joint, y up.
        fps: frames per second.
        unobserved: degrees of freedom the source says nothing about.
    """

    q: Float[ndarray, "t 46"]
    trans_m: Float[ndarray, "t 3"]
    fps: float
    unobserved: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipRef:
    """One clip: what is known of it before it is read. `kind` names its set of ties; "angles" has none."""

    name: str
    kind: Literal["cmu", "uiprmd", "deepmimic", "angles"]
    source: str
    person: str
    split: Split
    licence: str
    read: Callable[[], Capture | Pose] = field(repr=False)


def find_clips(data: Path) -> list[ClipRef]:
    """List all clips of a data folder, sorted by name; sources whose files are missing are left out.

    Raises:
        ConfigError: No source is there, or a person is on both sides of the split.
    """
    clips = sorted((clip for source in SOURCES for clip in source(data)), key=lambda clip: clip.name)
    if not clips:
        raise ConfigError(
            f"no motion found in {data}: expected {', '.join(CMU_FILES)}, {UIPRMD_FILE}, deepmimic/ or opensim/"
        )
    sides: dict[str, set[str]] = {}
    for clip in clips:
        sides.setdefault(clip.person, set()).add(clip.split)
    if torn := sorted(person for person, splits in sides.items() if len(splits) > 1):
        raise ConfigError(f"people in both train and val: {', '.join(torn)}")
    return clips


def _cmu(data: Path) -> Iterator[ClipRef]:
    for file in CMU_FILES:
        for clip in _clip_names(data / file):
            # The people of `cmu_60hz` are not told apart (all its clips have one skeleton): two pools of strangers.
            stranger = not clip.startswith("cmu")
            test = clip.endswith("_test")
            person = f"cmu60_{'test' if test else 'train'}" if stranger else clip.split("_")[0]
            name = f"cmu60_{clip}" if stranger else clip
            read = partial(read_cmu, data / file, clip)
            yield ClipRef(name, "cmu", "CMU", person, "val" if test else "train", CMU_LICENCE, read)


def _uiprmd(data: Path) -> Iterator[ClipRef]:
    for clip in _clip_names(data / UIPRMD_FILE):
        subject = clip.split("_")[1]
        split: Split = "val" if subject in UIPRMD_HELD_OUT else "train"
        read = partial(read_uiprmd, data / UIPRMD_FILE, clip)
        yield ClipRef(f"uiprmd_{clip}", "uiprmd", "UI-PRMD", f"uiprmd_{subject}", split, UIPRMD_LICENCE, read)


def _deepmimic(data: Path) -> Iterator[ClipRef]:
    for path in deepmimic.free_files(data / "deepmimic"):
        name = f"deepmimic_{deepmimic.clip_name(path)}"
        read = partial(_as_capture, path)
        yield ClipRef(name, "deepmimic", "DeepMimic", "deepmimic", "train", deepmimic.LICENCE, read)


def _opensim(data: Path) -> Iterator[ClipRef]:
    for path, trial in opensim.known_files(data / "opensim"):
        read = partial(_as_pose, path)
        name = f"opensim_{trial.name}"
        yield ClipRef(name, "angles", "OpenSim", f"opensim_{trial.person}", "train", trial.licence, read)


SOURCES: tuple[Callable[[Path], Iterator[ClipRef]], ...] = (_cmu, _uiprmd, _deepmimic, _opensim)


def _as_capture(path: Path) -> Capture:
    return Capture(*deepmimic.read_points(path))


def _as_pose(path: Path) -> Pose:
    return Pose(*opensim.read_pose(path))


def _clip_names(path: Path) -> list[str]:
    if not path.is_file():
        return []
    with np.load(path, allow_pickle=False) as archive:
        return [key.removesuffix("__joints_mm") for key in archive.files if key.endswith("__joints_mm")]


def read_uiprmd(path: Path, clip: str) -> Capture:
    """Read the joint centres and markers of one UI-PRMD clip."""
    with np.load(path, allow_pickle=False) as archive:
        names = tuple(map(str, archive["names"]))
        return Capture(names, archive[f"{clip}__joints_mm"].astype(float) / 1000, RATE_HZ)


def read_cmu(path: Path, clip: str) -> Capture:
    """Read the joints of one CMU clip, and points that carry what its rotations say beyond them.

    `root_front` lies before the pelvis, `head_front` before the face and `[lr]_foot_side` outside the foot, 10 cm away
    each, so that the turn about a line of joints is seen. `[lr]_true_wrist` is midway between two joints.
    """
    with np.load(path, allow_pickle=False) as archive:
        names = tuple(map(str, archive["names"]))
        points = archive[f"{clip}__joints_mm"].astype(float) / 1000
        quaternion = archive[f"{clip}__quat_xyzw"].astype(float)
    rotation = Rotation.from_quat(quaternion.reshape(-1, 4)).as_matrix().reshape(*quaternion.shape[:2], 3, 3)
    at, turned = ({name: values[:, i] for i, name in enumerate(names)} for values in (points, rotation))
    more = {part + "_front": at[part] + 0.1 * turned[part][..., 2] for part in ("root", "head")}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        outward = Rotation.from_euler("z", sign * LEG_SPREAD_DEG, degrees=True).apply([sign, 0.0, 0.0])
        more[f"{side}_foot_side"] = at[f"{side}_ankle"] + 0.1 * turned[f"{side}_ankle"] @ outward
        more[f"{side}_true_wrist"] = (at[f"{side}_wrist"] + at[f"{side}_hand"]) / 2
    return Capture((*names, *more), np.concatenate([points, np.stack(list(more.values()), axis=1)], axis=1), RATE_HZ)
