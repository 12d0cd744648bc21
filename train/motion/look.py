"""Contact sheets of the motion library: skins and stick figures over time, the source's points overlaid.

`python -m train.motion.look --data DIR --library DIR --out DIR NAME ...`
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image, ImageDraw

from skelvid.body.dofs import JOINT_NAMES, JOINT_PARENTS
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import View, look_at
from skelvid.draw.sheet import contact_sheet
from train.command import run
from train.motion.sources import Capture, find_clips
from train.motion.ties import TIES

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
    some = SkelParams(params.q[frames], params.betas, params.trans_m[frames]).to_torch(dtype=body.dtype)
    with torch.no_grad():
        posed = body(some).to_numpy()
    skin = np.asarray(posed.skin_m)
    skins, sticks = [], []
    for i, frame in enumerate(frames):
        view = _view(posed.joints_m[i], posed.joint_rot[i, 0])
        skins.append(render([Mesh(skin[i], body.assets.skin_faces, SKIN)], view))
        sticks.append(_sticks(posed.joints_m[i], view, None if points_m is None else points_m[frame]))
    labels = [f"{time_s[frame]:.2f} s" for frame in frames]
    return contact_sheet([*skins, *sticks], columns=len(frames), labels=[*labels, *labels])


def _view(joints_m: Float[ndarray, "24 3"], pelvis: Float[ndarray, "3 3"]) -> View:
    """Look at the body's middle from before and its right; a lying body from where its side is."""
    front = pelvis[:, 0] * [1.0, 0.0, 1.0]
    if np.linalg.norm(front) < 0.3:
        front = pelvis[:, 2] * [1.0, 0.0, 1.0]
    front = front / np.linalg.norm(front)
    right = np.array([-front[2], 0.0, front[0]])
    middle = (joints_m.min(0) + joints_m.max(0)) / 2
    direction = front + 1.2 * right + [0.0, 0.25, 0.0]
    return look_at(middle, direction, height_m=HEIGHT_M, size_hw=SIZE_HW, orthographic=True)


def _sticks(joints_m: Float[ndarray, "24 3"], view: View, points_m: Float[ndarray, "k 3"] | None) -> ndarray:
    image = Image.new("RGB", (SIZE_HW[1], SIZE_HW[0]), "white")
    draw = ImageDraw.Draw(image)
    corners = joints_m[0] * [1, 0, 1] + 0.6 * np.array([[1, 0, 1], [1, 0, -1], [-1, 0, -1], [-1, 0, 1], [1, 0, 1]])
    draw.line([tuple(xy) for xy in view.project(corners)], fill=FLOOR, width=1)
    at = view.project(joints_m)
    for joint, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            end = JOINT_NAMES[joint][-2:]
            colour = LEFT if end == "_l" else RIGHT if end == "_r" else MIDDLE
            draw.line([tuple(at[parent]), tuple(at[joint])], fill=colour, width=3)
    for x, y in view.project(points_m) if points_m is not None else []:
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=SEEN)
    return np.asarray(image)


def main() -> None:
    """Write one sheet per named clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of free motions")
    parser.add_argument("--library", type=Path, required=True, help="folder that build.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--body", default="open-neutral", help="name or file of the body of the library")
    parser.add_argument("names", nargs="+")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    body, refs = load_body(args.body), {clip.name: clip for clip in find_clips(args.data)}
    for name in args.names:
        with np.load(args.library / "clips" / f"{name}.npz", allow_pickle=False) as clip:
            params, time_s = SkelParams(clip["q"], clip["betas"][None], clip["trans_m"]), clip["time_s"]
            lifted_m = json.loads(str(clip["summary"]))["lifted_m"]
        source, points = refs[name].read(), None
        if isinstance(source, Capture):
            columns = [source.names.index(tie.source) for tie in TIES[refs[name].kind]]
            points = source.points_m[:, columns] + [0.0, lifted_m, 0.0]
        Image.fromarray(sheet(body, params, time_s, points)).save(args.out / f"{name}.png")


if __name__ == "__main__":
    run(main)
