"""Stand-ins that make a run quick: red figures for people, who are found by their colour; a lifter that knows nothing.

`python -m tests.pipeline.fakes run VIDEO ...` is the command line with them in place.
"""

import os
import time
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import find_objects, label

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.keypoints import BLAZEPOSE_33, keypoint_points
from skelvid.body.load import load_body
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D, missing_keypoints
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.lift import Lifter
from skelvid.motion.lift_network import LiftNetwork
from skelvid.people import detect, keypoints
from skelvid.pipeline import estimate
from skelvid.video.writer import VideoWriter

SIZE_HW = (120, 160)
RED = (220, 20, 20)
RATE_HZ = 25.0
WIDTH, HEIGHT = 30, 80


def draw(places, size_hw=SIZE_HW):
    """A grey picture with a red figure at each place, its left upper corner."""
    image = np.full((*size_hw, 3), 70, np.uint8)
    image[::8] = 110  # something to see for whoever looks whether the camera moves
    for left, top in places:
        image[int(top) : int(top) + HEIGHT, int(left) : int(left) + WIDTH] = RED
    return image


def walk(number, *, start=20, step=1.0):
    """Where somebody is who walks to the right."""
    return start + step * number, 20


def make_film(path, frames=24, *, people=walk, size_hw=SIZE_HW, rate_hz=RATE_HZ, zoom=1):
    """Write a video; `people` says where they are in a frame, as one place or as several."""
    with VideoWriter(path, crf=5, threads=1) as film:
        for number in range(frames):
            places = (people(number) if people else None) or []
            places = [places] if isinstance(places, tuple) else places
            film.write(draw(places, size_hw).repeat(zoom, 0).repeat(zoom, 1), number / rate_hz)
    return path


def find(frame: Frame):
    """The boxes of red figures, from left to right."""
    image = frame.image.astype(int)
    red = (image[..., 0] > 150) & (image[..., 1:].max(-1) < 90)
    labelled, _ = label(red)  # pyright: ignore[reportGeneralTypeIssues]
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labelled)]
    boxes = [box for box in boxes if box[3] - box[1] > 20]
    return np.array(sorted(boxes), float).reshape(-1, 4)


@cache
def standing():
    """The 33 points of somebody who stands before the camera, as shares of the box around them."""
    body = load_body("neutral")
    q = torch.zeros(1, 46)
    q[0, [DOF_INDEX["shoulder_r_x"], DOF_INDEX["shoulder_l_x"]]] = torch.tensor([1.2, -1.2])
    params = SkelParams(q, torch.zeros(1, 10), torch.zeros(1, 3))
    xy = body.skin_points(params, keypoint_points(body, BLAZEPOSE_33))[0, :, :2].numpy() * (-1.0, -1.0)
    return (xy - xy.min(0)) / np.ptp(xy, axis=0)


class FakeDetector:
    """Finds red figures."""

    def __call__(self, frames):
        return [Boxes(boxes := find(frame), np.full(len(boxes), 0.9)) for frame in frames]


class FakeSource:
    """Gives the points of the red figure in each box; counts the frames it was asked about; may be slow."""

    names = BLAZEPOSE_33
    asked = 0
    sleep_s = 0.0

    def __init__(self, *, sleep_s="0"):
        FakeSource.sleep_s = float(sleep_s)

    def __call__(self, frame: Frame, boxes: Boxes | None = None) -> Keypoints2D:
        FakeSource.asked += 1
        if mark := os.environ.get("FAKES_MARK"):
            Path(mark).write_text(str(FakeSource.asked))
        time.sleep(self.sleep_s)
        found = find(frame)
        wanted = found if boxes is None else boxes.xyxy
        rows = missing_keypoints(self.names, (len(wanted),))
        for row, box in enumerate(wanted):
            for left, top, right, bottom in found:
                x, y = (left + right) / 2, (top + bottom) / 2
                if box[0] < x < box[2] and box[1] < y < box[3]:
                    rows.xy[row] = standing() * (right - left, bottom - top) + (left, top)
                    rows.score[row] = 0.9
        return rows


@cache
def lifter():
    """A lifter whose network is tiny and was taught nothing; all around it is real."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Lifter(LiftNetwork(width=24, depth=2, heads=2), load_body("neutral"), sigma_scale=torch.ones(46))


def install(set_attribute=setattr, set_item=lambda table, name, value: table.__setitem__(name, value)):
    """Put the stand-ins in place, under the names that the default settings have."""
    module = __name__
    set_item(detect.DETECTORS, "skelvid", f"{module}:FakeDetector")
    set_item(keypoints.KEYPOINT_SOURCES, "mediapipe", f"{module}:FakeSource")
    set_attribute(FakeSource, "asked", 0)
    set_attribute(FakeSource, "sleep_s", 0.0)
    real = estimate.load_lifter
    set_attribute(estimate, "load_lifter", lambda config: real(config) if config.motion.lifter else lifter())
    set_attribute(estimate, "versions", lambda config: {"skelvid": "test"})


def write_pictures(folder: Path, frames=6, **options):
    """Write a folder of pictures."""
    from PIL import Image

    folder.mkdir()
    for number in range(frames):
        Image.fromarray(draw([walk(number)], **options)).save(folder / f"{number}.png")
    return folder


if __name__ == "__main__":
    from skelvid.cli import main

    install()
    main()
