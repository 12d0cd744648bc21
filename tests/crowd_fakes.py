"""Plays with coloured rectangles as people: their pictures, a detector, and a source that clings to what it sees."""

import numpy as np

from skelvid.body.keypoints import COCO_17
from skelvid.datatypes.frames import Frame
from skelvid.datatypes.people import Boxes, missing_keypoints
from skelvid.geometry.boxes import iou, shared
from tests.keypoint_fakes import points_in

SIZE_HW = (120, 320)
COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 180, 60), "crimson": (205, 35, 28)}
RATE_HZ = 30.0


class Play:
    """A scene: for each frame, the boxes of its actors from back to front, by colour.

    Attributes:
        scenes: The boxes of each frame.
        looks: Frames that the detector saw.
        asked: For each call of the source, the frame and the numbers it was asked for.
    """

    names = COCO_17

    def __init__(self, scenes, *, score=0.9, blind=()):
        self.scenes = scenes
        self.looks = []
        self.asked = []
        self.score = score
        self.blind = set(blind)

    def frames(self):
        for index, scene in enumerate(self.scenes):
            image = np.full((*SIZE_HW, 3), 40, np.uint8)
            for name, box in scene.items():
                left, top, right, bottom = np.clip(np.asarray(box, int), 0, [SIZE_HW[1], SIZE_HW[0]] * 2)
                image[top:bottom, left:right] = COLOURS[name]
            yield Frame(image, index, index / RATE_HZ)

    def visible(self, index):
        """Everyone in the frame who is not behind somebody nearer."""
        scene = {name: np.array(box, float) for name, box in self.scenes[index].items()}
        names = list(scene)
        hidden = {
            name
            for i, name in enumerate(names)
            if any(shared(scene[name][None], scene[nearer][None])[0, 0] > 0.6 for nearer in names[i + 1 :])
        }
        return {name: scene[name] for name in names if name not in hidden}

    def detector(self, frames):
        self.looks += [frame.index for frame in frames]
        boxes = [np.array(list(self.visible(frame.index).values())).reshape(-1, 4) for frame in frames]
        return [Boxes(xyxy, np.full(len(xyxy), 0.8)) for xyxy in boxes]

    def source(self, frame, boxes=None):
        """Whoever overlaps a box best; as a landmarker does, it stays where it is rather than with whom it was."""
        assert boxes is not None
        self.asked.append((frame.index, boxes.person_id.tolist()))
        people = list(self.visible(frame.index).values())
        found = missing_keypoints(COCO_17, (len(boxes),))
        for row, box in enumerate(boxes.xyxy):
            overlap = iou(box[None], np.array(people).reshape(-1, 4))[0]
            if len(overlap) and overlap.max() > 0.1 and frame.index not in self.blind:
                found.xy[row], found.score[row] = points_in(people[overlap.argmax()], 17), self.score
        return found


def stand(left, *, top=20, width=24, height=80):
    """A box of somebody who stands."""
    return (left, top, left + width, top + height)


def whose(play, sighting):
    """For each number in a sighting whose keypoints are there, the actor they are on."""
    actors = {}
    for n, person_id in enumerate(sighting.boxes.person_id):
        xy = sighting.keypoints.xy[n]
        if not np.isnan(xy).any():
            middle = (xy.min(0) + xy.max(0)) / 2
            scene = {name: np.array(box, float) for name, box in play.scenes[sighting.index].items()}
            actors[int(person_id)] = min(
                scene, key=lambda name: np.abs(scene[name].reshape(2, 2).mean(0) - middle).sum()
            )
    return actors
