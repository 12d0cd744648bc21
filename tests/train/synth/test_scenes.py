from itertools import pairwise

import cv2
import numpy as np
import torch

from train.synth.labels import VISIBLE, Taken
from train.synth.options import make_world
from train.synth.render import Renderer
from train.synth.scenes import World
from train.synth.stream import SyntheticPeople, clip, seen
from train.synth.studio import Studio, through_codec
from train.synth.world import held_out


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(world):
    def take(seed):
        taken = Studio(Renderer())([world.crop((seed, i)) for i in range(2)], seed=(seed,))
        return [one.image.tobytes() + one.parts.tobytes() + one.labels["landmarks_px"].tobytes() for one in taken]

    assert take(1) == take(1)
    assert take(1)[0] != take(2)[0]


def test_crops_show_the_person(world):
    taken = Studio(Renderer())([world.crop((3, i)) for i in range(8)], seed=(3,))
    assert sum(seen(one) for one in taken) >= 6
    for one in taken:
        x0, y0, x1, y1 = one.labels["box_xyxy"]
        assert min(x1, 192) > max(x0, 0)
        assert min(y1, 256) > max(y0, 0)
        inside = one.labels["landmark_state"] == VISIBLE
        xy = one.labels["landmarks_px"][inside]
        assert (xy >= 0).all()
        assert (xy < [192, 256]).all()


def test_a_person_who_is_nearly_hidden_or_cut_off_does_not_count_as_seen():
    def taken(visible, occluded, outside):
        state = np.repeat([1, 2, 3], [visible, occluded, outside])
        return Taken(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8), {"landmark_state": state}, {})

    assert seen(taken(100, 100, 0))
    assert seen(taken(40, 40, 120))  # of what lies within the picture, half is seen
    assert not seen(taken(45, 155, 0))
    assert not seen(taken(5, 0, 195))


def test_people_and_places_held_out_are_not_seen_in_training(sources, world):
    held = make_world(sources, "held_out")
    assert not set(held.identities) & set(world.identities)
    assert all(held_out(n) for n in held.identities)
    assert not {id(p) for p in held.stock.photos} & {id(p) for p in world.stock.photos}
    assert len(held.library.weight) == 1
    assert len(world.library.weight) == 3
    for kind in ("photos", "panoramas", "tile_images"):
        mine, theirs = getattr(world.stock, kind), getattr(held.stock, kind)
        assert mine
        assert theirs
    assert not any(torch.equal(a, b) for a in world.stock.tile_images for b in held.stock.tile_images)


def test_a_troupe_is_a_few_of_the_world_in_new_clothes(world):
    troupe = world.troupe((4, 2), 5)
    assert len(troupe.identities) == 5
    assert {n % world.bodies for n in troupe.identities} <= set(world.identities)
    assert world.troupe((4, 2), 5).identities == troupe.identities != world.troupe((4, 3), 5).identities


def test_a_clip_moves_smoothly_and_keeps_its_person(world: World):
    taken = clip(world, Studio(Renderer(fine=1.0)), seed=0, number=1, frames=6, size_hw=(64, 48))
    assert len({one.labels["identity"] for one in taken}) == 1
    assert all(b.labels["time_s"] > a.labels["time_s"] for a, b in pairwise(taken))
    q = np.stack([one.labels["q"][3:] for one in taken])
    assert np.abs(np.diff(q, axis=0)).max() < 0.5
    assert np.abs(q[-1] - q[0]).max() > 0.01


def test_the_stream_is_endless_and_starts_the_same_each_time(world):
    once, again = (next(iter(SyntheticPeople(lambda: world, seed=2, fine=1.0))) for _ in range(2))
    assert torch.equal(once["image"], again["image"])
    assert once["image"].shape == (3, 256, 192)
    assert once["q"].shape == (46,)
    assert once["landmark_state"].dtype == torch.uint8


def test_the_codec_gives_the_same_bytes_each_time():
    rng = np.random.default_rng(0)
    film = [cv2.GaussianBlur(rng.integers(0, 255, (256, 192, 3), dtype=np.uint8), (0, 0), 3) for _ in range(24)]
    assert len({b"".join(f.tobytes() for f in through_codec(film, rate_hz=30, quality=30)) for _ in range(8)}) == 1


def test_the_codec_keeps_the_number_of_frames_and_loses_detail_with_quality():
    rng = np.random.default_rng(0)
    film = [np.ascontiguousarray(rng.integers(0, 255, (64, 48, 3), dtype=np.uint8)) for _ in range(4)]
    good, bad = (through_codec(film, rate_hz=30, quality=quality) for quality in (10, 45))

    def miss(frames):
        return np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(frames, film, strict=True)])

    assert miss(good) < miss(bad)
