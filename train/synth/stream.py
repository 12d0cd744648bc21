"""Endless training data: a seed goes in; labelled pictures come out, the same for the same seed.

Pictures come in blocks. Those of a block share a few people, since dressing one takes longer than drawing many
pictures; blocks are dealt to workers in turn, and a block's seed is all it depends on.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from skelvid.body.dofs import JOINT_NAMES
from train.synth.labels import OUTSIDE, VISIBLE, Taken
from train.synth.render import Renderer
from train.synth.scenes import World
from train.synth.studio import Studio, through_codec

TROUPE, BLOCK, BATCH = 6, 120, 8
# Of whom fewer joints, or less of what lies within the picture, can be seen, little can be learnt. Usual are 36 to
# 60 %, since half of the skin always faces away; wide skirts hide more.
_LEAST_JOINTS, _LEAST_SEEN = 6, 0.25
_CLIP_RATE_HZ = 30


def crops_of_block(world: World, studio: Studio, *, seed: int, block: int, count: int = BLOCK) -> Iterator[Taken]:
    """Draw one block of single pictures; those in which the person is hidden are left out and made up for."""
    world, start = world.troupe((seed, block), TROUPE), 0
    while count:
        takes = [world.crop((seed, block, i)) for i in range(start, start + min(BATCH, count))]
        for taken in filter(seen, studio(takes, seed=(seed, block, start))):
            yield taken
            count -= 1
        start += len(takes)


def clip(world: World, studio: Studio, *, seed: int, number: int, frames: int, size_hw: tuple[int, int]) -> list[Taken]:
    """Draw one film, as H.264 leaves it; half of them follow the person, half are the whole picture."""
    rng = np.random.default_rng((seed, number, 7))
    world = world.troupe((seed, number), 3)
    takes = world.clip((seed, number), frames=frames, size_hw=size_hw)
    out: list[Taken] = []
    for start in range(0, frames, BATCH):
        out += studio(takes[start : start + BATCH], seed=(seed, number, start))
    images = through_codec([taken.image for taken in out], rate_hz=_CLIP_RATE_HZ, quality=int(rng.integers(18, 38)))
    return [
        Taken(image, taken.parts, taken.labels, taken.notes) for image, taken in zip(images, out, strict=True)
    ]  # fmt: skip


def seen(taken: Taken) -> bool:
    """Say whether enough of the person can be seen."""
    state = np.asarray(taken.labels["landmark_state"])
    visible = state == VISIBLE
    if visible[: len(JOINT_NAMES)].sum() < _LEAST_JOINTS:
        return False
    return bool(visible.sum() >= _LEAST_SEEN * (state != OUTSIDE).sum())


class SyntheticPeople(IterableDataset[dict[str, Tensor]]):
    """Pictures without end, as dicts of tensors.

    `image` is uint8 `3 h w`, `parts` uint8 `h w`; the others are the numeric labels of the training format.

    Args:
        make_world: Reads the sources; called once in each worker, since they are large.
        seed: The same seed, the same pictures in each block.
        fine: Samples per pixel and side.
    """

    def __init__(self, make_world: Callable[[], World], *, seed: int, fine: float = 1.5) -> None:
        self._make_world, self._seed, self._fine = make_world, seed, fine

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        block, step = (worker.id, worker.num_workers) if worker else (0, 1)
        world, studio = self._make_world(), Studio(Renderer(fine=self._fine))
        while True:
            for taken in crops_of_block(world, studio, seed=self._seed, block=block):
                yield as_tensors(taken)
            block += step


def as_tensors(taken: Taken) -> dict[str, Tensor]:
    """Return a picture and its numeric labels as tensors."""
    labels = {name: torch.as_tensor(np.asarray(v)) for name, v in taken.labels.items() if not isinstance(v, str)}
    return labels | {
        "image": torch.as_tensor(taken.image).movedim(2, 0).contiguous(),
        "parts": torch.as_tensor(taken.parts),
    }
