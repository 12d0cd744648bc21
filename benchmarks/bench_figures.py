"""Posing a dressed person: one blend of everything worn, against posing the skin and re-binding the clothes to it.

`python benchmarks/bench_figures.py --people PACK --wardrobe DIR`; a pack is made by `train.synth.subjects`.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from skelvid.datatypes.skel import SkelParams
from train.synth.people import Cast
from train.synth.pose import Figure

FIGURES, ROUNDS = 4, 15


def rebinding(figure: Figure) -> Callable[[SkelParams], torch.Tensor]:
    """Return the usual way: pose the body's skin, then place each other vertex by three skin vertices and an offset."""
    body, betas = figure.body, figure.betas

    def skin_at(q: torch.Tensor, trans_m: torch.Tensor) -> torch.Tensor:
        skin = body(SkelParams(q, betas, trans_m)).skin_m
        assert skin is not None
        return skin

    rest = skin_at(torch.zeros(46), torch.zeros(3))
    others = torch.cat([layer.rest_m for layer in figure.layers if layer.kind != "skin"])
    faces = torch.as_tensor(body.assets.skin_faces.astype("int64"))
    near = torch.cat([torch.cdist(part, rest[faces].mean(1)).argmin(1) for part in others.split(256)])
    corner = faces[near]

    def frames(skin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b, c = skin[corner].unbind(1)
        along = torch.nn.functional.normalize(b - a, dim=1)
        up = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1)
        return a, torch.stack([along, torch.linalg.cross(up, along), up], 2)

    origin, frame = frames(rest)
    local = (frame.mT @ (others - origin)[..., None])[..., 0]

    def pose(params: SkelParams) -> torch.Tensor:
        skin = skin_at(params.q[0], params.trans_m[0])
        place, turn = frames(skin)
        return torch.cat([skin, place + (turn @ local[..., None])[..., 0]])

    return pose


def milliseconds(run: Callable[[], object]) -> float:
    """Return the median time of a call, of the processor: other work on the machine does not count."""
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Time both ways on a few people."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=Path)
    parser.add_argument("--wardrobe", type=Path)
    args = parser.parse_args()
    if args.people is None or args.wardrobe is None:
        print("left out: needs --people (python -m train.synth.subjects) and --wardrobe (MakeHuman's clothes)")
        return
    torch.set_num_threads(1)
    cast = Cast(args.people, args.wardrobe)
    generator = torch.Generator().manual_seed(0)
    print("| person | vertices | whole person posed, ms | of which the blend, ms | re-binding, ms | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number in range(FIGURES):
        figure, q = cast(number), 0.4 * torch.randn(46, generator=generator)
        params = SkelParams(q[None], figure.betas, torch.zeros((1, 3)))
        whole = milliseconds(partial(figure.pose, q, torch.zeros(3)))
        blend = milliseconds(partial(figure.film, params))
        other = milliseconds(partial(rebinding(figure), params))
        count = sum(len(layer.rest_m) for layer in figure.layers)
        print(f"| {number} | {count} | {whole:.1f} | {blend:.1f} | {other:.1f} | {other / blend:.2f} |")


if __name__ == "__main__":
    main()
