"""Where the synthetic world comes from, on the command line: folders go in, a `World` comes out."""

import argparse
import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skelvid.body.load import load_body
from skelvid.errors import ConfigError
from train.lift.library import load_library
from train.synth.bare import BareActor
from train.synth.scenes import World
from train.synth.stock import Split, load_stock
from train.synth.world import Actor, held_out

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


@dataclass(frozen=True)
class Sources:
    """Folders that a world is made of.

    Attributes:
        motions: Motion libraries (`train.motion`); shares: how much comes from each, default all alike.
        panoramas, photos, tiles: See `train.synth.stock.load_stock`.
        people: Pack of `train.synth.subjects`; None = naked open bodies, for tests.
        wardrobe: Clothes, shoes and hair of MakeHuman.
    """

    motions: tuple[Path, ...]
    panoramas: tuple[Path, ...]
    photos: tuple[Path, ...]
    tiles: tuple[Path, ...]
    people: Path | None = None
    wardrobe: Path | None = None
    shares: tuple[float, ...] = ()


def make_world(sources: Sources, split: Split) -> World:
    """Read the sources; people, motions and places of the two splits have nothing in common.

    Raises:
        ConfigError: Something is missing.
    """
    _keep_memory()
    shares = sources.shares or (1.0,) * len(sources.motions)
    if len(shares) != len(sources.motions):
        raise ConfigError(f"{len(sources.motions)} motion libraries need as many shares, got {len(shares)}")
    library = load_library(sources.motions, split="train" if split == "train" else "val", shares=shares)
    stock = load_stock(panoramas=sources.panoramas, photos=sources.photos, tiles=sources.tiles, split=split)
    cast, bodies = _cast(sources)
    return World(cast, tuple(n for n in range(bodies) if held_out(n) == (split != "train")), bodies, library, stock)


def _keep_memory() -> None:
    """Tell glibc to keep large blocks that are freed: to ask for their pages again takes 5 % of the time."""
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def _cast(sources: Sources) -> tuple:
    if sources.people is None:
        body = load_body("open-neutral")
        known: dict[int, Actor] = {}
        return lambda number: known.setdefault(number, BareActor(body, number % 64)), 64
    if sources.wardrobe is None:
        raise ConfigError("people of a pack need a wardrobe to dress from")
    from train.synth.people import Cast  # anny and its friends are needed by this alone

    cast = Cast(sources.people, sources.wardrobe)
    return cast, len(cast)


def add_sources(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Add the options that `sources_of` reads."""
    for name, what in (
        ("motions", "motion libraries"),
        ("panoramas", "folders of .hdr panoramas"),
        ("photos", "folders of photographs without people"),
        ("tiles", "folders of contact sheets of tiles"),
    ):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=needed, help=what)
    parser.add_argument("--shares", type=float, nargs="+", default=(), help="how much comes from each motion library")
    parser.add_argument("--people", type=Path, help="pack of train.synth.subjects; without it, naked open bodies")
    parser.add_argument("--wardrobe", type=Path, help="folder of MakeHuman clothes, shoes and hair")


def sources_of(args: argparse.Namespace) -> Sources:
    """Return what the options say."""

    def folders(name: str) -> tuple[Path, ...]:
        found: Sequence[Path] = getattr(args, name)
        if missing := [str(path) for path in found if not path.is_dir()]:
            raise ConfigError(f"--{name}: no such folder: {', '.join(missing)}")
        return tuple(found)

    return Sources(
        folders("motions"), folders("panoramas"), folders("photos"), folders("tiles"),
        args.people, args.wardrobe, tuple(args.shares),
    )  # fmt: skip
