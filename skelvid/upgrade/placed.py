"""Where people stand in pictures, and the boxes they fill: fitted bodies and what a camera saw go in.

A view is a row of three numbers, px: focal length and principal point (x, y) of a picture.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.geometry.boxes import crop_affine
from skelvid.regress.crop import MARGIN, CropCamera

# Keypoints that place a person, and the joints that they are nearest to, within a centimetre or two.
LIMBS = {
    f"{side}_{part}": JOINT_INDEX[f"{joint}_{side[0]}"]
    for part, joint in {"shoulder": "humerus", "elbow": "ulna", "wrist": "hand", "hip": "femur", "knee": "tibia",
                        "ankle": "talus"}.items()
    for side in ("left", "right")
}  # fmt: skip
_SURE = 0.3  # least confidence of a keypoint
_ENOUGH = 4  # sure keypoints that place a person
_NEAR_M = 0.05


def straight_at(boxes: Float[ndarray, "t 4"], view: Float[ndarray, "t 3"]) -> Float[ndarray, "t 3 3"]:
    """Return what turns the axes of cameras that look straight at boxes into those of the cameras that took them."""
    size_hw = (1, 1)
    affine = np.stack([crop_affine(box, size_hw, share=MARGIN) for box in boxes])
    to_crop, focal, center = (torch.as_tensor(v).double() for v in (affine, view[:, 0], view[:, 1:]))
    return CropCamera(to_crop, focal, center, size_hw).view_rot.mT.numpy()


def stand_before(
    body: SkelBody, params: SkelParams, keypoints: Float[ndarray, "t 12 3"], view: Float[ndarray, "t 3"]
) -> Float[ndarray, "t 3"]:
    """Return the translation with which each body is seen where its keypoints are; NaN where too few are sure.

    Args:
        body: The body.
        params: Its pose and shape, in the axes of the cameras.
        keypoints: x, y, px, and confidence of `LIMBS`.
        view: Of each picture.
    """
    still = SkelParams(params.q, params.betas, np.zeros_like(params.trans_m)).to_torch(body.device, body.dtype)
    with torch.no_grad():
        points = body.skeleton(still).joints_m[:, [*LIMBS.values()]].numpy(force=True).astype(np.float64)
    ray = (keypoints[..., :2] - view[:, None, 1:]) / view[:, None, :1]
    weight = np.where(keypoints[..., 2] > _SURE, keypoints[..., 2], 0.0)
    out = np.full((len(points), 3), np.nan)
    for row in np.flatnonzero((weight > 0).sum(1) >= _ENOUGH):
        # x + tx = (z + tz) u, and the same for y: linear in the translation.
        u, w = ray[row], np.sqrt(weight[row])
        left = np.zeros((2, len(u), 3))
        left[0, :, 0] = left[1, :, 1] = 1.0
        left[..., 2] = -u.T
        right = (points[row, :, 2:] * u - points[row, :, :2]).T
        place = np.linalg.lstsq((left * w[:, None]).reshape(-1, 3), (right * w).ravel())[0]
        if place[2] + points[row, :, 2].min() > _NEAR_M:
            out[row] = place
    return out


def boxes_of(vertices_m: Float[ndarray, "t n 3"], view: Float[ndarray, "#t 3"]) -> Float[ndarray, "t 4"]:
    """Return the boxes around what is seen of meshes in the axes of cameras; NaN where one is not all in front."""
    depth = vertices_m[..., 2:]
    ahead = np.where(depth > _NEAR_M, depth, np.nan)
    at = vertices_m[..., :2] / ahead * view[:, None, :1] + view[:, None, 1:]
    return np.concatenate([at.min(1), at.max(1)], axis=1)
