"""Scenes: a seed goes in; who does what where, seen how, comes out, not yet drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.model import SkelBody
from train.lift.library import Library
from train.synth import props
from train.synth.film import Film, draw_film
from train.synth.labels import Root, person_box
from train.synth.motions import Moves, draw_moves
from train.synth.movement import Before, before
from train.synth.rooms import Stage, draw_stage
from train.synth.seats import seat
from train.synth.shots import SUBJECT, Shot, Thing
from train.synth.stock import Stock
from train.synth.views import View, draw_lens, draw_views
from train.synth.world import Actor, Material, Person, Surface

Seed = tuple[int, ...]
_BYSTANDERS, _AIDS = 0.3, 0.1
# Of a person's own box: how much is added around it, and how far it is put off, as detectors do.
_MARGIN, _SHIFT = (1.05, 1.5), 0.07
_PARTIAL, _FRAMED = 0.15, 0.3
# How far flesh and clothes reach from joint centres; from how near bystanders cast shadows that can be seen.
_FLESH_M, _SHADOW_M = 0.4, 1.2


@dataclass(frozen=True)
class Take:
    """One picture to be drawn, and what its labels need.

    Attributes:
        shot, film: What to draw and how to film it.
        person: The labelled one; body, root: theirs; contact: `4`.
        before: The moment before.
        frame: What the camera took, x0 y0 x1 y1 in px of the picture; beyond it the picture is black. None = all.
        time_s, index: When, and which frame of its clip. motion: Number of the clip of motion.
        place: Kind of place.
    """

    shot: Shot
    film: Film
    person: Person
    body: SkelBody
    root: Root
    contact: Tensor
    before: Before
    frame: tuple[float, float, float, float] | None
    time_s: float
    index: int
    motion: int
    place: str


@dataclass(frozen=True)
class World:
    """All that scenes are drawn from.

    Attributes:
        cast: A person for a number, the same for the same; numbers that differ by a multiple of `bodies` are one body
            in other clothes.
        identities: The numbers that may appear.
        library: What they do. stock: Where.
    """

    cast: Callable[[int], Actor]
    identities: Sequence[int]
    bodies: int
    library: Library
    stock: Stock

    def troupe(self, seed: Seed, size: int) -> "World":
        """Return the same world with only a few people in it, newly dressed."""
        rng = np.random.default_rng((*seed, 3))
        bodies = rng.choice(self.identities, min(size, len(self.identities)), replace=False)
        return replace(self, identities=tuple(int(n + self.bodies * rng.integers(100_000)) for n in bodies))

    @torch.inference_mode()
    def crop(self, seed: Seed, size_hw: tuple[int, int] = (256, 192)) -> Take:
        """Draw a picture cut out around a person."""
        scene = self._scene(seed, frames=3)
        person, rng = scene.pose(1), np.random.default_rng((*seed, 1))
        box = _crop_box(person, scene.views[1], rng, size_hw)
        take = scene.take(1, person, lambda view: view.cut(box, size_hw))
        frame = None
        if rng.uniform() < _FRAMED:
            scale = size_hw[0] / (box[3] - box[1])
            h, w = scene.views[1].size_hw
            frame = ((-box[0]) * scale, (-box[1]) * scale, (w - box[0]) * scale, (h - box[1]) * scale)
        return replace(take, frame=frame)

    @torch.inference_mode()
    def clip(self, seed: Seed, *, frames: int, size_hw: tuple[int, int]) -> list[Take]:
        """Draw the frames of a film; the camera's whole picture, cut to a shape."""
        scene = self._scene(seed, frames=frames + 1)
        return [scene.take(i, scene.pose(i), lambda view: _whole(view, size_hw)) for i in range(1, frames + 1)]

    def _scene(self, seed: Seed, *, frames: int) -> "_Scene":
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        actor = self._someone(rng)
        moves = draw_moves(self.library, actor.body, actor.betas, frames=frames, generator=generator)
        moves = moves.moved(_sole(actor))
        path = moves.joints_m[:, 0]
        lens = draw_lens(rng)
        views = draw_views(path, moves.time_s, rng, lens)
        eyes = torch.stack([view.position_m for view in views])
        others: list[tuple[Actor, Moves]] = []
        while rng.uniform() < _BYSTANDERS and len(others) < 3:
            other = self._someone(rng)
            theirs = draw_moves(self.library, other.body, other.betas, frames=frames, generator=generator)
            turn, away = rng.uniform(0, 6.28), rng.uniform(0.6, 3.0)
            place = torch.tensor([away * np.sin(turn), 0.0, away * np.cos(turn)], dtype=torch.float32)
            if (eyes[:, [0, 2]] - place[[0, 2]]).norm(dim=1).min() < 0.9:
                continue
            others.append((other, theirs.moved(_sole(other) + place)))
        around = torch.cat([path, *(moves.joints_m[:, 0] for _, moves in others)])
        stage = draw_stage(self.stock, around, eyes, rng, sight_rad=views[0].sight_rad)
        cast = [(actor, moves), *others]
        seats = [surface for who, theirs in cast for surface in seat(self.stock, who, theirs, frames // 2, rng)]
        stage = replace(stage, surfaces=(*stage.surfaces, *seats))
        aid = str(rng.choice(["crutch", "crutches", "walker"])) if rng.uniform() < _AIDS else ""
        return _Scene(actor, moves, others, views, stage, draw_film(rng), aid)

    def _someone(self, rng: np.random.Generator) -> Actor:
        return self.cast(self.identities[int(rng.integers(len(self.identities)))])


@dataclass(frozen=True)
class _Scene:
    """A scene over time."""

    actor: Actor
    moves: Moves
    others: list[tuple[Actor, Moves]]
    views: list[View]
    stage: Stage
    film: Film
    aid: str

    def pose(self, i: int) -> Person:
        """Return the labelled person in frame i."""
        return self.actor.pose(self.moves.params.q[i], self.moves.params.trans_m[i])

    def take(self, i: int, person: Person, cut: Callable[[View], View]) -> Take:
        """Return frame i with its `pose`; cut: makes the picture's view of the camera's."""
        now, then = cut(self.views[i]), cut(self.views[i - 1])
        things = [Thing(surface, SUBJECT) for surface in person.surfaces]
        for number, (actor, moves) in enumerate(self.others, SUBJECT + 1):
            if _matters(moves.joints_m[i], person, now):
                other = actor.pose(moves.params.q[i], moves.params.trans_m[i])
                things += [Thing(surface, number) for surface in other.surfaces]
        things += [Thing(surface, 0) for surface in (*self.stage.surfaces, *_aid(self.aid, person))]
        was = before(self.moves, i, then)
        root = Root(
            self.moves.joints_m[i, 0], self.moves.joint_rot[i, 0], self.moves.rest_joints_m[0], self.moves.rest_rot[0]
        )
        focus = person.joints_m.mean(0)
        shot = Shot(tuple(things), now, self.stage.backdrop, self.stage.light, focus)
        return Take(
            shot, self.film, person, self.actor.body, root, self.moves.contact[i], was, None,
            float(self.moves.time_s[i]), i, self.moves.motion, self.stage.kind,
        )  # fmt: skip


def _sole(actor: Actor) -> Float[Tensor, "3"]:
    return torch.tensor([0.0, actor.looks.sole_m, 0.0])


def _matters(joints_m: Float[Tensor, "24 3"], person: Person, view: View) -> bool:
    """Say whether a bystander may be seen, or is so near that his shadow may."""
    at = view.project(joints_m)
    if at[:, 2].min() < _FLESH_M or (joints_m - person.joints_m)[0, [0, 2]].norm() < _SHADOW_M:
        return True
    flesh_px = _FLESH_M * view.focal_px / at[:, 2]
    size = at.new_tensor([view.size_hw[1], view.size_hw[0]])
    low, high = (at[:, :2] - flesh_px[:, None]).amin(0), (at[:, :2] + flesh_px[:, None]).amax(0)
    return bool((high > 0).all() and (low < size).all())


def _whole(view: View, size_hw: tuple[int, int]) -> View:
    """Return the largest part of a picture that has a size's shape, scaled to it."""
    h, w = view.size_hw
    scale = min(h / size_hw[0], w / size_hw[1])
    half = (size_hw[1] * scale / 2, size_hw[0] * scale / 2)
    return view.cut((w / 2 - half[0], h / 2 - half[1], w / 2 + half[0], h / 2 + half[1]), size_hw)


def _crop_box(
    person: Person, view: View, rng: np.random.Generator, size_hw: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return a box around the person, of a size's shape; sometimes around a part only."""
    x0, y0, x1, y1 = person_box(person, view).tolist()
    # Of someone close by, much may lie far outside.
    h, w = view.size_hw
    x0, x1 = max(x0, -0.3 * w), min(x1, 1.3 * w)
    y0, y1 = max(y0, -0.3 * h), min(y1, 1.3 * h)
    if rng.uniform() < _PARTIAL:
        low = rng.uniform(0, 0.5)
        y0, y1 = y0 + low * (y1 - y0), y0 + min(1.0, low + rng.uniform(0.45, 0.8)) * (y1 - y0)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    tall = max(y1 - y0, (x1 - x0) * size_hw[0] / size_hw[1], 24.0) * rng.uniform(*_MARGIN)
    middle += rng.normal(0, _SHIFT, 2) * tall
    wide = tall * size_hw[1] / size_hw[0]
    return (middle[0] - wide / 2, middle[1] - tall / 2, middle[0] + wide / 2, middle[1] + tall / 2)


def _aid(kind: str, person: Person) -> tuple[Surface, ...]:
    """Return what a person walks with, in or under the hands."""
    if not kind:
        return ()
    grey = torch.full((4, 4, 4), 255, dtype=torch.uint8)
    grey[..., :3] = torch.tensor([150, 152, 156], dtype=torch.uint8)
    hand = {side: person.joints_m[JOINT_INDEX[f"hand_{side}"]] for side in "rl"}
    if kind == "walker":
        middle = (hand["r"] + hand["l"]) / 2
        across = hand["l"] - hand["r"]
        turn = float(torch.atan2(-across[2], across[0]))
        mesh = props.moved(props.walker(), turn_rad=turn, to_m=(float(middle[0]), 0.0, float(middle[2])))
    else:
        sides = "rl" if kind == "crutches" else "r"
        meshes = []
        for side in sides:
            elbow = person.joints_m[JOINT_INDEX[f"ulna_{side}"]]
            out = person.joints_m[JOINT_INDEX[f"calcn_{side}"]] - person.joints_m[0]
            meshes.append(props.crutch(hand[side], elbow, hand[side] + 0.3 * out * out.new_tensor([1.0, 0.0, 1.0])))
        mesh = props.join(meshes)
    return (props.coloured(mesh, grey, material=Material(roughness=0.3, specular=0.3), kind=kind),)
