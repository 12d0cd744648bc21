"""A tiny world: two people of the open body, four clips, one panorama, one photograph, two tiles; made in code."""

import json
from pathlib import Path

import cv2
import numpy as np

from skelvid.body.dofs import DOF_INDEX
from train.synth.options import Sources

SWINGING = {
    "hip_flexion_r": 0.5,
    "hip_flexion_l": -0.5,
    "knee_angle_r": 0.6,
    "shoulder_r_x": 0.3,
    "elbow_flexion_l": 0.8,
}


def make_motions(folder: Path) -> Path:
    """Write a library of walking-like clips, one for validation."""
    (folder / "clips").mkdir(parents=True)
    rows = []
    for number in range(4):
        t = np.arange(90) / 30
        q, trans = np.zeros((90, 46), np.float32), np.zeros((90, 3), np.float32)
        for name, size in SWINGING.items():
            q[:, DOF_INDEX[name]] = size * np.sin(5 * t + number)
        q[:, DOF_INDEX["pelvis_rotation"]] = number
        q[:, DOF_INDEX["shoulder_r_x"]] += 1.2
        q[:, DOF_INDEX["shoulder_l_x"]] -= 1.2
        trans[:, 0], trans[:, 1] = 0.8 * t, 0.95
        np.savez(folder / "clips" / f"{number}.npz", q=q, trans_m=trans, betas=np.zeros((1, 10), np.float32))
        rows.append({"name": f"swing-{number}", "file": f"clips/{number}.npz", "frames": 90,
                     "split": "val" if number == 3 else "train",
                     "seconds": 3.0, "source": "made", "fps": 30.0})  # fmt: skip
    (folder / "index.json").write_text(json.dumps({"clips": rows}))
    return folder


def make_pictures(folder: Path) -> Path:
    """Write panoramas, photographs and sheets of tiles, enough that each split has some."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for i in range(3):
        image = rng.uniform(0.1, 0.4, (64, 128, 3)).astype(np.float32)
        image[10:14, 20 + 30 * i : 26 + 30 * i] = 60.0
        cv2.imwrite(str(folder / f"{i}.hdr"), image)
        cv2.imwrite(str(folder / f"{i}.jpg"), (cv2.resize(image, (160, 120)).clip(0, 1) * 255).astype(np.uint8))
    sheet = np.full((208, 1024, 3), 255, np.uint8)
    for column in range(3):
        sheet[16:144, 16 + 144 * column : 144 + 144 * column] = rng.integers(0, 200, (128, 128, 3))
    for name in ("Tiles", "Plaster", "Fabric"):
        cv2.imwrite(str(folder / f"{name}.webp"), sheet, [cv2.IMWRITE_WEBP_QUALITY, 101])
    return folder


def make_sources(folder: Path) -> Sources:
    """Write all that a world needs, but people and clothes."""
    pictures = make_pictures(folder / "pictures")
    return Sources((make_motions(folder / "motions"),), (pictures,), (pictures,), (pictures,))
