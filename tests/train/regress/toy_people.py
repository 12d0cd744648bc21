"""Pictures of invented people for the training's tests: a body in a pose, dots where its points are, labels."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from skelvid.body.dofs import DOF_INDEX, JOINT_NAMES
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.upgrade.sample import Sample
from skelvid.upgrade.shards import About, begin, finish, write_unit
from train.regress.start import Design
from train.synth.world import PARTS

TOY = Design(
    backbone="vit_tiny_patch16_224",
    size_hw=(64, 48),
    layers=(0, 1),
    options={"embed_dim": 32, "num_heads": 2},
    decoder={"width": 48, "heads": 4, "mixing": 1, "depth": 1, "forget": 0.0},
)
GRID = (4, 3)
SIZE_HW = (128, 96)


@lru_cache(maxsize=1)
def body() -> SkelBody:
    return load_body("open-neutral")


def names() -> tuple[str, ...]:
    return (*(f"joint_{name}" for name in JOINT_NAMES), *body().landmark_names)


def toy_params(seed: int) -> SkelParams:
    """Upright people with bent knees who face anywhere, 3 to 5 m away."""
    rng = np.random.default_rng(seed)
    q = 0.15 * rng.normal(size=46)
    q[:3] = np.pi, 0.1 * rng.normal(), rng.uniform(-np.pi, np.pi)  # the template's head is up, the camera's y down
    q[DOF_INDEX["knee_angle_r"]] = rng.uniform(0, 1.5)
    q[[DOF_INDEX["shoulder_r_x"], DOF_INDEX["shoulder_l_x"]]] = 1.0, -1.0
    trans = np.array([0.2 * rng.normal(), 0.1 * rng.normal(), rng.uniform(3, 5)])
    parts = (q, 0.5 * rng.normal(size=10), trans)
    return SkelParams(*(torch.as_tensor(v).float() for v in parts))


def toy_sample(key: str, seed: int) -> Sample:
    params, rng = toy_params(seed), np.random.default_rng(seed)
    points = body().skeleton(SkelParams(params.q[None], params.betas[None], params.trans_m[None]))
    at_m = torch.cat([points.joints_m[0], points.landmarks_m[0]]).numpy()
    focal, center = 180.0, np.array([50.0, 60.0], np.float32)
    xy = at_m[:, :2] / at_m[:, 2:] * focal + center
    image = rng.integers(0, 60, (*SIZE_HW, 3)).astype(np.uint8)
    for i, (x, y) in enumerate(xy):
        cv2.circle(image, (round(float(x)), round(float(y))), 2, (80 + 7 * (i % 24), 255 - 8 * (i % 24), 200), -1)
    parts = np.zeros(SIZE_HW, np.uint8)
    parts[: SIZE_HW[0] // 2] = 2
    labels = {
        "body": "open-neutral", "source": "toy", "licence": "CC0", "axes": "camera", "q": params.q.numpy(),
        "betas": params.betas.numpy(), "trans_m": params.trans_m.numpy(), "focal_px": focal, "center_px": center,
        "size_hw": np.array(SIZE_HW), "box_xyxy": np.concatenate([xy.min(0), xy.max(0)]), "landmarks_px": xy,
        "landmarks_m": at_m, "landmark_state": np.ones(len(xy), np.uint8),
    }  # fmt: skip
    files = {"png": cv2.imencode(".png", image)[1].tobytes(), "parts.png": cv2.imencode(".png", parts)[1].tobytes()}
    return Sample(key, labels, files)


def write_toy(folder: Path, *, pictures: int = 12) -> Path:
    """A data set of two units of pictures."""
    begin(folder, About("toy", {"seed": 0}, {"open-neutral": "0" * 64}, {"toy": "CC0"}, names(), PARTS))
    for unit in range(2):
        half = range(unit * pictures // 2, (unit + 1) * pictures // 2)
        write_unit(folder, f"toy-{unit}", (toy_sample(f"toy-{unit}-{i:03d}", i) for i in half))
    finish(folder)
    return folder
