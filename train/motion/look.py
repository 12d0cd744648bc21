"""Contact sheets of a retargeted clip: stick figures or skins over time in, one picture out, source points overlaid."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from skelvid.body.dofs import JOINT_NAMES, JOINT_PARENTS
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import View, look_at
from skelvid.draw.sheet import contact_sheet

SIZE_HW = (330, 250)
HEIGHT_M = 2.1
SKIN = (0.93, 0.74, 0.64)
LEFT, RIGHT, MIDDLE, SEEN, FLOOR = (30, 90, 220), (210, 40, 40), (60, 60, 60), (20, 150, 60), (170, 170, 170)


def sheet(
    body: SkelBody,
    params: SkelParams,
    time_s: Float[ndarray, "t"],
    points_m: Float[ndarray, "t k 3"] | None = None,
    *,
    count: int = 8,
) -> UInt8[ndarray, "h w 3"]:
    """Show `count` moments of a clip: skin above, joints with the source's points (green) below; the view turns along.

    The person's left is blue, the right red. The view is from before and a little from the person's right.
    """
    frames = np.linspace(0, len(time_s) - 1, min(count, len(time_s))).astype(int)
    with torch.no_grad():
        posed = body(SkelParams(params.q, params.betas, params.trans_m).to_torch()[frames_index(params, frames)])
    rows: tuple[list[ndarray], list[ndarray]] = ([], [])
    for i, frame in enumerate(frames):
        joints = posed.joints_m[i].numpy()
        view = _view(joints, posed.joint_rot[i, 0].numpy())
        rows[0].append(render([Mesh(posed.skin_m[i].numpy(), body.assets.skin_faces, SKIN)], view))
        rows[1].append(_sticks(joints, view, None if points_m is None else points_m[frame]))
    labels = [f"{time_s[frame]:.2f} s" for frame in frames]
    return contact_sheet([*rows[0], *rows[1]], columns=len(frames), labels=[*labels, *labels])
