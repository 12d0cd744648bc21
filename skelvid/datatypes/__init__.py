"""What flows between rooms: frozen dataclasses of arrays, checked once at birth."""

from skelvid.datatypes.frames import Camera, Frame, VideoInfo
from skelvid.datatypes.mesh import Mesh
from skelvid.datatypes.motion import JointAngles, Motion
from skelvid.datatypes.people import Boxes, Keypoints2D, KeypointTrack, Track
from skelvid.datatypes.skel import BodyPoints, SkelParams

__all__ = [
    "BodyPoints",
    "Boxes",
    "Camera",
    "Frame",
    "JointAngles",
    "KeypointTrack",
    "Keypoints2D",
    "Mesh",
    "Motion",
    "SkelParams",
    "Track",
    "VideoInfo",
]
