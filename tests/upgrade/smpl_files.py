"""Files of SMPL motion and models of every kind, made in code; the model is a stand-in on the toy body's own mesh."""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skelvid.body.assets import SkelAssets, save_assets
from train.body.stand_in import StandIn, on_vertices, write

FRAMES = 12


def make_models(folder: Path, assets: SkelAssets) -> StandIn:
    """Write a model of the same mesh as a body, and the body beside it."""
    n = len(assets.skin_template_m)
    stand_in = on_vertices(assets, np.arange(n)[:, None].repeat(3, 1), np.eye(3)[np.zeros(n, int)], assets.skin_faces)
    write(stand_in, folder / "smpl" / "SMPL_NEUTRAL.pkl")
    save_assets(assets, folder / "body.npz")
    return stand_in


def poses(frames: int = FRAMES, joints: int = 24, seed: int = 0) -> np.ndarray:
    """A slow wave of small turns."""
    rng = np.random.default_rng(seed)
    size, phase = 0.25 * rng.standard_normal(3 * joints), rng.uniform(0, 6, 3 * joints)
    size[66:] = 0.0
    return size * np.sin(phase + np.linspace(0, 1.5, frames)[:, None])


def plain(path: Path, *, seed: int = 0, frames: int = FRAMES, **changes: Any) -> Path:
    arrays: dict[str, Any] = {
        "format": "skelvid-smpl/1",
        "kind": "smpl",
        "sex": "neutral",
        "axes": "y_up",
        "poses": poses(frames, seed=seed),
        "betas": 0.5 * np.random.default_rng(seed).standard_normal(10),
        "trans_m": np.linspace(0, 1, frames)[:, None] * [1.0, 0.0, 0.5],
        "time_s": np.arange(frames) / 30,
        "identity": f"person{seed}",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **(arrays | changes))
    return path


def amass(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        poses=poses(joints=52),
        trans=np.tile([0.0, 0.0, 1.0], (FRAMES, 1)),
        betas=np.full(16, 0.3),
        gender=np.array(b"female"),
        mocap_framerate=120.0,
        dmpls=np.zeros((FRAMES, 8)),
    )
    return path


def pw3d(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    camera = np.tile(np.eye(4), (FRAMES, 1, 1))
    camera[:, :3, :3] = np.diag([1.0, -1.0, -1.0])
    camera[:, 2, 3] = 4.0
    data = {
        "sequence": "street_01",
        "genders": ["m", "f"],
        "poses": [poses(), poses(seed=1)],
        "betas": [np.full(300, 0.1), np.full(10, -0.1)],
        "trans": [np.zeros((FRAMES, 3)), np.ones((FRAMES, 3))],
        "cam_poses": camera,
        "cam_intrinsics": np.array([[1960.0, 0, 540], [0, 1970.0, 960], [0, 0, 1]]),
        "campose_valid": [np.ones(FRAMES, int), (np.arange(FRAMES) > 2).astype(int)],
    }
    path.write_bytes(pickle.dumps(data, protocol=2))
    return path


def bedlam(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 2 * FRAMES
    extrinsic = np.tile(np.eye(4), (rows, 1, 1))
    extrinsic[:, 2, 3] = 5.0
    order = np.random.default_rng(0).permutation(rows)
    np.savez(
        path,
        imgname=np.array([f"seq_000001/seq_000001_{5 * (i % FRAMES):04d}.png" for i in range(rows)])[order],
        sub=np.array([f"rp_person_{i // FRAMES}" for i in range(rows)])[order],
        pose_cam=np.concatenate([poses(joints=55), poses(joints=55, seed=1)])[order],
        shape=np.repeat([[0.1] * 11, [0.2] * 11], FRAMES, axis=0)[order],
        trans_cam=np.zeros((rows, 3)),
        cam_ext=extrinsic,
        cam_int=np.tile(np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]]), (rows, 1, 1)),
    )
    return path


def hmr(path: Path, people: tuple[int, ...] = (2, 1)) -> Path:
    """Pictures with some people each; the last person has no shape, and one more has no pose.

    The first person of each picture has keypoints: some, as on a person who stands there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = io.BytesIO()
    Image.new("RGB", (40, 30), (9, 99, 200)).save(pixels, "JPEG")
    with tarfile.open(path, "w") as tar:
        for number, count in enumerate(people):
            listed = [
                {"body_pose": poses(1, seed=i)[0], "betas": np.zeros(10), "has_body_pose": 1.0, "has_betas": 1.0}
                | {"center": np.array([20.0, 15.0]), "scale": np.array([0.1, 0.1])}
                for i in range(count)
            ]
            listed[0]["keypoints_2d"] = _standing()
            listed[-1]["has_betas"] = 0.0
            listed.append(listed[0] | {"has_body_pose": 0.0})
            for suffix, data in (("data.pyd", pickle.dumps(listed)), ("jpg", pixels.getvalue())):
                member = tarfile.TarInfo(f"picture{number}.{suffix}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return path


def _standing() -> np.ndarray:
    """Limbs, as OpenPose counts, of someone 20 px tall whose root is not turned: upside down before a camera."""
    out = np.zeros((44, 3))
    for row, (x, y) in {2: (18, 20), 5: (22, 20), 9: (19, 14), 12: (21, 14), 10: (19, 10), 13: (21, 10), 11: (19, 5),
                        14: (21, 5)}.items():  # fmt: skip
        out[row] = x, y, 0.9
    return out


KINDS = {
    "SMPL": (plain, "walk/one.npz", 1),
    "AMASS": (amass, "CMU/01/01_01_poses.npz", 1),
    "3DPW": (pw3d, "train/street_01.pkl", 2),
    "BEDLAM": (bedlam, "labels/scene.npz", 2),
    "HMR": (hmr, "coco/000000.tar", 1),
}
