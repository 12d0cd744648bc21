"""A decoded picture of any kind goes in; upright RGB with square pixels comes out."""

from array import array
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

_Step = tuple[str, str]

# Keys: whether the sign of the display matrix entries (c, b) is positive.
_TRANSPOSE = {
    (False, True): "clock",
    (True, False): "cclock",
    (True, True): "cclock_flip",
    (False, False): "clock_flip",
}


def turning_steps(matrix: tuple[int, int, int, int]) -> list[_Step]:
    """Turn (a, b, c, d) of a display matrix into filters: x' = a x + c y, y' = b x + d y, y down.

    Angles between quarter turns go to the nearest one.

    >>> turning_steps((0, 1, -1, 0))
    [('transpose', 'clock')]
    """
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        return [("transpose", _TRANSPOSE[c > 0, b > 0])]
    return [(name, "") for name, mirrored in (("hflip", a < 0), ("vflip", d < 0)) if mirrored]


def display_matrix(picture: VideoFrame) -> tuple[int, int, int, int]:
    """Return (a, b, c, d) of the picture's display matrix, the identity where it has none."""
    try:
        side = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV does not know some other kind of side data; the angle it still gives
        turn = np.deg2rad(picture.rotation)
        cos, sin = round(np.cos(turn) * 2**16), round(np.sin(turn) * 2**16)
        return cos, -sin, sin, cos
    if side is None:
        return 1, 0, 0, 1
    a, b, _, c, d = array("i", bytes(side)[:20])
    return a, b, c, d


class Upright:
    """Turns, scales and converts all pictures of a film alike; the first one decides the size.

    Args:
        first: A picture of the film.
        pixel_aspect: Width of a stored pixel over its height.
        max_side_px: Make larger pictures so small that no side is longer.
        threads: Threads for converting, 0 for one per core.
    """

    def __init__(
        self, first: VideoFrame, *, pixel_aspect: Fraction | None, max_side_px: int | None, threads: int = 0
    ) -> None:
        self._steps = turning_steps(display_matrix(first))
        self._deinterlace = [("bwdif", "mode=send_frame:deint=interlaced")] if first.interlaced_frame else []
        width, height = float(first.width * (pixel_aspect or 1)), float(first.height)
        if any(name == "transpose" for name, _ in self._steps):
            width, height = height, width
        shrink = min(1.0, max_side_px / max(width, height)) if max_side_px else 1.0
        self.size_hw = max(1, round(height * shrink)), max(1, round(width * shrink))
        self._to_rgb = VideoReformatter()
        self._threads = threads
        self._graph: Graph | None = None
        self._graph_for: tuple[int, int, str] | None = None

    def __call__(self, picture: VideoFrame | None) -> Iterator[tuple[UInt8[np.ndarray, "h w 3"], float]]:
        """Yield finished images and their times, s; none or one per picture, and the rest at the end, for None."""
        for turned in self._turned(picture):
            height, width = self.size_hw
            rgb = self._to_rgb.reformat(turned, width=width, height=height, format="rgb24", threads=self._threads)
            yield rgb.to_ndarray(), rgb.time

    def _turned(self, picture: VideoFrame | None) -> Iterator[VideoFrame]:
        if not self._steps and not self._deinterlace:
            if picture is not None:
                yield picture
            return
        # Turning the planes of YUV before the conversion takes a tenth of turning RGB.
        kind = picture and (picture.width, picture.height, picture.format.name)
        if picture is not None and kind != self._graph_for:
            self._graph, self._graph_for = _graph(picture, [*self._deinterlace, *self._steps]), kind
        if self._graph is None:
            return
        self._graph.push(picture)
        while True:
            try:
                turned = self._graph.pull()
            except (NothingYet, NothingMore):
                return
            assert isinstance(turned, VideoFrame)
            yield turned


def _graph(picture: VideoFrame, steps: list[_Step]) -> Graph:
    graph = Graph()
    graph.threads = 1
    nodes = [
        graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
        ),
        *(graph.add(name, arguments) for name, arguments in steps),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return graph
