"""Tiny files in the formats of the motion sources, written in code."""

import gzip
import json
from pathlib import Path

import numpy as np

CMU_NAMES = (
    "root", "lhipjoint", "l_hip", "l_knee", "l_ankle", "l_toe_base", "l_toe_end",
    "rhipjoint", "r_hip", "r_knee", "r_ankle", "r_toe_base", "r_toe_end",
    "lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head", "head_end",
    "lclavicle", "l_shoulder", "l_elbow", "l_wrist", "l_hand", "l_fingers", "l_finger_end", "l_thumb", "l_thumb_end",
    "rclavicle", "r_shoulder", "r_elbow", "r_wrist", "r_hand", "r_fingers", "r_finger_end", "r_thumb", "r_thumb_end",
)  # fmt: skip
UPRIGHT = [1.0, 0.0, 0.0, 0.0]


def write_joints(path: Path, clips: list[str], frames: int = 4, names: tuple[str, ...] = CMU_NAMES) -> None:
    """Write clips in which joint j of every frame is at (j, 2 j, 3 j) mm and turned by 90 degrees about y."""
    arrays: dict[str, np.ndarray] = {"names": np.array(names)}
    joints = np.arange(len(names))[:, None] * np.array([1, 2, 3])
    half = round(32767 * np.sqrt(0.5))
    for clip in clips:
        arrays[f"{clip}__joints_mm"] = np.tile(joints, (frames, 1, 1)).astype(np.int16)
        arrays[f"{clip}__quat_xyzw"] = np.tile([0, half, 0, half], (frames, len(names), 1)).astype(np.int16)
    np.savez(path, allow_pickle=False, **arrays)


def deepmimic_frame(
    knee_rad: float = 0.0, elbow_rad: float = 0.0, height_m: float = 0.9, forward_m: float = 0.0
) -> list:
    """Return one frame of 1/30 s: upright, limbs straight but for knees and elbows."""
    leg = [*UPRIGHT, knee_rad, *UPRIGHT]
    arm = [*UPRIGHT, elbow_rad]
    return [1 / 30, forward_m, height_m, 0.0, *UPRIGHT, *UPRIGHT, *UPRIGHT, *leg, *arm, *leg, *arm]


def write_deepmimic(path: Path, frames: list[list]) -> None:
    """Write a gzipped motion."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps({"Loop": "none", "Frames": frames}).encode()))


def write_mot(path: Path, columns: dict[str, list[float]]) -> None:
    """Write a .mot file with a header that says nothing of units."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ["\t".join(f"{value:.6f}" for value in row) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join(["trial", "version=1", f"nRows={len(rows)}", "endheader", "\t".join(columns), *rows]))
