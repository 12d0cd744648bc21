"""Room 1: files, folders and cameras in, frames out; and the way back into a file."""

from skelvid.video.probe import FileInfo, probe
from skelvid.video.source import FrameSource, open_video
from skelvid.video.span import Span
from skelvid.video.webcam import Webcam, camera_address
from skelvid.video.writer import VideoWriter

__all__ = ["FileInfo", "FrameSource", "Span", "VideoWriter", "Webcam", "camera_address", "open_video", "probe"]
