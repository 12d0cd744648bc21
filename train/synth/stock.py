"""Pictures that scenes are made of: folders go in; panoramas with their light, photographs and tiles come out.

Each folder's files are split for good: those of the held-out scenes never appear in training.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import interpolate

from skelvid.errors import ConfigError
from train.synth.light import Light, light_of, read_panorama
from train.synth.textures import TexturePool, make_pool, to_linear, to_srgb

Split = Literal["train", "held_out"]
_T = TypeVar("_T")
FLOORS = ("Asphalt", "Carpet", "Concrete", "Tiles", "WoodFloor", "PavingStones", "Plaster", "Wood")
GROUNDS = ("Asphalt", "Carpet", "Concrete", "Grass", "Plaster")  # without joints that panoramas would contradict
WALLS = ("Plaster", "Wallpaper", "Concrete", "Bricks", "Tiles")
# Contact sheets hold tiles of 128 px, seven to a row, each over its caption.
_TILE_PX, _ACROSS_PX, _DOWN_PX, _MARGIN_PX = 128, 144, 176, 16
_LARGEST_PX = 640
# One in this many of the panoramas, photographs and tiles is held out.
_HELD_OUT = 6


@dataclass(frozen=True)
class Stock:
    """What scenes are made of.

    Attributes:
        panoramas: Each as `1 3 h w` (seam repeated on the right) with its light.
        photos: `1 3 h w` linear light; pictures: the same, `h w 4` and smaller, to hang on walls.
        tiles: All tiles, by number; floors, grounds, walls, cloths: numbers of those that fit.
        tile_images: `128 128 4` the tiles themselves.
    """

    panoramas: tuple[tuple[Float[Tensor, "1 3 _ _"], Light], ...]
    photos: tuple[Float[Tensor, "1 3 _ _"], ...]
    pictures: tuple[UInt8[Tensor, "_ _ 4"], ...]
    tiles: TexturePool
    floors: tuple[int, ...]
    grounds: tuple[int, ...]
    walls: tuple[int, ...]
    cloths: tuple[int, ...]
    tile_images: tuple[UInt8[Tensor, "128 128 4"], ...]


def load_stock(*, panoramas: Iterable[Path], photos: Iterable[Path], tiles: Iterable[Path], split: Split) -> Stock:
    """Read what scenes are made of.

    Args:
        panoramas: Folders of `.hdr` files; of the same name in several, the first counts.
        photos: Folders of photographs without people.
        tiles: Folders of contact sheets, whose names (`FLOORS`, `GROUNDS`, `WALLS`, `Fabric`) tell what they are for.
        split: Which share of each.

    Raises:
        ConfigError: A kind is missing altogether.
    """
    hdr = {path.stem: path for folder in reversed(list(panoramas)) for path in sorted(folder.glob("*.hdr"))}
    maps = [_panorama(hdr[name]) for name in _split(sorted(hdr), split)]
    jpg = [path for folder in photos for path in sorted(folder.glob("*.jpg"))]
    views = [_photo(path) for path in _split(jpg, split)]
    sheets = {path.stem: path for folder in tiles for path in sorted(folder.glob("*.webp"))}
    images: list[Tensor] = []
    numbers: dict[str, list[int]] = {}
    for name, path in sheets.items():
        own = _split(_cut(path), split)
        numbers[name] = list(range(len(images), len(images) + len(own)))
        images += own
    if not (maps and views and images):
        raise ConfigError("scenes need folders of panoramas (.hdr), photographs (.jpg) and tiles (.webp)")

    def pick(names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(number for name in names for number in numbers.get(name, []))

    pool = make_pool(images)
    pictures = tuple(_picture(view) for view in views)
    kinds = (pick(FLOORS), pick(GROUNDS), pick(WALLS), pick(("Fabric",)))
    return Stock(tuple(maps), tuple(views), pictures, pool, *kinds, tuple(images))


def _split(items: list[_T], split: Split) -> list[_T]:
    """Every sixth is held out, and of few at least the last."""
    held = set(range(_HELD_OUT - 1, len(items), _HELD_OUT)) or {len(items) - 1}
    return [item for i, item in enumerate(items) if (i in held) == (split == "held_out")]


def _panorama(path: Path) -> tuple[Tensor, Light]:
    image = read_panorama(path)
    closed = torch.cat([image, image[:, :1]], 1)
    return closed.movedim(2, 0)[None].contiguous(), light_of(image)


def _photo(path: Path) -> Tensor:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ConfigError(f"{path} cannot be read")
    scale = min(1.0, _LARGEST_PX / max(image.shape[:2]))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return to_linear(torch.as_tensor(image[..., ::-1].astype(np.float32) / 255).movedim(2, 0)[None]).contiguous()


def _picture(photo: Tensor) -> Tensor:
    small = to_srgb(interpolate(photo, (128, 128), mode="area"))[0].movedim(0, 2)
    return torch.cat([(small * 255).round().to(torch.uint8), torch.full((128, 128, 1), 255, dtype=torch.uint8)], 2)


def _cut(path: Path) -> list[UInt8[Tensor, "128 128 4"]]:
    """Cut a contact sheet into its tiles."""
    sheet = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if sheet is None:
        raise ConfigError(f"{path} cannot be read")
    out = []
    for top in range(_MARGIN_PX, sheet.shape[0] - _TILE_PX + 1, _DOWN_PX):
        for left in range(_MARGIN_PX, sheet.shape[1] - _TILE_PX + 1, _ACROSS_PX):
            tile = sheet[top : top + _TILE_PX, left : left + _TILE_PX, ::-1]
            if tile.min() < 250:  # else the sheet ends here
                image = np.full((_TILE_PX, _TILE_PX, 4), 255, np.uint8)
                image[..., :3] = tile
                out.append(torch.as_tensor(image))
    return out
