"""People as red rectangles, and stand-ins for the libraries that find people, which find those."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.ndimage import find_objects, label

from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, Keypoints2D
from skelvid.regress.output import POINTS

RED = (200, 30, 30)


def draw_people(boxes, size_hw=(120, 240), *, index=0, time_s=None):
    """A dark grey frame, 30 frames/s, with a red rectangle in every box of whole pixels."""
    image = np.full((*size_hw, 3), 40, np.uint8)
    for left, top, right, bottom in np.asarray(boxes, int).reshape(-1, 4):
        image[top:bottom, left:right] = RED
    return Frame(image, index, index / 30 if time_s is None else time_s)


def find_people(image):
    """The boxes of the red rectangles, from left to right."""
    red = (image == RED).all(-1)
    labelled: Any = label(red)
    found = find_objects(labelled[0])
    return np.array(sorted((x.start, y.start, x.stop, y.stop) for y, x in found), float).reshape(-1, 4)


def points_in(box, count):
    """Points on an ellipse that touches the box."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    (left, top, right, bottom) = box
    return np.stack([(left + right) / 2 + (right - left) / 2 * np.cos(angle),
                     (top + bottom) / 2 + (bottom - top) / 2 * np.sin(angle)], -1)  # fmt: skip


class FakeDetector:
    """Finds them all."""

    def __call__(self, frames):
        found = [find_people(frame.image) for frame in frames]
        return [Boxes(xyxy, np.ones(len(xyxy))) for xyxy in found]


class FakeRegressor:
    """Tells points around the person that fills a box, and very doubtful ones where nobody does."""

    points = tuple(POINTS)

    def look(self, frames, xyxy, camera):
        assert camera.size_hw == frames[0].size_hw
        xy, sigma = [], []
        for frame, box in zip(frames, xyxy, strict=True):
            inside = [found for found in find_people(frame.image) if np.abs(found - box).max() < 5]
            xy.append(points_in(inside[0] if inside else box, len(self.points)))
            sigma.append(np.full(len(self.points), 1.0 if inside else 100.0))
        keypoints = Keypoints2D(np.array(xy), np.full((len(xy), len(self.points)), 0.9), self.points)
        return SimpleNamespace(keypoints=keypoints, keypoint_sigma_px=np.array(sigma))


class FakeLandmarker:
    """Finds the leftmost person that is at least a quarter of its picture, and insists on rising time."""

    made: "list[FakeLandmarker]" = []  # noqa: RUF012

    def __init__(self):
        self.made.append(self)
        self.closed = False
        self.last_ms = -1
        self.pictures = []

    @classmethod
    def create_from_options(cls, options):
        assert options.running_mode in ("video", "image")
        assert options.base_options.model_asset_path
        return cls()

    def detect_for_video(self, image, timestamp_ms):
        assert timestamp_ms > self.last_ms, "time must rise"
        assert not self.closed
        self.last_ms = timestamp_ms
        picture = image.data
        assert picture.flags.c_contiguous
        self.pictures.append(picture)
        height, width = picture.shape[:2]
        people = [b for b in find_people(picture) if b[3] - b[1] >= 0.25 * max(height, width)]
        if not people:
            return SimpleNamespace(pose_landmarks=[], pose_world_landmarks=[])
        share = points_in(people[0], 33) / (width, height)
        image_points = [SimpleNamespace(x=x, y=y, visibility=0.9) for x, y in share]
        world = [SimpleNamespace(x=0.0, y=float(i), z=1.0) for i in range(33)]
        return SimpleNamespace(pose_landmarks=[image_points], pose_world_landmarks=[world])

    def detect(self, image):
        """As in a single picture: everybody large enough, as many as it sees."""
        height, width = image.data.shape[:2]
        people = [b for b in find_people(image.data) if b[3] - b[1] >= 0.25 * max(height, width)]
        shares = [points_in(box, 33) / (width, height) for box in people]
        return SimpleNamespace(
            pose_landmarks=[
                [SimpleNamespace(x=x, y=y, visibility=0.9, presence=0.95) for x, y in share] for share in shares
            ]
        )

    def close(self):
        assert not self.closed
        self.closed = True


def fake_mediapipe(monkeypatch):
    """Put a package in place of mediapipe, with as much of it as we use."""
    vision = SimpleNamespace(
        PoseLandmarker=FakeLandmarker,
        PoseLandmarkerOptions=lambda **options: SimpleNamespace(**options),
        RunningMode=SimpleNamespace(VIDEO="video", IMAGE="image"),
    )
    package = SimpleNamespace(
        Image=lambda *, image_format, data: SimpleNamespace(data=data), ImageFormat=SimpleNamespace(SRGB=1)
    )
    tasks = SimpleNamespace(BaseOptions=lambda **options: SimpleNamespace(**options), vision=vision)
    monkeypatch.setitem(sys.modules, "mediapipe", package)
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", tasks)
    monkeypatch.setattr(FakeLandmarker, "made", [])


class _Tensor:
    def __init__(self, values):
        self.values = values
        self.shape = values.shape

    def cpu(self):
        return self

    def numpy(self):
        return self.values


def fake_ultralytics(monkeypatch, points=17, conf: float | None = 0.8):
    """Put a package in place of ultralytics, whose network sees colours as blue, green, red."""

    class Yolo:
        def __init__(self, weights):
            self.weights = weights

        def predict(self, image, *, device, verbose):
            assert not verbose
            people = find_people(image[..., ::-1])
            xy = np.array([points_in(box, points) for box in people], np.float32).reshape(-1, points, 2)
            xy[:, -1] = 0.0  # as for a point that it did not find
            score = None if conf is None else _Tensor(np.full(xy.shape[:2], conf, np.float32))
            return [SimpleNamespace(keypoints=SimpleNamespace(xy=_Tensor(xy), conf=score))]

    monkeypatch.setitem(sys.modules, "ultralytics", SimpleNamespace(YOLO=Yolo))


def write_openpose(folder, frames, count=25, name="clip_{:012d}_keypoints.json"):
    """Write what OpenPose would about these frames; the last point of everyone is missing."""
    folder.mkdir(exist_ok=True)
    for frame in frames:
        people = []
        for box in find_people(frame.image):
            points = np.concatenate([points_in(box, count), np.full((count, 1), 0.7)], 1)
            points[-1] = 0.0
            people.append({"person_id": [-1], "pose_keypoints_2d": points.ravel().tolist()})
        (folder / name.format(frame.index)).write_text(json.dumps({"version": 1.3, "people": people}))
    return folder


def write_trc_px(path, time_s, markers, xy):
    """Write a .trc file as Sports2D does: `t k 2` px, empty where NaN, the unit said to be m."""
    names = "\t\t\t".join(markers)
    axes = "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(markers) + 1))
    lines = [f"PathFileType\t4\t(X/Y/Z)\t{path}", "DataRate\tCameraRate", "30\t30", f"Frame#\tTime\t{names}\t\t\t",
             f"\t\t{axes}"]  # fmt: skip
    for i, (time, points) in enumerate(zip(time_s, xy, strict=True)):
        cells = ["" if np.isnan(v) else str(v) for x, y in points for v in (x, y, 0.0)]
        lines.append("\t".join([str(i), str(time), *cells]))
    path.write_text("\n".join(lines) + "\n")
    return path
