"""Which triangle is seen in which pixel: batches of screen triangles in, winners and their barycentric weights out.

On a GPU in plain torch: each triangle is cut into pixel rows, each row into the pixels whose centres lie inside, and
the nearest of all candidates is kept by one integer maximum over (1 / depth, triangle). Work grows with covered pixels,
so a skin of triangles smaller than a pixel and a wall of two cost alike. On a processor by compiled loops.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from train.synth.fast_raster import Mesh, Rules, candidates, fill, fragments, make_buffer, settle, sift

NEAR_M = 0.05
# Triangles grow by this much, px, so that rounding opens no cracks between neighbours; depth settles the overlap.
_GROW_PX = 1e-3
_FAR_PX = 1e9
_SLIVER_PX2 = 0.02


@dataclass(frozen=True)
class Fragments:
    """What is seen, one row per covered pixel.

    Attributes:
        pixel: `p` index into the flattened `b h w` pictures, rising.
        face: `p` the triangle seen there.
        weight: `p 3` shares of its corners at the pixel centre, in space (not on the screen); they sum to 1.
        depth_m: `p` distance along the optical axis.
    """

    pixel: Int[Tensor, "p"]
    face: Int[Tensor, "p"]
    weight: Float[Tensor, "p 3"]
    depth_m: Float[Tensor, "p"]


@dataclass(frozen=True)
class Holes:
    """Triangles whose texture has holes, as hair and lace have.

    Attributes:
        may: `f` which triangles.
        is_hole: Face, corner shares and depth of places in; whether each is a hole out.
    """

    may: Bool[Tensor, "f"]
    is_hole: Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class _Rows:
    """Runs of pixels: their first pixel, length, 1 / depth at the first and its change per pixel, and triangle."""

    pixel: Tensor
    count: Tensor
    nearness: Tensor
    slope: Tensor
    triangle: Tensor


def rasterise(
    screen: Float[Tensor, "v 3"],
    faces: Int[Tensor, "f 3"],
    picture: Int[Tensor, "f"],
    *,
    size: tuple[int, int, int],
    one_sided: Bool[Tensor, "f"] | None = None,
    holes: Holes | None = None,
) -> Fragments:
    """Find the nearest triangle at each pixel centre.

    Args:
        screen: Vertices as x, y in px and depth in m; those of all pictures in one list.
        faces: Triangles; to be seen from the outside, their corners run counter-clockwise in space.
        picture: In which picture each triangle is.
        size: Pictures, height, width.
        one_sided: Which triangles vanish when they face away.
        holes: Where one looks through triangles.
    """
    if screen.device.type == "cpu":
        return _on_processor(screen, faces, picture, size, one_sided, holes)
    return in_torch(screen, faces, picture, size=size, one_sided=one_sided, holes=holes)


def _on_processor(
    screen: Tensor,
    faces: Tensor,
    picture: Tensor,
    size: tuple[int, int, int],
    one_sided: Tensor | None,
    holes: Holes | None,
) -> Fragments:
    sided = torch.zeros(len(faces), dtype=torch.bool) if one_sided is None else one_sided
    mesh = Mesh(screen.numpy(), faces.numpy(), picture.numpy(), sided.numpy())
    rules, buffer = Rules(NEAR_M, _GROW_PX, size[1], size[2]), make_buffer(size[0] * size[1] * size[2])
    holed = holes.may if holes else torch.zeros_like(sided)
    kept = sift(mesh, rules)
    fill(mesh, rules, kept, holed.numpy(), buffer)
    if holes:
        found = candidates(mesh, rules, kept, holed.numpy(), buffer)
        _, face, weight, depth = (torch.as_tensor(v) for v in fragments(found[2], found[1], found[3]))
        settle(found, ~holes.is_hole(face, weight, depth).numpy(), buffer)
    return Fragments(*(torch.as_tensor(v) for v in fragments(*buffer)))


def in_torch(
    screen: Float[Tensor, "v 3"],
    faces: Int[Tensor, "f 3"],
    picture: Int[Tensor, "f"],
    *,
    size: tuple[int, int, int],
    one_sided: Bool[Tensor, "f"] | None = None,
    holes: Holes | None = None,
) -> Fragments:
    """Do the same as `rasterise` in plain torch, as on a GPU."""
    kept, corners = _in_sight(screen, faces, size, one_sided)
    runs = _runs(corners, picture[kept], size)
    key = torch.zeros(size[0] * size[1] * size[2], dtype=torch.int64, device=screen.device)
    row = torch.repeat_interleave(runs.count)
    along = torch.arange(len(row), device=row.device) - (runs.count.cumsum(0) - runs.count).index_select(0, row)
    nearness = torch.addcmul(
        runs.nearness.index_select(0, row), runs.slope.index_select(0, row), along.float()
    ).clamp_min(1e-6)
    triangle, pixel = runs.triangle.index_select(0, row), runs.pixel.index_select(0, row) + along
    value = (nearness.view(torch.int32).long() << 32) | triangle
    if holes is not None:
        unsure = torch.nonzero(holes.may[kept][triangle])[:, 0]
        weight, depth = _weights(corners[triangle[unsure]], pixel[unsure], size)
        value[unsure[holes.is_hole(kept[triangle[unsure]], weight, depth)]] = 0
    key.scatter_reduce_(0, pixel, value, "amax")
    pixel = torch.nonzero(key)[:, 0]
    winner = key[pixel] & 0xFFFFFFFF
    weight, depth = _weights(corners.index_select(0, winner), pixel, size)
    return Fragments(pixel, kept[winner], weight, depth)


def _in_sight(
    screen: Tensor, faces: Tensor, size: tuple[int, int, int], one_sided: Tensor | None
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k 3 3"]]:
    """Return which triangles can cover a pixel centre, and their corners."""
    corners = screen.index_select(0, faces.flatten()).view(-1, 3, 3)  # faster than indexing, here and below
    low, high = corners.amin(1), corners.amax(1)
    first, last = (low[:, :2] - 0.5 - _GROW_PX).ceil(), (high[:, :2] - 0.5 + _GROW_PX).floor()
    a, b, c = corners[..., :2].unbind(1)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    seen = (first <= last).all(1) & (low[:, 2] > NEAR_M) & (high[:, 0] > 0) & (high[:, 1] > 0)
    seen &= (low[:, 0] < size[2]) & (low[:, 1] < size[1]) & (area.abs() > 1e-9)
    if one_sided is not None:
        seen &= ~one_sided | (area < 0)
    kept = torch.nonzero(seen)[:, 0]
    return kept, corners.index_select(0, kept)


def _runs(corners: Float[Tensor, "k 3 3"], picture: Int[Tensor, "k"], size: tuple[int, int, int]) -> _Rows:
    """Cut triangles into runs of covered pixels."""
    _, height, width = size
    x, y = corners[..., 0], corners[..., 1]
    top = (y.amin(1) - 0.5 - _GROW_PX).ceil().clamp_min(0)
    tall = ((y.amax(1) - 0.5 + _GROW_PX).floor().clamp_max(height - 1) - top + 1).clamp_min(0).long()
    # Edge i runs from corner i to the next; it bounds the triangle on the left when the third corner is right of it.
    dx, dy = x.roll(-1, 1) - x, y.roll(-1, 1) - y
    level = dy.abs() < 1e-6
    lean = torch.where(level, 0.0, dx / torch.where(level, 1.0, dy))
    left = x.roll(-2, 1) > x + (y.roll(-2, 1) - y) * lean
    plane = _nearness_plane(corners)
    edges = torch.cat([x, y, lean, plane, left.float(), level.float()], 1)  # one gather instead of six

    triangle = torch.repeat_interleave(tall)
    down = torch.arange(len(triangle), device=triangle.device) - (tall.cumsum(0) - tall).index_select(0, triangle)
    line = top[triangle] + down
    at = edges.index_select(0, triangle)
    cross = at[:, :3] + (line[:, None] + 0.5 - at[:, 3:6]) * at[:, 6:9]
    is_left, is_level = at[:, 12:15] > 0, at[:, 15:18] > 0
    low = torch.where(is_left & ~is_level, cross, -_FAR_PX).amax(1)
    high = torch.where(is_left | is_level, _FAR_PX, cross).amin(1)
    first = (low - 0.5 - _GROW_PX).ceil().clamp(0, width)
    count = ((high - 0.5 + _GROW_PX).floor().clamp(-1, width - 1) - first + 1).clamp_min(0)
    full = torch.nonzero(count)[:, 0]
    triangle, first, line, at = triangle[full], first[full], line[full], at[full]
    pixel = (picture[triangle] * height + line.long()) * width + first.long()
    nearness = at[:, 9] + at[:, 10] * (first + 0.5 - at[:, 0]) + at[:, 11] * (line + 0.5 - at[:, 3])
    return _Rows(pixel, count[full].long(), nearness, at[:, 10], triangle)


def _nearness_plane(corners: Float[Tensor, "k 3 3"]) -> Float[Tensor, "k 3"]:
    """Return 1 / depth at the first corner and its change per px along x and y."""
    near = 1 / corners[..., 2]
    side, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    up, over = near[:, 1] - near[:, 0], near[:, 2] - near[:, 0]
    area = side[:, 0] * other[:, 1] - other[:, 0] * side[:, 1]
    across = (up * other[:, 1] - over * side[:, 1]) / area
    down = (over * side[:, 0] - up * other[:, 0]) / area
    # The slope of a sliver is all rounding: over its few pixels it counts as facing us.
    sliver = area.abs() < _SLIVER_PX2
    return torch.stack([near[:, 0], across.masked_fill(sliver, 0), down.masked_fill(sliver, 0)], 1)


def _weights(
    corners: Float[Tensor, "p 3 3"], pixel: Int[Tensor, "p"], size: tuple[int, int, int]
) -> tuple[Float[Tensor, "p 3"], Float[Tensor, "p"]]:
    """Return the shares of a triangle's corners at pixel centres, corrected for perspective, and the depth there."""
    _, height, width = size
    at = torch.stack([pixel % width, pixel // width % height], 1) + 0.5
    out = corners[..., :2] - at[:, None]
    (ax, ay), (bx, by), (cx, cy) = (v.unbind(1) for v in out.unbind(1))
    flat = torch.stack([bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay], 1)
    flat = (flat / flat.sum(1, keepdim=True)).clamp(0, 1)  # centres within the grown rim are drawn to the edge
    share = flat / corners[..., 2]
    total = share.sum(1, keepdim=True)
    return share / total, (flat.sum(1, keepdim=True) / total)[:, 0]
