"""Synthetic pictures: our rasteriser beside two others, and the whole way from seed to labelled picture, 256x192.

The others are a fixed 4x4 px window per triangle in torch, and OpenGL in software (moderngl on EGL, where installed:
`pip install moderngl`, llvmpipe). All times are CPU time of one core. Parts are the best of some rounds of the same few
pictures; the whole is two blocks as they are written, with the dressing of their people and the pictures that are drawn
anew, so it is more than the sum. Last, by the clock, what a training gets from two workers. Run by `make bench`, or:
python benchmarks/bench_synth.py [--motions ... --panoramas ... --photos ... --tiles ... --people ... --wardrobe ...]
Without sources, a small made-up world with naked people is drawn.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader

from tests.train.synth.worlds import make_sources
from train.synth.film import develop
from train.synth.movement import movement
from train.synth.options import add_sources, make_world, sources_of
from train.synth.raster import in_torch, rasterise
from train.synth.render import Renderer, screen_of
from train.synth.scenes import World
from train.synth.shots import Pack, pack
from train.synth.stream import BLOCK, TROUPE, SyntheticPeople, crops_of_block
from train.synth.studio import Studio
from train.synth.textures import Shelf

BATCH = 8
BLOCKS = 2
BATCHES = 3  # of each block, as a training takes them
CORES = 2


def seconds(run: Callable[[], Any], *, least: int = 3) -> float:
    """Return the CPU time of a call, the best of some."""
    run()
    times = []
    for _ in range(least):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def by_windows(
    screen: torch.Tensor, faces: torch.Tensor, picture: torch.Tensor, size: tuple[int, int, int]
) -> torch.Tensor:
    """Test 16 pixels of every triangle: the simplest micropolygon rasteriser. Larger triangles lose their rest."""
    corners = screen[faces]
    a, b, c = corners[..., :2].unbind(1)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    front = torch.nonzero((area < 0) & (corners[..., 2].amin(1) > 0.05))[:, 0]
    corners, area = corners[front], area[front]
    first = (corners[..., :2].amin(1) - 0.5).ceil()
    y, x = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    at = first[:, None] + torch.stack([x.flatten(), y.flatten()], 1) + 0.5
    out = corners[:, None, :, :2] - at[:, :, None]
    p, q, r = out.unbind(2)
    share = torch.stack([q[..., 0] * r[..., 1] - r[..., 0] * q[..., 1], r[..., 0] * p[..., 1] - p[..., 0] * r[..., 1],
                         p[..., 0] * q[..., 1] - q[..., 0] * p[..., 1]], -1) / area[:, None, None]  # fmt: skip
    near = (share / corners[:, None, :, 2]).sum(-1)
    inside = (share >= 0).all(-1) & (at > 0).all(-1) & (at < torch.tensor([size[2], size[1]])).all(-1)
    pixel = (picture[front, None] * size[1] + at[..., 1].long()) * size[2] + at[..., 0].long()
    value = (near.view(torch.int32).long() << 32) | front[:, None]
    key = torch.zeros(size[0] * size[1] * size[2], dtype=torch.int64)
    return key.scatter_reduce_(0, pixel[inside], value[inside], "amax")


def by_opengl(screen: torch.Tensor, surfaces: Pack, size: tuple[int, int, int]) -> Callable[[], np.ndarray] | None:
    """Return a call that draws triangle numbers by OpenGL and reads them back, or None without moderngl."""
    try:
        import moderngl  # pyright: ignore[reportMissingImports]

        context = moderngl.create_context(standalone=True, backend="egl")
    except Exception:  # whatever is missing: the library, EGL, a driver
        return None
    context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
    context.front_face = "cw"
    program = context.program(
        vertex_shader="""#version 330
            in vec3 at; uniform vec2 size;
            void main() { float n = 0.05; float f = 100.0;
                float depth = ((f + n) * at.z - 2.0 * f * n) / (f - n);
                gl_Position = vec4((at.xy / size * 2.0 - 1.0) * at.z, depth, at.z); }""",
        fragment_shader="""#version 330
            out uint number; void main() { number = uint(gl_PrimitiveID + 1); }""",
    )
    program["size"] = (size[2], size[1])
    wide = (size[2], size[1])
    targets = [
        context.framebuffer([context.texture(wide, 1, dtype="u4")], context.depth_renderbuffer(wide))
        for _ in range(size[0])
    ]
    owner = surfaces.picture[surfaces.surface]
    faces = [surfaces.faces[owner == i].int().numpy().tobytes() for i in range(size[0])]
    points = screen.numpy().tobytes()

    def draw() -> np.ndarray:
        buffer, out = context.buffer(points), []
        for target, own in zip(targets, faces, strict=True):
            index = context.buffer(own)
            array = context.vertex_array(program, [(buffer, "3f", "at")], index)
            target.use()
            target.clear()
            array.render()
            out.append(np.frombuffer(target.read(components=1, dtype="u4"), np.uint32))
            array.release()
            index.release()
        buffer.release()
        return np.stack(out)

    return draw


def compare(surfaces: Pack, screen: torch.Tensor, size: tuple[int, int, int], console: Console) -> None:
    """Print the rasterisers beside each other."""
    picture = surfaces.picture[surfaces.surface]
    ours = (
        seconds(lambda: rasterise(screen, surfaces.faces, picture, size=size, one_sided=surfaces.one_sided)) / size[0]
    )
    rivals = {
        "rows of pixels, torch (ours on a GPU)": seconds(
            lambda: in_torch(screen, surfaces.faces, picture, size=size, one_sided=surfaces.one_sided)
        )
        / size[0],
        "16 px window per triangle, torch": seconds(lambda: by_windows(screen, surfaces.faces, picture, size))
        / size[0],
    }
    opengl = by_opengl(screen, surfaces, size)
    if opengl:
        rivals["OpenGL in software, read back"] = seconds(opengl) / size[0]
    table = Table(
        "rasteriser", "ms a picture", "beside ours", title=f"{len(picture) // size[0]} triangles, {size[1]}x{size[2]}"
    )
    table.add_row("compiled loops (ours)", f"{1e3 * ours:.1f}", "1.0")
    for name, spent in rivals.items():
        table.add_row(name, f"{1e3 * spent:.1f}", f"{spent / ours:.1f}")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_sources(parser, needed=False)
    args = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        everybody = make_world(sources_of(args) if args.motions else make_sources(Path(folder)), "train")
    world = everybody.troupe((0,), TROUPE)
    everybody.cast(everybody.identities[-1])  # what is made once for all
    start = time.process_time()
    for number in world.identities:
        everybody.cast(number)
    dressing = (time.process_time() - start) / BLOCK
    renderer = Renderer()
    seeds = [(0, i) for i in range(BATCH)]
    takes = [world.crop(seed) for seed in seeds]
    shots = [take.shot for take in takes]
    surfaces = pack(shots, Shelf())
    height, width = shots[0].view.size_hw
    size = (BATCH, round(height * renderer.fine), round(width * renderer.fine))
    compare(surfaces, screen_of(surfaces, shots, size), size, console)

    drawn = renderer(shots)
    moving = [(i, take.shot.view, take.before) for i, take in enumerate(takes)]
    move = movement(drawn, moving)
    films, generator = [take.film for take in takes], torch.Generator()
    parts = {
        "scenes: people posed, rooms furnished": seconds(lambda: [world.crop(seed) for seed in seeds]),
        "drawing": seconds(lambda: renderer(shots)),
        "film": seconds(lambda: develop(drawn.light, films, move_px=move, generator=generator)),
    }
    whole = seconds(lambda: Studio(renderer)([world.crop(seed) for seed in seeds], seed=(0,)))
    table = Table("from seed to labelled picture", "ms", title="256x192, all on, one core")
    for name, spent in parts.items():
        table.add_row(name, f"{1e3 * spent / BATCH:.1f}")
    table.add_row("labels, movement and the rest", f"{1e3 * (whole - sum(parts.values())) / BATCH:.1f}")
    table.add_row(f"dressing, {TROUPE} people per {BLOCK} pictures", f"{1e3 * dressing:.1f}")
    start = time.process_time()
    for block in range(1, 1 + BLOCKS):
        for _ in crops_of_block(everybody, Studio(renderer), seed=0, block=block):
            pass
    all_s = (time.process_time() - start) / (BLOCKS * BLOCK)
    table.add_row(f"all, of {BLOCKS} whole blocks", f"{1e3 * all_s:.1f}")
    console.print(table, f"{CORES} cores: {CORES / all_s:.0f} pictures/s")
    console.print(f"{CORES} workers of a DataLoader, by the clock: {by_the_clock(everybody):.0f} pictures/s")


def by_the_clock(world: World) -> float:
    """Return how many pictures a second a training gets from a worker on each core, their first block apart."""
    people = SyntheticPeople(lambda: world, seed=1)
    feed = iter(DataLoader(people, BLOCK // BATCHES, num_workers=CORES, multiprocessing_context="fork"))
    for _ in range(CORES * BATCHES):
        next(feed)
    start = time.perf_counter()
    for _ in range(CORES * BATCHES * BLOCKS):
        next(feed)
    return CORES * BLOCK * BLOCKS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
